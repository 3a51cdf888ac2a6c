/*
** sort.c - a batch's rows and ops brought into the order of their sessions.
**
** The lists are spread over the whole arena, so what is sorted is an array of numbers and pointers; merging keeps the order of equals,
** and what is in order already costs one look.
*/
#include "batch/rows.h"

#include <assert.h>

typedef struct item {
    uint64_t session_id;
    void *at; /* the row or op */
} item;

/* [from, middle) and [middle, to) of `in`, each sorted, into the same place of `out`. */
static void merge(const item *in, item *out, size_t from, size_t middle, size_t to)
{
    size_t a = from, b = middle;
    for (size_t i = from; i < to; i++) out[i] = b == to || (a < middle && in[a].session_id <= in[b].session_id) ? in[a++] : in[b++];
}

/* Returns the one of both arrays of n that holds the result. */
static const item *sort(item *in, item *out, size_t n)
{
    size_t sorted = 1;
    while (sorted < n && in[sorted - 1].session_id <= in[sorted].session_id) sorted++;
    if (sorted >= n) return in;
    for (size_t width = 1; width < n; width *= 2) {
        for (size_t from = 0; from < n; from += 2 * width) {
            size_t middle = from + width < n ? from + width : n, to = middle + width < n ? middle + width : n;
            merge(in, out, from, middle, to);
        }
        item *swap = in;
        in = out;
        out = swap;
    }
    return in;
}

tl_rc tl_batch_sort(tl_batch *b)
{
    size_t rows = 0, ops = 0, at = 0;
    assert(b->unpacked == NULL && b->touched == NULL);
    for (const tl_row_session *row = b->sessions; row != NULL; row = row->next) rows++;
    for (const tl_op *op = b->ops; op != NULL; op = op->next) ops++;
    size_t room = rows > ops ? rows : ops;
    item *one = batch_alloc(b, room * sizeof *one), *other = batch_alloc(b, room * sizeof *other);
    if (one == NULL || other == NULL) return TL_ENOMEM;

    for (tl_row_session *row = b->sessions; row != NULL; row = row->next) one[at++] = (item){row->info.id, row};
    const item *sorted = sort(one, other, rows);
    b->sessions_end = &b->sessions;
    for (size_t i = 0; i < rows; i++) {
        *b->sessions_end = sorted[i].at;
        b->sessions_end = &(*b->sessions_end)->next;
    }
    *b->sessions_end = NULL;

    at = 0;
    for (tl_op *op = b->ops; op != NULL; op = op->next) one[at++] = (item){op->session_id, op};
    sorted = sort(one, other, ops);
    b->ops_end = &b->ops;
    for (size_t i = 0; i < ops; i++) {
        *b->ops_end = sorted[i].at;
        b->ops_end = &(*b->ops_end)->next;
    }
    *b->ops_end = NULL;
    return TL_OK;
}
