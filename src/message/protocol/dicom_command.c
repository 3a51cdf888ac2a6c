/*
** dicom_command.c - a DIMSE command set (PS3.7 section 9.3 and annex E): what it is, what it answers, and what it says.
*/
#include "message/protocol/dicom_command.h"

/* PS3.7 table E.1-1. */
enum { RESPONSE = 0x8000, CANCEL = 0x0fff };
static const struct {
    uint16_t field;
    const char *kind, *name;
} commands[] = {{0x0001, "c_store_rq", "C-STORE-RQ"},
                {0x8001, "c_store_rsp", "C-STORE-RSP"},
                {0x0010, "c_get_rq", "C-GET-RQ"},
                {0x8010, "c_get_rsp", "C-GET-RSP"},
                {0x0020, "c_find_rq", "C-FIND-RQ"},
                {0x8020, "c_find_rsp", "C-FIND-RSP"},
                {0x0021, "c_move_rq", "C-MOVE-RQ"},
                {0x8021, "c_move_rsp", "C-MOVE-RSP"},
                {0x0030, "c_echo_rq", "C-ECHO-RQ"},
                {0x8030, "c_echo_rsp", "C-ECHO-RSP"},
                {0x0100, "n_event_report_rq", "N-EVENT-REPORT-RQ"},
                {0x8100, "n_event_report_rsp", "N-EVENT-REPORT-RSP"},
                {0x0110, "n_get_rq", "N-GET-RQ"},
                {0x8110, "n_get_rsp", "N-GET-RSP"},
                {0x0120, "n_set_rq", "N-SET-RQ"},
                {0x8120, "n_set_rsp", "N-SET-RSP"},
                {0x0130, "n_action_rq", "N-ACTION-RQ"},
                {0x8130, "n_action_rsp", "N-ACTION-RSP"},
                {0x0140, "n_create_rq", "N-CREATE-RQ"},
                {0x8140, "n_create_rsp", "N-CREATE-RSP"},
                {0x0150, "n_delete_rq", "N-DELETE-RQ"},
                {0x8150, "n_delete_rsp", "N-DELETE-RSP"},
                {CANCEL, "c_cancel_rq", "C-CANCEL-RQ"}};
enum { COMMANDS = sizeof commands / sizeof *commands };

/* PS3.6 annex A: the services that are met most, without the root of all of them. */
static const struct {
    const char *uid, *name;
} classes[] = {{"1.1", "Verification"},
               {"1.20.1", "Storage Commitment"},
               {"3.1.2.3.3", "Modality Performed Procedure Step"},
               {"5.1.1.9", "Basic Grayscale Print Management"},
               {"5.1.4.1.1.1", "Computed Radiography Image"},
               {"5.1.4.1.1.1.1", "Digital X-Ray Image"},
               {"5.1.4.1.1.2", "CT Image"},
               {"5.1.4.1.1.2.1", "Enhanced CT Image"},
               {"5.1.4.1.1.3.1", "Ultrasound Multi-frame Image"},
               {"5.1.4.1.1.4", "MR Image"},
               {"5.1.4.1.1.4.1", "Enhanced MR Image"},
               {"5.1.4.1.1.6.1", "Ultrasound Image"},
               {"5.1.4.1.1.7", "Secondary Capture Image"},
               {"5.1.4.1.1.12.1", "X-Ray Angiographic Image"},
               {"5.1.4.1.1.20", "Nuclear Medicine Image"},
               {"5.1.4.1.1.88.11", "Basic Text SR"},
               {"5.1.4.1.1.104.1", "Encapsulated PDF"},
               {"5.1.4.1.1.128", "Positron Emission Tomography Image"},
               {"5.1.4.1.1.481.5", "RT Plan"},
               {"5.1.4.1.2.1.1", "Patient Root Query/Retrieve - FIND"},
               {"5.1.4.1.2.1.2", "Patient Root Query/Retrieve - MOVE"},
               {"5.1.4.1.2.1.3", "Patient Root Query/Retrieve - GET"},
               {"5.1.4.1.2.2.1", "Study Root Query/Retrieve - FIND"},
               {"5.1.4.1.2.2.2", "Study Root Query/Retrieve - MOVE"},
               {"5.1.4.1.2.2.3", "Study Root Query/Retrieve - GET"},
               {"5.1.4.31", "Modality Worklist"}};
enum { CLASSES = sizeof classes / sizeof *classes };

/* The next element of a command: group 0000, implicit VR, little-endian (PS3.7 section 6.3.1). */
static bool next_element(tl_span *in, unsigned *element, tl_span *value)
{
    if (in->n < 8 || tl_le16(in->p) != 0) return false;
    *element = tl_le16(in->p + 2);
    uint32_t n = tl_le32(in->p + 4);
    (void)tl_take(in, 8);
    if (n > in->n) return false;
    *value = tl_take(in, n);
    return true;
}

static void take_number(tl_span value, uint16_t *out, bool *has)
{
    *has = value.n == 2;
    if (*has) *out = tl_le16(value.p);
}

static int32_t count_of(tl_span value)
{
    return value.n == 2 ? tl_le16(value.p) : -1;
}

/* UIDs and titles are padded to even length. */
tl_span tl_dicom_unpadded(tl_span s)
{
    while (s.n > 0 && (s.p[s.n - 1] == 0 || s.p[s.n - 1] == ' ')) s.n--;
    while (s.n > 0 && s.p[0] == ' ') (void)tl_take(&s, 1);
    return s;
}

struct tl_dicom_command tl_dicom_command_read(tl_span in)
{
    struct tl_dicom_command c = {.from = -1, .remaining = -1, .completed = -1, .failed = -1, .warned = -1};
    unsigned element;
    tl_span value;
    bool has_field = false;
    while (next_element(&in, &element, &value)) {
        switch (element) {
        case 0x0002:
        case 0x0003: c.sop_class = tl_dicom_unpadded(value); break;
        case 0x0100: take_number(value, &c.field, &has_field); break;
        case 0x0110: take_number(value, &c.id, &c.has_id); break;
        case 0x0120: take_number(value, &c.answers, &c.has_answers); break;
        case 0x0600: c.destination = tl_dicom_unpadded(value); break;
        case 0x0700: take_number(value, &c.priority, &c.has_priority); break;
        case 0x0800: take_number(value, &c.data_set, &c.has_data_set); break;
        case 0x0900: take_number(value, &c.status, &c.has_status); break;
        case 0x1000:
        case 0x1001: c.instance = tl_dicom_unpadded(value); break;
        case 0x1020: c.remaining = count_of(value); break;
        case 0x1021: c.completed = count_of(value); break;
        case 0x1022: c.failed = count_of(value); break;
        case 0x1023: c.warned = count_of(value); break;
        case 0x1030: c.originator = tl_dicom_unpadded(value); break;
        default: break;
        }
    }
    for (int i = 0; has_field && i < (int)COMMANDS; i++)
        if (commands[i].field == c.field) c.from = i;
    return c;
}

static bool pending(uint16_t status)
{
    return status == 0xff00 || status == 0xff01;
}

tl_verdict tl_dicom_command_verdict(tl_verdict v, const struct tl_dicom_command *c)
{
    v.kind = c->from >= 0 ? commands[c->from].kind : "command";
    if (c->from < 0 || c->field == CANCEL) return v;
    if (c->field & RESPONSE) {
        if (!c->has_answers) return v;
        return tl_with_id(tl_as(v, c->has_status && pending(c->status) ? TL_INTERIM : TL_RESPONSE, 0), c->answers);
    }
    return c->has_id ? tl_with_id(tl_as(v, TL_REQUEST, 0), c->id) : v;
}

static const tl_word statuses[] = {{0x0000, "Success"},
                                   {0x0110, "Processing failure"},
                                   {0x0111, "Duplicate SOP instance"},
                                   {0x0112, "No such SOP instance"},
                                   {0x0117, "Invalid SOP instance"},
                                   {0x0122, "SOP class not supported"},
                                   {0x0124, "Not authorized"},
                                   {0x0210, "Duplicate invocation"},
                                   {0x0211, "Unrecognized operation"},
                                   {0xa700, "Out of resources"},
                                   {0xa701, "Out of resources"},
                                   {0xa702, "Out of resources"},
                                   {0xa801, "Move destination unknown"},
                                   {0xa900, "Data set does not match SOP class"},
                                   {0xb000, "Warning"},
                                   {0xfe00, "Cancel"},
                                   {0xff00, "Pending"},
                                   {0xff01, "Pending"},
                                   {0, NULL}};

static const char *class_name(tl_span uid)
{
    static const char root[] = "1.2.840.10008.";
    if (!tl_begins(uid, root)) return NULL;
    (void)tl_take(&uid, sizeof root - 1);
    for (int i = 0; i < (int)CLASSES; i++)
        if (uid.n == strlen(classes[i].uid) && memcmp(uid.p, classes[i].uid, uid.n) == 0) return classes[i].name;
    return NULL;
}

void tl_dicom_command_label(tl_label *l, const struct tl_dicom_command *c)
{
    const char *name = class_name(c->sop_class);
    tl_label_add(l, name != NULL ? tl_text_span(name) : c->sop_class);
    if (!c->has_status || !(c->field & RESPONSE)) return;
    const char *word = tl_word_of(statuses, c->status);
    if (l->n > 0) tl_label_more(l, tl_text_span(","));
    if (word != NULL) {
        tl_label_add(l, tl_text_span(word));
        return;
    }
    tl_label_add(l, tl_text_span("0x"));
    tl_label_hex(l, c->status, 4);
}

static void some_number(tl_text *json, const char *name, bool has, int64_t value)
{
    if (has) tl_json_number(json, name, value);
}

void tl_dicom_command_describe(const struct tl_dicom_command *c, tl_text *json)
{
    if (c->from >= 0) tl_json_text(json, "command", commands[c->from].name);
    some_number(json, "message_id", c->has_id, c->id);
    some_number(json, "responded_message_id", c->has_answers, c->answers);
    tl_json_some(json, "sop_class_uid", c->sop_class, 64);
    if (class_name(c->sop_class) != NULL) tl_json_text(json, "sop_class", class_name(c->sop_class));
    tl_json_some(json, "sop_instance_uid", c->instance, 64);
    some_number(json, "priority", c->has_priority, c->priority);
    some_number(json, "status", c->has_status, c->status);
    some_number(json, "data_set", c->has_data_set, c->data_set != TL_DICOM_NO_DATA_SET);
    tl_json_some(json, "move_destination", c->destination, 16);
    tl_json_some(json, "move_originator", c->originator, 16);
    some_number(json, "remaining", c->remaining >= 0, c->remaining);
    some_number(json, "completed", c->completed >= 0, c->completed);
    some_number(json, "failed", c->failed >= 0, c->failed);
    some_number(json, "warnings", c->warned >= 0, c->warned);
}
