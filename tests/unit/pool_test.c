/*
** pool_test.c - objects of a pool are zero, aligned, apart from each other, and taken again once they are given back.
*/
#include "base/pool.h"
#include "support/check.h"

#include <string.h>

static void objects_keep_their_bytes(void)
{
    enum { MOST = 3000, BYTES = 400 }; /* more than the first slabs hold */
    static uint8_t *live[MOST], marks[MOST];
    static const uint8_t zero[BYTES];
    unsigned long long seed = 7;
    tl_pool p;
    memset(live, 0, sizeof live);
    tl_pool_init(&p, BYTES);
    for (int step = 0; step < 20000; step++) {
        size_t i = (size_t)(tl_random(&seed) % MOST);
        if (live[i] != NULL) {
            for (size_t at = 0; at < BYTES; at++)
                if (live[i][at] != marks[i]) CU_FAIL_FATAL("an object lost its bytes");
            tl_pool_give(&p, live[i]);
            live[i] = NULL;
            continue;
        }
        live[i] = tl_pool_take(&p);
        CU_ASSERT_PTR_NOT_NULL_FATAL(live[i]);
        CU_ASSERT_EQUAL_FATAL((uintptr_t)live[i] % 16, 0);
        CU_ASSERT_EQUAL_FATAL(memcmp(live[i], zero, BYTES), 0);
        marks[i] = (uint8_t)(step | 1);
        memset(live[i], marks[i], BYTES);
    }
    for (size_t i = 0; i < MOST; i++) tl_pool_give(&p, live[i]);
    tl_pool_clear(&p);
    uint8_t *again = tl_pool_take(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(again);
    tl_pool_give(&p, again);
    tl_pool_clear(&p);
}

static void the_largest_object_has_room(void)
{
    enum { LARGEST = 64 << 10 };
    tl_pool p;
    tl_pool_init(&p, LARGEST);
    uint8_t *a = tl_pool_take(&p), *b = tl_pool_take(&p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    CU_ASSERT_PTR_NOT_NULL_FATAL(b);
    memset(a, 1, LARGEST);
    memset(b, 2, LARGEST);
    CU_ASSERT_EQUAL(a[LARGEST - 1], 1);
    tl_pool_give(&p, a);
    tl_pool_give(&p, NULL);
    tl_pool_give(&p, b);
    tl_pool_clear(&p);
}
int main(void)
{
    return tl_run_cases("pool", (const tl_case[]){{"objects keep their bytes", objects_keep_their_bytes},
                                                  {"the largest object has room", the_largest_object_has_room},
                                                  {0}});
}
