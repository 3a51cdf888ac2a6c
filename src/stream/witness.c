/*
** witness.c - what one segment says of its session: roles, ISN, acknowledgements, payload, FIN and RST.
**
** Everything that is only counted is counted here; payload is put into t->cur for reassemble.c.  Whose segment it is and when a session
** ends is session.c's business.
*/
#include "stream/witness.h"

#include "base/siphash.h"

/* A SYN this far below the first data of a session picked up midway may still be its own, come late. */
enum { LATE_SYN_REACH = 1 << 20 };

/* ---- whose segment is it ---- */

static const held *lowest_held(const half *h)
{
    return h->lane != NULL ? held_first(&h->lane->held) : NULL;
}

/* Both sides said FIN and both were acknowledged, or one said RST. */
bool witness_over(const tl_session *s)
{
    return s->half[0].rst || s->half[1].rst || (s->half[0].fin_acked && s->half[1].fin_acked);
}

/* Can a SYN below all that is known be the one that began s, though it comes late?  Frames change places by moments, or the file has them
** in any order and their own times tell.  What comes after the end, or long after the start, is another connection. */
static bool may_come_late(const tl_session *s, const tl_segment *seg)
{
    if (seg->at.ns <= s->first_ns) return true;
    return !witness_over(s) && (uint64_t)seg->at.ns - (uint64_t)s->first_ns <= (uint64_t)s->table->limits.grace_ns;
}

/* Does this SYN, or SYN-ACK, begin another connection on the ports of s? */
bool witness_begins_another(const tl_session *s, int side, const tl_segment *seg)
{
    const half *h = &s->half[side];
    if (seg->flags & TL_RST) return false;
    if (!(seg->flags & TL_SYN)) { /* its SYN is not in the capture */
        return seg->payload_wire > 0 && h->ref != 0 && witness_over(s) && half_far(h, &s->half[!side], half_position(h, seg->seq));
    }
    if (h->has_isn) return seg->seq != h->isn && (!(seg->flags & TL_ACK) || witness_over(s));
    if (seg->flags & TL_ACK || h->ref == 0) return false;
    uint64_t base = half_position(h, seg->seq) + 1;
    uint64_t lowest = h->base;
    const held *node = lowest_held(h);
    if (!h->fixed && node != NULL && node->pos < lowest) lowest = node->pos;
    if (lowest == 0) return false; /* only acknowledged so far */
    if (h->fixed && h->exact) return base != h->base;
    return base > lowest || (base < lowest && (lowest - base > LATE_SYN_REACH || !may_come_late(s, seg)));
}

static void find_roles(tl_session *s, int side, const tl_segment *seg)
{
    tl_roles roles;
    int client;
    if (seg->flags & TL_SYN) {
        roles = seg->flags & TL_ACK ? TL_ROLES_SYN_ACK : TL_ROLES_SYN;
        client = seg->flags & TL_ACK ? !side : side;
    } else if (seg->src.port != seg->dst.port) {
        roles = TL_ROLES_PORT;
        client = seg->src.port > seg->dst.port ? side : !side;
    } else {
        roles = TL_ROLES_SPEAKER;
        client = side;
    }
    if (s->half[0].packets + s->half[1].packets == 0 || (roles < s->roles && !s->told)) {
        s->roles = roles & 3;
        s->client = client != 0;
    }
}

/* ---- what a segment says of its sequence space ---- */

/* false: no memory */
static bool see_syn(tl_session *s, int side, const tl_segment *seg)
{
    half *h = &s->half[side];
    uint64_t base = half_unwrap(h, seg->seq) + 1;
    const held *node = lowest_held(h);
    if (seg->mss != 0) h->mss = seg->mss;
    if (seg->window_scale >= 0) h->window_scale = seg->window_scale;
    if (h->has_isn) return true;
    if (!h->fixed) {
        if (node != NULL && node->pos < base) return true; /* not this stream's SYN */
        half_fix(h, base, true);
    } else if (base < h->base && !h->exact) {
        if (half_rare(&s->table->lanes, h) == NULL) return false;
        h->lane->rare->syn_base = base;
    } else if (base == h->base) {
        h->exact = true;
    } else {
        return true;
    }
    h->has_isn = true;
    h->isn = seg->seq;
    return true;
}

/* An acknowledgement far beyond what is known of the direction: believed when segments set aside end about there, or when three agree.
** `rare` is there. */
static bool believe_ack(held_pools *pools, half *p, const half *h, uint64_t pos, bool *no_memory)
{
    uint64_t from, to;
    rare *r = p->lane->rare;
    if (half_run(p, pos, &from, &to) > 0) {
        if (!half_believe(pools, p, pos)) *no_memory = true;
    } else if (r->wild_ack == 0 || !half_near(h, r->wild_ack, pos)) {
        r->wild_ack = pos;
        r->wild_acks = 1;
        return false;
    } else if (++r->wild_acks < 3) {
        return false;
    }
    r->wild_ack = 0;
    return true;
}

/* false: no memory */
static bool see_sack(tl_session *s, int side, const tl_segment *seg)
{
    half *h = &s->half[side], *p = &s->half[!side];
    for (int i = 0; i < seg->sack_n; i++) {
        uint64_t from = half_position(p, seg->sack[i][0]), to = half_position(p, seg->sack[i][1]);
        if (p->fin && to > p->lane->fin_pos) to = p->lane->fin_pos; /* the FIN counts too */
        if (!half_far(p, h, to) && !half_sack(&s->table->lanes, p, from, to, seg->at, s->table->clock)) return false;
    }
    return true;
}

/* false: no memory */
static bool see_ack(tl_session *s, int side, const tl_segment *seg, uint64_t *ack_pos)
{
    tl_sessions *t = s->table;
    half *h = &s->half[side], *p = &s->half[!side];
    uint64_t pos = half_unwrap(p, seg->ack);
    if (!p->fixed && p->base == 0) p->base = pos;
    if (pos > p->acked && half_far(p, h, pos)) {
        bool no_memory = half_rare(&t->lanes, p) == NULL;
        if (no_memory) return false;
        if (!believe_ack(&t->held, p, h, pos, &no_memory)) {
            *ack_pos = p->acked;
            return true;
        }
        if (no_memory) return false;
    }
    if (seg->flags & TL_SYN && !p->has_isn && !p->fixed) {
        const held *node = lowest_held(p);
        if (node == NULL || node->pos >= pos) half_fix(p, pos, true);
    }
    *ack_pos = pos;
    if (p->fin && pos > p->lane->fin_pos) {
        if (pos == p->lane->fin_pos + 1) p->fin_acked = true;
        pos = p->lane->fin_pos;
    }
    if (pos <= p->acked) return true;
    if (p->fixed && half_missing(p, p->acked, pos)) conn_gap(&s->conn, !side);
    return half_ack(&t->lanes, p, pos, seg->at, t->clock);
}

static bool see_payload(tl_session *s, int side, const tl_segment *seg, uint64_t pos, uint64_t ack_pos, bool far)
{
    tl_sessions *t = s->table;
    half *h = &s->half[side];
    lane *l = half_lane(&t->lanes, h);
    bool early = h->fixed && !h->exact && pos < h->base;
    if (l == NULL || ((far || early) && half_rare(&t->lanes, h) == NULL)) return false;
    if (!h->payload) l->since = t->clock;
    h->payload = true;
    uint64_t end = pos + seg->payload_wire;
    current *c = &t->cur;
    *c = (current){.session = s, .side = side, .pos = pos, .ack_pos = ack_pos, .p = seg->payload.p, .at = seg->at};
    c->n = (uint32_t)seg->payload.n;
    c->cut = seg->payload_wire > c->n ? seg->payload_wire - c->n : 0;
    l->captured_bytes += c->n;
    l->segments++;
    if (seg->flags & TL_RST) {
        c->why = TL_WHY_RST;
        c->cut = 0;
        return true;
    }
    if (far) {
        c->aside = true;
        c->fin = seg->flags & TL_FIN;
        return true;
    }
    if (seg->payload_wire == 1 && !(seg->flags & (TL_SYN | TL_FIN)) && h->top != 0 && pos + 1 == h->top) c->why = TL_WHY_KEEP_ALIVE;
    if (h->fixed ? !half_missing(h, pos, end) : h->top != 0 && end <= h->top)
        l->retransmitted++;
    else if (h->top != 0 && pos < h->top)
        l->out_of_order++;
    return true;
}

static void see_rtt(tl_session *s, int side, const tl_segment *seg)
{
    if (s->rtt_known) return;
    if (seg->flags & TL_SYN) {
        if (!(seg->flags & TL_ACK)) {
            if (side == s->client && s->handshake_ns < 0) s->handshake_ns = seg->at.ns;
        } else if (side != s->client && s->handshake_ns >= 0) {
            s->syn_ack = true;
        }
    } else if (s->syn_ack && side == s->client && seg->flags & TL_ACK && seg->at.ns >= s->handshake_ns) {
        s->handshake_ns = seg->at.ns - s->handshake_ns;
        s->rtt_known = true;
        s->syn_ack = false;
    }
}

static uint32_t channel_of(const tl_layers *l)
{
    static const uint8_t key[16];
    return l->n == 0 ? 0 : (uint32_t)(tl_siphash(key, l->kind, l->n) ^ tl_siphash(key, l->id, l->n * sizeof *l->id) << 1);
}

/* A segment that says and brings nothing that this direction has not shown before. */
static bool repeats(const tl_session *s, int side, const tl_segment *seg)
{
    const half *h = &s->half[side], *p = &s->half[!side];
    if (h->ref == 0) return false;
    uint64_t pos = half_position(h, seg->seq) + !!(seg->flags & TL_SYN), end = pos + seg->payload_wire;
    if (seg->flags & TL_SYN && !(h->has_isn && seg->seq == h->isn)) return false;
    if (seg->flags & TL_FIN && !(h->fin && h->lane->fin_pos == end)) return false;
    if (seg->flags & TL_RST && !h->rst) return false;
    if (seg->flags & TL_ACK && !(seg->flags & TL_RST)) {
        uint64_t known = p->fin && p->fin_acked ? p->lane->fin_pos + 1 : p->acked > half_base(p) ? p->acked : p->base;
        if (p->ref == 0 || half_position(p, seg->ack) > known) return false;
    }
    return seg->payload_wire > 0 ? !half_missing(h, pos, end) : pos <= h->top;
}

/* The copy of another tap: nothing but its bytes is looked at. */
static bool see_copy(tl_session *s, int side, const tl_segment *seg)
{
    half *h = &s->half[side];
    s->table->other_channel = true;
    if (half_rare(&s->table->lanes, h) == NULL) return false;
    lane *l = h->lane;
    l->rare->other_channel++;
    if (seg->payload_wire == 0) return true;
    uint64_t segments = l->segments, retransmitted = l->retransmitted, out_of_order = l->out_of_order;
    const half *p = &s->half[!side];
    uint64_t ack_pos = seg->flags & TL_ACK && p->ref != 0 ? half_position(p, seg->ack) : 0;
    if (!see_payload(s, side, seg, half_position(h, seg->seq) + !!(seg->flags & TL_SYN), ack_pos, false)) return false;
    l->segments = segments;
    l->retransmitted = retransmitted;
    l->out_of_order = out_of_order;
    return true;
}

bool witness_see(tl_session *s, int side, const tl_segment *seg)
{
    half *h = &s->half[side];
    uint32_t channel = channel_of(&seg->layers);
    if (h->packets > 0 && channel != h->channel && repeats(s, side, seg)) return see_copy(s, side, seg);
    uint64_t ack_pos = 0, top = h->top;
    find_roles(s, side, seg);
    if (seg->flags & TL_FIN && half_lane(&s->table->lanes, h) == NULL) return false;
    if (seg->flags & TL_URG && half_rare(&s->table->lanes, h) == NULL) return false;
    if (seg->flags & TL_SYN && !see_syn(s, side, seg)) return false;
    uint64_t pos = half_unwrap(h, seg->seq) + !!(seg->flags & TL_SYN);
    uint64_t end = pos + seg->payload_wire;
    conn_segment(&s->conn, side, s->client, seg, top == 0 || end > top);
    if (seg->flags & TL_ACK && !(seg->flags & TL_RST)) {
        if (!see_ack(s, side, seg, &ack_pos)) return false;
        if (!see_sack(s, side, seg)) return false;
    }
    bool payload = seg->payload_wire > 0;
    bool far = payload && !(seg->flags & (TL_SYN | TL_RST)) && half_far(h, &s->half[!side], pos);
    uint64_t wild_ack = half_rare_seen(h)->wild_ack;
    if (far && wild_ack != 0 && half_near(&s->half[!side], wild_ack, end)) far = false; /* the peer says that it got there */
    if (payload && !see_payload(s, side, seg, pos, ack_pos, far)) return false;
    if (h->packets == 0 && !h->fixed) h->base = pos;
    h->packets++;
    h->wire_bytes += seg->wire_bytes;
    h->channel = channel;
    h->window = seg->window;
    if (seg->window > h->max_window && !(seg->flags & (TL_SYN | TL_RST))) h->max_window = seg->window;
    if (seg->flags & TL_URG) h->lane->rare->urgent++;
    h->bad_checksums += seg->bad_checksum;
    if (seg->flags & TL_RST) {
        h->rst = true;
    } else if (!far) {
        if (end > h->top) h->top = end;
        if (end > h->ref) h->ref = end;
        if (seg->flags & TL_FIN) half_fin(h, end, seg->at);
    }
    see_rtt(s, side, seg);
    return true;
}
