/*
** dicom.c - the DICOM upper layer over TCP (PS3.8 section 9.3) and the DIMSE messages it carries (PS3.7 section 9.3 and annex E).
**
**     type 1  0  length 4    01 A-ASSOCIATE-RQ, 02 -AC, 03 -RJ, 04 P-DATA-TF, 05 A-RELEASE-RQ, 06 -RP, 07 A-ABORT
**     P-DATA-TF holds values: length 4, presentation context 1 (odd), control 1 (1: of a command; 2: its last fragment), bytes
**
** An association's PDUs are messages of one frame.  A DIMSE message is the values of its command and then of its data set, however many
** PDUs they came in: a frame is one value, with the PDU's header where the PDU begins with it.  So an image of many PDUs is one message,
** and what is missing from it is counted.
** Whether a data set follows the command stands in the command (0000,0800).  A command that does not say so because it came in fragments
** ends with its last one; where a hole cut it, it is left open for a data set.  Values of a data set whose command was lost are a message
** "data".
** A response names its request by message id, pending ones leave it open; association and release have ids of their own.  C-CANCEL-RQ
** and A-ABORT answer nothing.
** It does not read data sets, nor keep the presentation contexts, and shows nothing of user identities.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 6,
    VALUE = 6,     /* a value's length, context and control */
    ITEMS = 74,    /* where an association's items begin */
    BEGIN = 78,    /* with the head of the first one */
    SHOWN = 4096,  /* of an association */
    COMMAND = 1024 /* of a command: they are some hundred bytes */
};
enum { ASSOCIATE_MAX = 1 << 20, DATA_MAX = 1 << 30 }; /* what length is believed */
enum type { ASSOCIATE_RQ = 1, ASSOCIATE_AC, ASSOCIATE_RJ, P_DATA, RELEASE_RQ, RELEASE_RP, ABORT };
enum { OF_COMMAND = 1, LAST = 2 };                     /* control */
enum { ASSOCIATE_ID = 1 << 16, RELEASE_ID = 1 << 17 }; /* message ids have 16 bits */

static const char *const kinds[] = {"", "associate_rq", "associate_ac", "associate_rj", "data", "release_rq", "release_rp", "abort"};
static const char *const pdus[] = {"",          "A-ASSOCIATE-RQ", "A-ASSOCIATE-AC", "A-ASSOCIATE-RJ",
                                   "P-DATA-TF", "A-RELEASE-RQ",   "A-RELEASE-RP",   "A-ABORT"};

/* PS3.7 table E.1-1. */
enum { RESPONSE = 0x8000, CANCEL = 0x0fff, NO_DATA_SET = 0x0101 };
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

struct dicom {
    uint32_t left[2];   /* by direction: bytes of the PDU behind the values taken so far */
    uint8_t open[2];    /* enum open */
    uint8_t follows[2]; /* enum follows: of the command in progress */
    uint8_t value;      /* where the head of a value stands in the frame taken last */
    bool association;   /* that frame was a PDU that carries no values */
    tl_label label;
};
enum open { NOTHING, A_COMMAND, A_DATA_SET };      /* what the next value goes on with */
enum follows { NO_DATA, DATA, NOT_SAID, DAMAGED }; /* a data set behind the command */

/* ---- frames ---- */

static bool is_title(tl_span s)
{
    bool word = false;
    for (size_t i = 0; i < s.n; i++) {
        if ((s.p[i] < ' ' || s.p[i] > '~') && s.p[i] != 0) return false; /* some pad with NULs */
        word |= s.p[i] > ' ';
    }
    return word || s.n < 16;
}

/* The fixed part of an association (PS3.8 table 9-11) and the head of its first item, the application context. */
static bool begins_association(tl_span b)
{
    uint32_t length = tl_be32(b.p + 2);
    if (length < BEGIN - HEADER || length > ASSOCIATE_MAX) return false;
    if (b.n >= 8 && (b.p[6] != 0 || (b.p[7] & 1) == 0)) return false;
    if (b.n > 10 && !is_title(tl_span_of(b.p + 10, b.n - 10 < 16 ? b.n - 10 : 16))) return false;
    if (b.n > 26 && !is_title(tl_span_of(b.p + 26, b.n - 26 < 16 ? b.n - 26 : 16))) return false;
    return b.n < BEGIN || (b.p[ITEMS] == 0x10 && tl_be16(b.p + ITEMS + 2) <= 64);
}

/* May a PDU begin with these bytes, as far as they go (BEGIN of them are looked at)? */
static bool begins(tl_span b)
{
    if (b.p[0] < ASSOCIATE_RQ || b.p[0] > ABORT || (b.n > 1 && b.p[1] != 0)) return false;
    if (b.n < HEADER) return true;
    uint32_t length = tl_be32(b.p + 2);
    switch (b.p[0]) {
    case ASSOCIATE_RQ:
    case ASSOCIATE_AC: return begins_association(b);
    case P_DATA: {
        if (length < VALUE || length > DATA_MAX) return false;
        if (b.n < HEADER + VALUE) return true;
        uint32_t value = tl_be32(b.p + HEADER);
        bool fits = value >= 2 && value <= length - 4 && (value == length - 4 || length - 4 - value >= VALUE);
        return fits && (b.p[10] & 1) != 0 && b.p[11] < 4;
    }
    case RELEASE_RQ:
    case RELEASE_RP: return length == 4 && (b.n < 10 || tl_be32(b.p + HEADER) == 0);
    case ASSOCIATE_RJ: return length == 4 && (b.n < 10 || (b.p[6] == 0 && b.p[7] - 1u < 2 && b.p[8] - 1u < 3 && b.p[9] - 1u < 10));
    default: return length == 4 && (b.n < 10 || (b.p[6] == 0 && b.p[7] == 0 && b.p[8] < 3 && b.p[9] < 7));
    }
}

/* How many bytes begins() looks at. */
static size_t look(uint8_t type)
{
    return type <= ASSOCIATE_AC ? BEGIN : type == P_DATA ? HEADER + VALUE : 10;
}

/* The group's length, which every command begins with (PS3.7 section 6.3.1). */
static bool begins_command(tl_span b)
{
    static const uint8_t element[8] = {0, 0, 0, 0, 4, 0, 0, 0};
    return b.n >= sizeof element && memcmp(b.p, element, sizeof element) == 0;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (!begins(b)) return TL_NO;
    if (b.n < look(b.p[0])) return TL_MAYBE;
    if (b.p[0] <= ASSOCIATE_AC) return TL_YES;
    if (b.p[0] != P_DATA) return usual ? TL_LIKELY : TL_NO;
    if (b.p[11] & OF_COMMAND) {
        tl_span value = tl_span_of(b.p + HEADER + VALUE, b.n - HEADER - VALUE);
        if (value.n >= 8) return begins_command(value) ? TL_YES : TL_NO;
        return tl_be32(b.p + HEADER) < 10 ? TL_NO : TL_MAYBE;
    }
    return usual && tl_be32(b.p + HEADER) == tl_be32(b.p + 2) - 4 ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- commands ---- */

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

struct command {
    uint16_t field, id, answers, data_set, status, priority;
    bool has_id, has_answers, has_data_set, has_status, has_priority;
    int from; /* in `commands`; -1: none */
    tl_span sop_class, instance, destination, originator;
    int32_t remaining, completed, failed, warned; /* sub-operations; -1: not said */
};

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
static tl_span unpadded(tl_span s)
{
    while (s.n > 0 && (s.p[s.n - 1] == 0 || s.p[s.n - 1] == ' ')) s.n--;
    while (s.n > 0 && s.p[0] == ' ') (void)tl_take(&s, 1);
    return s;
}

static struct command read_command(tl_span in)
{
    struct command c = {.from = -1, .remaining = -1, .completed = -1, .failed = -1, .warned = -1};
    unsigned element;
    tl_span value;
    bool has_field = false;
    while (next_element(&in, &element, &value)) {
        switch (element) {
        case 0x0002:
        case 0x0003: c.sop_class = unpadded(value); break;
        case 0x0100: take_number(value, &c.field, &has_field); break;
        case 0x0110: take_number(value, &c.id, &c.has_id); break;
        case 0x0120: take_number(value, &c.answers, &c.has_answers); break;
        case 0x0600: c.destination = unpadded(value); break;
        case 0x0700: take_number(value, &c.priority, &c.has_priority); break;
        case 0x0800: take_number(value, &c.data_set, &c.has_data_set); break;
        case 0x0900: take_number(value, &c.status, &c.has_status); break;
        case 0x1000:
        case 0x1001: c.instance = unpadded(value); break;
        case 0x1020: c.remaining = count_of(value); break;
        case 0x1021: c.completed = count_of(value); break;
        case 0x1022: c.failed = count_of(value); break;
        case 0x1023: c.warned = count_of(value); break;
        case 0x1030: c.originator = unpadded(value); break;
        default: break;
        }
    }
    for (int i = 0; has_field && i < (int)COMMANDS; i++)
        if (commands[i].field == c.field) c.from = i;
    return c;
}

/* The value that b begins with, its first COMMAND bytes; `at` is where its head begins. */
static tl_span value_of(tl_span b, size_t at)
{
    if (b.n < at + VALUE) return tl_span_of(b.p, 0);
    uint32_t n = tl_be32(b.p + at) - 2;
    return tl_shown(tl_span_of(b.p + at + VALUE, b.n - at - VALUE), n, COMMAND);
}

static bool pending(uint16_t status)
{
    return status == 0xff00 || status == 0xff01;
}

static tl_verdict as_command(tl_verdict v, const struct command *c)
{
    v.kind = c->from >= 0 ? commands[c->from].kind : "command";
    if (c->from < 0 || c->field == CANCEL) return v;
    if (c->field & RESPONSE) {
        if (!c->has_answers) return v;
        return tl_with_id(tl_as(v, c->has_status && pending(c->status) ? TL_INTERIM : TL_RESPONSE, 0), c->answers);
    }
    return c->has_id ? tl_with_id(tl_as(v, TL_REQUEST, 0), c->id) : v;
}

/* ---- framing ---- */

/* A value whose head stands at `at`: 0, inside a PDU, or behind the PDU's header.  All of its head is there, and right. */
static tl_verdict measure_value(struct dicom *s, const tl_head *in, size_t at, uint32_t left)
{
    tl_span b = in->bytes;
    uint64_t length = at + 4 + tl_be32(b.p + at);
    unsigned control = b.p[at + 5];
    uint8_t *open = &s->open[in->dir], *follows = &s->follows[in->dir];
    bool of_command = control & OF_COMMAND, last = control & LAST;
    size_t most = of_command ? at + VALUE + COMMAND : at + VALUE, want = tl_wanted(in, length, most);
    if (want > 0) return tl_more(want);
    tl_span value = value_of(b, at);
    tl_verdict v = tl_whole(in, length, most, "data");
    v.strong = at > 0 && (of_command ? begins_command(value) : left == 0);
    bool first = of_command ? *open != A_COMMAND || begins_command(value) : *open != A_DATA_SET;
    v.edge = first ? TL_FIRST : 0;
    if (of_command) {
        bool damaged = value.n < length - at - VALUE && value.n < COMMAND;
        if (first) {
            struct command c = read_command(value);
            v = as_command(v, &c);
            *follows = c.has_data_set ? (c.data_set == NO_DATA_SET ? NO_DATA : DATA) : damaged ? DAMAGED : NOT_SAID;
        } else if (damaged && *follows == NOT_SAID) {
            *follows = DAMAGED;
        }
        bool ends = last && (*follows == NO_DATA || *follows == NOT_SAID);
        if (ends) v.edge |= TL_LAST;
        *open = !last ? A_COMMAND : ends ? NOTHING : A_DATA_SET;
    } else {
        if (last) v.edge |= TL_LAST;
        *open = last ? NOTHING : A_DATA_SET;
    }
    s->left[in->dir] = left;
    s->value = (uint8_t)at;
    s->association = false;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct dicom *s = state;
    tl_span b = in->bytes;
    uint32_t left = s->left[in->dir];
    if (left > 0) {
        if (b.n < VALUE) return tl_more(VALUE);
        uint32_t value = tl_be32(b.p);
        bool fits = value >= 2 && value <= left - 4 && (value == left - 4 || left - 4 - value >= VALUE);
        if (!fits || (b.p[4] & 1) == 0 || b.p[5] > 3) return tl_reject(0);
        return measure_value(s, in, 0, left - 4 - value);
    }
    if (!begins(tl_span_of(b.p, b.n < HEADER ? b.n : HEADER))) return tl_reject(0);
    if (b.n < HEADER) return tl_more(HEADER);
    enum type type = b.p[0];
    if (b.n < look(b.p[0]) && (!in->ended || type == P_DATA)) return tl_more(look(b.p[0]));
    if (!begins(b)) return tl_reject(0);
    uint64_t length = HEADER + (uint64_t)tl_be32(b.p + 2);
    if (type == P_DATA) return measure_value(s, in, HEADER, (uint32_t)length - HEADER - 4 - tl_be32(b.p + HEADER));
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    s->open[in->dir] = NOTHING;
    s->association = true;
    tl_verdict v = tl_whole(in, length, SHOWN, kinds[type]);
    v.strong = b.n >= look(b.p[0]);
    switch (type) {
    case ASSOCIATE_RQ: return tl_with_id(tl_as(v, TL_REQUEST, 0), ASSOCIATE_ID);
    case ASSOCIATE_AC:
    case ASSOCIATE_RJ: return tl_with_id(tl_as(v, TL_RESPONSE, 0), ASSOCIATE_ID);
    case RELEASE_RQ: return tl_with_id(tl_as(v, TL_REQUEST, 0), RELEASE_ID);
    case RELEASE_RP: return tl_with_id(tl_as(v, TL_RESPONSE, 0), RELEASE_ID);
    default: return v;
    }
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct dicom *s = state;
    s->left[dir] = 0;
    s->open[dir] = NOTHING;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

static const tl_word results[] = {{1, "rejected-permanent"}, {2, "rejected-transient"}, {0, NULL}};
static const tl_word rejecters[] = {{1, "service-user"}, {2, "service-provider-acse"}, {3, "service-provider-presentation"}, {0, NULL}};
static const tl_word aborters[] = {{0, "service-user"}, {2, "service-provider"}, {0, NULL}};
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

static tl_span title_at(tl_span b, size_t at)
{
    return b.n >= at + 16 ? unpadded(tl_span_of(b.p + at, 16)) : tl_span_of(b.p, 0);
}

static void label_command(tl_label *l, const struct command *c)
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

static bool of_command(const struct dicom *s, tl_span b)
{
    return !s->association && b.n >= s->value + (size_t)VALUE && (b.p[s->value + 5] & OF_COMMAND) != 0;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct dicom *s = state;
    tl_span b = in->bytes;
    if (!(v->edge & TL_FIRST)) return TL_OK;
    s->label.n = 0;
    if (of_command(s, b)) {
        struct command c = read_command(value_of(b, s->value));
        label_command(&s->label, &c);
    } else if (s->association && b.p[0] <= ASSOCIATE_AC) {
        tl_label_add(&s->label, title_at(b, 26));
        tl_label_add(&s->label, tl_text_span("to"));
        tl_label_add(&s->label, title_at(b, 10));
    } else if (s->association && b.p[0] == ASSOCIATE_RJ && b.n >= 10) {
        tl_label_word(&s->label, results, b.p[7]);
    } else if (s->association && b.p[0] == ABORT && b.n >= 10) {
        tl_label_word(&s->label, aborters, b.p[8]);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

/* UIDs, one after the other: what does not fit is left out. */
struct list {
    size_t n;
    char text[1024];
};

static void list_add(struct list *l, tl_span uid)
{
    uid = unpadded(uid);
    if (uid.n == 0 || l->n + 2 + uid.n > sizeof l->text) return;
    if (l->n > 0) {
        memcpy(l->text + l->n, ", ", 2);
        l->n += 2;
    }
    memcpy(l->text + l->n, uid.p, uid.n);
    l->n += uid.n;
}

/* The same UID in every context is one. */
static void list_add_new(struct list *l, tl_span uid)
{
    uid = unpadded(uid);
    for (size_t at = 0; at + uid.n <= l->n; at++) {
        bool begins_here = at == 0 || l->text[at - 1] == ' ', ends_here = at + uid.n == l->n || l->text[at + uid.n] == ',';
        if (begins_here && ends_here && memcmp(l->text + at, uid.p, uid.n) == 0) return;
    }
    list_add(l, uid);
}

/* The next item: type, 0, length 2. */
static bool next_item(tl_span *in, uint8_t *type, tl_span *value)
{
    if (in->n < 4) return false;
    *type = in->p[0];
    (void)tl_take(in, 2);
    size_t n = (size_t)tl_take_be(in, 2);
    *value = tl_take(in, n < in->n ? n : in->n);
    return true;
}

/* Presentation contexts, and what the user information says of the implementation (PS3.8 sections 9.3.2 and 9.3.3, PS3.7 annex D). */
static void describe_items(tl_span in, tl_text *json)
{
    struct list abstract = {0}, transfer = {0};
    unsigned contexts = 0, accepted = 0;
    bool accepts = false;
    tl_span item, inner, application = {0}, implementation = {0}, version = {0};
    uint8_t type, sub;
    int64_t most = -1;
    while (next_item(&in, &type, &item)) {
        if (type == 0x10) application = item;
        bool context = type == 0x20 || type == 0x21, information = type == 0x50;
        if (context && item.n >= 4) {
            contexts++;
            accepts |= type == 0x21;
            accepted += type == 0x21 && item.p[2] == 0;
            (void)tl_take(&item, 4);
        }
        while ((context || information) && next_item(&item, &sub, &inner)) {
            if (context && sub == 0x30) list_add_new(&abstract, inner);
            if (context && sub == 0x40) list_add_new(&transfer, inner);
            if (information && sub == 0x51 && inner.n == 4) most = tl_be32(inner.p);
            if (information && sub == 0x52) implementation = inner;
            if (information && sub == 0x55) version = inner;
        }
    }
    tl_json_some(json, "application_context", unpadded(application), 64);
    tl_json_number(json, "presentation_contexts", contexts);
    if (accepts) tl_json_number(json, "accepted_contexts", accepted);
    tl_json_some(json, "abstract_syntaxes", tl_span_of(abstract.text, abstract.n), sizeof abstract.text);
    tl_json_some(json, "transfer_syntaxes", tl_span_of(transfer.text, transfer.n), sizeof transfer.text);
    if (most >= 0) tl_json_number(json, "max_pdu_length", most);
    tl_json_some(json, "implementation_class_uid", unpadded(implementation), 64);
    tl_json_some(json, "implementation_version", unpadded(version), 16);
}

static void describe_association(tl_span b, tl_text *json)
{
    tl_json_text(json, "pdu", pdus[b.p[0]]);
    switch (b.p[0]) {
    case ASSOCIATE_RQ:
    case ASSOCIATE_AC: {
        tl_json_some(json, "called_ae_title", title_at(b, 10), 16);
        tl_json_some(json, "calling_ae_title", title_at(b, 26), 16);
        tl_span items = tl_shown(b, HEADER + (uint64_t)tl_be32(b.p + 2), SHOWN);
        (void)tl_take(&items, ITEMS);
        describe_items(items, json);
        break;
    }
    case ASSOCIATE_RJ:
        if (b.n < 10) return;
        tl_json_word(json, "result", results, b.p[7]);
        tl_json_word(json, "source", rejecters, b.p[8]);
        tl_json_number(json, "reason", b.p[9]);
        break;
    case ABORT:
        if (b.n < 10) return;
        tl_json_word(json, "source", aborters, b.p[8]);
        tl_json_number(json, "reason", b.p[9]);
        break;
    default: break;
    }
}

static void some_number(tl_text *json, const char *name, bool has, int64_t value)
{
    if (has) tl_json_number(json, name, value);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct dicom *s = state;
    tl_span b = in->bytes;
    if (s->association) {
        describe_association(b, json);
        return;
    }
    tl_json_text(json, "pdu", pdus[P_DATA]);
    tl_json_number(json, "presentation_context", b.p[s->value + 4]);
    if (!of_command(s, b)) return;
    struct command c = read_command(value_of(b, s->value));
    if (c.from >= 0) tl_json_text(json, "command", commands[c.from].name);
    some_number(json, "message_id", c.has_id, c.id);
    some_number(json, "responded_message_id", c.has_answers, c.answers);
    tl_json_some(json, "sop_class_uid", c.sop_class, 64);
    if (class_name(c.sop_class) != NULL) tl_json_text(json, "sop_class", class_name(c.sop_class));
    tl_json_some(json, "sop_instance_uid", c.instance, 64);
    some_number(json, "priority", c.has_priority, c.priority);
    some_number(json, "status", c.has_status, c.status);
    some_number(json, "data_set", c.has_data_set, c.data_set != NO_DATA_SET);
    tl_json_some(json, "move_destination", c.destination, 16);
    tl_json_some(json, "move_originator", c.originator, 16);
    some_number(json, "remaining", c.remaining >= 0, c.remaining);
    some_number(json, "completed", c.completed >= 0, c.completed);
    some_number(json, "failed", c.failed >= 0, c.failed);
    some_number(json, "warnings", c.warned >= 0, c.warned);
}

const tl_detector tl_dicom = {
    .name = "dicom",
    .head_max = SHOWN,
    .state_size = sizeof(struct dicom),
    .ports = {104, 2761, 2762, 11112},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
