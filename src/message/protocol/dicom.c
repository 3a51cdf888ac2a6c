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
#include "message/protocol/dicom_command.h"
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

/* The value that b begins with, its first COMMAND bytes; `at` is where its head begins. */
static tl_span value_of(tl_span b, size_t at)
{
    if (b.n < at + VALUE) return tl_span_of(b.p, 0);
    uint32_t n = tl_be32(b.p + at) - 2;
    return tl_shown(tl_span_of(b.p + at + VALUE, b.n - at - VALUE), n, COMMAND);
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
            struct tl_dicom_command c = tl_dicom_command_read(value);
            v = tl_dicom_command_verdict(v, &c);
            *follows = c.has_data_set ? (c.data_set == TL_DICOM_NO_DATA_SET ? NO_DATA : DATA) : damaged ? DAMAGED : NOT_SAID;
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
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(tl_span_of(b.p, b.n < HEADER ? b.n : HEADER))) return tl_reject(0);
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
static tl_span title_at(tl_span b, size_t at)
{
    return b.n >= at + 16 ? tl_dicom_unpadded(tl_span_of(b.p + at, 16)) : tl_span_of(b.p, 0);
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
        struct tl_dicom_command c = tl_dicom_command_read(value_of(b, s->value));
        tl_dicom_command_label(&s->label, &c);
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
    uid = tl_dicom_unpadded(uid);
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
    uid = tl_dicom_unpadded(uid);
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
    tl_json_some(json, "application_context", tl_dicom_unpadded(application), 64);
    tl_json_number(json, "presentation_contexts", contexts);
    if (accepts) tl_json_number(json, "accepted_contexts", accepted);
    tl_json_some(json, "abstract_syntaxes", tl_span_of(abstract.text, abstract.n), sizeof abstract.text);
    tl_json_some(json, "transfer_syntaxes", tl_span_of(transfer.text, transfer.n), sizeof transfer.text);
    if (most >= 0) tl_json_number(json, "max_pdu_length", most);
    tl_json_some(json, "implementation_class_uid", tl_dicom_unpadded(implementation), 64);
    tl_json_some(json, "implementation_version", tl_dicom_unpadded(version), 16);
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
    struct tl_dicom_command c = tl_dicom_command_read(value_of(b, s->value));
    tl_dicom_command_describe(&c, json);
}

const tl_detector tl_dicom = {
    .name = "dicom",
    .head_max = SHOWN,
    .state_size = sizeof(struct dicom),
    .ports = {104, 2761, 2762, 11112},
    .first = TL_FIRST("\x01\x07"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
