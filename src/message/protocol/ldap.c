/*
** ldap.c - LDAP version 3 (RFC 4511; the Basic Encoding Rules it uses, section 5.1): a sequence of message id and operation.
**
** The message id pairs answers with requests: entries, references and intermediate responses are interim answers, the result is the
** response.  Unbind and abandon are not answered.  After a StartTLS that succeeded it is TLS that follows.  After a SASL bind messages may
** lie in buffers behind a length in four bytes (RFC 4422 section 3.7): each is a message of its own, not opened.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER_MIN = 7, /* the shortest message: unbind */
    HEADER_MAX = 18,
    LENGTH_MAX = 64 << 20,
    SASL_MAX = 16 << 20,
    SHOWN = 1024,
    SEQUENCE = 0x30,
    INTEGER = 2,
    OCTETS = 4,
    ENUMERATED = 10,
    SASL = 0xa3,
    BIND_REQUEST = 0x60,
    BIND_RESPONSE = 0x61,
    UNBIND = 0x42,
    SEARCH_REQUEST = 0x63,
    SEARCH_ENTRY = 0x64,
    SEARCH_DONE = 0x65,
    MODIFY_REQUEST = 0x66,
    ADD_REQUEST = 0x68,
    DELETE_REQUEST = 0x4a,
    MODIFY_DN_REQUEST = 0x6c,
    COMPARE_REQUEST = 0x6e,
    ABANDON = 0x50,
    SEARCH_REFERENCE = 0x73,
    EXTENDED_REQUEST = 0x77,
    EXTENDED_RESPONSE = 0x78,
    INTERMEDIATE = 0x79
};
enum { TAG_OTHER = 1, TAG_STARTTLS, TAG_SASL };

static const tl_word operations[] = {{BIND_REQUEST, "bind_request"},
                                     {BIND_RESPONSE, "bind_response"},
                                     {UNBIND, "unbind_request"},
                                     {SEARCH_REQUEST, "search_request"},
                                     {SEARCH_ENTRY, "search_entry"},
                                     {SEARCH_DONE, "search_done"},
                                     {MODIFY_REQUEST, "modify_request"},
                                     {0x67, "modify_response"},
                                     {ADD_REQUEST, "add_request"},
                                     {0x69, "add_response"},
                                     {DELETE_REQUEST, "delete_request"},
                                     {0x6b, "delete_response"},
                                     {MODIFY_DN_REQUEST, "modify_dn_request"},
                                     {0x6d, "modify_dn_response"},
                                     {COMPARE_REQUEST, "compare_request"},
                                     {0x6f, "compare_response"},
                                     {ABANDON, "abandon_request"},
                                     {SEARCH_REFERENCE, "search_reference"},
                                     {EXTENDED_REQUEST, "extended_request"},
                                     {EXTENDED_RESPONSE, "extended_response"},
                                     {INTERMEDIATE, "intermediate_response"},
                                     {0, NULL}};
static const tl_word results[] = {{0, "success"},
                                  {1, "operations_error"},
                                  {2, "protocol_error"},
                                  {3, "time_limit_exceeded"},
                                  {4, "size_limit_exceeded"},
                                  {5, "compare_false"},
                                  {6, "compare_true"},
                                  {7, "auth_method_not_supported"},
                                  {8, "stronger_auth_required"},
                                  {10, "referral"},
                                  {13, "confidentiality_required"},
                                  {14, "sasl_bind_in_progress"},
                                  {16, "no_such_attribute"},
                                  {32, "no_such_object"},
                                  {34, "invalid_dn_syntax"},
                                  {48, "inappropriate_authentication"},
                                  {49, "invalid_credentials"},
                                  {50, "insufficient_access_rights"},
                                  {51, "busy"},
                                  {52, "unavailable"},
                                  {53, "unwilling_to_perform"},
                                  {65, "object_class_violation"},
                                  {68, "entry_already_exists"},
                                  {80, "other"},
                                  {0, NULL}};
static const tl_word scopes[] = {{0, "base"}, {1, "one_level"}, {2, "subtree"}, {0, NULL}};
static const char starttls[] = "1.3.6.1.4.1.1466.20037";

struct ldap {
    bool sasl; /* a SASL bind has succeeded */
};

/* ---- BER ---- */

enum found { BAD, CUT, GOOD };

/* A tag of one byte and a definite length; in->n shrinks to what is behind them. */
static enum found take_head(tl_span *in, uint8_t *tag, uint32_t *length)
{
    if (in->n < 2) return CUT;
    *tag = in->p[0];
    *length = in->p[1];
    size_t width = in->p[1] & 0x80 ? in->p[1] & 0x7f : 0;
    if (in->p[1] & 0x80) {
        if (width < 1 || width > 4) return BAD;
        if (in->n < 2 + width) return CUT;
        *length = 0;
        for (size_t i = 0; i < width; i++) *length = *length << 8 | in->p[2 + i];
    }
    (void)tl_take(in, 2 + width);
    return GOOD;
}

/* The next element of that tag, as far as it is there; empty where there is another one. */
static tl_span take_element(tl_span *in, uint8_t tag)
{
    uint8_t found;
    uint32_t n;
    tl_span rest = *in;
    if (take_head(&rest, &found, &n) != GOOD || found != tag) return tl_span_of(in->p, 0);
    tl_span value = tl_span_of(rest.p, n < rest.n ? n : rest.n);
    *in = rest;
    (void)tl_take(in, n);
    return value;
}

static uint32_t number_of(tl_span value)
{
    uint32_t v = 0;
    for (size_t i = 0; i < value.n && i < 4; i++) v = v << 8 | value.p[i];
    return v;
}

struct header {
    uint64_t length;
    uint32_t id;
    uint8_t operation;
    tl_span body; /* of the operation, as far as it is there */
};

static enum found parse_header(tl_span b, struct header *h)
{
    uint8_t tag;
    uint32_t n;
    tl_span rest = b;
    *h = (struct header){.length = 0};
    if (b.n > 0 && b.p[0] != SEQUENCE) return BAD;
    enum found found = take_head(&rest, &tag, &n);
    if (found != GOOD) return found;
    h->length = (uint64_t)(rest.p - b.p) + n;
    if (n < HEADER_MIN - 2 || n > LENGTH_MAX) return BAD;
    const uint8_t *begin = rest.p;
    if (rest.n > 0 && rest.p[0] != INTEGER) return BAD;
    found = take_head(&rest, &tag, &n);
    if (found != GOOD) return found;
    if (n < 1 || n > 4) return BAD;
    if (rest.n < n) return CUT;
    if (rest.p[0] & 0x80) return BAD; /* message ids are not negative */
    h->id = number_of(tl_take(&rest, n));
    if (rest.n > 0 && tl_word_of(operations, rest.p[0]) == NULL) return BAD;
    found = take_head(&rest, &h->operation, &n);
    if (found != GOOD) return found;
    uint64_t inside = (uint64_t)(rest.p - begin) + n, all = h->length - (uint64_t)(begin - b.p);
    if (inside > all || (h->id == 0 && h->operation != EXTENDED_RESPONSE)) return BAD;
    h->body = tl_span_of(rest.p, n < rest.n ? n : rest.n);
    return GOOD;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    struct header h;
    (void)dir, (void)usual;
    switch (parse_header(b, &h)) {
    case GOOD: return TL_YES;
    case CUT: return TL_MAYBE;
    case BAD: break;
    }
    return TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

/* The name that an operation is about. */
static tl_span name_of(uint8_t operation, tl_span body)
{
    switch (operation) {
    case BIND_REQUEST: (void)take_element(&body, INTEGER); return take_element(&body, OCTETS);
    case DELETE_REQUEST: return body;
    case EXTENDED_REQUEST: return take_element(&body, 0x80);
    case SEARCH_REQUEST:
    case SEARCH_ENTRY:
    case MODIFY_REQUEST:
    case ADD_REQUEST:
    case MODIFY_DN_REQUEST:
    case COMPARE_REQUEST: return take_element(&body, OCTETS);
    default: return tl_span_of(body.p, 0);
    }
}

/* False: the operation has no result. */
static bool result_of(uint8_t operation, tl_span body, uint32_t *code)
{
    if (operation == SEARCH_ENTRY || operation == SEARCH_REFERENCE || operation == INTERMEDIATE) return false;
    tl_span value = take_element(&body, ENUMERATED);
    *code = number_of(value);
    return value.n > 0;
}

static tl_verdict with_role(struct ldap *s, const tl_head *in, const struct header *h, tl_verdict v)
{
    uint32_t code, asked, tag = TAG_OTHER;
    tl_span body = h->body;
    switch (h->operation) {
    case UNBIND:
    case ABANDON: return v;
    case BIND_REQUEST:
        (void)take_element(&body, INTEGER);
        (void)take_element(&body, OCTETS);
        if (body.n > 0 && body.p[0] == SASL) tag = TAG_SASL;
        return tl_with_id(tl_as(v, TL_REQUEST, tag), h->id);
    case EXTENDED_REQUEST:
        if (v.summary.n == strlen(starttls) && tl_begins(v.summary, starttls)) tag = TAG_STARTTLS;
        return tl_with_id(tl_as(v, TL_REQUEST, tag), h->id);
    case SEARCH_REQUEST:
    case MODIFY_REQUEST:
    case ADD_REQUEST:
    case DELETE_REQUEST:
    case MODIFY_DN_REQUEST:
    case COMPARE_REQUEST: return tl_with_id(tl_as(v, TL_REQUEST, tag), h->id);
    case SEARCH_ENTRY:
    case SEARCH_REFERENCE:
    case INTERMEDIATE: return tl_with_id(tl_as(v, TL_INTERIM, 0), h->id);
    default: break;
    }
    if (h->id == 0) return v; /* RFC 4511 section 4.4: a notice that nobody asked for */
    asked = tl_asked(in, h->id);
    bool success = result_of(h->operation, h->body, &code) && code == 0;
    if (h->operation == EXTENDED_RESPONSE && asked == TAG_STARTTLS && success) {
        v.last_of_protocol = true;
        v.next = &tl_tls;
    }
    if (h->operation == BIND_RESPONSE && success) s->sasl = asked == TAG_SASL;
    return tl_with_id(tl_as(v, TL_RESPONSE, 0), h->id);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct ldap *s = state;
    struct header h;
    tl_span b = in->bytes;
    if (s->sasl && b.p[0] == 0) {
        if (b.n < 4) return tl_more(4);
        uint32_t n = tl_be32(b.p);
        if (n == 0 || n > SASL_MAX) return tl_reject(0);
        return tl_whole(in, 4 + (uint64_t)n, 4, "sasl_buffer");
    }
    if (b.n < HEADER_MIN) return b.p[0] != SEQUENCE ? tl_reject(0) : tl_more(HEADER_MIN);
    size_t n = HEADER_MIN;
    enum found found;
    while ((found = parse_header(tl_span_of(b.p, n), &h)) == CUT) {
        if (++n > b.n) return n > HEADER_MAX ? tl_reject(0) : tl_more(n);
    }
    if (found == BAD) return tl_reject(0);
    size_t want = tl_wanted(in, h.length, SHOWN);
    if (want > 0) return tl_more(want);
    (void)parse_header(tl_shown(b, h.length, SHOWN), &h);
    tl_verdict v = tl_whole(in, h.length, SHOWN, tl_word_of(operations, h.operation));
    v.strong = true;
    v.summary = name_of(h.operation, h.body);
    return with_role(s, in, &h, v);
}

static bool plausible(tl_span from)
{
    struct header h;
    return parse_header(from, &h) != BAD;
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
    uint32_t code;
    if (parse_header(in->bytes, &h) != GOOD) return;
    (void)parse_header(tl_shown(in->bytes, h.length, SHOWN), &h);
    tl_json_number(json, "message_id", h.id);
    tl_span name = name_of(h.operation, h.body), body = h.body;
    switch (h.operation) {
    case BIND_REQUEST:
        tl_json_number(json, "version", number_of(take_element(&body, INTEGER)));
        tl_json_some(json, "bind_dn", name, 512);
        (void)take_element(&body, OCTETS);
        if (body.n > 0) tl_json_text(json, "authentication", body.p[0] == SASL ? "sasl" : "simple");
        body = take_element(&body, SASL);
        tl_json_some(json, "mechanism", take_element(&body, OCTETS), 64);
        return;
    case SEARCH_REQUEST:
        tl_json_some(json, "base_dn", name, 512);
        (void)take_element(&body, OCTETS);
        tl_json_word(json, "scope", scopes, number_of(take_element(&body, ENUMERATED)));
        return;
    case EXTENDED_REQUEST: tl_json_some(json, "oid", name, 128); return;
    default: tl_json_some(json, "dn", name, 512); break;
    }
    bool request = h.operation == MODIFY_REQUEST || h.operation == ADD_REQUEST || h.operation == MODIFY_DN_REQUEST ||
                   h.operation == COMPARE_REQUEST || h.operation == DELETE_REQUEST;
    if (request || !result_of(h.operation, h.body, &code)) return;
    tl_json_word(json, "result", results, code);
    (void)take_element(&body, ENUMERATED);
    tl_json_some(json, "matched_dn", take_element(&body, OCTETS), 512);
    tl_json_some(json, "message", take_element(&body, OCTETS), 512);
}

const tl_detector tl_ldap = {
    .name = "ldap",
    .head_max = SHOWN,
    .state_size = sizeof(struct ldap),
    .ports = {389, 3268},
    .first = TL_FIRST("00"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
