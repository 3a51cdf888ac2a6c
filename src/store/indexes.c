/*
** indexes.c - see indexes.h.
*/
#include "store/indexes.h"

#include "base/embedded.h"

#include <string.h>

/* Nobody else has anything to do by then: SQLite sorts what is read on other threads, in pieces; it cuts by the cache's size, too. */
static const char sort_sql[] = "PRAGMA threads = 2; PRAGMA cache_size = -1024";
static const char sorted_sql[] = "PRAGMA threads = 0; PRAGMA cache_size = -" STORE_CACHE_KIB;
static const char drop_sql[] = "DROP INDEX IF EXISTS session_by_client; DROP INDEX IF EXISTS session_by_server";

static const char *make_sql(void)
{
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        if (strncmp(e->name, "0006", 4) == 0) return e->text;
    return "";
}

bool store_index_is_late(const char *name)
{
    return strcmp(name, "session_by_client") == 0 || strcmp(name, "session_by_server") == 0;
}

tl_rc store_indexes_drop(tl_store *s)
{
    /* An index is not dropped while a statement stands on a row. */
    for (int i = 0; i < STATEMENTS; i++) sqlite3_reset(s->statements[i]);
    if (sqlite3_exec(s->db, drop_sql, NULL, NULL, NULL) != SQLITE_OK) return store_failed(s, "write");
    s->indexes_missing = true;
    return TL_OK;
}

tl_rc store_indexes_before_rows(tl_store *s)
{
    if (s->indexes_missing) return TL_OK;
    if (s->sessions_before == 0) {
        tl_rc rc = tl_store_next_ids(s, &s->sessions_before); /* one more than there are: so many are added first */
        if (rc != TL_OK) return rc;
    }
    return s->totals.sessions < s->sessions_before ? TL_OK : store_indexes_drop(s);
}

tl_rc store_indexes_make(tl_store *s)
{
    if (!s->indexes_missing) return TL_OK;
    (void)sqlite3_exec(s->db, sort_sql, NULL, NULL, NULL); /* the indexes are the same without */
    bool made =
        sqlite3_exec(s->db, drop_sql, NULL, NULL, NULL) == SQLITE_OK && sqlite3_exec(s->db, make_sql(), NULL, NULL, NULL) == SQLITE_OK;
    if (!made) return store_failed(s, "make the indexes");
    (void)sqlite3_exec(s->db, sorted_sql, NULL, NULL, NULL);
    s->many = false;
    s->indexes_missing = false;
    return TL_OK;
}
