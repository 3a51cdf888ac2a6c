/*
** proxy.c - the PROXY protocol (HAProxy's specification, proxy-protocol.txt, sections 2.1 to 2.3): whom a proxy speaks for, told in
** front of what it passes on.
**
**     1    "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443" CRLF, at most 107 bytes
**     2    signature (12) | version and command | family and transport | length (2) | addresses | TLVs
**
** It is one message, the last of its protocol: what follows is detected anew, and another header may (proxies behind each other).  Nobody
** answers it.  A header is known when its line is whole or its first sixteen bytes are, so none is given up halfway: a hole within the
** rest of one is counted.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

enum { LINE_MAX_1 = 107, FIXED_2 = 16, HEAD_MAX = 2048, SHOWN = 256, TLVS_MOST = 64 };
enum { LOCAL, PROXIED };
enum { UNSPECIFIED, INET, INET6, UNIX };

static const uint8_t signature[12] = "\r\n\r\n\0\r\nQUIT\n";

struct proxy {
    tl_label label;
};

typedef struct ends {
    char src[120], dst[120]; /* paths of AF_UNIX are at most 108 bytes */
    uint16_t src_port, dst_port;
    bool ports;
} ends;

/* ---- version 1 ---- */

static bool read_port(tl_span s, uint16_t *out)
{
    unsigned v = 0;
    if (s.n == 0 || s.n > 5 || (s.n > 1 && s.p[0] == '0')) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        v = v * 10 + (unsigned)(s.p[i] - '0');
    }
    *out = (uint16_t)v;
    return v <= UINT16_MAX;
}

static bool read_address(tl_span s, int family, char *out, size_t room)
{
    uint8_t ip[16];
    if (s.n == 0 || s.n >= room) return false;
    memcpy(out, s.p, s.n);
    out[s.n] = '\0';
    return strlen(out) == s.n && inet_pton(family, out, ip) == 1;
}

/* The line without its CRLF.  UNKNOWN: whatever else stands there is to be ignored. */
static bool read_line(tl_span line, tl_span *family, ends *e)
{
    memset(e, 0, sizeof *e);
    (void)tl_take_word(&line);
    *family = tl_take_word(&line);
    if (family->n == 7 && memcmp(family->p, "UNKNOWN", 7) == 0) return true;
    int af = family->n == 4 && memcmp(family->p, "TCP4", 4) == 0   ? AF_INET
             : family->n == 4 && memcmp(family->p, "TCP6", 4) == 0 ? AF_INET6
                                                                   : AF_UNSPEC;
    if (af == AF_UNSPEC) return false;
    if (!read_address(tl_take_word(&line), af, e->src, sizeof e->src) || !read_address(tl_take_word(&line), af, e->dst, sizeof e->dst))
        return false;
    e->ports = read_port(tl_take_word(&line), &e->src_port) && read_port(tl_take_word(&line), &e->dst_port) && line.n == 0;
    return e->ports;
}

/* ---- version 2 ---- */

static size_t addresses_length(unsigned family)
{
    static const uint8_t lengths[] = {[INET] = 12, [INET6] = 36, [UNIX] = 216};
    return family < sizeof lengths ? lengths[family] : 0;
}

static bool is_header_2(const uint8_t *p)
{
    unsigned command = p[12], family = p[13] >> 4, transport = p[13] & 15;
    if (memcmp(p, signature, sizeof signature) != 0 || command >> 4 != 2 || (command & 15) > PROXIED) return false;
    return family <= UNIX && transport <= 2 && tl_be16(p + 14) >= ((command & 15) == LOCAL ? 0 : addresses_length(family));
}

static void read_path(tl_span s, char *out)
{
    size_t n = strnlen((const char *)s.p, s.n);
    memcpy(out, s.p, n);
    out[n] = '\0';
}

/* Eats the addresses from the front of in; false: they are not there. */
static bool read_addresses(tl_span *in, unsigned family, ends *e)
{
    memset(e, 0, sizeof *e);
    size_t ip = family == INET ? 4 : 16;
    if (addresses_length(family) == 0 || in->n < addresses_length(family)) return false;
    if (family == UNIX) {
        read_path(tl_take(in, 108), e->src);
        read_path(tl_take(in, 108), e->dst);
        return true;
    }
    int af = family == INET ? AF_INET : AF_INET6;
    e->ports =
        inet_ntop(af, tl_take(in, ip).p, e->src, sizeof e->src) != NULL && inet_ntop(af, tl_take(in, ip).p, e->dst, sizeof e->dst) != NULL;
    e->src_port = (uint16_t)tl_take_be(in, 2);
    e->dst_port = (uint16_t)tl_take_be(in, 2);
    return e->ports;
}

/* ---- probe ---- */

/* A header that begins here: its length; 0: *maybe tells whether more bytes may make one. */
static size_t header_length(tl_span b, bool *maybe)
{
    tl_span line, family;
    ends e;
    *maybe = false;
    if (b.n > 0 && b.p[0] == signature[0]) {
        if (b.n >= FIXED_2) return is_header_2(b.p) ? FIXED_2 + (size_t)tl_be16(b.p + 14) : 0;
        *maybe = memcmp(b.p, signature, b.n < sizeof signature ? b.n : sizeof signature) == 0;
        return 0;
    }
    if (!tl_may_begin(b, "PROXY TCP4 ") && !tl_may_begin(b, "PROXY TCP6 ") && !tl_may_begin(b, "PROXY UNKNOWN")) return 0;
    size_t n = tl_line(tl_span_of(b.p, b.n < LINE_MAX_1 ? b.n : LINE_MAX_1), &line);
    *maybe = n == 0 && b.n < LINE_MAX_1;
    if (n == 0 || n != line.n + 2) return 0; /* a bare LF ends no header */
    return read_line(line, &family, &e) ? n : 0;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    bool maybe;
    return header_length(b, &maybe) > 0 ? TL_YES : maybe ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_both(in, false, probe_one);
}

/* ---- measure ---- */

static bool plausible(tl_span from)
{
    bool maybe;
    return header_length(from, &maybe) > 0 || maybe;
}

/* The side that does not send a header waits for what the other one's is followed by; of more than HEAD_MAX bytes the last ones do. */
static tl_verdict wait_for_it(const tl_head *in)
{
    if (!in->ended && in->bytes.n < HEAD_MAX) return tl_more(in->bytes.n + 1);
    size_t too_many = in->ended ? in->bytes.n : in->bytes.n - HEAD_MAX + 1;
    return tl_reject(1 + tl_scan(tl_span_of(in->bytes.p + 1, too_many - 1), plausible));
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    bool maybe;
    size_t length = header_length(in->bytes, &maybe);
    if (length == 0) return wait_for_it(in);
    size_t wanted = tl_wanted(in, length, HEAD_MAX);
    if (wanted > 0) return tl_more(wanted);
    tl_verdict v = tl_whole(in, length, HEAD_MAX, "header");
    v.strong = true;
    v.last_of_protocol = true;
    if (in->bytes.p[0] != signature[0]) v.summary = tl_span_of(in->bytes.p, length - 2);
    return v;
}

static bool is_header(tl_span from)
{
    bool maybe;
    return header_length(from, &maybe) > 0;
}

/* Also what begins with no header may be what follows one: it waits, as before a hole. */
static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    size_t at = tl_scan(in->bytes, is_header);
    return at < in->bytes.n ? at : 0;
}

/* ---- accept: the summary of a binary header, in the words of the other one ---- */

static const tl_word families[] = {{0x00, "UNKNOWN"}, {0x11, "TCP4"}, {0x12, "UDP4"},       {0x21, "TCP6"},
                                   {0x22, "UDP6"},    {0x31, "UNIX"}, {0x32, "UNIX_DGRAM"}, {0, NULL}};

static tl_rc name_it(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    tl_label *l = &((struct proxy *)state)->label;
    tl_span b = tl_shown(in->bytes, v->length, HEAD_MAX), fixed = tl_take(&b, FIXED_2);
    ends e;
    if (fixed.n < FIXED_2 || fixed.p[0] != signature[0]) return TL_OK;
    l->n = 0;
    tl_label_add(l, tl_text_span((fixed.p[12] & 15) == LOCAL ? "LOCAL" : "PROXY"));
    if ((fixed.p[12] & 15) == PROXIED) {
        tl_label_word(l, families, fixed.p[13]);
        if (read_addresses(&b, fixed.p[13] >> 4, &e)) {
            tl_label_add(l, tl_text_span(e.src));
            tl_label_add(l, tl_text_span(e.dst));
            if (e.ports) tl_label_number(l, e.src_port);
            if (e.ports) tl_label_number(l, e.dst_port);
        }
    }
    v->summary = tl_label_span(l);
    return TL_OK;
}

/* ---- describe ---- */

static void describe_ends(const ends *e, tl_text *json)
{
    tl_json_some(json, "src", tl_text_span(e->src), SHOWN);
    if (e->ports) tl_json_number(json, "src_port", e->src_port);
    tl_json_some(json, "dst", tl_text_span(e->dst), SHOWN);
    if (e->ports) tl_json_number(json, "dst_port", e->dst_port);
}

/* Section 2.2, and PP2_TYPE_AWS, which names the endpoint of a VPC behind a subtype of 1.  Each is told once, the first time. */
static void describe_tlvs(tl_span in, unsigned depth, uint64_t *said, tl_text *json)
{
    enum { ALPN = 1, AUTHORITY, CRC32C, UNIQUE_ID = 5, SSL = 0x20, SSL_VERSION, SSL_CN, SSL_CIPHER, NETNS = 0x30, AWS = 0xea };
    static const struct {
        uint8_t type, depth;
        const char *name;
    } texts[] = {{ALPN, 0, "alpn"},
                 {AUTHORITY, 0, "authority"},
                 {UNIQUE_ID, 0, "unique_id"},
                 {NETNS, 0, "netns"},
                 {SSL_VERSION, 1, "tls_version"},
                 {SSL_CN, 1, "tls_client_name"},
                 {SSL_CIPHER, 1, "tls_cipher"}};
    for (unsigned n = 0; in.n >= 3 && n < TLVS_MOST; n++) {
        unsigned type = (unsigned)tl_take_be(&in, 1);
        tl_span value = tl_take_vector(&in, 2);
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
            if (texts[i].type != type || texts[i].depth != depth || (*said & 1u << i)) continue;
            *said |= 1u << i;
            tl_json_some(json, texts[i].name, value, SHOWN);
        }
        if (depth == 0 && type == SSL && value.n >= 5 && !(*said & 1u << 31)) {
            *said |= 1u << 31;
            tl_json_number(json, "tls", (int64_t)(tl_take_be(&value, 1) & 1));
            tl_json_number(json, "tls_verify", (int64_t)tl_take_be(&value, 4));
            describe_tlvs(value, 1, said, json);
        }
        if (depth == 0 && type == AWS && value.n > 1 && value.p[0] == 1 && !(*said & 1u << 30)) {
            *said |= 1u << 30;
            (void)tl_take(&value, 1);
            tl_json_some(json, "vpc_endpoint", value, SHOWN);
        }
    }
}

static void describe_line(tl_span b, tl_text *json)
{
    tl_span line, family;
    ends e;
    (void)tl_line(b, &line);
    tl_json_number(json, "version", 1);
    if (!read_line(line, &family, &e)) return;
    tl_json_field(json, "family", family, SHOWN);
    describe_ends(&e, json);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    bool maybe;
    if (header_length(b, &maybe) == 0) return;
    if (b.p[0] != signature[0]) {
        describe_line(b, json);
        return;
    }
    tl_span fixed = tl_take(&b, FIXED_2);
    size_t length = tl_be16(fixed.p + 14);
    unsigned family = fixed.p[13] >> 4;
    ends e;
    uint64_t said = 0;
    b = tl_shown(b, length, HEAD_MAX - FIXED_2);
    tl_json_number(json, "version", 2);
    tl_json_text(json, "command", (fixed.p[12] & 15) == LOCAL ? "local" : "proxy");
    tl_json_word(json, "family", families, fixed.p[13]);
    if (read_addresses(&b, family, &e)) {
        if ((fixed.p[12] & 15) == PROXIED) describe_ends(&e, json);
    } else if (family != UNSPECIFIED) {
        return; /* cut, or too short: what is there are no TLVs */
    }
    describe_tlvs(b, 0, &said, json);
}

const tl_detector tl_proxy = {
    .name = "proxy",
    .head_max = HEAD_MAX,
    .state_size = sizeof(struct proxy),
    .first = TL_FIRST("\r\rPP"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = name_it,
};
