/*
** cassandra.c - Cassandra's CQL binary protocol, versions 1 to 5 (native_protocol_v4.spec, v5.spec), and DataStax Enterprise's two.
**
**     version 1  flags 1  stream 2 (1 before version 3)  opcode 1  length 4  body
**
** A response has the stream of its request.  Events, on stream -1, answer nothing.
** From version 5 on, once the server is ready, messages travel in frames with checksums (cassandra_frame.h): the first message of a frame
** has the frame's header in front of it, the last one its checksum behind it.  A frame that holds a piece of a message too long for one
** is one of that message's frames.  What is compressed is told as one message, `compressed`.
*/
#include "message/protocol/cassandra_frame.h"
#include "message/registry.h"

enum {
    HEADER_OLD = 8, /* versions 1 and 2: a stream in one byte */
    HEADER = 9,
    DSE_1 = 0x41, /* versions: as 4 */
    DSE_2 = 0x42,
    LENGTH_MAX = 256 << 20,
    SHOWN = 2048,
    RESPONSE = 0x80,
    COMPRESSED = 1,
    TRACED = 2,
    ERROR = 0,
    STARTUP,
    READY,
    AUTHENTICATE,
    OPTIONS = 5,
    SUPPORTED,
    QUERY,
    RESULT,
    PREPARE,
    EXECUTE,
    REGISTER,
    EVENT,
    BATCH,
    AUTH_CHALLENGE,
    AUTH_RESPONSE,
    AUTH_SUCCESS
};

static const struct {
    const char *kind;
    bool response;
} opcodes[] = {[ERROR] = {"error", true},
               [STARTUP] = {"startup", false},
               [READY] = {"ready", true},
               [AUTHENTICATE] = {"authenticate", true},
               [OPTIONS] = {"options", false},
               [SUPPORTED] = {"supported", true},
               [QUERY] = {"query", false},
               [RESULT] = {"result", true},
               [PREPARE] = {"prepare", false},
               [EXECUTE] = {"execute", false},
               [REGISTER] = {"register", false},
               [EVENT] = {"event", true},
               [BATCH] = {"batch", false},
               [AUTH_CHALLENGE] = {"auth_challenge", true},
               [AUTH_RESPONSE] = {"auth_response", false},
               [AUTH_SUCCESS] = {"auth_success", true}};
enum { VOID = 1, ROWS, SET_KEYSPACE, PREPARED, SCHEMA_CHANGE }; /* results */

static const tl_word consistencies[] = {{0, "ANY"},    {1, "ONE"},          {2, "TWO"},          {3, "THREE"},
                                        {4, "QUORUM"}, {5, "ALL"},          {6, "LOCAL_QUORUM"}, {7, "EACH_QUORUM"},
                                        {8, "SERIAL"}, {9, "LOCAL_SERIAL"}, {10, "LOCAL_ONE"},   {0, NULL}};
static const tl_word results[] = {
    {VOID, "void"}, {ROWS, "rows"}, {SET_KEYSPACE, "set_keyspace"}, {PREPARED, "prepared"}, {SCHEMA_CHANGE, "schema_change"}, {0, NULL}};

struct cassandra {
    uint8_t version; /* the last one seen; 0: none */
    bool framed;     /* messages travel in frames */
    struct {
        uint32_t left; /* bytes of the frame's messages still to come */
        uint64_t more; /* bytes of a message in several frames still to come */
    } way[2];
    tl_label label;
};

struct header {
    uint8_t version, flags, opcode;
    bool response;
    uint16_t stream;
    size_t size;
    uint32_t length;
};

/* May a message begin with these bytes, as far as they go? */
static bool parse_header(tl_span b, struct header *h)
{
    *h = (struct header){.version = b.p[0] & 0x7f, .response = b.p[0] & RESPONSE, .size = HEADER};
    if ((h->version < 1 || h->version > 5) && h->version != DSE_1 && h->version != DSE_2) return false;
    if (h->version < 3) h->size = HEADER_OLD;
    if (b.n >= 2 && (h->flags = b.p[1]) > 0x1f) return false;
    if (b.n < h->size) return true;
    h->stream = h->version < 3 ? b.p[2] : tl_be16(b.p + 2);
    h->opcode = b.p[h->size - 5];
    h->length = tl_be32(b.p + h->size - 4);
    if (h->opcode > AUTH_SUCCESS || opcodes[h->opcode].kind == NULL || opcodes[h->opcode].response != h->response) return false;
    return h->length <= LENGTH_MAX && (h->length > 0 || h->opcode == OPTIONS || h->opcode == READY);
}

/* ---- probe ---- */

static tl_match probe_message(tl_span b, bool usual)
{
    struct header h;
    if (!parse_header(b, &h)) return TL_NO;
    if (b.n < HEADER) return TL_MAYBE;
    if (h.opcode == OPTIONS && h.length == 0 && h.flags == 0) return usual ? TL_YES : TL_LIKELY;
    if (h.opcode != STARTUP) return usual ? TL_LIKELY : TL_NO;
    /* A map of strings: how many, then the first name. */
    tl_span body = tl_span_of(b.p + h.size, b.n - h.size);
    if (body.n >= 2 && (tl_be16(body.p) == 0 || tl_be16(body.p) > 16)) return TL_NO;
    if (body.n < 8) return TL_MAYBE;
    return tl_is_text(tl_span_of(body.p + 4, 4)) ? TL_YES : TL_NO;
}

/* A message, or on the usual port a frame, which a capture from midway begins with. */
static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    tl_match message = probe_message(b, usual), frame = usual ? tl_cassandra_probe_frame(b) : TL_NO;
    if (message == TL_YES || frame == TL_YES) return TL_YES;
    return message == TL_MAYBE || frame == TL_MAYBE ? TL_MAYBE : message;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

/* The message that begins at a boundary: behind the header of a frame, where there is one, and cut where that frame ends. */
struct message {
    tl_cassandra_frame frame;
    struct header h;
    tl_span body; /* as much of it as is shown and can be read */
};

static bool read_message(tl_span b, struct message *m)
{
    m->body = tl_span_of(b.p, 0);
    if (!tl_cassandra_parse_frame(b, &m->frame)) m->frame = (tl_cassandra_frame){0};
    tl_span rest = b;
    (void)tl_take(&rest, m->frame.header);
    if (m->frame.header > 0) rest = tl_shown(rest, m->frame.payload, SHOWN);
    if (m->frame.packed || rest.n < HEADER_OLD || !parse_header(rest, &m->h) || rest.n < m->h.size) return false;
    rest = tl_shown(rest, m->h.size + (uint64_t)m->h.length, SHOWN - TL_CASSANDRA_FRAME_HEADER);
    (void)tl_take(&rest, m->h.size);
    if (m->h.response && (m->h.flags & TRACED)) (void)tl_take(&rest, 16);
    if (!(m->h.flags & COMPRESSED)) m->body = rest;
    return true;
}

static tl_verdict as_message(tl_verdict v, const struct header *h)
{
    v.kind = opcodes[h->opcode].kind;
    if (h->opcode == EVENT) return v;
    return tl_with_id(tl_as(v, h->response ? TL_RESPONSE : TL_REQUEST, 0), h->stream);
}

/* The message's length is known; all that is shown of it is asked for before it is taken. */
static tl_verdict taken(const tl_head *in, uint64_t length, const char *kind)
{
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, length, SHOWN, kind);
    v.strong = true;
    return v;
}

static bool may_be_framed(const struct cassandra *s)
{
    return s->framed || s->version == 0 || s->version == 5;
}

/* A message that begins a frame, or a piece of one that fills it. */
static tl_verdict measure_frame(struct cassandra *s, const tl_head *in, const tl_cassandra_frame *f)
{
    uint64_t whole = f->header + (uint64_t)f->payload + TL_CASSANDRA_CHECKSUM, *more = &s->way[in->dir].more;
    if (*more > 0 && (f->alone || f->packed || f->payload > *more)) return tl_reject(0);
    tl_verdict v;
    struct header h = {0};
    bool has_header = !f->packed && *more == 0 && f->payload >= HEADER;
    if (has_header && in->bytes.n < (size_t)f->header + HEADER && !in->ended) return tl_more((size_t)f->header + HEADER);
    if (has_header && in->bytes.n < (size_t)f->header + HEADER) return tl_reject(0);
    if (has_header) has_header = parse_header(tl_span_of(in->bytes.p + f->header, HEADER), &h);
    uint64_t message = h.size + (uint64_t)h.length;
    if (*more > 0) {
        v = taken(in, whole, NULL);
        if (v.answer != TL_FRAME) return v;
        v.edge = f->payload == *more ? TL_LAST : 0;
        *more -= f->payload;
    } else if (!has_header || (f->alone ? message > f->payload : message <= f->payload)) {
        /* Compressed, empty, or a piece of what began before a hole. */
        v = taken(in, whole, f->packed ? "compressed" : f->alone ? "frame" : "piece");
        if (v.answer != TL_FRAME) return v;
    } else if (!f->alone) {
        v = as_message(taken(in, whole, ""), &h);
        if (v.answer != TL_FRAME) return v;
        v.edge = TL_FIRST;
        *more = message - f->payload;
    } else {
        v = as_message(taken(in, message == f->payload ? whole : f->header + message, ""), &h);
        if (v.answer != TL_FRAME) return v;
        s->way[in->dir].left = f->payload - (uint32_t)message;
    }
    s->framed = true;
    return v;
}

/* A message behind another one in its frame. */
static tl_verdict measure_next(struct cassandra *s, const tl_head *in)
{
    struct header h;
    uint32_t *left = &s->way[in->dir].left;
    if (*left < HEADER) return tl_reject(0);
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    if (!parse_header(tl_span_of(in->bytes.p, HEADER), &h)) return tl_reject(0);
    uint64_t message = h.size + (uint64_t)h.length;
    if (message > *left) return tl_reject(0);
    tl_verdict v = taken(in, message == *left ? message + TL_CASSANDRA_CHECKSUM : message, "");
    if (v.answer != TL_FRAME) return v;
    *left -= (uint32_t)message;
    return as_message(v, &h);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct cassandra *s = state;
    struct header h;
    tl_cassandra_frame f;
    if (s->way[in->dir].left > 0) return measure_next(s, in);
    if (in->bytes.n < HEADER_OLD) return tl_more(HEADER_OLD);
    if (may_be_framed(s) && tl_cassandra_parse_frame(tl_span_of(in->bytes.p, HEADER_OLD), &f)) return measure_frame(s, in, &f);
    if (s->framed || !parse_header(tl_span_of(in->bytes.p, HEADER_OLD), &h)) return tl_reject(0);
    if (in->bytes.n < h.size) return tl_more(h.size);
    if (!parse_header(tl_span_of(in->bytes.p, h.size), &h)) return tl_reject(0);
    tl_verdict v = as_message(taken(in, h.size + (uint64_t)h.length, ""), &h);
    if (v.answer == TL_FRAME) s->version = h.version;
    return v;
}

/* ---- resync ---- */

static bool begins_message(tl_span from)
{
    struct header h;
    return parse_header(from, &h);
}

static bool begins_frame(tl_span from)
{
    return tl_cassandra_probe_frame(from) != TL_NO;
}

static bool begins_either(tl_span from)
{
    return begins_frame(from) || begins_message(from);
}

/* Where no version is known, the session may be of the fifth. */
static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct cassandra *s = state;
    return tl_scan(in->bytes, s->framed ? begins_frame : may_be_framed(s) ? begins_either : begins_message);
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct cassandra *s = state;
    s->way[dir].left = 0;
    s->way[dir].more = 0;
}

/* ---- what it says ---- */

/* A long string, as far as it is shown. */
static tl_span take_text(tl_span *body)
{
    uint64_t n = tl_take_be(body, 4);
    return tl_take(body, n < body->n ? (size_t)n : body->n);
}

/* The keyspace and table of rows, or of a prepared statement, where all its columns share them; the id of what was prepared. */
struct result {
    unsigned kind;
    tl_span id, keyspace, table;
};

static struct result read_result(tl_span body, unsigned version)
{
    enum { GLOBAL = 1, PAGED = 2, NO_METADATA = 4, CHANGED = 8 };
    struct result r = {.kind = (unsigned)tl_take_be(&body, 4)};
    if (r.kind == SET_KEYSPACE) r.keyspace = tl_take_vector(&body, 2);
    if (r.kind != ROWS && r.kind != PREPARED) return r;
    if (r.kind == PREPARED) {
        r.id = tl_take_vector(&body, 2);
        if (version == 5) (void)tl_take_vector(&body, 2);
    }
    unsigned flags = (unsigned)tl_take_be(&body, 4);
    (void)tl_take(&body, 4);
    if (r.kind == PREPARED && version >= 4) {
        uint64_t keys = tl_take_be(&body, 4);
        (void)tl_take(&body, keys < 1024 ? 2 * (size_t)keys : SIZE_MAX);
    }
    if (flags & PAGED) (void)take_text(&body);
    if (version == 5 && (flags & CHANGED)) (void)tl_take_vector(&body, 2);
    if ((flags & GLOBAL) == 0 || (flags & NO_METADATA) != 0) return r;
    r.keyspace = tl_take_vector(&body, 2);
    r.table = tl_take_vector(&body, 2);
    return r;
}

/* keyspace.table */
static void label_place(tl_label *l, const struct result *r)
{
    tl_label_add(l, r->keyspace);
    if (r->table.n == 0) return;
    tl_label_more(l, tl_text_span("."));
    tl_label_more(l, r->table);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct cassandra *s = state;
    struct message m;
    if (!(v->edge & TL_FIRST) || !read_message(tl_shown(in->bytes, v->length, SHOWN), &m)) return TL_OK;
    struct result r;
    switch (m.h.opcode) {
    case QUERY:
    case PREPARE: v->summary = take_text(&m.body); break;
    case ERROR:
        (void)tl_take(&m.body, 4);
        v->summary = tl_take_vector(&m.body, 2);
        break;
    case EVENT: v->summary = tl_take_vector(&m.body, 2); break;
    case RESULT:
        if (m.body.n < 4) break;
        r = read_result(m.body, m.h.version);
        s->label.n = 0;
        tl_label_word(&s->label, results, r.kind);
        label_place(&s->label, &r);
        v->summary = tl_label_span(&s->label);
        break;
    default: break;
    }
    return TL_OK;
}

/* An id in hexadecimal. */
static void json_id(tl_text *json, const char *name, tl_span id)
{
    uint8_t digits[64];
    size_t n = id.n < sizeof digits / 2 ? id.n : sizeof digits / 2;
    for (size_t i = 0; i < n; i++) {
        digits[2 * i] = (uint8_t) "0123456789abcdef"[id.p[i] >> 4];
        digits[2 * i + 1] = (uint8_t) "0123456789abcdef"[id.p[i] & 15];
    }
    tl_json_some(json, name, tl_span_of(digits, 2 * n), sizeof digits);
}

static void describe_result(tl_text *json, tl_span body, unsigned version)
{
    if (body.n < 4) return;
    struct result r = read_result(body, version);
    tl_json_word(json, "result", results, r.kind);
    json_id(json, "statement", r.id);
    tl_json_some(json, "keyspace", r.keyspace, 256);
    tl_json_some(json, "table", r.table, 256);
}

/* What a client says of itself. */
static void describe_startup(tl_text *json, tl_span body)
{
    static const struct {
        const char *option, *name;
    } shown[] = {
        {"CQL_VERSION", "cql_version"}, {"COMPRESSION", "compression"}, {"DRIVER_NAME", "driver"}, {"DRIVER_VERSION", "driver_version"}};
    tl_span found[sizeof shown / sizeof *shown] = {{0}};
    for (unsigned n = (unsigned)tl_take_be(&body, 2); n > 0 && body.n > 0; n--) {
        tl_span option = tl_take_vector(&body, 2), value = tl_take_vector(&body, 2);
        for (size_t i = 0; i < sizeof shown / sizeof *shown; i++)
            if (option.n == strlen(shown[i].option) && memcmp(option.p, shown[i].option, option.n) == 0) found[i] = value;
    }
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) tl_json_some(json, shown[i].name, found[i], 256);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    struct message m;
    if (!read_message(in->bytes, &m)) return;
    tl_span body = m.body;
    tl_json_number(json, "version", m.h.version);
    tl_json_number(json, "stream", m.h.version < 3 ? (int8_t)m.h.stream : (int16_t)m.h.stream);
    switch (m.h.opcode) {
    case STARTUP: describe_startup(json, body); break;
    case QUERY:
        tl_json_some(json, "query", take_text(&body), SHOWN);
        if (body.n >= 2) tl_json_word(json, "consistency", consistencies, tl_be16(body.p));
        break;
    case PREPARE: tl_json_some(json, "query", take_text(&body), SHOWN); break;
    case EXECUTE: json_id(json, "statement", tl_take_vector(&body, 2)); break;
    case ERROR:
        if (body.n >= 4) tl_json_number(json, "code", tl_be32(body.p));
        (void)tl_take(&body, 4);
        tl_json_some(json, "message", tl_take_vector(&body, 2), 1024);
        break;
    case RESULT: describe_result(json, body, m.h.version); break;
    case AUTHENTICATE: tl_json_some(json, "authenticator", tl_take_vector(&body, 2), 256); break;
    case EVENT: tl_json_some(json, "event", tl_take_vector(&body, 2), 256); break;
    default: break;
    }
}

const tl_detector tl_cassandra = {
    .name = "cassandra",
    .head_max = SHOWN,
    .state_size = sizeof(struct cassandra),
    .ports = {9042},
    .first = TL_FIRST("\x01\x05\x41\x42\x81\x85\xc1\xc2"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
