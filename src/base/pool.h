/*
** pool.h - objects of one size, many of them: taken and given back one by one, in any order.
**
** They lie close together in slabs of up to 2 MiB, which ask the kernel for huge pages: a flood of small objects costs neither a page
** fault for each tenth of them nor a TLB miss for each that is looked at.  What is given back is taken again, the last one first; slabs
** are freed with the pool only, so a pool holds as much as its objects needed at once.
** In builds with a sanitizer each object is a block of malloc(3) of its own: uses after the return and leaks are seen as ever.
**
** Not for other threads than the owner's.
*/
#ifndef TL_POOL_H
#define TL_POOL_H

#include "base/base.h"

typedef struct tl_pool {
    size_t object_bytes, slab_bytes;
    void *free;             /* a list through the first bytes of what was given back */
    uint8_t *next, *end;    /* what was never taken of the newest slab */
    struct tl_slab *newest; /* owned */
} tl_pool;

/* Of objects of that many bytes, at most 64 KiB; allocates nothing. */
void tl_pool_init(tl_pool *p, size_t object_bytes);
/* All zero, aligned to 16 bytes, and to 64 where the size is a multiple of that.  NULL: no memory. */
void *tl_pool_take(tl_pool *p);
/* NULL is fine. */
void tl_pool_give(tl_pool *p, void *object);
/* All objects were given back. */
void tl_pool_clear(tl_pool *p);

#endif
