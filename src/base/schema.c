/*
** schema.c - see schema.h.
*/
#include "base/schema.h"

#include "base/embedded.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

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

bool tl_sql_word(char c)
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
        if (space && t.n > 0 && tl_sql_word(t.p[t.n - 1]) && tl_sql_word(sql[i])) tl_text_add(&t, " ");
        tl_text_bytes(&t, sql + i, end - i);
        space = false;
        i = end;
    }
    if (t.failed) tl_text_free(&t);
    return t.p;
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

/* Does it begin with these words, as our files write them?  Then *name is what follows them. */
static bool begins(tl_span sql, const char *words, const char **name)
{
    size_t n = strlen(words);
    *name = (const char *)sql.p + n;
    return sql.n > n && memcmp(sql.p, words, n) == 0;
}

static size_t name_length(const char *name)
{
    size_t n = 0;
    while (tl_sql_word(name[n])) n++;
    return n;
}

static void forget(tl_schema_items *d, size_t i)
{
    free(d->items[i].name);
    d->items[i] = d->items[--d->n];
}

static void drop_table(tl_schema_items *d, const char *name)
{
    for (size_t i = d->n; i-- > 0;)
        if (strcmp(d->items[i].type, "table") == 0 && strlen(d->items[i].name) == name_length(name) &&
            strncmp(d->items[i].name, name, name_length(name)) == 0)
            forget(d, i);
}

static tl_rc remember(tl_schema_items *d, const char *type, const char *name, tl_span sql)
{
    tl_schema_item *grown = realloc(d->items, (d->n + 1) * sizeof *grown);
    char *copy = strndup(name, name_length(name));
    if (grown != NULL) d->items = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return TL_ENOMEM;
    }
    d->items[d->n++] = (tl_schema_item){.type = type, .name = copy, .sql = sql};
    return TL_OK;
}

static tl_rc read_statement(tl_schema_items *d, tl_span sql)
{
    static const struct {
        const char *words, *type;
    } creates[] = {{"CREATE TABLE ", "table"}, {"CREATE INDEX ", "index"}, {"CREATE UNIQUE INDEX ", "index"}, {"CREATE VIEW ", "view"}};
    const char *name;
    for (size_t i = 0; i < sizeof creates / sizeof *creates; i++)
        if (begins(sql, creates[i].words, &name)) return remember(d, creates[i].type, name, sql);
    if (begins(sql, "DROP TABLE ", &name)) drop_table(d, name);
    return TL_OK;
}

tl_rc tl_schema_item_is(const tl_schema_item *d, const char *sql, bool *yes)
{
    *yes = strlen(sql) == d->sql.n && memcmp(sql, d->sql.p, d->sql.n) == 0; /* SQLite keeps what it was given */
    if (*yes) return TL_OK;
    char *text = strndup((const char *)d->sql.p, d->sql.n), *ours = text == NULL ? NULL : tl_sql_plain(text), *theirs = tl_sql_plain(sql);
    tl_rc rc = ours == NULL || theirs == NULL ? TL_ENOMEM : TL_OK;
    if (rc == TL_OK) *yes = strcmp(ours, theirs) == 0;
    free(text);
    free(ours);
    free(theirs);
    return rc;
}

tl_rc tl_schema_items_read(tl_schema_items *d)
{
    tl_rc rc = TL_OK;
    for (const tl_embedded *e = tl_schema; rc == TL_OK && e->name != NULL; e++) {
        size_t at = 0;
        for (tl_span sql = next_statement(e->text, &at); rc == TL_OK && sql.n > 0; sql = next_statement(e->text, &at))
            rc = read_statement(d, sql);
    }
    if (rc != TL_OK) tl_schema_items_free(d);
    return rc;
}

void tl_schema_items_free(tl_schema_items *d)
{
    while (d->n > 0) forget(d, d->n - 1);
    free(d->items);
    *d = (tl_schema_items){0};
}
