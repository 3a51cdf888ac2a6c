/*
** migrate.c - schema/ into the database: numbered files once, the views whenever they differ.
**
** The files are named NNNN_word; user_version is the number of the last one that ran.  All that are pending run in one transaction, so
** a database is of one version or of the next, never between.  The views hold no data: they are dropped and made again (views.sql says
** so itself) where the database's differ from the ones of this program.
**
** A table that does not look as schema/ declares it is not touched.
*/
#include "store/indexes.h"

#include "base/embedded.h"
#include "base/schema.h"

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

/* How many of the schema's declarations does the database have, as they are declared?  Comments and spacing do not count.  named: as many
** have their names. */
typedef struct likeness {
    size_t declared, named, alike;
} likeness;
enum { TABLES /* and their indexes */, LATE_INDEXES, VIEWS, PARTS };

static likeness *likeness_of(likeness parts[PARTS], const char *type, const char *name)
{
    return &parts[strcmp(type, "view") == 0 ? VIEWS : store_index_is_late(name) ? LATE_INDEXES : TABLES];
}

static int compare_row(const tl_schema_items *ours, sqlite3_stmt *row, likeness parts[PARTS])
{
    const char *type = (const char *)sqlite3_column_text(row, 0), *name = (const char *)sqlite3_column_text(row, 1);
    const char *sql = (const char *)sqlite3_column_text(row, 2);
    if (type == NULL || name == NULL || sql == NULL) return SQLITE_NOMEM;
    for (size_t i = 0; i < ours->n; i++) {
        const tl_schema_item *d = &ours->items[i];
        if (strcmp(d->type, type) != 0 || strcmp(d->name, name) != 0) continue;
        bool alike;
        if (tl_schema_item_is(d, sql, &alike) != TL_OK) return SQLITE_NOMEM;
        likeness_of(parts, type, name)->named++;
        likeness_of(parts, type, name)->alike += alike;
    }
    return SQLITE_OK;
}

static int compare_schema(const tl_store *s, const tl_schema_items *ours, likeness parts[PARTS])
{
    static const char sql[] = "SELECT type, name, sql FROM sqlite_schema WHERE sql IS NOT NULL";
    sqlite3_stmt *row = NULL;
    for (size_t i = 0; i < ours->n; i++) likeness_of(parts, ours->items[i].type, ours->items[i].name)->declared++;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &row, NULL), step = rc;
    while (rc == SQLITE_OK && (step = sqlite3_step(row)) == SQLITE_ROW) rc = compare_row(ours, row, parts);
    sqlite3_finalize(row);
    return rc != SQLITE_OK ? rc : step == SQLITE_DONE ? SQLITE_OK : step;
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

static bool is_alike(const likeness *l)
{
    return l->alike == l->declared;
}

/* Does an existing database look like one that this program would make?  *same_views: are its views ours, too?  Late indexes may be
** missing; where one is, the other does not matter: both are made anew. */
static tl_rc compare(tl_store *s, bool *same_views)
{
    tl_schema_items ours = {0};
    likeness parts[PARTS] = {{0, 0, 0}};
    tl_rc rc = tl_schema_items_read(&ours) != TL_OK ? tl_fail(&s->error, TL_ENOMEM, "no memory for the database") : TL_OK;
    if (rc == TL_OK && compare_schema(s, &ours, parts) != SQLITE_OK) rc = store_failed(s, "read");
    tl_schema_items_free(&ours);
    if (rc != TL_OK) return rc;
    const likeness *late = &parts[LATE_INDEXES];
    s->indexes_missing = late->named < late->declared;
    *same_views = is_alike(&parts[VIEWS]);
    if (is_alike(&parts[TABLES]) && (s->indexes_missing || is_alike(late))) return TL_OK;
    return tl_fail(&s->error, TL_ESQL, "%s: its tables were changed by hand: start a new database", s->path);
}

tl_rc store_migrate(tl_store *s)
{
    int version = 0, latest = latest_version();
    bool same_views = true;
    if (look_version(s->db, &version) != SQLITE_OK) return store_failed(s, "read");
    if (version > latest)
        return tl_fail(&s->error, TL_EUSAGE, "%s: made by a newer tcpledger (schema %d, this one knows %d): use that one", s->path, version,
                       latest);
    if (version < latest) {
        tl_rc rc = build(s, version);
        /* A new database is as we made it. */
        if (rc != TL_OK || version == 0) return rc;
    }
    tl_rc rc = compare(s, &same_views);
    return rc == TL_OK && !same_views ? build(s, latest) : rc;
}
