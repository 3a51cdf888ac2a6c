#include "support/watched.h"

#include <assert.h>
#include <string.h>

static const tl_detector *inner;
static tl_watched counts;
static struct { /* the last MORE of each direction */
    size_t need, seen;
} asked[2];

enum {
    SHORTER = 3,    /* so many shorter heads are tried, */
    SHORTEST = 600, /* and up to this length each one is likely to be */
    DAMAGED = 32    /* a byte among so many is damaged */
};

/* One of 0 to n - 1; another one each time, the same ones each run. */
static size_t any(size_t n)
{
    counts.shorter = counts.shorter * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(counts.shorter >> 33) % n;
}

/* One of the lengths from 1 to n - 1. */
static size_t shorter(size_t n)
{
    return 1 + any(n - 1 < SHORTEST ? n - 1 : SHORTEST);
}

/* "A longer head never takes back YES or NO"; nor LIKELY, but for YES: the framer may go by it at once. */
static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match said = inner->probe(inner, in);
    for (int i = 0; i < SHORTER; i++) {
        tl_probe less = *in;
        for (int dir = 0; dir < 2; dir++)
            if (in->head[dir].n > 1) less.head[dir].n = shorter(in->head[dir].n);
        tl_match before = inner->probe(inner, &less);
        assert(before == TL_MAYBE || before == said || (before == TL_LIKELY && said == TL_YES));
    }
    return said;
}

/* The same head as it was with fewer bytes, and a copy of the state to ask about it. */
static tl_head before_more(const tl_head *in, const void *state, uint8_t copy[TL_STATE_MAX])
{
    tl_head less = *in;
    less.bytes.n = shorter(in->bytes.n);
    less.ended = false;
    less.seen = 0;
    memcpy(copy, state, inner->state_size);
    return less;
}

/* b says of more bytes what a has said. */
static bool same_verdict(const tl_verdict *a, const tl_verdict *b)
{
    if (a->answer != b->answer) return false;
    if (a->answer == TL_REJECT) return true;
    if (a->elastic && !(a->edge & TL_LAST))
        return a->length <= b->length && (a->edge & TL_FIRST) == (b->edge & TL_FIRST); /* what is there */
    if (a->length != b->length || a->edge != b->edge || a->strong != b->strong || a->elastic != b->elastic) return false;
    if (a->last_of_protocol != b->last_of_protocol || a->next != b->next) return false;
    if (!(a->edge & TL_FIRST)) return true;
    if (a->role != b->role || a->tag != b->tag || a->head_length != b->head_length || a->has_id != b->has_id || a->id != b->id)
        return false;
    return a->kind == b->kind && a->summary.n == b->summary.n &&
           (a->summary.n == 0 || memcmp(a->summary.p, b->summary.p, a->summary.n) == 0);
}

/* "A longer head never takes back what a shorter one settled", and what asked for more is not asked in between: a verdict that is there
** sooner, a REJECT too, would come at another moment when the bytes come in other pieces. */
static void hold_to(const tl_verdict *before, const tl_head *in, const tl_verdict *v)
{
    if (before->answer != TL_MORE)
        assert(same_verdict(before, v));
    else if (!in->ended)
        assert(before->need <= in->bytes.n || v->answer == TL_MORE);
}

static void hold_to_shorter(const uint8_t *state, const tl_head *in, const tl_verdict *v)
{
    for (int i = 0; i < SHORTER && in->bytes.n > 1; i++) {
        _Alignas(16) uint8_t copy[TL_STATE_MAX];
        tl_head less = before_more(in, state, copy);
        tl_verdict before = inner->measure(inner, copy, &less);
        hold_to(&before, in, v);
        if (less.bytes.n == 1) continue;
        tl_head least = before_more(&less, state, copy);
        tl_verdict first = inner->measure(inner, copy, &least);
        hold_to(&first, &less, &before);
    }
}

/* The same of what comes after a loss, or is another protocol's: the head with one byte changed. */
static void hold_damaged(const uint8_t *state, const tl_head *in)
{
    _Alignas(16) uint8_t copy[TL_STATE_MAX];
    uint8_t bytes[SHORTEST];
    tl_head head = *in;
    head.bytes = tl_span_of(bytes, in->bytes.n < SHORTEST ? in->bytes.n : SHORTEST);
    head.ended = false;
    head.seen = 0;
    memcpy(bytes, in->bytes.p, head.bytes.n);
    bytes[any(head.bytes.n < DAMAGED ? head.bytes.n : DAMAGED)] ^= (uint8_t)(1 + any(255));
    memcpy(copy, state, inner->state_size);
    tl_verdict v = inner->measure(inner, copy, &head);
    hold_to_shorter(state, &head, &v);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    _Alignas(16) uint8_t before[TL_STATE_MAX];
    assert(in->bytes.n > 0 && in->seen <= in->bytes.n);
    if (in->seen > 0) assert(in->ended || in->bytes.n >= asked[in->dir].need);
    memcpy(before, state, inner->state_size);
    tl_verdict v = inner->measure(inner, state, in);
    counts.calls++;
    counts.bytes += in->bytes.n - in->seen;
    hold_to_shorter(before, in, &v);
    hold_damaged(before, in);
    if (v.answer != TL_FRAME) assert(memcmp(before, state, inner->state_size) == 0);
    switch (v.answer) {
    case TL_MORE:
        assert(v.need > in->bytes.n && v.seen <= in->bytes.n);
        if (!in->ended) assert(v.need <= inner->head_max);
        asked[in->dir].need = v.need;
        break;
    case TL_FRAME:
        assert(v.length > 0);
        if (!(v.edge & TL_FIRST)) break;
        assert(v.kind != NULL && v.head_length <= in->bytes.n && v.head_length <= v.length);
        if (v.summary.n > 0) assert(v.summary.p >= in->bytes.p && v.summary.p + v.summary.n <= in->bytes.p + in->bytes.n);
        if (v.role == TL_REQUEST) assert(v.tag != 0);
        break;
    case TL_REJECT: assert(v.skip <= in->bytes.n); break;
    }
    return v;
}

/* What more bytes name, fewer do not pass over; and what the framer believes at once, more bytes still name. */
static void resync_of_shorter(const void *state, const tl_head *in, size_t at)
{
    for (int i = 0; i < SHORTER && in->bytes.n > 1; i++) {
        _Alignas(16) uint8_t copy[TL_STATE_MAX];
        tl_head less = before_more(in, state, copy);
        size_t before = inner->resync(inner, state, &less);
        assert((before < less.bytes.n ? before : less.bytes.n) <= at);
        if (before != 0 || at == 0) continue;
        tl_verdict v = inner->measure(inner, copy, &less);
        assert(v.answer != TL_FRAME || !v.strong || !(v.last_of_protocol || v.elastic || v.length >= 64 << 10));
    }
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    size_t at = inner->resync(inner, state, in);
    assert(at <= in->bytes.n || at == TL_AT_END);
    resync_of_shorter(state, in, at);
    counts.calls++;
    counts.bytes += at == TL_AT_END ? in->bytes.n : at;
    return at;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    if (inner->lost != NULL) inner->lost(inner, state, dir);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    if (inner->describe != NULL) inner->describe(inner, state, in, json);
}

const tl_registry *tl_watch(const tl_detector *d)
{
    static tl_detector outer;
    static const tl_detector *const items[] = {&outer};
    static const tl_registry r = {items, 1, NULL};
    inner = d;
    outer = *d;
    outer.probe = probe;
    outer.measure = measure;
    outer.resync = d->resync != NULL ? resync : NULL;
    outer.lost = lost;
    outer.describe = describe;
    memset(&counts, 0, sizeof counts);
    memset(&asked, 0, sizeof asked);
    return &r;
}

tl_watched *tl_watched_counts(void)
{
    return &counts;
}
