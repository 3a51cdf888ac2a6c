/*
** reassemble.c - segments into events: order, copies, holes, tails.
**
** A session says, in this order: what the segment at hand brings (reassemble_current), what is held and can be told now, of both
** directions in the order of their frames (reassemble_held), and at its end the tails, what lies before the start, and CLOSE
** (reassemble_close).  Each call gives one event and moves the state by just that event, so a session may be left at any point.
**
** Which copy wins: the first seen.  A piece of a segment is told as COPY where its range was told or is held already; as BYTES, by
** reference, where it continues the stream; else it is held, which is the only place where payload is copied.
*/
#include "stream/reassemble.h"

#include <assert.h>
#include <stdlib.h>

/* Segments set aside are believed when three continue each other; a direction keeps so many aside. */
enum { BELIEVED_AT = 3, ASIDE_MAX = 8 };

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static tl_dir dir_of(const tl_session *s, int side)
{
    return side == s->client ? TL_C2S : TL_S2C;
}

/* Fills in what all events share. */
static void begin(tl_session *s, int side, tl_event_kind kind, uint64_t pos, uint64_t length, tl_event *out)
{
    const half *h = &s->half[side];
    *out = (tl_event){.kind = kind, .dir = dir_of(s, side), .length = length, .told = s->table->told_at};
    out->offset = h->fixed ? pos - h->base : 0;
    s->told = true;
    if (kind == TL_EV_GAP) s->half[side].holed = true;
}

static void lend(tl_session *s, held_tree *tree, held *node)
{
    held_remove(&s->table->held, tree, node);
    s->table->lent = node;
}

static tl_at carrier(const held *node)
{
    return (tl_at){node->ns, node->frame, node->capture};
}

static bool before(const held *a, const held *b)
{
    return a->capture != b->capture ? a->capture < b->capture : a->frame < b->frame;
}

/* Bytes of the other direction that the sender had acknowledged. */
static uint64_t peer_acked(const tl_session *s, int side, uint64_t ack_pos)
{
    const half *p = &s->half[!side];
    if (ack_pos == 0 || !p->fixed) return 0;
    if (p->fin && ack_pos > p->lane->fin_pos) ack_pos = p->lane->fin_pos;
    return ack_pos > p->base ? ack_pos - p->base : 0;
}

/* ---- the segment at hand ---- */

static void take(current *c, uint64_t n)
{
    c->pos += n;
    c->p += n;
    c->n -= (uint32_t)n;
}

static void current_event(tl_session *s, tl_event_kind kind, tl_why why, uint64_t n, tl_event *out)
{
    current *c = &s->table->cur;
    begin(s, c->side, kind, c->pos, n, out);
    out->why = why;
    out->bytes = (tl_span){c->p, (size_t)n};
    out->peer_acked = peer_acked(s, c->side, c->ack_pos);
    out->at = c->at;
}

/* Memory ran out with n bytes in hand: they are taken out of the books, and the next push says so. */
static void lose(tl_session *s, uint64_t n)
{
    s->table->failed = true;
    s->half[s->table->cur.side].lane->captured_bytes -= n;
    take(&s->table->cur, n);
}

/* One step with a piece that is not told yet: true when it gave an event, false when the piece was held. */
static bool piece(tl_session *s, held_tree *tree, uint64_t end, tl_event *out)
{
    tl_sessions *t = s->table;
    current *c = &t->cur;
    half *h = &s->half[c->side];
    bool follows = tree == &h->lane->held && c->copied != NULL && c->copied->pos + c->copied->n == c->pos, cuts = false;
    held *node = NULL;
    if (follows)
        node = held_next(tree, c->copied);
    else if (held_next_at(tree, c->pos) < end)
        node = held_at(tree, c->pos);
    c->copied = NULL;
    for (; node != NULL && node->cut; node = held_next(tree, node)) cuts = true; /* data goes over cuts */
    if (node != NULL && node->pos <= c->pos) {
        uint64_t n = least(end, node->pos + node->n) - c->pos;
        current_event(s, TL_EV_COPY, c->why == TL_WHY_NONE ? TL_WHY_CONFLICT : c->why, n, out);
        out->kept = node->bytes + (c->pos - node->pos);
        if (tree == &h->lane->held) c->copied = node;
        take(c, n);
        return true;
    }
    uint64_t n = (node != NULL ? least(end, node->pos) : end) - c->pos;
    if (c->why == TL_WHY_KEEP_ALIVE && !c->aside && (tree != &h->lane->held || h->acked > c->pos)) {
        current_event(s, TL_EV_STRAY, TL_WHY_KEEP_ALIVE, n, out);
        take(c, n);
        return true;
    }
    if (cuts && !held_punch(&t->held, tree, c->pos, c->pos + n)) {
        lose(s, n);
        return false;
    }
    if (tree == &h->lane->held && h->fixed && c->pos == h->next && !half_waits(&s->half[!c->side])) {
        current_event(s, TL_EV_BYTES, TL_WHY_NONE, n, out);
        h->next += n;
        h->lane->before = c->at;
        take(c, n);
        return true;
    }
    held *fresh = held_new(&t->held, c->pos, c->p, (uint32_t)n, c->at);
    if (fresh == NULL) {
        lose(s, n);
        return false;
    }
    fresh->ack_pos = c->ack_pos;
    fresh->fin = c->fin && n == c->n;
    if (tree == &h->lane->held ? !half_hold(&t->held, h, fresh, t->clock) : !held_insert(&t->held, tree, fresh)) {
        held_delete(&t->held, fresh);
        lose(s, n);
        return false;
    }
    take(c, n);
    return false;
}

/* What the snaplen cut off is remembered as cuts, wherever nothing better is there. */
static void hold_cut(tl_session *s)
{
    tl_sessions *t = s->table;
    current *c = &t->cur;
    half *h = &s->half[c->side];
    uint64_t at = c->pos, end = c->pos + c->cut;
    if (h->fixed && at < h->next) at = h->next;
    while (at < end) {
        held *node = held_at(&h->lane->held, at);
        if (node != NULL && node->pos <= at) {
            at = node->pos + node->n;
            continue;
        }
        uint64_t to = node != NULL ? least(end, node->pos) : end;
        held *cut = held_new(&t->held, at, NULL, (uint32_t)(to - at), c->at);
        if (cut == NULL) {
            t->failed = true;
            return;
        }
        cut->ack_pos = c->ack_pos;
        if (!half_hold(&t->held, h, cut, t->clock)) {
            held_delete(&t->held, cut);
            t->failed = true;
            return;
        }
        at = to;
    }
}

/* The piece in front of c, of a segment that is not set aside. */
static bool next_piece(tl_session *s, tl_event *out)
{
    tl_sessions *t = s->table;
    current *c = &t->cur;
    half *h = &s->half[c->side];
    uint64_t end = c->pos + c->n;
    if (h->fixed && c->pos < h->base) {
        uint64_t n = least(end, h->base) - c->pos;
        rare *r = h->lane->rare; /* see_payload() made it */
        if (!h->exact && r->front.bytes <= t->limits.hole_bytes) return piece(s, &r->front, c->pos + n, out);
        current_event(s, TL_EV_STRAY, c->why == TL_WHY_NONE ? TL_WHY_BEFORE_START : c->why, n, out);
        take(c, n);
        return true;
    }
    if (h->fixed && c->pos < h->next) {
        uint64_t n = least(end, h->next) - c->pos;
        current_event(s, TL_EV_COPY, c->why == TL_WHY_NONE ? TL_WHY_CONFLICT : c->why, n, out);
        take(c, n);
        return true;
    }
    return piece(s, &h->lane->held, end, out);
}

/* The oldest segment set aside is given up. */
static void reject_event(tl_session *s, int side, tl_event *out)
{
    held_tree *aside = &s->half[side].lane->rare->aside;
    held *oldest = held_first(aside);
    for (held *node = oldest; node != NULL; node = held_next(aside, node))
        if (before(node, oldest)) oldest = node;
    begin(s, side, TL_EV_STRAY, oldest->pos, oldest->n, out);
    out->why = TL_WHY_OUT_OF_WINDOW;
    out->bytes = (tl_span){oldest->bytes, oldest->n};
    out->at = carrier(oldest);
    lend(s, aside, oldest);
}

/* The next segment that is believed after all, as if it came just now. */
static void resume(tl_session *s, int side)
{
    current *c = &s->table->cur;
    held *node = held_first(&s->half[side].lane->rare->believed);
    held_remove(&s->table->held, &s->half[side].lane->rare->believed, node);
    *c = (current){.session = s, .side = side, .pos = node->pos, .ack_pos = node->ack_pos, .p = node->bytes, .n = node->n, .node = node};
    c->at = carrier(node);
    if (node->fin) half_fin(&s->half[side], node->pos + node->n, c->at);
}

static inline bool resumes(tl_session *s)
{
    for (int side = 0; side < 2; side++) {
        if (half_rare_seen(&s->half[side])->believed.nodes == 0) continue;
        resume(s, side);
        return true;
    }
    return false;
}

bool reassemble_current(tl_session *s, tl_event *out)
{
    current *c = &s->table->cur;
    do {
        if (c->session != s) continue;
        half *h = &s->half[c->side];
        while (c->n > 0) {
            if (c->why == TL_WHY_RST) { /* a reset cause, not stream data (RFC 9293 section 3.5.3) */
                current_event(s, TL_EV_STRAY, TL_WHY_RST, c->n, out);
                take(c, c->n);
                return true;
            }
            if (c->aside ? piece(s, &h->lane->rare->aside, c->pos + c->n, out) : next_piece(s, out)) return true;
        }
        if (c->aside) {
            uint64_t from, to;
            c->aside = false;
            c->cut = 0;
            if (half_run(h, c->pos, &from, &to) >= BELIEVED_AT) {
                if (!half_believe(&s->table->held, h, c->pos)) s->table->failed = true;
            } else if (half_rare_seen(h)->aside.nodes > ASIDE_MAX) {
                reject_event(s, c->side, out);
                return true;
            }
        }
        if (c->cut > 0) hold_cut(s);
        held_delete(&s->table->held, c->node);
        *c = (current){0};
    } while (resumes(s));
    return false;
}

/* ---- what is held ---- */

static void held_bytes_event(tl_session *s, int side, held_tree *tree, held *node, tl_event *out)
{
    begin(s, side, TL_EV_BYTES, node->pos, node->n, out);
    out->bytes = (tl_span){node->bytes, node->n};
    out->at = carrier(node);
    out->peer_acked = peer_acked(s, side, node->ack_pos);
    lend(s, tree, node);
}

static tl_at acked_proof(const half *h)
{
    return (tl_at){h->lane->acked_clock, h->lane->acked_frame, h->lane->acked_capture};
}

/* The hole before the first node held. */
static void hole_event(tl_session *s, int side, const half_view *v, tl_event *out)
{
    half *h = &s->half[side];
    uint64_t end = v->node->pos;
    tl_at proof = carrier(v->node);
    tl_why why = v->why;
    if (why == TL_WHY_ACKED) {
        proof = (tl_at){v->node->proof_clock, v->node->proof_frame, v->node->proof_capture};
    } else if (h->acked > h->next) { /* the front part of it is proved: told apart */
        end = h->acked;
        why = TL_WHY_ACKED;
        proof = acked_proof(h);
    }
    begin(s, side, TL_EV_GAP, h->next, end - h->next, out);
    out->why = why;
    out->at = proof;
    out->before = h->lane->before;
    out->after = carrier(v->node);
    h->next = end;
}

static void cut_event(tl_session *s, int side, held *node, tl_event *out)
{
    half *h = &s->half[side];
    begin(s, side, TL_EV_GAP, node->pos, node->n, out);
    out->why = TL_WHY_SNAPLEN;
    out->at = out->before = carrier(node);
    h->next += node->n;
    h->lane->before = carrier(node);
    lend(s, &h->lane->held, node);
    const held *after = held_first(&h->lane->held);
    if (after != NULL && after->pos == h->next) out->after = carrier(after);
}

bool reassemble_held(tl_session *s, tl_event *out)
{
    tl_sessions *t = s->table;
    if (!half_holds(&s->half[0]) && !half_holds(&s->half[1])) return false;
    for (;;) {
        half_view v[2];
        for (int side = 0; side < 2; side++)
            v[side] = half_look(&s->half[side], t->clock, s->closing, s->half[!side].packets == 0, &t->limits);
        if (v[0].ready == HALF_FIX || v[1].ready == HALF_FIX) { /* both at once, so that each knows what it acknowledged of the other */
            for (int side = 0; side < 2; side++)
                if (v[side].node != NULL && !s->half[side].fixed) half_fix(&s->half[side], v[side].node->pos, false);
            continue;
        }
        bool waits = half_waits(&s->half[0]) || half_waits(&s->half[1]);
        if (waits) { /* for offset 0 of one direction; a limit on what the other one holds meanwhile ends that too */
            for (int side = 0; side < 2; side++)
                if (s->half[side].fixed && v[side].node != NULL && s->half[side].lane->held.bytes > t->limits.hole_bytes) waits = false;
            if (waits) return false;
        }
        int side = v[0].ready == HALF_NOTHING;
        if (v[side].ready == HALF_NOTHING) return false;
        if (v[!side].ready != HALF_NOTHING && before(v[!side].node, v[side].node)) side = !side;
        half *h = &s->half[side];
        if (v[side].ready == HALF_HOLE) {
            hole_event(s, side, &v[side], out);
        } else if (v[side].ready == HALF_CUT) {
            cut_event(s, side, v[side].node, out);
        } else {
            h->next += v[side].node->n;
            h->lane->before = carrier(v[side].node);
            held_bytes_event(s, side, &h->lane->held, v[side].node, out);
        }
        return true;
    }
}

/* ---- the end ---- */

static tl_at last_segment(const tl_session *s)
{
    return (tl_at){s->newest_ns, s->last_frame, s->last_capture};
}

enum { STEP_TAIL, STEP_REBASE, STEP_FRONT, STEP_CLOSE, STEP_DONE };

/* Bytes that an ACK or the FIN proves beyond the last one captured. */
static bool tail_event(tl_session *s, int side, tl_event *out)
{
    half *h = &s->half[side];
    if (!h->fixed && h->base != 0) half_fix(h, h->base, false);
    if (!h->fixed) return false;
    uint64_t end = h->next;
    tl_why why = s->closing;
    tl_at proof = {0};
    if (h->acked > h->next) {
        end = h->acked;
        why = TL_WHY_ACKED;
        proof = acked_proof(h);
    } else if (half_rare_seen(h)->sack_to > h->next) { /* the peer holds something behind bytes that it lacks */
        bool reached = h->lane->rare->sack_from <= h->next;
        end = reached ? h->lane->rare->sack_to : h->lane->rare->sack_from;
        if (reached) why = TL_WHY_ACKED;
        proof = (tl_at){0, h->lane->rare->sack_frame, h->lane->rare->sack_capture};
    } else if (h->fin && h->lane->fin_pos > h->next) {
        end = h->lane->fin_pos;
        why = TL_WHY_FIN;
        proof = (tl_at){0, h->lane->fin_frame, h->lane->fin_capture};
    }
    if (end == h->next) return false;
    begin(s, side, TL_EV_GAP, h->next, end - h->next, out);
    out->why = why;
    out->at = proof;
    out->before = half_lane_seen(h)->before;
    h->next = end;
    return true;
}

static bool aside_event(tl_session *s, int side, tl_event *out)
{
    if (half_rare_seen(&s->half[side])->aside.nodes == 0) return false;
    reject_event(s, side, out);
    return true;
}

/* Data, or the SYN, from before the offset 0 that was chosen midway. */
static bool rebase_event(tl_session *s, int side, tl_event *out)
{
    half *h = &s->half[side];
    const rare *seen = half_rare_seen(h);
    uint64_t base = h->base;
    if (!h->fixed || h->exact) return false;
    const held *node = held_first(&seen->front);
    if (node != NULL && node->pos < base) base = node->pos;
    if (seen->syn_base != 0 && seen->syn_base < base) base = seen->syn_base;
    if (base == h->base) return false;
    h->lane->rare->front_at = base;
    h->lane->rare->front_end = h->base;
    begin(s, side, TL_EV_REBASE, base, h->base - base, out);
    out->offset = 0;
    h->base = base;
    h->exact = seen->syn_base == base;
    s->rebased = true;
    return true;
}

static bool front_event(tl_session *s, int side, tl_event *out)
{
    half *h = &s->half[side];
    if (half_rare_seen(h)->front_at == half_rare_seen(h)->front_end) return false;
    rare *r = h->lane->rare;
    held *node = held_first(&r->front);
    if (node != NULL && node->pos == r->front_at) {
        r->front_at += node->n;
        held_bytes_event(s, side, &r->front, node, out);
    } else {
        uint64_t end = node != NULL ? node->pos : r->front_end;
        begin(s, side, TL_EV_GAP, r->front_at, end - r->front_at, out);
        out->why = h->acked >= end ? TL_WHY_ACKED : s->closing;
        out->at = h->acked >= end ? acked_proof(h) : last_segment(s);
        if (node != NULL) out->after = carrier(node);
        r->front_at = end;
    }
    out->front = true;
    return true;
}

bool reassemble_close(tl_session *s, tl_event *out)
{
    for (int dir = 0; dir < 2; dir++) {
        int side = dir == TL_C2S ? s->client : !s->client;
        half *h = &s->half[side];
        switch (s->close_step[side]) {
        case STEP_TAIL:
            if (aside_event(s, side, out) || tail_event(s, side, out)) return true;
            s->close_step[side] = STEP_REBASE; /* fall through */
        case STEP_REBASE:
            s->close_step[side] = STEP_FRONT;
            if (rebase_event(s, side, out)) return true; /* fall through */
        case STEP_FRONT:
            if (front_event(s, side, out)) return true;
            s->close_step[side] = STEP_CLOSE; /* fall through */
        case STEP_CLOSE:
            s->close_step[side] = STEP_DONE;
            begin(s, side, TL_EV_CLOSE, h->next, 0, out);
            out->why = s->closing;
            out->at = last_segment(s);
            return true;
        default: assert(s->close_step[side] == STEP_DONE);
        }
    }
    return false;
}
