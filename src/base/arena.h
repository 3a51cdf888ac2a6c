/*
** arena.h - memory that is given back all at once.
**
** Constructor: tl_arena_new.  Destructor: tl_arena_free.  Methods: alloc, copy, reset, used.
** Bump allocation in blocks; reset keeps the blocks for the next round.  Not for more than one thread at a time.
*/
#ifndef TL_ARENA_H
#define TL_ARENA_H

#include "base/base.h"

typedef struct tl_arena tl_arena;

/* block_bytes: how much is asked of malloc at a time (a larger single request gets a block of its own).  NULL: no memory. */
tl_arena *tl_arena_new(size_t block_bytes);
void tl_arena_free(tl_arena *a); /* NULL is fine */
/* Uninitialised memory, aligned to 16; NULL: no memory.  Good until reset or free.  n may be 0. */
void *tl_arena_alloc(tl_arena *a, size_t n);
/* A copy of n bytes in the arena; NULL: no memory. */
void *tl_arena_copy(tl_arena *a, const void *p, size_t n);
/* Forgets everything allocated, keeps the blocks (not those that a larger request had to itself). */
void tl_arena_reset(tl_arena *a);
/* Bytes handed out since the last reset, alignment included. */
size_t tl_arena_used(const tl_arena *a);

#endif
