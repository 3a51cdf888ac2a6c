/*
** scans_test.c - the same random segments ingested twice, with --scan-aggregate and without: what is summed up is missing among the
** sessions, all else is the same row for row, and the sums are the same, whatever closes sessions and opens them again.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/frames.h"
#include "support/ledger.h"
#include "support/stage.h"

enum { FRAMES = 500, ROUNDS = 16 };

static tl_frame frames[FRAMES];
static tl_build build;

/* Mostly SYNs, some of them answered, sooner or later. */
static void make_frames(unsigned long long *seed)
{
    static const char *const clients[] = {"10.0.0.1", "10.0.0.2"}, *const servers[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
    static const uint32_t isns[] = {1000, 1000, 1000, 900000};
    int64_t ns = INT64_C(1700000000) * 1000000000;
    for (int i = 0; i < FRAMES; i++) {
        unsigned long long r = tl_random(seed), what = r % 32;
        tl_tcp_fields f = {.src = clients[r >> 8 & 1],
                           .dst = servers[(r >> 16) % 3],
                           .sport = (uint16_t)(40000 + (r >> 24) % 12),
                           .dport = 80,
                           .seq = isns[r >> 32 & 3],
                           .flags = TL_SYN};
        size_t payload = 0;
        if (what < 5) { /* of the server */
            const char *client = f.src;
            uint16_t port = f.sport;
            f.ack = f.seq + 1;
            f.src = f.dst;
            f.dst = client;
            f.sport = 80;
            f.dport = port;
            f.seq = 5000;
            f.flags = what < 3 ? TL_SYN | TL_ACK : what < 4 ? TL_RST | TL_ACK : TL_ACK;
            payload = what == 4 ? 5 : 0;
        } else if (what < 7) {
            f.seq++;
            f.flags = what == 5 ? TL_ACK : TL_ACK | TL_FIN;
            f.ack = 5001;
            payload = what == 5 ? 4 : 0;
        } else if (what == 7) {
            payload = r >> 40 & 3;
        }
        tl_span bytes = tl_build_frame(&build, &f, "payload", payload);
        if ((r >> 48) % 64 == 0)
            ns += INT64_C(4000) * 1000000000; /* silence */
        else
            ns += (int64_t)((r >> 48) % 1000) * 1000000;
        frames[i] =
            (tl_frame){.linktype = 1, .wire_len = (uint32_t)bytes.n, .at = {.ns = ns}, .bytes = {tl_exact(bytes.p, bytes.n), bytes.n}};
    }
}

static void ingest(const char *db, const tl_limits *limits, unsigned round, bool aggregate)
{
    tl_ledger_options o = {.batch_bytes = round & 1 ? 4096 : 1 << 20,
                           .batches = 2,
                           .commit_bytes = round & 2 ? 10 : 0,
                           .limits = *limits,
                           .scan_aggregate = aggregate};
    o.limits.hash_key[3] = aggregate;
    tl_error err = {0};
    tl_source *s = tl_source_open_memory(frames, FRAMES);
    if (tl_ledger_make(db, &s, 1, &o, &err) != TL_OK) printf("\n%s\n", err.text);
    CU_ASSERT_EQUAL_FATAL(err.rc, TL_OK);
    char *rows = NULL;
    const char *bad = tl_ledger_check(db, &rows);
    if (bad != NULL) printf("\n%s: %s\n", bad, rows);
    CU_ASSERT_PTR_NULL_FATAL(bad);
}

/* But their ids: rows of a batch are in the order of the sessions, and batches end elsewhere. */
#define CHUNK                                                                                                                              \
    "SELECT session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data"        \
    " FROM "
#define GAP   "SELECT session_id, direction, stream_offset, length, reason, proof_frame, before_frame, after_frame, told_frame FROM "
#define STRAY "SELECT session_id, direction, stream_offset, length, reason, frame, ns, data FROM "

/* Each gives 0 rows.  main: with sums; a: without. */
static const char *const differences[] = {
    "SELECT * FROM session EXCEPT SELECT * FROM a.session",
    "SELECT * FROM stream EXCEPT SELECT * FROM a.stream",
    CHUNK "chunk EXCEPT " CHUNK "a.chunk",
    CHUNK "a.chunk EXCEPT " CHUNK "chunk",
    "SELECT * FROM message EXCEPT SELECT * FROM a.message",
    "SELECT * FROM a.message EXCEPT SELECT * FROM message",
    GAP "gap EXCEPT " GAP "a.gap",
    STRAY "a.stray EXCEPT " STRAY "stray",
    "SELECT * FROM session_state EXCEPT SELECT * FROM a.session_state",
    "SELECT * FROM frame_count EXCEPT SELECT * FROM a.frame_count",
    "SELECT 1 FROM a.session WHERE session_id NOT IN (SELECT session_id FROM session) AND NOT (conn_state = 'S0' AND history = 'S')",
    "SELECT 1 FROM a.session AS s JOIN a.stream AS t USING (session_id) WHERE conn_state = 'S0' AND history = 'S' AND length = 0 AND"
    " captured_bytes = 0 AND segments = 0 AND session_id IN (SELECT session_id FROM session)",
    "SELECT (SELECT count(*) FROM a.session), (SELECT sum(packets) FROM a.stream), (SELECT sum(wire_bytes) FROM a.stream) EXCEPT"
    " SELECT (SELECT count(*) FROM session) + sum(sessions), (SELECT sum(packets) FROM stream) + sum(packets),"
    " (SELECT sum(wire_bytes) FROM stream) + sum(wire_bytes) FROM scan",
    "SELECT min(session_id), max(session_id), min(first_ns), max(last_ns), min(first_frame), max(last_frame) FROM a.session"
    " WHERE session_id NOT IN (SELECT session_id FROM session) EXCEPT SELECT min(first_session_id), max(last_session_id), min(first_ns),"
    " max(last_ns), min(first_frame), max(last_frame) FROM scan",
};

/* How many of them give rows; *summed: how many sessions are in scan. */
static unsigned compare(const char *with, const char *without, bool tell, int *summed)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    unsigned differ = 0;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(with, &db), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, "ATTACH ?1 AS a", -1, &q, NULL), SQLITE_OK);
    sqlite3_bind_text(q, 1, without, -1, SQLITE_STATIC);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(q), SQLITE_DONE);
    sqlite3_finalize(q);
    for (size_t i = 0; i < sizeof differences / sizeof *differences; i++) {
        CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, differences[i], -1, &q, NULL), SQLITE_OK);
        if (sqlite3_step(q) != SQLITE_DONE) {
            differ++;
            if (tell) printf("\n%s\n", differences[i]);
        }
        sqlite3_finalize(q);
    }
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, "SELECT sum(sessions) FROM scan", -1, &q, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(q), SQLITE_ROW);
    *summed = sqlite3_column_int(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return differ;
}

static void the_sums_are_of_what_is_missing(void)
{
    unsigned long long seed = 77;
    int all = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        char *with = tl_scratch("with.db"), *without = tl_scratch("without.db");
        tl_limits limits = tl_limits_default();
        int summed = 0;
        if (round % 4 >= 2) limits.max_sessions = 2 + round % 7;
        if (round % 3 == 2) limits.memory_bytes = 96 << 10; /* a few closed ones are remembered */
        make_frames(&seed);
        ingest(with, &limits, round, true);
        ingest(without, &limits, round, false);
        CU_ASSERT_EQUAL(compare(with, without, true, &summed), 0);
        all += summed;
        for (int i = 0; i < FRAMES; i++) free((void *)(uintptr_t)frames[i].bytes.p);
        tl_scratch_done(with);
        tl_scratch_done(without);
    }
    CU_ASSERT(all > ROUNDS * 20);
}

/* The comparison has to find that one session is of another time, and that one is not there. */
static void the_checker_can_fail(void)
{
    unsigned long long seed = 5;
    int summed;
    char *with = tl_scratch("with.db"), *without = tl_scratch("without.db");
    tl_limits limits = tl_limits_default();
    make_frames(&seed);
    ingest(with, &limits, 0, true);
    frames[FRAMES - 1].at.ns++;
    ingest(without, &limits, 0, false);
    CU_ASSERT(compare(with, without, false, &summed) > 0);
    for (int i = 0; i < FRAMES; i++) free((void *)(uintptr_t)frames[i].bytes.p);
    tl_scratch_done(with);
    tl_scratch_done(without);
}

int main(void)
{
    return tl_run_cases("scans", (const tl_case[]){{"the sums are of what is missing", the_sums_are_of_what_is_missing},
                                                   {"the checker can fail", the_checker_can_fail},
                                                   {0}});
}
