/*
** migrate.c - schema/ into the database: numbered files once, the views whenever they differ.
**
** The files are named NNNN_word; user_version is the number of the last one that ran.  All that are pending run in one transaction, so
** a database is of one version or of the next, never between.  The views hold no data: they are dropped and made again (views.sql says
** so itself) where the database's differ from the ones of this program.
**
** A new database in memory with the same files says what ours look like: a table that does not look so is not touched.
*/
#include "store/indexes.h"

#include "base/embedded.h"

#include <stdlib.h>
#include <string.h>

/* No SQL is put together at run time, and PRAGMA takes no parameter. */
static const char *const set_version[] = {NULL,
                                          "PRAGMA user_version = 1",
                                          "PRAGMA user_version = 2",
                                          "PRAGMA user_version = 3",
                                          "PRAGMA user_version = 4",
                                          "PRAGMA user_version = 5",
                                          "PRAGMA user_version = 6",
                                          "PRAGMA user_version = 7",
                                          "PRAGMA user_version = 8",
                                          "PRAGMA user_version = 9"};
enum { VERSIONS = sizeof set_version / sizeof *set_version };

static int number_of(const tl_embedded *e)
{
    return e->name[0] >= '0' && e->name[0] <= '9' ? atoi(e->name) : 0;
}

static int latest_version(void)
{
    int last = 0;
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        if (number_of(e) > last) last = number_of(e);
    return last;
}

static const char *views_text(void)
{
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        if (strcmp(e->name, "views") == 0) return e->text;
    return "";
}

static int run_pending(sqlite3 *db, int version)
{
    int rc = SQLITE_OK;
    for (const tl_embedded *e = tl_schema; rc == SQLITE_OK && e->name != NULL; e++) {
        int number = number_of(e);
        if (number <= version) continue;
        if (number >= VERSIONS) return SQLITE_INTERNAL; /* our own bug: a ninth migration needs a longer table */
        rc = sqlite3_exec(db, e->text, NULL, NULL, NULL);
        if (rc == SQLITE_OK) rc = sqlite3_exec(db, set_version[number], NULL, NULL, NULL);
    }
    return rc;
}

static int look_version(sqlite3 *db, int *version)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, "PRAGMA user_version", -1, &q, NULL);
    if (rc == SQLITE_OK && (rc = sqlite3_step(q)) == SQLITE_ROW) {
        *version = sqlite3_column_int(q, 0);
        rc = SQLITE_OK;
    }
    sqlite3_finalize(q);
    return rc == SQLITE_DONE ? SQLITE_CORRUPT : rc;
}

/* *same: everything of `type` that the model has is in db with the same text. */
static int compare_schema(sqlite3 *model, sqlite3 *db, const char *type, bool *same)
{
    static const char all[] = "SELECT name, sql FROM sqlite_schema WHERE type = ? AND sql IS NOT NULL";
    static const char one[] = "SELECT 1 FROM sqlite_schema WHERE type = ? AND name = ? AND sql = ?";
    sqlite3_stmt *want = NULL, *have = NULL;
    *same = true;
    int rc = sqlite3_prepare_v2(model, all, -1, &want, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_prepare_v2(db, one, -1, &have, NULL);
    if (rc == SQLITE_OK) {
        sqlite3_bind_text(want, 1, type, -1, SQLITE_STATIC);
        while (*same && (rc = sqlite3_step(want)) == SQLITE_ROW) {
            sqlite3_bind_text(have, 1, type, -1, SQLITE_STATIC);
            sqlite3_bind_value(have, 2, sqlite3_column_value(want, 0));
            sqlite3_bind_value(have, 3, sqlite3_column_value(want, 1));
            rc = sqlite3_step(have);
            if (rc != SQLITE_ROW && rc != SQLITE_DONE) break;
            *same = rc == SQLITE_ROW;
            sqlite3_reset(have);
            rc = SQLITE_DONE;
        }
        if (rc == SQLITE_DONE) rc = SQLITE_OK;
    }
    sqlite3_finalize(want);
    sqlite3_finalize(have);
    return rc;
}

/* One transaction: migrations where `version` is older than this program, and the views. */
static tl_rc build(tl_store *s, int version)
{
    if (sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK) return store_failed(s, "lock");
    int rc = SQLITE_OK;
    if (version < latest_version()) {
        rc = sqlite3_exec(s->db, "PRAGMA application_id = 1413696583", NULL, NULL, NULL); /* 0x54434C47, 'TCLG' */
        if (rc == SQLITE_OK) rc = run_pending(s->db, version);
    }
    if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, views_text(), NULL, NULL, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK) return TL_OK;
    tl_rc failed = store_failed(s, "make the tables");
    sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return failed;
}

/* Does an existing database look like one that this program would make?  *views: are its views ours, too? */
static tl_rc compare(tl_store *s, sqlite3 *model, bool *views)
{
    bool tables = true, indexes = true;
    tl_rc rc = store_indexes_look(s, &s->indexes_missing);
    if (rc != TL_OK) return rc;
    if (run_pending(model, 0) != SQLITE_OK || sqlite3_exec(model, views_text(), NULL, NULL, NULL) != SQLITE_OK)
        return tl_fail(&s->error, TL_ESQL, "the schema in this program does not run: %s", sqlite3_errmsg(model));
    if (s->indexes_missing) sqlite3_exec(model, "DROP INDEX session_by_client; DROP INDEX session_by_server", NULL, NULL, NULL);
    if (compare_schema(model, s->db, "table", &tables) != SQLITE_OK || compare_schema(model, s->db, "index", &indexes) != SQLITE_OK ||
        compare_schema(model, s->db, "view", views) != SQLITE_OK)
        return store_failed(s, "read");
    if (tables && indexes) return TL_OK;
    return tl_fail(&s->error, TL_ESQL, "%s: its tables were changed by hand: start a new database", s->path);
}

tl_rc store_migrate(tl_store *s)
{
    sqlite3 *model = NULL;
    int version = 0, latest = latest_version();
    bool views = true;
    if (look_version(s->db, &version) != SQLITE_OK) return store_failed(s, "read");
    if (version > latest)
        return tl_fail(&s->error, TL_EUSAGE, "%s: made by a newer tcpledger (schema %d, this one knows %d): use that one", s->path, version,
                       latest);
    if (version < latest) {
        tl_rc rc = build(s, version);
        /* A new database is as we made it. */
        if (rc != TL_OK || version == 0) return rc;
    }
    tl_rc rc = TL_OK;
    if (sqlite3_open(":memory:", &model) != SQLITE_OK)
        rc = tl_fail(&s->error, TL_ENOMEM, "no memory for the database");
    else
        rc = compare(s, model, &views);
    sqlite3_close(model);
    return rc == TL_OK && !views ? build(s, latest) : rc;
}
