/*
** flow.c - events of one session become rows: BYTES are joined into chunks, gaps that continue each other into one.
**
** A chunk closes when it is full, when its bytes would not be contiguous or of one capture, and when nothing of its flow may be held back.
** Its arrivals are written as it grows; the first entry waits until the close, because it counts from the chunk's smallest frame and
** time.
**
** Invariant: f->add counts each captured byte of an event once, as stored (when its chunk closes), duplicate or stray, unless the event
** became a TL_OP_COPY: then the store counts it.
*/
#include "batch/rows.h"

#include <assert.h>
#include <string.h>

/* What fits in a row that fills two overflow pages and the local part of a 32 KiB page: SQLite's record of a chunk has 12 columns,
** a header of up to 20 bytes, and integers of up to 44. */
enum { ROW_PAYLOAD = PAGE_LOCAL_LEAST + 2 * PAGE_OVERFLOW, ROW_COLUMNS = 64, CHUNK_BYTES = ROW_PAYLOAD - ROW_COLUMNS };
/* Data of a chunk is copied into the batch up to here; beyond, the batch takes the buffer. */
enum { COPIED_MOST = 8192 };
_Static_assert((int)CHUNK_BYTES <= (int)TL_CHUNK_ROW, "a chunk's buffer holds what its row may hold");
_Static_assert((int)COPIED_MOST >= (int)TL_STOCK_MOST, "what a batch takes is malloc's");

tl_flow *tl_flow_new(tl_stock *stock, uint64_t session_id, void *owner)
{
    tl_flow *f = tl_stock_take_zero(stock, sizeof *f);
    if (f == NULL) return NULL;
    f->stock = stock;
    f->session_id = session_id;
    f->owner = owner;
    f->waiting_end = &f->waiting;
    return f;
}

void tl_flow_again(tl_flow *f, uint64_t session_id)
{
    assert(!f->touched && f->held_bytes == 0 && f->flows == NULL);
    *f = (tl_flow){.stock = f->stock, .session_id = session_id, .owner = f->owner};
    f->waiting_end = &f->waiting;
}

void tl_flow_free(tl_flow *f)
{
    if (f == NULL) return;
    batch_untouch(f);
    held_drop(f);
    tl_stock_give(f->stock, f, sizeof *f);
}

void *tl_flow_owner(const tl_flow *f)
{
    return f->owner;
}

/* Bytes that may still come into the chunk, when they begin an entry of their own. */
static size_t chunk_room(const open_chunk *c)
{
    size_t used = (size_t)c->data.n + c->entries.n + 2 * TL_ARRIVAL_MAX;
    return used < CHUNK_BYTES ? CHUNK_BYTES - used : 0;
}

/* The entry that grew is finished.  Room for it was made when it began. */
static void end_run(open_chunk *c)
{
    if (!c->encoded) {
        c->first = c->run;
        c->encoded = true;
    } else {
        c->entries.n += (uint32_t)tl_arrival_put(c->entries.p + c->entries.n, &c->before, &c->run);
    }
    c->before = c->run;
}

tl_rc flow_close_chunk(tl_batch *b, tl_flow *f, tl_dir dir)
{
    open_chunk *c = &f->dir[dir].chunk;
    if (!c->open) return TL_OK;
    bool copied = c->data.n <= COPIED_MOST;
    size_t last, entries = c->entries.n + 2 * TL_ARRIVAL_MAX;
    unsigned rows = fit_rows(c->data.n, c->entries.n + ROW_COLUMNS, &last);
    if (rows > 1 && !b->raw && !fit_stays_raw(c->data.p, c->data.n)) rows = 1;
    chunk_op *o = batch_alloc(b, rows * sizeof *o);
    uint8_t *arrivals = batch_alloc(b, entries), *cut = rows > 1 ? batch_alloc(b, entries + rows * TL_ARRIVAL_MAX) : arrivals;
    uint8_t *data = copied ? tl_arena_copy(b->arena, c->data.p, c->data.n) : c->data.p;
    if (o == NULL || arrivals == NULL || cut == NULL || data == NULL) return TL_ENOMEM;
    if (!copied && !batch_keep(b, data, c->data.room)) return TL_ENOMEM;

    end_run(c);
    tl_arrival start = {.frame = c->first_frame, .ns = c->first_ns};
    size_t n = tl_arrival_put(arrivals, &start, &c->first);
    if (c->entries.n > 0) memcpy(arrivals + n, c->entries.p, c->entries.n);
    n += c->entries.n;

    tl_op_chunk whole = {.offset = c->offset,
                         .raw_size = c->data.n,
                         .data_size = c->data.n,
                         .arrivals_size = (uint32_t)n,
                         .capture = c->capture,
                         .data = data,
                         .arrivals = arrivals,
                         .first_ns = c->first_ns,
                         .last_ns = c->last_ns,
                         .first_frame = c->first_frame,
                         .last_frame = c->last_frame};
    memset(o, 0, rows * sizeof *o);
    if (rows > 1)
        fit_cut(&whole, rows, last, cut, o);
    else
        o->op.chunk = whole;
    for (unsigned i = 0; i < rows; i++) {
        o[i].older = f->dir[dir].newest;
        batch_op(b, &o[i].op, TL_OP_CHUNK, f, dir);
        f->dir[dir].newest = &o[i];
    }
    f->add[dir].stored += c->data.n;
    held_free(f, &c->entries);
    if (copied)
        held_free(f, &c->data);
    else
        held_gone(f, &c->data);
    *c = (open_chunk){0};
    return held_release(b, f);
}

static bool same_run(const open_chunk *c, const tl_event *ev)
{
    return c->run.frame == ev->at.frame && c->run.ns == ev->at.ns && c->run.peer_acked == ev->peer_acked;
}

/* Appends up to n bytes at p, which lie at `offset`; *taken is how many. */
static tl_rc append(tl_batch *b, tl_flow *f, const tl_event *ev, uint64_t offset, const uint8_t *p, size_t n, size_t *taken)
{
    open_chunk *c = &f->dir[ev->dir].chunk;
    *taken = 0;
    if (c->open && (c->capture != ev->at.capture || c->offset + c->data.n != offset || chunk_room(c) == 0)) {
        tl_rc rc = flow_close_chunk(b, f, ev->dir);
        if (rc != TL_OK) return rc;
    }
    bool starts = !c->open, new_run = starts || !same_run(c, ev);
    size_t room = chunk_room(c), take = n < room ? n : room;
    if (!held_room(f, &c->data, take)) return TL_ENOMEM;
    if (new_run && !starts && !held_room(f, &c->entries, 2 * TL_ARRIVAL_MAX)) return TL_ENOMEM;

    if (starts) {
        c->open = true;
        c->capture = ev->at.capture;
        c->offset = offset;
        c->first_ns = c->last_ns = ev->at.ns;
        c->first_frame = c->last_frame = ev->at.frame;
    } else if (new_run) {
        end_run(c);
        if (ev->at.ns < c->first_ns) c->first_ns = ev->at.ns;
        if (ev->at.ns > c->last_ns) c->last_ns = ev->at.ns;
        if (ev->at.frame < c->first_frame) c->first_frame = ev->at.frame;
        if (ev->at.frame > c->last_frame) c->last_frame = ev->at.frame;
    }
    if (new_run) c->run = (tl_arrival){.frame = ev->at.frame, .ns = ev->at.ns, .peer_acked = ev->peer_acked};
    c->run.bytes += take;
    memcpy(c->data.p + c->data.n, p, take);
    c->data.n += (uint32_t)take;
    *taken = take;
    return TL_OK;
}

static tl_rc add_bytes(tl_batch *b, tl_flow *f, const tl_event *ev)
{
    size_t done = 0;
    f->dir[ev->dir].gap = NULL;
    while (done < ev->bytes.n) {
        size_t taken;
        tl_rc rc = append(b, f, ev, ev->offset + done, ev->bytes.p + done, ev->bytes.n - done, &taken);
        if (rc != TL_OK) return rc;
        done += taken;
    }
    return TL_OK;
}

/* An op that carries the event's facts, without its bytes. */
static tl_op *event_op(tl_batch *b, const tl_event *ev)
{
    tl_op *op = batch_alloc(b, sizeof *op);
    if (op == NULL) return NULL;
    *op = (tl_op){0};
    op->event = (tl_op_event){.why = ev->why,
                              .offset = ev->offset,
                              .length = ev->length,
                              .peer_acked = ev->peer_acked,
                              .at = ev->at,
                              .before = ev->before,
                              .after = ev->after,
                              .told = ev->told};
    return op;
}

static tl_rc add_gap(tl_batch *b, tl_flow *f, const tl_event *ev)
{
    flow_dir *d = &f->dir[ev->dir];
    if (ev->length == 0) return TL_OK;
    if (d->gap != NULL && d->gap->event.why == ev->why && d->gap->event.offset + d->gap->event.length == ev->offset) {
        tl_op_event *g = &d->gap->event;
        g->length += ev->length;
        g->at = ev->at;
        g->after = ev->after;
        g->told = ev->told;
    } else {
        tl_rc rc = flow_close_chunk(b, f, ev->dir);
        if (rc != TL_OK) return rc;
        tl_op *op = event_op(b, ev);
        if (op == NULL) return TL_ENOMEM;
        op->event.joins = ev->why == TL_WHY_SNAPLEN && ev->offset > 0 && d->gap == NULL && d->newest == NULL;
        batch_op(b, op, TL_OP_GAP, f, ev->dir);
        d->gap = op;
    }
    f->add[ev->dir].gap += ev->length;
    return TL_OK;
}

/* Offsets told so far grow.  Both directions' chunks close: peer_acked of the other one's arrivals grows too. */
static tl_rc rebase(tl_batch *b, tl_flow *f, const tl_event *ev)
{
    if (ev->length == 0) return TL_OK;
    for (int d = 0; d < 2; d++) {
        tl_rc rc = flow_close_chunk(b, f, (tl_dir)d);
        if (rc != TL_OK) return rc;
    }
    tl_op *op = event_op(b, ev);
    if (op == NULL) return TL_ENOMEM;
    batch_op(b, op, TL_OP_REBASE, f, ev->dir);
    f->asks[ev->dir] = true;
    f->dir[ev->dir].newest = NULL;
    f->dir[ev->dir].gap = NULL;
    f->dir[ev->dir].shift += ev->length;
    return TL_OK;
}

tl_rc flow_stray(tl_batch *b, tl_flow *f, const tl_event *ev, uint64_t offset, size_t skip, size_t length, tl_why why)
{
    if (length == 0) return TL_OK;
    tl_op *op = event_op(b, ev);
    uint8_t *copy = tl_arena_copy(b->arena, ev->bytes.p + skip, length);
    if (op == NULL || copy == NULL) return TL_ENOMEM;
    op->event.why = why;
    op->event.offset = offset;
    op->event.length = length;
    op->event.bytes = copy;
    batch_op(b, op, TL_OP_STRAY, f, ev->dir);
    f->add[ev->dir].stray += length;
    return TL_OK;
}

tl_rc tl_batch_event(tl_batch *b, tl_flow *f, const tl_event *ev)
{
    batch_enter(b, f);
    b->payload += ev->bytes.n;
    if (f->flows != NULL) f->flows->payload += ev->bytes.n;
    switch (ev->kind) {
    case TL_EV_BYTES: return add_bytes(b, f, ev);
    case TL_EV_GAP: return add_gap(b, f, ev);
    case TL_EV_COPY: return flow_copy(b, f, ev);
    case TL_EV_STRAY: return flow_stray(b, f, ev, ev->offset, 0, ev->bytes.n, ev->why);
    case TL_EV_REBASE: return rebase(b, f, ev);
    case TL_EV_CLOSE: return TL_OK;
    }
    return TL_OK;
}
