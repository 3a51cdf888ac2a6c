/*
** ranges_test.c - what a direction holds (stream/held.h) beside a sorted array: the same nodes in the same order after any inserts and
** removals, the same answers, and the memory in the books is gone when they are.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/held.h"
#include "support/check.h"

enum { STEP = 3, LENGTH = 2, BOOKKEEPING_MOST = 128 }; /* node i lies at i * STEP: one position between two nodes is free */

typedef enum order { ORDER_UP, ORDER_DOWN, ORDER_OUTWARDS, ORDER_ANY, ORDERS } order;

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

static uint32_t *numbers(order how, uint32_t n, uint64_t seed)
{
    uint32_t *out = malloc(n * sizeof *out);
    if (out == NULL) abort();
    for (uint32_t i = 0, mid = (n - 1) / 2; i < n; i++) {
        out[i] = i;
        if (how == ORDER_DOWN) out[i] = n - 1 - i;
        if (how == ORDER_OUTWARDS) out[i] = i % 2 ? mid + 1 + i / 2 : mid - i / 2;
    }
    for (uint32_t i = n; how == ORDER_ANY && i > 1; i--) {
        uint32_t j = (uint32_t)(next_random(&seed) % i), t = out[i - 1];
        out[i - 1] = out[j];
        out[j] = t;
    }
    return out;
}

/* What the tree should say, from an array of who is there. */
static bool agrees(held_tree *t, const uint8_t *there, uint32_t n, uint32_t at)
{
    uint32_t next = at;
    while (next < n && !there[next]) next++;
    for (uint64_t pos = (uint64_t)at * STEP; pos < (uint64_t)at * STEP + STEP; pos++) {
        uint32_t wanted = next;
        if (pos >= (uint64_t)at * STEP + LENGTH && next == at) {
            for (wanted = at + 1; wanted < n && !there[wanted];) wanted++;
        }
        const held *got = held_at(t, pos);
        if (wanted == n ? got != NULL : got == NULL || got->pos != (uint64_t)wanted * STEP) return false;
        if (held_next_at(t, pos) != (got == NULL ? UINT64_MAX : got->pos > pos ? got->pos : pos)) return false;
    }
    return true;
}

static bool all_agree(held_tree *t, const uint8_t *there, uint32_t n)
{
    uint32_t i = 0, nodes = 0;
    for (const held *h = held_first(t); h != NULL; h = held_next(t, h), i++, nodes++) {
        while (i < n && !there[i]) i++;
        if (i == n || h->pos != (uint64_t)i * STEP) return false;
    }
    while (i < n && !there[i]) i++;
    return i == n && nodes == t->nodes && t->data == (uint64_t)nodes * LENGTH;
}

/* Puts n nodes in and takes them out again; `sabotage` (not 0) takes one out of the model only. */
static bool run(order in, order out, uint32_t n, uint64_t seed, uint32_t sabotage)
{
    static const uint8_t bytes[LENGTH] = {1, 2};
    held_tree t = {0};
    held_pools pools;
    bool good = true;
    uint8_t *there = calloc(n, 1);
    uint32_t *first = numbers(in, n, seed), *second = numbers(out, n, seed + 1);
    if (there == NULL) abort();
    held_pools_init(&pools);
    for (uint32_t i = 0; i < n; i++) {
        held *h = held_new(&pools, (uint64_t)first[i] * STEP, bytes, LENGTH, (tl_at){1, 1, 1});
        if (h == NULL || !held_insert(&pools, &t, h)) abort();
        there[first[i]] = i + 1 != sabotage;
        good = good && agrees(&t, there, n, first[i]) && agrees(&t, there, n, (uint32_t)(next_random(&seed) % n));
    }
    good = good && all_agree(&t, there, n);
    if (n >= 1000 && t.bytes > (size_t)n * (BOOKKEEPING_MOST + LENGTH)) good = false;
    for (uint32_t i = 0; i < n; i++) {
        held *h = held_at(&t, (uint64_t)second[i] * STEP);
        if (h == NULL || h->pos != (uint64_t)second[i] * STEP) abort();
        held_remove(&pools, &t, h);
        held_delete(&pools, h);
        there[second[i]] = 0;
        good = good && agrees(&t, there, n, second[i]);
        if (i == n / 2) good = good && all_agree(&t, there, n);
    }
    good = good && t.nodes == 0 && t.bytes == 0 && t.data == 0 && held_first(&t) == NULL && held_at(&t, 0) == NULL;
    held_clear(&pools, &t);
    held_pools_clear(&pools);
    free(there);
    free(first);
    free(second);
    return good;
}

static void any_order(void)
{
    static const uint32_t sizes[] = {1, 2, 3, 4, 5, 63, 64, 65, 66, 128, 1000, 4095, 4097, 12000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (order in = 0; in < ORDERS; in++)
            for (order out = 0; out < ORDERS; out++) {
                bool good = run(in, out, sizes[i], 7 * i + in, 0);
                if (!good) printf("\n%u nodes, order %d in, %d out\n", sizes[i], (int)in, (int)out);
                CU_ASSERT_TRUE(good);
            }
}

/* In and out by chance, so that pages are filled, emptied and filled again. */
static void in_and_out(void)
{
    enum { N = 3000, MOVES = 60000 };
    static uint8_t there[N];
    static const uint8_t bytes[LENGTH] = {1, 2};
    held_tree t = {0};
    held_pools pools;
    uint64_t seed = 99;
    bool good = true;
    memset(there, 0, sizeof there);
    held_pools_init(&pools);
    for (unsigned i = 0; i < MOVES; i++) {
        uint32_t at = (uint32_t)(next_random(&seed) % N), most = i / 10000 % 2 ? N / 8 : N;
        if (there[at] || at >= most) {
            held *h = held_at(&t, (uint64_t)at * STEP);
            if (!there[at]) continue;
            held_remove(&pools, &t, h);
            held_delete(&pools, h);
            there[at] = 0;
        } else {
            held *h = held_new(&pools, (uint64_t)at * STEP, bytes, LENGTH, (tl_at){1, 1, 1});
            if (h == NULL || !held_insert(&pools, &t, h)) abort();
            there[at] = 1;
        }
        good = good && agrees(&t, there, N, at);
        if (i % 5000 == 0) good = good && all_agree(&t, there, N);
    }
    CU_ASSERT_TRUE(good);
    held_clear(&pools, &t);
    held_pools_clear(&pools);
    CU_ASSERT(t.bytes == 0 && t.nodes == 0);
}

/* ---- cuts, and data put over them ---- */

enum { SPACE = 2000 };

/* What a position is covered by; a node that lies next to another of its kind may be one or two. */
typedef enum cover { NOTHING, CUT, DATA } cover;

static bool covers(held_tree *t, const cover *model)
{
    uint64_t at = 0, data = 0;
    for (const held *h = held_first(t); h != NULL; h = held_next(t, h)) {
        for (; at < h->pos; at++)
            if (model[at] != NOTHING) return false;
        for (; at < h->pos + h->n; at++)
            if (model[at] != (h->cut ? CUT : DATA) || held_at(t, at) != h || held_next_at(t, at) != at) return false;
        if (!h->cut) data += h->n;
    }
    for (; at < SPACE; at++)
        if (model[at] != NOTHING || held_at(t, at) != NULL) return false;
    return data == t->data;
}

/* Cuts where nothing is, data over cuts and into holes, some of it taken out again.  `sabotage` (not 0): that punch goes a byte too far. */
static bool punches(uint64_t seed, unsigned sabotage)
{
    static const uint8_t bytes[64];
    static cover model[SPACE];
    held_tree t = {0};
    held_pools pools;
    bool good = true;
    unsigned punched = 0;
    memset(model, 0, sizeof model);
    held_pools_init(&pools);
    for (unsigned move = 0; good && move < 6000; move++) {
        uint64_t from = next_random(&seed) % SPACE, to = from + 1 + next_random(&seed) % 40;
        bool cut = next_random(&seed) % 2 == 0;
        if (next_random(&seed) % 4 == 0) { /* out with whoever is there */
            held *h = held_at(&t, from);
            if (h == NULL) continue;
            for (uint64_t at = h->pos; at < h->pos + h->n; at++) model[at] = NOTHING;
            held_remove(&pools, &t, h);
            held_delete(&pools, h);
        } else {
            uint64_t end = from;
            while (end < to && end < SPACE && (model[end] == NOTHING || (!cut && model[end] == CUT))) end++;
            if (end == from) continue;
            if (!cut && !held_punch(&pools, &t, from, end + (++punched == sabotage))) abort();
            held *h = held_new(&pools, from, cut ? NULL : bytes, (uint32_t)(end - from), (tl_at){1, 1, 1});
            if (h == NULL || !held_insert(&pools, &t, h)) abort();
            for (uint64_t at = from; at < end; at++) model[at] = cut ? CUT : DATA;
        }
        if (move % 16 == 0 || sabotage != 0) good = covers(&t, model);
    }
    good = good && covers(&t, model) && punched > 500;
    held_clear(&pools, &t);
    good = good && t.bytes == 0 && t.nodes == 0 && t.data == 0;
    held_pools_clear(&pools);
    return good;
}

static void cuts_give_way(void)
{
    for (uint64_t seed = 1; seed < 6; seed++) CU_ASSERT_TRUE(punches(seed, 0));
}

static void the_checker_can_fail(void)
{
    bool caught = false; /* not every punch has a cut behind it */
    for (unsigned i = 1; i < 40; i++) caught = caught || !punches(3, i);
    CU_ASSERT_TRUE(caught);
    CU_ASSERT_FALSE(run(ORDER_ANY, ORDER_ANY, 500, 1, 250));
    CU_ASSERT_FALSE(run(ORDER_UP, ORDER_DOWN, 65, 1, 65));
}

int main(void)
{
    return tl_run_cases("ranges", (const tl_case[]){{"any order", any_order},
                                                    {"in and out", in_and_out},
                                                    {"cuts give way", cuts_give_way},
                                                    {"the checker can fail", the_checker_can_fail},
                                                    {0}});
}
