/*
** framer.c - events in, messages out: the order in which events are looked at, and the protocol they are looked at with.
**
**     phase     what happens to events                                  leaves when
**     DETECT    held, until the first bytes tell                        a detector says YES → FRAMED
**                                                                       all say NO, or too much is held → TURNS
**     FRAMED    lane.c, each direction by the detector                  a message was the last of its protocol → DETECT
**     TURNS     turn.c                                                  a run begins that a detector knows → DETECT (TRIES times at most)
**
** CAUSAL ORDER.  Bytes whose sender had acknowledged more of the other direction than has been told yet wait for it: their meaning
** depends on it (which request is this the answer to? was the protocol switched?).  Captures put the directions out of order, and
** holes are told late.  What waits is bounded by HELD_BYTES and HELD_PIECES, and by what all framers together may hold; a framer that ran
** into a bound goes on in the order of the events and does not wait again: what it says from then on pairs answers with less than is known
** (tl_framer_gave_up).  Nothing waits for a direction that has closed.
**
** INVARIANTS (tests cite them):
**   1. Messages of a direction are disjoint, in order, within the stream; missing <= length, and exactly the bytes of GAPs in their range.
**   2. The messages are a function of the sequence of events: how a pull is timed does not matter.
**   3. Memory is bounded: an open head (head_max), what is held, 256 requests a direction, and what is not yet pulled.
**
** front events, REBASE, COPY and STRAY are passed over.
*/
#include "message/lane.h"

#include <assert.h>
#include <string.h>

enum {
    DETECT_BYTES = 2048,              /* of a direction, held while undecided */
    DETECT_PIECES = 2 * DETECT_BYTES, /* so that tiny segments do not end it sooner than their bytes do */
    HELD_BYTES = 256 << 10,           /* a hole is decided in 200 ms, and what comes meanwhile waits */
    HELD_PIECES = 512,
    TRIES = 8
};

const char *tl_sync_name(tl_sync s)
{
    static const char *const names[] = {"start", "counted", "resynced", "guessed"};
    return names[s];
}

const char *tl_pairing_name(tl_pairing p)
{
    static const char *const names[] = {NULL, "proved", "by_id", "ordered", "unasked", "unanswered"};
    return names[p];
}

tl_framer *tl_framer_new(const tl_registry *r, uint16_t server_port)
{
    return tl_framer_new_from(NULL, r, server_port);
}

tl_framer *tl_framer_new_from(tl_stock *stock, const tl_registry *r, uint16_t server_port)
{
    tl_framer *f = tl_stock_take_zero(stock, sizeof *f);
    if (f == NULL) return NULL;
    f->stock = stock;
    f->registry = r;
    f->server_port = server_port;
    f->protocol = "";
    f->lane[TL_S2C].dir = TL_S2C;
    f->lane[TL_C2S].before = f->lane[TL_S2C].before = TL_UNKNOWN;
    f->done_end = &f->done;
    return f;
}

void tl_framer_join(tl_framer *f, tl_framers *all)
{
    assert(f->hold == NULL);
    f->all = all;
}

/* Of what waits for the other direction.  What is held until the protocol is known is little, and no other session may decide that. */
static size_t held_bytes(const tl_framer *f)
{
    return f->phase == TL_PHASE_DETECT ? 0 : tl_hold_bytes(f->hold) + tl_hold_pieces(f->hold) * sizeof(tl_piece);
}

static void count_held(tl_framer *f)
{
    if (f->all == NULL) return;
    size_t held = held_bytes(f);
    f->all->held_bytes = f->all->held_bytes - f->counted + held;
    f->counted = held;
}

/* May what waits go on waiting? */
static bool may_hold(const tl_framer *f)
{
    return tl_hold_bytes(f->hold) <= HELD_BYTES && tl_hold_pieces(f->hold) <= HELD_PIECES &&
           (f->all == NULL || f->all->held_bytes - f->counted + held_bytes(f) <= f->all->held_most);
}

static void free_list(tl_framer *f, tl_open *o)
{
    while (o != NULL) {
        tl_open *next = o->next;
        tl_open_free(f, o);
        o = next;
    }
}

static size_t state_bytes(const tl_detector *d)
{
    return d->state_size > 0 ? d->state_size : 1;
}

static void drop_state(tl_framer *f)
{
    if (f->state != NULL && f->detector->release != NULL) f->detector->release(f->detector, f->state);
    if (f->state != NULL) tl_stock_give(f->stock, f->state, state_bytes(f->detector));
    f->state = NULL;
}

void tl_framer_free(tl_framer *f)
{
    if (f == NULL) return;
    for (int dir = 0; dir < 2; dir++) {
        tl_carry_free(f->lane[dir].carry);
        tl_open_free(f, f->lane[dir].open);
        tl_pairs_free(&f->pairs[dir]);
    }
    free_list(f, f->done);
    free_list(f, f->pulled);
    tl_hold_free(f->hold);
    f->hold = NULL;
    count_held(f);
    drop_state(f);
    tl_stock_give(f->stock, f, sizeof *f);
}

/* ---- events in ---- */

tl_rc tl_framer_push(tl_framer *f, const tl_event *ev)
{
    tl_piece *in = &f->incoming;
    tl_lane *l = &f->lane[ev->dir];
    assert(in->length == 0 && f->jump == 0);
    if (ev->front || (ev->kind != TL_EV_BYTES && ev->kind != TL_EV_GAP && ev->kind != TL_EV_CLOSE)) return TL_OK;
    *in = (tl_piece){.kind = ev->kind, .dir = ev->dir, .why = ev->why, .peer_acked = ev->peer_acked, .at = ev->at, .order = ++f->order};
    if (ev->kind == TL_EV_CLOSE) {
        in->length = 1;
        f->closing[ev->dir] = true;
        return TL_OK;
    }
    uint64_t n = ev->kind == TL_EV_BYTES ? ev->bytes.n : ev->length;
    if (n > INT64_MAX || ev->offset > INT64_MAX - n || ev->offset + n <= l->told) return TL_OK;
    in->bytes = ev->bytes.p;
    in->length = n;
    /* Events tile the stream (event.h); should they not, what was told already is passed over and what was not is a GAP. */
    if (ev->offset < l->told) tl_piece_take(in, l->told - ev->offset);
    if (ev->offset > l->told) f->jump = ev->offset - l->told;
    l->told = ev->offset + n;
    return TL_OK;
}

static tl_rc hold_incoming(tl_framer *f)
{
    if (f->hold == NULL) f->hold = tl_hold_new(f->stock);
    if (f->hold == NULL) return TL_ENOMEM;
    if (f->jump > 0) {
        tl_piece gap = {.kind = TL_EV_GAP, .dir = f->incoming.dir, .length = f->jump, .at = f->incoming.at, .order = f->incoming.order};
        tl_rc rc = tl_hold_push(f->hold, &gap);
        if (rc != TL_OK) return rc;
        f->jump = 0;
    }
    tl_rc rc = tl_hold_push(f->hold, &f->incoming);
    if (rc == TL_OK) f->incoming.length = 0;
    return rc;
}

/* ---- the protocol ---- */

static void enter(tl_framer *f, tl_phase phase)
{
    f->phase = phase;
    f->asked[0] = f->asked[1] = 0;
    f->waits = false;
    f->likely = NULL;
}

/* What the streams hold from here on is d's; NULL: unknown. */
static tl_rc adopt(tl_framer *f, const tl_detector *d)
{
    if (d == NULL) {
        for (int dir = 0; dir < 2; dir++) {
            tl_lane_enter(&f->lane[dir], TL_LANE_TURN);
            f->lane[dir].turn_probed = true;
        }
        enter(f, TL_PHASE_TURNS);
        return TL_OK;
    }
    void *state = tl_stock_take_zero(f->stock, state_bytes(d));
    if (state == NULL) return TL_ENOMEM;
    for (int dir = 0; dir < 2; dir++) {
        tl_rc rc = tl_open_finish(f, &f->lane[dir], true);
        if (rc != TL_OK) {
            tl_stock_give(f->stock, state, state_bytes(d));
            return rc;
        }
    }
    for (int dir = 0; dir < 2; dir++) {
        tl_lane_enter(&f->lane[dir], TL_LANE_HEAD);
        f->lane[dir].switches = false;
    }
    drop_state(f);
    f->state = state;
    f->detector = d;
    f->protocol = d->name;
    enter(f, TL_PHASE_FRAMED);
    return TL_OK;
}

/* The first bytes of a direction: those that are held, or else those of the event at hand. */
static tl_span first_bytes(const tl_framer *f, tl_dir dir)
{
    tl_span held = tl_hold_first_bytes(f->hold, dir);
    if (held.n == 0 && f->incoming.kind == TL_EV_BYTES && f->incoming.dir == dir)
        held = tl_span_of(f->incoming.bytes, (size_t)f->incoming.length);
    if (held.n > DETECT_BYTES) held.n = DETECT_BYTES; /* whatever the bytes are cut into */
    return held;
}

/* So much waits of a direction that its first bytes will not grow any more, be it because a hole follows them.  The other direction does
** not grow meanwhile: so what is decided then does not depend on what the bytes were cut into. */
static bool enough_held(const tl_framer *f)
{
    const tl_piece *in = &f->incoming;
    for (int dir = 0; dir < 2; dir++) {
        size_t more = in->kind == TL_EV_BYTES && in->dir == (tl_dir)dir ? (size_t)in->length : 0;
        if (tl_hold_bytes_of(f->hold, (tl_dir)dir) + more >= DETECT_BYTES) return true;
    }
    return tl_hold_pieces(f->hold) > DETECT_PIECES;
}

/* OK: decided.  END: more is needed, all is held. */
static tl_rc detect(tl_framer *f)
{
    tl_piece *in = &f->incoming;
    if (in->length > 0 && tl_hold_front(f->hold, in->dir) != NULL) {
        tl_rc rc = hold_incoming(f);
        if (rc != TL_OK) return rc;
    }
    tl_probe probe = {f->server_port, {first_bytes(f, TL_C2S), first_bytes(f, TL_S2C)}};
    if (probe.head[0].n != f->asked[0] || probe.head[1].n != f->asked[1]) {
        const tl_detector *d = tl_registry_pick(f->registry, &probe, &f->waits, &f->likely);
        if (d != NULL) return adopt(f, d);
        for (int dir = 0; dir < 2; dir++) f->asked[dir] = (uint16_t)probe.head[dir].n;
    }
    bool both = probe.head[0].n > 0 && probe.head[1].n > 0;
    bool heard_out = both || (f->tries > 0 && probe.head[0].n + probe.head[1].n > 0);
    if ((!f->waits && heard_out) || f->closing[0] || f->closing[1] || enough_held(f)) return adopt(f, f->likely);
    if (in->length > 0) {
        tl_rc rc = hold_incoming(f);
        if (rc != TL_OK) return rc;
    }
    return TL_END;
}

/* What waits in a lane's carry waits in the hold instead. */
static tl_rc hold_carry(tl_framer *f, tl_lane *l)
{
    if (l->carry == NULL) return TL_OK;
    if (f->hold == NULL) f->hold = tl_hold_new(f->stock);
    if (f->hold == NULL) return TL_ENOMEM;
    while (l->carry != NULL) { /* the last of them first, so that each goes before what waits */
        tl_carry *c = l->carry;
        const tl_carry_mark *m = tl_carry_look(c, c->n - 1);
        size_t from = c->marks_n > 1 ? (size_t)(m[-1].end - c->taken) : 0;
        tl_piece back = {.kind = TL_EV_BYTES, .dir = l->dir, .length = c->n - from, .bytes = tl_carry_span(c).p + from};
        back.peer_acked = m->peer_acked;
        back.at = m->at;
        tl_rc rc = tl_hold_unshift(f->hold, &back);
        if (rc != TL_OK) return rc;
        c->n = from;
        if (from > 0) {
            c->marks_n--;
            continue;
        }
        tl_carry_free(c);
        l->carry = NULL;
    }
    return TL_OK;
}

/* The message that just ended in `last` was the last of its protocol, or what begins there is the next one's: both directions go on with
** that one, or are detected anew.  One that is lost stays so. */
static tl_rc switch_protocol(tl_framer *f, const tl_lane *last)
{
    const tl_detector *next = last->next;
    bool lost[2] = {false};
    for (int dir = 0; dir < 2; dir++) {
        tl_lane *l = &f->lane[dir];
        tl_rc rc = hold_carry(f, l);
        if (rc == TL_OK) rc = tl_open_finish(f, l, false);
        if (rc != TL_OK) return rc;
        tl_pairs_switch(&f->pairs[dir], last->next_ask, last->next_id);
        lost[dir] = l->state == TL_LANE_LOST;
        tl_lane_enter(l, TL_LANE_HEAD);
        l->switches = l->peer_spoke = l->turn_probed = false;
    }
    if (next != NULL) {
        tl_rc rc = adopt(f, next);
        for (int dir = 0; dir < 2 && rc == TL_OK; dir++)
            if (lost[dir]) rc = tl_lane_stay_lost(f, &f->lane[dir]);
        return rc;
    }
    drop_state(f);
    f->detector = NULL;
    f->tries = 0;
    f->redetect = true;
    enter(f, TL_PHASE_DETECT);
    return TL_OK;
}

/* ---- one event after the other ---- */

static bool may_go_on(const tl_framer *f, const tl_piece *p)
{
    if (p->kind != TL_EV_BYTES || f->closing[!p->dir] || f->impatient) return true;
    const tl_lane *other = &f->lane[!p->dir];
    uint64_t reached = other->at + (other->carry != NULL ? other->carry->n : 0);
    return p->peer_acked <= reached;
}

/* The piece to look at next: of those that may go on the one that was pushed first.  NULL: none, what there is waits. */
static tl_piece *next_piece(tl_framer *f)
{
    tl_piece *front[2], *best = NULL;
    for (int dir = 0; dir < 2; dir++) {
        front[dir] = tl_hold_front(f->hold, (tl_dir)dir);
        if (front[dir] == NULL && f->incoming.length > 0 && f->incoming.dir == (tl_dir)dir) front[dir] = &f->incoming;
    }
    for (int pass = 0; pass < 2 && best == NULL; pass++) {
        for (int dir = 0; dir < 2; dir++)
            if (front[dir] != NULL && (pass == 1 || may_go_on(f, front[dir])) && (best == NULL || front[dir]->order < best->order))
                best = front[dir];
        if (best != NULL || may_hold(f)) break;
        f->impatient = true;
    }
    return best;
}

static void drop_piece(tl_framer *f, const tl_piece *p)
{
    tl_dir dir = p->dir;
    if (f->lane[dir].carry != NULL) tl_carry_settle(f->lane[dir].carry);
    if (p == &f->incoming) return;
    tl_hold_pop(f->hold, dir);
    if (tl_hold_pieces(f->hold) == 0) {
        tl_hold_free(f->hold);
        f->hold = NULL;
    }
}

/* Requests that nothing can answer any more. */
static void close_pairs(tl_framer *f)
{
    for (int dir = 0; dir < 2; dir++)
        if (f->lane[!dir].closed) tl_pairs_close(&f->pairs[dir]);
}

/* Something is done.  END: nothing left to do. */
static tl_rc step(tl_framer *f)
{
    if (f->phase == TL_PHASE_DETECT) {
        if (f->incoming.length == 0 && !f->redetect) return TL_END;
        f->redetect = false;
        return detect(f);
    }
    tl_piece *p = next_piece(f), gap;
    if (p == NULL) {
        tl_rc rc = f->incoming.length > 0 ? hold_incoming(f) : TL_END;
        return rc == TL_OK ? TL_OK : rc;
    }
    tl_lane *l = &f->lane[p->dir];
    tl_piece *whole = p;
    if (p == &f->incoming && f->jump > 0) {
        gap = (tl_piece){.kind = TL_EV_GAP, .dir = p->dir, .length = f->jump, .at = p->at};
        p = &gap;
    }
    if (f->phase == TL_PHASE_FRAMED && p->kind == TL_EV_BYTES && tl_lane_may_settle(&f->lane[!p->dir], p->peer_acked)) {
        tl_lane *other = &f->lane[!p->dir];
        tl_rc settled = tl_lane_settle(f, other, p->peer_acked);
        if (settled != TL_OK) return settled;
        if (other->switches && other->open == NULL) return switch_protocol(f, other);
    }
    bool probe = false;
    tl_rc rc = f->phase == TL_PHASE_FRAMED ? tl_lane_step(f, l, p) : tl_turn_step(f, l, p, &probe);
    if (rc != TL_OK) return rc;
    if (p == &gap) {
        f->jump = gap.length;
    } else if (p->length == 0) {
        drop_piece(f, whole);
    }
    close_pairs(f);
    if (probe && f->tries < TRIES) {
        f->tries++;
        f->redetect = true;
        enter(f, TL_PHASE_DETECT);
    }
    return l->switches && l->open == NULL ? switch_protocol(f, l) : TL_OK;
}

/* ---- messages out ---- */

static bool report_unanswered(tl_framer *f, tl_message *out)
{
    uint64_t number;
    for (int dir = 0; dir < 2; dir++) {
        while (tl_pairs_report(&f->pairs[dir], &number)) {
            tl_open *o = f->lane[dir].open;
            if (o != NULL && o->m.number == number) { /* not told yet: it will say so itself */
                o->m.pairing = TL_PAIR_UNANSWERED;
                continue;
            }
            memset(out, 0, sizeof *out);
            out->update = true;
            out->number = number;
            out->dir = (tl_dir)dir;
            out->pairing = TL_PAIR_UNANSWERED;
            return true;
        }
    }
    return false;
}

tl_rc tl_framer_pull(tl_framer *f, tl_message *out)
{
    free_list(f, f->pulled);
    f->pulled = NULL;
    for (;;) {
        if (f->done != NULL) {
            tl_open *o = f->done;
            f->done = o->next;
            if (f->done == NULL) f->done_end = &f->done;
            o->next = NULL;
            f->pulled = o;
            *out = o->m;
            return TL_OK;
        }
        if (report_unanswered(f, out)) return TL_OK;
        tl_rc rc = step(f);
        if (rc == TL_OK) continue;
        count_held(f);
        return rc;
    }
}

bool tl_framer_gave_up(const tl_framer *f)
{
    return f->impatient;
}

const char *tl_framer_protocol(const tl_framer *f)
{
    return f->protocol;
}

static size_t open_memory(const tl_open *o)
{
    size_t n = 0;
    for (; o != NULL; o = o->next) n += sizeof *o + o->summary.room + o->detail.room;
    return n;
}

size_t tl_framer_memory(const tl_framer *f)
{
    size_t n = sizeof *f + tl_hold_memory(f->hold) + open_memory(f->done) + open_memory(f->pulled);
    if (f->detector != NULL) n += f->detector->state_size;
    for (int dir = 0; dir < 2; dir++) {
        const tl_lane *l = &f->lane[dir];
        n += f->pairs[dir].room * sizeof(tl_ask) + open_memory(l->open);
        n += tl_carry_memory(l->carry);
    }
    return n;
}
