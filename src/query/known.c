/*
** known.c - see known.h.
*/
#include "query/known.h"

#include "base/embedded.h"
#include "base/schema.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

struct tl_known {
    tl_schema_items schema;
    bool *made; /* by item: a view that tl_known_views made */
};

static bool is_migration(const char *name)
{
    return name[0] >= '0' && name[0] <= '9';
}

int tl_known_version(void)
{
    int n = 0;
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++) n += is_migration(e->name);
    return n;
}

static const char *column(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return text == NULL ? "" : text;
}

tl_known *tl_known_new(tl_error *err)
{
    tl_known *k = calloc(1, sizeof *k);
    tl_rc rc = k == NULL ? TL_ENOMEM : tl_schema_items_read(&k->schema);
    if (rc == TL_OK && (k->made = calloc(k->schema.n, sizeof *k->made)) == NULL) rc = TL_ENOMEM;
    if (rc == TL_OK) return k;
    (void)tl_fail(err, rc, "no memory");
    tl_known_free(k);
    return NULL;
}

void tl_known_free(tl_known *k)
{
    if (k == NULL) return;
    tl_schema_items_free(&k->schema);
    free(k->made);
    free(k);
}

static const tl_schema_item *find(const tl_known *k, const char *name)
{
    for (size_t i = 0; i < k->schema.n; i++)
        if (sqlite3_stricmp(k->schema.items[i].name, name) == 0) return &k->schema.items[i];
    return NULL;
}

bool tl_known_has(const tl_known *k, const char *name)
{
    const tl_schema_item *e = find(k, name);
    return e != NULL && strcmp(e->type, "index") != 0;
}

/* SQLite's own: the statistics of ANALYZE, and the indices of primary keys. */
static bool is_internal(const char *type, const char *name)
{
    if (strcmp(type, "index") == 0) return strncmp(name, "sqlite_autoindex_", 17) == 0;
    return strcmp(type, "table") == 0 && (strcmp(name, "sqlite_stat1") == 0 || strcmp(name, "sqlite_stat4") == 0);
}

/* One row of a stranger's sqlite_schema. */
static tl_rc check_row(const tl_known *k, sqlite3_stmt *s, tl_error *err)
{
    const char *type = column(s, 0), *name = column(s, 1);
    if (is_internal(type, name)) return TL_OK;
    const tl_schema_item *e = find(k, name);
    if (e == NULL || strcmp(e->type, type) != 0)
        return tl_fail(err, TL_EUSAGE, "not a tcpledger database: its schema has a %s '%s' that is not ours", type, name);
    if (strcmp(type, "view") == 0) return TL_OK; /* never run */
    bool same;
    if (tl_schema_item_is(e, column(s, 2), &same) != TL_OK) return tl_fail(err, TL_ENOMEM, "no memory");
    return same ? TL_OK : tl_fail(err, TL_EUSAGE, "not a tcpledger database: its %s '%s' is not defined as ours is", type, name);
}

tl_rc tl_known_check(const tl_known *k, sqlite3 *db, tl_error *err)
{
    sqlite3_stmt *s = NULL;
    size_t tables = 0, ours = 0;
    tl_rc rc = TL_OK;
    int step = sqlite3_prepare_v2(db, "SELECT type, name, sql FROM main.sqlite_schema", -1, &s, NULL);
    while (step == SQLITE_OK && rc == TL_OK) {
        int got = sqlite3_step(s);
        if (got != SQLITE_ROW) {
            step = got == SQLITE_DONE ? SQLITE_DONE : got;
            break;
        }
        rc = check_row(k, s, err);
        const tl_schema_item *e = find(k, column(s, 1));
        tables += e != NULL && strcmp(e->type, "table") == 0;
    }
    if (rc == TL_OK && step != SQLITE_DONE) rc = tl_fail(err, TL_ESQL, "the database is damaged: %s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
    for (size_t i = 0; i < k->schema.n; i++) ours += strcmp(k->schema.items[i].type, "table") == 0;
    if (rc == TL_OK && tables < ours) rc = tl_fail(err, TL_EUSAGE, "not a tcpledger database: it lacks %zu of our tables", ours - tables);
    return rc;
}

/* The next view that text names from *at on and that is not made yet; NULL: no more.  What stands in a string or a comment may be a name,
** too: a view too many does no harm. */
static const tl_schema_item *next_view(const tl_known *k, tl_span text, size_t *at)
{
    const char *p = (const char *)text.p;
    while (*at < text.n) {
        size_t start = *at;
        while (*at < text.n && tl_sql_word(p[*at])) ++*at;
        size_t n = *at - start;
        for (size_t i = 0; n > 0 && i < k->schema.n; i++) {
            const tl_schema_item *e = &k->schema.items[i];
            if (!k->made[i] && strcmp(e->type, "view") == 0 && strlen(e->name) == n && sqlite3_strnicmp(e->name, p + start, (int)n) == 0)
                return e;
        }
        if (n == 0) ++*at;
    }
    return NULL;
}

bool tl_known_lacks(const tl_known *k, const char *sql)
{
    size_t at = 0;
    return next_view(k, tl_span_of(sql, strlen(sql)), &at) != NULL;
}

static tl_rc make_view(const tl_schema_item *e, sqlite3 *db, tl_error *err)
{
    static const size_t create = sizeof "CREATE VIEW " - 1;
    tl_text sql = {0};
    tl_rc rc = TL_OK;
    tl_text_add(&sql, "CREATE TEMP VIEW ");
    tl_text_bytes(&sql, e->sql.p + create, e->sql.n - create);
    if (sql.failed)
        rc = tl_fail(err, TL_ENOMEM, "no memory");
    else if (sqlite3_exec(db, sql.p, NULL, NULL, NULL) != SQLITE_OK)
        rc = tl_fail(err, TL_ESQL, "our views: %s", sqlite3_errmsg(db));
    tl_text_free(&sql);
    return rc;
}

/* A view is marked before those that it names are made, so each is made once however they name each other. */
static tl_rc make_views(tl_known *k, sqlite3 *db, tl_span text, tl_error *err)
{
    size_t at = 0;
    tl_rc rc = TL_OK;
    for (const tl_schema_item *e; rc == TL_OK && (e = next_view(k, text, &at)) != NULL;) {
        rc = make_view(e, db, err);
        if (rc != TL_OK) break;
        k->made[e - k->schema.items] = true;
        rc = make_views(k, db, e->sql, err);
    }
    return rc;
}

tl_rc tl_known_views(tl_known *k, sqlite3 *db, const char *sql, tl_error *err)
{
    return make_views(k, db, tl_span_of(sql, strlen(sql)), err);
}
