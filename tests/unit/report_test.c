/*
** Reports: the facts of a database that is known, the page that they make, and both of databases that are empty, huge or lying.
*/
#include "query/report.h"
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

static tl_rc refuse(void *to, tl_span bytes)
{
    (void)to, (void)bytes;
    return TL_EIO;
}

/* Of the sample (NULL: an empty database) and what `more` does to it; the page, or the facts in that format.  NULL: failed.  Owned. */
static char *report(const char *base, const char *more, bool page, tl_format format)
{
    char *path = tl_sample_new(base, more);
    tl_error err = {0};
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    tl_reader *r = tl_reader_open(path, &err);
    if (r == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    tl_report *p = tl_report_new(r);
    if (p == NULL) printf("\n%s\n", tl_reader_error(r)->text);
    tl_reader_close(r);
    tl_sample_drop(path);
    if (p == NULL) return NULL;
    tl_text got = {0};
    const tl_output out = {.format = format, .write = collect, .to = &got};
    CU_ASSERT_EQUAL(page ? tl_report_page(p, "<name>", collect, &got) : tl_report_rows(p, &out), TL_OK);
    tl_report_free(p);
    return got.p;
}

static bool has(const char *text, const char *part)
{
    bool found = strstr(text, part) != NULL;
    if (!found) printf("\nnot there: %s\n", part);
    return found;
}

static size_t times(const char *text, const char *part)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, part)) != NULL; at++) n++;
    return n;
}

static void facts_of_the_sample(void)
{
    char *json = report(sample, NULL, false, TL_JSON), *lines = report(sample, NULL, false, TL_JSONL);
    static const char *const parts[] = {
        "{\"summary\": [{\"captures\":2,\"captures_damaged\":1,",
        "\"frames\":34,\"tcp_frames\":32,\"drops_reported\":7,\"captures_silent_on_drops\":1,",
        "\"sessions\":4,\"sessions_with_bytes\":3,\"sessions_capture_loss\":1,\"sessions_unknown_loss_only\":1,",
        "\"stream_bytes\":5000000847,\"stored_bytes\":747,\"capture_loss\":100,\"unknown_loss\":5000000000,\"gaps\":2,",
        "\"messages\":7,\"messages_complete\":6,\"messages_missing_bytes\":1,\"messages_without_end\":0,\"framed_bytes\":737,"
        "\"unframed_bytes\":10,\"unbalanced_streams\":0}]",
        "{\"place\":1,\"host\":\"192.0.2.80\",\"sessions\":3,\"bytes_sent\":689,\"stored_bytes\":589,\"gaps\":1,\"capture_loss\":100,",
        "{\"session_id\":1,\"sender\":\"server\",\"state\":\"capture_loss\",\"stream_offset\":340,\"length\":100,\"parts\":1,\"bytes\":"
        "100}",
        "{\"session_id\":2,\"sender\":\"client\",\"state\":\"unknown_loss\",\"stream_offset\":0,\"length\":5000000000,\"parts\":1,",
        "\"length\":5,\"capture_id\":1,\"frame\":11,\"time\":\"2024-05-13T10:17:07.129456789Z\",\"first_copy\":\"00 OK\","
        "\"other_copy\":\"EVIL!\"",
        "{\"topic\":\"Connections picked up midway\",\"found\":1,\"noun\":\"session\",",
    };
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT_PTR_NOT_NULL_FATAL(lines);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) CU_ASSERT(has(json, parts[i]));
    CU_ASSERT(has(lines, "{\"section\":\"frames\",\"outcome\":\"tcp\",\"frames\":32,"));
    free(json);
    free(lines);
}

/* The same database, the same bytes. */
static void nothing_of_its_own(void)
{
    char *one = report(sample, NULL, true, TL_TABLE), *two = report(sample, NULL, true, TL_TABLE);
    CU_ASSERT_PTR_NOT_NULL_FATAL(one);
    CU_ASSERT_PTR_NOT_NULL_FATAL(two);
    CU_ASSERT_STRING_EQUAL(one, two);
    CU_ASSERT(has(one, "&lt;name&gt;: capture report</title>"));
    CU_ASSERT(has(one, "possible injection"));
    CU_ASSERT(has(one, "1 capture file could not be read to the end"));
    CU_ASSERT_PTR_NULL(strstr(one, "do not balance"));
    /* One script and one style, of ours, and nothing that is fetched. */
    CU_ASSERT_EQUAL(times(one, "<script"), 1);
    CU_ASSERT_EQUAL(times(one, "<style"), 1);
    CU_ASSERT_EQUAL(times(one, "sha256-"), 2);
    CU_ASSERT_EQUAL(times(one, "://"), 0);
    CU_ASSERT_EQUAL(times(one, " style="), 0);
    free(one);
    free(two);
}

static void an_empty_database(void)
{
    char *page = report(NULL, NULL, true, TL_TABLE), *csv = report(NULL, NULL, false, TL_CSV);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT(has(page, "The captures hold no TCP payload."));
    CU_ASSERT(has(page, "</html>"));
    CU_ASSERT(csv != NULL && has(csv, "session_id,sender,state,stream_offset,length,parts,bytes\n"));
    free(page);
    free(csv);
}

/* A stranger's database: text columns full of markup, numbers that contradict each other. */
static void a_liar(void)
{
    static const char lies[] =
        "PRAGMA ignore_check_constraints = ON;"
        "UPDATE session SET client_addr = '<script>alert(1)</script>', protocol = '\"><img src=x onerror=alert(1)>', first_ns = "
        "-9223372036854775807,"
        " last_ns = 9223372036854775807, conn_state = '</style><b>';"
        "UPDATE message SET summary = '--><script>alert(2)</script>', complete = 0, first_ns = 9223372036854775807;"
        "UPDATE capture SET path = '<svg onload=alert(3)>', error = '&amp;<i>', sha256 = '<u>', format = char(8238), last_ns = "
        "9000000000000000000;"
        "UPDATE stream SET length = 7, gap_bytes = -5, stored_bytes = 9223372036854775000 WHERE session_id = 1 AND direction = 1;"
        "UPDATE gap SET length = -3, stream_offset = 9223372036854775807 WHERE gap_id = 2;"
        "UPDATE gap SET reason = '<em>' WHERE gap_id = 1; UPDATE stray SET data = X'3C73637269707420', length = -1;"
        "UPDATE frame_count SET outcome = '<blink>' WHERE outcome = 'not_tcp'; UPDATE ingest SET options = '<script>', tool_version = "
        "'<s>'";
    char *page = report(sample, lies, true, TL_TABLE), *json = report(sample, lies, false, TL_JSON);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_EQUAL(times(page, "<script"), 1);
    CU_ASSERT_EQUAL(times(page, "<svg onload"), 0);
    CU_ASSERT_EQUAL(times(page, "<img"), 0);
    CU_ASSERT_EQUAL(times(page, "<blink"), 0);
    CU_ASSERT(has(page, "&lt;script&gt;alert(1)&lt;/script&gt;"));
    CU_ASSERT(has(page, "do not balance"));
    CU_ASSERT_PTR_NOT_NULL(json);
    free(page);
    free(json);
}

/* Sums that no number holds are refused, not wrong. */
static void sums_too_large(void)
{
    CU_ASSERT_PTR_NULL(report(sample, "UPDATE stream SET length = 9223372036854775807", true, TL_TABLE));
}

/* Thousands of sessions, hosts, messages, strays and captures: what is left out is said as a sum, and the page stays small. */
static void a_huge_database(void)
{
    static const char more[] =
        "CREATE TEMP TABLE n AS WITH RECURSIVE a(i) AS (VALUES (100) UNION ALL SELECT i + 1 FROM a WHERE i < 4099) SELECT i FROM a;"
        "INSERT INTO session SELECT i, '10.1.' || (i / 250) || '.' || (i % 250), 4000, '192.0.2.9', 80, '', '', 1715595427000000000 + i * "
        "1000000, "
        " 1715595428000000000 + i * 1000000, 'SF', 'S', 'fin', 'syn', 0, 0, NULL, 'p' || (i % 300), '', 1, 1, 1, 2 FROM n;"
        "INSERT INTO stream SELECT i, 0, 1, 2, 100 + i, 0, 100 + i, 0, 0, 0, 1, 0, 0, 1, 40, 0, 0, 1460, 7, 0, 0 FROM n;"
        "INSERT INTO stream SELECT i, 1, 1, 2, 0, 0, 0, 5, 0, 5, 1, 0, 0, 1, 40, 0, 0, 1460, 7, 0, 0 FROM n;"
        "INSERT INTO gap (session_id, direction, stream_offset, length, reason) SELECT i, 0, 0, 100 + i, iif(i % 2, 'acked', 'end') FROM n;"
        "INSERT INTO stray SELECT i, i, 1, 0, 5, 'conflict', 1, i, 1715595427000000000, X'3C623E0102' FROM n;"
        "INSERT INTO message SELECT (i << 32) + 1, i, 0, 1, 0, 100, 100, 0, 'http', 'request', 'GET /', NULL, 0, 'start', "
        "1715595427000000000,"
        " 1715595427000000000, 1, 1, 1, 1, 0, NULL, NULL FROM n;"
        "INSERT INTO capture SELECT i, 1, 'c' || i || '.pcap', 1, NULL, 'pcap', 1, 96, 1715595427000000000 + i, 1715595428000000000, 0, 3, "
        "'complete',"
        " NULL FROM n;";
    char *page = report(sample, more, true, TL_TABLE), *json = report(sample, more, false, TL_JSON);
    CU_ASSERT_PTR_NOT_NULL_FATAL(page);
    CU_ASSERT_PTR_NOT_NULL_FATAL(json);
    CU_ASSERT(strlen(page) < 200000);
    CU_ASSERT(strlen(json) < 200000);
    CU_ASSERT(has(page, "15 of 4,002 sessions with loss"));
    CU_ASSERT(has(page, "<h3>Session 4099 ")); /* to be copied: no comma */
    CU_ASSERT(has(page, "3,962 more"));        /* captures: 4,002 less 40 */
    CU_ASSERT(has(page, "3,971 more"));        /* incomplete messages: 4,001 less 30 */
    /* What is listed and the rest add up to all. */
    CU_ASSERT(has(json, "{\"place\":null,\"protocol\":\"283 more\",\"sessions\":"));
    free(page);
    free(json);
}

static void a_refusal_is_passed_on(void)
{
    char *path = tl_sample_new(sample, NULL);
    tl_error err = {0};
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    tl_report *p = tl_report_new(r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(p);
    CU_ASSERT_EQUAL(tl_report_page(p, "x", refuse, NULL), TL_EIO);
    for (tl_format f = TL_TABLE; f <= TL_JSONL; f++) CU_ASSERT_EQUAL(tl_report_rows(p, &(tl_output){.format = f, .write = refuse}), TL_EIO);
    tl_report_free(p);
    tl_reader_close(r);
    tl_sample_drop(path);
}

int main(void)
{
    return tl_run_cases("report", (const tl_case[]){
                                      {"facts of the sample", facts_of_the_sample},
                                      {"nothing of its own", nothing_of_its_own},
                                      {"an empty database", an_empty_database},
                                      {"a liar", a_liar},
                                      {"sums too large", sums_too_large},
                                      {"a huge database", a_huge_database},
                                      {"a refusal is passed on", a_refusal_is_passed_on},
                                      {0},
                                  });
}
