/*
** Opening what a stranger made, and running statements on it: who is let in, and what they may do.
*/
#include "base/schema.h"
#include "query/authorizer.h"
#include "query/handle.h"
#include "support/check.h"
#include "support/sample.h"
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

/* The statement's rows as CSV without the head; NULL: refused, the reason is in the reader.  Owned. */
static char *answer(tl_reader *r, const char *sql)
{
    tl_text got = {0};
    tl_text_add(&got, "");
    tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
    if (tl_reader_run(r, sql, NULL, 0, &out, NULL) != TL_OK) {
        tl_text_free(&got);
        return NULL;
    }
    char *rows = strdup(strchr(got.p, '\n') + 1);
    tl_text_free(&got);
    return rows;
}

/* What opening a database says: "" for welcome. */
static void expect_open(char *path, const char *part_of_reason, const char *label)
{
    tl_error err = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    tl_reader *r = tl_reader_open(path, &err);
    bool as_wanted = part_of_reason[0] == '\0' ? r != NULL : r == NULL && strstr(err.text, part_of_reason) != NULL;
    if (!as_wanted) printf("\n%s: %s\n", label, r != NULL ? "was opened" : err.text);
    CU_ASSERT(as_wanted);
    CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
    tl_reader_close(r);
}

static void strangers_are_told_why(void)
{
    static const struct {
        const char *sql, *reason; /* reason "": opened all the same */
    } cases[] = {
        {"SELECT 1", ""},
        {"ANALYZE", ""},
        {"DROP INDEX stray_by_session", ""},
        {"PRAGMA application_id = 1", "not a tcpledger database"},
        {"PRAGMA user_version = 99", "newer tcpledger (schema 99"},
        {"PRAGMA user_version = 2", "older tcpledger (schema 2"},
        {"PRAGMA journal_mode = WAL", "WAL"},
        {"DROP TABLE message", "lacks"},
        {"CREATE TABLE mine (a)", "table 'mine' that is not ours"},
        {"CREATE VIEW mine AS SELECT 1", "view 'mine' that is not ours"},
        {"CREATE INDEX mine ON session (client_addr)", "index 'mine' that is not ours"},
        {"CREATE TRIGGER mine AFTER INSERT ON session BEGIN SELECT 1; END", "trigger 'mine' that is not ours"},
        {"DROP TABLE gap; CREATE VIEW gap AS SELECT 1 AS session_id", "view 'gap' that is not ours"},
        {"ALTER TABLE gap ADD COLUMN more TEXT GENERATED ALWAYS AS (hex(zeroblob(1000000000))) VIRTUAL", "'gap' is not defined as ours"},
        {"DROP INDEX stray_by_session; CREATE INDEX stray_by_session ON stray (abs(session_id))", "'stray_by_session' is not defined"},
        {"CREATE VIRTUAL TABLE mine USING fts5(a)", "that is not ours"},
        {"DROP TABLE stray; CREATE TABLE stray (a DEFAULT (randomblob(1e9)))", "'stray' is not defined as ours"},
        /* Views of our names are never run, so any will do. */
        {"DROP VIEW sessions; CREATE VIEW sessions AS WITH RECURSIVE f(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM f) SELECT x FROM f", ""},
        {"DROP VIEW gaps; CREATE VIEW gaps AS SELECT load_extension('x')", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = tl_sample_new(NULL, cases[i].sql);
        expect_open(path, cases[i].reason, cases[i].sql);
        tl_sample_drop(path);
    }
}

static void things_that_are_no_database(void)
{
    static const struct {
        const char *label, *bytes;
        size_t n;
        const char *reason;
    } cases[] = {
        {"empty", "", 0, "not a tcpledger database"},
        {"text", "hello, world\n", 13, "not a tcpledger database"},
        {"a head only", "SQLite format 3\0\x80\0\1\1\0\x40\x20\x20", 24, "damaged"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = tl_sample_new(NULL, NULL);
        CU_ASSERT(tl_spill(path, cases[i].bytes, cases[i].n));
        expect_open(path, cases[i].reason, cases[i].label);
        tl_sample_drop(path);
    }
    char folder[] = "/tmp", missing[] = "/tmp/there is no such database", memory[] = ":memory:", none[] = "";
    expect_open(folder, "not a file", "folder");
    expect_open(missing, "No such file", "missing");
    expect_open(memory, "No such file", ":memory:");
    expect_open(none, "No such file", "no name");
    /* Opening a FIFO would wait for a writer. */
    char *fifo = tl_sample_new(NULL, NULL);
    unlink(fifo);
    CU_ASSERT_EQUAL(mkfifo(fifo, 0600), 0);
    expect_open(fifo, "not a file", "fifo");
    tl_sample_drop(fifo);
}

static void a_file_cut_short_is_damaged(void)
{
    size_t n = 0;
    char *path = tl_sample_new(sample, NULL);
    unsigned char *bytes = tl_slurp(path, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    CU_ASSERT(tl_spill(path, bytes, n / 3));
    expect_open(path, "damaged", "cut");
    free(bytes);
    tl_sample_drop(path);
}

/* A crash leaves DB-journal with a good head: reading would mean writing first.  The journal is made by copying it out of a live
 * transaction. */
static void a_hot_journal_is_explained(void)
{
    char *path = tl_sample_new(sample, NULL), *copy = tl_sample_new(NULL, NULL), name[64];
    sqlite3 *db = NULL;
    size_t n = 0;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL(
        sqlite3_exec(db, "PRAGMA cache_size = 1; BEGIN; DELETE FROM chunk; UPDATE session SET vlan = hex(zeroblob(9000))", 0, 0, 0),
        SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_db_cacheflush(db), SQLITE_OK);
    snprintf(name, sizeof name, "%s-journal", path);
    unsigned char *journal = tl_slurp(name, &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(journal);
    snprintf(name, sizeof name, "%s-journal", copy);
    CU_ASSERT(tl_spill(name, journal, n));
    free(journal);
    unsigned char *bytes = tl_slurp(path, &n);
    CU_ASSERT(tl_spill(copy, bytes, n));
    free(bytes);
    sqlite3_close(db);
    expect_open(copy, "crash", "hot journal");
    unlink(name);
    tl_sample_drop(copy);
    tl_sample_drop(path);
}

static void comments_and_spacing_do_not_count(void)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"CREATE TABLE t (a, b)", "CREATE  TABLE t(a,\n  b) -- of old", true},
        {"CREATE TABLE t (a /* x */, b)", "CREATE TABLE t (a, b)", true},
        {"CHECK (a = 'x  y')", "CHECK (a = 'x y')", false},
        {"CHECK (a = '--')", "CHECK (a = '", false},
        {"a b", "ab", false},
        {"x /* never closed", "x", true},
        {"[a  b]", "[a b]", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *a = tl_sql_plain(cases[i].a), *b = tl_sql_plain(cases[i].b);
        CU_ASSERT_EQUAL(strcmp(a, b) == 0, cases[i].same);
        free(a);
        free(b);
    }
}

static void only_select_passes(void)
{
    static const char *const refused[] = {
        "",
        "-- nothing",
        "DELETE FROM session",
        "UPDATE session SET vlan = 'x'",
        "INSERT INTO session (session_id) VALUES (9)",
        "CREATE TABLE t (a)",
        "CREATE TEMP TABLE t (a)",
        "DROP TABLE session",
        "DROP VIEW temp.sessions",
        "ATTACH '/tmp/other' AS o",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA table_info(session)",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM pragma_table_info('session')",
        "SELECT count(*) FROM pragma_compile_options",
        "SELECT load_extension('x')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT readfile('/etc/passwd')",
        "SELECT edit('x')",
        "SELECT fts3_tokenizer('x')",
        "SELECT sqlite_compileoption_get(1)",
        "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_dbpage",
        "SELECT 1; DELETE FROM session",
        "SELECT 1; SELECT 2",
        "BEGIN",
        "COMMIT",
        "SAVEPOINT a",
        "VACUUM INTO '/tmp/x'",
        "VACUUM",
        "REINDEX",
        "ANALYZE",
        "EXPLAIN DELETE FROM session",
        "WITH x AS (SELECT 1) DELETE FROM session",
        "SELECT ?1",
        "SELECT nosuchcolumn FROM session",
    };
    tl_error err;
    char *path = tl_sample_new(sample, NULL);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        char *got = answer(r, refused[i]);
        if (got != NULL) printf("\nnot refused: %s\n", refused[i]);
        CU_ASSERT_PTR_NULL(got);
        CU_ASSERT_EQUAL(tl_reader_error(r)->rc, TL_EUSAGE);
        free(got);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

static void what_people_ask(void)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"SELECT count(*) FROM session", "4\n"},
        {"SELECT 1 ; -- and no more", "1\n"},
        {"WITH a(x) AS (VALUES (1), (2)) SELECT count(*) FROM a", "2\n"},
        {"WITH RECURSIVE a(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM a WHERE x < 5) SELECT sum(x) FROM a", "15\n"},
        {"SELECT value FROM json_each('[7,8]')", "7\n8\n"},
        {"SELECT group_concat(name, ' ') FROM sqlite_schema WHERE type = 'table' AND name LIKE 's%'",
         "session stream stray session_state scan\n"},
        {"SELECT json_extract(detail, '$.status') FROM message WHERE summary LIKE '4%'", "404\n"},
        {"SELECT detail ->> '$.status' FROM message WHERE summary GLOB '404*'", "404\n"},
        {"SELECT length(sqlar_uncompress(data, raw_size)) FROM chunk WHERE chunk_id = 2", "340\n"},
        {"SELECT sqlar_uncompress(data, 341) IS NULL FROM chunk WHERE chunk_id = 2", "1\n"},
        {"SELECT sqlar_uncompress(X'00', 1099511627776) IS NULL", "1\n"},
        {"SELECT sum(length(payload)) FROM payloads", "747\n"},
        {"SELECT max(length) OVER () FROM gap LIMIT 1", "5000000000\n"},
    };
    tl_error err;
    char *path = tl_sample_new(sample, NULL);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = answer(r, cases[i].sql);
        CU_ASSERT_PTR_NOT_NULL(got);
        if (got == NULL || strcmp(got, cases[i].want) != 0) printf("\n%s: %s\n", cases[i].sql, got ? got : tl_reader_error(r)->text);
        if (got != NULL) CU_ASSERT_STRING_EQUAL(got, cases[i].want);
        free(got);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* A statement that would never end, and one that wants all the memory. */
static void costs_are_bounded(void)
{
    tl_error err;
    char *path = tl_sample_new(sample, NULL);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    tl_reader_time_limit(r, 1);
    CU_ASSERT_PTR_NULL(answer(r, "WITH RECURSIVE a(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM a) SELECT count(*) FROM a"));
    CU_ASSERT_PTR_NOT_NULL(strstr(tl_reader_error(r)->text, "after 1 seconds"));
    CU_ASSERT_PTR_NULL(answer(r, "SELECT length(hex(zeroblob(100000000)))"));
    CU_ASSERT_EQUAL(tl_reader_error(r)->rc, TL_EUSAGE);
    tl_reader_close(r);
    tl_sample_drop(path);
}

static void reading_changes_nothing(void)
{
    size_t before = 0, after = 0;
    tl_error err;
    char *path = tl_sample_new(sample, NULL), name[64];
    unsigned char *old = tl_slurp(path, &before);
    CU_ASSERT_EQUAL(chmod(path, 0444), 0);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    const tl_named_query *q;
    for (size_t i = 0; (q = tl_query_at(i)) != NULL; i++) free(answer(r, q->sql));
    tl_reader_close(r);
    unsigned char *new = tl_slurp(path, &after);
    CU_ASSERT(before == after && memcmp(old, new, before) == 0);
    static const char *const beside[] = {"-journal", "-wal", "-shm"};
    for (size_t i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "%s%s", path, beside[i]);
        CU_ASSERT_NOT_EQUAL(access(name, F_OK), 0);
    }
    free(old);
    free(new);
    tl_sample_drop(path);
}

/* The views that were made, asked behind the authorizer's back. */
static void expect_views(tl_reader *r, const char *want, const char *label)
{
    sqlite3_stmt *s = NULL;
    (void)sqlite3_set_authorizer(r->db, NULL, NULL);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(r->db, "SELECT coalesce(group_concat(name, ' '), '') FROM sqlite_temp_schema", -1, &s, NULL),
                          SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(s), SQLITE_ROW);
    const char *got = (const char *)sqlite3_column_text(s, 0);
    if (strcmp(got, want) != 0) printf("\n%s: '%s' and not '%s'\n", label, got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    sqlite3_finalize(s);
    CU_ASSERT_EQUAL(sqlite3_set_authorizer(r->db, tl_authorize, r->known), SQLITE_OK);
}

/* However a statement spells the name of a view, while another one is in the middle of its rows, and with the lock put back after it. */
static void views_are_made_when_named(void)
{
    static const struct {
        const char *sql, *views;
    } steps[] = {
        {"SELECT count(*) FROM session", ""},
        {"SELECT count(*) FROM main.session AS sessions_", ""},
        {"SELECT count(*) FROM \"SESSIONS\"", "sessions messages"}, /* its column of that name */
        {"SELECT count(*) FROM [gaps], sessions", "sessions messages gaps"},
        {"SELECT 'ledger' AS streams", "sessions messages gaps"}, /* words, no views */
    };
    tl_error err;
    char *path = tl_sample_new(sample, "DROP VIEW gaps; CREATE VIEW gaps AS SELECT load_extension('x')");
    tl_reader *r = tl_reader_open(path, &err);
    sqlite3_stmt *open = NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_EQUAL_FATAL(tl_reader_prepare(r, "SELECT session_id FROM session ORDER BY 1", &open), TL_OK);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (i < 4) CU_ASSERT_EQUAL(sqlite3_step(open), SQLITE_ROW);
        if (i < 4) CU_ASSERT_EQUAL(sqlite3_column_int(open, 0), (int)i + 1);
        char *got = answer(r, steps[i].sql);
        CU_ASSERT_PTR_NOT_NULL(got);
        free(got);
        expect_views(r, steps[i].views, steps[i].sql);
        got = answer(r, "CREATE TEMP TABLE mine (a)");
        CU_ASSERT_PTR_NULL(got);
        CU_ASSERT_EQUAL(sqlite3_exec(r->db, "DELETE FROM session", NULL, NULL, NULL), SQLITE_AUTH);
    }
    CU_ASSERT_EQUAL(sqlite3_step(open), SQLITE_DONE);
    sqlite3_finalize(open);
    (void)sqlite3_set_authorizer(r->db, NULL, NULL);
    CU_ASSERT_EQUAL(sqlite3_exec(r->db, "CREATE TEMP TABLE mine (a)", NULL, NULL, NULL) & 0xff, SQLITE_READONLY);
    tl_reader_close(r);
    tl_sample_drop(path);
}

int main(void)
{
    return tl_run_cases("reader", (const tl_case[]){
                                      {"strangers are told why", strangers_are_told_why},
                                      {"things that are no database", things_that_are_no_database},
                                      {"a file cut short is damaged", a_file_cut_short_is_damaged},
                                      {"a hot journal is explained", a_hot_journal_is_explained},
                                      {"comments and spacing do not count", comments_and_spacing_do_not_count},
                                      {"only SELECT passes", only_select_passes},
                                      {"what people ask", what_people_ask},
                                      {"views are made when named", views_are_made_when_named},
                                      {"costs are bounded", costs_are_bounded},
                                      {"reading changes nothing", reading_changes_nothing},
                                      {0},
                                  });
}
