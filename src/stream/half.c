#include "stream/half.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where a space begins: far enough from 0 that positions before the first one stay positive, and a multiple of 2^32. */
#define SPACE_START (UINT64_C(1) << 40)

/* What a receiver may have room for at least: the largest window without scaling is 64 KiB, and captures lose ACKs. */
#define LEAST_REACH (UINT64_C(1) << 20)
/* Segments continue each other when no more than this is missing between them. */
#define RUN_SLACK (UINT64_C(1) << 16)
#define MAX_SCALE 14 /* RFC 7323 section 2.3 */

uint64_t half_unwrap(half *h, uint32_t seq)
{
    if (h->ref == 0) h->ref = SPACE_START | seq;
    return half_position(h, seq);
}

lane *half_lane(tl_pool *lanes, half *h)
{
    if (h->lane == NULL) h->lane = tl_pool_take(lanes);
    return h->lane;
}

rare *half_rare(tl_pool *lanes, half *h)
{
    lane *l = half_lane(lanes, h);
    if (l == NULL) return NULL;
    if (l->rare == NULL) l->rare = calloc(1, sizeof *l->rare);
    return l->rare;
}

const lane half_no_lane;
const rare half_no_rare;

void half_free(held_pools *pools, tl_pool *lanes, half *h)
{
    if (h->lane == NULL) return;
    held_clear(pools, &h->lane->held);
    if (h->lane->rare != NULL) {
        held_clear(pools, &h->lane->rare->front);
        held_clear(pools, &h->lane->rare->aside);
        held_clear(pools, &h->lane->rare->believed);
        free(h->lane->rare);
    }
    tl_pool_give(lanes, h->lane);
    h->lane = NULL;
}

void half_trim(tl_pool *lanes, half *h)
{
    lane *l = h->lane;
    if (l == NULL) return;
    if (l->rare != NULL && memcmp(l->rare, &half_no_rare, sizeof half_no_rare) == 0) {
        free(l->rare);
        l->rare = NULL;
    }
    if (h->payload || h->fin || memcmp(l, &half_no_lane, sizeof half_no_lane) != 0) return;
    tl_pool_give(lanes, l);
    h->lane = NULL;
}

bool half_missing(const half *h, uint64_t from, uint64_t to)
{
    if (from < h->next) from = h->next;
    if (from >= to) return false;
    if (!half_holds(h) || held_next_at(&h->lane->held, from) > from) return true;
    held *node = held_at(&h->lane->held, from);
    for (; from < to; node = held_next(&h->lane->held, node)) {
        if (node == NULL || node->pos > from || node->cut) return true;
        from = node->pos + node->n;
    }
    return false;
}

/* Twice the largest window that the receiver has told; where its scale is not known, the largest scale there is. */
static uint64_t reach(const half *p)
{
    int scale = p->window_scale >= 0 ? p->window_scale : p->has_isn ? 0 : MAX_SCALE;
    uint64_t window = (uint64_t)p->max_window << (scale > MAX_SCALE ? MAX_SCALE : scale);
    return 2 * window > LEAST_REACH ? 2 * window : LEAST_REACH;
}

bool half_far(const half *h, const half *p, uint64_t pos)
{
    uint64_t high = h->ref, low = h->base;
    if (h->ref == 0) return false;
    if (high < low) high = low;
    if (pos > high) return pos - high > reach(p);
    return !(h->fixed && h->exact) && pos < low && low - pos > reach(p);
}

bool half_near(const half *p, uint64_t a, uint64_t b)
{
    return (a > b ? a - b : b - a) <= reach(p);
}

unsigned half_run(const half *h, uint64_t pos, uint64_t *from, uint64_t *to)
{
    unsigned n = 0;
    if (half_rare_seen(h)->aside.nodes == 0) return 0;
    held_tree *aside = &h->lane->rare->aside;
    for (held *node = held_first(aside); node != NULL; node = held_next(aside, node)) {
        if (n > 0 && node->pos - *to > RUN_SLACK) {
            if (pos <= *to + RUN_SLACK) break;
            n = 0;
        }
        if (n++ == 0) *from = node->pos;
        *to = node->pos + node->n;
    }
    return n > 0 && pos + RUN_SLACK >= *from && pos <= *to + RUN_SLACK ? n : 0;
}

bool half_believe(held_pools *pools, half *h, uint64_t pos)
{
    uint64_t from, to;
    if (half_run(h, pos, &from, &to) == 0) return true;
    rare *r = h->lane->rare;
    for (held *node; (node = held_at(&r->aside, from)) != NULL && node->pos < to;) {
        held_remove(pools, &r->aside, node);
        if (!held_insert(pools, &r->believed, node)) {
            h->lane->captured_bytes -= node->n;
            held_delete(pools, node);
            return false;
        }
    }
    if (to > h->top) h->top = to;
    if (to > h->ref) h->ref = to;
    return true;
}

static void prove(held *node, const half *h)
{
    node->proof_frame = h->lane->acked_frame;
    node->proof_clock = h->lane->acked_clock;
    node->proof_capture = h->lane->acked_capture;
}

bool half_ack(tl_pool *lanes, half *h, uint64_t pos, tl_at at, int64_t clock)
{
    uint64_t before = h->acked;
    if (pos <= before) return true;
    bool proves = !h->fixed || !h->exact || pos > h->base;
    if (proves && half_lane(lanes, h) == NULL) return false;
    h->acked = pos;
    if (pos > h->ref) h->ref = pos;
    if (h->lane == NULL) return true;
    h->lane->acked_frame = at.frame;
    h->lane->acked_capture = at.capture;
    h->lane->acked_clock = clock;
    held_tree *tree = &h->lane->held;
    if (tree->nodes == 0) return true;
    for (held *node = held_at(tree, before); node != NULL && node->pos <= pos; node = held_next(tree, node))
        if (node->proof_frame == 0) prove(node, h);
    return true;
}

void half_fin(half *h, uint64_t pos, tl_at at)
{
    lane *l = h->lane;
    if (h->fin && pos <= l->fin_pos) return;
    h->fin = true;
    h->fin_acked = false;
    l->fin_pos = pos;
    l->fin_frame = at.frame;
    l->fin_capture = at.capture;
    if (l->rare != NULL && l->rare->sack_to > pos) l->rare->sack_to = pos;
    if (h->acked > pos) { /* the ACK came before the FIN */
        h->fin_acked = h->acked == pos + 1;
        h->acked = pos;
    }
}

bool half_sack(tl_pool *lanes, half *h, uint64_t from, uint64_t to, tl_at at, int64_t clock)
{
    if (!h->payload || !h->fixed || to <= from || to <= h->acked || to <= half_rare_seen(h)->sack_to) return true;
    rare *r = half_rare(lanes, h);
    if (r == NULL) return false;
    if (from < h->next) from = h->next;
    /* Nodes up to sack_to were looked at by an earlier block: each is looked at once. */
    uint64_t hole = from > r->sack_to ? from : r->sack_to;
    held_tree *tree = &h->lane->held;
    held *node = held_at(tree, hole);
    if (node != NULL && node->pos < hole) {
        hole = node->pos + node->n;
        node = held_next(tree, node);
    }
    for (; node != NULL && node->pos <= to; node = held_next(tree, node)) {
        if (node->proof_frame == 0 && node->pos > hole) { /* a hole that lies in the block */
            node->proof_frame = at.frame;
            node->proof_capture = at.capture;
            node->proof_clock = clock;
        }
        hole = node->pos + node->n;
    }
    r->sack_from = from;
    r->sack_to = to;
    r->sack_frame = at.frame;
    r->sack_capture = at.capture;
    return true;
}

void half_fix(half *h, uint64_t base, bool exact)
{
    h->fixed = true;
    h->exact = exact;
    h->base = h->next = base;
    if (h->top < base) h->top = base;
    if (h->ref < base) h->ref = base;
}

bool half_hold(held_pools *pools, half *h, held *node, int64_t clock)
{
    node->clock = clock;
    if (!held_insert(pools, &h->lane->held, node)) return false;
    bool proofs = h->lane->acked_frame != 0 || half_rare_seen(h)->sack_frame != 0; /* else no node has one, and none is looked at */
    held *after = proofs ? held_next(&h->lane->held, node) : NULL;
    if (after != NULL && after->proof_frame != 0) { /* it splits a hole that is proved already */
        node->proof_frame = after->proof_frame;
        node->proof_clock = after->proof_clock;
        node->proof_capture = after->proof_capture;
    } else if (h->acked != 0 && node->pos <= h->acked) {
        prove(node, h);
    }
    return true;
}

half_view half_look(const half *h, int64_t clock, tl_why closing, bool silent, const tl_limits *limits)
{
    half_view v = {HALF_NOTHING, NULL, TL_WHY_NONE};
    if (h->lane == NULL || (v.node = held_first(&h->lane->held)) == NULL) return v;
    bool forced = h->lane->held.bytes > limits->hole_bytes;
    if (!h->fixed) {
        if (closing != TL_WHY_NONE || forced || clock - h->lane->since >= limits->grace_ns) v.ready = HALF_FIX;
        return v;
    }
    if (v.node->pos == h->next) {
        v.ready = v.node->cut ? HALF_CUT : HALF_DATA;
        return v;
    }
    assert(v.node->pos > h->next);
    if (v.node->proof_frame != 0 && (closing != TL_WHY_NONE || forced || clock - v.node->proof_clock >= limits->grace_ns)) {
        v.why = TL_WHY_ACKED;
    } else if (closing != TL_WHY_NONE) {
        v.why = closing;
    } else if (forced) {
        v.why = TL_WHY_LIMIT;
    } else if (silent && clock - v.node->clock >= 10 * limits->grace_ns) {
        v.why = TL_WHY_ONE_SIDED;
    } else {
        return v;
    }
    v.ready = HALF_HOLE;
    return v;
}

int64_t half_deadline(const half *h, bool silent, const tl_limits *limits)
{
    const held *node;
    if (h->lane == NULL || (node = held_first(&h->lane->held)) == NULL) return INT64_MAX;
    if (!h->fixed) return h->lane->since + limits->grace_ns;
    if (node->pos == h->next) return INT64_MIN;
    if (node->proof_frame != 0) return node->proof_clock + limits->grace_ns;
    return silent ? node->clock + 10 * limits->grace_ns : INT64_MAX;
}
