/*
** migrate_test.c - which files the store opens, what it makes of a new one, and of one with older views.
*/
#include "query/known.h"
#include "support/check.h"
#include "support/stage.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool rows_are(const char *db, const char *sql, const char *expected)
{
    char *rows = tl_rows(db, sql);
    bool same = strcmp(rows, expected) == 0;
    if (!same) printf("\n%s\n%s\nexpected\n%s\n", sql, rows, expected);
    CU_ASSERT(same);
    free(rows);
    return same;
}

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    CU_ASSERT_EQUAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void write_file(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT_EQUAL(fwrite(p, 1, n, f), n);
    fclose(f);
}

static char *read_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    char *p = malloc(1 << 20);
    *n = fread(p, 1, 1 << 20, f);
    fclose(f);
    return p;
}

/* Databases of before migration 6 have none of them. */
static const char without_indexes[] = "DROP INDEX session_by_client; DROP INDEX session_by_server";

static const char *latest(void)
{
    static char text[12];
    snprintf(text, sizeof text, "%d", tl_known_version());
    return text;
}

static void set_version(const char *path, int version)
{
    char sql[60];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    run_sql(path, sql);
}

static void make_ours(const char *path)
{
    tl_error err = {0};
    tl_store *s = tl_store_open(path, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
}

static void makes_a_new_one(void)
{
    char *path = tl_scratch("new.db"), *empty = tl_scratch("empty.db");
    write_file(empty, "", 0);
    make_ours(path);
    make_ours(empty);
    const char *both[] = {path, empty};
    for (int i = 0; i < 2; i++) {
        rows_are(both[i], "PRAGMA application_id", "1413696583");
        rows_are(both[i], "PRAGMA user_version", latest());
        rows_are(both[i], "PRAGMA page_size", "32768");
        rows_are(both[i], "PRAGMA journal_mode", "delete");
        rows_are(both[i], "PRAGMA integrity_check", "ok");
        rows_are(both[i],
                 "SELECT group_concat(name) FROM (SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY "
                 "name)",
                 "capture,chunk,frame_count,frame_position,gap,ingest,message,scan,session,session_state,stray,stream");
        rows_are(both[i], "SELECT count(*) FROM sessions", "0");
    }
    tl_scratch_done(path);
    tl_scratch_done(empty);
}

/* Opening one that is up to date writes nothing. */
static void leaves_ours_as_it_is(void)
{
    char *path = tl_scratch("same.db");
    size_t before_n, after_n;
    make_ours(path);
    char *before = read_file(path, &before_n);
    make_ours(path);
    char *after = read_file(path, &after_n);
    CU_ASSERT(before_n == after_n && memcmp(before, after, before_n) == 0);
    free(before);
    free(after);
    tl_scratch_done(path);
}

typedef struct refusal {
    const char *name, *sql; /* made by SQLite */
    const char *bytes;      /* or of these */
    size_t n;
    tl_rc rc;
    const char *word;
} refusal;

static void refuses(void)
{
    static const refusal cases[] = {
        {"a capture", NULL, "\xd4\xc3\xb2\xa1\x02\x00\x04\x00", 8, TL_EUSAGE, "not a tcpledger database"},
        {"a text", NULL, "SQLite format 3 is what this text is about.  It is longer than the header of a database: one hundred bytes.", 106,
         TL_EUSAGE, "not a tcpledger database"},
        {"an empty database of SQLite", "PRAGMA user_version = 1", NULL, 0, TL_EUSAGE, "not a tcpledger database"},
        {"somebody else's database", "CREATE TABLE session (a); PRAGMA application_id = 7", NULL, 0, TL_EUSAGE, "not a tcpledger database"},
        {"one of a newer program", "CREATE TABLE x (a); PRAGMA application_id = 1413696583; PRAGMA user_version = 99", NULL, 0, TL_EUSAGE,
         "newer"},
        {"one with other tables", "CREATE TABLE session (a); PRAGMA application_id = 1413696583", NULL, 0, TL_ESQL, "changed by hand"},
        {"one whose tables are in the way", "CREATE TABLE session (a); PRAGMA application_id = 1413696583; PRAGMA user_version = 0", NULL,
         0, TL_ESQL, "already exists"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = tl_scratch("not-ours.db");
        tl_error err = {0};
        size_t before_n, after_n;
        if (cases[i].sql != NULL) run_sql(path, cases[i].sql);
        if (strcmp(cases[i].word, "changed by hand") == 0)
            set_version(path, tl_known_version());
        else if (cases[i].sql == NULL)
            write_file(path, cases[i].bytes, cases[i].n);
        char *before = read_file(path, &before_n);
        tl_store *s = tl_store_open(path, NULL, &err);
        if (s != NULL || strstr(err.text, cases[i].word) == NULL) printf("\n%s: %s\n", cases[i].name, s != NULL ? "opened" : err.text);
        CU_ASSERT_PTR_NULL(s);
        CU_ASSERT_EQUAL(err.rc, cases[i].rc);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, cases[i].word));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, path));
        char *after = read_file(path, &after_n);
        CU_ASSERT(before_n == after_n && memcmp(before, after, before_n) == 0);
        free(before);
        free(after);
        tl_scratch_done(path);
    }
}

static void refuses_places(void)
{
    tl_error err = {0};
    char *path = tl_scratch("folder");
    CU_ASSERT_EQUAL(mkdir(path, 0700), 0);
    CU_ASSERT_PTR_NULL(tl_store_open(path, NULL, &err));
    CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
    rmdir(path);
    tl_text inside = {0};
    tl_text_printf(&inside, "%s/no/such/folder.db", path);
    CU_ASSERT_PTR_NULL(tl_store_open(inside.p, NULL, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "folder"));
    CU_ASSERT_PTR_NULL(tl_store_open("/dev/null", NULL, &err));
    CU_ASSERT_EQUAL(err.rc, TL_EUSAGE);
    tl_text_free(&inside);
    free(path);
}

/* Views are made again where they differ; what people added stays. */
static void renews_views(void)
{
    char *path = tl_scratch("views.db");
    make_ours(path);
    char *good = tl_rows(path, "SELECT sql FROM sqlite_schema WHERE name = 'sessions'");
    run_sql(path, "DROP VIEW sessions; CREATE VIEW sessions AS SELECT 'old'; DROP VIEW ledger;"
                  "CREATE VIEW mine AS SELECT 1; CREATE TABLE notes (text); INSERT INTO notes VALUES ('kept')");
    make_ours(path);
    rows_are(path, "SELECT sql FROM sqlite_schema WHERE name = 'sessions'", good);
    rows_are(path, "SELECT count(*) FROM ledger", "0");
    rows_are(path, "SELECT * FROM mine, notes", "1|kept");
    free(good);
    tl_scratch_done(path);
}

/* Version 1 has the facts alone: opening brings it to the latest, and the rows stay. */
static void migrates(void)
{
    char *path = tl_scratch("old.db");
    make_ours(path);
    run_sql(path, "INSERT INTO ingest (started_ns, tool_version, options, state) VALUES (1, 'old', '{}', 'complete'); DROP TABLE message; "
                  "DROP TABLE session_state; DROP TABLE frame_position; DROP TABLE scan; PRAGMA user_version = 1");
    run_sql(path, without_indexes);
    make_ours(path);
    rows_are(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'session_by_%'", "2");
    rows_are(path, "PRAGMA user_version", latest());
    rows_are(path, "SELECT (SELECT count(*) FROM message), (SELECT count(*) FROM session_state)", "0|0");
    rows_are(path, "SELECT tool_version FROM ingest", "old");
    tl_scratch_done(path);
}

/* Migration 4 makes the table of messages anew: what is in it stays. */
static void messages_survive(void)
{
    char *path = tl_scratch("three.db");
    make_ours(path);
    run_sql(path,
            "INSERT INTO message VALUES (4294967297, 1, 0, 1, 0, 5, 0, 5, 'http', 'request', 'GET /', NULL, 1, 'start', 1, 2, 1, 2, 1, "
            "1, 0, NULL, 'unanswered')");
    run_sql(path, "DROP TABLE frame_position; DROP TABLE scan");
    run_sql(path, without_indexes);
    set_version(path, 3);
    make_ours(path);
    rows_are(path, "SELECT message_id, summary, peer_acked, pairing FROM message", "4294967297|GET /|0|unanswered");
    run_sql(path, "UPDATE message SET pairing = 'by_id'");
    tl_scratch_done(path);
}

/* The two indexes that a run may leave out, and no others, and none in their place. */
static void makes_missing_indexes(void)
{
    static const struct {
        const char *sql;
        bool good;
    } cases[] = {
        {without_indexes, true},
        {"DROP INDEX session_by_server", true},
        {"DROP INDEX stray_by_session", false},
        {"DROP INDEX session_by_server; CREATE INDEX session_by_server ON session (client_addr)", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *path = tl_scratch("indexes.db");
        tl_error err = {0};
        make_ours(path);
        run_sql(path, cases[i].sql);
        tl_store *s = tl_store_open(path, NULL, &err);
        CU_ASSERT_EQUAL(s != NULL, cases[i].good);
        if (s == NULL) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "changed by hand"));
        if (s != NULL) CU_ASSERT_EQUAL(tl_store_ingest_end(s, &(tl_ingest_facts){.finished_ns = 1, .state = "complete"}), TL_OK);
        if (s != NULL) CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
        if (cases[i].good) rows_are(path, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'session_by_%'", "2");
        tl_scratch_done(path);
    }
}

/* A trigger in a database that was given to us does not run. */
static void runs_no_triggers(void)
{
    char *path = tl_scratch("trigger.db");
    tl_error err = {0};
    make_ours(path);
    run_sql(path, "CREATE TABLE trap (a); CREATE TRIGGER t AFTER INSERT ON ingest BEGIN INSERT INTO trap VALUES (1); END");
    tl_store *s = tl_store_open(path, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_ingest_begin(s, &(tl_ingest_facts){.tool_version = "t", .options = "{}"}), TL_OK);
    CU_ASSERT_EQUAL(tl_store_close(s, &err), TL_OK);
    rows_are(path, "SELECT (SELECT count(*) FROM trap), (SELECT count(*) FROM ingest)", "0|1");
    tl_scratch_done(path);
}

int main(void)
{
    return tl_run_cases("migrate", (const tl_case[]){{"a new database", makes_a_new_one},
                                                     {"ours is left as it is", leaves_ours_as_it_is},
                                                     {"files that are not ours", refuses},
                                                     {"places that are not files", refuses_places},
                                                     {"views are renewed", renews_views},
                                                     {"an older version", migrates},
                                                     {"messages survive migration 4", messages_survive},
                                                     {"missing indexes are made", makes_missing_indexes},
                                                     {"no triggers", runs_no_triggers},
                                                     {0}});
}
