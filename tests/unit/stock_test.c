/*
** stock_test.c - blocks of a stock: large enough, apart from each other, aligned, the same whether from pools or from malloc.
*/
#include "base/stock.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct held {
    uint8_t *p;
    size_t n;
    uint8_t mark;
} held;

static size_t wrong_bytes(const held *h)
{
    size_t wrong = 0;
    for (size_t i = 0; i < h->n; i++) wrong += h->p[i] != h->mark;
    return wrong;
}

static void fill(held *h, uint8_t mark)
{
    h->mark = mark;
    memset(h->p, mark, h->n);
}

/* Sizes on both sides of every class and of the largest one. */
static size_t some_size(unsigned long long *seed)
{
    size_t n = (size_t)(tl_random(seed) % 40) * 64 + (size_t)(tl_random(seed) % 3);
    return n > 0 ? n - 1 : 0;
}

static void churn(tl_stock *s)
{
    enum { MOST = 500 };
    static held all[MOST];
    static const uint8_t zero[40 * 64 + 2];
    unsigned long long seed = 3;
    memset(all, 0, sizeof all);
    for (int step = 0; step < 30000; step++) {
        held *h = &all[tl_random(&seed) % MOST];
        uint8_t mark = (uint8_t)(step | 1);
        size_t now = some_size(&seed);
        if (h->p == NULL) {
            bool zeroed = step % 2 == 0;
            *h = (held){.p = zeroed ? tl_stock_take_zero(s, now) : tl_stock_take(s, now), .n = now};
            CU_ASSERT_PTR_NOT_NULL_FATAL(h->p);
            if (zeroed && memcmp(h->p, zero, now) != 0) CU_FAIL_FATAL("it is not zero");
            if ((uintptr_t)h->p % 16 != 0) CU_FAIL_FATAL("it is not aligned");
            fill(h, mark);
        } else if (step % 3 == 0) {
            size_t kept = h->n < now ? h->n : now;
            h->p = tl_stock_resize(s, h->p, h->n, now);
            CU_ASSERT_PTR_NOT_NULL_FATAL(h->p);
            h->n = kept;
            if (wrong_bytes(h) > 0) CU_FAIL_FATAL("a block lost its bytes as it was resized");
            h->n = now;
            fill(h, mark);
        } else {
            if (wrong_bytes(h) > 0) CU_FAIL_FATAL("a block lost its bytes");
            tl_stock_give(s, h->p, h->n);
            *h = (held){.n = 0};
        }
    }
    for (size_t i = 0; i < MOST; i++) {
        CU_ASSERT_EQUAL(wrong_bytes(&all[i]), 0);
        tl_stock_give(s, all[i].p, all[i].n);
    }
}

static void blocks_keep_their_bytes(void)
{
    tl_stock s;
    tl_stock_init(&s);
    churn(&s);
    tl_stock_clear(&s);
    churn(&s); /* it is good for another round */
    tl_stock_clear(&s);
}

static void without_a_stock_they_are_of_malloc(void)
{
    churn(NULL);
    uint8_t *p = tl_stock_resize(NULL, NULL, 0, 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    memset(p, 1, 10);
    free(p);
    tl_stock_give(NULL, NULL, 10);
}

/* Each size has a block of its own class, which is large enough, and no more than half as large again (or 64 bytes). */
static void classes_fit(void)
{
    tl_stock s;
    tl_stock_init(&s);
    for (size_t i = 0; i < TL_STOCK_POOLS; i++) s.pool[i].apart = false; /* slabs, in builds with a sanitizer, too */
    for (size_t n = 1; n <= TL_STOCK_MOST; n++) {
        size_t at = 0;
        while (at < TL_STOCK_POOLS && s.pool[at].object_bytes < n) at++;
        CU_ASSERT_FATAL(at < TL_STOCK_POOLS);
        CU_ASSERT(s.pool[at].object_bytes <= 64 || s.pool[at].object_bytes - n <= (n > 128 ? n / 2 : 64));
        uint8_t *p = tl_stock_take(&s, n);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        memset(p, 0xaa, n);
        tl_stock_give(&s, p, n);
        void *again = tl_pool_take(&s.pool[at]);
        CU_ASSERT_PTR_EQUAL(again, p);
        tl_pool_give(&s.pool[at], again);
    }
    tl_stock_clear(&s);
}

static void large_blocks_may_be_given_to_free(void)
{
    tl_stock s;
    tl_stock_init(&s);
    uint8_t *p = tl_stock_take(&s, 100);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    memset(p, 7, 100);
    p = tl_stock_resize(&s, p, 100, TL_STOCK_MOST + 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT(p[0] == 7 && p[99] == 7);
    tl_stock_clear(&s);
    p[TL_STOCK_MOST] = 1; /* it is not in a slab */
    free(p);
}

int main(void)
{
    return tl_run_cases("stock", (const tl_case[]){{"blocks keep their bytes", blocks_keep_their_bytes},
                                                   {"without a stock they are of malloc", without_a_stock_they_are_of_malloc},
                                                   {"classes fit", classes_fit},
                                                   {"large blocks may be given to free", large_blocks_may_be_given_to_free},
                                                   {NULL, NULL}});
}
