/*
** cotp.c - TPKT and COTP (tpkt.h), and S7comm in them: the protocol of Siemens' controllers.
**
** S7comm has no published specification; what is read here is what Wireshark's packet-s7comm.c and the captures agree on:
**     32  kind (1 job, 2 ack, 3 ack with data, 7 user data)  00 00  reference  length of parameters  length of data  [error class, code]
** A job and its acknowledgment have the same reference; so have a request and a response of user data.
**
** Two detectors with the same framing: "s7comm" once S7's magic stands in the first user data, "cotp" for what else is sent that way (MMS,
** S7comm-plus); a session is not decided before there is some.  A message is all TPDUs up to the one with the mark of the end.  Its S7
** header is read when it is in the first TPDU, where it always is.
*/
#include "message/protocol/machine.h"
#include "message/protocol/tpkt.h"
#include "message/registry.h"

enum {
    SHOWN = 256,
    S7_MAGIC = 0x32,
    JOB = 1,
    ACK,
    ACK_DATA,
    USER_DATA = 7,
    SETUP = 0xf0,
    READ_VAR = 4,
    WRITE_VAR = 5,
    PUSH = 0, /* of user data, in the upper half of the byte that holds its group */
    REQUEST = 4,
    RESPONSE = 8,
    GROUP_CPU = 4,
    READ_SZL = 1,
    AREA_DB = 0x84
};

static const tl_word functions[] = {{0x00, "CPU services"},
                                    {READ_VAR, "read var"},
                                    {WRITE_VAR, "write var"},
                                    {0x1a, "request download"},
                                    {0x1b, "download block"},
                                    {0x1c, "download ended"},
                                    {0x1d, "start upload"},
                                    {0x1e, "upload"},
                                    {0x1f, "end upload"},
                                    {0x28, "PI service"},
                                    {0x29, "PLC stop"},
                                    {SETUP, "setup communication"},
                                    {0, NULL}};
static const tl_word groups[] = {{0, "mode transition"},
                                 {1, "programmer commands"},
                                 {2, "cyclic data"},
                                 {3, "block functions"},
                                 {GROUP_CPU, "CPU functions"},
                                 {5, "security"},
                                 {6, "PBC"},
                                 {7, "time functions"},
                                 {0, NULL}};
static const tl_word areas[] = {{0x03, "system info"}, {0x1c, "counter"}, {0x1d, "timer"}, {0x80, "peripheral"},
                                {0x81, "input"},       {0x82, "output"},  {0x83, "flag"},  {AREA_DB, "DB"},
                                {0x85, "DI"},          {0x86, "local"},   {0, NULL}};
static const tl_word classes[] = {{0x00, "no error"},
                                  {0x81, "application relationship"},
                                  {0x82, "object definition"},
                                  {0x83, "no resources"},
                                  {0x84, "service processing"},
                                  {0x85, "supplies"},
                                  {0x87, "access"},
                                  {0, NULL}};
static const tl_word sizes[] = {{0x07, "128"},  {0x08, "256"},  {0x09, "512"},  {0x0a, "1024"},
                                {0x0b, "2048"}, {0x0c, "4096"}, {0x0d, "8192"}, {0, NULL}};

struct cotp {
    uint8_t goes_on[2]; /* by direction: the last TPDU had no mark of the end */
    tl_label label;
};

struct s7 {
    unsigned kind;
    uint16_t reference;
    bool has_error;
    uint8_t error_class, error_code;
    tl_span parameters, data; /* as far as they are there */
    int function;             /* of a job or its acknowledgment; -1: none */
    int type, group, sub;     /* of user data; -1: none */
};

/* Is this the head of an S7 message? */
static bool is_s7(tl_span user)
{
    if (user.n < 10 || user.p[0] != S7_MAGIC) return false;
    return (user.p[1] >= JOB && user.p[1] <= ACK_DATA) || user.p[1] == USER_DATA;
}

static struct s7 read_s7(tl_span user)
{
    struct s7 s = {.kind = user.p[1], .function = -1, .type = -1, .group = -1, .sub = -1};
    (void)tl_take(&user, 4);
    s.reference = (uint16_t)tl_take_be(&user, 2);
    size_t parameters = (size_t)tl_take_be(&user, 2), data = (size_t)tl_take_be(&user, 2);
    if (s.kind == ACK || s.kind == ACK_DATA) {
        s.has_error = user.n >= 2;
        s.error_class = (uint8_t)tl_take_be(&user, 1);
        s.error_code = (uint8_t)tl_take_be(&user, 1);
    }
    s.parameters = tl_take(&user, parameters < user.n ? parameters : user.n);
    s.data = tl_take(&user, data < user.n ? data : user.n);
    const uint8_t *p = s.parameters.p;
    if (s.kind != USER_DATA && s.parameters.n > 0) s.function = p[0];
    if (s.kind == USER_DATA && s.parameters.n >= 7) {
        s.type = p[5] >> 4;
        s.group = p[5] & 15;
        s.sub = p[6];
    }
    return s;
}

/* ---- probe ---- */

static tl_match s7_probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    tl_span user = {NULL, 0};
    tl_match found = tl_tpkt_first_user_data(b, &user);
    if (found != TL_YES) return found;
    if (user.n < 10) return user.n > 0 && user.p[0] != S7_MAGIC ? TL_NO : TL_MAYBE;
    return is_s7(user) ? TL_YES : TL_NO;
}

static tl_match cotp_probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    return !tl_tpkt_begins(b) ? TL_NO : b.n < TPKT_LOOK ? TL_MAYBE : TL_LIKELY;
}

static tl_match s7_probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_both(in, false, s7_probe_one);
}

static tl_match cotp_probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_either(in, tl_usual_port(d, in->server_port), cotp_probe_one);
}

/* ---- measure ---- */

static tl_verdict as_s7(tl_verdict v, tl_span user)
{
    struct s7 m = read_s7(user);
    switch (m.kind) {
    case JOB: v.kind = "job"; return tl_with_id(tl_as(v, TL_REQUEST, 0), m.reference);
    case ACK: v.kind = "ack"; return tl_with_id(tl_as(v, TL_RESPONSE, 0), m.reference);
    case ACK_DATA: v.kind = "ack_data"; return tl_with_id(tl_as(v, TL_RESPONSE, 0), m.reference);
    default:
        v.kind = "userdata";
        if (m.type == REQUEST) return tl_with_id(tl_as(v, TL_REQUEST, 0), m.reference);
        return m.type == RESPONSE ? tl_with_id(tl_as(v, TL_RESPONSE, 0), m.reference) : v;
    }
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct cotp *s = state;
    if (in->bytes.n < TPKT_LOOK && (!in->ended || tl_tpkt_begins(in->bytes))) return tl_more(TPKT_LOOK);
    if (!tl_tpkt_begins(in->bytes)) return tl_reject(0);
    size_t length = tl_be16(in->bytes.p + 2), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, length, SHOWN));
    tl_verdict v = tl_whole(in, length, SHOWN, "data");
    v.strong = true;
    const uint64_t connection = (uint64_t)1 << 32; /* references of connections are not those of jobs */
    switch (t.code) {
    case COTP_CR: v.kind = "connection_request"; return tl_with_id(tl_as(v, TL_REQUEST, 0), connection | t.from);
    case COTP_CC: v.kind = "connection_confirm"; return tl_with_id(tl_as(v, TL_RESPONSE, 0), connection | t.to);
    case COTP_DR: v.kind = "disconnect_request"; return tl_with_id(tl_as(v, TL_RESPONSE, 0), connection | t.to);
    case COTP_ER: v.kind = "error"; return v;
    case COTP_ED: v.kind = "expedited_data"; return v;
    default: break;
    }
    v.edge = (s->goes_on[in->dir] ? 0 : TL_FIRST) | (t.last ? TL_LAST : 0);
    s->goes_on[in->dir] = !t.last;
    return is_s7(t.user) ? as_s7(v, t.user) : v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct cotp *)state)->goes_on[dir] = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, tl_tpkt_begins);
}

/* ---- what it says ---- */

/* The first variable of a job that reads or writes: specification 12 0a 10, size, count, DB, area, address in bits. */
static bool first_item(const struct s7 *m, tl_span *item)
{
    bool job = m->kind == JOB && (m->function == READ_VAR || m->function == WRITE_VAR);
    if (!job || m->parameters.n < 14) return false;
    *item = tl_span_of(m->parameters.p + 2, 12);
    return item->p[0] == 0x12 && item->p[1] == 10 && item->p[2] == 0x10;
}

/* Read SZL: what is asked for, or told, of the system state list. */
static bool szl(const struct s7 *m, unsigned *id)
{
    if (m->group != GROUP_CPU || m->sub != READ_SZL || m->data.n < 6) return false;
    *id = tl_be16(m->data.p + 4);
    return true;
}

static void label_s7(tl_label *l, const struct s7 *m)
{
    tl_span item;
    if (m->function >= 0) tl_label_word(l, functions, (uint32_t)m->function);
    if (m->group >= 0) tl_label_word(l, groups, (uint32_t)m->group);
    if (first_item(m, &item)) {
        uint32_t bits = tl_be24(item.p + 9);
        tl_label_word(l, areas, item.p[8]);
        if (item.p[8] == AREA_DB) tl_label_digits(l, tl_be16(item.p + 6));
        tl_label_number(l, bits >> 3);
        tl_label_more(l, tl_text_span("."));
        tl_label_digits(l, bits & 7);
    }
    if (m->has_error && m->error_class != 0) {
        tl_label_add(l, tl_text_span("error"));
        tl_label_word(l, classes, m->error_class);
        tl_label_number(l, m->error_code);
    }
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct cotp *s = state;
    if (!(v->edge & TL_FIRST)) return TL_OK;
    tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, v->length, SHOWN));
    s->label.n = 0;
    if (t.code == COTP_DT && is_s7(t.user)) {
        struct s7 m = read_s7(t.user);
        label_s7(&s->label, &m);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

/* ISO 8073 section 13.3.4: code, length, value.  A TSAP of S7 is a kind of connection, then rack and slot. */
static void describe_connection(const tl_tpdu *t, tl_text *json)
{
    tl_json_number(json, "source_reference", t->from);
    tl_json_number(json, "destination_reference", t->to);
    tl_span rest = t->parameters;
    while (rest.n >= 2) {
        unsigned code = (unsigned)tl_take_be(&rest, 1);
        tl_span value = tl_take_vector(&rest, 1);
        if (code == 0xc0 && value.n == 1) tl_json_word(json, "tpdu_size", sizes, value.p[0]);
        if (code == 0xc1) tl_json_some(json, "source_tsap", value, 64);
        if (code == 0xc2) tl_json_some(json, "destination_tsap", value, 64);
    }
}

static void describe_s7(const struct s7 *m, tl_text *json)
{
    tl_span item;
    unsigned id;
    tl_json_number(json, "pdu_reference", m->reference);
    if (m->function >= 0) tl_json_word(json, "function", functions, (uint32_t)m->function);
    if (m->group >= 0) {
        tl_json_word(json, "function_group", groups, (uint32_t)m->group);
        tl_json_number(json, "subfunction", m->sub);
    }
    if (m->has_error) {
        tl_json_word(json, "error_class", classes, m->error_class);
        tl_json_number(json, "error_code", m->error_code);
    }
    if ((m->function == READ_VAR || m->function == WRITE_VAR) && m->parameters.n >= 2) tl_json_number(json, "items", m->parameters.p[1]);
    if (first_item(m, &item)) {
        tl_json_word(json, "area", areas, item.p[8]);
        if (item.p[8] == AREA_DB) tl_json_number(json, "db", tl_be16(item.p + 6));
        tl_json_number(json, "byte_address", tl_be24(item.p + 9) >> 3);
        tl_json_number(json, "count", tl_be16(item.p + 4));
    }
    if (m->function == SETUP && m->parameters.n >= 8) tl_json_number(json, "pdu_length", tl_be16(m->parameters.p + 6));
    if (szl(m, &id)) tl_json_number(json, "szl_id", id);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < TPKT_LOOK) return;
    tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, tl_be16(in->bytes.p + 2), SHOWN));
    if (t.code == COTP_CR || t.code == COTP_CC || t.code == COTP_DR) describe_connection(&t, json);
    if (t.code != COTP_DT || !is_s7(t.user)) return;
    struct s7 m = read_s7(t.user);
    describe_s7(&m, json);
}

const tl_detector tl_s7comm = {
    .name = "s7comm",
    .head_max = SHOWN,
    .state_size = sizeof(struct cotp),
    .ports = {102},
    .first = TL_FIRST("\x03\x03"),
    .probe = s7_probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};

const tl_detector tl_cotp = {
    .name = "cotp",
    .head_max = SHOWN,
    .state_size = sizeof(struct cotp),
    .ports = {102},
    .first = TL_FIRST("\x03\x03"),
    .probe = cotp_probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
