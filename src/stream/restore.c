/*
** restore.c - saved sessions back into the table (resume.h).
**
** The bytes come from a database that anybody may have written to.  What is read is checked where it is read; what this file lets through
** the rest of the folder may count on: nodes disjoint, in order and where they belong, the books balanced, no number near an overflow.
*/
#include "stream/resume.h"

#include <stdlib.h>
#include <string.h>

#include "base/varint.h"
#include "stream/state.h"

enum { ASIDE_MOST = 9 };

/* Nothing of a real stream comes near these, and no sum of a few of them overflows. */
#define POS_MAX   (UINT64_C(1) << 60)
#define REF_MIN   (UINT64_C(1) << 40) /* where half.c begins: all positions stay positive */
#define COUNT_MAX (UINT64_C(1) << 62)
#define CLOCK_MAX (INT64_C(3) << 61) /* as in session.c */
#define NS_MAX    ((INT64_C(1) << 62) - 1)

typedef struct reader {
    tl_span in;
    held_pools *pools;
    tl_pool *lanes;
    uint32_t captures;
    int64_t now;
    bool bad; /* something cannot be: everything after it is read as 0 */
    bool no_memory;
} reader;

static void require(reader *r, bool good)
{
    if (!good) r->bad = true;
}

static uint64_t get(reader *r, uint64_t most)
{
    uint64_t v = 0;
    size_t n = r->bad ? 0 : tl_varint_get(r->in, &v);
    if (n == 0 || v > most) {
        r->bad = true;
        return 0;
    }
    r->in.p += n;
    r->in.n -= n;
    return v;
}

static const uint8_t *get_bytes(reader *r, size_t n)
{
    if (r->bad || r->in.n < n) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->in.p;
    r->in.p += n;
    r->in.n -= n;
    return p;
}

static int64_t get_ns(reader *r)
{
    int64_t v = tl_unzigzag(get(r, UINT64_MAX));
    require(r, v >= -NS_MAX && v <= NS_MAX);
    return r->bad ? 0 : v;
}

static tl_at get_at(reader *r)
{
    tl_at at = {.ns = get_ns(r)};
    at.frame = get(r, COUNT_MAX);
    at.capture = (uint32_t)get(r, r->captures);
    return at;
}

/* One that carried something. */
static tl_at get_carrier(reader *r)
{
    tl_at at = get_at(r);
    require(r, at.frame > 0 && at.capture > 0);
    return at;
}

static uint64_t get_near(reader *r, uint64_t to, uint64_t most)
{
    uint64_t v = get(r, UINT64_MAX);
    if (v == 0) return 0;
    v = to + (uint64_t)tl_unzigzag(v - 1); /* wraps to something that is out of range */
    require(r, v >= 1 && v <= most);
    return r->bad ? 0 : v;
}

static int64_t get_clock(reader *r)
{
    return (int64_t)get_near(r, (uint64_t)r->now, (uint64_t)CLOCK_MAX);
}

/* Nodes from `from` on, the last one ending at `to` at most. */
static void get_tree(reader *r, held_tree *tree, uint64_t from, uint64_t to, uint64_t ref)
{
    uint64_t nodes = get(r, r->in.n); /* each takes more than a byte */
    for (uint64_t i = 0; i < nodes && !r->bad; i++) {
        uint64_t gap = get(r, POS_MAX), n = get(r, UINT32_MAX), flags = get(r, NODE_FLAGS);
        tl_at at = get_carrier(r);
        require(r, n > 0 && from + gap + n <= to);
        held read = {0}; /* initialisers have no order among themselves */
        read.ack_pos = get_near(r, ref, POS_MAX);
        read.clock = get_clock(r);
        if (flags & NODE_PROOF) {
            read.proof_frame = get(r, COUNT_MAX);
            read.proof_capture = (uint32_t)get(r, r->captures);
            read.proof_clock = get_clock(r);
            require(r, read.proof_frame > 0);
        }
        const uint8_t *bytes = flags & NODE_CUT ? NULL : get_bytes(r, (size_t)n);
        if (r->bad) return;
        held *node = held_new(r->pools, from + gap, bytes, (uint32_t)n, at);
        if (node == NULL) {
            r->bad = r->no_memory = true;
            return;
        }
        node->fin = (flags & NODE_FIN) != 0;
        node->ack_pos = read.ack_pos;
        node->clock = read.clock;
        node->proof_frame = read.proof_frame;
        node->proof_capture = read.proof_capture;
        node->proof_clock = read.proof_clock;
        if (!held_insert(r->pools, tree, node)) {
            held_delete(r->pools, node);
            r->bad = r->no_memory = true;
            return;
        }
        from += gap + n;
    }
}

static void get_lane(reader *r, half *h)
{
    lane *l = h->lane;
    rare *odd = l->rare;
    get_tree(r, &l->held, h->next, POS_MAX, h->ref);
    get_tree(r, &odd->front, 0, half_base(h), h->ref); /* it is 0 while it is not decided: no front then */
    get_tree(r, &odd->aside, 0, POS_MAX, h->ref);
    require(r, odd->aside.nodes <= ASIDE_MOST);
    l->since = get_clock(r);
    l->before = get_at(r);
    odd->sack_from = get_near(r, h->ref, POS_MAX);
    odd->sack_to = get_near(r, h->ref, POS_MAX);
    odd->sack_frame = get(r, COUNT_MAX);
    odd->sack_capture = (uint32_t)get(r, r->captures);
    l->captured_bytes = get(r, COUNT_MAX);
    l->segments = get(r, COUNT_MAX);
    l->out_of_order = get(r, COUNT_MAX);
    l->retransmitted = get(r, COUNT_MAX);
    require(r, l->captured_bytes >= l->held.data + odd->front.data + odd->aside.data);
    for (held *node = held_first(&l->held); node != NULL && node->pos <= h->acked; node = held_next(&l->held, node))
        require(r, node->proof_frame > 0 || l->acked_frame == 0); /* hole_event() counts on it */
}

static void get_half(reader *r, half *h)
{
    rare *odd = half_rare(r->lanes, h);
    if (odd == NULL) {
        r->bad = r->no_memory = true;
        return;
    }
    lane *l = h->lane;
    uint64_t base, first;
    uint64_t *const positions[] = {&base, &h->next, &h->top, &first, &odd->syn_base, &h->acked, &l->fin_pos, &odd->wild_ack};
    uint64_t flags = get(r, HALF_FLAGS);
    h->has_isn = flags & HAS_ISN;
    h->fixed = flags & FIXED;
    h->exact = flags & EXACT;
    h->fin = flags & FIN;
    h->rst = flags & RST;
    h->fin_acked = flags & FIN_ACKED;
    h->payload = flags & LANE;
    h->holed = flags & HOLED;
    h->ref = get(r, POS_MAX);
    for (size_t i = 0; i < sizeof positions / sizeof *positions; i++) *positions[i] = get_near(r, h->ref, POS_MAX);
    require(r, h->ref >= REF_MIN || (h->ref == 0 && !(flags & (FIXED | LANE | FIN))));
    if (h->fixed)
        require(r, base > 0 && h->next >= base && h->ref >= base && odd->syn_base < base);
    else
        require(r, base == 0 && h->next == 0 && odd->syn_base == 0 && !h->exact);
    require(r, h->fin ? l->fin_pos > 0 : !h->fin_acked);
    h->base = h->fixed ? base : first;
    l->acked_frame = get(r, COUNT_MAX);
    require(r, h->acked == 0 || l->acked_frame > 0 || (h->fixed && h->exact && h->acked <= base)); /* acked_proof() counts on it */
    l->acked_capture = (uint32_t)get(r, r->captures);
    l->acked_clock = get_clock(r);
    l->fin_frame = get(r, COUNT_MAX);
    l->fin_capture = (uint32_t)get(r, r->captures);
    h->channel = (uint32_t)get(r, UINT64_MAX);
    odd->other_channel = get(r, COUNT_MAX);
    h->packets = get(r, COUNT_MAX);
    h->wire_bytes = get(r, COUNT_MAX);
    h->isn = (uint32_t)get(r, UINT32_MAX);
    odd->urgent = (uint32_t)get(r, UINT32_MAX);
    h->bad_checksums = (uint32_t)get(r, UINT32_MAX);
    h->mss = (uint16_t)get(r, UINT16_MAX);
    h->window = (uint16_t)get(r, UINT16_MAX);
    h->max_window = (uint16_t)get(r, UINT16_MAX);
    int64_t scale = tl_unzigzag(get(r, UINT8_MAX)); /* -128 to 127 */
    require(r, scale >= -1);
    h->window_scale = (int8_t)scale;
    odd->wild_acks = (uint8_t)get(r, UINT8_MAX);
    if (!r->bad && h->payload) get_lane(r, h);
    half_trim(r->lanes, h);
}

static void get_conn(reader *r, conn *c)
{
    uint32_t seq[2][4], count[2][4];
    bool more = false;
    for (int side = 0; side < 2; side++) {
        int seqs = 0;
        c->state[side] = (uint8_t)get(r, CONN_RESET);
        c->before[side] = (uint8_t)get(r, CONN_RESET);
        c->once[side] = (uint8_t)get(r, UINT8_MAX);
        for (int i = 0; i < 4; i++) {
            seq[side][i] = (uint32_t)get(r, UINT32_MAX);
            if (seq[side][i] == 0 && !(c->once[side] & 1 << i)) continue;
            seqs++;
            c->kind[side] = (uint8_t)i;
            c->seq[side] = seq[side][i];
        }
        for (int i = 0; i < 4; i++) more |= (count[side][i] = (uint32_t)get(r, UINT32_MAX)) > 0;
        more |= seqs > 1;
    }
    size_t n = (size_t)get(r, CONN_HISTORY_MAX);
    const uint8_t *text = get_bytes(r, n);
    for (size_t i = 0; !r->bad && i < n; i++) require(r, memchr("shafrdiqcgtwSHAFRDIQCGTW", text[i], 24) != NULL);
    if (r->bad) return;
    more |= n > CONN_HISTORY_INLINE;
    if (more && !conn_room(c, n)) {
        r->bad = r->no_memory = true;
        return;
    }
    if (more) {
        memcpy(c->more->seq, seq, sizeof seq);
        memcpy(c->more->count, count, sizeof count);
    }
    if (n > 0) memcpy(more ? c->more->history : c->history, text, n);
    c->history_n = (uint8_t)n;
}

static void get_layers(reader *r, tl_session *s)
{
    uint64_t n = get(r, TL_LAYERS_MAX);
    if (r->bad || n == 0) return;
    s->layers = calloc(1, sizeof *s->layers);
    if (s->layers == NULL) {
        r->bad = r->no_memory = true;
        return;
    }
    for (uint64_t i = 0; i < n; i++) {
        s->layers->kind[i] = (uint8_t)get(r, TL_LAYER_NSH);
        s->layers->id[i] = (uint32_t)get(r, UINT32_MAX);
        require(r, s->layers->kind[i] > 0);
    }
    s->layers->n = (uint8_t)n;
}

/* The endpoint of a side. */
static tl_addr get_addr(reader *r)
{
    tl_addr a = {0};
    const uint8_t *ip = get_bytes(r, sizeof a.ip);
    if (ip != NULL) memcpy(a.ip, ip, sizeof a.ip);
    a.port = (uint16_t)get(r, UINT16_MAX);
    return a;
}

static void get_session(reader *r, tl_session *s)
{
    get_layers(r, s);
    uint64_t flags = get(r, SESSION_FLAGS);
    s->told = flags & TOLD;
    s->reopened = flags & REOPENED;
    s->rebased = flags & REBASED;
    s->syn_ack = flags & SYN_ACK;
    s->client = get(r, 1) & 1;
    s->roles = get(r, TL_ROLES_SPEAKER) & 3;
    s->closed = get(r, TL_WHY_END) & 15;
    require(r, s->closed == TL_WHY_NONE || s->closed == TL_WHY_LIMIT || s->closed >= TL_WHY_FIN);
    tl_at first = get_carrier(r), last = get_carrier(r);
    s->first_frame = first.frame;
    s->first_capture = first.capture;
    s->last_frame = last.frame;
    s->last_capture = last.capture;
    s->newest_ns = last.ns;
    s->first_ns = get_ns(r);
    s->last_ns = get_ns(r);
    s->last_clock = get_clock(r);
    int64_t syn_ns = get_ns(r), rtt_ns = get_ns(r);
    require(r, s->first_ns <= s->last_ns && syn_ns >= -1 && rtt_ns >= -1 && (!s->syn_ack || syn_ns >= 0 || rtt_ns >= 0));
    s->rtt_known = rtt_ns >= 0;
    s->handshake_ns = s->rtt_known ? rtt_ns : syn_ns;
    get_half(r, &s->half[0]);
    get_half(r, &s->half[1]);
    get_conn(r, &s->conn);
    for (int side = 0; side < 2; side++)
        require(r, s->told || s->half[side].next == half_base(&s->half[side])); /* or the roles could change */
    require(r, r->in.n == 0);
}

/* The segment that would find it. */
static tl_segment key_of(const tl_session *s)
{
    tl_segment seg = {.src = table_addr(s, 0), .dst = table_addr(s, 1)};
    if (s->layers != NULL) seg.layers = *s->layers;
    return seg;
}

tl_rc tl_session_restore(tl_sessions *t, uint64_t id, tl_span state, uint32_t captures, tl_session **out)
{
    int side;
    reader r = {.in = state, .pools = &t->held, .lanes = &t->lanes, .captures = captures};
    require(&r, get(&r, STATE_VERSION) == STATE_VERSION);
    r.now = (int64_t)get(&r, (uint64_t)CLOCK_MAX);
    tl_addr src = get_addr(&r), dst = get_addr(&r);
    if (r.bad) return TL_END;
    tl_session *s = table_new(t, &src, &dst);
    if (s == NULL) return TL_ENOMEM;
    get_session(&r, s);
    s->id = id;
    s->resumed = s->resting = true;
    tl_segment key = key_of(s);
    s->hash = table_hash(t, &key);
    bool refused = r.bad || table_find(t, &key, s->hash, &side) != NULL;
    if (refused || !table_put(t, s, s->closed != TL_WHY_NONE ? LIST_CLOSED : LIST_OPEN)) {
        table_free_session(t, s);
        return refused && !r.no_memory ? TL_END : TL_ENOMEM;
    }
    if (r.now > t->clock) t->clock = r.now;
    session_rearm(s);
    *out = s;
    return t->failed ? TL_ENOMEM : TL_OK;
}

static int by_age(const void *a, const void *b)
{
    const tl_session *x = *(const tl_session *const *)a, *y = *(const tl_session *const *)b;
    if (x->last_clock != y->last_clock) return x->last_clock < y->last_clock ? -1 : 1;
    if (x->last_capture != y->last_capture) return x->last_capture < y->last_capture ? -1 : 1;
    if (x->last_frame != y->last_frame) return x->last_frame < y->last_frame ? -1 : 1;
    return x->id < y->id ? -1 : x->id > y->id;
}

tl_rc tl_sessions_restored(tl_sessions *t)
{
    if (t->session_n == 0) return TL_OK;
    tl_session **all = malloc(t->session_n * sizeof(tl_session *));
    if (all == NULL) return TL_ENOMEM;
    for (list_name list = LIST_OPEN; list < LISTS; list++) {
        size_t n = 0;
        for (tl_session *s = t->oldest[list]; s != NULL; s = s->newer) all[n++] = s;
        qsort(all, n, sizeof(tl_session *), by_age);
        for (size_t i = 0; i < n; i++) table_list(t, all[i], list);
    }
    free(all);
    return TL_OK;
}
