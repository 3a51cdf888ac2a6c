/*
** pipeline_lane.c - see the header.
**
**     lane has    until                                            what it hears goes
**     a tape      it does not take an event, or a row is asked for   on the tape
**     a flow      the session is over                              into chunks and rows of the batch, and to its framer, where it has one
**
** Invariants:
** 1. Nothing of a session whose lane has a tape is in a batch.
** 2. A lane is listed, by when it heard something first, until all that it heard by then can be in a batch: it keeps its place when its
**    tape has become a flow, which holds the same bytes back, and leaves with lane_row().
** 3. A lane without a tape and without a framer is of a session that was reopened, or restored from an earlier run, or its framer gave up.
*/
#include "app/pipeline_lane.h"

#include "app/pipeline_framing.h"

#include <stdlib.h>

struct lane {
    lanes *of;
    lane *next, **prev; /* in lanes.all */
    tl_session *session;
    tl_flow *flow; /* NULL: it has a tape */
    tl_framer *framer;
    tl_tape tape;
    lane *listed_next, **listed_prev; /* NULL: it is not listed */
    uint64_t since;                   /* the clock then */
};

void lanes_init(lanes *a, const tl_registry *r, size_t memory_bytes)
{
    enum { HELD_SHARE = 16, FRAMERS_SHARE = 8 };
    static const size_t held_most = (size_t)32 << 20;
    *a = (lanes){.registry = r, .held_most = memory_bytes / HELD_SHARE, .held_payload = 256000000};
    if (a->held_most > held_most) a->held_most = held_most;
    a->framers.held_most = memory_bytes / FRAMERS_SHARE;
    a->last = &a->first;
    tl_stock_init(&a->stock);
}

void lanes_clear(lanes *a)
{
    while (a->all != NULL) lane_free(a->all);
    tl_stock_clear(&a->stock);
    free(a->again);
    a->again = NULL;
}

static void list(lane *l)
{
    lanes *a = l->of;
    if (l->listed_prev != NULL) return;
    l->since = a->flows.payload;
    l->listed_prev = a->last;
    *a->last = l;
    a->last = &l->listed_next;
}

static void unlist(lane *l)
{
    if (l->listed_prev == NULL) return;
    *l->listed_prev = l->listed_next;
    *(l->listed_next != NULL ? &l->listed_next->listed_prev : &l->of->last) = l->listed_prev;
    l->listed_prev = NULL;
}

static void free_tape(lane *l)
{
    l->of->tape_bytes -= l->tape.room;
    tl_tape_free(&l->tape, &l->of->stock);
}

static bool make_flow(lane *l)
{
    l->flow = tl_flow_new(&l->of->stock, tl_session_id(l->session), l);
    if (l->flow != NULL) tl_flow_join(l->flow, &l->of->flows);
    return l->flow != NULL;
}

lane *lane_new(lanes *a, tl_session *s)
{
    lane *l = tl_stock_take_zero(&a->stock, sizeof *l);
    if (l == NULL) return NULL;
    l->of = a;
    l->next = a->all;
    l->prev = &a->all;
    if (l->next != NULL) l->next->prev = &l->next;
    a->all = l;
    l->session = s;
    *tl_session_slot(s) = l;
    if ((tl_session_reopened(s) || tl_session_resumed(s)) && !make_flow(l)) {
        lane_free(l);
        return NULL;
    }
    return l;
}

void lane_free(lane *l)
{
    *tl_session_slot(l->session) = NULL;
    *l->prev = l->next;
    if (l->next != NULL) l->next->prev = l->prev;
    unlist(l);
    free_tape(l);
    tl_flow_free(l->flow);
    tl_framer_free(l->framer);
    tl_stock_give(&l->of->stock, l, sizeof *l);
}

/* More of it than may wait waits for a hole to be decided.  At the end everything is known. */
static tl_rc frame_later(lane *l)
{
    lanes *a = l->of;
    if (a->again_n == a->again_room) {
        size_t room = a->again_room > 0 ? a->again_room * 2 : 64;
        uint64_t *again = realloc(a->again, room * sizeof *again);
        if (again == NULL) return TL_ENOMEM;
        a->again = again;
        a->again_room = room;
    }
    a->again[a->again_n++] = tl_session_id(l->session);
    tl_framer_free(l->framer);
    l->framer = NULL;
    return TL_OK;
}

static tl_rc flow_hears(lane *l, tl_batch *b, const tl_event *ev)
{
    tl_rc rc = framing_event(b, l->flow, l->framer, ev);
    return rc == TL_OK && l->framer != NULL && tl_framer_gave_up(l->framer) ? frame_later(l) : rc;
}

/* What is on the tape counts for the clock twice: it runs a little fast, and nothing is held for longer than it says. */
static tl_rc end_tape(lane *l, tl_batch *b)
{
    tl_session_info info;
    tl_event ev;
    tl_rc rc = TL_OK;
    tl_session_look(l->session, &info);
    l->framer = tl_framer_new_from(&l->of->stock, l->of->registry, info.server.port);
    if (l->framer == NULL || !make_flow(l)) return TL_ENOMEM;
    tl_framer_join(l->framer, &l->of->framers);
    for (tl_span rest = tl_span_of(l->tape.p, l->tape.n); rc == TL_OK && tl_tape_next(&rest, &ev);) rc = flow_hears(l, b, &ev);
    free_tape(l);
    return rc;
}

tl_rc lane_hears(lane *l, tl_batch *b, const tl_event *ev)
{
    tl_rc rc = TL_OK;
    if (l->flow == NULL && tl_tape_takes(&l->tape, ev)) {
        size_t before = l->tape.room;
        l->of->flows.payload += ev->bytes.n;
        list(l);
        rc = tl_tape_add(&l->tape, &l->of->stock, ev);
        l->of->tape_bytes += l->tape.room - before;
        return rc;
    }
    if (l->flow == NULL) rc = end_tape(l, b);
    return rc == TL_OK ? flow_hears(l, b, ev) : rc;
}

typedef tl_rc batch_session(tl_batch *b, tl_flow *f, const tl_session_info *info, const char *protocol);

static tl_rc row(lane *l, tl_batch *b, batch_session *how)
{
    tl_session_info info;
    tl_rc rc = l->flow == NULL ? end_tape(l, b) : TL_OK;
    if (rc != TL_OK) return rc;
    tl_session_look(l->session, &info);
    return how(b, l->flow, &info, l->framer != NULL ? tl_framer_protocol(l->framer) : "");
}

tl_rc lane_row(lane *l, tl_batch *b)
{
    unlist(l);
    return row(l, b, tl_batch_session);
}

tl_rc lane_row_part(lane *l, tl_batch *b)
{
    return row(l, b, tl_batch_session_part);
}

tl_rc lane_last_row(lane *l, tl_batch *b)
{
    tl_session_info info;
    if (l->flow != NULL) return row(l, b, tl_batch_session);
    tl_session_look(l->session, &info);
    return tl_batch_tape(b, &info, tl_span_of(l->tape.p, l->tape.n));
}

lane *lanes_due(const lanes *a, size_t most)
{
    if (a->first == NULL || tl_flows_oldest(&a->flows) < a->first->since) {
        tl_flow *f = tl_flows_due(&a->flows, most > a->tape_bytes ? most - a->tape_bytes : 0, a->held_payload);
        return f != NULL ? tl_flow_owner(f) : NULL;
    }
    bool due = a->tape_bytes + a->flows.bytes > most || a->flows.payload - a->first->since > a->held_payload;
    return due ? a->first : NULL;
}
