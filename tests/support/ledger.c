#include "support/ledger.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "query/query.h"
#include "support/stage.h"

static void must(bool good, const char *what, const tl_error *err)
{
    if (good) return;
    fprintf(stderr, "ledger: %s: %s\n", what, err != NULL ? err->text : "");
    abort();
}

tl_rc ledger_make(const char *db, tl_source *source, const tl_pipeline_options *o)
{
    tl_error err = {0};
    tl_pipeline_options defaults = {.limits = tl_limits_default(), .level = 1, .batch_bytes = (size_t)1 << 20};
    tl_capture_facts facts = {.path = "test", .format = source->facts.format, .linktype = -1, .drops = -1, .state = "interrupted"};
    tl_ingest_facts ingest = {.tool_version = "test", .options = "{}", .state = "complete"};
    tl_pipeline_capture out = {.facts = {.path = "test"}};
    uint32_t id = 0;
    tl_store *store = tl_store_open(db, NULL, &err);
    must(store != NULL, db, &err);
    must(tl_store_ingest_begin(store, &ingest) == TL_OK, "begin", tl_store_error(store));
    must(tl_store_capture_begin(store, &facts, &id) == TL_OK, "capture", tl_store_error(store));
    tl_pipeline *p = tl_pipeline_new(store, o != NULL ? o : &defaults, &err);
    must(p != NULL, "pipeline", &err);
    tl_rc rc = tl_pipeline_run(p, source, id, &out);
    must(rc == TL_OK || rc == TL_ETRUNCATED, "run", tl_pipeline_error(p));
    must(tl_pipeline_finish(p) == TL_OK, "finish", tl_pipeline_error(p));
    must(tl_store_capture_end(store, id, &out.facts) == TL_OK, "capture end", tl_store_error(store));
    must(tl_store_ingest_end(store, &ingest) == TL_OK, "end", tl_store_error(store));
    tl_pipeline_free(p);
    must(tl_store_close(store, &err) == TL_OK, "close", &err);
    tl_source_close(source);
    return rc;
}

unsigned ledger_faults(const char *db)
{
    unsigned faults = 0;
    for (size_t i = 0; tl_query_at(i) != NULL; i++) {
        const tl_named_query *q = tl_query_at(i);
        if (strncmp(q->name, "check_", 6) != 0) continue;
        char *rows = tl_rows(db, q->sql);
        if (rows[0] != '\0') {
            fprintf(stderr, "%s: %s: %s\n", db, q->name, rows);
            faults++;
        }
        free(rows);
    }
    return faults;
}

char *ledger_dump(const char *db, bool frames)
{
    static const char *const facts[] = {
        "SELECT 'session', session_id, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state, "
        "history,"
        " close_reason, roles, midstream, rtt_ns, protocol, community_id FROM session ORDER BY session_id",
        "SELECT 'stream', * FROM stream ORDER BY session_id, direction",
        "SELECT 'bytes', session_id, direction, stream_offset, raw_size, hex(sqlar_uncompress(data, raw_size)) FROM chunk"
        " ORDER BY session_id, direction, stream_offset",
        "SELECT 'gap', session_id, direction, stream_offset, length, reason, before_ns, after_ns FROM gap ORDER BY session_id, direction, "
        "stream_offset",
        "SELECT 'stray', session_id, direction, stream_offset, length, reason, ns, hex(data) FROM stray"
        " ORDER BY session_id, direction, stream_offset, ns, stray_id",
        "SELECT 'message', message_id, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind, summary, detail, "
        "complete,"
        " sync, first_ns, last_ns, peer_acked, answers_message_id, pairing FROM message ORDER BY message_id",
    };
    static const char *const places[] = {
        "SELECT 'place', session_id, first_capture_id, first_frame, last_capture_id, last_frame FROM session ORDER BY session_id",
        "SELECT 'arrivals', session_id, direction, stream_offset, capture_id, first_frame, last_frame, hex(arrivals) FROM chunk"
        " ORDER BY session_id, direction, stream_offset",
        "SELECT 'outcome', capture_id, outcome, frames, bytes FROM frame_count ORDER BY 2, 3",
        "SELECT 'gap place', session_id, direction, stream_offset, proof_frame, before_frame, after_frame, told_frame FROM gap ORDER BY 2, "
        "3, 4",
    };
    tl_text text = {0};
    size_t n = sizeof facts / sizeof *facts, more = frames ? sizeof places / sizeof *places : 0;
    for (size_t i = 0; i < n + more; i++) {
        char *rows = tl_rows(db, i < n ? facts[i] : places[i - n]);
        tl_text_add(&text, rows);
        tl_text_add(&text, "\n");
        free(rows);
    }
    must(!text.failed, "no memory", NULL);
    return text.p;
}
