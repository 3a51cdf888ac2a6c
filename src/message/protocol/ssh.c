/*
** ssh.c - SSH 2 (RFC 4253): banners, then binary packets, one message each, up to the new keys; what comes behind those is one message
** up to the close.
**
** A packet in the clear: length in four bytes, padding length, payload, padding (section 6); its first payload byte is the message's
** number (RFC 4250 section 4.1.2).  A KEXINIT (section 7.1) says which algorithms are offered: HASSH and hasshServer are MD5 sums of four
** of its lists (github.com/salesforce/hassh).  The server's host key is named with its SHA-256 as ssh-keygen -l writes it.
**
** After a hole in the clear part the next packet is looked for; where the new keys were lost, what follows is not told from it and belongs
** to no message.  SSH 1 (banner SSH-1.5) is a banner and a message up to the close.
*/
#include "message/registry.h"
#include "message/shape.h"

#include <openssl/evp.h>

enum {
    BANNER_MAX = 255,     /* section 4.2, with CR LF */
    TEXT_LINE_MAX = 1024, /* of what a server may say before it */
    PACKET_MAX = 35000,   /* section 6.1 */
    HEAD = 6,             /* length, padding length, message number */
    COOKIE = 16,
    LISTS = 10,
    SHOWN = 1024
};
enum { DISCONNECT = 1, KEXINIT = 20, NEWKEYS = 21, KEX_FIRST = 30, KEX_REPLY = 31, GEX_REPLY = 33, GEX_REQUEST = 34 };

enum phase { START = 0, PACKETS, SEALED };

struct ssh {
    uint8_t phase[2];
    uint8_t gex; /* group exchange (RFC 4419): number 31 means another thing there */
};

static const char *message_name(const struct ssh *s, unsigned number)
{
    switch (number) {
    case DISCONNECT: return "disconnect";
    case 2: return "ignore";
    case 3: return "unimplemented";
    case 4: return "debug";
    case 5: return "service_request";
    case 6: return "service_accept";
    case 7: return "ext_info";
    case KEXINIT: return "kexinit";
    case NEWKEYS: return "newkeys";
    case KEX_FIRST: return "kex_init";
    case KEX_REPLY: return s->gex ? "kex_gex_group" : "kex_reply";
    case 32: return "kex_gex_init";
    case GEX_REPLY: return "kex_gex_reply";
    case GEX_REQUEST: return "kex_gex_request";
    default: return NULL;
    }
}

/* May a packet in the clear begin with these bytes, as far as they go? */
static bool plausible_packet(tl_span b)
{
    static const struct ssh none = {{0, 0}, 0};
    if (b.n >= 1 && b.p[0] != 0) return false;
    if (b.n >= 2 && b.p[1] != 0) return false;
    if (b.n < 4) return true;
    uint32_t length = tl_be32(b.p);
    if (length < 12 || length > PACKET_MAX || (length + 4) % 8 != 0) return false;
    if (b.n >= 5 && (b.p[4] < 4 || b.p[4] + 2u > length)) return false;
    if (b.n < HEAD) return true;
    if (b.p[5] == NEWKEYS) return length == b.p[4] + 2u;
    return message_name(&none, b.p[5]) != NULL;
}

/* Where the packet's payload is, as far as it is there. */
static tl_span payload(tl_span b)
{
    size_t n = tl_be32(b.p) - b.p[4] - 1;
    return tl_span_of(b.p + 5, b.n - 5 < n ? b.n - 5 : n);
}

/* Ten lists of names that fill the payload exactly but for a flag and a word. */
static bool read_kexinit(tl_span p, tl_span lists[LISTS])
{
    (void)tl_take(&p, 1 + COOKIE);
    for (size_t i = 0; i < LISTS; i++) {
        if (p.n < 4) return false;
        lists[i] = tl_take_vector(&p, 4);
        if (!tl_is_text(lists[i])) return false;
    }
    return p.n == 5;
}

static bool plausible(tl_span b)
{
    return b.n > 0 && (b.p[0] == 'S' ? tl_may_begin(b, "SSH-2.0-") || tl_may_begin(b, "SSH-1.99-") : plausible_packet(b));
}

/* ---- probe ---- */

static tl_match probe_one(tl_span b)
{
    tl_span lists[LISTS];
    if (b.n == 0) return TL_NO;
    if (b.p[0] == 'S') return tl_begins(b, "SSH-") ? TL_YES : tl_may_begin(b, "SSH-") ? TL_MAYBE : TL_NO;
    if (!plausible_packet(b) || (b.n >= HEAD && b.p[5] != KEXINIT)) return TL_NO;
    if (b.n < HEAD || b.n < tl_be32(b.p) + 4) return TL_MAYBE;
    return read_kexinit(payload(b), lists) ? TL_YES : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = probe_one(in->head[TL_C2S]), server = probe_one(in->head[TL_S2C]);
    return client > server ? client : server;
}

/* ---- measure ---- */

static tl_verdict measure_line(struct ssh *s, const tl_head *in)
{
    tl_span line;
    size_t n = tl_line(in->bytes, &line);
    bool banner = tl_may_begin(in->bytes, "SSH-");
    size_t most = banner ? BANNER_MAX : TEXT_LINE_MAX;
    if (n == 0 && !in->ended && in->bytes.n < most) return tl_more(in->bytes.n + 1);
    if (n == 0 || n > most || !tl_is_text(line)) return tl_reject(0);
    banner = tl_begins(line, "SSH-");
    /* Before its banner only a server may say other things (section 4.2). */
    if (!banner && in->dir == TL_C2S) return tl_reject(0);
    tl_verdict v = tl_whole(in, n, n, banner ? "banner" : "line");
    v.summary = line;
    v.strong = banner;
    if (banner) s->phase[in->dir] = tl_begins(line, "SSH-2.") || tl_begins(line, "SSH-1.99-") ? PACKETS : SEALED;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct ssh *s = state;
    tl_span b = in->bytes, lists[LISTS];
    uint8_t *phase = &s->phase[in->dir];
    if (*phase == SEALED) return tl_whole(in, TL_TO_CLOSE, 0, "encrypted");
    if (*phase == START && b.p[0] != 0) return measure_line(s, in);
    if (b.n < HEAD && (!in->ended || plausible_packet(b))) return tl_more(HEAD);
    if (!plausible_packet(b)) return tl_reject(0);
    size_t length = (size_t)tl_be32(b.p) + 4;
    unsigned number = b.p[5];
    bool read = number == KEXINIT || number == DISCONNECT || number == KEX_REPLY || number == GEX_REPLY;
    if (read && b.n < length && !in->ended) return tl_more(length);
    tl_verdict v = tl_whole(in, length, read ? length : HEAD, message_name(s, number));
    v.strong = number == NEWKEYS;
    if (number == KEXINIT && b.n >= length) {
        if (!read_kexinit(payload(b), lists)) return tl_reject(0);
        v.strong = true;
    }
    *phase = number == NEWKEYS ? SEALED : PACKETS;
    if (number == GEX_REQUEST) s->gex = 1;
    if (number == KEXINIT) s->gex = 0;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct ssh *s = state;
    if (s->phase[dir] == PACKETS) s->phase[dir] = START;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- describe ---- */

static void list_field(tl_text *json, const char *name, tl_span value)
{
    if (value.n > 0) tl_json_field(json, name, value, SHOWN);
}

/* "SSH-protoversion-softwareversion SP comments" */
static void describe_banner(tl_span line, tl_text *json)
{
    (void)tl_take(&line, 4);
    const uint8_t *dash = line.n > 0 ? memchr(line.p, '-', line.n) : NULL;
    if (dash == NULL) return;
    tl_span version = tl_take(&line, (size_t)(dash - line.p));
    (void)tl_take(&line, 1);
    list_field(json, "version", version);
    tl_span software = tl_take_word(&line);
    list_field(json, "software", software);
    list_field(json, "comments", line);
}

static void add_digest(tl_text *json, const char *name, const tl_span lists[4])
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char hex[33];
    static const char digits[] = "0123456789abcdef";
    tl_text source = {0};
    for (size_t i = 0; i < 4; i++) {
        if (i > 0) tl_text_add(&source, ";");
        tl_text_bytes(&source, lists[i].p, lists[i].n);
    }
    if (source.failed) {
        json->failed = true;
    } else if (EVP_Digest(source.p, source.n, sum, &n, EVP_md5(), NULL) == 1 && n == 16) {
        for (size_t i = 0; i < 16; i++) {
            hex[2 * i] = digits[sum[i] >> 4];
            hex[2 * i + 1] = digits[sum[i] & 15];
        }
        tl_json_field(json, name, tl_span_of(hex, 32), 32);
    }
    tl_text_free(&source);
}

static void describe_kexinit(tl_span p, tl_dir dir, tl_text *json)
{
    tl_span lists[LISTS];
    if (!read_kexinit(p, lists)) return;
    size_t own = dir == TL_C2S ? 0 : 1;
    const tl_span hassh[4] = {lists[0], lists[2 + own], lists[4 + own], lists[6 + own]};
    list_field(json, "kex_algorithms", lists[0]);
    list_field(json, "host_key_algorithms", lists[1]);
    list_field(json, "encryption", hassh[1]);
    list_field(json, "mac", hassh[2]);
    list_field(json, "compression", hassh[3]);
    add_digest(json, dir == TL_C2S ? "hassh" : "hassh_server", hassh);
}

/* "SHA256:" and base64 without padding. */
static void describe_host_key(tl_span p, tl_text *json)
{
    uint8_t sum[EVP_MAX_MD_SIZE], text[8 + 48] = "SHA256:";
    unsigned n = 0;
    (void)tl_take(&p, 1);
    tl_span key = tl_take_vector(&p, 4), inside = key, type = tl_take_vector(&inside, 4);
    if (type.n == 0 || type.n > 64 || !tl_is_text(type)) return;
    list_field(json, "host_key", type);
    if (EVP_Digest(key.p, key.n, sum, &n, EVP_sha256(), NULL) != 1 || n != 32) return;
    EVP_EncodeBlock(text + 7, sum, 32);
    tl_json_field(json, "host_key_sha256", tl_span_of(text, 7 + 43), 64);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct ssh *s = state;
    tl_span b = in->bytes, line;
    if (tl_begins(b, "SSH-") && tl_line(b, &line) > 0) {
        describe_banner(line, json);
        return;
    }
    if (b.n < HEAD || !plausible_packet(b)) return;
    tl_span p = payload(b);
    switch (b.p[5]) {
    case KEXINIT: describe_kexinit(p, in->dir, json); break;
    case KEX_REPLY:
        if (!s->gex) describe_host_key(p, json);
        break;
    case GEX_REPLY: describe_host_key(p, json); break;
    case DISCONNECT:
        (void)tl_take(&p, 1);
        if (p.n < 4) break;
        tl_json_number(json, "reason", (int64_t)tl_take_be(&p, 4));
        list_field(json, "description", tl_take_vector(&p, 4));
        break;
    default: break;
    }
}

const tl_detector tl_ssh = {
    .name = "ssh",
    .head_max = PACKET_MAX + 4,
    .state_size = sizeof(struct ssh),
    .ports = {22, 2222},
    .first = TL_FIRST("\x00\x00"
                      "SS"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
