#include "support/watched.h"

#include <assert.h>
#include <string.h>

static const tl_detector *inner;
static tl_watched counts;
static struct { /* the last MORE of each direction */
    size_t need, seen;
} asked[2];

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return inner->probe(inner, in);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    uint8_t before[TL_STATE_MAX];
    assert(in->bytes.n > 0 && in->seen <= in->bytes.n);
    if (in->seen > 0) assert(in->ended || in->bytes.n >= asked[in->dir].need);
    memcpy(before, state, inner->state_size);
    tl_verdict v = inner->measure(inner, state, in);
    counts.calls++;
    counts.bytes += in->bytes.n - in->seen;
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

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    size_t at = inner->resync(inner, state, in);
    assert(at <= in->bytes.n || at == TL_AT_END);
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
