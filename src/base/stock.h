/*
** stock.h - blocks of any size, many of them small: a pool (pool.h) for each of some sizes, malloc(3) above.
**
** For what tens of thousands of sessions hold a little of: malloc mixes their blocks with everything else, walks lists to find room and
** joins neighbours; here a block is taken from a list and put back, and blocks of a kind lie together.
** Whoever gives a block back says how large it is.  Not for other threads than the owner's.
*/
#ifndef TL_STOCK_H
#define TL_STOCK_H

#include "base/pool.h"

enum { TL_STOCK_POOLS = 12, TL_STOCK_MOST = 2048 }; /* bytes of a block that comes from a pool; larger ones may be given to free(3) */

typedef struct tl_stock {
    tl_pool pool[TL_STOCK_POOLS];
} tl_stock;

/* Allocates nothing. */
void tl_stock_init(tl_stock *s);
/* All blocks from pools were given back. */
void tl_stock_clear(tl_stock *s);

/* In all of these s may be NULL: malloc's blocks only. */

/* n bytes, aligned to 16, of whatever content; NULL: no memory. */
void *tl_stock_take(tl_stock *s, size_t n);
/* The same, all zero. */
void *tl_stock_take_zero(tl_stock *s, size_t n);
/* n: as it was taken.  p may be NULL. */
void tl_stock_give(tl_stock *s, void *p, size_t n);
/* As realloc(3): a block of `now` bytes with the first bytes of p, which had n and is gone.  p NULL: n is 0.  NULL: no memory, p stays. */
void *tl_stock_resize(tl_stock *s, void *p, size_t n, size_t now);

#endif
