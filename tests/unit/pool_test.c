/*
** pool_test.c - a pool beside an array of what should be in its objects: they are zero, aligned and apart from each other, in slabs as in
** blocks of their own; what a burst needed is given back.  Failing allocations are in fault/memory_test.c.
*/
#include "base/pool.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

typedef struct live {
    uint8_t *p; /* NULL: not taken */
    uint8_t mark;
} live;

/* What goes wrong halfway: one byte of an object is another's; an object is given back that is still in use. */
typedef enum sabotage { NONE, OVERLAP, GIVEN_EARLY } sabotage;

static bool all_bytes(const uint8_t *p, uint8_t mark, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != mark) return false;
    return true;
}

/* Takes and gives back by chance, in waves of up to `most` objects.  False where an object or the books are not as they should be. */
static bool run(size_t bytes, size_t most, bool apart, sabotage how)
{
    unsigned long long seed = 7 + bytes;
    live *all = calloc(most, sizeof *all);
    tl_pool p;
    bool good = true;
    size_t slabs_most = 0, taken = 0, taken_most = 0;
    if (all == NULL) abort();
    tl_pool_init(&p, bytes);
    p.apart = apart;
    for (size_t step = 0; step < 16 * most; step++) {
        live *one = &all[tl_random(&seed) % most];
        bool ebb = step / (4 * most) % 2 == 1, rare = tl_random(&seed) % 8 == 0;
        if (p.slabs > slabs_most) slabs_most = p.slabs;
        if (one->p != NULL) {
            if (how != NONE && step > 8 * most) {
                if (how == OVERLAP) one->p[bytes / 2]++;
                if (how == GIVEN_EARLY) tl_pool_give(&p, one->p);
                good = all_bytes(one->p, one->mark, bytes);
                if (how == GIVEN_EARLY) {
                    one->p = NULL;
                    taken--;
                }
                how = NONE;
            } else if (ebb != rare) {
                good = good && all_bytes(one->p, one->mark, bytes);
                tl_pool_give(&p, one->p);
                one->p = NULL;
                taken--;
            }
        } else if (ebb == rare) {
            one->p = tl_pool_take(&p);
            if (one->p == NULL) abort();
            if (++taken > taken_most) taken_most = taken;
            good = good && (uintptr_t)one->p % (bytes % 64 == 0 ? 64 : 16) == 0 && all_bytes(one->p, 0, bytes);
            one->mark = (uint8_t)(step | 1);
            memset(one->p, one->mark, bytes);
        }
    }
    for (size_t i = 0; i < most; i++) {
        good = good && (all[i].p == NULL || all_bytes(all[i].p, all[i].mark, bytes));
        tl_pool_give(&p, all[i].p);
    }
    size_t object = (bytes + 15) / 16 * 16, of_slab = ((2 << 20) - 64) / object;
    good = good && p.slabs <= 1 && slabs_most <= taken_most / of_slab + 1; /* none is made before the others are full */
    good = good && (apart ? slabs_most == 0 : slabs_most >= (taken_most - (64 << 10) / object) / of_slab);
    tl_pool_clear(&p);
    good = good && p.slabs == 0;
    free(all);
    return good;
}

static void objects_keep_their_bytes(void)
{
    tl_pool p;
    tl_pool_init(&p, 1);
    CU_ASSERT_TRUE(run(400, 3000, p.apart, NONE)); /* as this build has it */
    CU_ASSERT_TRUE(run(400, 30000, false, NONE));
    CU_ASSERT_TRUE(run(64, 20000, false, NONE));
    CU_ASSERT_TRUE(run(1, 10000, false, NONE));
    CU_ASSERT_TRUE(run(32 << 10, 200, false, NONE));
}

/* Random is kind to slabs: they empty together.  Here every slab but one keeps an object until the last. */
static void a_slab_lives_as_long_as_its_last_object(void)
{
    enum { BYTES = 1024, SLAB = (2 << 20) / BYTES - 1, MOST = 5 * SLAB };
    static void *all[MOST];
    tl_pool p;
    tl_pool_init(&p, BYTES);
    p.apart = false;
    for (size_t i = 0; i < MOST; i++) CU_ASSERT_PTR_NOT_NULL_FATAL(all[i] = tl_pool_take(&p));
    CU_ASSERT_EQUAL(p.slabs, 5);
    for (size_t i = 0; i < MOST; i++)
        if (i % SLAB != 200) {
            tl_pool_give(&p, all[i]);
            all[i] = NULL;
        }
    CU_ASSERT_EQUAL(p.slabs, 5);
    for (size_t left = 5; left > 0; left--) {
        tl_pool_give(&p, all[(left - 1) * SLAB + 200]);
        CU_ASSERT_EQUAL(p.slabs, left); /* the first one is kept as the spare one */
    }
    CU_ASSERT_PTR_NOT_NULL(p.spare);
    tl_pool_clear(&p);
    CU_ASSERT_PTR_NULL(p.spare);
}

/* Back and forth at the edge of a slab makes none. */
static void the_spare_slab_is_used_again(void)
{
    enum { BYTES = 1024, SLAB = (2 << 20) / BYTES - 1, SMALL = (64 << 10) / BYTES - 1 };
    static void *all[SMALL + SLAB + 1];
    const size_t n = sizeof all / sizeof *all;
    tl_pool p;
    tl_pool_init(&p, BYTES);
    p.apart = false;
    for (size_t i = 0; i < n; i++) CU_ASSERT_PTR_NOT_NULL_FATAL(all[i] = tl_pool_take(&p));
    CU_ASSERT_EQUAL(p.slabs, 2);
    for (int i = 0; i < 3; i++) {
        tl_pool_give(&p, all[n - 1]);
        CU_ASSERT_EQUAL(p.slabs, 2);
        CU_ASSERT_PTR_NOT_NULL(p.spare);
        CU_ASSERT_PTR_NOT_NULL_FATAL(all[n - 1] = tl_pool_take(&p));
        CU_ASSERT_PTR_NULL(p.spare);
    }
    for (size_t i = 0; i < n; i++) tl_pool_give(&p, all[i]);
    tl_pool_give(&p, NULL);
    CU_ASSERT_EQUAL(p.slabs, 1);
    tl_pool_clear(&p);
}

static void the_checker_can_fail(void)
{
    CU_ASSERT_FALSE(run(400, 3000, false, OVERLAP));
    CU_ASSERT_FALSE(run(400, 3000, false, GIVEN_EARLY));
}

int main(void)
{
    return tl_run_cases("pool", (const tl_case[]){{"objects keep their bytes", objects_keep_their_bytes},
                                                  {"a slab lives as long as its last object", a_slab_lives_as_long_as_its_last_object},
                                                  {"the spare slab is used again", the_spare_slab_is_used_again},
                                                  {"the checker can fail", the_checker_can_fail},
                                                  {0}});
}
