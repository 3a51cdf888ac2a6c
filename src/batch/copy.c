/*
** copy.c - two copies of the same stream bytes: compared here where this batch has the first one, else left to the store.
*/
#include "batch/rows.h"

#include <string.h>

/* How many closed chunks of this batch a copy is looked up in: a retransmission comes within a window of its original. */
enum { LOOK_BACK = 32 };

void tl_difference_add(tl_difference *d, uint64_t offset, const uint8_t *one, const uint8_t *other, size_t n)
{
    if (n == 0 || memcmp(one, other, n) == 0) return;
    size_t from = 0, to = n;
    while (one[from] == other[from]) from++;
    while (one[to - 1] == other[to - 1]) to--;
    if (d->from == d->to) {
        *d = (tl_difference){offset + from, offset + to};
    } else {
        if (offset + from < d->from) d->from = offset + from;
        if (offset + to > d->to) d->to = offset + to;
    }
}

/* True where [at, at + n) holds the byte before `end`: then [*from, end) is compared, as much of it as the two have in common. */
static bool compare_piece(const tl_event *ev, uint64_t at, const uint8_t *p, size_t n, uint64_t end, uint64_t *from, tl_difference *diff)
{
    if (at >= end || end > at + n) return false;
    *from = at > ev->offset ? at : ev->offset;
    tl_difference_add(diff, *from, p + (*from - at), ev->bytes.p + (*from - ev->offset), (size_t)(end - *from));
    return true;
}

/* Compares from the end of the copy downwards as long as this batch has the bytes; returns where that ends. */
static uint64_t compare_here(const flow_dir *d, const tl_event *ev, tl_difference *diff)
{
    uint64_t end = ev->offset + ev->bytes.n;
    const open_chunk *c = &d->chunk;
    if (c->open) compare_piece(ev, c->offset, c->data.p, c->data.n, end, &end, diff);
    const chunk_op *o = d->newest;
    for (int i = 0; i < LOOK_BACK && o != NULL && end > ev->offset; i++, o = o->older)
        compare_piece(ev, o->op.chunk.offset, o->op.chunk.data, o->op.chunk.raw_size, end, &end, diff);
    return end;
}

/* Bytes [from, to) of the copy were compared: what differs is a stray row, the rest a duplicate. */
static tl_rc settle(tl_batch *b, tl_flow *f, const tl_event *ev, uint64_t from, uint64_t to, tl_difference diff)
{
    size_t different = (size_t)(diff.to - diff.from);
    if (different > 0) {
        tl_why why = ev->why == TL_WHY_NONE ? TL_WHY_CONFLICT : ev->why;
        tl_rc rc = flow_stray(b, f, ev, diff.from, (size_t)(diff.from - ev->offset), different, why);
        if (rc != TL_OK) return rc;
    }
    f->add[ev->dir].duplicate += to - from - different;
    batch_touch(b, f);
    return TL_OK;
}

tl_rc flow_copy(tl_batch *b, tl_flow *f, const tl_event *ev)
{
    flow_dir *d = &f->dir[ev->dir];
    tl_difference diff = {0};
    uint64_t to = ev->offset + ev->bytes.n, from = ev->offset;
    if (ev->bytes.n == 0) return TL_OK;
    if (ev->kept != NULL)
        tl_difference_add(&diff, from, ev->kept, ev->bytes.p, ev->bytes.n);
    else
        from = compare_here(d, ev, &diff);
    if (from > ev->offset) {
        /* The lower part is the store's.  Its op must come after the chunks that hold its bytes. */
        const open_chunk *c = &d->chunk;
        if (c->open && c->offset < from && ev->offset < c->offset + c->data.n) {
            tl_rc rc = flow_close_chunk(b, f, ev->dir);
            if (rc != TL_OK) return rc;
        }
        size_t n = (size_t)(from - ev->offset);
        tl_op *op = batch_alloc(b, sizeof *op);
        uint8_t *copy = tl_arena_copy(b->arena, ev->bytes.p, n);
        if (op == NULL || copy == NULL) return TL_ENOMEM;
        *op = (tl_op){0};
        op->event = (tl_op_event){
            .why = ev->why, .offset = ev->offset, .length = n, .bytes = copy, .peer_acked = ev->peer_acked, .at = ev->at, .told = ev->told};
        batch_op(b, op, TL_OP_COPY, f, ev->dir);
        f->asks[ev->dir] = true;
    }
    return settle(b, f, ev, from, to, diff);
}
