/*
** fit.c - a chunk whose row would waste most of a page lies in two or three rows.
**
** SQLite puts what fills overflow pages there and the rest of a row into a leaf page, and does not go back to a page that it left. So a
** rest of a little over half a page leaves the other half empty, and one of 10,900 bytes shares its page with two more. That concerns
** the last chunk of a stream, the others are full; and what stays raw, because nobody knows before it is packed how long a packed one is.
*/
#include "batch/flat.h"
#include "batch/rows.h"

#include <assert.h>

/* Three of these share a leaf; from FILLS on a row has one for itself. */
enum { THIRD = 10900, FILLS = 31000 };
/* What is looked at of a chunk, and by how many bytes at a time. */
enum { LOOKS = 4, LOOK_BYTES = 512 };

unsigned fit_rows(size_t raw, size_t others, size_t *last)
{
    size_t row = raw + others, local = row;
    *last = raw;
    /* What a leaf cannot hold of it, SQLite writes into one more overflow page, and then keeps little in the leaf. */
    if (local > PAGE_LOCAL_MOST) local = PAGE_LOCAL_LEAST + (row - PAGE_LOCAL_LEAST) % PAGE_OVERFLOW;
    if (local <= THIRD || local >= FILLS) return 1;
    unsigned rows = (unsigned)((local + THIRD - 1) / THIRD);
    *last = local / rows * raw / row;
    return *last > 0 ? rows : 1;
}

bool fit_stays_raw(const uint8_t *in, size_t n)
{
    flat_counts counts = {0};
    if (n < (size_t)LOOKS * LOOK_BYTES) return false;
    for (size_t i = 0; i < LOOKS; i++) flat_count(&counts, in + i * ((n - LOOK_BYTES) / (LOOKS - 1)), LOOK_BYTES);
    return flat_is(&counts, (size_t)LOOKS * LOOK_BYTES);
}

/* Entries of a chunk's arrivals one after the other, cut where a row ends. */
typedef struct walk {
    tl_span left;
    tl_arrival entry;
    uint64_t rest; /* bytes of the entry that are not told yet */
} walk;

static tl_arrival next_part(walk *w, uint64_t most)
{
    if (w->rest == 0) {
        bool more = tl_arrival_next(&w->left, &w->entry);
        assert(more);
        (void)more;
        w->rest = w->entry.bytes;
    }
    tl_arrival a = w->entry;
    a.bytes = w->rest < most ? w->rest : most;
    w->rest -= a.bytes;
    return a;
}

static void one_row(walk *w, tl_op_chunk *c)
{
    walk look = *w;
    for (uint64_t done = 0; done < c->raw_size;) {
        tl_arrival a = next_part(&look, c->raw_size - done);
        if (done == 0 || a.frame < c->first_frame) c->first_frame = a.frame;
        if (done == 0 || a.frame > c->last_frame) c->last_frame = a.frame;
        if (done == 0 || a.ns < c->first_ns) c->first_ns = a.ns;
        if (done == 0 || a.ns > c->last_ns) c->last_ns = a.ns;
        done += a.bytes;
    }
    tl_arrival before = {.frame = c->first_frame, .ns = c->first_ns};
    uint8_t *out = (uint8_t *)(uintptr_t)c->arrivals; /* the caller's room */
    c->arrivals_size = 0;
    for (uint64_t done = 0; done < c->raw_size;) {
        tl_arrival a = next_part(w, c->raw_size - done);
        c->arrivals_size += (uint32_t)tl_arrival_put(out + c->arrivals_size, &before, &a);
        before = a;
        done += a.bytes;
    }
}

void fit_cut(const tl_op_chunk *whole, unsigned rows, size_t last, uint8_t *arrivals, chunk_op *out)
{
    walk w = {.left = tl_span_of(whole->arrivals, whole->arrivals_size), .entry = {.frame = whole->first_frame, .ns = whole->first_ns}};
    size_t done = 0;
    for (unsigned i = 0; i < rows; i++) {
        size_t n = i == 0 ? whole->raw_size - (rows - 1) * last : last;
        tl_op_chunk *c = &out[i].op.chunk;
        *c = *whole;
        c->offset = whole->offset + done;
        c->data = whole->data + done;
        c->raw_size = c->data_size = (uint32_t)n;
        c->arrivals = arrivals;
        one_row(&w, c);
        arrivals += c->arrivals_size;
        done += n;
    }
}
