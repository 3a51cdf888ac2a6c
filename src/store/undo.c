/*
** undo.c - see the header.
**
** A run that did not end leaves its row of `ingest` without finished_ns or as failed, and its captures as 'interrupted', with whatever
** was committed.  The sessions that it began are those whose first frame is in one of its captures: their numbers are one range, because
** one run numbers at a time.
**
** The statements are needed at most once a run and are not kept; the rest of the folder's SQL is in statements.c.
*/
#include "store/undo.h"

#include "store/statements.h"

/* Runs sql, which gives no row, with up to two numbers. */
static tl_rc run_once(tl_store *s, const char *sql, int64_t a, int64_t b)
{
    sqlite3_stmt *q = NULL;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) return store_failed(s, "use");
    int n = sqlite3_bind_parameter_count(q);
    if (n > 0) bind_int(q, 1, a);
    if (n > 1) bind_int(q, 2, b);
    tl_rc rc = store_run(s, q);
    sqlite3_finalize(q);
    return rc;
}

/* The first row of sql as numbers, 0 where there are NULLs or no row. */
static tl_rc look_once(tl_store *s, const char *sql, int64_t a, int64_t b, int64_t *out, int columns)
{
    sqlite3_stmt *q = NULL;
    for (int i = 0; i < columns; i++) out[i] = 0;
    if (sqlite3_prepare_v2(s->db, sql, -1, &q, NULL) != SQLITE_OK) return store_failed(s, "use");
    int n = sqlite3_bind_parameter_count(q);
    if (n > 0) bind_int(q, 1, a);
    if (n > 1) bind_int(q, 2, b);
    tl_rc rc = store_row(s, q);
    for (int i = 0; rc == TL_OK && i < columns; i++) out[i] = sqlite3_column_int64(q, i);
    sqlite3_finalize(q);
    return rc == TL_END ? TL_OK : rc;
}

#define OF_RUN "IN (SELECT capture_id FROM capture WHERE ingest_id = ?1)"

/* The numbers of the sessions that the run began: range[0] to range[1], both 0 for none. */
static tl_rc look_range(tl_store *s, int64_t ingest_id, int64_t range[2])
{
    return look_once(s, "SELECT min(session_id), max(session_id) FROM session WHERE first_capture_id " OF_RUN, ingest_id, 0, range, 2);
}

tl_rc tl_store_interrupted(tl_store *s, int64_t after, tl_interrupted *out)
{
    int64_t run[2], range[2], sums[2], last[2];
    *out = (tl_interrupted){0};
    tl_rc rc = look_once(s,
                         "SELECT ingest_id, (SELECT count(*) FROM capture AS c WHERE c.ingest_id = i.ingest_id) FROM ingest AS i"
                         " WHERE ingest_id > ?1 AND state <> 'complete' AND EXISTS (SELECT 1 FROM capture AS c"
                         " WHERE c.ingest_id = i.ingest_id AND c.state = 'interrupted') ORDER BY ingest_id LIMIT 1",
                         after, 0, run, 2);
    if (rc != TL_OK || run[0] == 0) return rc;
    rc = look_range(s, run[0], range);
    if (rc == TL_OK)
        rc = look_once(s, "SELECT count(DISTINCT session_id), sum(stored_bytes) FROM stream WHERE session_id BETWEEN ?1 AND ?2 AND ?1 > 0",
                       range[0], range[1], sums, 2);
    /* A bare column beside max() is of the row that has it. */
    if (rc == TL_OK)
        rc = look_once(s, "SELECT capture_id, last_frame, max(chunk_id) FROM chunk WHERE session_id BETWEEN ?1 AND ?2 AND ?1 > 0", range[0],
                       range[1], last, 2);
    if (rc != TL_OK) return rc;
    *out = (tl_interrupted){.ingest_id = run[0],
                            .captures = (uint64_t)run[1],
                            .sessions = (uint64_t)sums[0],
                            .stored_bytes = (uint64_t)sums[1],
                            .last_capture = (uint32_t)last[0],
                            .last_frame = (uint64_t)last[1]};
    return TL_OK;
}

tl_rc tl_store_interrupted_capture(tl_store *s, int64_t ingest_id, uint32_t after, tl_interrupted_capture *out)
{
    sqlite3_stmt *q = store_statement(s, ST_NEXT_CAPTURE);
    *out = (tl_interrupted_capture){0};
    if (q == NULL) return s->error.rc;
    sqlite3_reset(q); /* its row was lent */
    bind_int(q, 1, ingest_id);
    bind_int(q, 2, after);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    int64_t id = sqlite3_column_int64(q, 0);
    if (id <= after || id > UINT32_MAX) /* or it would go round for ever */
        return tl_fail(&s->error, TL_ESQL, "%s: the database is damaged: capture %lld comes after %u (see verify)", s->path, (long long)id,
                       after);
    out->capture_id = (uint32_t)id;
    out->path = (const char *)sqlite3_column_text(q, 1);
    out->bytes = (uint64_t)sqlite3_column_int64(q, 2);
    if (out->path == NULL) return store_failed(s, "read"); /* NOT NULL: no memory for it */
    return TL_OK;
}

/* Is the table of states there?  Databases of before migration 3 have none. */
static tl_rc has_states(tl_store *s, bool *yes)
{
    int64_t n;
    tl_rc rc = look_once(s, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'session_state'", 0, 0, &n, 1);
    *yes = n > 0;
    return rc;
}

/* Sessions of runs before it that it went on with: they hold rows of both. */
static tl_rc went_on(tl_store *s, int64_t ingest_id, bool *yes)
{
    static const char *const traces[] = {
        "SELECT 1 FROM session WHERE last_capture_id " OF_RUN " AND first_capture_id NOT " OF_RUN " LIMIT 1",
        "SELECT 1 FROM chunk AS c JOIN session AS s USING (session_id) WHERE c.capture_id " OF_RUN " AND s.first_capture_id NOT " OF_RUN
        " LIMIT 1",
    };
    static const char by_state[] = "SELECT 1 FROM session_state WHERE ingest_id = ?1 AND session_id NOT IN"
                                   " (SELECT session_id FROM session WHERE first_capture_id " OF_RUN ") LIMIT 1";
    int64_t found = 0;
    bool states;
    tl_rc rc = has_states(s, &states);
    if (rc == TL_OK && states) rc = look_once(s, by_state, ingest_id, 0, &found, 1);
    for (size_t i = 0; rc == TL_OK && found == 0 && i < sizeof traces / sizeof *traces; i++)
        rc = look_once(s, traces[i], ingest_id, 0, &found, 1);
    *yes = found != 0;
    return rc;
}

static tl_rc remove_run(tl_store *s, int64_t ingest_id)
{
    static const char *const by_session[] = {
        "DELETE FROM message WHERE message_id >= ?1 << 32 AND message_id < (?2 + 1) << 32",
        "DELETE FROM stray WHERE session_id BETWEEN ?1 AND ?2",
        "DELETE FROM gap WHERE session_id BETWEEN ?1 AND ?2",
        "DELETE FROM chunk WHERE session_id BETWEEN ?1 AND ?2",
        "DELETE FROM stream WHERE session_id BETWEEN ?1 AND ?2",
        "DELETE FROM session WHERE session_id BETWEEN ?1 AND ?2",
    };
    static const char *const by_run[] = {
        "DELETE FROM scan WHERE ingest_id = ?1",
        ("DELETE FROM frame_count WHERE capture_id " OF_RUN),
        ("DELETE FROM frame_position WHERE capture_id " OF_RUN),
        "DELETE FROM capture WHERE ingest_id = ?1",
        "DELETE FROM ingest WHERE ingest_id = ?1",
    };
    int64_t range[2];
    bool states;
    tl_rc rc = look_range(s, ingest_id, range);
    if (rc == TL_OK) rc = has_states(s, &states);
    if (rc == TL_OK && range[0] > 0 && states)
        rc = run_once(s, "DELETE FROM session_state WHERE session_id BETWEEN ?1 AND ?2", range[0], range[1]);
    for (size_t i = 0; rc == TL_OK && range[0] > 0 && i < sizeof by_session / sizeof *by_session; i++)
        rc = run_once(s, by_session[i], range[0], range[1]);
    for (size_t i = 0; rc == TL_OK && i < sizeof by_run / sizeof *by_run; i++) rc = run_once(s, by_run[i], ingest_id, 0);
    return rc;
}

tl_rc tl_store_undo(tl_store *s, const tl_interrupted *run)
{
    bool shared = false;
    tl_rc rc = store_begin(s);
    if (rc == TL_OK && s->statements[ST_NEXT_CAPTURE] != NULL) sqlite3_reset(s->statements[ST_NEXT_CAPTURE]);
    if (rc == TL_OK) rc = went_on(s, run->ingest_id, &shared);
    if (rc == TL_OK && shared)
        return tl_fail(&s->error, TL_EUSAGE,
                       "%s: an interrupted run went on with sessions of runs before it, and cannot be taken back: ingest all captures"
                       " into a new database",
                       s->path);
    if (rc == TL_OK) rc = remove_run(s, run->ingest_id);
    s->look.id = 0; /* its number comes again */
    return store_done(s, rc);
}
