/*
** seek.c - a lane that has lost sync looks for the next boundary.
**
** resync() names a place, measure() says what would begin there:
**     REJECT            not a boundary: on behind it (the verdict's skip keeps this linear: see detector.h); one of another protocol, which
**                       it names, is believed
**     MORE              wait, from that place on
**     FRAME, strong     believed, unless it ends within CHAIN_MOST bytes and what stands there is refused: a body may hold the protocol's
**                       own magic, or a whole message.  Where a hole or the end comes first, nothing speaks against it
**     FRAME, weak       believed when a frame follows right behind it, when the next hole begins right behind it (holes begin between
**                       segments, and so do most messages), or when the stream ends there with a FIN (then `guessed`).
**                       Only a frame of at most head_max bytes can be held until that is known; a longer one is refused.
** A request is not followed by anything before its answer: when the other side speaks and has acknowledged the frame to its end (a weak
** one: to its end exactly), it has taken it for a message, and so does this file.  Where a candidate of random bytes hides that message by
** waiting for more than there is, a chain of frames is looked for that ends exactly at what was acknowledged.
** What is believed is measured again by lane.c, with the lane in HEAD.  The trial runs on a copy of the detector's state.
** Bytes that are passed over belong to no message.
*/
#include "message/lane.h"

#include <assert.h>
#include <string.h>

enum {
    CHAIN_MOST = 64 << 10,
    CHAIN_TRIES = 1024, /* places where a chain may begin, for one settling */
    SETTLE_TRIES = 16   /* of a lane, while it is lost */
};

enum belief { NO, WAIT, YES, AS_A_GUESS };

struct trial {
    enum belief belief;
    size_t need, seen, skip;
    size_t length; /* WAIT: for what follows the frame that ends there; 0: for the frame itself */
    bool weak;
};

/* What begins at the view's start?  settled: the other side has spoken since it had received what is there (see tl_lane_settle). */
static struct trial try_boundary(const struct tl_framer *f, const tl_head *h, const tl_piece *p, bool settled)
{
    bool fin = p->kind == TL_EV_CLOSE && p->why == TL_WHY_FIN, hole = p->kind == TL_EV_GAP;
    const tl_detector *d = f->detector;
    struct trial no = {.belief = NO, .skip = 1}, yes = {.belief = YES};
    /* As aligned as the state that malloc gave the framer. */
    _Alignas(16) uint8_t state[TL_STATE_MAX];
    if (d->state_size > 0) memcpy(state, f->state, d->state_size);
    tl_verdict v = d->measure(d, state, h);
    if (v.answer == TL_MORE) {
        if (h->ended || v.need <= h->bytes.n || v.need > d->head_max) return no;
        return (struct trial){.belief = WAIT, .need = v.need, .seen = v.seen};
    }
    if (v.answer == TL_REJECT && v.next != NULL) return yes;
    if (v.answer == TL_REJECT || v.length == 0) {
        if (v.answer == TL_REJECT && v.skip > 0 && v.skip <= h->bytes.n) no.skip = v.skip;
        return no;
    }
    if (v.strong && (v.length >= CHAIN_MOST || v.last_of_protocol || v.elastic)) return yes;
    if (!v.strong && v.length > d->head_max) return no;
    struct trial wait = {.belief = WAIT, .need = (size_t)v.length + 1, .seen = h->seen, .length = (size_t)v.length, .weak = !v.strong};
    if (v.length >= h->bytes.n) {
        if (settled) return yes;
        if (!h->ended) return wait;
        if (v.strong || (v.length == h->bytes.n && v.edge == TL_WHOLE && hole)) return yes;
        return v.length == h->bytes.n && fin ? (struct trial){.belief = AS_A_GUESS} : no;
    }
    tl_head next = *h;
    next.bytes = tl_span_of(h->bytes.p + v.length, h->bytes.n - (size_t)v.length);
    next.before = h->bytes.p[v.length - 1];
    next.seen = 0;
    next.asked = 0;
    tl_verdict w = d->measure(d, state, &next);
    if (w.answer == TL_FRAME || (w.answer == TL_REJECT && w.next != NULL)) return yes;
    if (w.answer == TL_REJECT) return no;
    bool can_wait = !h->ended && !settled && w.need > next.bytes.n && w.need <= d->head_max;
    wait.need = (size_t)v.length + w.need;
    if (can_wait) return wait;
    return v.strong || settled ? yes : no;
}

/* n bytes of the view hold no boundary. */
static void pass_over(tl_lane *l, tl_piece *p, size_t n)
{
    assert(l->open == NULL);
    tl_lane_take(l, p, n);
    tl_lane_enter(l, TL_LANE_LOST);
}

/* To what resync() said of n bytes: n is nowhere, TL_AT_END behind the last one. */
static void pass_to(tl_lane *l, tl_piece *p, size_t at, size_t n)
{
    if (at > 0) pass_over(l, p, at < n ? at : n);
    l->candidate = at != n;
}

bool tl_lane_may_settle(const tl_lane *l, uint64_t acked)
{
    if (l->state != TL_LANE_LOST || l->carry == NULL || acked <= l->at || acked > l->at + l->carry->n) return false;
    if (l->ripe != 0 && (l->ripe_weak ? acked == l->ripe : acked >= l->ripe)) return true;
    return l->candidate && l->settling < SETTLE_TRIES && acked != l->settled;
}

/* Where in b a chain of frames begins that ends exactly with b; b.n: nowhere. */
static size_t chain_to_end(const struct tl_framer *f, const tl_lane *l, tl_span b)
{
    const tl_detector *d = f->detector;
    _Alignas(16) uint8_t state[TL_STATE_MAX];
    for (size_t from = 0, tries = 0; from < b.n && tries < CHAIN_TRIES; from++, tries++) {
        tl_head rest = {.dir = l->dir, .bytes = tl_span_of(b.p + from, b.n - from)};
        size_t at = d->resync(d, f->state, &rest);
        if (at >= rest.bytes.n) break;
        from += at;
        if (d->state_size > 0) memcpy(state, f->state, d->state_size);
        size_t end = from;
        while (end < b.n) {
            tl_head h = {.dir = l->dir, .bytes = tl_span_of(b.p + end, b.n - end)};
            tl_verdict v = d->measure(d, state, &h);
            if (v.answer != TL_FRAME || v.length == 0 || v.length > b.n - end) break;
            end += (size_t)v.length;
        }
        if (end == b.n) return from;
    }
    return b.n;
}

static tl_rc seek(struct tl_framer *f, tl_lane *l, tl_piece *p, bool settled)
{
    const tl_detector *d = f->detector;
    bool ended = p->kind != TL_EV_BYTES;
    tl_span bytes;
    tl_rc rc = tl_lane_view(l, p, &bytes);
    if (rc != TL_OK) return rc;
    /* A place that was named before more bytes came is asked about again, also while it waits for its end: what looked like a boundary may
    ** not look like one any more, and must not hide what comes.  So the same place is found whatever the bytes came in. */
    tl_head all = {.dir = l->dir, .bytes = bytes, .ended = ended, .before = l->before, .again = l->candidate};
    size_t at = d->resync != NULL ? d->resync(d, f->state, &all) : bytes.n;
    pass_to(l, p, at, bytes.n);
    /* What was passed over may have changed what is in view: look again. */
    if (at > 0 || bytes.n == 0) return TL_OK;
    if (bytes.n < l->need && !ended && !settled) return tl_lane_wait(l, p, l->need, l->seen);
    tl_head h = tl_lane_head(f, l, p, bytes, ended);
    struct trial t = try_boundary(f, &h, p, settled);
    switch (t.belief) {
    case NO: pass_over(l, p, t.skip); break;
    case WAIT:
        l->ripe = t.length > 0 ? l->at + t.length : 0;
        l->ripe_weak = t.weak;
        return tl_lane_wait(l, p, t.need, t.seen);
    case AS_A_GUESS: l->sync = TL_SYNC_GUESSED; /* fall through */
    case YES: tl_lane_enter(l, TL_LANE_HEAD); break;
    }
    return TL_OK;
}

tl_rc tl_lane_seek(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    return seek(f, l, p, false);
}

tl_rc tl_lane_settle(struct tl_framer *f, tl_lane *l, uint64_t acked)
{
    tl_piece nothing = {.kind = TL_EV_BYTES, .dir = l->dir};
    tl_rc rc = TL_OK;
    if (l->ripe != 0 && (l->ripe_weak ? acked == l->ripe : acked >= l->ripe)) {
        rc = seek(f, l, &nothing, true);
    } else {
        tl_span b = tl_carry_span(l->carry);
        b.n = (size_t)(acked - l->at);
        l->settled = acked;
        l->settling++;
        size_t from = chain_to_end(f, l, b);
        if (from == b.n) return TL_OK;
        if (from > 0) pass_over(l, &nothing, from);
        tl_lane_enter(l, TL_LANE_HEAD);
    }
    return rc == TL_OK ? tl_lane_step(f, l, &nothing) : rc;
}
