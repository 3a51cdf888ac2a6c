/*
** indexes_test.c - the indexes of hosts are made by a sort that is allowed little memory, however many sessions there are.
*/
#include "app/pipeline_sandbox.h"
#include "support/check.h"
#include "support/stage.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static void add_session(tl_store *s, uint64_t id)
{
    tl_stage stage;
    tl_stage_open(&stage, s, id);
    tl_stage_play(&stage, "c bytes 0 x 1; hand");
    tl_stage_close(&stage);
}

/* A run of 80 MB of names, sorted within so much memory (0: as it likes). */
static tl_rc run(const char *path, bool sandboxed, int64_t memory)
{
    static const char many[] = "WITH RECURSIVE n(i) AS (VALUES (10) UNION ALL SELECT i + 1 FROM n WHERE i < 80000)"
                               " INSERT INTO session SELECT i, printf('%01000d', i * 7919 % 80021), 1, server_addr, server_port, vlan,"
                               " tunnel, first_ns, last_ns, conn_state, history, close_reason, roles, midstream, healed, rtt_ns, protocol,"
                               " community_id, first_capture_id, first_frame, last_capture_id, last_frame FROM n, session"
                               " WHERE session_id = 1";
    const tl_ingest_facts ends = {.finished_ns = 1, .state = "complete"};
    tl_error err = {0};
    tl_sandbox granted;
    uint32_t capture;
    tl_store *s = tl_store_open(path, NULL, &err);
    if (s == NULL) return err.rc;
    if (sandboxed) tl_sandbox_enter(path, NULL, 0, &granted);
    tl_rc rc = tl_store_ingest_begin(s, &(tl_ingest_facts){.started_ns = 1, .tool_version = "test", .options = "{}"});
    if (rc == TL_OK) rc = tl_store_capture_begin(s, &(tl_capture_facts){.path = "x.pcap", .format = "memory"}, &capture);
    for (uint64_t id = 1; id <= 3; id++) add_session(s, id); /* without the indexes from the second on */
    if (rc == TL_OK && sqlite3_exec(tl_store_connection(s), many, NULL, NULL, NULL) != SQLITE_OK) rc = TL_ESQL;
    if (memory > 0 && sqlite3_memory_used() == 0) rc = TL_EUSAGE; /* no limit would hold */
    if (memory > 0) sqlite3_hard_heap_limit64(sqlite3_memory_used() + memory);
    if (rc == TL_OK) rc = tl_store_ingest_end(s, &ends);
    sqlite3_hard_heap_limit64(0);
    tl_rc closed = tl_store_close(s, &err);
    if (err.rc != TL_OK) printf("\n%s\n", err.text);
    return rc == TL_OK ? closed : rc;
}

static void all_there(char *path)
{
    char *rows = tl_rows(path, "SELECT count(*) FROM session INDEXED BY session_by_client WHERE client_addr > ''");
    CU_ASSERT_STRING_EQUAL(rows, "79994");
    free(rows);
    tl_scratch_done(path);
}

/* The sort's file is made where the sandbox lets one be made.  Before SQLite is used here. */
static void sorts_in_the_sandbox(void)
{
    char *path = tl_scratch("indexes.db");
    int status = 0;
    pid_t child = fork();
    if (child == 0) _exit(run(path, true, 0) == TL_OK ? 0 : 1);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_EQUAL(status, 0);
    all_there(path);
}

static void sorts_in_little_memory(void)
{
    char *path = tl_scratch("indexes.db");
    CU_ASSERT_EQUAL(sqlite3_initialize(), SQLITE_OK); /* it counts its memory, unless the store may say otherwise before */
    CU_ASSERT_EQUAL(run(path, false, 48 << 20), TL_OK);
    all_there(path);
}

int main(void)
{
    return tl_run_cases(
        "indexes",
        (const tl_case[]){{"sorts in the sandbox", sorts_in_the_sandbox}, {"sorts in little memory", sorts_in_little_memory}, {0}});
}
