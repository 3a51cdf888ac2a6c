/*
** schema_test.c - what is read off the text of the schema is what SQLite makes of it.
*/
#include "base/embedded.h"
#include "base/schema.h"
#include "support/check.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sqlite3_stmt *ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    return s;
}

static void is_what_sqlite_makes(void)
{
    sqlite3 *db = NULL;
    tl_schema_items k = {0};
    CU_ASSERT_EQUAL_FATAL(tl_schema_items_read(&k), TL_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(":memory:", &db), SQLITE_OK);
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, e->text, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_stmt *one = ask(db, "SELECT sql FROM sqlite_schema WHERE type = ? AND name = ?");
    for (size_t i = 0; i < k.n; i++) {
        const char *type = k.items[i].type, *name = k.items[i].name;
        sqlite3_bind_text(one, 1, type, -1, SQLITE_STATIC);
        sqlite3_bind_text(one, 2, name, -1, SQLITE_STATIC);
        CU_ASSERT_EQUAL_FATAL(sqlite3_step(one), SQLITE_ROW);
        bool same = false;
        const char *theirs = (const char *)sqlite3_column_text(one, 0);
        CU_ASSERT_EQUAL(tl_schema_item_is(&k.items[i], theirs, &same), TL_OK);
        if (!same) printf("\n%.*s\nis not\n%s\n", (int)k.items[i].sql.n, (const char *)k.items[i].sql.p, theirs);
        CU_ASSERT(same);
        sqlite3_reset(one);
    }
    sqlite3_finalize(one);
    sqlite3_stmt *all = ask(db, "SELECT count(*) FROM sqlite_schema WHERE sql IS NOT NULL");
    CU_ASSERT_EQUAL(sqlite3_step(all), SQLITE_ROW);
    CU_ASSERT_EQUAL((size_t)sqlite3_column_int64(all, 0), k.n);
    sqlite3_finalize(all);
    sqlite3_close(db);
    tl_schema_items_free(&k);
}

/* Comments and spacing go, what is quoted stays. */
static void makes_plain(void)
{
    static const struct {
        const char *sql, *plain;
    } cases[] = {
        {"CREATE TABLE a (b,  c) -- d", "CREATE TABLE a(b,c)"},
        {"a /* b; */ c", "a c"},
        {"x = ' -- y ' ;", "x=' -- y ';"},
        {"\"a  b\" [c  d] `e  f`", "\"a  b\"[c  d]`e  f`"},
        {"", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *plain = tl_sql_plain(cases[i].sql);
        CU_ASSERT_PTR_NOT_NULL_FATAL(plain);
        CU_ASSERT_STRING_EQUAL(plain, cases[i].plain);
        free(plain);
    }
}

static void tells_alike_from_other(void)
{
    static const char ours[] = "CREATE TABLE a (b INTEGER, -- c\n d TEXT)";
    static const struct {
        const char *sql;
        bool same;
    } cases[] = {
        {ours, true},
        {"CREATE  TABLE a(b INTEGER,d TEXT)", true},
        {"CREATE TABLE a (b INTEGER, d TEXT) -- e", true},
        {"CREATE TABLE a (b INTEGER, -- d\n d TEXT)", true},
        {"CREATE TABLE a (b INTEGER, -- c\n d BLOB)", false},
        {"CREATE TABLE a (b INTEGER)", false},
        {"", false},
    };
    tl_schema_item item = {.type = "table", .sql = tl_span_of(ours, sizeof ours - 1)};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool same = !cases[i].same;
        CU_ASSERT_EQUAL(tl_schema_item_is(&item, cases[i].sql, &same), TL_OK);
        CU_ASSERT_EQUAL(same, cases[i].same);
    }
}

int main(void)
{
    return tl_run_cases("schema", (const tl_case[]){{"is what SQLite makes", is_what_sqlite_makes},
                                                    {"makes plain", makes_plain},
                                                    {"tells alike from other", tells_alike_from_other},
                                                    {0}});
}
