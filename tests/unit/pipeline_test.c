/*
** pipeline_test.c - frames in, database out: that the stages fit together, whatever the batches, and that failures stop it cleanly.
*/
#include "support/check.h"
#include "support/frames.h"
#include "support/ledger.h"
#include "support/network.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool check(const char *db)
{
    char *rows;
    const char *bad = tl_ledger_check(db, &rows);
    if (bad != NULL) printf("\n%s:\n%s\n", bad, rows != NULL ? rows : "");
    CU_ASSERT_PTR_NULL(bad);
    free(rows);
    return bad == NULL;
}

static bool rows_are(const char *db, const char *sql, const char *expected)
{
    char *rows = tl_rows(db, sql);
    bool same = strcmp(rows, expected) == 0;
    if (!same) printf("\n%s\n%s\nexpected\n%s\n", sql, rows, expected);
    CU_ASSERT(same);
    free(rows);
    return same;
}

static char *make(tl_source **sources, size_t n, const tl_ledger_options *o)
{
    tl_error err = {0};
    char *db = tl_scratch("pipeline.db");
    tl_rc rc = tl_ledger_make(db, sources, n, o, &err);
    if (rc != TL_OK) printf("\n%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(rc, TL_OK);
    check(db);
    return db;
}

static char *make_one(const tl_network *n, const tl_ledger_options *o)
{
    tl_source *s = tl_source_open_memory(n->frames, n->n);
    return make(&s, 1, o);
}

/* Three connections at once, two objects each. */
static void three_browsers(tl_network *n)
{
    for (uint16_t c = 1; c <= 3; c++) tl_network_open(n, c);
    for (unsigned object = 0; object < 2; object++)
        for (uint16_t c = 1; c <= 3; c++) tl_network_http(n, c, object * 3 + c, 9000U + 1000U * c);
    for (uint16_t c = 1; c <= 3; c++) tl_network_close(n, c);
}

static void indexes_exchanges(void)
{
    tl_network n = {0};
    three_browsers(&n);
    char *db = make_one(&n, &(tl_ledger_options){.level = 1});
    rows_are(db, "SELECT session_id, client_port, server_port, close_reason, conn_state, protocol FROM session",
             "1|1|80|fin|SF|http\n2|2|80|fin|SF|http\n3|3|80|fin|SF|http");
    rows_are(db, "SELECT session_id, summary, count(*) FROM message WHERE kind = 'request' GROUP BY 1, 2",
             "1|GET /object/1|1\n1|GET /object/4|1\n2|GET /object/2|1\n2|GET /object/5|1\n3|GET /object/3|1\n3|GET /object/6|1");
    rows_are(db, "SELECT count(*), min(complete), min(pairing) FROM message WHERE kind = 'response' AND answers_message_id IS NOT NULL",
             "6|1|proved");
    rows_are(db, "SELECT count(*) FROM gap", "0");
    rows_are(db, "SELECT state, frames, (SELECT group_concat(outcome || frames) FROM frame_count) FROM capture", "complete|134|tcp134");
    tl_scratch_done(db);
    tl_network_free(&n);
}

/* What a database says, whatever its chunks and its numbers of rows. */
static char *logical(const char *db)
{
    return tl_rows(
        db, "SELECT 'session', session_id, client_port, first_frame, last_frame, history, close_reason, protocol FROM session"
            " UNION ALL SELECT 'stream', session_id, direction, length, stored_bytes, gap_bytes || '/' || duplicate_bytes || '/' || "
            "stray_bytes,"
            " captured_bytes, (SELECT group_concat(h, '') FROM (SELECT hex(data) AS h FROM chunk AS c WHERE c.session_id = t.session_id"
            " AND c.direction = t.direction ORDER BY stream_offset)) FROM stream AS t"
            " UNION ALL SELECT 'gap', session_id, direction, stream_offset, length, reason, proof_frame, before_frame || '/' || "
            "after_frame FROM"
            " (SELECT * FROM gap ORDER BY session_id, direction, stream_offset)"
            " UNION ALL SELECT 'message', message_id, direction, stream_offset, length, summary, first_frame || '-' || last_frame,"
            " answers_message_id || pairing FROM message");
}

static void does_not_depend_on_batches(void)
{
    static const tl_ledger_options some[] = {{.batch_bytes = 4096, .batches = 2},
                                             {.batch_bytes = 10000, .batches = 2, .commit_bytes = 1},
                                             {.batch_bytes = 100000, .batches = 3, .commit_bytes = 20000},
                                             {.batch_bytes = 1 << 20, .batches = 8}};
    tl_network n = {0};
    three_browsers(&n);
    for (uint64_t seed = 0; seed < 6; seed++) {
        /* As it is; with losses; with copies and disorder too. */
        tl_lossy how = {.seed = seed + 1,
                        .drop_per_1000 = seed > 0 ? 60 : 0,
                        .double_per_1000 = seed > 2 ? 50 : 0,
                        .swap_per_1000 = seed > 2 ? 100 : 0};
        char *first = NULL;
        for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
            tl_source *s = tl_source_open_lossy(tl_source_open_memory(n.frames, n.n), &how);
            char *db = make(&s, 1, &some[i]), *says = logical(db);
            if (first == NULL)
                first = strdup(says);
            else
                CU_ASSERT_STRING_EQUAL(says, first);
            if (seed > 0) rows_are(db, "SELECT sum(gap_bytes) > 0 FROM stream", "1");
            free(says);
            tl_scratch_done(db);
        }
        free(first);
    }
    tl_network_free(&n);
}

/* Byte for byte: numbers of rows and packed chunks too. */
static void does_not_depend_on_threads(void)
{
    static const char all[] = "SELECT chunk_id, session_id, direction, stream_offset, raw_size, hex(arrivals), hex(data) FROM chunk";
    tl_network n = {0};
    three_browsers(&n);
    for (size_t batch = 4096; batch <= 65536; batch *= 4) {
        char *first = NULL;
        for (unsigned threads = 1; threads <= 8; threads++) {
            char *db = make_one(&n, &(tl_ledger_options){.level = 1, .threads = threads, .batch_bytes = batch});
            char *says = tl_rows(db, all);
            if (first == NULL) {
                first = strdup(says);
                rows_are(db, "SELECT sum(length(data)) < sum(raw_size) FROM chunk", "1");
            }
            CU_ASSERT_STRING_EQUAL(says, first);
            free(says);
            tl_scratch_done(db);
        }
        free(first);
    }
    tl_network_free(&n);
}

static void spans_captures(void)
{
    tl_network n = {0};
    tl_network_open(&n, 5);
    tl_network_http(&n, 5, 1, 3500);
    tl_network_http(&n, 5, 2, 3500);
    tl_network_close(&n, 5);
    tl_source *s[2] = {tl_source_open_memory(n.frames, 7), tl_source_open_memory(n.frames + 7, n.n - 7)};
    char *db = make(s, 2, &(tl_ledger_options){0});
    rows_are(db, "SELECT first_capture_id, first_frame, last_capture_id, last_frame, close_reason FROM session", "1|1|2|17|fin");
    rows_are(db, "SELECT capture_id, count(*) > 0, sum(raw_size) FROM chunk WHERE direction = 1 GROUP BY 1", "1|1|2081\n2|1|5081");
    rows_are(db, "SELECT count(*), sum(complete) FROM message", "4|4");
    rows_are(db, "SELECT capture_id, frames FROM capture", "1|7\n2|17");
    tl_scratch_done(db);
    tl_network_free(&n);
}

/* Into the database that is there: numbers go on. */
static void adds_to_a_database(void)
{
    tl_network n = {0}, others = {0};
    tl_error err = {0};
    three_browsers(&n);
    for (uint16_t c = 4; c <= 6; c++) tl_network_open(&others, c);
    char *db = make_one(&n, &(tl_ledger_options){0});
    tl_source *s = tl_source_open_memory(others.frames, others.n);
    CU_ASSERT_EQUAL(tl_ledger_make(db, &s, 1, &(tl_ledger_options){0}, &err), TL_OK);
    check(db);
    rows_are(db, "SELECT group_concat(session_id), group_concat(first_capture_id) FROM session", "1,2,3,4,5,6|1,1,1,2,2,2");
    rows_are(db, "SELECT count(*), count(DISTINCT ingest_id) FROM capture", "2|2");
    tl_scratch_done(db);
    tl_network_free(&others);
    tl_network_free(&n);
}

/* A TCP segment in three IP fragments, the last one first: each arrival names the frame that brought it. */
static void names_fragments(void)
{
    static tl_build b, whole;
    static const char payload[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!?";
    tl_network n = {0};
    tl_network_open(&n, 7);
    tl_tcp_fields f = {.sport = 7, .dport = 80, .seq = 7001, .ack = 4294960008U, .flags = TL_ACK | TL_PSH};
    tl_build_start(&whole, payload, 64);
    tl_build_tcp(&whole, &f);
    tl_span tcp = tl_build_bytes(&whole);
    static const size_t cuts[][2] = {{64, 84}, {0, 32}, {32, 64}}; /* of 20 + 64 bytes */
    for (size_t i = 0; i < 3; i++) {
        tl_build_start(&b, tcp.p + cuts[i][0], cuts[i][1] - cuts[i][0]);
        tl_build_fragment(&b, "10.0.0.1", "10.0.0.2", 6, 99, cuts[i][0], cuts[i][1] < 84);
        tl_build_ether(&b, 0x0800);
        tl_span frame = tl_build_bytes(&b);
        n.frames[n.n] = (tl_frame){.linktype = 1, .wire_len = (uint32_t)frame.n, .bytes = tl_span_of(tl_exact(frame.p, frame.n), frame.n)};
        n.frames[n.n].at.ns = n.frames[n.n - 1].at.ns + 1000;
        n.n++;
    }
    char *db = make_one(&n, &(tl_ledger_options){0});
    rows_are(db, "SELECT CAST(data AS TEXT), first_frame, last_frame FROM chunk",
             "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ!?|4|6");
    /* 12 bytes by frame 5 (1 after the first, 1 us), 32 by frame 6, 20 by frame 4; times and acknowledgement checked by their presence */
    rows_are(db, "SELECT substr(hex(arrivals), 1, 4) FROM chunk", "0C02");
    rows_are(db, "SELECT first_frame, last_frame FROM message", "5|4");
    rows_are(db, "SELECT group_concat(outcome || frames) FROM frame_count", "fragment2,tcp4");
    tl_scratch_done(db);
    tl_network_free(&n);
}

static void counts_lost_fragments(void)
{
    static tl_build b;
    tl_network n = {0};
    tl_network_open(&n, 7);
    tl_build_start(&b, "0123456789abcdef", 16);
    tl_build_fragment(&b, "10.0.0.1", "10.0.0.2", 6, 99, 16, true);
    tl_build_ether(&b, 0x0800);
    tl_span frame = tl_build_bytes(&b);
    n.frames[n.n] = (tl_frame){.linktype = 1, .wire_len = (uint32_t)frame.n, .bytes = tl_span_of(tl_exact(frame.p, frame.n), frame.n)};
    n.frames[n.n].at.ns = n.frames[n.n - 1].at.ns + 1;
    n.n++;
    tl_source *s[2] = {tl_source_open_memory(n.frames, n.n), tl_source_open_memory(n.frames, 3)};
    char *db = make(s, 2, &(tl_ledger_options){0});
    rows_are(db, "SELECT capture_id, outcome, frames FROM frame_count ORDER BY 1, 2", "1|fragment_lost|1\n1|tcp|3\n2|tcp|3");
    tl_scratch_done(db);
    tl_network_free(&n);
}

/* A source that answers with capture ids of its own is refused by the database: the reader stops with the writer's words. */
static void stops_when_the_writer_fails(void)
{
    tl_network n = {0};
    tl_error err = {0};
    three_browsers(&n);
    for (size_t batch = 4096; batch <= (1 << 20); batch *= 4) {
        char *db = tl_scratch("fails.db");
        tl_store *s = tl_store_open(db, &(tl_store_options){.commit_bytes = 1, .checks = true}, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
        tl_pipeline_options o = {.limits = tl_limits_default(), .level = 1, .threads = 3, .batch_bytes = batch, .batches = 2};
        tl_pipeline *p = tl_pipeline_new(s, &o, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        tl_pipeline_capture out = {0}, again = {0};
        tl_source *source = tl_source_open_memory(n.frames, n.n);
        tl_rc rc = tl_pipeline_run(p, source, 77, &out); /* there is no capture 77 */
        if (rc == TL_OK) rc = tl_pipeline_finish(p);
        CU_ASSERT_EQUAL(rc, TL_ESQL);
        CU_ASSERT_PTR_NOT_NULL(strstr(tl_pipeline_error(p)->text, "FOREIGN KEY"));
        CU_ASSERT_EQUAL(tl_pipeline_run(p, source, 77, &again), TL_ESQL);
        CU_ASSERT_EQUAL(tl_pipeline_finish(p), TL_ESQL);
        tl_pipeline_free(p);
        tl_source_close(source);
        CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_ESQL);
        check(db);
        tl_scratch_done(db);
    }
    tl_network_free(&n);
}

/* Given up in the middle, with sessions open. */
static void can_be_left(void)
{
    tl_network n = {0};
    tl_error err = {0};
    three_browsers(&n);
    for (size_t frames = 0; frames < n.n; frames += 13) {
        char *db = tl_scratch("left.db");
        tl_store *s = tl_store_open(db, NULL, &err);
        uint32_t id;
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
        CU_ASSERT_EQUAL(tl_store_capture_begin(s, &(tl_capture_facts){.path = "x", .format = ""}, &id), TL_OK);
        tl_pipeline_options o = {.limits = tl_limits_default(), .batch_bytes = 5000};
        tl_pipeline *p = tl_pipeline_new(s, &o, &err);
        CU_ASSERT_PTR_NOT_NULL_FATAL(p);
        tl_pipeline_capture out = {0};
        tl_source *source = tl_source_open_memory(n.frames, frames);
        CU_ASSERT_EQUAL(tl_pipeline_run(p, source, id, &out), TL_OK);
        tl_pipeline_free(p);
        tl_source_close(source);
        CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
        check(db);
        tl_scratch_done(db);
    }
    tl_network_free(&n);
}

int main(void)
{
    return tl_run_cases("pipeline", (const tl_case[]){{"exchanges", indexes_exchanges},
                                                      {"the same whatever the batches", does_not_depend_on_batches},
                                                      {"the same whatever the threads", does_not_depend_on_threads},
                                                      {"a session over two captures", spans_captures},
                                                      {"into a database that is there", adds_to_a_database},
                                                      {"fragments are named", names_fragments},
                                                      {"lost fragments are counted", counts_lost_fragments},
                                                      {"a failing writer", stops_when_the_writer_fails},
                                                      {"left in the middle", can_be_left},
                                                      {0}});
}
