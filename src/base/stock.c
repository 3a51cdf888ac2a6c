/*
** stock.c - see the header.  The sizes are a quarter to a half apart, so that little of a block is wasted.
*/
#include "base/stock.h"

#include <stdlib.h>
#include <string.h>

enum { STEP = 64 };
static const uint16_t sizes[TL_STOCK_POOLS] = {64, 128, 192, 256, 384, 512, 640, 768, 1024, 1280, 1536, TL_STOCK_MOST};

void tl_stock_init(tl_stock *s)
{
    for (size_t i = 0; i < TL_STOCK_POOLS; i++) tl_pool_init(&s->pool[i], sizes[i]);
}

void tl_stock_clear(tl_stock *s)
{
    for (size_t i = 0; i < TL_STOCK_POOLS; i++) tl_pool_clear(&s->pool[i]);
}

/* NULL: malloc's. */
static tl_pool *pool_of(tl_stock *s, size_t n)
{
    /* The first size that n fits in, by n in steps, rounded up. */
    static const uint8_t first[TL_STOCK_MOST / STEP + 1] = {0, 0, 1, 2, 3,  4,  4,  5,  5,  6,  6,  7,  7,  8,  8,  8, 8,
                                                            9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11, 11, 11, 11, 11};
    return s == NULL || n > TL_STOCK_MOST ? NULL : &s->pool[first[(n + STEP - 1) / STEP]];
}

void *tl_stock_take(tl_stock *s, size_t n)
{
    tl_pool *p = pool_of(s, n);
    return p != NULL ? tl_pool_take_raw(p) : malloc(n > 0 ? n : 1);
}

void *tl_stock_take_zero(tl_stock *s, size_t n)
{
    tl_pool *p = pool_of(s, n);
    return p != NULL ? tl_pool_take(p) : calloc(1, n > 0 ? n : 1);
}

void tl_stock_give(tl_stock *s, void *p, size_t n)
{
    tl_pool *from = pool_of(s, n);
    if (from != NULL)
        tl_pool_give(from, p);
    else
        free(p);
}

void *tl_stock_resize(tl_stock *s, void *p, size_t n, size_t now)
{
    tl_pool *from = pool_of(s, n), *to = pool_of(s, now);
    if (p == NULL) return tl_stock_take(s, now);
    if (from == NULL && to == NULL) return realloc(p, now > 0 ? now : 1);
    void *block = tl_stock_take(s, now);
    if (block == NULL) return NULL;
    memcpy(block, p, n < now ? n : now);
    tl_stock_give(s, p, n);
    return block;
}
