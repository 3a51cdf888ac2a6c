/*
** lane.c - one direction, framed by a detector.
**
**     state     what `at` is                   BYTES                           GAP                                CLOSE
**     HEAD      a boundary of frames           measure → BODY, TO_CLOSE,       LOST (a carry is measured          a carry is measured
**                                              HEAD, LOST (rejected)           as it is, first)                   as it is; message cut
**     BODY      inside a frame of known length → HEAD at its end               missing; → HEAD when it ends       message cut
**                                                                              at the frame's end, LOST beyond
**     TO_CLOSE  inside a message that ends     counted                         missing                            message ends: complete
**               with the stream                                                                                   when it was a FIN
**     LOST      nowhere known                  seek.c → HEAD                   passed over                        passed over
**     TURN      (turn.c; not here)
**
** A message is cut when its end is lost: it ends, incomplete, at the last byte known to belong to it.  Bodies are counted, never kept;
** only the bytes of a head that is not whole wait in the carry.  A GAP of any length costs the same.
**
** "Complete" of a message that only the close ends: a FIN is the sender's word that this was all; RST, idle, an evicted or reused session
** and the end of the capture are not.
*/
#include "message/lane.h"

#include <assert.h>
#include <string.h>

enum { GULP = 2048 }; /* bytes moved to a carry at a time, when the detector cannot say how many it needs */

void tl_lane_enter(tl_lane *l, tl_lane_state state)
{
    l->state = state;
    l->need = 0;
    l->seen = 0;
    l->candidate = false;
    l->left = 0;
    l->elastic = false;
    l->ripe = 0;
}

/* The bytes from `at` on that can be looked at in one piece: the piece itself when nothing waits, else the carry, after as many bytes
** of the piece were added to it as were asked for (or GULP).  More may still be left in the piece. */
tl_rc tl_lane_view(tl_lane *l, tl_piece *p, tl_span *out)
{
    if (l->carry == NULL) {
        *out = p->kind == TL_EV_BYTES ? tl_span_of(p->bytes, (size_t)p->length) : tl_span_of(NULL, 0);
        return TL_OK;
    }
    if (p->kind == TL_EV_BYTES && p->length > 0) {
        size_t n = l->need > l->carry->n + GULP ? l->need - l->carry->n : GULP;
        if (n > p->length) n = (size_t)p->length;
        tl_rc rc = tl_carry_add(&l->carry, p, n);
        if (rc != TL_OK) return rc;
    }
    *out = tl_carry_span(l->carry);
    return TL_OK;
}

tl_rc tl_lane_wait(tl_lane *l, tl_piece *p, size_t need, size_t seen)
{
    l->need = need;
    l->seen = seen;
    /* With a carry, the rest of the piece is added by the next view. */
    if (l->carry != NULL || p->kind != TL_EV_BYTES) return TL_OK;
    return tl_carry_add(&l->carry, p, (size_t)p->length);
}

void tl_lane_take(tl_lane *l, tl_piece *p, size_t n)
{
    if (n > 0) l->before = l->carry != NULL ? tl_carry_span(l->carry).p[n - 1] : p->bytes[n - 1];
    if (l->carry != NULL) {
        if (n > 0) tl_open_bytes(l, n, &tl_carry_look(l->carry, 0)->at, &tl_carry_look(l->carry, n - 1)->at);
        tl_carry_take(&l->carry, p, n);
    } else {
        tl_open_bytes(l, n, &p->at, &p->at);
        tl_piece_take(p, n);
    }
    l->at += n;
}

tl_head tl_lane_head(const struct tl_framer *f, const tl_lane *l, const tl_piece *p, tl_span bytes, bool ended)
{
    uint64_t acked = l->carry != NULL ? tl_carry_look(l->carry, 0)->peer_acked : p->peer_acked;
    tl_head h = {.dir = l->dir, .bytes = bytes, .ended = ended, .before = l->before, .seen = l->seen};
    h.asks = &f->pairs[!l->dir];
    h.asked = tl_pairs_tag(h.asks, l->at, acked, &h.awaited);
    return h;
}

tl_rc tl_lane_lose(struct tl_framer *f, tl_lane *l, tl_piece *p, size_t skip)
{
    bool cut = l->open != NULL;
    tl_rc rc = tl_open_finish(f, l, false);
    if (rc != TL_OK) return rc;
    tl_pairs_hole(&f->pairs[l->dir], true, cut);
    tl_pairs_hole(&f->pairs[!l->dir], false, cut);
    if (f->detector->lost != NULL) f->detector->lost(f->detector, f->state, l->dir);
    tl_lane_enter(l, TL_LANE_LOST);
    l->settling = 0;
    l->sync = TL_SYNC_RESYNCED;
    if (skip > 0) tl_lane_take(l, p, skip);
    return TL_OK;
}

tl_rc tl_lane_stay_lost(struct tl_framer *f, tl_lane *l)
{
    tl_piece nothing = {.kind = TL_EV_BYTES, .dir = l->dir};
    return tl_lane_lose(f, l, &nothing, 0);
}

/* A frame has ended at `at`, by count. */
static tl_rc frame_ends(struct tl_framer *f, tl_lane *l)
{
    bool last = l->last_frame, elastic = l->elastic && !last;
    tl_lane_enter(l, TL_LANE_HEAD);
    l->elastic = elastic;
    return last ? tl_open_finish(f, l, true) : TL_OK;
}

static tl_rc begin_message(struct tl_framer *f, tl_lane *l, const tl_piece *p, const tl_head *h, const tl_verdict *v)
{
    uint64_t acked = l->carry != NULL ? tl_carry_look(l->carry, 0)->peer_acked : p->peer_acked;
    tl_rc rc = tl_open_finish(f, l, false);
    if (rc == TL_OK) rc = tl_open_begin(f, l, f->detector->name, v->kind, acked);
    if (rc != TL_OK) return rc;
    tl_open *o = l->open;
    tl_open_number(f, l);
    o->role = v->role;
    o->m.head_length = v->head_length;
    tl_text_escaped(&o->summary, v->summary, 200);
    if (f->detector->describe != NULL) {
        tl_head head = *h; /* not what happens to be in view behind it */
        head.bytes.n = v->head_length;
        tl_json_open(&o->detail);
        f->detector->describe(f->detector, f->state, &head, &o->detail);
        tl_json_close(&o->detail);
    }
    if (o->summary.failed || o->detail.failed) return TL_ENOMEM;
    const uint64_t *id = v->has_id ? &v->id : NULL;
    if (v->role == TL_REQUEST) return tl_pairs_ask(&f->pairs[l->dir], o->m.number, l->at, acked, v->tag, id);
    if (v->role == TL_MAYBE_RESPONSE) tl_pairs_doubt(&f->pairs[!l->dir], acked);
    if (v->role == TL_RESPONSE || v->role == TL_INTERIM) {
        tl_pairs *p2 = &f->pairs[!l->dir];
        tl_reply r =
            id != NULL ? tl_pairs_answer_id(p2, *id, v->role == TL_INTERIM) : tl_pairs_answer(p2, l->at, acked, v->role == TL_INTERIM);
        o->m.answers = r.number;
        o->m.pairing = r.pairing;
    }
    return TL_OK;
}

static tl_rc take_frame(struct tl_framer *f, tl_lane *l, tl_piece *p, const tl_head *h, tl_verdict *v)
{
    const tl_detector *d = f->detector;
    tl_rc rc = d->accept != NULL ? d->accept(d, f->state, h, v) : TL_OK;
    if (rc == TL_OK && v->edge & TL_FIRST) rc = begin_message(f, l, p, h, v);
    if (rc != TL_OK) return rc;
    l->last_frame = (v->edge & TL_LAST) != 0;
    if (v->last_of_protocol) {
        l->switches = true;
        l->next = v->next;
        l->next_id = v->next_id;
        l->next_ask = v->next_id != 0 && l->open != NULL ? l->open->m.answers : 0;
    }
    if (v->length == TL_TO_CLOSE) {
        tl_lane_enter(l, TL_LANE_TO_CLOSE);
        tl_lane_take(l, p, h->bytes.n);
        return TL_OK;
    }
    size_t n = v->length < h->bytes.n ? (size_t)v->length : h->bytes.n;
    tl_lane_enter(l, TL_LANE_BODY);
    l->elastic = v->elastic;
    l->left = v->length - n;
    tl_lane_take(l, p, n);
    return l->left == 0 ? frame_ends(f, l) : TL_OK;
}

/* What begins here is another protocol's. */
static tl_rc give_over(struct tl_framer *f, tl_lane *l, const tl_verdict *v)
{
    l->switches = true;
    l->next = v->next;
    l->next_id = v->next_id;
    l->next_ask = 0;
    for (int dir = 0; dir < 2 && v->next_id != 0 && l->next_ask == 0; dir++) l->next_ask = tl_pairs_tagged(&f->pairs[dir], v->tag);
    return tl_open_finish(f, l, false);
}

/* At a boundary.  ended: a GAP or the CLOSE follows what waits. */
static tl_rc measure(struct tl_framer *f, tl_lane *l, tl_piece *p, bool ended)
{
    const tl_detector *d = f->detector;
    tl_span bytes;
    tl_rc rc = tl_lane_view(l, p, &bytes);
    if (rc != TL_OK) return rc;
    if (bytes.n < l->need && !ended) return tl_lane_wait(l, p, l->need, l->seen);
    tl_head h = tl_lane_head(f, l, p, bytes, ended);
    tl_verdict v = d->measure(d, f->state, &h);
    if (v.answer == TL_FRAME && v.length > 0) return take_frame(f, l, p, &h, &v);
    if (v.answer == TL_REJECT && v.next != NULL) return give_over(f, l, &v);
    if (v.answer == TL_MORE && !ended && v.need > bytes.n && v.need <= d->head_max) return tl_lane_wait(l, p, v.need, v.seen);
    if (v.answer == TL_MORE && ended) {
        /* Bytes of a message that goes on belong to it; those of a head that never became whole belong to none. */
        size_t n = l->open != NULL ? bytes.n : 0;
        if (n > 0) tl_lane_take(l, p, n);
        return tl_lane_lose(f, l, p, bytes.n - n);
    }
    size_t skip = v.answer == TL_REJECT && v.skip > 0 && v.skip <= bytes.n ? v.skip : 1;
    return tl_lane_lose(f, l, p, skip);
}

static tl_rc step_gap(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    uint64_t n = p->length;
    switch (l->state) {
    case TL_LANE_HEAD:
        if (l->elastic && l->open != NULL) {
            if (l->carry != NULL) tl_lane_take(l, p, l->carry->n); /* what waited for a mark that may have been cut */
            l->need = l->seen = 0;
            break;
        }
        if (l->carry != NULL) return measure(f, l, p, true);
        return tl_lane_lose(f, l, p, 0);
    case TL_LANE_BODY:
        if (n > l->left) n = l->left;
        l->left -= n;
        break;
    case TL_LANE_LOST:
        if (l->carry != NULL) return tl_lane_seek(f, l, p);
        tl_lane_enter(l, TL_LANE_LOST);
        break;
    case TL_LANE_TO_CLOSE:
    case TL_LANE_TURN: break;
    }
    if (n > 0) l->before = TL_UNKNOWN;
    tl_open_missing(l, n);
    tl_piece_take(p, n);
    l->at += n;
    return l->state == TL_LANE_BODY && l->left == 0 ? frame_ends(f, l) : TL_OK;
}

static tl_rc step_close(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    tl_rc rc = TL_OK;
    switch (l->state) {
    case TL_LANE_HEAD:
        if (l->carry != NULL) return measure(f, l, p, true);
        if (l->open != NULL) rc = tl_lane_lose(f, l, p, 0);
        break;
    case TL_LANE_TO_CLOSE:
        rc = tl_open_finish(f, l, p->why == TL_WHY_FIN);
        if (rc == TL_OK) tl_lane_enter(l, TL_LANE_HEAD);
        break;
    /* Whatever comes late, after the close, is not at a boundary. */
    case TL_LANE_BODY: rc = tl_lane_lose(f, l, p, 0); break;
    case TL_LANE_LOST:
        if (l->carry != NULL) return tl_lane_seek(f, l, p);
        break;
    case TL_LANE_TURN: break;
    }
    if (rc != TL_OK) return rc;
    l->closed = true;
    tl_piece_take(p, p->length);
    return TL_OK;
}

static tl_rc step_bytes(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    switch (l->state) {
    case TL_LANE_HEAD: return measure(f, l, p, false);
    case TL_LANE_LOST: return tl_lane_seek(f, l, p);
    case TL_LANE_TO_CLOSE: tl_lane_take(l, p, (size_t)p->length); return TL_OK;
    case TL_LANE_BODY: {
        size_t n = p->length < l->left ? (size_t)p->length : (size_t)l->left;
        l->left -= n;
        tl_lane_take(l, p, n);
        return l->left == 0 ? frame_ends(f, l) : TL_OK;
    }
    case TL_LANE_TURN: break;
    }
    assert(l->state != TL_LANE_TURN); /* those are turn.c's */
    return TL_OK;
}

/* The carry holds enough to be looked at again: a boundary was found or refused in the middle of it. */
static bool restless(const tl_lane *l)
{
    return l->carry != NULL && l->carry->n >= l->need && !(l->switches && l->open == NULL);
}

tl_rc tl_lane_step(struct tl_framer *f, tl_lane *l, tl_piece *p)
{
    if (p->kind == TL_EV_GAP) return step_gap(f, l, p);
    if (p->kind == TL_EV_CLOSE) return step_close(f, l, p);
    tl_rc rc = p->length > 0 || restless(l) ? step_bytes(f, l, p) : TL_OK;
    while (rc == TL_OK && p->length == 0 && restless(l)) rc = step_bytes(f, l, p);
    return rc;
}
