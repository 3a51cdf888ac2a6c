/*
** derive.c - what is derived is forgotten here, so that it can be written again from the facts.
*/
#include "store/statements.h"

/* The statement with ?1 bound (and ?2 where it has one) gives the session's number, or no row: 0. */
static tl_rc look_session(tl_store *s, sqlite3_stmt *q, uint64_t *session_id)
{
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK) *session_id = (uint64_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc == TL_END ? TL_OK : rc;
}

tl_rc tl_store_healed_after(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id)
{
    sqlite3_stmt *q = store_statement(s, ST_HEALED_AFTER);
    *session_id = 0;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, after);
    bind_int(q, 2, capture_id);
    return look_session(s, q, session_id);
}

tl_rc tl_store_session_after(tl_store *s, uint64_t after, uint64_t *session_id)
{
    sqlite3_stmt *q = store_statement(s, ST_SESSION_AFTER);
    *session_id = 0;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, after);
    return look_session(s, q, session_id);
}

tl_rc tl_store_messages_forget(tl_store *s, uint64_t session_id)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_MESSAGES_DELETE) : NULL;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    rc = store_run(s, q);
    if (rc == TL_OK) s->totals.messages -= (uint64_t)sqlite3_changes(s->db);
    return rc;
}

tl_rc tl_store_protocol(tl_store *s, uint64_t session_id, const char *protocol)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_SESSION_PROTOCOL) : NULL;
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    bind_text(q, 2, protocol);
    return store_run(s, q);
}

struct sqlite3 *tl_store_connection(tl_store *s)
{
    return s->db;
}
