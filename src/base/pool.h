/*
** pool.h - objects of one size, many of them: taken and given back one by one, in any order.
**
** They lie close together in slabs: a small one first, then slabs of 2 MiB, for which from the second on the kernel is asked for huge
** pages: a flood of small objects costs neither a page fault for each tenth of them nor a TLB miss for each that is looked at.  What is
** given back is taken again, of its slab the last one first.  Slabs that nothing is left in are freed, but for one: what a burst needed
** is memory for others after it.
** In builds with a sanitizer each object is a block of malloc(3) of its own: uses after the return and leaks are seen as ever.
**
** Not for other threads than the owner's.
*/
#ifndef TL_POOL_H
#define TL_POOL_H

#include "base/base.h"

typedef struct tl_pool {
    size_t object_bytes;
    bool apart;            /* each object is a block of its own; not to be changed while one is taken */
    struct tl_slab *open;  /* those that something can be taken of: a list */
    struct tl_slab *small; /* owned; NULL: none yet */
    struct tl_slab *spare; /* owned; NULL: none.  A large one, empty */
    size_t slabs;          /* the large ones, owned: open, spare, or full of objects that lead to it */
} tl_pool;

/* Of objects of that many bytes, at most 32 KiB; allocates nothing. */
void tl_pool_init(tl_pool *p, size_t object_bytes);
/* All zero, aligned to 16 bytes, and to 64 where the size is a multiple of that.  NULL: no memory, nothing changed. */
void *tl_pool_take(tl_pool *p);
void *tl_pool_take_raw(tl_pool *p); /* the same of any content */
/* NULL is fine. */
void tl_pool_give(tl_pool *p, void *object);
/* All objects were given back. */
void tl_pool_clear(tl_pool *p);

#endif
