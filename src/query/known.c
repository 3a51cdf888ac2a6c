/*
** known.c - see known.h.
**
** What SQLite would keep in sqlite_schema is read off the text of schema/: running it in memory costs more than all else that a
** small question does.  The files are ours, so a few statements are understood and everything else is passed over;
** tests/unit/known_test.c runs them in SQLite and compares.
*/
#include "query/known.h"

#include "base/embedded.h"
#include "base/text.h"
#include <stdlib.h>
#include <string.h>

typedef struct entry {
    const char *type; /* table, index or view, as SQLite says it */
    char *name;       /* owned */
    char *plain;      /* owned: as tl_sql_plain() makes it of sqlite_schema.sql */
    tl_span sql;      /* the statement in the embedded text */
    bool made;        /* a view that tl_known_views made */
} entry;

struct tl_known {
    entry *items;
    size_t n;
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

/* The index of the byte after the quoted part, or after the comment, that begins at sql[i]; i itself when neither begins there. */
static size_t skip_part(const char *sql, size_t i, bool *comment)
{
    char end = sql[i] == '[' ? ']' : sql[i];
    *comment = false;
    if (sql[i] == '\'' || sql[i] == '"' || sql[i] == '`' || sql[i] == '[') {
        for (i++; sql[i] != '\0' && sql[i] != end; i++) {
        }
        return sql[i] == '\0' ? i : i + 1;
    }
    if (sql[i] == '-' && sql[i + 1] == '-') {
        *comment = true;
        while (sql[i] != '\0' && sql[i] != '\n') i++;
    } else if (sql[i] == '/' && sql[i + 1] == '*') {
        *comment = true;
        const char *close = strstr(sql + i + 2, "*/");
        i = close == NULL ? strlen(sql) : (size_t)(close - sql) + 2;
    }
    return i;
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

char *tl_sql_plain(const char *sql)
{
    tl_text t = {0};
    bool space = false;
    tl_text_add(&t, "");
    for (size_t i = 0; sql[i] != '\0' && !t.failed;) {
        bool comment;
        size_t end = skip_part(sql, i, &comment);
        if (comment || is_space(sql[i])) {
            space = true;
            i = comment ? end : i + 1;
            continue;
        }
        if (end == i) end = i + 1;
        /* A space matters only between two words. */
        if (space && t.n > 0 && is_word(t.p[t.n - 1]) && is_word(sql[i])) tl_text_add(&t, " ");
        tl_text_bytes(&t, sql + i, end - i);
        space = false;
        i = end;
    }
    if (t.failed) tl_text_free(&t);
    return t.p;
}

static const char *column(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return text == NULL ? "" : text;
}

/* The next statement of sql from *at on, without what lies before it and without its semicolon; empty at the end. */
static tl_span next_statement(const char *sql, size_t *at)
{
    size_t i = *at, start = SIZE_MAX, end;
    for (; sql[i] != '\0' && (sql[i] != ';' || start == SIZE_MAX); i = end) {
        bool comment;
        end = skip_part(sql, i, &comment);
        if (!comment && !is_space(sql[i]) && sql[i] != ';' && start == SIZE_MAX) start = i;
        if (end == i) end = i + 1;
    }
    *at = i;
    return start == SIZE_MAX ? (tl_span){NULL, 0} : (tl_span){(const uint8_t *)sql + start, i - start};
}

/* Does plain begin with these words?  Then *name is what follows them. */
static bool begins(const char *plain, const char *words, const char **name)
{
    size_t n = strlen(words);
    *name = plain + n;
    return strncmp(plain, words, n) == 0;
}

static size_t name_length(const char *name)
{
    size_t n = 0;
    while (is_word(name[n])) n++;
    return n;
}

static void forget(tl_known *k, size_t i)
{
    free(k->items[i].name);
    free(k->items[i].plain);
    k->items[i] = k->items[--k->n];
}

static void drop_table(tl_known *k, const char *name)
{
    for (size_t i = k->n; i-- > 0;)
        if (strcmp(k->items[i].type, "table") == 0 && strlen(k->items[i].name) == name_length(name) &&
            strncmp(k->items[i].name, name, name_length(name)) == 0)
            forget(k, i);
}

/* Takes plain. */
static tl_rc remember(tl_known *k, const char *type, const char *name, char *plain, tl_span sql)
{
    entry *grown = realloc(k->items, (k->n + 1) * sizeof *grown);
    char *copy = strndup(name, name_length(name));
    if (grown != NULL) k->items = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        free(plain);
        return TL_ENOMEM;
    }
    k->items[k->n++] = (entry){.type = type, .name = copy, .plain = plain, .sql = sql};
    return TL_OK;
}

static tl_rc read_statement(tl_known *k, tl_span sql)
{
    static const struct {
        const char *words, *type;
    } creates[] = {{"CREATE TABLE ", "table"}, {"CREATE INDEX ", "index"}, {"CREATE UNIQUE INDEX ", "index"}, {"CREATE VIEW ", "view"}};
    char *text = strndup((const char *)sql.p, sql.n), *plain = text == NULL ? NULL : tl_sql_plain(text);
    const char *name;
    free(text);
    if (plain == NULL) return TL_ENOMEM;
    for (size_t i = 0; i < sizeof creates / sizeof *creates; i++)
        if (begins(plain, creates[i].words, &name)) return remember(k, creates[i].type, name, plain, sql);
    if (begins(plain, "DROP TABLE ", &name)) drop_table(k, name);
    free(plain);
    return TL_OK;
}

tl_known *tl_known_new(tl_error *err)
{
    tl_known *k = calloc(1, sizeof *k);
    tl_rc rc = k == NULL ? TL_ENOMEM : TL_OK;
    for (const tl_embedded *e = tl_schema; rc == TL_OK && e->name != NULL; e++) {
        size_t at = 0;
        for (tl_span sql = next_statement(e->text, &at); rc == TL_OK && sql.n > 0; sql = next_statement(e->text, &at))
            rc = read_statement(k, sql);
    }
    if (rc == TL_OK) return k;
    (void)tl_fail(err, rc, "no memory");
    tl_known_free(k);
    return NULL;
}

void tl_known_free(tl_known *k)
{
    if (k == NULL) return;
    while (k->n > 0) forget(k, k->n - 1);
    free(k->items);
    free(k);
}

static const entry *find(const tl_known *k, const char *name)
{
    for (size_t i = 0; i < k->n; i++)
        if (sqlite3_stricmp(k->items[i].name, name) == 0) return &k->items[i];
    return NULL;
}

bool tl_known_has(const tl_known *k, const char *name)
{
    const entry *e = find(k, name);
    return e != NULL && strcmp(e->type, "index") != 0;
}

bool tl_known_at(const tl_known *k, size_t i, const char **type, const char **name, const char **plain)
{
    if (i >= k->n) return false;
    *type = k->items[i].type;
    *name = k->items[i].name;
    *plain = k->items[i].plain;
    return true;
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
    const entry *e = find(k, name);
    if (e == NULL || strcmp(e->type, type) != 0)
        return tl_fail(err, TL_EUSAGE, "not a tcpledger database: its schema has a %s '%s' that is not ours", type, name);
    if (strcmp(type, "view") == 0) return TL_OK; /* never run */
    char *plain = tl_sql_plain(column(s, 2));
    if (plain == NULL) return tl_fail(err, TL_ENOMEM, "no memory");
    bool same = strcmp(plain, e->plain) == 0;
    free(plain);
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
        const entry *e = find(k, column(s, 1));
        tables += e != NULL && strcmp(e->type, "table") == 0;
    }
    if (rc == TL_OK && step != SQLITE_DONE) rc = tl_fail(err, TL_ESQL, "the database is damaged: %s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
    for (size_t i = 0; i < k->n; i++) ours += strcmp(k->items[i].type, "table") == 0;
    if (rc == TL_OK && tables < ours) rc = tl_fail(err, TL_EUSAGE, "not a tcpledger database: it lacks %zu of our tables", ours - tables);
    return rc;
}

/* The next view that text names from *at on and that is not made yet; NULL: no more.  What stands in a string or a comment may be a name,
** too: a view too many does no harm. */
static entry *next_view(const tl_known *k, tl_span text, size_t *at)
{
    const char *p = (const char *)text.p;
    while (*at < text.n) {
        size_t start = *at;
        while (*at < text.n && is_word(p[*at])) ++*at;
        size_t n = *at - start;
        for (size_t i = 0; n > 0 && i < k->n; i++) {
            entry *e = &k->items[i];
            if (!e->made && strcmp(e->type, "view") == 0 && strlen(e->name) == n && sqlite3_strnicmp(e->name, p + start, (int)n) == 0)
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

static tl_rc make_view(const entry *e, sqlite3 *db, tl_error *err)
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
    for (entry *e; rc == TL_OK && (e = next_view(k, text, &at)) != NULL;) {
        rc = make_view(e, db, err);
        if (rc != TL_OK) break;
        e->made = true;
        rc = make_views(k, db, e->sql, err);
    }
    return rc;
}

tl_rc tl_known_views(tl_known *k, sqlite3 *db, const char *sql, tl_error *err)
{
    return make_views(k, db, tl_span_of(sql, strlen(sql)), err);
}
