/*
** arena_test.c - allocations are aligned, apart from each other, and all gone at reset.
*/
#include "base/arena.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static void sizes_around_a_block(void)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 240, 255, 256, 257, 1000, 4096, 0, 256, 1};
    tl_arena *a = tl_arena_new(256);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    size_t used = 0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        uint8_t *p = tl_arena_alloc(a, sizes[i]);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        CU_ASSERT_EQUAL((uintptr_t)p % 16, 0);
        memset(p, 0xee, sizes[i]);
        used += (sizes[i] + 15) / 16 * 16;
        CU_ASSERT_EQUAL(tl_arena_used(a), used);
    }
    tl_arena_free(a);
}

/* A random program of allocations and resets; every block keeps its own bytes until the reset. */
static void nothing_overlaps(void)
{
    enum { MOST = 400 };
    struct {
        uint8_t *p;
        size_t n;
    } live[MOST];
    unsigned long long seed = 11;
    tl_arena *a = tl_arena_new(1024);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (int round = 0; round < 20; round++) {
        size_t count = (size_t)(tl_random(&seed) % MOST);
        for (size_t i = 0; i < count; i++) {
            live[i].n = (size_t)(tl_random(&seed) % (i % 50 == 0 ? 5000 : 120));
            live[i].p = tl_arena_alloc(a, live[i].n);
            CU_ASSERT_PTR_NOT_NULL_FATAL(live[i].p);
            memset(live[i].p, (int)(i & 0xff), live[i].n);
        }
        size_t wrong = 0;
        for (size_t i = 0; i < count; i++)
            for (size_t k = 0; k < live[i].n; k++) wrong += live[i].p[k] != (i & 0xff);
        CU_ASSERT_EQUAL(wrong, 0);
        tl_arena_reset(a);
        CU_ASSERT_EQUAL(tl_arena_used(a), 0);
    }
    tl_arena_free(a);
}

static void reset_reuses_the_blocks(void)
{
    tl_arena *a = tl_arena_new(128);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    void *first[10];
    for (size_t i = 0; i < 10; i++) first[i] = tl_arena_alloc(a, 100);
    tl_arena_reset(a);
    for (size_t i = 0; i < 10; i++) CU_ASSERT_PTR_EQUAL(tl_arena_alloc(a, 100), first[i]);
    tl_arena_free(a);
}

static void copies(void)
{
    tl_arena *a = tl_arena_new(64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    char *in = tl_exact("a segment", 9);
    char *out = tl_arena_copy(a, in, 9);
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    free(in);
    CU_ASSERT_EQUAL(memcmp(out, "a segment", 9), 0);
    CU_ASSERT_PTR_NOT_NULL(tl_arena_copy(a, NULL, 0));
    tl_arena_free(a);
}

static void impossible_sizes_are_refused(void)
{
    tl_arena *a = tl_arena_new(64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (size_t less = 0; less < 64; less++) CU_ASSERT_PTR_NULL(tl_arena_alloc(a, SIZE_MAX - less));
    CU_ASSERT_EQUAL(tl_arena_used(a), 0);
    CU_ASSERT_PTR_NOT_NULL(tl_arena_alloc(a, 8));
    tl_arena_free(a);
    CU_ASSERT_PTR_NULL(tl_arena_new(SIZE_MAX));
    tl_arena_free(NULL);
}

int main(void)
{
    return tl_run_cases("arena", (const tl_case[]){{"sizes around a block", sizes_around_a_block},
                                                   {"nothing overlaps", nothing_overlaps},
                                                   {"reset reuses the blocks", reset_reuses_the_blocks},
                                                   {"copies", copies},
                                                   {"impossible sizes are refused", impossible_sizes_are_refused},
                                                   {0}});
}
