/*
** postgresql.c - PostgreSQL's frontend/backend protocol 3 (documentation, chapter "Frontend/Backend Protocol").
**
** A message is a type byte and a length in four bytes that counts itself; those with which a client begins have no type byte: startup,
** SSLRequest, GSSENCRequest, CancelRequest.  The answer to a request for encryption is a single byte; after S it is TLS that follows,
** after G GSSAPI's own framing.
**
** PAIRING.  The server says ReadyForQuery exactly once for: the startup, a query, a function call, and a series of extended messages
** (parse, bind, ...) up to its sync.  Those are the requests; of a series it is the first message that counts, which names the statement.
** ReadyForQuery is the response.  What tells the outcome before it, command_complete, error, empty_query and portal_suspended, is an
** interim answer; an error that ends the session is the response.  Rows, their description, notices and the like answer nothing.
**
** A message is strong where its length and inside fix each other: ReadyForQuery, completions without a body, a query that ends in its only
** NUL, a row whose columns fill it.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER = 5,
    STARTUP_HEADER = 8,
    STARTUP_MAX = 10000, /* MAX_STARTUP_PACKET_LENGTH */
    LENGTH_MAX = 0x3fffffff,
    SHOWN = 4096,
    CANCEL_REQUEST = 80877102,
    SSL_REQUEST,
    GSSENC_REQUEST
};

struct postgresql {
    uint8_t client;        /* 0: not known; else 1 + the direction of the client */
    bool encryption_asked; /* the server's next message is one byte */
    bool one_byte;         /* the last message was that one */
    bool in_series;        /* extended messages were sent since the last sync */
};

/* Types of messages of one side.  body: what its length says without itself: the least, and the most where it is fixed. */
struct type {
    char letter;
    const char *kind;
    uint32_t least, most;
};
static const struct type frontend[] = {{'Q', "query", 1, LENGTH_MAX},
                                       {'P', "parse", 4, LENGTH_MAX},
                                       {'B', "bind", 8, LENGTH_MAX},
                                       {'D', "describe", 2, LENGTH_MAX},
                                       {'E', "execute", 5, LENGTH_MAX},
                                       {'C', "close", 2, LENGTH_MAX},
                                       {'S', "sync", 0, 0},
                                       {'H', "flush", 0, 0},
                                       {'F', "function_call", 10, LENGTH_MAX},
                                       {'p', "password", 0, 1 << 16},
                                       {'X', "terminate", 0, 0},
                                       {'d', "copy_data", 0, LENGTH_MAX},
                                       {'c', "copy_done", 0, 0},
                                       {'f', "copy_fail", 1, LENGTH_MAX},
                                       {0, NULL, 0, 0}};
static const struct type backend[] = {{'R', "authentication", 4, 1 << 16},
                                      {'S', "parameter_status", 2, 1 << 20},
                                      {'K', "backend_key", 8, 260},
                                      {'Z', "ready", 1, 1},
                                      {'T', "row_description", 2, 1 << 20},
                                      {'D', "data_row", 2, LENGTH_MAX},
                                      {'C', "command_complete", 1, 256},
                                      {'E', "error", 1, 1 << 20},
                                      {'N', "notice", 1, 1 << 20},
                                      {'A', "notification", 6, 1 << 16},
                                      {'1', "parse_complete", 0, 0},
                                      {'2', "bind_complete", 0, 0},
                                      {'3', "close_complete", 0, 0},
                                      {'n', "no_data", 0, 0},
                                      {'s', "portal_suspended", 0, 0},
                                      {'t', "parameter_description", 2, 1 << 19},
                                      {'I', "empty_query", 0, 0},
                                      {'G', "copy_in", 3, 1 << 16},
                                      {'H', "copy_out", 3, 1 << 16},
                                      {'W', "copy_both", 3, 1 << 16},
                                      {'V', "function_result", 4, LENGTH_MAX},
                                      {'v', "negotiate_version", 8, 1 << 16},
                                      {'d', "copy_data", 0, LENGTH_MAX},
                                      {'c', "copy_done", 0, 0},
                                      {0, NULL, 0, 0}};

static const tl_word authentications[] = {
    {0, "ok"},   {2, "kerberos"}, {3, "cleartext"},      {5, "md5"},         {7, "gss"}, {8, "gss_continue"},
    {9, "sspi"}, {10, "sasl"},    {11, "sasl_continue"}, {12, "sasl_final"}, {0, NULL}};

static const struct type *type_of(const struct type *types, uint8_t letter)
{
    while (types->letter != 0 && types->letter != (char)letter) types++;
    return types->letter != 0 ? types : NULL;
}

/* Is it the client that says this?  What one letter leaves open, the direction decides. */
static bool from_client(const struct postgresql *s, tl_dir dir, uint8_t first, bool *sure)
{
    *sure = true;
    if (s->client != 0) return s->client == 1u + dir;
    if (first == 0) return true;
    bool front = type_of(frontend, first) != NULL, back = type_of(backend, first) != NULL;
    *sure = front != back;
    return *sure ? front : dir == TL_C2S;
}

/* The type of a message that may begin with these bytes, as far as they go; NULL: none. */
static const struct type *typed(tl_span b, bool client)
{
    const struct type *t = type_of(client ? frontend : backend, b.p[0]);
    if (t == NULL || b.n < HEADER) return t;
    uint32_t n = tl_be32(b.p + 1);
    return n >= 4 + t->least && n - 4 <= t->most ? t : NULL;
}

/* The same of one without a type byte: 9 bytes tell. */
static bool startup_begins(tl_span b)
{
    if (b.n >= 2 && tl_be16(b.p) != 0) return false;
    if (b.n < 4) return b.p[0] == 0;
    uint32_t length = tl_be32(b.p);
    if (length < STARTUP_HEADER || length > STARTUP_MAX) return false;
    if (b.n < STARTUP_HEADER) return true;
    uint32_t code = tl_be32(b.p + 4);
    if (code == SSL_REQUEST || code == GSSENC_REQUEST) return length == STARTUP_HEADER;
    if (code == CANCEL_REQUEST) return length >= 16 && length <= 268;
    if (code >> 16 != 3 || (code & 0xffff) > 2 || length < STARTUP_HEADER + 2) return false;
    /* A parameter's name follows; where Kafka's Metadata request has the same numbers, it has a correlation id there. */
    return b.n == STARTUP_HEADER || b.p[STARTUP_HEADER] == '_' || (b.p[STARTUP_HEADER] >= 'a' && b.p[STARTUP_HEADER] <= 'z');
}

/* The inside of a row: columns, each behind its length, that fill it to the end. */
static bool row_is_exact(tl_span body)
{
    uint64_t columns = tl_take_be(&body, 2);
    for (uint64_t i = 0; i < columns; i++) {
        if (body.n < 4) return false;
        uint64_t n = tl_take_be(&body, 4);
        if (n == UINT32_MAX) continue;
        if (n > body.n) return false;
        (void)tl_take(&body, (size_t)n);
    }
    return columns > 0 && body.n == 0;
}

/* Names and values in pairs, or one text, whose only NUL is its last byte. */
static bool one_text(tl_span body)
{
    return body.n > 3 && memchr(body.p, 0, body.n) == body.p + body.n - 1;
}

/* S, V, C, M, ...: fields of an error or notice; an empty span where it has none of that letter. */
static tl_span error_field(tl_span body, char letter)
{
    while (body.n > 0 && body.p[0] != 0) {
        bool it = body.p[0] == (uint8_t)letter;
        (void)tl_take(&body, 1);
        tl_span value = tl_take_string(&body);
        if (it) return value;
    }
    return tl_span_of(body.p, 0);
}

/* body: all of it, unless the message is longer than what is shown. */
static bool is_strong(const struct type *t, bool client, tl_span body, bool whole)
{
    if (t->most == 0) return true;
    if (!whole) return false;
    switch (t->letter) {
    case 'Z': return memchr("ITE", body.p[0], 3) != NULL;
    case 'Q':
    case 'C': return one_text(body) && tl_text_readable(body) > 0;
    case 'D': return !client && row_is_exact(body);
    case 'E':
    case 'N': return !client && error_field(body, 'C').n == 5;
    default: return false;
    }
}

/* Messages in a row, up to one that is strong; on the usual port the first head is enough. */
static tl_match midway(tl_span b, bool client, bool usual)
{
    unsigned messages = 0;
    for (tl_span rest = b; rest.n > 0; messages++) {
        const struct type *t = typed(rest, client);
        if (t == NULL || messages == 8) return TL_NO;
        if (rest.n < HEADER) break;
        size_t n = 1 + (size_t)tl_be32(rest.p + 1);
        if (n > UINT16_MAX) return TL_NO;
        tl_span body = tl_shown(tl_span_of(rest.p + HEADER, rest.n - HEADER), n - HEADER, SHOWN);
        if (usual || (body.n == n - HEADER && is_strong(t, client, body, true))) return TL_LIKELY;
        (void)tl_take(&rest, n);
    }
    return TL_MAYBE;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (b.p[0] == 0)
        return !startup_begins(b) ? TL_NO : b.n <= STARTUP_HEADER && (b.n < STARTUP_HEADER || tl_be16(b.p + 4) == 3) ? TL_MAYBE : TL_YES;
    /* The answer to a request for encryption: the request tells. */
    if (b.n == 1 && (b.p[0] == 'S' || b.p[0] == 'N' || b.p[0] == 'G')) return TL_MAYBE;
    tl_match as_client = midway(b, true, usual), as_server = midway(b, false, usual);
    if (as_client == TL_LIKELY || as_server == TL_LIKELY) return TL_LIKELY;
    return as_client == TL_MAYBE || as_server == TL_MAYBE ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

static tl_verdict measure_startup(struct postgresql *s, const tl_head *in)
{
    if (in->bytes.n < STARTUP_HEADER) return tl_more(STARTUP_HEADER);
    if (!startup_begins(tl_span_of(in->bytes.p, STARTUP_HEADER))) return tl_reject(0);
    uint32_t length = tl_be32(in->bytes.p), code = tl_be32(in->bytes.p + 4);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    if (!startup_begins(in->bytes)) return tl_reject(0);
    tl_verdict v = tl_whole(in, length, SHOWN, "startup");
    v.strong = true;
    s->client = (uint8_t)(1 + in->dir);
    s->in_series = s->one_byte = false;
    s->encryption_asked = code == SSL_REQUEST || code == GSSENC_REQUEST;
    if (code == CANCEL_REQUEST) {
        v.kind = "cancel_request";
        return v; /* the server closes the connection without a word */
    }
    if (s->encryption_asked) v.kind = code == SSL_REQUEST ? "ssl_request" : "gssenc_request";
    tl_span rest = tl_shown(in->bytes, length, SHOWN);
    (void)tl_take(&rest, STARTUP_HEADER);
    while (rest.n > 1) {
        tl_span name = tl_take_string(&rest), value = tl_take_string(&rest);
        if (name.n == 4 && tl_begins(name, "user") && value.n > 0) v.summary = value;
    }
    return tl_as(v, TL_REQUEST, 0);
}

static tl_verdict measure_encryption_answer(struct postgresql *s, const tl_head *in)
{
    tl_verdict v = tl_as(tl_whole(in, 1, 1, "encryption_answer"), TL_RESPONSE, 0);
    v.summary = tl_span_of(in->bytes.p, 1);
    s->encryption_asked = false;
    s->one_byte = true;
    v.last_of_protocol = in->bytes.p[0] != 'N';
    if (in->bytes.p[0] == 'S') v.next = &tl_tls;
    return v;
}

static tl_role role_of_client(struct postgresql *s, char letter)
{
    bool first = !s->in_series;
    switch (letter) {
    case 'Q':
    case 'F': s->in_series = false; return TL_REQUEST;
    case 'P':
    case 'B':
    case 'D':
    case 'E':
    case 'C':
    case 'H': s->in_series = true; return first ? TL_REQUEST : TL_ROLE_NONE;
    case 'S': s->in_series = false; return first ? TL_REQUEST : TL_ROLE_NONE;
    default: return TL_ROLE_NONE;
    }
}

static tl_role role_of_server(char letter, tl_span body)
{
    tl_span severity;
    switch (letter) {
    case 'Z': return TL_RESPONSE;
    case 'C':
    case 'I':
    case 's': return TL_INTERIM;
    case 'E':
        severity = error_field(body, 'V');
        if (severity.n == 0) severity = error_field(body, 'S');
        return tl_begins(severity, "FATAL") || tl_begins(severity, "PANIC") ? TL_RESPONSE : TL_INTERIM;
    default: return TL_ROLE_NONE;
    }
}

/* What a person wants to see of a message; never a password or a value. */
static tl_span summary_of(bool client, char letter, tl_span body)
{
    switch (letter) {
    case 'Q': return tl_take_string(&body);
    case 'P': (void)tl_take_string(&body); return tl_take_string(&body);
    case 'B': (void)tl_take_string(&body); return tl_take_string(&body);
    case 'E': return client ? tl_take_string(&body) : error_field(body, 'M');
    case 'C':
        if (client) (void)tl_take(&body, 1);
        return tl_take_string(&body);
    case 'D':
        if (client) (void)tl_take(&body, 1);
        return client ? tl_take_string(&body) : tl_span_of(body.p, 0);
    case 'S': return client ? tl_span_of(body.p, 0) : tl_take_string(&body);
    case 'N': return error_field(body, 'M');
    case 'A': (void)tl_take(&body, 4); return tl_take_string(&body);
    case 'T': (void)tl_take(&body, 2); return tl_take_string(&body);
    default: return tl_span_of(body.p, 0);
    }
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct postgresql *s = state;
    bool sure, client = from_client(s, in->dir, in->bytes.p[0], &sure);
    if (client && in->bytes.p[0] == 0) return measure_startup(s, in);
    if (!client && s->encryption_asked && memchr("SNG", in->bytes.p[0], 3) != NULL) return measure_encryption_answer(s, in);
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    const struct type *t = typed(in->bytes, client);
    if (t == NULL) return tl_reject(0);
    uint64_t length = 1 + (uint64_t)tl_be32(in->bytes.p + 1);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_span body = tl_shown(in->bytes, length, SHOWN);
    (void)tl_take(&body, HEADER);
    tl_verdict v = tl_whole(in, length, SHOWN, t->kind);
    v.strong = is_strong(t, client, body, body.n == length - HEADER);
    v.summary = summary_of(client, t->letter, body);
    s->one_byte = false;
    if (sure) s->client = (uint8_t)(1 + (client ? in->dir : !in->dir));
    return tl_as(v, client ? role_of_client(s, t->letter) : role_of_server(t->letter, body), 0);
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct postgresql *s = state;
    s->encryption_asked = false;
    if (s->client == 1u + dir) s->in_series = false;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct postgresql *s = state;
    for (size_t at = 0; at < in->bytes.n; at++) {
        tl_span from = tl_span_of(in->bytes.p + at, in->bytes.n - at);
        bool sure, client = from_client(s, in->dir, from.p[0], &sure);
        if (typed(from, client) != NULL || (client && startup_begins(from))) return at;
    }
    return in->bytes.n;
}

/* ---- describe ---- */

static void describe_startup(tl_span b, tl_text *json)
{
    uint32_t code = tl_be32(b.p + 4);
    if (code >> 16 != 3) return;
    tl_json_number(json, "protocol_minor", code & 0xffff);
    (void)tl_take(&b, STARTUP_HEADER);
    while (b.n > 1) {
        tl_span name = tl_take_string(&b), value = tl_take_string(&b);
        if (name.n == 4 && tl_begins(name, "user")) tl_json_some(json, "user", value, 256);
        if (name.n == 8 && tl_begins(name, "database")) tl_json_some(json, "database", value, 256);
        if (name.n == 16 && tl_begins(name, "application_name")) tl_json_some(json, "application", value, 256);
    }
}

static void describe_client(char letter, tl_span body, tl_text *json)
{
    switch (letter) {
    case 'Q': tl_json_some(json, "query", tl_take_string(&body), SHOWN); break;
    case 'P':
        tl_json_some(json, "statement", tl_take_string(&body), 256);
        tl_json_some(json, "query", tl_take_string(&body), SHOWN);
        break;
    case 'B':
        tl_json_some(json, "portal", tl_take_string(&body), 256);
        tl_json_some(json, "statement", tl_take_string(&body), 256);
        break;
    case 'E': tl_json_some(json, "portal", tl_take_string(&body), 256); break;
    case 'D':
    case 'C': {
        tl_span what = tl_take(&body, 1);
        tl_json_some(json, what.n > 0 && what.p[0] == 'P' ? "portal" : "statement", tl_take_string(&body), 256);
        break;
    }
    default: break;
    }
}

static void describe_server(char letter, tl_span body, tl_text *json)
{
    switch (letter) {
    case 'R':
        if (body.n >= 4) tl_json_word(json, "authentication", authentications, tl_be32(body.p));
        break;
    case 'S':
        tl_json_some(json, "parameter", tl_take_string(&body), 256);
        tl_json_some(json, "value", tl_take_string(&body), 256);
        break;
    case 'K':
        if (body.n >= 4) tl_json_number(json, "process_id", tl_be32(body.p));
        break;
    case 'Z': tl_json_some(json, "transaction_status", tl_take(&body, 1), 1); break;
    case 'T':
    case 'D':
        if (body.n >= 2) tl_json_number(json, "columns", tl_be16(body.p));
        break;
    case 'C': tl_json_some(json, "tag", tl_take_string(&body), 256); break;
    case 'E':
    case 'N':
        tl_json_some(json, "severity", error_field(body, 'S'), 64);
        tl_json_some(json, "sqlstate", error_field(body, 'C'), 16);
        tl_json_some(json, "message", error_field(body, 'M'), 1024);
        break;
    case 'A':
        if (body.n >= 4) tl_json_number(json, "process_id", tl_be32(body.p));
        (void)tl_take(&body, 4);
        tl_json_some(json, "channel", tl_take_string(&body), 256);
        break;
    default: break;
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct postgresql *s = state;
    bool sure, client = from_client(s, in->dir, in->bytes.p[0], &sure);
    if (client && in->bytes.p[0] == 0 && in->bytes.n >= STARTUP_HEADER)
        describe_startup(tl_shown(in->bytes, tl_be32(in->bytes.p), SHOWN), json);
    if (in->bytes.p[0] == 0 || s->one_byte || in->bytes.n < HEADER) return;
    if (typed(in->bytes, client) == NULL) return;
    tl_span body = tl_shown(in->bytes, 1 + (uint64_t)tl_be32(in->bytes.p + 1), SHOWN);
    (void)tl_take(&body, HEADER);
    if (client)
        describe_client((char)in->bytes.p[0], body, json);
    else
        describe_server((char)in->bytes.p[0], body, json);
}

const tl_detector tl_postgresql = {
    .name = "postgresql",
    .head_max = 1 + SHOWN,
    .state_size = sizeof(struct postgresql),
    .ports = {5432, 6432, 5433},
    .first = TL_FIRST("\x00\x00"
                      "09AZaz"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
