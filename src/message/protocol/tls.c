/*
** tls.c - TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2): type, version, length, fragment.  One record, one message.
**
** What is in the clear is read as far as it is in one record: which handshake messages it holds, the hellos (tls_hello.c) and the peer's
** certificate (tls_certificate.c), alerts.  Nothing is decrypted, and handshake messages that are split over records are not put together.
** A hello is beyond doubt; any other record header is believed after a hole only when the next record follows it.
**
** CLEAR OR NOT.  A direction is in the clear from its hello to its change of cipher (TLS 1.3 calls what is encrypted application data, so
** nothing more is needed there).  Where that is not known - the start of the session or a change of cipher may have been lost - a record's
** handshake messages are named only when known types and lengths fill it exactly.
*/
#include "message/protocol/tls_parts.h"
#include "message/registry.h"

enum {
    HEADER = TL_TLS_RECORD,
    FRAGMENT_MAX = (1 << 14) + 2048, /* RFC 5246 section 6.2.3 */
    HELLO_MIN = 4 + 2 + 32 + 1,
    PROBED = 2048, /* a second record beyond that is not waited for */
    CHANGE_CIPHER_SPEC = 20,
    ALERT,
    HANDSHAKE,
    APPLICATION_DATA,
    HEARTBEAT,
    CLIENT_HELLO = TL_TLS_CLIENT_HELLO,
    SERVER_HELLO = TL_TLS_SERVER_HELLO
};

enum phase { UNKNOWN = 0, CLEAR, SEALED };

struct tls {          /* by direction */
    uint32_t left[2]; /* CLEAR: bytes of a handshake message that the next record goes on with */
    uint32_t skip[2]; /* of the record at hand: bytes that belong to the message before */
    uint8_t phase[2];
    uint8_t named[2]; /* of the record at hand: it holds handshake messages in the clear, behind skip */
};

static const char *const kinds[] = {"change_cipher_spec", "alert", "handshake", "application_data", "heartbeat"};

/* May a record begin with these bytes, as far as they go? */
static bool plausible(tl_span b)
{
    if (b.n >= 1 && (b.p[0] < CHANGE_CIPHER_SPEC || b.p[0] > HEARTBEAT)) return false;
    if (b.n >= 2 && b.p[1] != 3) return false;
    if (b.n >= 3 && b.p[2] > 4) return false;
    if (b.n < HEADER) return true;
    unsigned n = tl_be16(b.p + 3);
    if (n > FRAGMENT_MAX || (n == 0 && b.p[0] != APPLICATION_DATA)) return false;
    if (b.p[0] == CHANGE_CIPHER_SPEC && n != 1) return false;
    return b.p[0] != ALERT || n == 2 || (n >= 16 && n <= 512);
}

/* CLIENT_HELLO or SERVER_HELLO when that is what the record in b begins with; 0: it is not.  *cut: the bytes end before it is clear. */
static int hello(tl_span b, bool *cut)
{
    *cut = b.n < HEADER + 6;
    if (b.n > 0 && b.p[0] != HANDSHAKE) *cut = false;
    if (b.n >= HEADER && tl_be16(b.p + 3) < 6) *cut = false;
    if (b.n < HEADER + 6 || b.p[0] != HANDSHAKE || tl_be16(b.p + 3) < 6) return 0;
    const uint8_t *m = b.p + HEADER;
    uint32_t n = tl_be24(m + 1);
    bool known = m[0] == CLIENT_HELLO || m[0] == SERVER_HELLO;
    return known && n >= HELLO_MIN - 4 && n < 1 << 16 && m[4] == 3 && m[5] <= 4 ? m[0] : 0;
}

/* YES: a hello, or two records in a row.  LIKELY, which no later byte takes back: a record on a port that is usual for TLS, or one that is
** too long for the next to be waited for. */
static tl_match probe_one(const tl_detector *d, tl_span b, uint16_t port)
{
    bool cut;
    if (b.n == 0 || !plausible(b)) return TL_NO;
    if (hello(b, &cut) != 0) return TL_YES;
    if (cut || b.n < HEADER) return TL_MAYBE;
    /* Picked up midway. */
    size_t next = HEADER + (size_t)tl_be16(b.p + 3);
    if (next + HEADER > PROBED) return TL_LIKELY;
    bool follows = b.n < next || plausible(tl_span_of(b.p + next, b.n - next));
    if (follows && b.n >= next + HEADER) return TL_YES;
    if (tl_usual_port(d, port)) return TL_LIKELY;
    return follows ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    uint16_t port = in->server_port;
    tl_match client = probe_one(d, in->head[TL_C2S], port), server = probe_one(d, in->head[TL_S2C], port);
    return client > server ? client : server;
}

/* ---- handshake messages in a record ---- */

/* The handshake messages of a record, one after the other. */
struct walk {
    tl_span b;     /* the record, as far as it is there */
    size_t length; /* of all of it */
    size_t at;     /* the next message */
};

static struct walk walk_from(tl_span b, size_t skip)
{
    size_t length = HEADER + (size_t)tl_be16(b.p + 3);
    return (struct walk){{b.p, b.n < length ? b.n : length}, length, HEADER + skip};
}

/* False: no more of them, or not the whole header of one. */
static bool next_message(struct walk *w, unsigned *type, size_t *length, tl_span *body)
{
    if (w->at >= w->b.n || w->b.n - w->at < 4) return false;
    const uint8_t *m = w->b.p + w->at;
    *type = m[0];
    *length = tl_be24(m + 1);
    w->at += 4;
    *body = tl_span_of(m + 4, w->b.n - w->at < *length ? w->b.n - w->at : *length);
    w->at += *length;
    return true;
}

/* Do messages of known types fill the record exactly? */
static bool filled_exactly(tl_span b)
{
    struct walk w = walk_from(b, 0);
    unsigned type;
    size_t length;
    tl_span body;
    while (next_message(&w, &type, &length, &body))
        if (tl_tls_message_name(type) == NULL || (type == 0 && length > 0)) return false;
    return w.at == w.length && b.n >= w.length;
}

/* May the record's messages be named?  *need: so many of its bytes are wanted for that; 0: no more. */
static bool in_the_clear(const struct tls *s, tl_dir dir, tl_span b, bool is_hello, size_t *need)
{
    size_t length = HEADER + (size_t)tl_be16(b.p + 3);
    bool clear = is_hello || s->phase[dir] == CLEAR;
    *need = 0;
    if (b.p[0] != HANDSHAKE || (s->phase[dir] == SEALED && !is_hello)) return false;
    if (!is_hello && clear && s->left[dir] >= length - HEADER) return true; /* all of it goes on with a message */
    if (!clear) {
        if (length < HEADER + 4) return false;
        if (b.n < HEADER + 4) {
            *need = HEADER + 4;
            return false;
        }
        if (tl_tls_message_name(b.p[HEADER]) == NULL || tl_be24(b.p + HEADER + 1) + HEADER + 4 > length) return false;
    }
    if (b.n < length) *need = length;
    return clear || filled_exactly(b);
}

/* What the record says about the ones that follow it. */
static void note(struct tls *s, tl_dir dir, tl_span b, bool is_hello, bool named)
{
    size_t fragment = tl_be16(b.p + 3), left = is_hello ? 0 : s->left[dir];
    s->named[dir] = named;
    s->skip[dir] = 0;
    if (b.p[0] == CHANGE_CIPHER_SPEC) {
        s->phase[dir] = SEALED;
        s->left[dir] = 0;
        return;
    }
    if (!named) return;
    if (is_hello) s->phase[dir] = CLEAR;
    s->skip[dir] = (uint32_t)(left < fragment ? left : fragment);
    struct walk w = walk_from(b, s->skip[dir]);
    unsigned type;
    size_t length;
    tl_span body;
    while (next_message(&w, &type, &length, &body)) continue;
    s->left[dir] = (uint32_t)(left > fragment ? left - fragment : w.at > w.length ? w.at - w.length : 0);
    /* The header of a message is split over two records, or lost. */
    if (w.at < w.length) s->phase[dir] = UNKNOWN;
}

/* ---- measure ---- */

/* What a person wants to see: the name that the client asks for, or the subject that the server's certificate has. */
static tl_span summary(const struct tls *s, tl_dir dir, tl_span b)
{
    struct walk w = walk_from(b, s->skip[dir]);
    unsigned type;
    size_t length;
    tl_span message;
    while (next_message(&w, &type, &length, &message)) {
        if (type == TL_TLS_CERTIFICATE) return tl_tls_subject(message);
        if (type != CLIENT_HELLO) continue;
        tl_tls_hello h = tl_tls_hello_read(message, length, true);
        unsigned extension;
        tl_span body;
        while (tl_tls_extension(&h.extensions, &extension, &body))
            if (extension == 0) return tl_tls_server_name(body);
    }
    return tl_span_of(b.p, 0);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct tls *s = state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || plausible(b))) return tl_more(HEADER);
    if (!plausible(b)) return tl_reject(0);
    size_t length = HEADER + (size_t)tl_be16(b.p + 3), need;
    bool goes_on = s->phase[in->dir] == CLEAR && s->left[in->dir] > 0, cut = false;
    int which = goes_on ? 0 : hello(b, &cut);
    if (cut && !in->ended) return tl_more(HEADER + 6);
    bool named = in_the_clear(s, in->dir, b, which != 0, &need);
    if (need > 0 && !in->ended) return tl_more(need);
    bool alert = b.p[0] == ALERT && length == HEADER + 2;
    if (alert && b.n < length && !in->ended) return tl_more(length);
    bool inside = named && which == 0 && s->left[in->dir] >= length - HEADER; /* of a message: nothing begins in it */
    tl_verdict v = tl_whole(in, length, (named && !inside) || alert ? length : HEADER, kinds[b.p[0] - CHANGE_CIPHER_SPEC]);
    v.strong = which != 0;
    note(s, in->dir, b, which != 0, named);
    if (named) v.summary = summary(s, in->dir, b);
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct tls *s = state;
    if (s->phase[dir] == CLEAR) s->phase[dir] = UNKNOWN;
    s->left[dir] = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- describe ---- */

static void word(tl_text *json, const char *name, const char *value)
{
    tl_json_field(json, name, tl_span_of(value, strlen(value)), 64);
}

static void add_message_name(tl_text *names, unsigned type, bool retry)
{
    const char *name = retry ? "hello_retry_request" : tl_tls_message_name(type);
    if (names->n > 0) tl_text_add(names, ",");
    if (name != NULL)
        tl_text_add(names, name);
    else
        tl_text_printf(names, "%u", type);
}

/* The names of the record's messages with commas between them, then what the hello and the certificate say. */
static void describe_handshake(const struct tls *s, tl_dir dir, tl_span b, tl_text *json)
{
    enum { NAMES_MAX = 256 };
    struct walk w = walk_from(b, s->skip[dir]);
    tl_text names = {0};
    tl_span body, certificate = {NULL, 0};
    tl_tls_hello h = {0};
    unsigned type, which = 0;
    size_t length;
    while (next_message(&w, &type, &length, &body)) {
        bool is_hello = (type == CLIENT_HELLO || type == SERVER_HELLO) && which == 0;
        if (is_hello) {
            h = tl_tls_hello_read(body, length, type == CLIENT_HELLO);
            which = type;
        }
        if (type == TL_TLS_CERTIFICATE && certificate.n == 0) certificate = body;
        if (names.n < NAMES_MAX) add_message_name(&names, type, is_hello && h.retry);
    }
    if (names.failed) json->failed = true;
    if (names.n > 0) tl_json_field(json, "handshake", tl_span_of(names.p, names.n), NAMES_MAX);
    tl_text_free(&names);
    if (which != 0) {
        tl_tls_describe_hello(&h, which == CLIENT_HELLO, json);
        tl_tls_describe_fingerprints(&h, which == CLIENT_HELLO, json);
    }
    if (certificate.n > 0) tl_tls_describe_certificate(certificate, json);
}

static void describe_alert(tl_span b, tl_text *json)
{
    if (b.p[HEADER] == 1 || b.p[HEADER] == 2) word(json, "alert_level", b.p[HEADER] == 1 ? "warning" : "fatal");
    const char *name = tl_tls_alert_name(b.p[HEADER + 1]);
    if (name != NULL)
        word(json, "alert", name);
    else
        tl_json_number(json, "alert", b.p[HEADER + 1]);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct tls *s = state;
    tl_span b = in->bytes;
    const char *version = tl_tls_version_name(tl_be16(b.p + 1));
    if (version != NULL) word(json, "record_version", version);
    if (s->named[in->dir]) describe_handshake(s, in->dir, b, json);
    if (b.p[0] == ALERT && tl_be16(b.p + 3) == 2 && b.n >= HEADER + 2) describe_alert(b, json);
}

const tl_detector tl_tls = {
    .name = "tls",
    .head_max = HEADER + FRAGMENT_MAX,
    .state_size = sizeof(struct tls),
    .ports = {443, 465, 636, 853, 990, 993, 995, 8443},
    .first = TL_FIRST("\x14\x18"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
