/*
** batch_test.c - the batch as a whole: rows of sessions, which flows owe one, fullness, and that a reset forgets.
*/
#include "support/check.h"
#include "support/stage.h"

#include <stdlib.h>
#include <string.h>

static void gives_each_flow_one_row(void)
{
    enum { FLOWS = 5 };
    tl_batch *b = tl_batch_new(1 << 20);
    tl_flow *f[FLOWS];
    int owner[FLOWS], asked = 0;
    tl_layers layers = {.n = 1, .kind = {TL_LAYER_VLAN}, .id = {7}};
    for (int i = 0; i < FLOWS; i++) {
        f[i] = tl_flow_new(NULL, (uint64_t)i + 1, &owner[i]);
        tl_event ev = {.kind = TL_EV_GAP, .length = 5, .why = TL_WHY_ACKED};
        for (int times = 0; times < 3; times++, ev.offset += 5) CU_ASSERT_EQUAL(tl_batch_event(b, f[i], &ev), TL_OK);
    }
    for (tl_flow *t; (t = tl_batch_touched(b)) != NULL; asked++) {
        int i = (int)((int *)tl_flow_owner(t) - owner);
        char history[] = "Sh";
        tl_session_info info = {.id = (uint64_t)i + 1, .layers = &layers, .history = history, .conn_state = "S1"};
        CU_ASSERT_EQUAL_FATAL(tl_batch_session(b, t, &info, "http"), TL_OK);
        history[0] = 'x'; /* the row has its own */
    }
    CU_ASSERT_EQUAL(asked, FLOWS);
    layers.n = 0;
    size_t rows = 0;
    for (const tl_row_session *row; (row = tl_batch_session_at(b, rows)) != NULL; rows++) {
        CU_ASSERT_FALSE(row->exists);
        CU_ASSERT_EQUAL(row->add[0].gap, 15);
        CU_ASSERT_STRING_EQUAL(row->info.history, "Sh");
        CU_ASSERT_STRING_EQUAL(row->protocol, "http");
        CU_ASSERT_EQUAL(row->info.layers->n, 1);
    }
    CU_ASSERT_EQUAL(rows, FLOWS);
    for (int i = 0; i < FLOWS; i++) tl_flow_free(f[i]);
    tl_batch_free(b);
}

static void updates_a_row_that_exists(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 9);
    s.info.layers = &s.layers;
    tl_stage_play(&s, "c bytes 0 abc 1");
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    tl_stage_play(&s, "c bytes 3 de 2; c stray 9 x rst 2"); /* after its row, in the same batch */
    CU_ASSERT_PTR_EQUAL(tl_batch_touched(s.batch), s.flow);
    s.info.closed = TL_WHY_FIN;
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    const tl_row_session *row = tl_batch_session_at(s.batch, 0);
    CU_ASSERT_PTR_NULL(tl_batch_session_at(s.batch, 1));
    CU_ASSERT_EQUAL(row->add[0].stored, 5);
    CU_ASSERT_EQUAL(row->info.closed, TL_WHY_FIN);
    CU_ASSERT_FALSE(row->exists);

    tl_batch_reset(s.batch);
    CU_ASSERT(tl_batch_empty(s.batch));
    tl_stage_play(&s, "c bytes 5 f 3");
    CU_ASSERT(tl_batch_empty(s.batch)); /* the flow has it still */
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    row = tl_batch_session_at(s.batch, 0);
    CU_ASSERT(row->exists);
    CU_ASSERT_EQUAL(row->add[0].stored, 1);
    tl_stage_close(&s);
}

/* A session that came back after its close has a new flow, but its row is there. */
static void knows_a_reopened_session(void)
{
    static const struct {
        const char *script;
        bool healed;
    } cases[] = {{"s stray 5 x rst 9", false}, {"c bytes 9 abc 9", true}, {"c gap 9 5 acked 9", true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_stage s;
        tl_stage_open(&s, NULL, 3);
        s.info.layers = &s.layers;
        s.info.reopened = true;
        tl_stage_play(&s, cases[i].script);
        CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
        CU_ASSERT(tl_batch_session_at(s.batch, 0)->exists);
        CU_ASSERT_EQUAL(tl_batch_session_at(s.batch, 0)->healed, cases[i].healed);
        tl_stage_close(&s);
    }
}

static void tells_when_it_is_full(void)
{
    tl_stage s;
    uint8_t *bytes = calloc(1, 1000);
    tl_stage_open(&s, NULL, 1);
    tl_event ev = {.kind = TL_EV_BYTES, .bytes = tl_span_of(bytes, 1000), .length = 1000, .at = {.capture = 1, .frame = 1}};
    unsigned n = 0;
    for (; !tl_batch_full(s.batch) && n < 5000; n++, ev.offset += 1000) CU_ASSERT_EQUAL(tl_batch_event(s.batch, s.flow, &ev), TL_OK);
    CU_ASSERT(n > 700 && n <= 1049); /* of 1 MiB: the rest is what buffers outgrew */
    CU_ASSERT_EQUAL(tl_batch_payload_bytes(s.batch), n * 1000);
    CU_ASSERT_EQUAL(tl_stage_hand_over(&s), TL_OK);
    CU_ASSERT_FALSE(tl_batch_full(s.batch));
    CU_ASSERT_EQUAL(tl_batch_payload_bytes(s.batch), 0);
    free(bytes);
    tl_stage_close(&s);
}

/* Many small sessions in one batch cost what they hold, not a full chunk each. */
static void is_small_for_small_sessions(void)
{
    tl_batch *b = tl_batch_new(1 << 20);
    tl_layers layers = {0};
    unsigned n = 0;
    for (; !tl_batch_full(b) && n < 5000; n++) {
        tl_flow *f = tl_flow_new(NULL, n + 1, NULL);
        tl_session_info info = {.id = n + 1, .layers = &layers, .history = "ShADad", .conn_state = "SF"};
        tl_event ev = {
            .kind = TL_EV_BYTES, .bytes = tl_span_of("GET / HTTP/1.0\r\n\r\n", 18), .length = 18, .at = {.capture = 1, .frame = 1}};
        for (int d = 0; d < 2; d++) {
            ev.dir = (tl_dir)d;
            CU_ASSERT_EQUAL_FATAL(tl_batch_event(b, f, &ev), TL_OK);
        }
        CU_ASSERT_EQUAL_FATAL(tl_batch_session(b, f, &info, "http"), TL_OK);
        tl_flow_free(f); /* its chunks are in the batch */
    }
    CU_ASSERT(n > 600);
    unsigned chunks = 0;
    const tl_op *op;
    for (size_t i = 0; (op = tl_batch_op_at(b, i)) != NULL; i++) {
        chunks++;
        CU_ASSERT(memcmp(op->chunk.data, "GET / HTTP/1.0\r\n\r\n", op->chunk.raw_size) == 0);
    }
    CU_ASSERT_EQUAL(chunks, 2 * n);
    tl_batch_free(b);
}

static void forgets_a_flow_that_is_freed(void)
{
    tl_batch *b = tl_batch_new(1 << 16);
    tl_flow *f[3];
    tl_event ev = {.kind = TL_EV_GAP, .length = 5, .why = TL_WHY_ACKED};
    for (int i = 0; i < 3; i++) {
        f[i] = tl_flow_new(NULL, (uint64_t)i + 1, NULL);
        CU_ASSERT_EQUAL(tl_batch_event(b, f[i], &ev), TL_OK);
    }
    tl_flow_free(f[1]);
    tl_flow *first = tl_batch_touched(b);
    CU_ASSERT(first == f[2] || first == f[0]);
    tl_batch_free(b); /* and the flows outlive the batch */
    tl_flow_free(f[0]);
    tl_flow_free(f[2]);
}

/* Numbers that differ in each digit that sort.c sorts by. */
static uint64_t flow_id(uint64_t i)
{
    return 7 + i * 1000003 + (i / 5 << 30);
}

/* Sessions speak in turn, the last one first: their rows and ops come by session, those of one as they were. */
static void orders_by_session(void)
{
    enum { FLOWS = 9, ROUNDS = 5 };
    tl_batch *b = tl_batch_new(1 << 20);
    tl_flow *f[FLOWS];
    for (uint64_t i = 0; i < FLOWS; i++) f[i] = tl_flow_new(NULL, flow_id(FLOWS - 1 - i), NULL);
    for (uint64_t round = 0; round < ROUNDS; round++)
        for (int i = 0; i < FLOWS; i++) {
            tl_event ev = {.kind = TL_EV_GAP, .offset = round * 10, .length = 5, .why = TL_WHY_ACKED}; /* apart: none joins */
            CU_ASSERT_EQUAL(tl_batch_event(b, f[i], &ev), TL_OK);
        }
    for (uint64_t i = 0; i < FLOWS; i++) {
        tl_session_info info = {.id = flow_id(FLOWS - 1 - i), .conn_state = "S1"};
        CU_ASSERT_EQUAL_FATAL(tl_batch_session(b, f[i], &info, ""), TL_OK);
    }
    tl_batch_items items;
    CU_ASSERT_EQUAL_FATAL(tl_batch_order(b, &items), TL_OK);
    uint64_t n = 0;
    for (const tl_batch_item *at = items.rows; at != items.rows_end; at++) {
        CU_ASSERT_EQUAL(at->session_id, flow_id(n++));
        CU_ASSERT_EQUAL(at->row->info.id, at->session_id);
    }
    CU_ASSERT_EQUAL(n, FLOWS);
    n = 0;
    for (const tl_batch_item *at = items.ops; at != items.ops_end; at++, n++) {
        CU_ASSERT_EQUAL(at->session_id, flow_id(n / ROUNDS));
        CU_ASSERT_EQUAL(at->op->session_id, at->session_id);
        CU_ASSERT_EQUAL(at->op->event.offset, n % ROUNDS * 10);
        CU_ASSERT(at->kind == TL_OP_GAP && !at->alone);
    }
    CU_ASSERT_EQUAL(n, FLOWS * ROUNDS);
    for (int i = 0; i < FLOWS; i++) tl_flow_free(f[i]);
    tl_batch_reset(b);
    CU_ASSERT_EQUAL(tl_batch_order(b, &items), TL_OK);
    CU_ASSERT(items.rows == items.rows_end && items.ops == items.ops_end);
    CU_ASSERT(tl_batch_empty(b));
    tl_batch_free(b);
}

/* A direction is told again only when something of it is new. */
static void tells_a_direction_once(void)
{
    tl_stage s;
    tl_stage_open(&s, NULL, 9);
    s.info.stream[0].packets = 3;
    s.info.stream[1].packets = 2;
    tl_stage_play(&s, "c bytes 0 abc 1; s bytes 0 de 2");
    s.info.layers = &s.layers;
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    CU_ASSERT(tl_batch_session_at(s.batch, 0)->changed[0] && tl_batch_session_at(s.batch, 0)->changed[1]);
    tl_batch_reset(s.batch);
    tl_stage_play(&s, "s bytes 2 fg 3"); /* counts change */
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    CU_ASSERT(!tl_batch_session_at(s.batch, 0)->changed[0] && tl_batch_session_at(s.batch, 0)->changed[1]);
    tl_batch_reset(s.batch);
    s.info.stream[0].packets++; /* which an open session does not tell */
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    CU_ASSERT(!tl_batch_session_at(s.batch, 0)->changed[0] && !tl_batch_session_at(s.batch, 0)->changed[1]);
    tl_batch_reset(s.batch);
    s.info.closed = TL_WHY_FIN;
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);
    CU_ASSERT(tl_batch_session_at(s.batch, 0)->changed[0] && !tl_batch_session_at(s.batch, 0)->changed[1]);
    tl_stage_close(&s);
}

/* A session that ended and was opened again, both in one batch: what it told first, on a tape, is made rows of last. */
static void puts_tapes_first(void)
{
    tl_stage s;
    tl_tape tape = {0};
    tl_stage_open(&s, NULL, 5);
    s.info.layers = &s.layers;
    s.info.closed = TL_WHY_FIN;
    tl_event ev = {.kind = TL_EV_BYTES, .bytes = {(const uint8_t *)"abc", 3}, .length = 3, .at = {.frame = 1, .capture = 1}};
    CU_ASSERT(tl_tape_add(&tape, NULL, &ev) == TL_OK);
    CU_ASSERT(tl_batch_empty(s.batch));
    CU_ASSERT_EQUAL(tl_batch_tape(s.batch, &s.info, tl_span_of(tape.p, tape.n)), TL_OK);
    CU_ASSERT_FALSE(tl_batch_empty(s.batch));
    tl_tape_free(&tape, NULL);
    s.info.reopened = true;
    tl_stage_play(&s, "c bytes 3 de 2");
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, s.flow, &s.info, ""), TL_OK);

    const tl_taped *t = tl_batch_play(s.batch);
    CU_ASSERT_FATAL(t != NULL && t->next == NULL && t->info.id == 5);
    CU_ASSERT_PTR_NULL(tl_batch_session_at(s.batch, 0));
    tl_flow *f = tl_flow_new(NULL, 5, NULL);
    tl_span rest = t->tape;
    CU_ASSERT(tl_tape_next(&rest, &ev) && tl_batch_event(s.batch, f, &ev) == TL_OK && !tl_tape_next(&rest, &ev));
    CU_ASSERT_EQUAL(tl_batch_session(s.batch, f, &t->info, "http"), TL_OK);
    CU_ASSERT_EQUAL(tl_batch_played(s.batch), TL_OK);
    CU_ASSERT_PTR_NULL(tl_batch_play(s.batch));
    CU_ASSERT_EQUAL(tl_batch_played(s.batch), TL_OK);
    char *ops = tl_stage_ops(&s);
    CU_ASSERT_STRING_EQUAL(ops, "c chunk 0 abc 3@1\nc chunk 3 de 2@2");
    CU_ASSERT(!tl_batch_session_at(s.batch, 0)->exists && tl_batch_session_at(s.batch, 1)->exists);
    free(ops);
    tl_flow_free(f);
    tl_stage_close(&s);
}

int main(void)
{
    return tl_run_cases("batch", (const tl_case[]){{"ordered by session", orders_by_session},
                                                   {"a direction is told once", tells_a_direction_once},
                                                   {"each touched flow gets one row", gives_each_flow_one_row},
                                                   {"a row that exists is updated", updates_a_row_that_exists},
                                                   {"a reopened session", knows_a_reopened_session},
                                                   {"fullness", tells_when_it_is_full},
                                                   {"small sessions stay small", is_small_for_small_sessions},
                                                   {"tapes come first", puts_tapes_first},
                                                   {"a flow freed early", forgets_a_flow_that_is_freed},
                                                   {0}});
}
