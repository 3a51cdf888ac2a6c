/*
** flow_test.c - events become ops: chunks and their arrivals, gaps, copies, strays, rebases; and the counts that go with them.
*/
#include "support/check.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct play {
    const char *name, *script, *ops, *counts;
} play;

static const play plays[] = {
    {"contiguous bytes join", "c bytes 0 hello 1; c bytes 5 world 2", "c chunk 0 helloworld 5@1 5@2", "c 10 0 0 0 s 0 0 0 0"},
    {"two runs of one frame are one arrival", "c bytes 0 he 1; c bytes 2 llo 1; c bytes 5 x 2", "c chunk 0 hellox 5@1 1@2",
     "c 6 0 0 0 s 0 0 0 0"},
    {"frames out of order", "c bytes 0 aa 9; c bytes 2 bb 4; c bytes 4 cc 7", "c chunk 0 aabbcc 2@9 2@4 2@7", "c 6 0 0 0 s 0 0 0 0"},
    {"acknowledgements go along", "c bytes 0 aa 1/0; c bytes 2 bb 2/500; c bytes 4 cc 3/400", "c chunk 0 aabbcc 2@1 2@2/500 2@3/400",
     "c 6 0 0 0 s 0 0 0 0"},
    {"directions do not mix", "c bytes 0 ask 1; s bytes 0 answer 2; c bytes 3 more 3", "c chunk 0 askmore 3@1 4@3\ns chunk 0 answer 6@2",
     "c 7 0 0 0 s 6 0 0 0"},
    {"a hole closes the chunk", "c bytes 0 aa 1; c gap 2 10 acked 5; c bytes 12 bb 4",
     "c chunk 0 aa 2@1\nc gap 2+10 acked @5\nc chunk 12 bb 2@4", "c 4 10 0 0 s 0 0 0 0"},
    {"another capture closes the chunk", "c bytes 0 aa 1:7; c bytes 2 bb 2:1", "c chunk 0 aa 2@7\nc chunk 2 bb 2@1", "c 4 0 0 0 s 0 0 0 0"},
    {"gaps with one reason join", "c gap 0 5 acked 3; c gap 5 7 acked 4", "c gap 0+12 acked @4", "c 0 12 0 0 s 0 0 0 0"},
    {"gaps with two reasons do not", "c gap 0 5 acked 3; c gap 5 7 fin 4", "c gap 0+5 acked @3\nc gap 5+7 fin @4", "c 0 12 0 0 s 0 0 0 0"},
    {"gaps with bytes between do not", "c gap 0 5 acked 3; c bytes 5 x 4; c gap 6 7 acked 5",
     "c gap 0+5 acked @3\nc chunk 5 x 1@4\nc gap 6+7 acked @5", "c 1 12 0 0 s 0 0 0 0"},

    {"a copy of the open chunk", "c bytes 0 hello 1; c copy 1 ell 2; c bytes 5 x 3", "c chunk 0 hellox 5@1 1@3", "c 6 0 3 0 s 0 0 0 0"},
    {"a copy that differs in the middle", "c bytes 0 hello 1; c copy 0 hexxo 2", "c stray 2+2 conflict xx @2\nc chunk 0 hello 5@1",
     "c 5 0 3 2 s 0 0 0 0"},
    {"a stray runs from the first to the last difference", "c bytes 0 hello 1; c copy 0 Hellp 2",
     "c stray 0+5 conflict Hellp @2\nc chunk 0 hello 5@1", "c 5 0 0 5 s 0 0 0 0"},
    {"a keep-alive byte that differs", "c bytes 0 hello 1; c keep 4 x 2", "c stray 4+1 keep_alive x @2\nc chunk 0 hello 5@1",
     "c 5 0 0 1 s 0 0 0 0"},
    {"a keep-alive byte that is the same", "c bytes 0 hello 1; c keep 4 o 2", "c chunk 0 hello 5@1", "c 5 0 1 0 s 0 0 0 0"},
    {"the session still holds what wins", "c held 7 hexxo hello 2", "c stray 9+2 conflict xx @2", "c 0 0 3 2 s 0 0 0 0"},
    {"a copy over two chunks of the batch", "c bytes 0 aa 1:1; c bytes 2 bb 2:1; c copy 1 ab 2:2", "c chunk 0 aa 2@1\nc chunk 2 bb 2@1",
     "c 4 0 2 0 s 0 0 0 0"},
    {"differences in two chunks are one stray", "c bytes 0 aa 1:1; c bytes 2 bb 2:1; c copy 0 axyb 2:2",
     "c chunk 0 aa 2@1\nc stray 1+2 conflict xy @2\nc chunk 2 bb 2@1", "c 4 0 2 2 s 0 0 0 0"},
    {"a copy over a gap is the store's", "c gap 0 5 acked 1; c copy 1 xy 2", "c gap 0+5 acked @1\nc copy 1+2 conflict xy @2",
     "c 0 5 0 0 s 0 0 0 0"},
    {"a copy half over a gap: each half to its own", "c gap 0 2 acked 1; c bytes 2 ab 2; c copy 0 xyab 3",
     "c gap 0+2 acked @1\nc copy 0+2 conflict xy @3\nc chunk 2 ab 2@2", "c 2 2 2 0 s 0 0 0 0"},
    {"a copy that ends beyond the chunk waits for it", "c bytes 0 ab 1; c copy 1 bcd 2", "c chunk 0 ab 2@1\nc copy 1+3 conflict bcd @2",
     "c 2 0 0 0 s 0 0 0 0"},
    {"a copy of an earlier batch", "c bytes 0 abcd 1; hand; c bytes 4 efgh 2; c copy 2 cdef 3",
     "c copy 2+2 conflict cd @3\nc chunk 4 efgh 4@2", "c 4 0 2 0 s 0 0 0 0"},
    {"payload of a RST", "c bytes 0 ab 1; c stray 2 no rst 2", "c stray 2+2 rst no @2\nc chunk 0 ab 2@1", "c 2 0 0 2 s 0 0 0 0"},
    {"before the start", "c stray -4 xx before_start 2", "c stray -4+2 before_start xx @2", "c 0 0 0 2 s 0 0 0 0"},
    {"a rebase closes both chunks", "c bytes 0 cd 1; s bytes 0 yes 2/2; c rebase 2 3; c bytes 0 ab 4",
     "c chunk 0 cd 2@1\ns chunk 0 yes 3@2/2\nc rebase 0+2 @3\nc chunk 0 ab 2@4", "c 4 0 0 0 s 3 0 0 0"},
    {"after a rebase the batch's chunks are no oracle", "c bytes 0 cd 1; c rebase 2 3; c copy 0 cd 4",
     "c chunk 0 cd 2@1\nc rebase 0+2 @3\nc copy 0+2 conflict cd @4", "c 2 0 0 0 s 0 0 0 0"},
};

static void plays_scripts(void)
{
    for (size_t i = 0; i < sizeof plays / sizeof *plays; i++) {
        tl_stage s;
        tl_stage_open(&s, NULL, 1);
        s.info.layers = &s.layers;
        tl_stage_play(&s, plays[i].script);
        CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
        char *ops = tl_stage_ops(&s), *counts = tl_stage_counts(&s);
        if (strcmp(ops, plays[i].ops) != 0) printf("\n%s:\n%s\nexpected\n%s\n", plays[i].name, ops, plays[i].ops);
        if (strcmp(counts, plays[i].counts) != 0) printf("\n%s: %s expected %s\n", plays[i].name, counts, plays[i].counts);
        CU_ASSERT_STRING_EQUAL(ops, plays[i].ops);
        CU_ASSERT_STRING_EQUAL(counts, plays[i].counts);
        free(ops);
        free(counts);
        tl_stage_close(&s);
    }
}

/* What one chunk's row needs of a 32 KiB page at most: two overflow pages and the local part. */
enum { ROW = 4087 + 2 * 32764, COLUMNS = 64 };

static void push(tl_stage *s, uint64_t offset, const uint8_t *p, size_t n, uint64_t frame)
{
    tl_event ev = {.kind = TL_EV_BYTES, .offset = offset, .length = n, .bytes = tl_span_of(p, n)};
    ev.at = (tl_at){.ns = (int64_t)frame * 1000003, .frame = frame, .capture = 1};
    CU_ASSERT_EQUAL_FATAL(tl_batch_event(s->batch, s->flow, &ev), TL_OK);
}

/* Segments of `step` bytes each: the chunks tile them, their bytes and arrivals are the ones pushed, and every row fits its pages. */
static void fills_chunks(void)
{
    static const size_t steps[] = {1, 7, 64, 65, 1460, 65535};
    enum { TOTAL = 300000 };
    uint8_t *all = malloc(TOTAL);
    for (size_t i = 0; i < TOTAL; i++) all[i] = (uint8_t)(i * 7 + (i >> 8));
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        tl_stage s;
        tl_stage_open(&s, NULL, 1);
        s.info.layers = &s.layers;
        uint64_t frame = 0;
        for (size_t at = 0; at < TOTAL; at += steps[k]) {
            size_t n = steps[k] < TOTAL - at ? steps[k] : TOTAL - at;
            uint8_t *exact = tl_exact(all + at, n);
            push(&s, at, exact, n, ++frame);
            free(exact);
        }
        CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
        uint64_t at = 0;
        const tl_op *op;
        for (size_t i = 0; (op = tl_batch_op_at(s.batch, i)) != NULL; i++) {
            const tl_op_chunk *c = &op->chunk;
            CU_ASSERT_EQUAL_FATAL(op->kind, TL_OP_CHUNK);
            CU_ASSERT_EQUAL_FATAL(c->offset, at);
            CU_ASSERT_FATAL(c->raw_size > 0 && at + c->raw_size <= TOTAL);
            CU_ASSERT(memcmp(c->data, all + at, c->raw_size) == 0);
            CU_ASSERT(c->raw_size + c->arrivals_size + COLUMNS <= ROW);
            /* The last one may lie in three rows (fit_test.c). */
            bool tail = tl_batch_op_at(s.batch, i + 3) == NULL;
            if (!tail) CU_ASSERT(c->raw_size + c->arrivals_size > ROW - 1000);
            tl_span in = tl_span_of(c->arrivals, c->arrivals_size);
            tl_arrival a = {.frame = c->first_frame, .ns = c->first_ns};
            uint64_t to = at;
            while (tl_arrival_next(&in, &a)) {
                CU_ASSERT_EQUAL(a.frame, to / steps[k] + 1);
                CU_ASSERT_EQUAL(a.ns, (int64_t)a.frame * 1000003);
                to += a.bytes;
            }
            CU_ASSERT_EQUAL(in.n, 0);
            CU_ASSERT_EQUAL(to, at + c->raw_size);
            at = to;
        }
        CU_ASSERT_EQUAL(at, TOTAL);
        tl_stage_close(&s);
    }
    free(all);
}

static void keeps_smallest_and_largest(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 1);
    s.info.layers = &s.layers;
    tl_stage_play(&s, "c bytes 0 aa 9; c bytes 2 bb 4; c bytes 4 cc 12; c bytes 6 dd 7");
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    const tl_op_chunk *c = &tl_batch_op_at(s.batch, 0)->chunk;
    CU_ASSERT_EQUAL(c->first_frame, 4);
    CU_ASSERT_EQUAL(c->last_frame, 12);
    CU_ASSERT_EQUAL(c->first_ns, 4000);
    CU_ASSERT_EQUAL(c->last_ns, 12000);
    tl_stage_close(&s);
}

static void refuses_damaged_arrivals(void)
{
    tl_arrival start = {.frame = 5, .ns = -7}, a = {.bytes = UINT64_MAX, .frame = 1, .ns = INT64_MAX, .peer_acked = UINT64_MAX}, b = start;
    uint8_t out[TL_ARRIVAL_MAX];
    size_t n = tl_arrival_put(out, &start, &a);
    CU_ASSERT(n <= sizeof out);
    tl_span whole = tl_span_of(out, n);
    CU_ASSERT(tl_arrival_next(&whole, &b));
    CU_ASSERT_EQUAL(whole.n, 0);
    CU_ASSERT(b.bytes == a.bytes && b.frame == a.frame && b.ns == a.ns && b.peer_acked == a.peer_acked);
    for (size_t cut = 0; cut < n; cut++) {
        uint8_t *exact = tl_exact(out, cut);
        tl_span in = tl_span_of(exact, cut);
        tl_arrival c = start;
        CU_ASSERT_FALSE(tl_arrival_next(&in, &c));
        CU_ASSERT(in.n == cut && c.frame == start.frame);
        free(exact);
    }
}

/* The framer knows nothing of a rebase: what it tells afterwards moves here. */
static void moves_messages_after_a_rebase(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 1);
    s.info.layers = &s.layers;
    tl_stage_play(&s, "c bytes 0 cd 1; c rebase 100 3");
    tl_stage_message(&s, &(tl_message){.number = 1, .ordinal = 1, .offset = 5, .length = 2, .protocol = "turn", .kind = "turn"});
    tl_stage_message(&s, &(tl_message){.number = 2, .ordinal = 1, .dir = TL_S2C, .offset = 5, .length = 2, .peer_acked = 7});
    size_t at = 0;
    while (tl_batch_op_at(s.batch, at)->kind != TL_OP_MESSAGE) at++;
    const tl_op *op = tl_batch_op_at(s.batch, at), *next = tl_batch_op_at(s.batch, at + 1);
    CU_ASSERT_EQUAL(op->message.offset, 105);
    CU_ASSERT_EQUAL(op->message.peer_acked, 0);
    CU_ASSERT_EQUAL(next->message.offset, 5);
    CU_ASSERT_EQUAL(next->message.peer_acked, 107);
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    tl_stage_close(&s);
}

int main(void)
{
    return tl_run_cases("flow", (const tl_case[]){{"events become ops and counts", plays_scripts},
                                                  {"chunks fill their pages, whatever the segments", fills_chunks},
                                                  {"smallest and largest of a chunk's segments", keeps_smallest_and_largest},
                                                  {"arrivals: round trip and damage", refuses_damaged_arrivals},
                                                  {"messages after a rebase", moves_messages_after_a_rebase},
                                                  {0}});
}
