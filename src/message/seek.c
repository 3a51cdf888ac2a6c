/*
** seek.c - a lane that has lost sync looks for the next boundary.
**
** resync() names a place, measure() says what would begin there:
**     REJECT            not a boundary: on behind it (the verdict's skip keeps this linear: see detector.h)
**     MORE              wait, from that place on
**     FRAME, strong     believed
**     FRAME, weak       believed when a frame follows right behind it, or when the stream ends there with a FIN (then `guessed`).
**                       Only a frame of at most head_max bytes can be held until that is known; a longer one is refused.
** What is believed is measured again by lane.c, with the lane in HEAD.  The trial runs on a copy of the detector's state.
** Bytes that are passed over belong to no message.
*/
#include "message/lane.h"

#include <assert.h>
#include <string.h>

enum belief { NO, WAIT, YES, AS_A_GUESS };

struct trial {
    enum belief belief;
    size_t need, seen, skip;
};

/* What begins at the view's start? */
static struct trial try_boundary(const struct tl_framer *f, const tl_head *h, bool fin)
{
    const tl_detector *d = f->detector;
    struct trial no = {.belief = NO, .skip = 1};
    /* As aligned as the state that malloc gave the framer. */
    _Alignas(16) uint8_t state[TL_STATE_MAX];
    if (d->state_size > 0) memcpy(state, f->state, d->state_size);
    tl_verdict v = d->measure(d, state, h);
    if (v.answer == TL_MORE) {
        if (h->ended || v.need <= h->bytes.n || v.need > d->head_max) return no;
        return (struct trial){.belief = WAIT, .need = v.need, .seen = v.seen};
    }
    if (v.answer == TL_REJECT || v.length == 0) {
        if (v.answer == TL_REJECT && v.skip > 0 && v.skip <= h->bytes.n) no.skip = v.skip;
        return no;
    }
    /* What looked like a boundary when the bytes ended there may not look like one any more. */
    tl_head again = *h;
    again.seen = 0;
    if (d->resync(d, f->state, &again) != 0) return no;
    if (v.strong) return (struct trial){.belief = YES};
    if (v.length > d->head_max) return no;
    if (v.length >= h->bytes.n) {
        if (h->ended) return v.length == h->bytes.n && fin ? (struct trial){.belief = AS_A_GUESS} : no;
        return (struct trial){.belief = WAIT, .need = (size_t)v.length + 1, .seen = h->seen};
    }
    tl_head next = *h;
    next.bytes = tl_span_of(h->bytes.p + v.length, h->bytes.n - (size_t)v.length);
    next.seen = 0;
    next.asked = 0;
    tl_verdict w = d->measure(d, state, &next);
    if (w.answer == TL_FRAME) return (struct trial){.belief = YES};
    if (w.answer == TL_REJECT || h->ended || w.need <= next.bytes.n || w.need > d->head_max) return no;
    return (struct trial){.belief = WAIT, .need = (size_t)v.length + w.need, .seen = h->seen};
}

/* n bytes of the view hold no boundary. */
static void pass_over(tl_lane *l, tl_piece *p, size_t n)
{
    assert(l->open == NULL);
    tl_lane_take(l, p, n);
    tl_lane_enter(l, TL_LANE_LOST);
}

tl_rc tl_lane_seek(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    const tl_detector *d = f->detector;
    bool ended = p->kind != TL_EV_BYTES;
    tl_span bytes;
    tl_rc rc = tl_lane_view(l, p, &bytes);
    if (rc != TL_OK) return rc;
    if (bytes.n < l->need && !ended) return tl_lane_wait(l, p, l->need, l->seen);
    if (!l->candidate) {
        tl_head all = {.dir = l->dir, .bytes = bytes, .ended = ended};
        size_t at = d->resync != NULL ? d->resync(d, f->state, &all) : bytes.n;
        if (at > bytes.n) at = bytes.n;
        if (at > 0) pass_over(l, p, at);
        if (at == bytes.n) return TL_OK;
        l->candidate = true;
        /* What was passed over may have changed what is in view: look again. */
        if (at > 0) return TL_OK;
    }
    tl_head h = tl_lane_head(f, l, p, bytes, ended);
    struct trial t = try_boundary(f, &h, p->kind == TL_EV_CLOSE && p->why == TL_WHY_FIN);
    switch (t.belief) {
    case NO: pass_over(l, p, t.skip); break;
    case WAIT: return tl_lane_wait(l, p, t.need, t.seen);
    case AS_A_GUESS: l->sync = TL_SYNC_GUESSED; /* fall through */
    case YES: tl_lane_enter(l, TL_LANE_HEAD); break;
    }
    return TL_OK;
}
