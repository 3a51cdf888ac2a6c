/*
** websocket.c - WebSocket frames (RFC 6455 section 5.2), behind HTTP's 101 or picked up midway.
**
**     FIN RSV1 RSV2 RSV3 opcode (4) | MASK length (7) | length (0, 2 or 8 bytes) | masking key (0 or 4) | payload
**
** Each frame is a message: control frames may come between the fragments of one (section 5.4), so that a fragmented one is no range of the
** stream.  A frame says which fragment it is, and a continuation of what.  The client masks, the server does not (section 5.1): who is who
** is learned from the first frame.  What is shown is unmasked; what permessage-deflate (RFC 7692: RSV1) packed is only said to be.
**
** Two bytes are little evidence.  Right behind a hole, and where no 101 was seen, a frame also has to fit what its direction has shown so
** far (fragments, RSV1), text has to be UTF-8, and a close has to have a code that exists.  A length of eight bytes is strong: its zeros
** and the mask bit are as good as a magic.  A session without a 101 has to begin with so many frames of the client that they are worth
** PROOF: four or five, or two of which one is text, and more where its bytes are of few values, so that starts of frames are
** everywhere (see probe_one).
**
** Nobody asks and nobody answers here: the messages are not paired.
*/
#include "message/protocol/binary.h"
#include "message/protocol/upgraded.h"
#include "message/registry.h"

#include <stdio.h>

enum { CONTINUATION, TEXT, BINARY, CLOSE = 8, PING, PONG };
enum {
    HEAD_MAX = 128 << 10, /* behind a hole only a frame that can be held is believed: all with two bytes of length */
    SHOWN = 512,          /* of a payload */
    SUMMARY = 204,        /* a little more than a summary shows, so that the cut is seen */
    CONTROL_MOST = 125,
    LENGTH_MOST_BITS = 48, /* a frame of 256 TiB would not end */
    STRONG_BITS = 32,
    CHECKED = 2,          /* frames behind a hole */
    PROOF = 20 * 16,      /* sixteenths of a bit that the client's frames have to be worth where no 101 was seen */
    PROOF_TEXT = 9 * 16,  /* at most, for the text of one */
    TEXT_LOOKED_AT = 16,  /* characters of it */
    PRIOR_PLACES = 20,    /* what is known of bytes that were not seen: so many places, */
    PRIOR_FITTING = 8,    /* sixteenths of one of which look like the start of a frame */
    FRAME_LEAST = 2 * 16, /* where starts are so frequent that one is worth less, nothing is proved */
    UNKNOWN_CLIENT = 0
};

struct websocket {
    uint8_t client;         /* UNKNOWN_CLIENT, or 1 + the direction of the masked frames */
    uint8_t doubt[2];       /* frames that are still to be checked, behind a hole */
    uint8_t open[2];        /* the opcode of the message whose next fragment is awaited; 0: none */
    uint8_t packed[2];      /* it is compressed */
    uint8_t frames[2];      /* some were seen in sync, */
    uint8_t fragments;      /* bit 1 << dir: and fragments among them */
    uint8_t deflates;       /* RSV1 was seen */
    uint8_t of, of_deflate; /* the frame at hand: what it is a part of, and whether that is compressed */
    char shown[SUMMARY];
};
_Static_assert(sizeof(struct websocket) <= TL_STATE_MAX, "the state is bounded");

struct frame {
    bool fin, rsv1, masked;
    unsigned opcode;
    size_t header;
    uint64_t length;
    uint8_t key[4];
};

static const char *const kinds[16] = {"continuation", "text", "binary", [CLOSE] = "close", "ping", "pong"};

/* ---- the header ---- */

/* May a frame begin with these two bytes? */
static bool plausible_start(uint8_t first, uint8_t second)
{
    unsigned opcode = first & 15;
    if ((first & 0x30) != 0 || kinds[opcode] == NULL) return false;
    /* RFC 7692 section 6.1: RSV1 is of a message's first fragment, which says it for the others, and of no control frame. */
    if ((first & 0x40) != 0 && opcode != TEXT && opcode != BINARY) return false;
    /* Section 5.5: control frames are short, and whole. */
    return opcode < CLOSE || ((first & 0x80) != 0 && (second & 0x7f) <= CONTROL_MOST);
}

static size_t header_length(uint8_t second)
{
    unsigned n = second & 0x7f;
    return 2u + (n == 127 ? 8u : n == 126 ? 2u : 0) + (second & 0x80 ? 4u : 0);
}

/* The header, all of which is there.  False: the length is not in its shortest form (section 5.2), or beyond reason. */
static bool read_frame(tl_span b, struct frame *f)
{
    *f = (struct frame){.fin = b.p[0] >> 7, .rsv1 = (b.p[0] & 0x40) != 0, .opcode = b.p[0] & 15, .masked = b.p[1] >> 7};
    f->header = header_length(b.p[1]);
    f->length = b.p[1] & 0x7f;
    (void)tl_take(&b, 2);
    size_t width = f->length == 127 ? 8 : f->length == 126 ? 2 : 0;
    if (width > 0) f->length = tl_take_be(&b, width);
    if (f->masked) memcpy(f->key, b.p, 4);
    if (width == 2) return f->length > CONTROL_MOST;
    return width == 0 || (f->length > UINT16_MAX && f->length >> LENGTH_MOST_BITS == 0);
}

static size_t read_length(const struct frame *f)
{
    bool read = f->opcode != BINARY && !f->rsv1;
    return !read ? 0 : f->length < SHOWN ? (size_t)f->length : SHOWN;
}

/* What there is of the payload, unmasked, at most `most` bytes. */
static tl_span payload(const struct frame *f, tl_span b, void *out, size_t most)
{
    uint8_t *to = out;
    size_t n = f->length < most ? (size_t)f->length : most;
    (void)tl_take(&b, f->header);
    if (n > b.n) n = b.n;
    for (size_t i = 0; i < n; i++) to[i] = f->masked ? b.p[i] ^ f->key[i % 4] : b.p[i];
    return tl_span_of(out, n);
}

/* ---- evidence ---- */

/* Its last character may be cut. */
static bool is_utf8(tl_span s)
{
    for (size_t at = 0; at < s.n;) {
        uint8_t c = s.p[at];
        size_t n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
        if (n == 0) return false;
        for (size_t i = 1; i < n && at + i < s.n; i++)
            if ((s.p[at + i] & 0xc0) != 0x80) return false;
        at += n;
    }
    return true;
}

/* Section 7.4: codes that may be sent. */
static bool is_close(tl_span s)
{
    if (s.n == 0) return true;
    unsigned code = s.n >= 2 ? tl_be16(s.p) : 0;
    bool sent = (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) || (code >= 3000 && code <= 4999);
    return sent && is_utf8(tl_span_of(s.p + 2, s.n - 2));
}

/* What read_length() asked for is there. */
static bool plausible_payload(const struct frame *f, tl_span b)
{
    uint8_t text[SHOWN];
    tl_span p = payload(f, b, text, sizeof text);
    if (!f->fin && f->length == 0) return false; /* allowed, without a point, and what runs of zeros look like */
    if (f->rsv1) return true;                    /* packed: its text is not to be seen */
    if (f->opcode == TEXT) return is_utf8(p);
    return f->opcode != CLOSE || is_close(p);
}

/* Does the start of a frame fit what its direction has shown, behind a hole? */
static bool fits(const struct websocket *s, tl_dir dir, uint8_t first, uint8_t second)
{
    bool fragment = (first & 15) == CONTINUATION || !(first & 0x80), known = s->frames[dir] != 0;
    if (known && fragment && !(s->fragments & 1u << dir)) return false;
    if (known && (first & 0x40) && !s->deflates) return false;
    return s->client != UNKNOWN_CLIENT || second >> 7 == (dir == TL_C2S);
}

static bool may_begin(const struct websocket *s, tl_dir dir, uint8_t first, uint8_t second)
{
    if (!plausible_start(first, second)) return false;
    if (s->client != UNKNOWN_CLIENT && second >> 7 != (s->client == 1u + dir)) return false;
    return s->doubt[dir] == 0 || fits(s, dir, first, second);
}

/* ---- probe ---- */

tl_match tl_websocket_client_begins(tl_span b)
{
    if (b.n < 2) return b.n == 0 || plausible_start(b.p[0], 0x80) ? TL_MAYBE : TL_NO;
    return plausible_start(b.p[0], b.p[1]) && b.p[1] >> 7 == 1 ? TL_YES : TL_NO;
}

struct proof {
    bool begun, masked, refused, whole; /* whole: it need not be looked at any further */
};

/* 16 * log2(of / among), whole sixteenths; 0 < among <= of. */
static unsigned worth(unsigned among, unsigned of)
{
    unsigned bits = 0;
    for (; among * 2 <= of; among *= 2) bits += 16;
    /* log2(1 + x) is about x on [0, 1]. */
    return bits + (of - among) * 16 / among;
}

/* No control characters either, but those of lines. */
static unsigned letters(tl_span s)
{
    unsigned n = 0;
    for (size_t i = 0; i < s.n; i++) n += (s.p[i] >= ' ' && s.p[i] != 0x7f) || (s.p[i] >= '\t' && s.p[i] <= '\r');
    return n;
}

/* What the text of a masked frame proves: how much more it is text by its key than by the key turned by one byte. */
static unsigned text_worth(const struct frame *f, tl_span b)
{
    uint8_t right[TEXT_LOOKED_AT], turned[TEXT_LOOKED_AT];
    struct frame other = *f;
    for (int i = 0; i < 4; i++) other.key[i] = f->key[(i + 1) % 4];
    tl_span text = payload(f, b, right, sizeof right), not_text = payload(&other, b, turned, sizeof turned);
    if (f->opcode != TEXT || f->rsv1 || !f->masked || letters(text) < text.n) return 0;
    unsigned n = (unsigned)text.n, chance = is_utf8(not_text) ? letters(not_text) : letters(not_text) / 2, bits;
    bits = n * worth(chance + 1, n + 1);
    return bits < PROOF_TEXT ? bits : PROOF_TEXT;
}

/* How many places of s look like the start of a client's frame. */
static unsigned fitting(tl_span s)
{
    unsigned n = 0;
    for (size_t i = 0; i + 1 < s.n; i++) n += plausible_start(s.p[i], s.p[i + 1]) && s.p[i + 1] >> 7;
    return n;
}

/* Frames from the first byte on: PROOF of masked ones, or one that is not.  Bytes of few values may look like frames at many places: what
** the start of one proves is measured by how many places behind the starts do. */
static struct proof probe_one(tl_span b)
{
    struct proof p = {0};
    unsigned bits = 0, frames = 0, places = PRIOR_PLACES, fit = PRIOR_FITTING;
    bool open = false;
    for (size_t at = 0; !p.whole && b.n - at >= 2;) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        struct frame f;
        bool masked = rest.p[1] >> 7, data = (rest.p[0] & 15) < CLOSE, more = (rest.p[0] & 15) == CONTINUATION;
        p.refused = true;
        if (!plausible_start(rest.p[0], rest.p[1]) || (p.begun && masked != p.masked) || (data && more != open)) return p;
        p.begun = true;
        p.masked = masked;
        p.refused = false;
        if (rest.n < header_length(rest.p[1])) break;
        p.refused = !read_frame(rest, &f);
        if (p.refused || rest.n - f.header < read_length(&f)) break;
        p.refused = !plausible_payload(&f, rest);
        if (p.refused) break;
        if (f.opcode < CLOSE) open = !f.fin;
        p.whole = !masked;
        /* Only bytes that have to be there, so that more of them do not change what was said. */
        size_t looked = f.header + read_length(&f);
        unsigned at_hand = 16 * fitting(tl_span_of(rest.p + 2, looked - 2));
        bits += text_worth(&f, rest);
        unsigned each = worth(fit + at_hand, 16 * (places + (unsigned)looked));
        p.whole |= ++frames * (each < FRAME_LEAST ? 0 : each) + bits >= PROOF;
        if (f.length > rest.n - f.header) break;
        size_t length = f.header + (size_t)f.length;
        fit += 16 * fitting(tl_span_of(rest.p + 2, length - 2));
        places += (unsigned)length;
        at += length;
    }
    return p;
}

/* A session whose 101 is not in the capture.  Both directions have to fit, and never is it more than LIKELY. */
static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    struct proof of[2];
    for (int dir = 0; dir < 2; dir++) {
        tl_span b = in->head[dir];
        if (b.n > 0 && !plausible_start(b.p[0], 0)) return TL_NO;
        if (b.n >= 2 && (b.p[0] & 15) == CONTINUATION) return TL_NO; /* probe_one() would say so; most others' first zero ends here */
        of[dir] = probe_one(b);
        if (of[dir].refused) return TL_NO;
    }
    if (of[0].begun && of[1].begun && of[0].masked == of[1].masked) return TL_NO;
    const struct proof *client = of[0].begun && of[0].masked ? &of[0] : &of[1], *server = client == &of[0] ? &of[1] : &of[0];
    bool heard = server->whole || in->head[client == &of[0] ? TL_S2C : TL_C2S].n == 0;
    return client->begun && client->masked && client->whole && heard ? TL_LIKELY : TL_MAYBE;
}

/* ---- measure ---- */

static void note(struct websocket *s, tl_dir dir, const struct frame *f)
{
    bool sure = s->doubt[dir] == 0;
    if (!sure) s->doubt[dir]--;
    if (s->client == UNKNOWN_CLIENT && sure) s->client = (uint8_t)(1 + (f->masked ? dir : !dir));
    s->of = (uint8_t)f->opcode;
    s->of_deflate = f->rsv1;
    if (f->opcode >= CLOSE) return;
    if (f->opcode == CONTINUATION) {
        s->of = s->open[dir];
        s->of_deflate = s->packed[dir];
    }
    s->open[dir] = f->fin ? 0 : s->of;
    s->packed[dir] = !f->fin && s->of_deflate;
    if (!sure) return;
    s->frames[dir] = 1;
    if (f->opcode == CONTINUATION || !f->fin) s->fragments |= (uint8_t)(1u << dir);
    if (f->rsv1) s->deflates = 1;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct websocket *s = state;
    tl_span b = in->bytes;
    if (b.n < 2) return tl_more(2);
    if (!may_begin(s, in->dir, b.p[0], b.p[1])) return tl_reject(0);
    if (b.n < header_length(b.p[1])) return tl_more(header_length(b.p[1]));
    struct frame f;
    if (!read_frame(b, &f)) return tl_reject(0);
    size_t head = f.header + read_length(&f), wanted = tl_wanted(in, head, head);
    if (wanted > 0) return tl_more(wanted);
    if (s->doubt[in->dir] > 0 && !plausible_payload(&f, b)) return tl_reject(0);
    tl_verdict v = tl_whole(in, f.header + f.length, head, kinds[f.opcode]);
    v.strong = f.length > UINT16_MAX && f.length >> STRONG_BITS == 0;
    note(s, in->dir, &f);
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct websocket *s = state;
    s->doubt[dir] = CHECKED;
    s->open[dir] = s->packed[dir] = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct websocket *s = state;
    tl_span b = in->bytes;
    bool masked = s->client == UNKNOWN_CLIENT ? in->dir == TL_C2S : s->client == 1u + in->dir;
    for (size_t at = 0; at < b.n; at++) {
        uint8_t second = at + 1 < b.n ? b.p[at + 1] : masked ? 0x80 : 0; /* of the last byte: what it would have to be */
        if (may_begin(s, in->dir, b.p[at], second)) return at;
    }
    return b.n;
}

/* ---- accept: the summary ---- */

static bool is_shown(const struct websocket *s, const struct frame *f)
{
    return f->opcode >= CLOSE || (s->of == TEXT && !s->of_deflate);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct websocket *s = state;
    struct frame f;
    if (!read_frame(in->bytes, &f) || !is_shown(s, &f)) return TL_OK;
    tl_span p = payload(&f, in->bytes, s->shown, sizeof s->shown);
    v->summary = p;
    if (f.opcode != CLOSE || p.n < 2) return TL_OK;
    char code[8];
    int n = snprintf(code, sizeof code, "%u", (unsigned)tl_be16(p.p));
    size_t reason = p.n - 2;
    memmove(s->shown + n + 1, s->shown + 2, reason); /* at most CONTROL_MOST */
    memcpy(s->shown, code, (size_t)n);
    s->shown[n] = ' ';
    v->summary = tl_span_of(s->shown, reason > 0 ? (size_t)n + 1 + reason : (size_t)n);
    return TL_OK;
}

/* ---- describe ---- */

static void describe_close(tl_span p, tl_text *json)
{
    static const tl_word codes[] = {{1000, "normal"},
                                    {1001, "going_away"},
                                    {1002, "protocol_error"},
                                    {1003, "unsupported_data"},
                                    {1007, "invalid_payload"},
                                    {1008, "policy_violation"},
                                    {1009, "message_too_big"},
                                    {1010, "extension_missing"},
                                    {1011, "internal_error"},
                                    {1012, "service_restart"},
                                    {1013, "try_again_later"},
                                    {1014, "bad_gateway"},
                                    {0, NULL}};
    if (p.n < 2) return;
    unsigned code = (unsigned)tl_take_be(&p, 2);
    const char *name = tl_word_of(codes, code);
    tl_json_number(json, "close_code", code);
    if (name != NULL) tl_json_text(json, "close", name);
    tl_json_some(json, "reason", p, SHOWN);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct websocket *s = state;
    struct frame f;
    uint8_t text[SHOWN];
    if (in->bytes.n < 2 || in->bytes.n < header_length(in->bytes.p[1]) || !read_frame(in->bytes, &f)) return;
    tl_json_text(json, "opcode", kinds[f.opcode]);
    tl_json_number(json, "payload_length", (int64_t)f.length);
    tl_json_number(json, "masked", f.masked);
    if (f.opcode == CONTINUATION) {
        tl_json_text(json, "fragment", f.fin ? "last" : "middle");
        if (s->of != 0) tl_json_text(json, "continues", kinds[s->of]);
    } else if (!f.fin) {
        tl_json_text(json, "fragment", "first");
    }
    if (s->of_deflate) tl_json_text(json, "compression", "permessage-deflate");
    if (!is_shown(s, &f)) return;
    tl_span p = payload(&f, in->bytes, text, sizeof text);
    if (f.opcode == CLOSE) {
        describe_close(p, json);
    } else {
        tl_json_some(json, f.opcode >= CLOSE ? "payload" : "text", p, f.length > SHOWN ? SHOWN - 1 : SHOWN);
    }
}

const tl_detector tl_websocket = {
    .name = "websocket",
    .head_max = HEAD_MAX,
    .state_size = sizeof(struct websocket),
    .ports = {80, 8080},
    .first = TL_FIRST("\x00\x02\x41\x42\x80\x82\x88\x8a\xc1\xc2"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
