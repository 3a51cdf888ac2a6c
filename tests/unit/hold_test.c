/*
** hold_test.c - events that wait (hold.h) and bytes that wait (carry.h), against plain copies of them.
*/
#include "message/carry.h"
#include "message/hold.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

static unsigned long long seed;

static unsigned roll(unsigned n)
{
    return (unsigned)(tl_random(&seed) >> 33) % n;
}

static tl_piece piece_of(tl_dir dir, const uint8_t *p, size_t n)
{
    return (tl_piece){.kind = TL_EV_BYTES, .dir = dir, .bytes = p, .length = n, .at = {.frame = 1}};
}

/* Two queues of bytes, and what the hold says of them after each step. */
static void holds_what_was_pushed(void)
{
    static uint8_t model[2][1 << 16], next;
    for (seed = 1; seed < 200; seed += 2) {
        tl_hold *h = tl_hold_new(NULL);
        size_t from[2] = {100, 100}, to[2] = {100, 100}; /* model[from .. to) waits */
        CU_ASSERT_PTR_NOT_NULL_FATAL(h);
        for (int step = 0; step < 300; step++) {
            tl_dir dir = (tl_dir)roll(2);
            tl_piece *front = tl_hold_front(h, dir);
            unsigned what = roll(8);
            size_t n = 1 + roll(40);
            if (what < 4) {
                uint8_t bytes[40];
                for (size_t i = 0; i < n; i++) model[dir][to[dir] + i] = bytes[i] = next++;
                tl_piece p = piece_of(dir, bytes, n);
                CU_ASSERT_EQUAL_FATAL(tl_hold_push(h, &p), TL_OK);
                to[dir] += n;
            } else if (what == 4 && n < from[dir]) {
                for (size_t i = 0; i < n; i++) model[dir][from[dir] - n + i] = next++;
                tl_piece p = piece_of(dir, model[dir] + from[dir] - n, n);
                CU_ASSERT_EQUAL_FATAL(tl_hold_unshift(h, &p), TL_OK);
                from[dir] -= n;
            } else if (front != NULL) {
                if (n > front->length) n = (size_t)front->length;
                CU_ASSERT(memcmp(front->bytes, model[dir] + from[dir], n) == 0);
                tl_piece_take(front, n);
                from[dir] += n;
                if (front->length == 0) tl_hold_pop(h, dir);
            }
            size_t waiting = 0;
            for (int d = 0; d < 2; d++) {
                tl_span all = tl_hold_first_bytes(h, (tl_dir)d);
                waiting += to[d] - from[d];
                CU_ASSERT_FATAL(all.n == to[d] - from[d]);
                CU_ASSERT_FATAL(all.n == 0 || memcmp(all.p, model[d] + from[d], all.n) == 0);
                CU_ASSERT((tl_hold_front(h, (tl_dir)d) == NULL) == (all.n == 0));
            }
            CU_ASSERT_EQUAL_FATAL(tl_hold_bytes(h), waiting);
            CU_ASSERT(tl_hold_memory(h) < 1024 + 40 * waiting + 64 * 1024);
        }
        tl_hold_free(h);
    }
}

/* In and out at the same pace for long: room is used again. */
static void room_is_used_again(void)
{
    tl_hold *h = tl_hold_new(NULL);
    uint8_t bytes[100] = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    for (int i = 0; i < 10000; i++) {
        tl_piece p = piece_of(TL_S2C, bytes, sizeof bytes);
        CU_ASSERT_EQUAL_FATAL(tl_hold_push(h, &p), TL_OK);
        if (i >= 3) tl_hold_pop(h, TL_S2C);
    }
    CU_ASSERT_EQUAL(tl_hold_pieces(h), 3);
    CU_ASSERT(tl_hold_memory(h) < 5000);
    tl_hold_free(h);
}

static void first_bytes_pass_over_holes(void)
{
    tl_hold *h = tl_hold_new(NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    tl_piece gap = {.kind = TL_EV_GAP, .dir = TL_C2S, .length = 9}, ab = piece_of(TL_C2S, (const uint8_t *)"ab", 2);
    const tl_piece *order[] = {&gap, &gap, &ab, &ab, &gap, &ab};
    for (size_t i = 0; i < 6; i++) CU_ASSERT_EQUAL_FATAL(tl_hold_push(h, order[i]), TL_OK);
    tl_span first = tl_hold_first_bytes(h, TL_C2S);
    CU_ASSERT(first.n == 4 && memcmp(first.p, "abab", 4) == 0);
    CU_ASSERT(tl_hold_first_bytes(h, TL_S2C).n == 0 && tl_hold_first_bytes(NULL, TL_C2S).n == 0);
    tl_hold_free(h);
}

/* Bytes come in pieces, are added in part and taken in part: what is in the carry and then in the piece is always the rest of the stream.
 */
static void a_carry_and_its_piece_are_the_stream(void)
{
    uint8_t stream[2000];
    for (size_t i = 0; i < sizeof stream; i++) stream[i] = (uint8_t)(i * 7 + i / 256);
    for (seed = 1; seed < 400; seed += 2) {
        tl_carry *c = NULL;
        size_t at = 0; /* the first byte that was not taken */
        for (size_t told = 0; told < sizeof stream;) {
            size_t n = 1 + roll(90);
            if (n > sizeof stream - told) n = sizeof stream - told;
            uint8_t *bytes = tl_exact(stream + told, n);
            tl_piece p = piece_of(TL_C2S, bytes, n);
            told += n;
            p.at.frame = told;
            if (c != NULL) tl_carry_settle(c);
            while (p.length > 0) {
                CU_ASSERT_EQUAL_FATAL(tl_carry_add(&c, &p, 1 + roll((unsigned)p.length)), TL_OK);
                if (roll(2)) {
                    size_t take = roll((unsigned)c->n + 1);
                    tl_carry_take(&c, &p, take);
                    at += take;
                }
                size_t in_carry = c != NULL ? c->n : 0;
                CU_ASSERT_FATAL(at + in_carry + p.length == told);
                CU_ASSERT(c == NULL || memcmp(tl_carry_span(c).p, stream + at, in_carry) == 0);
                for (size_t i = 0; i < in_carry; i++) { /* a frame's number is where its bytes end */
                    uint64_t frame = tl_carry_look(c, i)->at.frame;
                    CU_ASSERT_FATAL(at + i < frame && at + i + 90 >= frame);
                    if (i > 0) CU_ASSERT(frame == tl_carry_look(c, i - 1)->at.frame || tl_carry_look(c, i - 1)->at.frame == at + i);
                }
                CU_ASSERT(memcmp(p.bytes, stream + at + in_carry, (size_t)p.length) == 0);
            }
            free(bytes);
        }
        CU_ASSERT_EQUAL(at + (c != NULL ? c->n : 0), sizeof stream);
        tl_carry_free(c);
    }
}

int main(void)
{
    return tl_run_cases("hold", (const tl_case[]){
                                    {"holds what was pushed", holds_what_was_pushed},
                                    {"room is used again", room_is_used_again},
                                    {"first bytes pass over holes", first_bytes_pass_over_holes},
                                    {"a carry and its piece are the stream", a_carry_and_its_piece_are_the_stream},
                                    {NULL, NULL},
                                });
}
