/*
** sort.c - the order in which a batch is stored: by session.
**
** Sorted by digits of the numbers above the least, from the lowest digit on, which keeps the order of equals; sessions of a batch are
** near each other in number, so there are two digits or three.  What is in order already costs one look.
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

static bool sort_items(tl_batch *b, const item_list *list, const tl_batch_item **first, const tl_batch_item **end)
{
    if (list->n == 0) return true;
    tl_batch_item *other = batch_alloc(b, list->n * sizeof *other);
    if (other == NULL) return false;
    *first = sort(list->at, other, list->n);
    *end = *first + list->n;
    return true;
}

tl_rc tl_batch_order(tl_batch *b, tl_batch_items *out)
{
    *out = (tl_batch_items){0};
    assert(b->session_items.n <= UINT32_MAX && b->op_items.n <= UINT32_MAX);
    bool sorted = !b->lost_item && sort_items(b, &b->session_items, &out->rows, &out->rows_end) &&
                  sort_items(b, &b->op_items, &out->ops, &out->ops_end);
    return sorted ? TL_OK : TL_ENOMEM;
}
