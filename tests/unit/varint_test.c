/*
** varint_test.c - every length there and back, and nothing believed that is cut or too long.
*/
#include "base/varint.h"
#include "support/check.h"

#include <stdlib.h>

static void there_and_back(void)
{
    for (unsigned bits = 0; bits < 64; bits++) {
        uint64_t around = (uint64_t)1 << bits;
        for (int add = -1; add <= 1; add++) {
            uint64_t v = around + (uint64_t)add, got = ~v;
            uint8_t buffer[TL_VARINT_MAX];
            size_t n = tl_varint_put(buffer, v);
            CU_ASSERT_FATAL(n >= 1 && n <= TL_VARINT_MAX);
            for (size_t cut = 0; cut <= n; cut++) {
                uint8_t *exact = tl_exact(buffer, cut);
                CU_ASSERT_EQUAL(tl_varint_get(tl_span_of(exact, cut), &got), cut == n ? n : 0);
                free(exact);
            }
            CU_ASSERT_EQUAL(got, v);
        }
    }
}

static void sizes(void)
{
    static const struct {
        uint64_t v;
        size_t n;
    } cases[] = {{0, 1}, {127, 1}, {128, 2}, {16383, 2}, {16384, 3}, {UINT32_MAX, 5}, {INT64_MAX, 9}, {UINT64_MAX, 10}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint8_t buffer[TL_VARINT_MAX];
        CU_ASSERT_EQUAL(tl_varint_put(buffer, cases[i].v), cases[i].n);
    }
}

static void what_does_not_fit_is_refused(void)
{
    uint64_t got;
    uint8_t over[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0};
    CU_ASSERT_EQUAL(tl_varint_get(tl_span_of(over, 10), &got), 0);
    over[9] = 0x80;
    CU_ASSERT_EQUAL(tl_varint_get(tl_span_of(over, 11), &got), 0);
    over[9] = 0x01;
    CU_ASSERT_EQUAL(tl_varint_get(tl_span_of(over, 11), &got), 10);
    CU_ASSERT_EQUAL(got, UINT64_MAX);
}

static void signed_numbers(void)
{
    static const struct {
        int64_t v;
        uint64_t folded;
    } cases[] = {{0, 0}, {-1, 1}, {1, 2}, {-2, 3}, {2, 4}, {INT64_MAX, UINT64_MAX - 1}, {INT64_MIN, UINT64_MAX}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        CU_ASSERT_EQUAL(tl_zigzag(cases[i].v), cases[i].folded);
        CU_ASSERT_EQUAL(tl_unzigzag(cases[i].folded), cases[i].v);
    }
}

int main(void)
{
    return tl_run_cases("varint", (const tl_case[]){{"there and back", there_and_back},
                                                    {"sizes", sizes},
                                                    {"what does not fit is refused", what_does_not_fit_is_refused},
                                                    {"signed numbers", signed_numbers},
                                                    {0}});
}
