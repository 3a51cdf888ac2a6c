/*
** The timeline: what is counted where, intervals in which nothing happened, bounds, and times that no clock shows.
*/
#include "query/timeline.h"
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

/* The CSV without its head; owned.  `sql` (may be NULL) changes the sample first. */
static char *timeline(const char *sql, const tl_filter *f, int64_t interval_ns, tl_rc want)
{
    static const char head[] = "time,sessions,bytes,gaps,capture_loss,unknown_loss\n";
    tl_text got = {0};
    tl_output out = {.format = TL_CSV, .write = collect, .to = &got};
    tl_error err;
    char *path = tl_sample_new(sample, sql);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    tl_rc rc = tl_timeline(r, f, interval_ns, &out);
    if (rc != want) printf("\n%d instead of %d: %s\n", (int)rc, (int)want, tl_reader_error(r)->text);
    CU_ASSERT_EQUAL(rc, want);
    tl_text_add(&got, "");
    if (rc == TL_OK) {
        CU_ASSERT_EQUAL_FATAL(strncmp(got.p, head, sizeof head - 1), 0);
        memmove(got.p, got.p + sizeof head - 1, got.n - sizeof head + 2);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
    return got.p;
}

static void expect(const char *sql, const tl_filter *f, int64_t interval_ns, const char *want)
{
    char *got = timeline(sql, f, interval_ns, TL_OK);
    if (strcmp(got, want) != 0) printf("\ngot:\n%s\nwanted:\n%s\n", got, want);
    CU_ASSERT_STRING_EQUAL(got, want);
    free(got);
}

enum { S = 1000000000 };

static void empty_intervals_are_zeros(void)
{
    expect(NULL, &tl_filter_all, 5 * (int64_t)S,
           "2024-05-13T10:17:05.000000000Z,2,693,2,100,5000000000\n"
           "2024-05-13T10:17:10.000000000Z,1,0,0,0,0\n"
           "2024-05-13T10:17:15.000000000Z,1,54,0,0,0\n");
}

/* The arrivals say when, where a chunk lies in several intervals: the sum is that of the chunks whatever the interval. */
static void bytes_count_when_they_came(void)
{
    static const int64_t widths[] = {1000000, 3000000, 20000000, S, 7 * (int64_t)S, 3600 * (int64_t)S};
    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        char *got = timeline(NULL, &tl_filter_all, widths[i], TL_OK);
        long long bytes = 0, sessions = 0, gaps = 0;
        for (char *line = got; *line != '\0'; line = strchr(line, '\n') + 1) {
            long long b = 0, s = 0, g = 0;
            CU_ASSERT_EQUAL(sscanf(strchr(line, ','), ",%lld,%lld,%lld", &s, &b, &g), 3);
            bytes += b;
            sessions += s;
            gaps += g;
        }
        CU_ASSERT_EQUAL(bytes, 747);
        CU_ASSERT_EQUAL(sessions, 4);
        CU_ASSERT_EQUAL(gaps, 2);
        free(got);
    }
}

static void filters_and_bounds(void)
{
    tl_filter f = tl_filter_all;
    f.where = "session_id = 1";
    expect(NULL, &f, S, "2024-05-13T10:17:07.000000000Z,1,686,1,100,0\n2024-05-13T10:17:08.000000000Z,0,0,0,0,0\n");
    f.where = NULL;
    CU_ASSERT(tl_filter_time("2024-05-13T10:17:10", &f.since_ns));
    CU_ASSERT(tl_filter_time("2024-05-13T10:17:12", &f.until_ns));
    expect(NULL, &f, S, "2024-05-13T10:17:10.000000000Z,0,0,0,0,0\n2024-05-13T10:17:11.000000000Z,1,0,0,0,0\n");
    f.where = "0";
    expect(NULL, &f, S, "");
}

/* A clock that was wrong by years: refused where that makes too many rows, shown where not. */
static void odd_times(void)
{
    static const char years[] = "UPDATE session SET first_ns = -9223372036854775808 WHERE session_id = 3;"
                                "UPDATE session SET last_ns = 9223372036854775807 WHERE session_id = 4";
    free(timeline(years, &tl_filter_all, S, TL_EUSAGE));
    char *got = timeline(years, &tl_filter_all, 0, TL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "1677-"));
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "2261-"));
    free(got);
    expect("DELETE FROM session", &tl_filter_all, S, "");
}

static void damaged_arrivals(void)
{
    free(timeline("UPDATE chunk SET arrivals = X'80', last_ns = first_ns + 5000000000", &tl_filter_all, S, TL_ESQL));
    free(
        timeline("UPDATE chunk SET arrivals = X'ffffffffffffffffff01000000', last_ns = first_ns + 5000000000", &tl_filter_all, S, TL_ESQL));
}

static void intervals(void)
{
    static const struct {
        const char *text;
        int64_t ns; /* 0: refused */
    } cases[] = {{"1s", S},
                 {"500ms", S / 2},
                 {"5m", 300 * (int64_t)S},
                 {"12h", 43200 * (int64_t)S},
                 {"7d", 604800 * (int64_t)S},
                 {"0s", 0},
                 {"", 0},
                 {"s", 0},
                 {"1", 0},
                 {"1 s", 0},
                 {"-1s", 0},
                 {"1w", 0},
                 {"999999999d", 0},
                 {"1.5s", 0},
                 {"9999999999s", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ns = 0;
        bool good = tl_interval(cases[i].text, &ns);
        CU_ASSERT_EQUAL(good, cases[i].ns != 0);
        if (good) CU_ASSERT_EQUAL(ns, cases[i].ns);
    }
}

int main(void)
{
    return tl_run_cases("timeline", (const tl_case[]){
                                        {"empty intervals are zeros", empty_intervals_are_zeros},
                                        {"bytes count when they came", bytes_count_when_they_came},
                                        {"filters and bounds", filters_and_bounds},
                                        {"odd times", odd_times},
                                        {"damaged arrivals", damaged_arrivals},
                                        {"intervals", intervals},
                                        {0},
                                    });
}
