/*
** arena.c - blocks in a list; a cursor moves over them and goes back to the first on reset.
**
** Invariants:
** 1. blocks up to and including `current` are in use, those after it are empty and of the regular size;
** 2. a block's `used` is a multiple of 16 and never more than its room;
** 3. larger requests live in `large`, one block each, and are given back at reset: kept, they would pile up.
** Under AddressSanitizer what is not handed out is poisoned, so that an over-read of an arena's bytes is seen.
*/
#include "base/arena.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__)
#define POISONING 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POISONING 1
#endif
#endif
#ifdef POISONING
#include <sanitizer/asan_interface.h>
#define POISON(p, n)   ASAN_POISON_MEMORY_REGION(p, n)
#define UNPOISON(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
/* gcc takes the call for a read of the new block. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif
#else
#define POISON(p, n)   ((void)(p), (void)(n))
#define UNPOISON(p, n) ((void)(p), (void)(n))
#endif

enum { ALIGN = 16 };

typedef struct block {
    struct block *next;
    size_t room, used;
    _Alignas(ALIGN) uint8_t bytes[];
} block;

struct tl_arena {
    size_t block_bytes;
    block *first, *current;
    block *large;
    size_t used;
};

static block *new_block(size_t room)
{
    block *b = malloc(sizeof *b + room);
    if (b == NULL) return NULL;
    *b = (block){.room = room};
    POISON(b->bytes, room);
    return b;
}

static void free_blocks(block *b)
{
    while (b != NULL) {
        block *next = b->next;
        UNPOISON(b->bytes, b->room);
        free(b);
        b = next;
    }
}

tl_arena *tl_arena_new(size_t block_bytes)
{
    if (block_bytes > SIZE_MAX / 2) return NULL;
    tl_arena *a = malloc(sizeof *a);
    if (a == NULL) return NULL;
    *a = (tl_arena){.block_bytes = (block_bytes + ALIGN - 1) / ALIGN * ALIGN};
    return a;
}

void tl_arena_free(tl_arena *a)
{
    if (a == NULL) return;
    free_blocks(a->first);
    free_blocks(a->large);
    free(a);
}

/* The block that has room for n more bytes, n <= block_bytes; NULL: no memory. */
static block *block_for(tl_arena *a, size_t n)
{
    block *b = a->current;
    if (b != NULL && b->room - b->used >= n) return b;
    block *next = b != NULL ? b->next : NULL;
    if (next == NULL) {
        next = new_block(a->block_bytes);
        if (next == NULL) return NULL;
        if (b != NULL)
            b->next = next;
        else
            a->first = next;
    }
    a->current = next;
    return next;
}

void *tl_arena_alloc(tl_arena *a, size_t n)
{
    if (n > SIZE_MAX / 2) return NULL; /* what no malloc gives, so that the sums below cannot wrap */
    size_t rounded = (n + ALIGN - 1) / ALIGN * ALIGN;
    block *b;
    if (rounded > a->block_bytes) {
        b = new_block(rounded);
        if (b == NULL) return NULL;
        b->next = a->large;
        a->large = b;
    } else {
        b = block_for(a, rounded);
        if (b == NULL) return NULL;
    }
    void *p = b->bytes + b->used;
    b->used += rounded;
    assert(b->used <= b->room);
    a->used += rounded;
    UNPOISON(p, n);
    return p;
}

void *tl_arena_copy(tl_arena *a, const void *p, size_t n)
{
    void *copy = tl_arena_alloc(a, n);
    if (copy != NULL && n > 0) memcpy(copy, p, n);
    return copy;
}

void tl_arena_reset(tl_arena *a)
{
    free_blocks(a->large);
    a->large = NULL;
    for (block *b = a->first; b != NULL && b->used > 0; b = b->next) {
        POISON(b->bytes, b->used);
        b->used = 0;
    }
    a->current = a->first;
    a->used = 0;
}

size_t tl_arena_used(const tl_arena *a)
{
    return a->used;
}
