/*
** cassandra.c - Cassandra's CQL binary protocol, versions 1 to 4 (native_protocol_v4.spec): version, flags, stream, opcode, length.
**
** A response has the stream of its request.  Events, on stream -1, answer nothing.
** Version 5 wraps messages in frames with checksums once the server is ready: from there on the session is no longer read by this detector.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER_OLD = 8, /* versions 1 and 2: a stream in one byte */
    HEADER = 9,
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
static const tl_word results[] = {{1, "void"}, {2, "rows"}, {3, "set_keyspace"}, {4, "prepared"}, {5, "schema_change"}, {0, NULL}};

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
    if (h->version < 1 || h->version > 5) return false;
    if (h->version < 3) h->size = HEADER_OLD;
    if (b.n >= 2 && (h->flags = b.p[1]) > 0x1f) return false;
    if (b.n < h->size) return true;
    h->stream = h->version < 3 ? b.p[2] : tl_be16(b.p + 2);
    h->opcode = b.p[h->size - 5];
    h->length = tl_be32(b.p + h->size - 4);
    if (h->opcode > AUTH_SUCCESS || opcodes[h->opcode].kind == NULL || opcodes[h->opcode].response != h->response) return false;
    return h->length <= LENGTH_MAX && (h->length > 0 || h->opcode == OPTIONS || h->opcode == READY);
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
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

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* What is shown of a message's body, where it can be read. */
static tl_span body_of(tl_span b, const struct header *h)
{
    tl_span body = tl_shown(b, h->size + (uint64_t)h->length, SHOWN);
    (void)tl_take(&body, h->size);
    if (h->flags & COMPRESSED) return tl_span_of(body.p, 0);
    if (h->response && (h->flags & TRACED)) (void)tl_take(&body, 16);
    return body;
}

/* A long string, as far as it is shown. */
static tl_span take_text(tl_span *body)
{
    uint64_t n = tl_take_be(body, 4);
    return tl_take(body, n < body->n ? (size_t)n : body->n);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    struct header h;
    if (in->bytes.n < HEADER_OLD) return tl_more(HEADER_OLD);
    if (!parse_header(tl_span_of(in->bytes.p, HEADER_OLD), &h)) return tl_reject(0);
    if (in->bytes.n < h.size) return tl_more(h.size);
    if (!parse_header(tl_span_of(in->bytes.p, h.size), &h)) return tl_reject(0);
    uint64_t length = h.size + (uint64_t)h.length;
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, length, SHOWN, opcodes[h.opcode].kind);
    v.strong = true;
    tl_span body = body_of(in->bytes, &h);
    if (h.opcode == QUERY || h.opcode == PREPARE) v.summary = take_text(&body);
    if (h.opcode == ERROR) {
        (void)tl_take(&body, 4);
        v.summary = tl_take_vector(&body, 2);
    }
    v.last_of_protocol = h.version == 5 && (h.opcode == READY || h.opcode == AUTHENTICATE);
    if (h.opcode == EVENT) return v;
    return tl_with_id(tl_as(v, h.response ? TL_RESPONSE : TL_REQUEST, 0), h.stream);
}

static bool plausible(tl_span from)
{
    struct header h;
    return parse_header(from, &h);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    struct header h;
    if (in->bytes.n < HEADER_OLD || !parse_header(in->bytes, &h) || in->bytes.n < h.size) return;
    tl_span body = body_of(in->bytes, &h);
    tl_json_number(json, "version", h.version);
    tl_json_number(json, "stream", h.version < 3 ? (int8_t)h.stream : (int16_t)h.stream);
    switch (h.opcode) {
    case QUERY:
    case PREPARE: tl_json_some(json, "query", take_text(&body), SHOWN); break;
    case ERROR:
        if (body.n >= 4) tl_json_number(json, "code", tl_be32(body.p));
        (void)tl_take(&body, 4);
        tl_json_some(json, "message", tl_take_vector(&body, 2), 1024);
        break;
    case RESULT:
        if (body.n >= 4) tl_json_word(json, "result", results, tl_be32(body.p));
        if (body.n >= 4 && tl_take_be(&body, 4) == 3) tl_json_some(json, "keyspace", tl_take_vector(&body, 2), 256);
        break;
    case AUTHENTICATE: tl_json_some(json, "authenticator", tl_take_vector(&body, 2), 256); break;
    case EVENT: tl_json_some(json, "event", tl_take_vector(&body, 2), 256); break;
    default: break;
    }
}

const tl_detector tl_cassandra = {
    .name = "cassandra",
    .head_max = SHOWN,
    .ports = {9042},
    .first = TL_FIRST("\x01\x05\x81\x85"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
