/*
** resume.c - table session_state: what a run leaves behind of its sessions, and what the next one makes of it.
**
** A run ends as if its sessions did: what they hold is written, holes and tails become gaps, close_reason says `end`.  The state that is
** saved beside is from before that, with the numbers of the last rows of then (tl_store_mark).  A later run that goes on with a session
** first deletes its rows above these marks and takes them out of the counts (store_resume), in the transaction of the first rows that it
** adds: whatever is committed balances.
**
** The row then stays, without state, until the run has framed the session's messages again: `unframed` outlives a crash.
*/
#include "store/statements.h"

static tl_rc run_for(tl_store *s, statement which, uint64_t session_id)
{
    sqlite3_stmt *q = store_statement(s, which);
    if (q == NULL) return s->error.rc;
    if (sqlite3_bind_parameter_count(q) > 0) bind_count(q, 1, session_id);
    return store_run(s, q);
}

/* ---- saving ---- */

tl_rc tl_store_mark(tl_store *s)
{
    sqlite3_stmt *q = store_statement(s, ST_MARKS);
    tl_rc rc = q == NULL ? s->error.rc : store_row(s, q);
    if (rc != TL_OK) return rc;
    for (int i = 0; i < 3; i++) s->marks[i] = sqlite3_column_int64(q, i);
    sqlite3_reset(q);
    s->marked = true;
    return TL_OK;
}

tl_rc store_state(tl_store *s, const tl_op *op)
{
    const tl_session_mark *m = &op->state.mark;
    if (op->state.n == 0) return run_for(s, ST_STATE_FORGET, op->session_id);
    sqlite3_stmt *q = store_statement(s, ST_STATE_SAVE);
    if (q == NULL) return s->error.rc;
    sqlite3_clear_bindings(q); /* what is not bound below is NULL */
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, s->ingest_id);
    bind_int(q, 3, m->clock_ns);
    for (int i = 0; !m->closed && i < 3; i++) bind_int(q, 4 + i, s->marks[i]);
    for (int d = 0; d < 2; d++) {
        if (m->stream[d].fixed) bind_int(q, 7 + d, m->stream[d].base_seq);
        bind_count(q, 9 + d, m->stream[d].length);
    }
    bind_blob(q, 11, op->state.bytes, op->state.n);
    return store_run(s, q);
}

/* ---- going on ---- */

tl_rc tl_store_state_before(tl_store *s, uint64_t before, size_t most, tl_stored_state *out)
{
    sqlite3_stmt *q = store_statement(s, ST_STATE_BEFORE);
    *out = (tl_stored_state){0};
    if (q == NULL) return s->error.rc;
    sqlite3_reset(q);
    bind_count(q, 1, before);
    bind_count(q, 2, most);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    out->session_id = (uint64_t)sqlite3_column_int64(q, 0);
    out->clock_ns = sqlite3_column_int64(q, 1);
    out->state.p = sqlite3_column_blob(q, 2);
    out->state.n = (size_t)sqlite3_column_bytes(q, 2);
    return TL_OK;
}

tl_rc tl_store_state_forget(tl_store *s, uint64_t session_id)
{
    sqlite3_reset(s->statements[ST_STATE_BEFORE]);
    tl_rc rc = store_begin(s);
    if (rc == TL_OK) rc = run_for(s, ST_STATE_DELETE, session_id);
    return store_done(s, rc);
}

/* The marks of a state that an earlier run saved.  END: there is none. */
static tl_rc read_marks(tl_store *s, uint64_t session_id, int64_t marks[3], int64_t base[2], bool *open)
{
    sqlite3_stmt *q = store_statement(s, ST_STATE_MARKS);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    bind_int(q, 2, s->ingest_id);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc;
    *open = sqlite3_column_type(q, 0) != SQLITE_NULL;
    for (int i = 0; i < 3; i++) marks[i] = sqlite3_column_int64(q, i);
    for (int d = 0; d < 2; d++) base[d] = sqlite3_column_type(q, 3 + d) == SQLITE_NULL ? -1 : sqlite3_column_int64(q, 3 + d);
    sqlite3_reset(q);
    return TL_OK;
}

static tl_rc delete_above(tl_store *s, uint64_t session_id, const int64_t marks[3])
{
    static const statement what[] = {ST_BACK_CHUNKS, ST_BACK_GAPS, ST_BACK_STRAYS};
    sqlite3_stmt *q = store_statement(s, ST_BACK_STREAM);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    for (int i = 0; i < 3; i++) bind_int(q, 2 + i, marks[i]);
    tl_rc rc = store_run(s, q);
    for (int i = 0; rc == TL_OK && i < 3; i++) {
        q = store_statement(s, what[i]);
        if (q == NULL) return s->error.rc;
        bind_count(q, 1, session_id);
        bind_int(q, 2, marks[i]);
        rc = store_run(s, q);
    }
    s->look.id = 0; /* its number may come again */
    return rc;
}

/* The close moved offset 0 down (tl_event REBASE): it moves back. */
static tl_rc shift_back(tl_store *s, uint64_t session_id, int dir, int64_t base)
{
    sqlite3_stmt *q = store_statement(s, ST_BACK_BASE);
    if (base < 0) return TL_OK;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    bind_int(q, 2, dir);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    uint32_t by = (uint32_t)base - (uint32_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return by == 0 ? TL_OK : store_shift(s, session_id, dir, UINT64_C(0) - by);
}

/* Directions that rightly have no row: nothing was known of them (stream_shown() in write.c). */
static tl_rc read_without_row(tl_store *s, uint64_t session_id, int64_t *n)
{
    sqlite3_stmt *q = store_statement(s, ST_BACK_WITHOUT_ROW);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK) *n = sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc == TL_END ? TL_OK : rc;
}

static tl_rc take_back(tl_store *s, uint64_t session_id, const int64_t marks[3], const int64_t base[2])
{
    tl_rc rc = delete_above(s, session_id, marks);
    for (int d = 0; rc == TL_OK && d < 2; d++) rc = shift_back(s, session_id, d, base[d]);
    int64_t without_row = 0;
    if (rc == TL_OK) rc = read_without_row(s, session_id, &without_row);
    if (rc == TL_OK) rc = run_for(s, ST_BACK_LENGTHS, session_id);
    if (rc == TL_OK && sqlite3_changes(s->db) + without_row != 2)
        return tl_fail(&s->error, TL_ESQL,
                       "%s: the saved state of session %llu contradicts its rows: DELETE FROM session_state, and give the command again",
                       s->path, (unsigned long long)session_id);
    if (rc == TL_OK) rc = tl_store_messages_forget(s, session_id);
    return rc == TL_OK ? run_for(s, ST_BACK_SESSION, session_id) : rc;
}

tl_rc store_resume(tl_store *s, uint64_t session_id)
{
    int64_t marks[3], base[2];
    bool open = false;
    tl_rc rc = read_marks(s, session_id, marks, base, &open);
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    if (!open) return run_for(s, ST_STATE_DELETE, session_id);
    rc = take_back(s, session_id, marks, base);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_STATE_TAKEN) : NULL;
    if (q == NULL) return rc == TL_OK ? s->error.rc : rc;
    bind_count(q, 1, session_id);
    bind_int(q, 2, s->ingest_id);
    return store_run(s, q);
}

/* ---- framing again ---- */

tl_rc tl_store_unframed_after(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id)
{
    sqlite3_stmt *q = store_statement(s, ST_UNFRAMED_AFTER);
    *session_id = 0;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, after);
    bind_int(q, 2, capture_id);
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK) *session_id = (uint64_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc == TL_END ? TL_OK : rc;
}

tl_rc tl_store_unframed_done(tl_store *s)
{
    tl_rc rc = store_begin(s);
    if (rc == TL_OK) rc = run_for(s, ST_UNFRAMED_DONE, 0);
    if (rc == TL_OK) rc = run_for(s, ST_STATES_CLEAN, 0);
    return store_done(s, rc);
}
