/*
** declared.c - see declared.h.
**
** EVIDENCE.  How much a header proves is counted in bits: eight for each byte of the magic, of the trailer, and what the checks leave out.
** From STRONG bits on it is believed after a hole as built-in magics are; below, only in a chain (seek.c).  The plausible length counts for
** nothing here: random bytes have it once in 2^32 / frame_max places.
**
** A frame with a trailer, or a terminator, is wanted whole before it is answered for: the contract of measure() does not allow to take a
** frame back.  Others are counted from their header on.
*/
#include "message/declared.h"

#include "message/shape.h"

#include <string.h>

enum { STRONG = 24, HEAD_SHOWN = 256 };

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static size_t field_end(const tl_declared_field *f)
{
    return f->size > 0 ? (size_t)f->at + f->size : 0;
}

/* Bytes from the boundary on that hold everything that is looked at. */
static size_t header_size(const tl_declared *c)
{
    size_t n = larger(field_end(&c->length), larger(field_end(&c->id), field_end(&c->type)));
    if (c->magic.n > 0) n = larger(n, (size_t)c->magic_at + c->magic.n);
    for (unsigned i = 0; i < c->checks; i++) n = larger(n, (size_t)c->check[i].at + 1);
    return n;
}

static unsigned evidence_bits(const tl_declared *c)
{
    unsigned bits = 8u * c->magic.n + 8u * c->trailer.n;
    for (unsigned i = 0; i < c->checks; i++) {
        unsigned width = (unsigned)(c->check[i].to - c->check[i].from) + 1, log = 0;
        while (1u << log < width) log++;
        bits += 8 - log;
    }
    return bits;
}

static uint64_t value(const tl_declared_field *f, tl_span b)
{
    tl_span from = tl_span_of(b.p + f->at, b.n - f->at);
    return f->little ? tl_take_le(&from, f->size) : tl_take_be(&from, f->size);
}

/* Do the magic and the checks hold, as far as the bytes go? */
static bool agrees(const tl_declared *c, tl_span b)
{
    for (size_t i = 0; i < c->magic.n && c->magic_at + i < b.n; i++)
        if (b.p[c->magic_at + i] != c->magic.p[i]) return false;
    for (unsigned i = 0; i < c->checks; i++)
        if (c->check[i].at < b.n && (b.p[c->check[i].at] < c->check[i].from || b.p[c->check[i].at] > c->check[i].to)) return false;
    return true;
}

/* The frame's length by its field; 0: it cannot be. */
static uint64_t frame_length(const tl_declared *c, tl_span b)
{
    uint64_t n = value(&c->length, b);
    int64_t whole;
    if (n > TL_DECLARED_FRAME_MAX || __builtin_mul_overflow((int64_t)n, (int64_t)c->length_unit, &whole)) return 0;
    if (__builtin_add_overflow(whole, c->length_adds, &whole) || whole <= 0) return 0;
    return (uint64_t)whole < c->frame_min || (uint64_t)whole > c->frame_max ? 0 : (uint64_t)whole;
}

/* MORE, REJECT, or FRAME with the length alone.  early: a header is refused by the part of it that is there. */
static tl_verdict shape(const tl_declared *c, tl_span b, size_t seen, bool early)
{
    size_t header = header_size(c);
    if (c->terminator.n == 0 && b.n < header && !early) return tl_more(header);
    if (!agrees(c, b)) return tl_reject(0);
    if (c->terminator.n > 0) {
        size_t from = seen > c->terminator.n ? seen - c->terminator.n : 0;
        const uint8_t *end = from < b.n ? memmem(b.p + from, b.n - from, c->terminator.p, c->terminator.n) : NULL;
        size_t n = end != NULL ? (size_t)(end - b.p) + c->terminator.n : 0;
        if (n == 0) {
            tl_verdict more = tl_more(b.n + 1);
            more.seen = b.n;
            return b.n < c->frame_max ? more : tl_reject(0);
        }
        if (n < larger(header, (size_t)c->frame_min) || n > c->frame_max) return tl_reject(0);
        return (tl_verdict){.answer = TL_FRAME, .length = n};
    }
    if (b.n < header) return tl_more(header);
    uint64_t n = frame_length(c, b);
    if (n == 0) return tl_reject(0);
    if (c->trailer.n > 0) {
        if (b.n < n) return tl_more((size_t)n);
        if (memcmp(b.p + n - c->trailer.n, c->trailer.p, c->trailer.n) != 0) return tl_reject(0);
    }
    return (tl_verdict){.answer = TL_FRAME, .length = n};
}

/* ---- probe ---- */

static bool port_declared(const tl_declared *c, uint16_t port)
{
    for (unsigned i = 0; i < c->ports; i++)
        if (port >= c->port[i].from && port <= c->port[i].to) return true;
    return false;
}

/* NO, MAYBE (too few bytes), LIKELY (a frame begins), YES (and the next one, too). */
static tl_match probe_one(const tl_declared *c, tl_span b)
{
    tl_verdict v = shape(c, b, 0, true);
    if (v.answer != TL_FRAME) return v.answer == TL_MORE ? TL_MAYBE : TL_NO;
    if (v.length >= b.n) return TL_LIKELY;
    v = shape(c, tl_span_of(b.p + v.length, b.n - (size_t)v.length), 0, true);
    return v.answer == TL_FRAME ? TL_YES : TL_LIKELY;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    const tl_declared *c = d->config;
    bool here = port_declared(c, in->server_port), strong = evidence_bits(c) >= STRONG, said[TL_YES + 1] = {false};
    if (c->ports > 0 && !here && !strong) return TL_NO;
    for (int dir = 0; dir < 2; dir++)
        if (in->head[dir].n > 0) said[probe_one(c, in->head[dir])] = true;
    bool begins = said[TL_YES] || said[TL_LIKELY], silent = in->head[TL_C2S].n == 0 || in->head[TL_S2C].n == 0;
    if (strong && begins) return TL_YES; /* whatever the other side begins with: its first bytes may be lost */
    if (said[TL_MAYBE]) return TL_MAYBE;
    /* A person says that it is spoken there: what begins with something else was picked up midway. */
    if (said[TL_NO]) return here ? TL_LIKELY : strong && silent ? TL_MAYBE : TL_NO;
    if (!begins) return TL_MAYBE;
    return here ? TL_YES : said[TL_YES] ? TL_LIKELY : TL_MAYBE;
}

/* ---- measure ---- */

static const tl_declared_type *type_of(const tl_declared *c, tl_span b)
{
    if (c->type.size == 0 || b.n < field_end(&c->type)) return NULL;
    uint64_t v = value(&c->type, b);
    for (unsigned i = 0; i < c->types_n; i++)
        if (c->types[i].value == v) return &c->types[i];
    return NULL;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)state;
    const tl_declared *c = d->config;
    tl_verdict s = shape(c, in->bytes, in->seen, in->ended);
    if (s.answer != TL_FRAME) return s;
    bool line = c->terminator.n > 0;
    const tl_declared_type *t = type_of(c, in->bytes);
    tl_verdict v = tl_whole(in, s.length, line ? HEAD_SHOWN : header_size(c), t != NULL ? t->name : line ? "line" : "message");
    tl_role role = t != NULL ? t->role : TL_ROLE_NONE;
    if (role == TL_ROLE_NONE && c->server_answers) role = in->dir == TL_C2S ? TL_REQUEST : TL_RESPONSE;
    v = tl_as(v, role, 0);
    if (role != TL_ROLE_NONE && c->id.size > 0) v = tl_with_id(v, value(&c->id, in->bytes));
    if (line)
        v.summary =
            tl_span_of(in->bytes.p, (size_t)s.length - c->terminator.n < HEAD_SHOWN ? (size_t)s.length - c->terminator.n : v.head_length);
    v.strong = evidence_bits(c) >= STRONG;
    return v;
}

/* ---- resync ---- */

static bool may_be_terminator(const tl_declared *c, tl_span b)
{
    return memcmp(b.p, c->terminator.p, b.n < c->terminator.n ? b.n : c->terminator.n) == 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)state;
    const tl_declared *c = d->config;
    tl_span b = in->bytes;
    if (c->terminator.n > 0 && c->magic.n == 0) { /* a message begins behind the end of another one */
        if (in->again && !may_be_terminator(c, b)) return 0;
        const uint8_t *end = memmem(b.p, b.n, c->terminator.p, c->terminator.n);
        if (end != NULL) return (size_t)(end - b.p) + c->terminator.n == b.n ? TL_AT_END : (size_t)(end - b.p) + c->terminator.n;
        for (size_t at = b.n - (b.n < c->terminator.n ? b.n : c->terminator.n - 1u); at < b.n; at++) /* one that the end cuts */
            if (memcmp(b.p + at, c->terminator.p, b.n - at) == 0) return at;
        return b.n;
    }
    for (size_t at = 0; at < b.n; at++) {
        tl_span from = tl_span_of(b.p + at, b.n - at);
        if (c->magic.n > 0 && c->magic_at == 0) { /* the first byte of the magic, found fast */
            const uint8_t *m = memchr(from.p, c->magic.p[0], from.n);
            if (m == NULL) return b.n;
            at = (size_t)(m - b.p);
            from = tl_span_of(m, b.n - at);
        }
        if (!agrees(c, from)) continue;
        if (c->terminator.n > 0 || from.n < header_size(c) || frame_length(c, from) > 0) return at;
    }
    return b.n;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)state;
    const tl_declared *c = d->config;
    if (c->id.size > 0 && in->bytes.n >= field_end(&c->id)) tl_json_number(json, "id", (int64_t)value(&c->id, in->bytes));
    if (c->type.size > 0 && in->bytes.n >= field_end(&c->type)) {
        const tl_declared_type *t = type_of(c, in->bytes);
        tl_json_number(json, "type", (int64_t)value(&c->type, in->bytes));
        if (t != NULL) tl_json_field(json, "type_name", tl_span_of(t->name, strlen(t->name)), sizeof t->name);
    }
}

/* ---- from a declaration ---- */

tl_rc tl_declared_detector(const tl_declared *c, tl_detector *out, tl_error *err)
{
    size_t header = header_size(c);
    if (c->length.size == 0 && c->terminator.n == 0)
        return tl_fail(err, TL_EUSAGE, "nothing says where a message ends: give length_at and length_size, or terminator");
    if (c->length.size > 0 && c->terminator.n > 0) return tl_fail(err, TL_EUSAGE, "a length field and a terminator: give one of them");
    if (c->terminator.n > 0 && c->trailer.n > 0) return tl_fail(err, TL_EUSAGE, "a terminator and a trailer: give one of them");
    if (c->frame_max > TL_DECLARED_FRAME_MAX) return tl_fail(err, TL_EUSAGE, "frame_max: %d at most", TL_DECLARED_FRAME_MAX);
    if ((c->terminator.n > 0 || c->trailer.n > 0) && c->frame_max > TL_DECLARED_KEPT_MAX)
        return tl_fail(err, TL_EUSAGE, "frame_max: %d at most where a terminator or a trailer ends the message", TL_DECLARED_KEPT_MAX);
    if (c->frame_min > c->frame_max || header > c->frame_max)
        return tl_fail(err, TL_EUSAGE, "frame_max is less than %s", header > c->frame_max ? "the fields need" : "frame_min");
    if (c->terminator.n == 0 && c->frame_min < header + c->trailer.n)
        return tl_fail(err, TL_EUSAGE, "frame_min is less than the fields and the trailer need (%zu)", header + c->trailer.n);
    if (c->length.size == 0 && c->ports == 0 && c->magic.n == 0)
        return tl_fail(err, TL_EUSAGE, "any bytes would do: give ports or a magic");
    size_t whole = c->frame_max < TL_DECLARED_KEPT_MAX - header ? (size_t)c->frame_max + header : TL_DECLARED_KEPT_MAX;
    *out = (tl_detector){
        .name = c->name, .head_max = whole + 1, .probe = probe, .measure = measure, .resync = resync, .describe = describe, .config = c};
    return TL_OK;
}
