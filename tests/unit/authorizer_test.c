/*
** authorizer_test.c - what a statement may not do is refused, whoever asks: the rule itself, and statements through a reader.
*/
#include "query/authorizer.h"
#include "query/known.h"
#include "query/query.h"
#include "support/check.h"
#include "support/sample.h"

#include <stdio.h>
#include <string.h>

/* Everything that SQLite asks about, but what reading needs. */
static void actions(void)
{
    static const int refused[] = {
        SQLITE_CREATE_INDEX,
        SQLITE_CREATE_TABLE,
        SQLITE_CREATE_TEMP_INDEX,
        SQLITE_CREATE_TEMP_TABLE,
        SQLITE_CREATE_TEMP_TRIGGER,
        SQLITE_CREATE_TRIGGER,
        SQLITE_CREATE_VIEW,
        SQLITE_CREATE_TEMP_VIEW,
        SQLITE_DELETE,
        SQLITE_DROP_INDEX,
        SQLITE_DROP_TABLE,
        SQLITE_DROP_TRIGGER,
        SQLITE_DROP_VIEW,
        SQLITE_INSERT,
        SQLITE_TRANSACTION,
        SQLITE_UPDATE,
        SQLITE_ATTACH,
        SQLITE_DETACH,
        SQLITE_ALTER_TABLE,
        SQLITE_REINDEX,
        SQLITE_ANALYZE,
        SQLITE_CREATE_VTABLE,
        SQLITE_DROP_VTABLE,
        SQLITE_SAVEPOINT,
        SQLITE_COPY,
        9999,
    };
    static const char *const pragmas[] = {"query_only",    "writable_schema", "journal_mode",
                                          "database_list", "table_info",      "temp_store_directory"};
    static const char *const functions[] = {"load_extension", "writefile", "readfile", "edit",  "fts3_tokenizer",
                                            "randomblob",     "zeroblob",  "random",   "lsdir", "sqlite_log"};
    tl_error err = {0};
    tl_known *k = tl_known_new(&err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        CU_ASSERT_EQUAL(tl_authorize(k, refused[i], "session", "session_id", "main", NULL), SQLITE_DENY);
    for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
        CU_ASSERT_EQUAL(tl_authorize(k, SQLITE_PRAGMA, pragmas[i], NULL, "main", NULL), SQLITE_DENY);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        CU_ASSERT_EQUAL(tl_authorize(k, SQLITE_FUNCTION, NULL, functions[i], NULL, NULL), SQLITE_DENY);
    CU_ASSERT_EQUAL(tl_authorize(k, SQLITE_READ, "session", "session_id", "main", NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(tl_authorize(k, SQLITE_READ, "other", "secret", "main", NULL), SQLITE_DENY);
    CU_ASSERT_EQUAL(tl_authorize(k, SQLITE_FUNCTION, NULL, "length", NULL, NULL), SQLITE_OK);
    tl_known_free(k);
}

static void statements(void)
{
    static const char *const refused[] = {
        "ATTACH '/tmp/other.db' AS other",
        "DETACH main",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA journal_mode = WAL",
        "SELECT load_extension('/tmp/x.so')",
        "SELECT writefile('/tmp/x', 'y')",
        "SELECT readfile('/etc/passwd')",
        "SELECT * FROM pragma_database_list",
        "SELECT * FROM dbstat",
        "SELECT * FROM sqlite_dbpage",
        "VACUUM INTO '/tmp/copy.db'",
        "VACUUM",
        "BEGIN IMMEDIATE",
        "SAVEPOINT s",
        "REINDEX",
        "ANALYZE",
        "INSERT INTO session (session_id) VALUES (99)",
        "UPDATE session SET protocol = 'x'",
        "DELETE FROM gap RETURNING gap_id",
        "CREATE TEMP TABLE t (a)",
        "CREATE TABLE t (a)",
        "CREATE VIRTUAL TABLE temp.t USING fts5(a)",
        "DROP TABLE stray",
        "ALTER TABLE stray RENAME TO x",
        "SELECT 1; DELETE FROM session",
        "EXPLAIN DELETE FROM session",
        "WITH x AS (SELECT 1) DELETE FROM session",
    };
    tl_error err = {0};
    char *path = tl_sample_new(TL_SOURCE_DIR "/tests/support/sample.sql", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        tl_output out = {.format = TL_CSV};
        tl_rc rc = tl_reader_run(r, refused[i], NULL, 0, &out, NULL);
        if (rc != TL_EUSAGE) printf("\nnot refused: %s (%d)\n", refused[i], (int)rc);
        CU_ASSERT_EQUAL(rc, TL_EUSAGE);
        CU_ASSERT_PTR_NULL(strchr(tl_reader_error(r)->text, '\n'));
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

int main(void)
{
    return tl_run_cases("authorizer", (const tl_case[]){{"actions", actions}, {"statements", statements}, {0}});
}
