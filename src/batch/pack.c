/*
** pack.c - chunks made shorter, where that works, in zlib's format (RFC 1950): level 1 by ISA-L (quick.c), the others by libdeflate.
**
** The rule is sqlar's: packed is what is strictly shorter than raw, else raw is kept.  Most payload of today is encrypted, so a
** look at a sample comes first; it may keep raw what a deflate of everything would have made a little shorter, never the other way.
** The result depends on the bytes and the level, never on the thread or on what was packed before.
*/
#include "batch/flat.h"
#include "batch/quick.h"
#include "batch/rows.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum {
    PACK_MIN = 1024,   /* setting up the compressor costs as much as packing 4 KiB, and a short row is mostly its other columns */
    SAMPLE_MIN = 2048, /* up to here a trial costs as much as packing */
    SAMPLE_SLICES = 4, /* spread over the chunk: heads are text where the body is not */
    SLICE_BYTES = 1024,
    SAMPLE_BYTES = SAMPLE_SLICES * SLICE_BYTES,
    AHEAD = 8,          /* ops that are asked for before they are looked at */
    CUT_BYTES = 1 << 18 /* what a thread takes at a time: about a millisecond */
};

struct tl_packer {
    struct libdeflate_compressor *deflate; /* owned; NULL: the quickest level */
    uint8_t out[TL_CHUNK_ROW];
    quick quick;
};

tl_packer *tl_packer_new(int level)
{
    tl_packer *p = malloc(sizeof *p);
    if (p == NULL) return NULL;
    p->deflate = NULL;
    if (level > 1 && (p->deflate = libdeflate_alloc_compressor(level)) == NULL) {
        free(p);
        return NULL;
    }
    return p;
}

void tl_packer_free(tl_packer *p)
{
    if (p == NULL) return;
    if (p->deflate != NULL) libdeflate_free_compressor(p->deflate);
    free(p);
}

/* Bytes of the zlib form, 0 where it is not shorter. */
static size_t deflate_shorter(tl_packer *p, const uint8_t *in, size_t n)
{
    if (p->deflate == NULL) return quick_pack(&p->quick, in, n, p->out, n - 1);
    return libdeflate_zlib_compress(p->deflate, in, n, p->out, n - 1);
}

/* False where a sample says that packing is a waste of time. */
static bool worth_packing(tl_packer *p, const uint8_t *in, size_t n)
{
    if (n < PACK_MIN) return false;
    uint8_t sample[SAMPLE_BYTES];
    size_t size = SAMPLE_BYTES;
    if (n <= SAMPLE_BYTES) {
        size = n;
        memcpy(sample, in, n);
    } else {
        size_t step = (n - SLICE_BYTES) / (SAMPLE_SLICES - 1);
        for (size_t i = 0; i < SAMPLE_SLICES; i++) memcpy(sample + i * SLICE_BYTES, in + i * step, SLICE_BYTES);
    }
    flat_counts counts = {0};
    flat_count(&counts, sample, size);
    if (!flat_is(&counts, size)) return true;
    /* Only repetitions could help, and they show in a trial.  Of so few bytes the trial would be the packing itself. */
    if (n <= SAMPLE_MIN) return false;
    size_t packed = deflate_shorter(p, sample, size);
    return packed > 0 && packed + size / 32 < size;
}

static void pack_chunk(tl_packer *p, tl_op_chunk *c)
{
    if (c->data_size < c->raw_size || !worth_packing(p, c->data, c->raw_size)) return;
    size_t n = deflate_shorter(p, c->data, c->raw_size);
    if (n == 0) return;
    /* In place: the batch made these bytes, and const is for its readers. */
    memcpy((uint8_t *)(uintptr_t)c->data, p->out, n);
    c->data_size = (uint32_t)n;
}

bool tl_batch_pack_cut(tl_batch *b, tl_pack_run *run)
{
    const item_list *all = &b->op_items;
    size_t at = b->unpacked;
    uint64_t bytes = 0;
    if (at == all->n) return false;
    for (; at < all->n && bytes < CUT_BYTES; at++) {
        if (at + AHEAD < all->n) __builtin_prefetch(all->at[at + AHEAD].op);
        if (all->at[at].kind == TL_OP_CHUNK) bytes += all->at[at].op->chunk.raw_size;
    }
    *run = (tl_pack_run){.first = all->at + b->unpacked, .end = all->at + at};
    b->unpacked = at;
    return bytes > 0;
}

/* The batch made these ops; const is for those who read them ordered. */
void tl_packer_run(tl_packer *p, const tl_pack_run *run)
{
    for (const tl_batch_item *at = run->first; at != run->end; at++)
        if (at->kind == TL_OP_CHUNK) pack_chunk(p, &((tl_op *)(uintptr_t)at->op)->chunk);
}

void tl_batch_pack(tl_batch *b, tl_packer *p)
{
    tl_pack_run run;
    while (p != NULL && tl_batch_pack_cut(b, &run)) tl_packer_run(p, &run);
}
