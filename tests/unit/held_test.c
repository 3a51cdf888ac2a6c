/*
** held_test.c - what a flow holds back: chunks outlive batches, messages wait for their bytes and for each other, rows leave both out.
*/
#include "support/check.h"
#include "support/stage.h"

#include <stdlib.h>
#include <string.h>

static void ops_are(const tl_stage *s, const char *expected)
{
    char *ops = tl_stage_ops(s);
    CU_ASSERT_STRING_EQUAL(ops, expected);
    free(ops);
}

static const tl_row_session *part(tl_stage *s)
{
    s->info.layers = &s->layers;
    CU_ASSERT_EQUAL_FATAL(tl_batch_session_part(s->batch, s->flow, &s->info, ""), TL_OK);
    return tl_batch_session_at(s->batch, 0);
}

static void said(tl_stage *s, uint64_t number, tl_dir dir, uint64_t offset, uint64_t length)
{
    tl_message m = {.number = number, .dir = dir, .offset = offset, .length = length, .protocol = "turn", .kind = "turn"};
    char text[] = "some words";
    m.summary = tl_span_of(text, sizeof text - 1);
    m.detail = tl_span_of(text, 4);
    tl_stage_message(s, &m);
    memset(text, 'x', sizeof text); /* a message has its own */
}

static void outlives_batches(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 1);
    tl_stage_play(&s, "c bytes 0 ab 1; c gap 2 3 acked 2; c bytes 5 cd 3; s bytes 0 x 3");
    const tl_row_session *row = part(&s);
    ops_are(&s, "c chunk 0 ab 2@1\nc gap 2+3 acked @2");
    CU_ASSERT(row->add[0].stored == 2 && row->add[0].gap == 3 && row->add[1].stored == 0);
    CU_ASSERT(row->info.stream[0].captured_bytes == 2 && row->info.stream[0].length == 5);
    CU_ASSERT(row->info.stream[1].captured_bytes == 0 && row->info.stream[1].length == 0);
    tl_batch_reset(s.batch);

    tl_stage_play(&s, "c bytes 7 ef 4; c copy 5 cdxf 5");
    row = part(&s);
    ops_are(&s, "c stray 7+1 conflict x @5");
    CU_ASSERT(row->exists);
    CU_ASSERT(row->add[0].stored == 0 && row->add[0].duplicate == 3 && row->add[0].stray == 1);
    CU_ASSERT(row->info.stream[0].captured_bytes == 6 && row->info.stream[0].length == 5);
    tl_batch_reset(s.batch);

    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    row = tl_batch_session_at(s.batch, 0);
    ops_are(&s, "c chunk 5 cdef 2@3 2@4\ns chunk 0 x 1@3");
    CU_ASSERT(row->add[0].stored == 4 && row->add[1].stored == 1);
    CU_ASSERT(row->info.stream[0].captured_bytes == 10 && row->info.stream[0].length == 9);
    tl_stage_close(&s);
}

static void messages_wait(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 1);
    tl_stage_play(&s, "c bytes 0 ask 1; s bytes 0 answer 2");
    said(&s, 1, TL_C2S, 0, 3);
    said(&s, 2, TL_S2C, 0, 6);
    ops_are(&s, "");
    CU_ASSERT_PTR_NULL(tl_batch_touched(s.batch));
    tl_stage_play(&s, "s gap 6 4 acked 3"); /* the answer is stored, but not what it answers */
    ops_are(&s, "s chunk 0 answer 6@2\ns gap 6+4 acked @3");
    tl_stage_play(&s, "c gap 3 4 acked 4");
    ops_are(&s, "s chunk 0 answer 6@2\ns gap 6+4 acked @3\nc chunk 0 ask 3@1\nc message 0+3\ns message 0+6\nc gap 3+4 acked @4");
    const tl_op *op;
    for (size_t i = 0; (op = tl_batch_op_at(s.batch, i)) != NULL; i++) {
        if (op->kind != TL_OP_MESSAGE) continue;
        CU_ASSERT(op->message.summary.n == 10 && memcmp(op->message.summary.p, "some words", 10) == 0);
        CU_ASSERT(op->message.detail.n == 4 && memcmp(op->message.detail.p, "some", 4) == 0);
    }
    part(&s);
    tl_stage_close(&s);
}

/* The offsets of those that wait are told before the rebase moves what is stored. */
static void a_rebase_lets_go(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 1);
    tl_stage_play(&s, "c bytes 0 ask 1");
    said(&s, 1, TL_C2S, 0, 3);
    tl_stage_play(&s, "c rebase 5 2");
    ops_are(&s, "c chunk 0 ask 3@1\nc message 0+3\nc rebase 0+5 @2");
    part(&s);
    tl_stage_close(&s);
}

static void the_oldest_is_due(void)
{
    enum { FLOWS = 3 };
    tl_flows all = {0};
    tl_batch *b = tl_batch_new(1 << 20);
    tl_flow *f[FLOWS];
    tl_layers layers = {0};
    tl_event ev = {.kind = TL_EV_BYTES, .length = 100, .at = {.capture = 1, .frame = 1}};
    uint8_t *bytes = calloc(1, 100);
    ev.bytes = tl_span_of(bytes, 100);
    for (int i = 0; i < FLOWS; i++) {
        f[i] = tl_flow_new(NULL, (uint64_t)i + 1, NULL);
        tl_flow_join(f[i], &all);
        CU_ASSERT_PTR_EQUAL(tl_flows_due(&all, 0, 1000), i > 0 ? f[0] : NULL);
        CU_ASSERT_EQUAL_FATAL(tl_batch_event(b, f[i], &ev), TL_OK);
    }
    CU_ASSERT(all.bytes >= 300);
    CU_ASSERT_PTR_NULL(tl_flows_due(&all, all.bytes, 300));
    CU_ASSERT_PTR_EQUAL(tl_flows_due(&all, all.bytes, 199), f[0]); /* 200 bytes came after its first */
    tl_session_info info = {.id = 1, .layers = &layers, .stream[0] = {.captured_bytes = 100, .length = 100}};
    CU_ASSERT_EQUAL(tl_batch_session(b, f[0], &info, ""), TL_OK);
    CU_ASSERT_PTR_EQUAL(tl_flows_due(&all, 0, 1000), f[1]);
    tl_flow_free(f[2]);
    tl_flow_free(f[1]);
    CU_ASSERT_PTR_NULL(tl_flows_due(&all, 0, 0));
    CU_ASSERT_EQUAL(all.bytes, 0);
    ev.offset = 100;
    CU_ASSERT_EQUAL_FATAL(tl_batch_event(b, f[0], &ev), TL_OK);
    CU_ASSERT_PTR_EQUAL(tl_flows_due(&all, 0, 1000), f[0]);
    tl_flow_free(f[0]);
    CU_ASSERT_EQUAL(all.bytes, 0);
    tl_batch_free(b);
    free(bytes);
}

int main(void)
{
    return tl_run_cases("held", (const tl_case[]){{"chunks outlive batches", outlives_batches},
                                                  {"messages wait for their bytes", messages_wait},
                                                  {"a rebase lets go", a_rebase_lets_go},
                                                  {"the oldest is due", the_oldest_is_due},
                                                  {0}});
}
