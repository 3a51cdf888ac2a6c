/*
** resume.c - see resume.h: which sessions are saved, and their states as bytes (state.h).
*/
#include "stream/resume.h"

#include <assert.h>

#include "base/varint.h"
#include "stream/state.h"

/* Most of a state are numbers of a byte or two: they are gathered, so that the text grows once in a while. */
typedef struct writer {
    tl_text *text;
    size_t n;
    uint8_t gathered[256];
} writer;

static void put_bytes(writer *t, const void *p, size_t n)
{
    tl_text_bytes(t->text, t->gathered, t->n);
    t->n = 0;
    tl_text_bytes(t->text, p, n);
}

static inline void put(writer *t, uint64_t v)
{
    if (t->n > sizeof t->gathered - TL_VARINT_MAX) put_bytes(t, NULL, 0);
    t->n += tl_varint_put(t->gathered + t->n, v);
}

static void put_at(writer *t, tl_at at)
{
    put(t, tl_zigzag(at.ns));
    put(t, at.frame);
    put(t, at.capture);
}

/* 0 is "none" and stays 0. */
static void put_near(writer *t, uint64_t v, uint64_t to)
{
    put(t, v == 0 ? 0 : tl_zigzag((int64_t)(v - to)) + 1);
}

static void put_clock(writer *t, int64_t clock, int64_t now)
{
    put_near(t, (uint64_t)clock, (uint64_t)now);
}

static void put_tree(writer *t, held_tree *tree, uint64_t from, uint64_t ref, int64_t now)
{
    put(t, tree->nodes);
    for (held *node = held_first(tree); node != NULL; node = held_next(tree, node)) {
        bool proof = node->proof_frame != 0;
        put(t, node->pos - from);
        put(t, node->n);
        put(t, (node->cut ? NODE_CUT : 0) | (node->fin ? NODE_FIN : 0) | (proof ? NODE_PROOF : 0));
        put_at(t, (tl_at){node->ns, node->frame, node->capture});
        put_near(t, node->ack_pos, ref);
        put_clock(t, node->clock, now);
        if (proof) {
            put(t, node->proof_frame);
            put(t, node->proof_capture);
            put_clock(t, node->proof_clock, now);
        }
        if (!node->cut) put_bytes(t, node->bytes, node->n);
        from = node->pos + node->n;
    }
}

static void put_lane(writer *t, const half *h, int64_t now)
{
    lane *l = h->lane;
    const rare *r = half_rare_seen(h);
    held_tree none = {0};
    assert(r->believed.nodes == 0 && r->front_at == r->front_end);
    put_tree(t, &l->held, h->next, h->ref, now);
    put_tree(t, l->rare != NULL ? &l->rare->front : &none, 0, h->ref, now);
    put_tree(t, l->rare != NULL ? &l->rare->aside : &none, 0, h->ref, now);
    put_clock(t, l->since, now);
    put_at(t, l->before);
    put_near(t, r->sack_from, h->ref);
    put_near(t, r->sack_to, h->ref);
    put(t, r->sack_frame);
    put(t, r->sack_capture);
    put(t, l->captured_bytes);
    put(t, l->segments);
    put(t, l->out_of_order);
    put(t, l->retransmitted);
}

static void put_half(writer *t, const half *h, int64_t now)
{
    const lane *l = half_lane_seen(h);
    const rare *r = half_rare_seen(h);
    put(t, (h->has_isn ? HAS_ISN : 0) | (h->fixed ? FIXED : 0) | (h->exact ? EXACT : 0) | (h->fin ? FIN : 0) | (h->rst ? RST : 0) |
               (h->fin_acked ? FIN_ACKED : 0) | (h->payload ? LANE : 0) | (h->holed ? HOLED : 0));
    put(t, h->ref);
    const uint64_t positions[] = {
        h->fixed ? h->base : 0, h->next, h->top, h->fixed ? 0 : h->base, r->syn_base, h->acked, l->fin_pos, r->wild_ack};
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) put_near(t, positions[i], h->ref);
    put(t, l->acked_frame);
    put(t, l->acked_capture);
    put_clock(t, l->acked_clock, now);
    put(t, l->fin_frame);
    put(t, l->fin_capture);
    put(t, h->channel);
    put(t, r->other_channel);
    put(t, h->packets);
    put(t, h->wire_bytes);
    put(t, h->isn);
    put(t, r->urgent);
    put(t, h->bad_checksums);
    put(t, h->mss);
    put(t, h->window);
    put(t, h->max_window);
    put(t, tl_zigzag(h->window_scale));
    put(t, r->wild_acks);
    if (h->payload) put_lane(t, h, now);
}

static void put_conn(writer *t, const conn *c)
{
    for (int side = 0; side < 2; side++) {
        put(t, c->state[side]);
        put(t, c->before[side]);
        put(t, c->once[side]);
        for (int i = 0; i < 4; i++) put(t, conn_seq(c, side, i));
        for (int i = 0; i < 4; i++) put(t, conn_count(c, side, i));
    }
    put(t, c->history_n);
    put_bytes(t, conn_letters(c), c->history_n);
}

void tl_session_save(const tl_session *s, tl_text *out, tl_session_mark *mark)
{
    writer t; /* what it gathers needs no zeros */
    int64_t now = s->table->clock;
    assert(s->table->cur.session != s && s->table->lent == NULL);
    t.text = out;
    t.n = 0;
    put(&t, STATE_VERSION);
    put(&t, (uint64_t)now);
    for (int side = 0; side < 2; side++) {
        tl_addr a = table_addr(s, side);
        put_bytes(&t, a.ip, sizeof a.ip);
        put(&t, a.port);
    }
    put(&t, s->layers != NULL ? s->layers->n : 0);
    for (int i = 0; s->layers != NULL && i < s->layers->n; i++) {
        put(&t, s->layers->kind[i]);
        put(&t, s->layers->id[i]);
    }
    put(&t, (s->told ? TOLD : 0) | (s->reopened ? REOPENED : 0) | (s->rebased ? REBASED : 0) | (s->syn_ack ? SYN_ACK : 0));
    put(&t, s->client);
    put(&t, s->roles);
    put(&t, s->closed);
    put_at(&t, (tl_at){s->first_ns, s->first_frame, s->first_capture});
    put_at(&t, (tl_at){s->newest_ns, s->last_frame, s->last_capture});
    put(&t, tl_zigzag(s->first_ns));
    put(&t, tl_zigzag(s->last_ns));
    put_clock(&t, s->last_clock, now);
    put(&t, tl_zigzag(s->rtt_known ? -1 : s->handshake_ns));
    put(&t, tl_zigzag(s->rtt_known ? s->handshake_ns : -1));
    put_half(&t, &s->half[0], now);
    put_half(&t, &s->half[1], now);
    put_conn(&t, &s->conn);
    put_bytes(&t, NULL, 0);

    *mark = (tl_session_mark){.clock_ns = now, .closed = s->closed != TL_WHY_NONE};
    for (int dir = 0; dir < 2; dir++) {
        const half *h = &s->half[dir == TL_C2S ? s->client : !s->client];
        mark->stream[dir].fixed = h->fixed;
        mark->stream[dir].base_seq = (uint32_t)half_base(h);
        mark->stream[dir].length = h->fixed ? h->next - h->base : 0;
    }
}

/* ---- what is saved ---- */

tl_session *tl_sessions_next(const tl_sessions *t, const tl_session *after)
{
    if (after != NULL && after->older != NULL) return after->older;
    if (after == NULL && t->newest[LIST_OPEN] != NULL) return t->newest[LIST_OPEN];
    return after == NULL || after->list == LIST_OPEN ? t->newest[LIST_CLOSED] : NULL;
}

void tl_sessions_choose(tl_sessions *t, size_t most)
{
    for (tl_session *s = tl_sessions_next(t, NULL); s != NULL; s = tl_sessions_next(t, s)) {
        bool payload = s->list == LIST_OPEN && (s->half[0].payload || s->half[1].payload);
        if (payload || most > 0)
            s->fate = s->resting ? TL_FATE_RESTS : TL_FATE_SAVE;
        else
            s->fate = s->resumed ? TL_FATE_FORGET : TL_FATE_NONE;
        if (!payload && most > 0) most--;
    }
}

bool tl_session_resumed(const tl_session *s)
{
    return s->resumed;
}

tl_fate tl_session_fate(const tl_session *s)
{
    return s->fate;
}
