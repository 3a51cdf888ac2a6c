/*
** Views and checks on a small database that is known: what each says of it, and that each check sees what it is for.
*/
#include "query/loss_hosts.h"
#include "query/query.h"
#include "query/sections.h"
#include "support/check.h"
#include "support/sample.h"
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

/* The rows as CSV without the head; NULL: failed.  Owned. */
static char *answer(tl_reader *r, const char *sql, uint64_t *rows)
{
    tl_text got = {0};
    tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
    if (tl_reader_run(r, sql, NULL, 0, &out, rows) != TL_OK) {
        printf("\n%s: %s\n", sql, tl_reader_error(r)->text);
        tl_text_free(&got);
        return NULL;
    }
    char *text = strdup(strchr(got.p, '\n') + 1);
    tl_text_free(&got);
    return text;
}

static tl_reader *open_sample(char **path, const char *more)
{
    tl_error err = {0};
    *path = tl_sample_new(sample, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*path);
    tl_reader *r = tl_reader_open(*path, &err);
    if (r == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static void what_views_say(void)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"SELECT client, server, client_bytes, server_bytes, capture_loss, unknown_loss, messages, start, seconds, notes FROM sessions",
         "10.0.0.1:40000,192.0.2.80:80,97,689,100,0,4,2024-05-13T10:17:07.123456789Z,1,stray\n"
         "[2001:db8::1]:50000,[2001:db8::2]:9999,5000000004,3,0,5000000000,2,2024-05-13T10:17:09.123456789Z,1,midstream roles-guessed\n"
         "10.0.0.9:1234,192.0.2.80:443,0,0,0,0,0,2024-05-13T10:17:11.123456789Z,0,\"\"\n"
         "10.0.0.1:40001,192.0.2.80:80,54,0,0,0,1,2024-05-13T10:17:16.123456789Z,1,\"\"\n"},
        {"SELECT sender, address, length, stored_bytes, capture_loss, unknown_loss FROM streams WHERE session_id = 1",
         "client,10.0.0.1:40000,97,97,0,0\nserver,192.0.2.80:80,689,589,100,0\n"},
        {"SELECT number, sender, kind, summary, length, missing, complete, answers FROM messages WHERE session_id = 1",
         "1,client,request,GET /a,53,0,1,\n2,server,response,200 OK,640,100,0,1\n"
         "3,client,request,GET /missing,44,0,1,\n4,server,response,404 Not Found,49,0,1,3\n"},
        {"SELECT request, response, latency_ms, missing, pairing FROM exchanges", "1,2,2,100,proved\n3,4,11,0,proved\n1,,,0,unanswered\n"},
        {"SELECT session_id, sender, stream_offset, length, reason, loss, before, after FROM gaps",
         "1,server,340,100,acked,capture,2024-05-13T10:17:07.127456789Z,2024-05-13T10:17:07.128456789Z\n"
         "2,client,0,5000000000,one_sided,unknown,,2024-05-13T10:17:09.123456789Z\n"},
        {"SELECT stream_offset, length(payload) = raw_size FROM payloads WHERE session_id = 1", "0,1\n0,1\n440,1\n"},
        {"SELECT capture_id, state, frames, tcp_frames, drops_reported FROM captures", "1,complete,30,28,\n2,truncated,4,4,7\n"},
        {"SELECT * FROM loss_by_session", "1,10.0.0.1:40000,192.0.2.80:80,http,786,1,100,0\n"
                                          "2,[2001:db8::1]:50000,[2001:db8::2]:9999,turn,5000000007,1,0,5000000000\n"},
        {"SELECT * FROM loss_by_host WHERE gaps > 0 ORDER BY host",
         "192.0.2.80,3,689,589,1,100,0\n2001:db8::1,1,5000000004,4,1,0,5000000000\n"},
        {"SELECT * FROM loss_by_second", "2024-05-13T10:17:07Z,1,1,100,0\n2024-05-13T10:17:09Z,1,1,0,5000000000\n"},
        {"SELECT * FROM loss_by_capture", "1,sample.pcap,30,8000,,2,100,5000000000\n2,second.pcapng,4,300,7,0,0,0\n"},
        {"SELECT * FROM unframed", "4,client,44,10\n"},
        {"SELECT count(*), sum(balanced) FROM ledger", "8,8\n"},
        {"SELECT method, host, target, version, user_agent, body_bytes FROM http_requests LIMIT 1", "GET,example.org,/a,1.1,t,0\n"},
        {"SELECT status, reason, content_length, body_bytes, missing, answers FROM http_responses",
         "200,OK,600,600,100,1\n404,Not Found,4,4,0,3\n"},
        {"SELECT ts, uid, \"id.orig_h\", \"id.resp_p\", service, duration, orig_bytes, missed_bytes, history FROM conn_log LIMIT 1",
         "1715595427.123456789,C1,10.0.0.1,80,http,1.000000000,97,100,ShADadFf\n"},
        {"SELECT DISTINCT service FROM conn_log", "http\n\n"},
        {"SELECT ts, uid, \"id.orig_p\", trans_depth, method, host, uri, version, user_agent, request_body_len, response_body_len, "
         "status_code,"
         " status_msg, info_code FROM http_log",
         "1715595427.124456789,C1,40000,1,GET,example.org,/a,1.1,t,0,600,200,OK,\n"
         "1715595427.130456789,C1,40000,2,GET,example.org,/missing,1.1,,0,4,404,Not Found,\n"
         "1715595436.123456789,C4,40001,1,GET,example.org,/missing,,,0,0,,,\n"},
        {"SELECT * FROM tshark_conv WHERE Session < 3",
         "10.0.0.1,40000,192.0.2.80,80,5,789,5,297,10,1086,0,1,1\n2001:db8::1,50000,2001:db8::2,9999,5,203,5,204,10,407,2,1,2\n"},
    };
    char *path;
    tl_reader *r = open_sample(&path, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = answer(r, cases[i].sql, NULL);
        CU_ASSERT_PTR_NOT_NULL(got);
        if (got != NULL && strcmp(got, cases[i].want) != 0) printf("\n%s:\n%s", cases[i].sql, got);
        if (got != NULL) CU_ASSERT_STRING_EQUAL(got, cases[i].want);
        free(got);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* An interim response stands beside the final one, and makes no row. */
static void an_interim_response(void)
{
    static const char more[] = "DELETE FROM message WHERE session_id = 4;"
                               "INSERT INTO message SELECT (4 << 32) + column1, 4, column2, column3, 0, 10, 0, 10, 'http', column4, '', "
                               "column5, 1, 'start', 0, 0, 1, 1, 1, 1, 0,"
                               " column6, NULL FROM (VALUES (1, 0, 1, 'request', '{\"method\":\"PUT\"}', NULL),"
                               " (2, 1, 1, 'response', '{\"status\":100,\"reason\":\"Continue\"}', (4 << 32) + 1),"
                               " (3, 1, 2, 'response', '{\"status\":201}', (4 << 32) + 1), (4, 1, 3, 'response', NULL, NULL));";
    char *path;
    tl_reader *r = open_sample(&path, more);
    char *got = answer(r, "SELECT trans_depth, method, status_code, info_code, info_msg FROM http_log WHERE uid = 'C4'", NULL);
    CU_ASSERT_PTR_NOT_NULL_FATAL(got);
    CU_ASSERT_STRING_EQUAL(got, "1,PUT,201,100,Continue\n3,,,,\n");
    free(got);
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* Exact to the nanosecond, on both sides of 1970. */
static void times_of_any_age(void)
{
    static const struct {
        const char *set, *start, *ts;
    } cases[] = {
        {"UPDATE session SET first_ns = 0", "1970-01-01T00:00:00.000000000Z", "0.000000000"},
        {"UPDATE session SET first_ns = 999999999", "1970-01-01T00:00:00.999999999Z", "0.999999999"},
        {"UPDATE session SET first_ns = -1", "1969-12-31T23:59:59.999999999Z", "-0.000000001"},
        {"UPDATE session SET first_ns = -1000000000", "1969-12-31T23:59:59.000000000Z", "-1.000000000"},
        {"UPDATE session SET first_ns = -1000000001", "1969-12-31T23:59:58.999999999Z", "-1.000000001"},
        {"UPDATE session SET first_ns = 9223372036854775807", "2262-04-11T23:47:16.854775807Z", "9223372036.854775807"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path, want[80];
        tl_reader *r = open_sample(&path, cases[i].set);
        char *got = answer(r, "SELECT s.start, c.ts FROM sessions AS s JOIN conn_log AS c ON c.uid = 'C1' WHERE s.session_id = 1", NULL);
        snprintf(want, sizeof want, "%s,%s\n", cases[i].start, cases[i].ts);
        CU_ASSERT_PTR_NOT_NULL_FATAL(got);
        CU_ASSERT_STRING_EQUAL(got, want);
        free(got);
        tl_reader_close(r);
        tl_sample_drop(path);
    }
}

/* What neither messages nor gaps cover, in each constellation: streams of session 4's client, 54 bytes. */
static void unframed_ranges(void)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"DELETE FROM message WHERE session_id = 4", "0,54\n"},
        {"UPDATE message SET stream_offset = 10 WHERE session_id = 4", "0,10\n"},
        {"UPDATE message SET stream_offset = 5, length = 44, head_length = 0 WHERE session_id = 4", "0,5\n49,5\n"},
        {"INSERT INTO gap (session_id, direction, stream_offset, length, reason) VALUES (4, 0, 46, 3, 'end')", "44,2\n49,5\n"},
        {"INSERT INTO gap (session_id, direction, stream_offset, length, reason) VALUES (4, 0, 40, 10, 'end')", "50,4\n"},
        {"UPDATE message SET length = 54 WHERE session_id = 4", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path;
        tl_reader *r = open_sample(&path, cases[i].sql);
        char *got = answer(r, "SELECT stream_offset, length FROM unframed WHERE session_id = 4 AND sender = 'client'", NULL);
        CU_ASSERT_PTR_NOT_NULL(got);
        if (got != NULL && strcmp(got, cases[i].want) != 0) printf("\n%s:\n%s", cases[i].sql, got);
        if (got != NULL) CU_ASSERT_STRING_EQUAL(got, cases[i].want);
        free(got);
        tl_reader_close(r);
        tl_sample_drop(path);
    }
}

/* Runs every check; the names of those with rows, one space between.  Owned. */
static char *complaints(const char *more)
{
    char *path;
    tl_reader *r = open_sample(&path, more);
    tl_text names = {0};
    const tl_named_query *q;
    tl_text_add(&names, "");
    for (size_t i = 0; (q = tl_query_at(i)) != NULL; i++) {
        uint64_t rows = 0;
        if (strncmp(q->name, "check_", 6) != 0) continue;
        char *got = answer(r, q->sql, &rows);
        CU_ASSERT_PTR_NOT_NULL(got);
        free(got);
        if (rows == 0) continue;
        tl_text_add(&names, names.n > 0 ? " " : "");
        tl_text_add(&names, q->name + 6);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
    return names.p;
}

static void checks_see_what_they_are_for(void)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {NULL, ""},
        {"UPDATE stream SET length = length + 1 WHERE session_id = 1 AND direction = 0", "ledger tiling"},
        {"UPDATE stream SET captured_bytes = captured_bytes + 1 WHERE session_id = 3 AND direction = 0", "ledger"},
        {"UPDATE stream SET duplicate_bytes = duplicate_bytes + 1, captured_bytes = captured_bytes + 1 WHERE session_id = 1", ""},
        {"DELETE FROM stray", "stored"},
        {"DELETE FROM gap WHERE gap_id = 1", "messages stored tiling"},
        {"UPDATE gap SET length = 99 WHERE gap_id = 1", "messages stored tiling"},
        {"UPDATE gap SET stream_offset = 339 WHERE gap_id = 1", "tiling"},
        {"DELETE FROM chunk WHERE chunk_id = 5", "stored tiling"},
        {"UPDATE chunk SET stream_offset = 5000000001 WHERE chunk_id = 4", "tiling"},
        {"UPDATE chunk SET data = X'00' WHERE chunk_id = 4", "payload"},
        {"UPDATE chunk SET session_id = 9 WHERE chunk_id = 5", "foreign_keys stored tiling"},
        {"INSERT INTO gap (session_id, direction, stream_offset, length, reason) VALUES (3, 0, 0, 10, 'end')", "stored tiling"},
        {"DELETE FROM stream WHERE session_id = 3 AND direction = 1", ""}, /* a server that was never heard of */
        {"DELETE FROM stream WHERE session_id = 3 AND direction = 0", "stored"},
        {"DELETE FROM stream WHERE session_id = 4 AND direction = 1", "stored"},
        {"UPDATE session SET history = ''; DELETE FROM stream WHERE session_id = 3", "stored"},
        {"UPDATE frame_count SET frames = 3 WHERE capture_id = 1 AND outcome = 'not_tcp'", "frames"},
        {"UPDATE capture SET frames = 31, state = 'interrupted' WHERE capture_id = 1", ""},
        {"DELETE FROM frame_count WHERE capture_id = 2", "frames"},
        {"UPDATE message SET length = 100 WHERE summary = '404 Not Found'", "messages"},
        {"UPDATE message SET stream_offset = 52 WHERE summary = 'GET /missing'", "messages"},
        {"UPDATE message SET missing = 99 WHERE summary = '200 OK'", "messages"},
        {"UPDATE message SET complete = 1 WHERE summary = '200 OK'", "messages"},
        {"UPDATE message SET ordinal = 3 WHERE summary = '404 Not Found'", "messages"},
        {"UPDATE message SET ordinal = 3 WHERE summary = '404 Not Found'; UPDATE session SET healed = 1", ""},
        {"UPDATE message SET answers_message_id = 99 WHERE summary = '200 OK'", "answers"},
        {"UPDATE message SET answers_message_id = (4 << 32) + 1 WHERE summary = '200 OK'", "answers"},
        {"UPDATE message SET answers_message_id = (1 << 32) + 4 WHERE summary = '200 OK'", "answers"},
        {"UPDATE message SET answers_message_id = (1 << 32) + 3 WHERE summary = '200 OK'", "answers"},
        {"UPDATE message SET answers_message_id = (1 << 32) + 3, detail = '{\"status\":103}' WHERE summary = '200 OK'", ""},
        {"DELETE FROM session WHERE session_id = 3", "foreign_keys"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *got = complaints(cases[i].sql);
        if (strcmp(got, cases[i].want) != 0) printf("\n%s: '%s', wanted '%s'\n", cases[i].sql, got, cases[i].want);
        CU_ASSERT_STRING_EQUAL(got, cases[i].want);
        free(got);
    }
}

/* Names are unique, titles are there, and each file runs. */
static void reports_run(void)
{
    char *path;
    tl_reader *r = open_sample(&path, NULL);
    const tl_named_query *q;
    size_t n = 0;
    for (; (q = tl_query_at(n)) != NULL; n++) {
        CU_ASSERT(q->title[0] != '\0');
        CU_ASSERT_PTR_EQUAL(tl_query_find(q->name), q);
        char *got = answer(r, q->sql, NULL);
        CU_ASSERT_PTR_NOT_NULL(got);
        free(got);
    }
    CU_ASSERT(n >= 17);
    CU_ASSERT_PTR_NULL(tl_query_find("no such query"));
    static const tl_section *const commands[] = {tl_sections_session, tl_sections_loss, tl_sections_info};
    const tl_param id = {.number = 1};
    for (size_t i = 0; i < 3; i++)
        for (const tl_section *s = commands[i]; s->name != NULL; s++) {
            uint64_t rows = 0;
            tl_output out = {.format = TL_JSON};
            CU_ASSERT_EQUAL(tl_reader_run(r, s->sql, &id, i == 0, &out, &rows), TL_OK);
            CU_ASSERT(rows > 0);
        }
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* The short way says what the view says: with many hosts, one that talked to itself, and more of them than are remembered. */
static void hosts_that_lost(void)
{
    static const char many[] =
        "WITH RECURSIVE n(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
        " INSERT INTO session SELECT i, '10.1.0.' || (i % 40), 1, '10.1.0.' || (i % 7), 2, '', '', first_ns, last_ns, conn_state, history,"
        " close_reason, roles, 0, 0, NULL, '', '', first_capture_id, first_frame, last_capture_id, last_frame FROM n, session"
        " WHERE session_id = 1;"
        "INSERT INTO stream SELECT s.session_id, t.direction, NULL, NULL, 10 * s.session_id, 9 * s.session_id, s.session_id, 0, 0, 0, 0, "
        "0, 0,"
        " 0, 0, 0, 0, NULL, NULL, 0, 0 FROM session AS s, stream AS t WHERE s.session_id >= 100 AND t.session_id = 1"
        " AND (s.session_id % 5 > 0 OR t.direction = s.session_id / 5 % 2);"
        "INSERT INTO gap (session_id, direction, stream_offset, length, reason) SELECT t.session_id, t.direction, 3, t.gap_bytes % 50 + 1,"
        " iif(t.session_id % 2 = 0, 'acked', 'rst') FROM stream AS t WHERE t.session_id >= 100 AND t.session_id % 3 = 0";
    char *path;
    tl_reader *r = open_sample(&path, many);
    const tl_section *s = tl_sections_loss;
    while (strcmp(s->name, "host") != 0) s++;
    uint64_t rows = 0;
    char *view = answer(r, s->sql, &rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(view);
    CU_ASSERT(rows > 20);
    for (size_t most = rows - 1; most <= rows; most++) {
        tl_text got = {0};
        const tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
        uint64_t n = 0;
        CU_ASSERT_EQUAL(tl_loss_hosts(r, s->sql, most, &out, &n), TL_OK);
        CU_ASSERT_EQUAL(n, rows);
        CU_ASSERT_STRING_EQUAL(strchr(got.p, '\n') + 1, view);
        tl_text_free(&got);
    }
    free(view);
    tl_reader_close(r);
    tl_sample_drop(path);
}

int main(void)
{
    return tl_run_cases("views", (const tl_case[]){
                                     {"what views say", what_views_say},
                                     {"an interim response", an_interim_response},
                                     {"times of any age", times_of_any_age},
                                     {"unframed ranges", unframed_ranges},
                                     {"checks see what they are for", checks_see_what_they_are_for},
                                     {"reports run", reports_run},
                                     {"hosts that lost", hosts_that_lost},
                                     {0},
                                 });
}
