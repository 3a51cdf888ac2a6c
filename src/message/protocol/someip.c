/*
** someip.c - SOME/IP over TCP (AUTOSAR PRS_SOMEIPProtocol, section 4.1.2): service, method, length, client, session, versions, type, code.
**
**     service 2  method 2  length 4, of what follows    client 2  session 2  protocol 1, one  interface 1  type 1  return code 1    payload
**
** A response has its request's service, method, client and session.  The magic cookies that let a reader find its way back (section
** 4.2.1.2, same document) are messages of their own and beyond doubt; any other header is believed after a hole when the next one follows
** it.  Payloads are described by files that no capture holds; only what service discovery says first is read (PRS_SOMEIPServiceDiscovery).
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 16,
    SHOWN = 64,
    LENGTH_MAX = 64 << 20,
    TRANSPORT = 0x20, /* of the type: a segment */
    REQUEST = 0,
    REQUEST_NO_RETURN,
    NOTIFICATION,
    RESPONSE = 0x80,
    ERROR
};

/* Service and method of messages that are SOME/IP's own. */
static const uint32_t CLIENT_COOKIE = 0xffff0000, SERVER_COOKIE = 0xffff8000, DISCOVERY = 0xffff8100;

static const tl_word types[] = {{REQUEST, "request"},
                                {REQUEST_NO_RETURN, "request_no_return"},
                                {NOTIFICATION, "notification"},
                                {RESPONSE, "response"},
                                {ERROR, "error"},
                                {0, NULL}};
static const tl_word codes[] = {{0, "ok"},
                                {1, "not_ok"},
                                {2, "unknown_service"},
                                {3, "unknown_method"},
                                {4, "not_ready"},
                                {5, "not_reachable"},
                                {6, "timeout"},
                                {7, "wrong_protocol_version"},
                                {8, "wrong_interface_version"},
                                {9, "malformed_message"},
                                {10, "wrong_message_type"},
                                {11, "e2e_repeated"},
                                {12, "e2e_wrong_sequence"},
                                {13, "e2e"},
                                {14, "e2e_not_available"},
                                {15, "e2e_no_new_data"},
                                {0, NULL}};
static const tl_word entries[] = {
    {0, "find_service"}, {1, "offer_service"}, {6, "subscribe_eventgroup"}, {7, "subscribe_eventgroup_ack"}, {0, NULL}};

struct someip {
    tl_label label;
};

/* The cookies' last bytes: client dead, session beef. */
static bool is_cookie(tl_span b)
{
    uint32_t id = tl_be32(b.p);
    return (id == CLIENT_COOKIE || id == SERVER_COOKIE) && tl_be32(b.p + 4) == 8 && tl_be32(b.p + 8) == 0xdeadbeef;
}

/* May a message begin with these bytes, as far as they go (HEADER of them are looked at)?  Only an answer has a return code. */
static bool begins(tl_span b)
{
    if ((b.n >= 5 && b.p[4] > LENGTH_MAX >> 24) || (b.n >= 13 && b.p[12] != 1)) return false;
    if (b.n < HEADER) return true;
    uint32_t length = tl_be32(b.p + 4);
    unsigned type = b.p[14] & ~(unsigned)TRANSPORT, code = b.p[15];
    if (length < 8 || length > LENGTH_MAX || tl_word_of(types, type) == NULL || tl_be16(b.p) == 0) return false;
    return code == 0 || (type >= RESPONSE && code < 0x5f);
}

static uint64_t message_id(tl_span b)
{
    return (uint64_t)tl_be32(b.p) << 32 | tl_be32(b.p + 8);
}

/* ---- probe ---- */

/* A cookie, service discovery or two headers in a row. */
static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    if (!begins(b)) return TL_NO;
    if (b.n < HEADER) return TL_MAYBE;
    if (is_cookie(b) || tl_be32(b.p) == DISCOVERY) return TL_YES;
    uint64_t end = 8 + (uint64_t)tl_be32(b.p + 4);
    if (b.n <= end) return TL_LIKELY;
    tl_span next = tl_span_of(b.p + end, b.n - (size_t)end);
    return next.n >= HEADER && begins(next) ? TL_YES : TL_LIKELY;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_span c = in->head[TL_C2S], s = in->head[TL_S2C];
    tl_match found = tl_probe_either(in, tl_usual_port(d, in->server_port), probe_one);
    if (found != TL_LIKELY || c.n < HEADER || s.n < HEADER) return found;
    return message_id(c) == message_id(s) ? TL_YES : TL_LIKELY;
}

/* ---- measure ---- */

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(b)) return tl_reject(0);
    uint64_t length = 8 + (uint64_t)tl_be32(b.p + 4);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    unsigned type = b.p[14] & ~(unsigned)TRANSPORT;
    tl_verdict v = tl_whole(in, length, SHOWN, tl_word_of(types, type));
    v.strong = is_cookie(b);
    if (v.strong) {
        v.kind = "magic_cookie";
        return v;
    }
    if (type == REQUEST) return tl_with_id(tl_as(v, TL_REQUEST, 0), message_id(b));
    return type >= RESPONSE ? tl_with_id(tl_as(v, TL_RESPONSE, 0), message_id(b)) : v;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

/* Flags, three reserved bytes, the length of the entries, and the first one's type (PRS_SOMEIPServiceDiscovery section 4.1.2). */
static bool first_entry(tl_span b, unsigned *type, unsigned *service)
{
    if (tl_be32(b.p) != DISCOVERY || b.n < HEADER + 8 + 16 || tl_be32(b.p + HEADER + 4) < 16) return false;
    *type = b.p[HEADER + 8];
    *service = tl_be16(b.p + HEADER + 8 + 4);
    return true;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct someip *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    unsigned entry, service;
    s->label.n = 0;
    if (first_entry(b, &entry, &service)) {
        tl_label_word(&s->label, entries, entry);
        tl_label_hex16(&s->label, service);
    } else if (!is_cookie(b)) {
        tl_label_hex16(&s->label, tl_be16(b.p));
        tl_label_more(&s->label, tl_text_span("."));
        tl_label_hex(&s->label, tl_be16(b.p + 2), 4);
        if (b.p[15] != 0) tl_label_word(&s->label, codes, b.p[15]);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    unsigned entry, service;
    if (b.n < HEADER) return;
    b = tl_shown(b, 8 + (uint64_t)tl_be32(b.p + 4), SHOWN);
    tl_json_number(json, "service_id", tl_be16(b.p));
    tl_json_number(json, "method_id", tl_be16(b.p + 2));
    tl_json_number(json, "client_id", tl_be16(b.p + 8));
    tl_json_number(json, "session_id", tl_be16(b.p + 10));
    tl_json_number(json, "interface_version", b.p[13]);
    tl_json_word(json, "message_type", types, b.p[14] & ~(unsigned)TRANSPORT);
    if ((b.p[14] & ~(unsigned)TRANSPORT) >= RESPONSE) tl_json_word(json, "return_code", codes, b.p[15]);
    if (b.p[14] & TRANSPORT && b.n >= HEADER + 4) tl_json_number(json, "segment_offset", tl_be32(b.p + HEADER) & 0xfffffff0u);
    if (!first_entry(b, &entry, &service)) return;
    tl_json_word(json, "entry", entries, entry);
    tl_json_number(json, "entry_service_id", service);
}

const tl_detector tl_someip = {
    .name = "someip",
    .head_max = SHOWN,
    .state_size = sizeof(struct someip),
    .ports = {30490, 30501, 30509},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
