/*
** http2.c - HTTP/2 in the clear (RFC 9113): the client's preface, then frames; each is a message, but for HEADERS and PUSH_PROMISE with
** their CONTINUATIONs, which are one (section 6.10: nothing may come between them).
**
**     length (3) | type (1) | flags (1) | stream (4) | payload
**
** Requests and responses are paired by the stream's number; which of the two a header block is, it says itself (:method, :status).  What a
** server pushes is told and not paired: nobody asked for it.
**
** HPACK is a stream of its own: see http2_fields.h for what a hole does to it.  A hole within DATA does nothing to it.
** A frame of a type or with flags that nobody has defined is passed as what it is where sync is sure; right behind a hole, and at the
** start of a session that is picked up midway, it counts as evidence against a boundary.
*/
#include "message/protocol/http2_fields.h"
#include "message/protocol/upgraded.h"
#include "message/registry.h"
#include "message/shape.h"

#include <stdlib.h>

enum {
    HEADER = 9,
    HEAD_MAX = 128 << 10, /* a header block with its CONTINUATIONs; a longer one is not decoded */
    BLOCK_MAX = HEAD_MAX - HEADER,
    FRAME_USUAL = 16384, /* section 4.2: the most that may be sent unless the peer allows more */
    SHOWN = 600,         /* of what is not a header block */
    PROBED = 2048,
    STREAMS_AHEAD = 4000,    /* a hole may hide the start of so many, two numbers each */
    STREAM_USUAL = 0xffffff, /* a connection that has had more of them would have been replaced long before */
    SURE = 3                 /* frames in a row */
};
enum { DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION, ALTSVC, ORIGIN = 12 };
enum { END_STREAM = 1, ACK = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 32 };

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE = sizeof preface - 1, PREFACE_SURE = 16 };

struct http2 {
    tl_http2_fields *fields; /* accept()'s */
    uint32_t highest;        /* stream seen where sync was sure */
    uint8_t sure[2];         /* frames that followed each other */
    uint8_t begun[2];        /* the direction's first message has been seen */
    uint8_t lost[2];         /* its header table is lost */
};

static const char *const kinds[] = {
    "data",         "headers", "priority", "rst_stream", "settings", "push_promise", "ping", "goaway",         "window_update",
    "continuation", "altsvc",  NULL,       "origin",     NULL,       NULL,           NULL,   "priority_update"};

static const char *kind_of(unsigned type)
{
    const char *kind = type < sizeof kinds / sizeof *kinds ? kinds[type] : NULL;
    return kind != NULL ? kind : "unknown_frame";
}

struct frame {
    uint32_t length, stream;
    uint8_t type, flags;
};

static struct frame read_frame(const uint8_t *p)
{
    return (struct frame){tl_be24(p), tl_be32(p + 5) & 0x7fffffff, p[3], p[4]};
}

/* May a frame begin with these bytes, as far as they go?  most: 0, or what is right behind a hole is to be of a known type, with no more
** than its flags, of usual length, and of a stream up to that one. */
static bool plausible_frame(tl_span b, uint32_t most)
{
    bool strict = most != 0;
    static const uint8_t flags[] = {0x09, 0x2d, 0, 0, 1, 0x0c, 1, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0};
    if (strict && b.n >= 1 && b.p[0] != 0) return false;
    if (strict && b.n >= 3 && tl_be24(b.p) > FRAME_USUAL) return false;
    if (b.n >= 4 && strict && (b.p[3] >= sizeof flags || kinds[b.p[3]] == NULL)) return false;
    if (b.n >= 5 && strict && (b.p[4] & ~flags[b.p[3]]) != 0) return false;
    if (b.n >= 6 && (b.p[5] & 0x80) != 0) return false;
    if (b.n < HEADER) return true;
    struct frame f = read_frame(b.p);
    if (strict && f.stream > most) return false;
    switch (f.type) {
    case DATA: /* an empty one that ends nothing has a point only in theory, but runs of zeros look like it */
        if (strict && f.length == 0 && !(f.flags & END_STREAM)) return false;
        return f.stream != 0 && (!(f.flags & PADDED) || f.length >= 1);
    case HEADERS: return f.stream != 0 && f.length >= 1u + (f.flags & PADDED ? 1 : 0) + (f.flags & WITH_PRIORITY ? 5 : 0);
    case PRIORITY: return f.stream != 0 && f.length == 5;
    case RST_STREAM: return f.stream != 0 && f.length == 4;
    case SETTINGS: return f.stream == 0 && f.length % 6 == 0 && f.length <= FRAME_USUAL && (!(f.flags & ACK) || f.length == 0);
    case PUSH_PROMISE: return f.stream != 0 && f.length >= 5u + (f.flags & PADDED ? 1 : 0);
    case PING: return f.stream == 0 && f.length == 8;
    case GOAWAY: return f.stream == 0 && f.length >= 8;
    case WINDOW_UPDATE: return f.length == 4;
    case CONTINUATION: return f.stream != 0;
    case ORIGIN: return f.stream == 0;
    default: return true;
    }
}

/* The highest stream that a frame of a direction out of sync may name. */
static uint32_t most_plausible(const struct http2 *s)
{
    return s->highest > 0 ? s->highest + STREAMS_AHEAD : STREAM_USUAL;
}

/* ---- probe ---- */

/* The preface, or what is left of it where its start is lost: its last ten bytes are enough. */
static tl_match probe_preface(tl_span b)
{
    tl_match best = b.n >= PREFACE_SURE && memcmp(b.p, preface, PREFACE_SURE) == 0 ? TL_YES : tl_may_begin(b, preface) ? TL_MAYBE : TL_NO;
    for (size_t at = 1; at <= PREFACE - 10; at++) {
        size_t left = PREFACE - at, n = left < b.n ? left : b.n;
        if (b.p[0] != (uint8_t)preface[at]) continue; /* what other protocols begin with is seen by this alone */
        if (memcmp(b.p, preface + at, n) != 0) continue;
        if (n == left) return TL_YES;
        if (best == TL_NO) best = TL_MAYBE;
    }
    return best;
}

/* What a server begins with (section 3.4): SETTINGS of known numbers, or none, and then what answers the client's. */
static bool begins_with_settings(tl_span b)
{
    if (b.n < HEADER + 2) return false;
    struct frame f = read_frame(b.p);
    if (f.type != SETTINGS || f.flags != 0 || f.stream != 0) return false;
    if (f.length > 0) return tl_be16(b.p + HEADER) >= 1 && tl_be16(b.p + HEADER) <= 9;
    if (b.n < 2 * HEADER || !plausible_frame(tl_span_of(b.p + HEADER, b.n - HEADER), STREAM_USUAL)) return false;
    f = read_frame(b.p + HEADER);
    return (f.type == SETTINGS && f.flags == ACK) || f.type == WINDOW_UPDATE;
}

tl_match tl_http2_client_begins(tl_span b)
{
    if (!tl_may_begin(b, preface)) return TL_NO;
    return b.n < PREFACE_SURE ? TL_MAYBE : TL_YES;
}

tl_match tl_http2_server_begins(tl_span b)
{
    if (!plausible_frame(b, 1)) return TL_NO;
    if (b.n < HEADER + 2) return TL_MAYBE;
    if (begins_with_settings(b)) return TL_YES;
    size_t next = HEADER + (size_t)tl_be24(b.p);
    if (b.n > next && !plausible_frame(tl_span_of(b.p + next, b.n - next), 1)) return TL_NO;
    return b.n < next + HEADER ? TL_MAYBE : TL_YES;
}

/* Two frames in a row at the start, whatever follows: LIKELY; what every connection begins with is YES. */
static tl_match probe_one(tl_span b)
{
    if (b.n == 0) return TL_MAYBE;
    tl_match begins = b.p[0] != 0 ? probe_preface(b) : TL_NO; /* what may be a frame is no part of the preface */
    if (begins != TL_NO) return begins;
    if (!plausible_frame(b, STREAM_USUAL)) return TL_NO;
    if (begins_with_settings(b)) return TL_YES;
    if (b.n < HEADER) return TL_MAYBE;
    size_t next = HEADER + (size_t)tl_be24(b.p);
    if (next + HEADER > PROBED) return TL_NO;
    if (b.n > next && !plausible_frame(tl_span_of(b.p + next, b.n - next), STREAM_USUAL)) return TL_NO;
    return b.n >= next + HEADER ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = probe_one(in->head[TL_C2S]), server = probe_one(in->head[TL_S2C]);
    if (in->head[TL_C2S].n + in->head[TL_S2C].n == 0) return TL_NO;
    if (in->head[TL_C2S].n == 0) client = server;
    if (in->head[TL_S2C].n == 0) server = client;
    if (client == TL_YES || server == TL_YES) return TL_YES;
    /* LIKELY is what both agree on; while one of them may still become YES nothing is settled. */
    if (client == TL_MAYBE || server == TL_MAYBE) return TL_MAYBE;
    return client < server ? client : server;
}

/* ---- measure ---- */

/* The header block that begins with the frame at b: the length of all its frames, where they are all there; else the bytes that are
** needed to know (at least), in *need.  *need == 0 and 0: it is not one whole block that is short enough. */
static size_t block_length(tl_span b, size_t *need)
{
    struct frame f = read_frame(b.p);
    uint32_t stream = f.stream;
    size_t at = 0;
    for (;;) {
        size_t end = at + HEADER + f.length;
        *need = 0;
        if (end > BLOCK_MAX) return 0;
        if (f.flags & END_HEADERS) {
            if (b.n >= end) return end;
            *need = end;
            return 0;
        }
        if (b.n < end + HEADER) {
            *need = end + HEADER;
            return 0;
        }
        at = end;
        f = read_frame(b.p + at);
        if (f.type != CONTINUATION || f.stream != stream) return 0;
    }
}

static tl_verdict measure_preface(struct http2 *s, const tl_head *in)
{
    if (in->bytes.n < PREFACE) return tl_more(PREFACE);
    tl_verdict v = tl_whole(in, PREFACE, PREFACE, "preface");
    v.strong = true;
    v.summary = tl_span_of(in->bytes.p, 14);
    s->sure[in->dir] = SURE;
    s->begun[in->dir] = 1;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct http2 *s = state;
    tl_span b = in->bytes;
    uint8_t *sure = &s->sure[in->dir];
    uint32_t most = *sure < SURE ? most_plausible(s) : 0;
    size_t look = b.p[0] == preface[0] ? PREFACE : HEADER; /* a frame with that first byte is of megabytes */
    if (b.n < look && !in->ended) return tl_more(look);
    if (tl_may_begin(b, preface)) return measure_preface(s, in);
    if (!plausible_frame(b, most)) return tl_reject(0);
    if (b.n < HEADER) return tl_more(HEADER);
    struct frame f = read_frame(b.p);
    size_t length = HEADER + (size_t)f.length, need = 0, block = 0;
    bool headers = f.type == HEADERS || f.type == PUSH_PROMISE;
    if (headers) {
        block = block_length(b, &need);
        if (need > 0 && !in->ended) return tl_more(need);
        if (block > 0) length = block;
    } else {
        bool read = f.type != DATA && f.type != CONTINUATION;
        need = read ? HEADER + (f.length < SHOWN ? f.length : SHOWN) : HEADER;
        if (b.n < need && !in->ended) return tl_more(need);
    }
    bool too_long = length > BLOCK_MAX; /* not waited for, so not read */
    tl_verdict v = tl_whole(in, length, headers && !too_long ? length : headers ? HEADER : need, kind_of(f.type));
    /* Their headers have five fixed bytes and more. */
    v.strong = f.type == RST_STREAM || f.type == PING || f.type == WINDOW_UPDATE || (f.type == SETTINGS && (f.flags & ACK));
    /* A direction that does not begin with the preface or with SETTINGS (section 3.4) was picked up midway. */
    if (!s->begun[in->dir] && (f.type != SETTINGS || (f.flags & ACK))) s->lost[in->dir] = 1;
    if (!s->begun[in->dir] && f.type == SETTINGS && !(f.flags & ACK)) *sure = SURE;
    s->begun[in->dir] = 1;
    if (*sure == SURE && f.stream > s->highest && f.stream < STREAM_USUAL) s->highest = f.stream;
    if (*sure < SURE) ++*sure;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct http2 *s = state;
    s->sure[dir] = 0;
    s->lost[dir] = 1;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    uint32_t most = most_plausible(state);
    size_t at = 0;
    for (; at < in->bytes.n; at++) {
        tl_span rest = tl_span_of(in->bytes.p + at, in->bytes.n - at);
        if (plausible_frame(rest, most) || tl_may_begin(rest, preface)) break;
    }
    return at;
}

/* ---- accept: header blocks, roles ---- */

/* The payload of a HEADERS or PUSH_PROMISE frame without padding, priority and promised stream, as far as it is there. */
static tl_span fragment(tl_span b, bool *cut)
{
    struct frame f = read_frame(b.p);
    (void)tl_take(&b, HEADER);
    *cut = b.n < f.length;
    tl_span in = tl_span_of(b.p, *cut ? b.n : f.length);
    size_t padding = 0;
    if (f.type != CONTINUATION && (f.flags & PADDED)) padding = (size_t)tl_take_be(&in, 1);
    if (f.type == HEADERS && (f.flags & WITH_PRIORITY)) (void)tl_take(&in, 5);
    if (f.type == PUSH_PROMISE) (void)tl_take(&in, 4);
    if (!*cut) in.n = padding < in.n ? in.n - padding : 0;
    return in;
}

/* The frames' fragments behind each other.  whole: up to END_HEADERS. */
static tl_rc read_block(tl_http2_fields *fields, tl_dir dir, tl_span b, uint64_t length)
{
    tl_text block = {0};
    bool whole = false, cut = false;
    uint64_t at = 0;
    while (!cut && !whole && at < length && b.n >= HEADER) {
        struct frame f = read_frame(b.p);
        tl_span part = fragment(b, &cut);
        if (part.n > 0) tl_text_bytes(&block, part.p, part.n);
        whole = !cut && (f.flags & END_HEADERS);
        at += HEADER + (uint64_t)f.length;
        (void)tl_take(&b, HEADER + (size_t)f.length);
    }
    tl_rc rc = block.failed ? TL_ENOMEM : tl_http2_fields_read(fields, dir, tl_span_of(block.p != NULL ? block.p : "", block.n), whole);
    tl_text_free(&block);
    return rc;
}

static void settle_role(const tl_http2_fields *fields, const tl_head *in, uint32_t stream, tl_verdict *v)
{
    const tl_text *status = &fields->value[TL_HTTP2_STATUS];
    if (stream % 2 == 0) return; /* pushed */
    if (tl_http2_fields_has(fields, TL_HTTP2_METHOD)) {
        *v = tl_as(*v, TL_REQUEST, 1);
    } else if (status->n > 0) {
        *v = tl_as(*v, status->p[0] == '1' ? TL_INTERIM : TL_RESPONSE, 0);
    } else if (fields->unknown > 0 && tl_asked(in, stream) != 0) {
        *v = tl_as(*v, TL_RESPONSE, 0); /* its status is in the lost table */
    } else {
        return; /* trailers */
    }
    *v = tl_with_id(*v, stream);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct http2 *s = state;
    if (in->bytes.p[0] == preface[0] && tl_begins(in->bytes, preface)) return TL_OK;
    struct frame f = read_frame(in->bytes.p);
    if (f.type != HEADERS && f.type != PUSH_PROMISE && f.type != CONTINUATION) return TL_OK;
    if (s->fields == NULL) s->fields = tl_http2_fields_new();
    if (s->fields == NULL) return TL_ENOMEM;
    /* A CONTINUATION by itself belongs to a block whose start is lost or was too long. */
    if (s->lost[in->dir] || f.type == CONTINUATION) tl_http2_fields_lose(s->fields, in->dir);
    if (f.type == CONTINUATION) return TL_OK;
    tl_span block = tl_span_of(in->bytes.p, v->length > BLOCK_MAX ? HEADER : in->bytes.n);
    tl_rc rc = read_block(s->fields, in->dir, block, v->length);
    if (rc != TL_OK) return rc;
    v->summary = tl_span_of(s->fields->summary.p, s->fields->summary.n);
    if (f.type == HEADERS) settle_role(s->fields, in, f.stream, v);
    return TL_OK;
}

static void release(const tl_detector *d, void *state)
{
    (void)d;
    tl_http2_fields_free(((struct http2 *)state)->fields);
}

/* ---- describe ---- */

static void word(tl_text *json, const char *name, const char *value)
{
    tl_json_field(json, name, tl_span_of(value, strlen(value)), 128);
}

static void describe_flags(const struct frame *f, tl_text *json)
{
    static const struct {
        uint8_t flag, types; /* bit: DATA 1, HEADERS 2, SETTINGS and PING 4, PUSH_PROMISE 8, CONTINUATION 16 */
        const char *name;
    } all[] = {{END_STREAM, 1 | 2, "end_stream"},
               {ACK, 4, "ack"},
               {END_HEADERS, 2 | 8 | 16, "end_headers"},
               {PADDED, 1 | 2 | 8, "padded"},
               {WITH_PRIORITY, 2, "priority"}};
    static const uint8_t types[] = {[DATA] = 1, [HEADERS] = 2, [SETTINGS] = 4, [PING] = 4, [PUSH_PROMISE] = 8, [CONTINUATION] = 16};
    unsigned type = f->type < sizeof types ? types[f->type] : 0;
    char text[64] = "";
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!(f->flags & all[i].flag) || !(type & all[i].types)) continue;
        if (text[0] != '\0') strcat(text, ",");
        strcat(text, all[i].name);
    }
    if (text[0] != '\0') word(json, "flags", text);
}

static void describe_error(uint32_t code, tl_text *json)
{
    static const char *const errors[] = {"no_error",
                                         "protocol_error",
                                         "internal_error",
                                         "flow_control_error",
                                         "settings_timeout",
                                         "stream_closed",
                                         "frame_size_error",
                                         "refused_stream",
                                         "cancel",
                                         "compression_error",
                                         "connect_error",
                                         "enhance_your_calm",
                                         "inadequate_security",
                                         "http_1_1_required"};
    if (code < sizeof errors / sizeof *errors)
        word(json, "error", errors[code]);
    else
        tl_json_number(json, "error", (int64_t)code);
}

static void describe_settings(tl_span p, tl_text *json)
{
    static const char *const settings[] = {NULL,
                                           "header_table_size",
                                           "enable_push",
                                           "max_concurrent_streams",
                                           "initial_window_size",
                                           "max_frame_size",
                                           "max_header_list_size",
                                           NULL,
                                           "enable_connect_protocol"};
    bool said[sizeof settings / sizeof *settings] = {false};
    while (p.n >= 6) {
        unsigned id = (unsigned)tl_take_be(&p, 2);
        int64_t value = (int64_t)tl_take_be(&p, 4);
        if (id >= sizeof settings / sizeof *settings || settings[id] == NULL || said[id]) continue;
        said[id] = true;
        tl_json_number(json, settings[id], value);
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct http2 *s = state;
    tl_span p = in->bytes;
    if (p.n < HEADER || tl_begins(p, preface)) return;
    struct frame f = read_frame(p.p);
    (void)tl_take(&p, HEADER);
    if (p.n > f.length) p.n = f.length;
    tl_json_number(json, "stream_id", f.stream);
    tl_json_number(json, "payload_length", f.length);
    describe_flags(&f, json);
    switch (f.type) {
    case HEADERS: tl_http2_fields_describe(s->fields, json); break;
    case PUSH_PROMISE: {
        if (f.flags & PADDED) (void)tl_take(&p, 1);
        if (p.n >= 4) tl_json_number(json, "promised_stream_id", (int64_t)(tl_be32(p.p) & 0x7fffffff));
        tl_http2_fields_describe(s->fields, json);
        break;
    }
    case RST_STREAM:
        if (p.n >= 4) describe_error(tl_be32(p.p), json);
        break;
    case SETTINGS: describe_settings(p, json); break;
    case GOAWAY:
        if (p.n < 8) break;
        tl_json_number(json, "last_stream_id", (int64_t)(tl_take_be(&p, 4) & 0x7fffffff));
        describe_error((uint32_t)tl_take_be(&p, 4), json);
        if (p.n > 0) tl_json_field(json, "debug", p, 256);
        break;
    case WINDOW_UPDATE:
        if (p.n >= 4) tl_json_number(json, "increment", (int64_t)(tl_be32(p.p) & 0x7fffffff));
        break;
    case PRIORITY:
        if (p.n < 5) break;
        tl_json_number(json, "depends_on", (int64_t)(tl_be32(p.p) & 0x7fffffff));
        tl_json_number(json, "weight", p.p[4] + 1);
        break;
    case CONTINUATION: word(json, "hpack", "lost"); break;
    default: break;
    }
}

const tl_detector tl_http2 = {
    .name = "http2",
    .head_max = HEAD_MAX,
    .state_size = sizeof(struct http2),
    .ports = {80, 8080, 50051},
    .first = TL_FIRST("\x00\x00\n\n\r\r  **./00"
                      "22HIPPRRTT"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
    .release = release,
};
