/*
** The SQL functions of the extension, in a connection of their own: what they answer, and what they do with nonsense and with lies.
*/
#include "query/functions.h"
#include "support/check.h"
#include "support/sample.h"
#include "support/stored.h"
#include <stdlib.h>
#include <string.h>

static sqlite3 *open_db(tl_stored *s, const char *more, char **path)
{
    sqlite3 *db = NULL;
    *path = tl_stored_new(s, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*path);
    CU_ASSERT_FATAL(sqlite3_open(*path, &db) == SQLITE_OK && tl_functions_register(db));
    return db;
}

/* All rows as text: columns with |, rows with a space between; an error as "!" and its text. */
static void ask(sqlite3 *db, const char *sql, tl_text *out)
{
    sqlite3_stmt *s = NULL;
    tl_text_reset(out);
    tl_text_add(out, "");
    int rc = sqlite3_prepare_v2(db, sql, -1, &s, NULL);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
        rc = sqlite3_step(s);
        if (rc != SQLITE_ROW) break;
        if (out->n > 0) tl_text_add(out, " ");
        for (int i = 0; i < sqlite3_column_count(s); i++) {
            const char *text = (const char *)sqlite3_column_text(s, i);
            if (i > 0) tl_text_add(out, "|");
            tl_text_add(out, text == NULL ? "NULL" : text);
        }
    }
    if (rc != SQLITE_DONE) tl_text_printf(out, "!%s", sqlite3_errmsg(db));
    sqlite3_finalize(s);
}

static void fill(tl_stored *s)
{
    tl_stored_session(s, "http", 80);
    tl_stored_chunk(s, 0, tl_span_of("GET needle", 10), 2);
    tl_stored_chunk(s, 0, tl_span_of("needle", 6), 1);
    tl_stored_gap(s, 0, 4);
    tl_stored_packed(s, 0, tl_span_of("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaneedle", 52));
    tl_stored_message(s, 0, "http", "request", 0, 10, 10, 0, 0);
    tl_stored_session(s, "turn", 9);
    tl_stored_chunk(s, 1, tl_span_of("a needle\x1b[31m", 13), 1);
}

static void answers(void)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"SELECT payload(1, 'client', 4, 12)", "needleneedle"},
        {"SELECT payload(1, 0, 10, 20) = 'needle' || 'aaaaaaaaaa', length(payload(1, 0)), length(payload(1, 1))", "0|68|0"},
        {"SELECT CAST(payload(1, 0, 10, 20) AS TEXT)", "needleaaaaaaaaaa"},
        {"SELECT payload(77, 0), payload(NULL, 0), payload(1, NULL), payload(1, 0, 0, 0)", "|NULL|NULL|"},
        {"SELECT payload(1, 'both')", "!payload(session"},
        {"SELECT payload(1, 2)", "!payload(session"},
        {"SELECT payload(1, 0, -1)", "!payload(session"},
        {"SELECT count(*), sum(inflate(data, raw_size) = payload(session_id, direction, stream_offset, raw_size)) FROM chunk", "4|4"},
        {"SELECT inflate(x'789c', 40), inflate(NULL, 3), inflate(x'00', 1 << 40)", "NULL|NULL|NULL"},
        {"SELECT printable(x'1b5b33316d41c3a9ff0a5c'), printable(NULL), printable('')", "\\x1b[31mA\xc3\xa9\\xff\\x0a\\\\|NULL|"},
        {"SELECT hexdump(x'0041')", "00000000  00 41                                             |.A|\n"},
        {"SELECT hexdump(x''), hexdump(NULL), length(hexdump(zeroblob(33)))", "|NULL|"},
        {"SELECT in_cidr('10.1.2.3', '10.0.0.0/8'), in_cidr('10.1.2.3', '10.1.2.3'), in_cidr('10.1.2.3', '0.0.0.0/0')", "1|1|1"},
        {"SELECT in_cidr('10.1.2.3', '10.1.2.2/31'), in_cidr('10.1.2.3', '10.1.2.4/30'), in_cidr('10.1.2.3', '::/0')", "1|0|0"},
        {"SELECT in_cidr('2001:db8::1', '2001:db8::/32'), in_cidr('2001:db9::1', '2001:db8::/32'), in_cidr('x', '::/0')", "1|0|0"},
        {"SELECT in_cidr(NULL, '::/0'), in_cidr('::1', NULL)", "NULL|NULL"},
        {"SELECT in_cidr('::1', '::/129')", "!in_cidr"},
        {"SELECT in_cidr('::1', '10.0.0.0/33')", "!in_cidr"},
        {"SELECT in_cidr('::1', '10.0.0.0/')", "!in_cidr"},
        {"SELECT in_cidr('::1', 'x')", "!in_cidr"},
        {"SELECT stream_offset, length, frame FROM segments(1, 'client')", "0|5|1 5|5|2 10|6|3 20|52|4"},
        {"SELECT s.session_id, sum(g.length) FROM session AS s, segments(s.session_id, 1) AS g GROUP BY 1", "2|13"},
        {"SELECT count(*) FROM segments(1, 'x'), segments(9, 0)", "0"},
        {"SELECT * FROM segments(1)", "!no query solution"},
        {"SELECT * FROM segments", "!no query solution"},
        {"SELECT session_id, direction, stream_offset, length, number, frame FROM payload_search('needle')",
         "1|0|4|6|1|1 1|0|10|6|NULL|3 1|0|66|6|NULL|4 2|1|2|6|NULL|5"},
        {"SELECT stream_offset FROM payload_search('needle') WHERE session_id = 2", "2"},
        {"SELECT stream_offset FROM payload_search('needle') WHERE direction = 'server' AND session_id IN (1, 2)", "2"},
        {"SELECT stream_offset, CAST(\"match\" AS TEXT) FROM payload_search('^GET \\w+', 1)", "0|GET needleneedle"},
        {"SELECT CAST(\"before\" AS TEXT), printable(\"after\") FROM payload_search('needle') WHERE session_id = 2", "a |\\x1b[31m"},
        {"SELECT count(*) FROM payload_search(NULL)", "0"},
        {"SELECT count(*) FROM payload_search('needle') WHERE session_id = -5", "0"},
        {"SELECT * FROM payload_search('a\\d')", "!the pattern's backslash"},
        {"SELECT * FROM payload_search('(', 1)", "!the regular expression"},
        {"SELECT * FROM payload_search", "!no query solution"},
        {"CREATE TEMP VIEW v AS SELECT payload(1, 0); SELECT 1", ""},
    };
    char *path;
    tl_stored s = {0};
    tl_text got = {0};
    fill(&s);
    sqlite3 *db = open_db(&s, NULL, &path);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ask(db, cases[i].sql, &got);
        bool ok = cases[i].want[0] == '!' || strncmp(cases[i].sql, "SELECT hexdump(x'')", 19) == 0
                      ? strncmp(got.p, cases[i].want, strlen(cases[i].want)) == 0
                      : strcmp(got.p, cases[i].want) == 0;
        if (!ok) printf("\n%s: %s\n", cases[i].sql, got.p);
        CU_ASSERT(ok);
    }
    /* Not from within a schema: a view of the file may not read payload behind a person's back. */
    ask(db, "CREATE VIEW w AS SELECT payload(1, 0) AS p, * FROM payload_search('a')", &got);
    ask(db, "SELECT * FROM w", &got);
    CU_ASSERT_EQUAL(got.p[0], '!');
    sqlite3_limit(db, SQLITE_LIMIT_LENGTH, 60);
    ask(db, "SELECT payload(1, 0)", &got);
    CU_ASSERT_STRING_EQUAL(got.p, "!string or blob too big");
    ask(db, "SELECT hexdump(zeroblob(50))", &got);
    CU_ASSERT_STRING_EQUAL(got.p, "!string or blob too big");
    tl_text_free(&got);
    sqlite3_close(db);
    tl_sample_drop(path);
}

static void liars(void)
{
    static const char *const lies[] = {"UPDATE chunk SET raw_size = raw_size + 1", "UPDATE chunk SET arrivals = x'0102'",
                                       "UPDATE chunk SET raw_size = 1 << 40", "DROP TABLE chunk", "DROP TABLE stream"};
    static const char *const questions[] = {"SELECT length(payload(1, 0)) FROM session", "SELECT * FROM segments(1, 0)",
                                            "SELECT * FROM payload_search('needle')"};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char *path;
        tl_stored s = {0};
        tl_text got = {0};
        fill(&s);
        sqlite3 *db = open_db(&s, lies[i], &path);
        unsigned errors = 0;
        for (size_t k = 0; k < sizeof questions / sizeof questions[0]; k++) {
            ask(db, questions[k], &got);
            errors += strchr(got.p, '!') != NULL;
        }
        if (errors == 0) printf("\n%s: nobody minds\n", lies[i]);
        CU_ASSERT(errors > 0);
        tl_text_free(&got);
        sqlite3_close(db);
        tl_sample_drop(path);
    }
}

int main(void)
{
    return tl_run_cases("functions", (const tl_case[]){{"answers", answers}, {"liars", liars}, {0}});
}
