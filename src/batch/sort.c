/*
** sort.c - the order in which a batch is stored: by session.
**
** The lists are spread over the whole arena: they are walked once, and what is sorted and read from then on is an array.  Sorted by digits
** of the numbers above the least, from the lowest digit on, which keeps the order of equals; sessions of a batch are near each other in
** number, so there are two digits or three.  What is in order already costs one look.
*/
#include "batch/rows.h"

#include <assert.h>
#include <string.h>

enum { DIGIT_BITS = 11, DIGITS = 1 << DIGIT_BITS };

typedef struct range {
    uint32_t least, most;
    bool sorted;
} range;

static range look(const tl_batch_item *in, size_t n)
{
    range r = {.least = UINT32_MAX, .sorted = true};
    for (size_t i = 0; i < n; i++) {
        if (in[i].session_id < r.most) r.sorted = false;
        if (in[i].session_id < r.least) r.least = in[i].session_id;
        if (in[i].session_id > r.most) r.most = in[i].session_id;
    }
    return r;
}

/* Returns the one of both arrays of n that holds the result. */
static const tl_batch_item *sort(tl_batch_item *in, tl_batch_item *out, size_t n)
{
    uint32_t at[DIGITS];
    range r = look(in, n);
    for (unsigned shift = 0; !r.sorted && shift < 32 && (r.most - r.least) >> shift > 0; shift += DIGIT_BITS) {
        memset(at, 0, sizeof at);
        for (size_t i = 0; i < n; i++) at[(in[i].session_id - r.least) >> shift & (DIGITS - 1)]++;
        uint32_t sum = 0;
        for (size_t d = 0; d < DIGITS; d++) {
            uint32_t count = at[d];
            at[d] = sum;
            sum += count;
        }
        for (size_t i = 0; i < n; i++) out[at[(in[i].session_id - r.least) >> shift & (DIGITS - 1)]++] = in[i];
        tl_batch_item *swap = in;
        in = out;
        out = swap;
    }
    return in;
}

static bool alone(const tl_op *op)
{
    switch (op->kind) {
    case TL_OP_CHUNK:
    case TL_OP_STRAY: return false;
    case TL_OP_GAP: return op->event.joins;
    case TL_OP_MESSAGE: return op->message.update;
    default: return true;
    }
}

static uint32_t number(uint64_t session_id)
{
    assert(session_id <= UINT32_MAX);
    return (uint32_t)session_id;
}

tl_rc tl_batch_order(tl_batch *b, tl_batch_items *out)
{
    size_t rows = 0, ops = 0;
    assert(b->unpacked == NULL);
    for (const tl_row_session *row = b->sessions; row != NULL; row = row->next) rows++;
    for (const tl_op *op = b->ops; op != NULL; op = op->next) ops++;
    assert(rows <= UINT32_MAX && ops <= UINT32_MAX);
    tl_batch_item *row_item = batch_alloc(b, 2 * rows * sizeof *row_item), *op_item = batch_alloc(b, 2 * ops * sizeof *op_item);
    if (row_item == NULL || op_item == NULL) return TL_ENOMEM;
    size_t at = 0;
    for (const tl_row_session *row = b->sessions; row != NULL; row = row->next)
        row_item[at++] = (tl_batch_item){.session_id = number(row->info.id), .row = row};
    at = 0;
    for (const tl_op *op = b->ops; op != NULL; op = op->next)
        op_item[at++] = (tl_batch_item){.session_id = number(op->session_id), .kind = (uint8_t)op->kind, .alone = alone(op), .op = op};
    *out = (tl_batch_items){.rows = sort(row_item, row_item + rows, rows), .ops = sort(op_item, op_item + ops, ops)};
    out->rows_end = out->rows + rows;
    out->ops_end = out->ops + ops;
    return TL_OK;
}
