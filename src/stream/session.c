/*
** session.c - sessions: whose a segment is, what it says of the connection, and when a session ends.
**
** STATES of a session (tl_session.list, closing, closed):
**
**     open       in LIST_OPEN.  Ends by FIN or RST (after linger() without a segment), silence, a limit, reuse of its ports, the end
**     closing    `closing` is the reason; every hole is decided, tails and CLOSE are told by the pulls that follow
**     closed     in LIST_CLOSED: still answers to its key, so that late segments are not taken for a new session; a segment opens it again
**                (`reopened`).  The one that has been closed longest is forgotten, without a word, when they cost too much: its rows are
**                written; or, `deferred`, are to be written then
**     replaced   a SYN with another ISN took its ports: out of the table, then closing, then freed
**
** What a session has to say is in reassemble.c; one direction's sequence space in half.c.
*/
#include "stream/session.h"

#include <assert.h>
#include <stdlib.h>

#include "stream/reassemble.h"
#include "stream/witness.h"

/* Sessions that are closed may have this part of the memory, so that what a long capture needs does not grow with its length. */
enum { CLOSED_SHARE = 24 };

/* The clock stays where no sum or difference of two times can overflow: 1970 to 2189. */
#define CLOCK_MAX (INT64_C(3) << 61)

tl_limits tl_limits_default(void)
{
    return (tl_limits){
        .memory_bytes = (size_t)256 << 20,
        .hole_bytes = (size_t)128 << 20,
        .idle_ns = INT64_C(3600) * 1000000000,
        .grace_ns = INT64_C(200) * 1000000,
        .linger_ns = INT64_C(5) * 1000000000,
    };
}

const char *tl_roles_name(tl_roles r)
{
    static const char *const names[] = {"syn", "syn_ack", "port", "first_speaker"};
    return names[r];
}

tl_sessions *tl_sessions_new(const tl_limits *limits, uint64_t first_id)
{
    tl_sessions *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    t->limits = *limits;
    t->next_id = t->first_id = first_id;
    t->replaced_end = &t->replaced;
    table_pools(t);
    return t;
}

static void set_clock(tl_sessions *t, tl_at at)
{
    int64_t now = at.ns < 0 ? 0 : at.ns > CLOCK_MAX ? CLOCK_MAX : at.ns;
    if (now > t->clock) t->clock = now;
    t->told_at = at;
}

static void free_gone(tl_sessions *t)
{
    if (t->gone != NULL) table_free_session(t, t->gone);
    t->gone = NULL;
}

void tl_sessions_free(tl_sessions *t)
{
    if (t == NULL) return;
    free_gone(t);
    held_delete(&t->held, t->lent);
    for (tl_session *s; (s = t->replaced) != NULL;) {
        t->replaced = s->chain;
        table_free_session(t, s);
    }
    for (int list = LIST_OPEN; list < LISTS; list++)
        for (tl_session *s; (s = t->oldest[list]) != NULL;) {
            table_remove(t, s);
            table_free_session(t, s);
        }
    for (int i = 0; i < 2; i++) tl_pool_clear(&t->pool[i]);
    held_pools_clear(&t->held);
    tl_pool_clear(&t->lanes);
    free(t->ending);
    free(t->heap);
    free(t->buckets);
    free(t);
}

/* ---- push and pull ---- */

/* What a segment of s has to do with beside s. */
static void fetch_around(const tl_session *s)
{
    table_fetch(s->slot, 1);
    table_fetch(s->half[0].lane, sizeof(lane));
    table_fetch(s->half[1].lane, sizeof(lane));
    table_fetch(s->newer, 1); /* it leaves its place in the list */
    table_fetch(s->older, 1);
}

tl_rc tl_sessions_push(tl_sessions *t, const tl_segment *seg, tl_session **out)
{
    int side = 0;
    free_gone(t);
    if (t->failed) return TL_ENOMEM;
    assert(t->cur.session == NULL); /* the last session was pulled dry */
    uint32_t hash = table_hash(t, seg);
    tl_session *s = table_find(t, seg, hash, &side), *old = NULL;
    if (s != NULL && witness_begins_another(s, side, seg)) {
        old = s;
        s = NULL;
        side = 0;
    }
    if (s != NULL) fetch_around(s);
    if (s == NULL && (s = table_add(t, seg, hash)) == NULL) return TL_ENOMEM;
    if (old != NULL) {
        bool closed = old->closed != TL_WHY_NONE;
        table_remove(t, old);
        if (closed && !old->deferred) {
            table_free_session(t, old);
        } else {
            *t->replaced_end = old;
            t->replaced_end = &old->chain;
        }
    }
    set_clock(t, seg->at);
    t->other_channel = false;
    if (!witness_see(s, side, seg)) return TL_ENOMEM;
    if (s->closed != TL_WHY_NONE) {
        s->closed = TL_WHY_NONE;
        s->reopened = true;
    }
    s->spoken = s->spoken || (seg->flags & (TL_SYN | TL_ACK | TL_FIN | TL_RST)) != TL_SYN || seg->payload_wire > 0;
    s->close_step[0] = s->close_step[1] = 0;
    s->closing = TL_WHY_NONE;
    s->last_frame = seg->at.frame;
    s->last_capture = seg->at.capture;
    s->newest_ns = seg->at.ns;
    if (seg->at.ns < s->first_ns) s->first_ns = seg->at.ns;
    if (seg->at.ns > s->last_ns) s->last_ns = seg->at.ns;
    s->last_clock = t->clock;
    table_list(t, s, LIST_OPEN);
    *out = s;
    return TL_OK;
}

/* Nothing is missing of this direction, and nothing late can be more than a copy. */
static bool whole(const half *h)
{
    const lane *l = h->lane;
    return h->fin_acked && !h->holed && h->fixed && h->exact && h->next == l->fin_pos && l->held.nodes == 0 &&
           half_rare_seen(h)->aside.nodes == 0;
}

/* How long a session that is over stays open for late segments.  One that is whole waits for what changed places or was captured twice;
** the rest of its copies open it again. */
static int64_t linger(const tl_session *s)
{
    const tl_limits *limits = &s->table->limits;
    bool early = whole(&s->half[0]) && whole(&s->half[1]) && !s->half[0].rst && !s->half[1].rst && !s->reopened;
    return early && limits->grace_ns < limits->linger_ns ? limits->grace_ns : limits->linger_ns;
}

void session_rearm(tl_session *s)
{
    tl_sessions *t = s->table;
    int64_t deadline = INT64_MAX;
    if (s->closed == TL_WHY_NONE && s->in_table) {
        if (witness_over(s)) deadline = s->last_clock + linger(s);
        for (int side = 0; side < 2; side++) {
            if (!half_holds(&s->half[side])) continue;
            if (half_waits(&s->half[!side]) && s->half[side].fixed) continue; /* it has nothing to say before the other one */
            int64_t d = half_deadline(&s->half[side], s->half[!side].packets == 0, &t->limits);
            if (d < deadline) deadline = d;
        }
    }
    table_deadline(t, s, deadline);
}

static void finish_close(tl_session *s)
{
    tl_sessions *t = s->table;
    s->closed = s->closing;
    s->closing = TL_WHY_NONE;
    if (s->in_table)
        table_list(t, s, LIST_CLOSED);
    else
        t->gone = s;
}

bool tl_session_pull(tl_session *s, tl_event *out)
{
    held_delete(&s->table->held, s->table->lent);
    s->table->lent = NULL;
    s->resting = false;
    if (reassemble_current(s, out) || reassemble_held(s, out)) return true;
    if (s->closing != TL_WHY_NONE) {
        if (reassemble_close(s, out)) return true;
        finish_close(s);
    }
    session_rearm(s);
    table_account(s->table, s);
    return false;
}

/* ---- time, limits, the end ---- */

static tl_session *close_now(tl_session *s, tl_why why)
{
    if (s->half[0].rst || s->half[1].rst) {
        if (why == TL_WHY_IDLE || why == TL_WHY_FIN || why == TL_WHY_END || why == TL_WHY_REUSED) why = TL_WHY_RST;
    } else if (witness_over(s) && (why == TL_WHY_IDLE || why == TL_WHY_END || why == TL_WHY_REUSED)) {
        why = TL_WHY_FIN;
    }
    s->closing = (uint8_t)(why & 15);
    return s;
}

tl_session *tl_sessions_due(tl_sessions *t, tl_at at)
{
    tl_session *s;
    free_gone(t);
    set_clock(t, at);
    if ((s = t->replaced) != NULL) {
        t->replaced = s->chain;
        if (t->replaced == NULL) t->replaced_end = &t->replaced;
        s->chain = NULL;
        if (s->closed != TL_WHY_NONE) return t->gone = s; /* deferred */
        return close_now(s, TL_WHY_REUSED);
    }
    while (t->heap_n > 0 && t->heap[0].deadline <= t->clock) {
        s = t->heap[0].session;
        if (witness_over(s) && t->clock - s->last_clock >= linger(s)) close_now(s, TL_WHY_FIN);
        if (!s->resting || s->closing == TL_WHY_NONE) return s;
        finish_close(s); /* the run that saved it told this very close */
        session_rearm(s);
    }
    size_t share = t->limits.memory_bytes / CLOSED_SHARE;
    while ((t->memory > t->limits.memory_bytes || t->closed_memory > share) && (s = t->oldest[LIST_CLOSED]) != NULL) {
        table_remove(t, s);
        if (s->deferred) return t->gone = s;
        table_free_session(t, s);
    }
    if ((s = t->oldest[LIST_OPEN]) == NULL) return NULL;
    if (t->clock - s->last_clock > t->limits.idle_ns) return close_now(s, TL_WHY_IDLE);
    bool crowded = t->limits.max_sessions != 0 && t->open > t->limits.max_sessions;
    if (crowded || t->memory > t->limits.memory_bytes) return close_now(s, TL_WHY_LIMIT);
    return NULL;
}

static int by_id(const void *a, const void *b)
{
    const tl_session *const *x = a, *const *y = b;
    return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

tl_session *tl_sessions_end(tl_sessions *t)
{
    free_gone(t);
    if (t->replaced != NULL) return tl_sessions_due(t, t->told_at);
    if (t->ending == NULL && t->open > 0) {
        t->ending = malloc(t->open * sizeof(tl_session *));
        if (t->ending != NULL) {
            bool sorted = true; /* as they are after a flood: each look at a session costs a cache miss */
            uint64_t last = 0;
            for (tl_session *s = t->oldest[LIST_OPEN]; s != NULL; s = s->newer) {
                if (s->resting) continue;
                t->ending[t->ending_n++] = s;
                sorted = sorted && s->id > last;
                last = s->id;
            }
            if (!sorted) qsort(t->ending, t->ending_n, sizeof(tl_session *), by_id);
        }
    }
    if (t->ending_at < t->ending_n) {
        enum { AHEAD = 4 };
        if (t->ending_n - t->ending_at > AHEAD) {
            table_fetch(t->ending[t->ending_at + AHEAD], sizeof(tl_session));
        }
        return close_now(t->ending[t->ending_at++], TL_WHY_END);
    }
    if (t->ending != NULL) return NULL;
    tl_session *left = t->oldest[LIST_OPEN]; /* no memory to sort in: any order */
    while (left != NULL && left->resting) left = left->newer;
    return left != NULL ? close_now(left, TL_WHY_END) : NULL;
}

/* ---- looking ---- */

bool tl_sessions_other_channel(const tl_sessions *t)
{
    return t->other_channel;
}

bool tl_sessions_busy(const tl_sessions *t)
{
    return t->cur.session != NULL;
}

bool tl_session_closed(const tl_session *s)
{
    return s->closed != TL_WHY_NONE;
}

uint64_t tl_session_id(const tl_session *s)
{
    return s->id;
}

bool tl_session_reopened(const tl_session *s)
{
    return s->reopened;
}

void **tl_session_slot(tl_session *s)
{
    return &s->slot;
}

static void look_stream(const half *h, tl_stream_info *out)
{
    const lane *l = half_lane_seen(h);
    const rare *r = half_rare_seen(h);
    *out = (tl_stream_info){
        .has_isn = h->has_isn,
        .isn = h->isn,
        .has_base = h->base != 0,
        .base_seq = (uint32_t)h->base,
        .length = h->fixed ? h->next - h->base : 0,
        .other_channel = r->other_channel,
        .packets = h->packets,
        .wire_bytes = h->wire_bytes,
        .urgent = r->urgent,
        .bad_checksums = h->bad_checksums,
        .mss = h->mss,
        .window_scale = h->window_scale,
        .fin = h->fin,
        .rst = h->rst,
    };
    out->segments = l->segments;
    out->out_of_order = l->out_of_order;
    out->retransmitted = l->retransmitted;
    out->captured_bytes = l->captured_bytes - l->held.data - r->front.data - r->aside.data;
    out->length -= r->front_end - r->front_at; /* a front that is being told */
}

void tl_session_look(const tl_session *s, tl_session_info *out)
{
    static const tl_layers none;
    tl_sessions *t = s->table;
    *out = (tl_session_info){
        .id = s->id,
        .client = table_addr(s, s->client),
        .server = table_addr(s, !s->client),
        .roles = s->roles,
        .midstream = !s->half[0].has_isn && !s->half[1].has_isn,
        .rebased = s->rebased,
        .reopened = s->reopened,
        .resumed = s->resumed,
        .deferred = s->deferred,
        .closed = s->closed,
        .first = {s->first_ns, s->first_frame, s->first_capture},
        .last = {s->last_ns, s->last_frame, s->last_capture},
        .rtt_ns = s->rtt_known ? s->handshake_ns : -1,
        .layers = s->layers != NULL ? s->layers : &none,
        .history = conn_history(&s->conn, s->client, t->history),
    };
    look_stream(&s->half[s->client], &out->stream[TL_C2S]);
    look_stream(&s->half[!s->client], &out->stream[TL_S2C]);
    bool has_bytes = out->stream[0].length + out->stream[1].length > 0;
    out->conn_state = conn_state(&s->conn, s->client, has_bytes);
}

bool tl_session_unanswered(const tl_session *s, tl_unanswered *out)
{
    const half *asked = &s->half[s->client], *other = &s->half[!s->client];
    if (s->spoken || s->resumed || (s->reopened && !s->deferred) || other->packets > 0) return false;
    if (asked->lane != NULL || other->lane != NULL) return false; /* copies of another tap */
    if (out == NULL) return true;
    *out = (tl_unanswered){.id = s->id,
                           .client = table_addr(s, s->client),
                           .server = table_addr(s, !s->client),
                           .packets = asked->packets,
                           .wire_bytes = asked->wire_bytes,
                           .first = {s->first_ns, s->first_frame, s->first_capture},
                           .last = {s->last_ns, s->last_frame, s->last_capture}};
    return true;
}

void tl_session_defer(tl_session *s, bool yes)
{
    s->deferred = yes;
}

bool tl_session_forgotten(const tl_session *s)
{
    return s->closed != TL_WHY_NONE && !s->in_table;
}

void tl_sessions_look(const tl_sessions *t, tl_sessions_stats *out)
{
    *out =
        (tl_sessions_stats){.live = t->open, .total = t->next_id - t->first_id, .memory_bytes = t->memory, .memory_peak = t->memory_peak};
}
