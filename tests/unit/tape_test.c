/*
** tape_test.c - what goes on a tape comes from it, until it is full.
*/
#include "stream/tape.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { MOST = 4096 };

static tl_event bytes(uint64_t offset, const char *text, size_t n)
{
    return (tl_event){.kind = TL_EV_BYTES,
                      .dir = TL_S2C,
                      .offset = offset,
                      .length = n,
                      .bytes = tl_span_of((const uint8_t *)text, n),
                      .peer_acked = 12345678901,
                      .at = {.ns = -5, .frame = 77, .capture = 3}};
}

static void same(const tl_event *a, const tl_event *b)
{
    CU_ASSERT(a->kind == b->kind && a->dir == b->dir && a->why == b->why && a->front == b->front);
    CU_ASSERT(a->offset == b->offset && a->length == b->length && a->peer_acked == b->peer_acked);
    CU_ASSERT(a->at.ns == b->at.ns && a->at.frame == b->at.frame && a->at.capture == b->at.capture);
    CU_ASSERT_FATAL(a->bytes.n == b->bytes.n);
    CU_ASSERT(a->bytes.n == 0 || memcmp(a->bytes.p, b->bytes.p, a->bytes.n) == 0);
}

static void comes_back(void)
{
    tl_tape t = {0};
    tl_event out, in[6] = {bytes(0, "abc", 3), bytes(3, "", 0), bytes(UINT64_C(1) << 40, "defgh", 5), bytes(8, "x", 1)};
    in[4] = (tl_event){.kind = TL_EV_GAP, .why = TL_WHY_SNAPLEN, .offset = 9, .length = UINT64_C(1) << 50, .told = {.frame = 9}};
    in[4].before.frame = 4;
    in[4].after = (tl_at){.ns = 1, .frame = 8, .capture = 2};
    in[5] = (tl_event){.kind = TL_EV_CLOSE, .dir = TL_S2C, .why = TL_WHY_FIN, .at = {.frame = 80}};
    in[3].front = true;
    for (size_t i = 0; i < 6; i++) CU_ASSERT(tl_tape_takes(&t, &in[i]) && tl_tape_add(&t, NULL, &in[i]) == TL_OK);
    tl_span rest = tl_span_of(t.p, t.n);
    for (size_t i = 0; i < 6; i++) {
        CU_ASSERT_FATAL(tl_tape_next(&rest, &out));
        same(&in[i], &out);
        CU_ASSERT(i != 4 || (out.before.frame == 4 && out.after.ns == 1 && out.after.capture == 2 && out.told.frame == 9));
    }
    CU_ASSERT_FALSE(tl_tape_next(&rest, &out));
    tl_tape_free(&t, NULL);
    CU_ASSERT(t.p == NULL && t.n == 0 && t.room == 0);
}

/* Whatever the pieces: it takes what fits, to the last byte, and grows no further. */
static void is_short(void)
{
    static const char text[MOST];
    for (size_t n = 0; n <= MOST + 100; n += n < 60 ? 1 : 501) {
        tl_tape t = {0};
        tl_event ev = bytes(0, text, n);
        size_t count = 0;
        while (tl_tape_takes(&t, &ev) && tl_tape_add(&t, NULL, &ev) == TL_OK) count++;
        CU_ASSERT(count == MOST / (40 + (n + 7) / 8 * 8) && t.n <= t.room && t.room <= MOST);
        tl_tape_free(&t, NULL);
    }
}

static void what_has_to_be_looked_at_now(void)
{
    tl_tape t = {0};
    tl_event copy = bytes(0, "abc", 3);
    copy.kind = TL_EV_COPY;
    CU_ASSERT(tl_tape_takes(&t, &copy));
    copy.kept = copy.bytes.p; /* the session holds them for the moment */
    CU_ASSERT_FALSE(tl_tape_takes(&t, &copy));
}

int main(void)
{
    return tl_run_cases("tape", (const tl_case[]){{"what goes on a tape comes from it", comes_back},
                                                  {"a tape is short", is_short},
                                                  {"a copy of what the session holds is not taken", what_has_to_be_looked_at_now},
                                                  {0}});
}
