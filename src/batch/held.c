/*
** held.c - what a flow holds back: the buffers of its open chunks, and the messages that lie in them.
**
** A message row may not reach beyond what is stored of its stream, and the request that it answers must have its row: so messages leave in
** the order in which they came, each as soon as no byte of it, nor of any before it, is in an open chunk.
**
** All flows that hold something are a list in tl_flows, in the order in which they began to.
*/
#include "batch/rows.h"

#include <assert.h>
#include <string.h>

/* What buffers grow through: a session of a few short messages must cost little, and a long one must not be copied often. */
static const uint32_t rooms[] = {128, 384, 768, 1280, TL_STOCK_MOST, 8192, 28672, TL_CHUNK_ROW};

void tl_flow_join(tl_flow *f, tl_flows *all)
{
    assert(f->held_bytes == 0);
    if (all->last == NULL) all->last = &all->first;
    f->flows = all;
}

tl_flow *tl_flows_due(const tl_flows *all, size_t bytes, uint64_t payload)
{
    tl_flow *f = all->first;
    return f != NULL && (all->bytes > bytes || all->payload - f->held_since > payload) ? f : NULL;
}

uint64_t tl_flows_oldest(const tl_flows *all)
{
    return all->first != NULL ? all->first->held_since : UINT64_MAX;
}

static void more(tl_flow *f, size_t bytes)
{
    tl_flows *all = f->flows;
    if (all != NULL && f->held_bytes == 0) {
        f->held_since = all->payload;
        f->held_next = NULL;
        f->held_prev = all->last;
        *all->last = f;
        all->last = &f->held_next;
    }
    f->held_bytes += bytes;
    if (all != NULL) all->bytes += bytes;
}

static void less(tl_flow *f, size_t bytes)
{
    tl_flows *all = f->flows;
    f->held_bytes -= bytes;
    if (all == NULL || bytes == 0) return;
    all->bytes -= bytes;
    if (f->held_bytes > 0) return;
    *f->held_prev = f->held_next;
    if (f->held_next != NULL)
        f->held_next->held_prev = f->held_prev;
    else
        all->last = f->held_prev;
}

bool held_room(tl_flow *f, buffer *b, size_t n)
{
    if (n <= b->room - b->n) return true;
    size_t c = 0;
    while (c + 1 < sizeof rooms / sizeof *rooms && rooms[c] < b->n + n) c++;
    assert(rooms[c] >= b->n + n);
    uint8_t *p = tl_stock_resize(f->stock, b->p, b->room, rooms[c]);
    if (p == NULL) return false;
    more(f, rooms[c] - b->room);
    b->p = p;
    b->room = rooms[c];
    return true;
}

void held_gone(tl_flow *f, buffer *b)
{
    less(f, b->room);
    *b = (buffer){0};
}

void held_free(tl_flow *f, buffer *b)
{
    tl_stock_give(f->stock, b->p, b->room);
    held_gone(f, b);
}

static bool stored(const tl_flow *f, const tl_message *m)
{
    const open_chunk *c = &f->dir[m->dir].chunk;
    return m->update || !c->open || m->offset + m->length <= c->offset;
}

static tl_rc put_message(tl_batch *b, tl_flow *f, const tl_message *m)
{
    tl_op *op = batch_alloc(b, sizeof *op);
    uint8_t *summary = tl_arena_copy(b->arena, m->summary.p, m->summary.n);
    uint8_t *detail = tl_arena_copy(b->arena, m->detail.p, m->detail.n);
    if (op == NULL || summary == NULL || detail == NULL) return TL_ENOMEM;
    *op = (tl_op){0};
    op->message = *m;
    op->message.summary.p = summary;
    op->message.detail.p = detail;
    batch_op(b, op, TL_OP_MESSAGE, f, m->dir);
    return TL_OK;
}

static void leave(tl_flow *f)
{
    waiting *w = f->waiting;
    f->waiting = w->next;
    if (f->waiting == NULL) f->waiting_end = &f->waiting;
    less(f, w->bytes);
    tl_stock_give(f->stock, w, w->bytes);
}

tl_rc held_release(tl_batch *b, tl_flow *f)
{
    while (f->waiting != NULL && stored(f, &f->waiting->m)) {
        tl_rc rc = put_message(b, f, &f->waiting->m);
        if (rc != TL_OK) return rc;
        leave(f);
    }
    return TL_OK;
}

void held_drop(tl_flow *f)
{
    while (f->waiting != NULL) leave(f);
    for (int d = 0; d < 2; d++) {
        held_free(f, &f->dir[d].chunk.data);
        held_free(f, &f->dir[d].chunk.entries);
    }
}

static tl_rc wait_message(tl_flow *f, const tl_message *m)
{
    size_t bytes = sizeof(waiting) + m->summary.n + m->detail.n;
    waiting *w = tl_stock_take(f->stock, bytes);
    if (w == NULL) return TL_ENOMEM;
    w->next = NULL;
    w->bytes = bytes;
    w->m = *m;
    w->m.summary.p = w->text;
    w->m.detail.p = w->text + m->summary.n;
    if (m->summary.n > 0) memcpy(w->text, m->summary.p, m->summary.n);
    if (m->detail.n > 0) memcpy(w->text + m->summary.n, m->detail.p, m->detail.n);
    more(f, bytes);
    *f->waiting_end = w;
    f->waiting_end = &w->next;
    return TL_OK;
}

tl_rc tl_batch_message(tl_batch *b, tl_flow *f, const tl_message *m)
{
    tl_message moved = *m;
    batch_enter(b, f);
    /* The framer does not move what it knows by a REBASE; the rows told before it are moved by the store. */
    moved.offset += f->dir[m->dir].shift;
    if (m->peer_acked > 0) moved.peer_acked += f->dir[m->dir == TL_C2S].shift;
    return f->waiting == NULL && stored(f, &moved) ? put_message(b, f, &moved) : wait_message(f, &moved);
}
