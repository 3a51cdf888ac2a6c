/*
** Filters: what a person types, and what an attacker would.
*/
#include "query/handle.h"
#include "support/check.h"
#include "support/sample.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";
static char *path;
static tl_reader *reader;

static void set_up(void)
{
    tl_error err;
    path = tl_sample_new(sample, NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    reader = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(reader);
    tl_reader_time_limit(reader, 5);
}

static void tear_down(void)
{
    tl_reader_close(reader);
    tl_sample_drop(path);
}

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

/* The first column of the rows that pass, one space between: session numbers. */
static void expect_rows(const tl_filter *f, bool messages, const char *want, const char *label)
{
    tl_text got = {0}, ids = {0};
    tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
    tl_rc rc = messages ? tl_filter_messages(reader, f, &out, NULL) : tl_filter_sessions(reader, f, &out, NULL);
    CU_ASSERT_EQUAL(rc, TL_OK);
    tl_text_add(&ids, "");
    for (char *line = got.p == NULL ? NULL : strchr(got.p, '\n'); line != NULL && line[1] != '\0'; line = strchr(line + 1, '\n')) {
        tl_text_add(&ids, ids.n > 0 ? " " : "");
        tl_text_bytes(&ids, line + 1, strcspn(line + 1, ","));
    }
    if (strcmp(ids.p, want) != 0) printf("\n%s: got '%s', wanted '%s' %s\n", label, ids.p, want, tl_reader_error(reader)->text);
    CU_ASSERT_STRING_EQUAL(ids.p, want);
    tl_text_free(&got);
    tl_text_free(&ids);
}

static void session_filters(void)
{
    static const struct {
        const char *host;
        int port;
        const char *since, *until, *protocol;
        bool lossy;
        const char *where;
        int64_t limit;
        const char *want;
    } cases[] = {
        {NULL, -1, NULL, NULL, NULL, false, NULL, -1, "1 2 3 4"},
        {"10.0.0.1", -1, NULL, NULL, NULL, false, NULL, -1, "1 4"},
        {"::ffff:10.0.0.1", -1, NULL, NULL, NULL, false, NULL, -1, "1 4"},
        {"2001:DB8:0:0::2", -1, NULL, NULL, NULL, false, NULL, -1, "2"},
        {"10.0.0.2", -1, NULL, NULL, NULL, false, NULL, -1, ""},
        {NULL, 80, NULL, NULL, NULL, false, NULL, -1, "1 4"},
        {NULL, 50000, NULL, NULL, NULL, false, NULL, -1, "2"},
        {NULL, -1, "2024-05-13T10:17:10", NULL, NULL, false, NULL, -1, "2 3 4"},
        {NULL, -1, NULL, "2024-05-13T10:17:09.123456788Z", NULL, false, NULL, -1, "1"},
        {NULL, -1, NULL, "2024-05-13T10:17:09.123456789Z", NULL, false, NULL, -1, "1 2"},
        {NULL, -1, "1715595436", "1715595437.5", NULL, false, NULL, -1, "4"},
        {NULL, -1, "2024-05-14", NULL, NULL, false, NULL, -1, ""},
        {NULL, -1, NULL, NULL, "http", false, NULL, -1, "1 4"},
        {NULL, -1, NULL, NULL, NULL, true, NULL, -1, "1 2"},
        {NULL, -1, NULL, NULL, NULL, false, "capture_loss > 0", -1, "1"},
        {NULL, -1, NULL, NULL, NULL, false, "unknown_loss > 0 OR messages = 0", -1, "2 3"},
        {NULL, -1, NULL, NULL, "http", false, "1 OR 1", -1, "1 4"},
        {NULL, -1, NULL, NULL, NULL, false, "notes LIKE '%stray%' -- with a comment", -1, "1"},
        {NULL, -1, NULL, NULL, NULL, false, "session_id IN (SELECT session_id FROM gap WHERE reason = 'one_sided')", -1, "2"},
        {NULL, -1, NULL, NULL, NULL, false, "server LIKE '%:80'", 1, "1"},
        {NULL, -1, NULL, NULL, NULL, false, NULL, 0, ""},
    };
    set_up();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char label[20];
        tl_filter f = tl_filter_all;
        if (cases[i].host != NULL) CU_ASSERT(tl_filter_host(&f, cases[i].host));
        if (cases[i].since != NULL) CU_ASSERT(tl_filter_time(cases[i].since, &f.since_ns));
        if (cases[i].until != NULL) CU_ASSERT(tl_filter_time(cases[i].until, &f.until_ns));
        f.port = cases[i].port;
        f.protocol = cases[i].protocol;
        f.lossy = cases[i].lossy;
        f.where = cases[i].where;
        f.limit = cases[i].limit;
        snprintf(label, sizeof label, "case %zu", i);
        expect_rows(&f, false, cases[i].want, label);
    }
    tear_down();
}

static void message_filters(void)
{
    static const struct {
        int64_t session;
        const char *protocol, *where, *want;
    } cases[] = {
        {0, NULL, NULL, "1 1 1 1 2 2 4"},
        {1, NULL, NULL, "1 1 1 1"},
        {3, NULL, NULL, ""},
        {2147483647, NULL, NULL, ""},
        {0, "turn", NULL, "2 2"},
        {1, NULL, "kind = 'response' AND missing > 0", "1"},
        {0, NULL, "pairing = 'unanswered'", "4"},
        {0, NULL, "json_extract(detail, '$.status') >= 400", "1"},
    };
    set_up();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_filter f = tl_filter_all;
        f.session = cases[i].session;
        f.protocol = cases[i].protocol;
        f.where = cases[i].where;
        expect_rows(&f, true, cases[i].want, cases[i].where ? cases[i].where : "messages");
    }
    tear_down();
}

static char *csv_of(tl_rc (*filter)(tl_reader *, const tl_filter *, const tl_output *, uint64_t *), const tl_filter *f)
{
    tl_text got = {0};
    tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
    CU_ASSERT_EQUAL(filter(reader, f, &out, NULL), TL_OK);
    tl_text_add(&got, "");
    return got.p;
}

static void expect_csv(tl_rc (*filter)(tl_reader *, const tl_filter *, const tl_output *, uint64_t *), const tl_filter *f, const char *want)
{
    char *got = csv_of(filter, f);
    if (strcmp(got, want) != 0) printf("\ngot:\n%s\nwanted:\n%s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    free(got);
}

/* A message's protocol and time are its own, whatever those of its session. */
static void messages_of_their_own(void)
{
    set_up();
    tl_filter f = tl_filter_all;
    f.protocol = "turn";
    expect_rows(&f, true, "2 2", "own protocol");
    f = tl_filter_all;
    CU_ASSERT(tl_filter_time("2024-05-13T10:17:07.131Z", &f.since_ns));
    CU_ASSERT(tl_filter_time("2024-05-13T10:17:07.200Z", &f.until_ns));
    expect_rows(&f, true, "1 1", "own time");
    tear_down();
}

static void exchange_filters(void)
{
    static const char head[] =
        "session_id,request,response,time,protocol,asked,answered,latency_ms,request_bytes,response_bytes,missing,pairing\n";
    set_up();
    tl_filter f = tl_filter_all;
    f.where = "response IS NULL";
    char *got = csv_of(tl_filter_exchanges, &f);
    CU_ASSERT_EQUAL(strncmp(got, head, sizeof head - 1), 0);
    CU_ASSERT_EQUAL(strncmp(got + sizeof head - 1, "4,1,,", 5), 0);
    free(got);
    f = tl_filter_all;
    f.session = 3;
    expect_csv(tl_filter_exchanges, &f, head);
    tear_down();
}

/* Each pair once, the busiest first; the filters choose sessions. */
static void host_filters(void)
{
    set_up();
    tl_filter f = tl_filter_all;
    expect_csv(tl_filter_hosts, &f,
               "client_addr,server_addr,sessions,client_bytes,server_bytes,capture_loss,unknown_loss,first,last\n"
               "2001:db8::1,2001:db8::2,1,5000000004,3,0,5000000000,2024-05-13T10:17:09.123456789Z,2024-05-13T10:17:09.123456789Z\n"
               "10.0.0.1,192.0.2.80,2,151,689,100,0,2024-05-13T10:17:07.123456789Z,2024-05-13T10:17:16.123456789Z\n"
               "10.0.0.9,192.0.2.80,1,0,0,0,0,2024-05-13T10:17:11.123456789Z,2024-05-13T10:17:11.123456789Z\n");
    f.where = "capture_loss > 0";
    f.limit = 1;
    expect_csv(tl_filter_hosts, &f,
               "client_addr,server_addr,sessions,client_bytes,server_bytes,capture_loss,unknown_loss,first,last\n"
               "10.0.0.1,192.0.2.80,1,97,689,100,0,2024-05-13T10:17:07.123456789Z,2024-05-13T10:17:07.123456789Z\n");
    tear_down();
}

/* What must not get through --where: closing our parenthesis, a second statement, another clause, writing, other files, parameters. */
static void injections_are_refused(void)
{
    static const char *const attacks[] = {
        "",
        " ",
        "-- nothing",
        "1) OR (1",
        "1) --",
        "1) /*",
        "1)) OR ((1",
        "1 /*",
        "1; DELETE FROM session",
        "1; SELECT 1",
        "1) ; DROP TABLE session; SELECT (1",
        "1 UNION SELECT * FROM session",
        "1) UNION SELECT * FROM sessions WHERE (1",
        "1 ORDER BY 1",
        "1 LIMIT 1",
        "1 GROUP BY session_id",
        "1 WINDOW w AS (ORDER BY 1)",
        "1 HAVING 1",
        "SELECT 1",
        "1, 2",
        "(1, 2)",
        "*",
        "?1",
        ":name",
        "1 = ?2",
        "load_extension('/tmp/x')",
        "writefile('/tmp/x', 'y')",
        "readfile('/etc/passwd') IS NOT NULL",
        "EXISTS (SELECT 1 FROM pragma_database_list)",
        "(SELECT count(*) FROM pragma_table_info('session'))",
        "EXISTS (SELECT 1 FROM dbstat)",
        "EXISTS (SELECT 1 FROM sqlite_dbpage)",
        "EXISTS (SELECT 1 FROM other.session)",
        "session_id = (DELETE FROM session)",
        "ATTACH '/tmp/x' AS y",
        "PRAGMA query_only = 0",
        "protocol = 'x' COLLATE nosuch",
        "nosuch = 1",
        "nosuch(1)",
        "fts5(1)",
        "'unfinished",
        "\"unfinished",
        "X'0",
        "1 RETURNING 1",
        "count(*) > 1",
        "sum(1) OVER () > 1",
    };
    set_up();
    for (size_t i = 0; i < sizeof attacks / sizeof attacks[0]; i++) {
        tl_output out = {.format = TL_CSV};
        uint64_t rows = 0;
        tl_filter f = tl_filter_all;
        f.where = attacks[i];
        tl_rc rc = tl_filter_sessions(reader, &f, &out, &rows);
        if (rc != TL_EUSAGE) printf("\nnot refused: %s (%d)\n", attacks[i], (int)rc);
        CU_ASSERT_EQUAL(rc, TL_EUSAGE);
        rc = tl_filter_messages(reader, &f, &out, &rows);
        CU_ASSERT_EQUAL(rc, TL_EUSAGE);
        CU_ASSERT_PTR_NULL(strchr(tl_reader_error(reader)->text, '\n'));
    }
    expect_rows(&tl_filter_all, false, "1 2 3 4", "all still there");
    tear_down();
}

/* Bound values are values: quotes in them close nothing. */
static void values_are_bound(void)
{
    static const char *const values[] = {"'", "http' OR '1'='1", "http\"", "http'; DELETE FROM session; --", "%", "htt_", "\\", "http "};
    set_up();
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        tl_filter f = tl_filter_all;
        f.protocol = values[i];
        expect_rows(&f, false, "", values[i]);
    }
    tear_down();
}

static void times(void)
{
    static const struct {
        const char *text;
        int64_t ns; /* -1: not a time */
    } cases[] = {
        {"1970-01-01", 0},
        {"0", 0},
        {"1.5", 1500000000},
        {"1715595427.123456789", 1715595427123456789},
        {"1.1234567899", 1123456789},
        {"2024-05-13T10:17:07.123456789Z", 1715595427123456789},
        {"2024-05-13 10:17:07", 1715595427000000000},
        {"2024-05-13T10:17", 1715595420000000000},
        {"2024-05-13Z", 1715558400000000000},
        {"2024-02-29", 1709164800000000000},
        {"", -1},
        {"now", -1},
        {"-1", -1},
        {"2024", 2024000000000},
        {"2024-13-01", -1},
        {"2024-05-32", -1},
        {"2024-05-13T25:00", -1},
        {"2024-05-13T10:60", -1},
        {"2024-05-13T10", -1},
        {"2024-05-13T10:17:07+02:00", -1},
        {"2024-05-13x", -1},
        {"9999999999", -1},
        {"99999999999999999999", -1},
        {"1.5x", -1},
        {"1969-12-31", -1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 0;
        bool good = tl_filter_time(cases[i].text, &ns);
        if (good != (cases[i].ns >= 0) || (good && ns != cases[i].ns)) printf("\n'%s': %d %" PRId64 "\n", cases[i].text, good, ns);
        CU_ASSERT_EQUAL(good, cases[i].ns >= 0);
        if (good) CU_ASSERT_EQUAL(ns, cases[i].ns);
    }
}

static void hosts(void)
{
    static const struct {
        const char *in, *out; /* out NULL: refused */
    } cases[] = {
        {"1.2.3.4", "1.2.3.4"},        {"::1", "::1"},      {"2001:0DB8::0001", "2001:db8::1"},
        {"::ffff:1.2.3.4", "1.2.3.4"}, {"1.2.3", NULL},     {"", NULL},
        {"example.org", NULL},         {"1.2.3.4.5", NULL}, {"1.2.3.4' OR '1'='1", NULL},
        {"fe80::1%lo", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_filter f = tl_filter_all;
        bool good = tl_filter_host(&f, cases[i].in);
        CU_ASSERT_EQUAL(good, cases[i].out != NULL);
        if (good && cases[i].out != NULL) CU_ASSERT_STRING_EQUAL(f.host, cases[i].out);
    }
}

static int keep_sql(unsigned event, void *to, void *stmt, void *sql)
{
    (void)event, (void)stmt;
    /* Views are made before it, and what comes later is inside of it. */
    if (((tl_text *)to)->n == 0 && strncmp(sql, "SELECT", 6) == 0) tl_text_add(to, sql);
    return 0;
}

/* How SQLite would go about it. */
static tl_text plan_of(const char *sql)
{
    tl_text question = {0}, plan = {0};
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    tl_text_add(&question, "EXPLAIN QUERY PLAN ");
    tl_text_add(&question, sql);
    tl_text_add(&plan, "");
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(path, &db), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, question.p, -1, &q, NULL), SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW) {
        tl_text_add(&plan, (const char *)sqlite3_column_text(q, 3));
        tl_text_add(&plan, "\n");
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
    tl_text_free(&question);
    return plan;
}

/* Sessions of a host are found by the indexes and never by going through all of them, and without a host neither is looked at. */
static void hosts_are_looked_up(void)
{
    static tl_rc (*const questions[])(tl_reader *, const tl_filter *, const tl_output *,
                                      uint64_t *) = {tl_filter_sessions, tl_filter_messages, tl_filter_exchanges, tl_filter_hosts};
    set_up();
    for (size_t i = 0; i < 2 * sizeof questions / sizeof *questions; i++) {
        const bool host = i % 2 == 0;
        tl_filter f = tl_filter_all;
        tl_text sql = {0};
        tl_output none = {0};
        if (host) CU_ASSERT(tl_filter_host(&f, "10.0.0.1"));
        CU_ASSERT_EQUAL(sqlite3_trace_v2(reader->db, SQLITE_TRACE_STMT, keep_sql, &sql), SQLITE_OK);
        CU_ASSERT_EQUAL(questions[i / 2](reader, &f, &none, NULL), TL_OK);
        CU_ASSERT_PTR_NOT_NULL_FATAL(sql.p);
        tl_text plan = plan_of(sql.p);
        bool client = strstr(plan.p, "USING COVERING INDEX session_by_client (client_addr=?)") != NULL;
        bool server = strstr(plan.p, "USING COVERING INDEX session_by_server (server_addr=?)") != NULL;
        if (client != host || server != host || (host && strstr(plan.p, "SCAN s") != NULL)) printf("\n%zu\n%s", i, plan.p);
        CU_ASSERT_EQUAL(client, host);
        CU_ASSERT_EQUAL(server, host);
        if (host) CU_ASSERT_PTR_NULL(strstr(plan.p, "SCAN s"));
        tl_text_free(&plan);
        tl_text_free(&sql);
    }
    tear_down();
}

/* Messages and exchanges of a host: all of its sessions, in order. */
static void messages_of_a_host(void)
{
    set_up();
    tl_filter f = tl_filter_all;
    CU_ASSERT(tl_filter_host(&f, "10.0.0.1"));
    expect_rows(&f, true, "1 1 1 1 4", "client");
    f.session = 4;
    expect_rows(&f, true, "4", "and a session");
    f.session = 2;
    expect_rows(&f, true, "", "and a session of others");
    tear_down();
}

int main(void)
{
    return tl_run_cases("where", (const tl_case[]){
                                     {"session filters", session_filters},
                                     {"message filters", message_filters},
                                     {"messages of their own", messages_of_their_own},
                                     {"exchange filters", exchange_filters},
                                     {"host filters", host_filters},
                                     {"injections are refused", injections_are_refused},
                                     {"values are bound", values_are_bound},
                                     {"times", times},
                                     {"hosts", hosts},
                                     {"hosts are looked up", hosts_are_looked_up},
                                     {"messages of a host", messages_of_a_host},
                                     {0},
                                 });
}
