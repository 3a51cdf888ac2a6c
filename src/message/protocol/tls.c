/*
** tls.c - TLS records (RFC 8446 section 5.1, RFC 5246 section 6.2): type, version, length, fragment.  One record, one message.
**
** The hellos are read as far as they are in the clear and in one record: server name, protocols (ALPN), versions, cipher.  Nothing is
** decrypted, and handshake messages that are split over records are not put together.
** A hello is beyond doubt; any other record header is believed after a hole only when the next record follows it.
*/
#include "message/registry.h"

#include <string.h>

enum {
    HEADER = 5,
    FRAGMENT_MAX = (1 << 14) + 2048, /* RFC 5246 section 6.2.3 */
    HELLO_MIN = 4 + 2 + 32 + 1,
    CHANGE_CIPHER_SPEC = 20,
    ALERT,
    HANDSHAKE,
    APPLICATION_DATA,
    HEARTBEAT,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2
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
    uint32_t n = tl_be32(m) & 0xffffff;
    bool known = m[0] == CLIENT_HELLO || m[0] == SERVER_HELLO;
    return known && n >= HELLO_MIN - 4 && n < 1 << 16 && m[4] == 3 && m[5] <= 4 ? m[0] : 0;
}

static tl_match probe_one(tl_span b, uint16_t port)
{
    static const uint16_t ports[] = {443, 465, 563, 636, 853, 989, 990, 992, 993, 995, 5061, 8443};
    bool cut;
    if (b.n == 0 || !plausible(b)) return TL_NO;
    if (hello(b, &cut) != 0) return TL_YES;
    if (cut) return TL_MAYBE;
    if (b.n < HEADER) return TL_MAYBE;
    /* Picked up midway: two records in a row, or one on a port that speaks TLS. */
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
        if (port == ports[i]) return TL_YES;
    size_t next = HEADER + (size_t)tl_be16(b.p + 3);
    if (b.n < next + HEADER) return TL_NO;
    return plausible(tl_span_of(b.p + next, b.n - next)) ? TL_YES : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = probe_one(in->head[TL_C2S], in->server_port), server = probe_one(in->head[TL_S2C], in->server_port);
    return client > server ? client : server;
}

/* ---- the inside of a hello ---- */

/* Takes n bytes from the front of *in; an empty span when there are not as many. */
static tl_span take(tl_span *in, size_t n)
{
    tl_span none = {NULL, 0};
    if (n > in->n) {
        in->n = 0;
        return none;
    }
    tl_span out = tl_span_of(in->p, n);
    if (n == 0) return out;
    in->p += n;
    in->n -= n;
    return out;
}

/* A vector whose length stands before it in `width` bytes. */
static tl_span vector(tl_span *in, size_t width)
{
    tl_span length = take(in, width);
    return take(in, length.n == 0 ? 0 : width == 1 ? length.p[0] : tl_be16(length.p));
}

/* What comes behind the random of the hello in b, as far as it is there and in this record. */
static tl_span behind_random(tl_span b)
{
    size_t length = HEADER + (size_t)tl_be16(b.p + 3);
    tl_span rest = tl_span_of(b.p, b.n < length ? b.n : length);
    take(&rest, HEADER + 4 + 2 + 32);
    vector(&rest, 1); /* session id */
    return rest;
}

/* The next extension of a list: false at its end. */
static bool next_extension(tl_span *in, unsigned *type, tl_span *body)
{
    if (in->n < 4) return false;
    *type = tl_be16(take(in, 2).p);
    *body = vector(in, 2);
    return true;
}

/* RFC 6066 section 3. */
static tl_span server_name(tl_span body)
{
    tl_span list = vector(&body, 2);
    take(&list, 1);
    return vector(&list, 2);
}

static tl_span client_hello_name(tl_span b)
{
    tl_span rest = behind_random(b), body;
    unsigned type;
    vector(&rest, 2); /* cipher suites */
    vector(&rest, 1); /* compression methods */
    tl_span list = vector(&rest, 2);
    while (next_extension(&list, &type, &body))
        if (type == 0) return server_name(body);
    return tl_span_of(b.p, 0);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (!plausible(b)) return (tl_verdict){.answer = TL_REJECT};
    if (b.n < HEADER) return (tl_verdict){.answer = TL_MORE, .need = HEADER};
    size_t length = HEADER + (size_t)tl_be16(b.p + 3);
    bool cut;
    int which = hello(b, &cut);
    /* A hello is wanted whole, for describe; what is not one is measured by its header. */
    if (length >= HEADER + 6 && cut && !in->ended) return (tl_verdict){.answer = TL_MORE, .need = HEADER + 6};
    if (which != 0 && b.n < length && !in->ended) return (tl_verdict){.answer = TL_MORE, .need = length};
    tl_verdict v = {.answer = TL_FRAME, .length = length, .edge = TL_WHOLE, .role = TL_ROLE_NONE, .strong = which != 0};
    v.kind = kinds[b.p[0] - CHANGE_CIPHER_SPEC];
    if (which == CLIENT_HELLO) v.summary = client_hello_name(b);
    v.head_length = (uint32_t)(which == 0 ? HEADER : b.n < length ? b.n : length);
    return v;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    for (size_t at = 0; at < b.n; at++)
        if (plausible(tl_span_of(b.p + at, b.n - at))) return at;
    return b.n;
}

/* ---- describe ---- */

static void number_text(tl_text *json, const char *name, unsigned value)
{
    static const char hex[] = "0123456789abcdef";
    const char text[] = {'0', 'x', hex[value >> 12 & 15], hex[value >> 8 & 15], hex[value >> 4 & 15], hex[value & 15]};
    tl_json_field(json, name, tl_span_of(text, sizeof text), sizeof text);
}

static void version_text(tl_text *json, const char *name, unsigned minor)
{
    static const char *const names[] = {"SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"};
    if (minor < sizeof names / sizeof *names) tl_json_field(json, name, tl_span_of(names[minor], strlen(names[minor])), 16);
}

/* server_name, ALPN (RFC 7301 section 3.1), supported_versions (RFC 8446 section 4.2.1). */
static void extensions(tl_text *json, tl_span in, bool client)
{
    unsigned type;
    tl_span body;
    while (next_extension(&in, &type, &body)) {
        if (type == 0 && client) {
            tl_span name = server_name(body);
            if (name.n > 0) tl_json_field(json, "server_name", name, 256);
        } else if (type == 16) {
            tl_span list = vector(&body, 2), first = vector(&list, 1);
            if (first.n > 0) tl_json_field(json, "alpn", first, 256);
        } else if (type == 43 && !client && body.n == 2 && body.p[0] == 3) {
            version_text(json, "selected_version", body.p[1]);
        }
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    bool cut;
    int which = hello(b, &cut);
    if (b.n < HEADER) return;
    version_text(json, "record_version", b.p[2]);
    if (which == 0) return;
    bool client = which == CLIENT_HELLO;
    tl_json_field(json, "handshake", client ? tl_span_of("client_hello", 12) : tl_span_of("server_hello", 12), 16);
    version_text(json, "version", b.p[HEADER + 5]);
    tl_span rest = behind_random(b);
    if (client) {
        tl_span suites = vector(&rest, 2);
        vector(&rest, 1); /* compression methods */
        tl_json_number(json, "ciphers", (int64_t)(suites.n / 2));
    } else {
        tl_span suite = take(&rest, 2);
        take(&rest, 1);
        if (suite.n == 2) number_text(json, "cipher", tl_be16(suite.p));
    }
    extensions(json, vector(&rest, 2), client);
}

const tl_detector tl_tls = {
    .name = "tls",
    .head_max = HEADER + FRAGMENT_MAX,
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
