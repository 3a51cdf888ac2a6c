/*
** A pattern in a database: wherever chunks end, packed or not, the hits are those of the joined stream, with the right frames and
** messages; gaps are never bridged; the summary adds up; lies end in an error.
*/
#include "query/arrivals.h"
#include "query/search.h"
#include "support/check.h"
#include "support/sample.h"
#include "support/stored.h"
#include <stdlib.h>
#include <string.h>

static tl_reader *open_stored(tl_stored *s, const char *more, char **path)
{
    tl_error err = {0};
    *path = tl_stored_new(s, more);
    CU_ASSERT_PTR_NOT_NULL_FATAL(*path);
    tl_reader *r = tl_reader_open(*path, &err);
    if (r == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static void close_stored(tl_reader *r, char *path)
{
    tl_reader_close(r);
    tl_sample_drop(path);
}

static const char text[] = "GET /needle HTTP/1.1\r\nX: needneedle\r\n\r\nneedleneedle|0123456789";
enum { N = sizeof text - 1, FIRST = 39 /* bytes of the first message */ };

/* Every place where a chunk may end; each byte came in a frame of its own. */
static void every_border(void)
{
    for (size_t cut = 0; cut <= N; cut++) {
        char *path;
        tl_stored s = {0};
        tl_search_hit h;
        tl_stored_session(&s, "http", 80);
        if (cut > 0) tl_stored_chunk(&s, 0, tl_span_of(text, cut), cut);
        if (cut < N) tl_stored_chunk(&s, 0, tl_span_of(text + cut, N - cut), N - cut);
        tl_stored_message(&s, 0, "http", "request", 0, FIRST, FIRST, 0, 0);
        tl_stored_message(&s, 0, "http", "request", FIRST, 6, 0, 0, 0);
        tl_reader *r = open_stored(&s, NULL, &path);
        const tl_search_options o = {.pattern = "needle", .direction = -1, .context = 4};
        tl_search *search = tl_search_open(r, &tl_filter_all, &o);
        CU_ASSERT_PTR_NOT_NULL_FATAL(search);
        size_t at = 0;
        for (const char *p; (p = memmem(text + at, N - at, "needle", 6)) != NULL; at += 6) {
            at = (size_t)(p - text);
            CU_ASSERT_EQUAL_FATAL(tl_search_next(search, &h), TL_OK);
            CU_ASSERT(h.session == 1 && h.direction == 0 && h.offset == at && h.match.n == 6);
            CU_ASSERT(h.at.capture == 1 && h.at.frame == at + 1);
            CU_ASSERT_EQUAL(h.message, at < FIRST ? 1 : at < FIRST + 6 ? 2 : 0);
            CU_ASSERT(h.before.n == 4 && memcmp(h.before.p, p - 4, 4) == 0 && h.after.n == 4 && memcmp(h.after.p, p + 6, 4) == 0);
        }
        CU_ASSERT_EQUAL(tl_search_next(search, &h), TL_END);
        tl_search_totals t = tl_search_summary(search);
        CU_ASSERT(t.hits == 4 && t.bytes == N && t.searched == N && t.runs == 1 && t.runs_at_gaps == 0 && t.streams == 2);
        tl_search_close(search);
        close_stored(r, path);
    }
}

/* Random streams of many chunks, gaps and packings against memmem() in each stretch. */
static void random_streams(void)
{
    unsigned long long seed = 99;
    for (int round = 0; round < 12; round++) {
        enum { STREAM = 5000 };
        char *path;
        uint8_t bytes[STREAM];
        bool gap[STREAM] = {false};
        tl_stored s = {0};
        tl_search_hit h;
        for (size_t i = 0; i < STREAM; i++) bytes[i] = (uint8_t)("aabbb"[tl_random(&seed) % 5]);
        tl_stored_session(&s, "turn", 9);
        for (size_t at = 0; at < STREAM;) {
            size_t n = 1 + (size_t)(tl_random(&seed) % (round % 2 ? 20 : 900));
            if (n > STREAM - at) n = STREAM - at;
            switch (tl_random(&seed) % 4) {
            case 0:
                tl_stored_gap(&s, 1, n);
                memset(gap + at, 1, n);
                break;
            case 1: tl_stored_packed(&s, 1, tl_span_of(bytes + at, n)); break;
            default: tl_stored_chunk(&s, 1, tl_span_of(bytes + at, n), 1); break;
            }
            at += n;
        }
        tl_reader *r = open_stored(&s, NULL, &path);
        const tl_search_options o = {.pattern = round % 4 < 2 ? "abba" : "ab+a", .regex = round % 4 >= 2, .direction = 1, .context = 9};
        tl_search *search = tl_search_open(r, &tl_filter_all, &o);
        CU_ASSERT_PTR_NOT_NULL_FATAL(search);
        uint64_t hits = 0, stored = 0;
        for (size_t at = 0; at < STREAM;) {
            size_t end = at, m = 0;
            while (end < STREAM && !gap[end] && (end == at || bytes[end] == 'b')) end++;
            m = end - at + 1;
            bool found = bytes[at] == 'a' && m > 2 && end < STREAM && !gap[end] && !gap[at] && (o.regex || m == 4);
            stored += !gap[at];
            if (!found) {
                at++;
                continue;
            }
            CU_ASSERT_EQUAL_FATAL(tl_search_next(search, &h), TL_OK);
            CU_ASSERT(h.offset == at && h.match.n == m);
            for (hits++; m > 1; m--, at++) stored += !gap[at + 1];
            at++;
        }
        CU_ASSERT_EQUAL(tl_search_next(search, &h), TL_END);
        tl_search_totals t = tl_search_summary(search);
        CU_ASSERT(t.hits == hits && hits > 10 && t.bytes == STREAM && t.searched == stored && t.streams == 1);
        CU_ASSERT(t.runs_at_gaps > 0 && t.runs_at_gaps <= t.runs && t.hits_at_gaps <= hits && (t.hits_at_gaps > 0 || round % 2 == 0));
        tl_search_close(search);
        close_stored(r, path);
    }
}

/* All hits as one number, and the summary. */
static uint64_t all_hits(tl_reader *r, const tl_search_options *o, int64_t limit, tl_search_totals *totals)
{
    tl_search_hit h;
    tl_filter f = tl_filter_all;
    uint64_t sum = 0;
    f.limit = limit;
    tl_search *s = tl_search_open(r, &f, o);
    if (s == NULL) printf("\n%s\n", tl_reader_error(r)->text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    tl_rc rc;
    while ((rc = tl_search_next(s, &h)) == TL_OK)
        sum = sum * 1000003 + (((uint64_t)h.session * 2 + (uint64_t)h.direction) << 32) + h.offset * 100 + h.match.n + h.before.n;
    CU_ASSERT_EQUAL(rc, TL_END);
    CU_ASSERT_EQUAL(tl_search_next(s, &h), TL_END);
    *totals = tl_search_summary(s);
    tl_search_close(s);
    return sum;
}

/* The sessions from n on are far away: their numbers are those of a large database, whose first sessions are gone through before. */
static char *spread(const char *more, int n)
{
    static const char *const tables[] = {"session", "stream", "chunk", "gap"};
    tl_text sql = {0};
    tl_text_add(&sql, more == NULL ? "" : more);
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        tl_text_printf(&sql, ";UPDATE %s SET session_id = session_id + 200000 WHERE session_id >= %d", tables[i], n);
    CU_ASSERT_FATAL(!sql.failed);
    return sql.p;
}

/* Small streams are sifted, unless only some hits are wanted: the same is found, in whatever order the chunks lie in the file. */
static void sifted(void)
{
    static const char *const orders[] = {
        NULL,
        "UPDATE chunk SET chunk_id = -chunk_id",
        "UPDATE chunk SET chunk_id = 1000000 + chunk_id; UPDATE chunk SET chunk_id = (chunk_id - 1000000) * 7919 % 100003",
        /* Stream by stream, and the second chunk of each last, as late data would be. */
        "UPDATE chunk SET chunk_id = -chunk_id; UPDATE chunk SET chunk_id = (session_id * 2 + direction) * 100"
        " + CASE (SELECT count(*) FROM chunk AS c WHERE c.session_id = chunk.session_id AND c.direction = chunk.direction"
        " AND c.stream_offset < chunk.stream_offset) WHEN 1 THEN 99 ELSE stream_offset % 98 END",
    };
    static const tl_search_options options[] = {
        {.pattern = "abba", .direction = -1, .context = 3},        {.pattern = "abba", .direction = 1, .context = 3},
        {.pattern = "a", .direction = -1, .context = 3},           {.pattern = "abababab", .direction = 0, .context = 3},
        {.pattern = "nowhere", .direction = -1, .context = 3},     {.pattern = "aab+a", .regex = true, .direction = -1, .context = 3},
        {.pattern = "^ba+b$", .regex = true, .direction = -1},     {.pattern = "ab$", .regex = true, .direction = -1},
        {.pattern = "(?<=bba)ab", .regex = true, .direction = -1},
    };
    unsigned long long seed = 5;
    for (size_t order = 0; order < 2 * sizeof orders / sizeof *orders; order++) {
        char *path, *more = spread(orders[order / 2], order % 2 == 0 ? 1000 : 30);
        tl_stored s = {0};
        for (int session = 0; session < 60; session++) {
            tl_stored_session(&s, "turn", 9);
            for (int pieces = (int)(tl_random(&seed) % 6); pieces > 0; pieces--) {
                uint8_t bytes[40];
                size_t n = 1 + (size_t)(tl_random(&seed) % (session % 2 == 0 ? 3 : sizeof bytes));
                for (size_t i = 0; i < n; i++) bytes[i] = (uint8_t)("aaaabbbbn\n"[tl_random(&seed) % 10]);
                int direction = (int)(tl_random(&seed) % 2);
                switch (tl_random(&seed) % 5) {
                case 0: tl_stored_gap(&s, direction, n); break;
                case 1: tl_stored_packed(&s, direction, tl_span_of(bytes, n)); break;
                default: tl_stored_chunk(&s, direction, tl_span_of(bytes, n), 1); break;
                }
            }
        }
        tl_reader *r = open_stored(&s, more, &path);
        free(more);
        uint64_t hits = 0;
        for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
            tl_search_totals in_order, by_sieve;
            uint64_t one = all_hits(r, &options[i], INT64_MAX, &in_order), other = all_hits(r, &options[i], -1, &by_sieve);
            CU_ASSERT_EQUAL(one, other);
            if (memcmp(&in_order, &by_sieve, sizeof in_order) != 0) printf("\norder %zu, pattern %s\n", order, options[i].pattern);
            CU_ASSERT_EQUAL(memcmp(&in_order, &by_sieve, sizeof in_order), 0);
            hits += in_order.hits;
        }
        CU_ASSERT(hits > 200);
        close_stored(r, path);
    }
}

/* Bytes that this process has read. */
static long long has_read(void)
{
    char line[64] = "";
    FILE *f = fopen("/proc/self/io", "r");
    if (f == NULL) return -1;
    bool got = fgets(line, sizeof line, f) != NULL;
    fclose(f);
    return got && strncmp(line, "rchar: ", 7) == 0 ? strtoll(line + 7, NULL, 10) : -1;
}

/* In a large database the first hits do not wait for the last chunk. */
static void hits_come_at_once(void)
{
    enum { SESSIONS = 3000, EACH = 900 };
    static uint8_t bytes[EACH];
    char *path, *more = spread(NULL, 20);
    tl_stored s = {0};
    tl_search_hit h;
    unsigned long long seed = 7;
    for (int i = 0; i < SESSIONS; i++) {
        for (size_t k = 0; k < EACH; k++) bytes[k] = (uint8_t)(tl_random(&seed) | 0x80);
        if (i % 10 == 5) memcpy(bytes + 50, "needle", 6);
        tl_stored_session(&s, "turn", 9);
        tl_stored_chunk(&s, 0, tl_span_of(bytes, EACH), 1);
    }
    tl_reader *r = open_stored(&s, more, &path);
    const tl_search_options o = {.pattern = "needle", .direction = -1};
    long long before = has_read();
    if (before < 0) printf("\nno /proc/self/io: not looked at\n");
    tl_search *search = tl_search_open(r, &tl_filter_all, &o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(search);
    CU_ASSERT(tl_search_next(search, &h) == TL_OK && h.session == 6);
    if (before >= 0) CU_ASSERT(has_read() - before < (long long)SESSIONS * EACH / 4);
    size_t hits = 1;
    while (tl_search_next(search, &h) == TL_OK) hits++;
    CU_ASSERT_EQUAL(hits, SESSIONS / 10);
    if (before >= 0) CU_ASSERT(has_read() - before > (long long)SESSIONS * EACH);
    tl_search_close(search);
    free(more);
    close_stored(r, path);
}

static uint64_t count(tl_reader *r, const tl_filter *f, const tl_search_options *o)
{
    tl_search_hit h;
    tl_search *s = tl_search_open(r, f, o);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    while (tl_search_next(s, &h) == TL_OK) {
    }
    uint64_t n = tl_search_summary(s).hits;
    tl_search_close(s);
    return n;
}

static void filters_and_lines(void)
{
    char *path;
    tl_stored s = {0};
    tl_search_hit h;
    for (int i = 0; i < 3; i++) {
        tl_stored_session(&s, i == 1 ? "http" : "turn", 80 + i);
        tl_stored_chunk(&s, 0, tl_span_of("one\ntwo needle 2\nthree\nfour\n", 28), 1);
        if (i == 2) tl_stored_gap(&s, 0, 5);
        tl_stored_chunk(&s, 1, tl_span_of("needle", 6), 1);
    }
    tl_reader *r = open_stored(&s, NULL, &path);
    tl_search_options o = {.pattern = "needle", .direction = -1, .context = 1, .lines = true};
    tl_filter f = tl_filter_all;
    CU_ASSERT_EQUAL(count(r, &f, &o), 6);
    f.limit = 1; /* not the search's business */
    CU_ASSERT_EQUAL(count(r, &f, &o), 6);
    o.direction = 1;
    CU_ASSERT_EQUAL(count(r, &f, &o), 3);
    f.protocol = "http";
    CU_ASSERT_EQUAL(count(r, &f, &o), 1);
    f = tl_filter_all;
    f.lossy = true;
    CU_ASSERT_EQUAL(count(r, &f, &o), 1);
    f = tl_filter_all;
    f.where = "session_id <> 2";
    CU_ASSERT_EQUAL(count(r, &f, &o), 2);
    f.where = "nosuch = 1";
    CU_ASSERT_PTR_NULL(tl_search_open(r, &f, &o));
    CU_ASSERT_EQUAL(tl_reader_error(r)->rc, TL_EUSAGE);
    o.direction = 0;
    tl_search *search = tl_search_open(r, &tl_filter_all, &o);
    CU_ASSERT_EQUAL_FATAL(tl_search_next(search, &h), TL_OK);
    CU_ASSERT(h.before.n == 8 && memcmp(h.before.p, "one\ntwo ", 8) == 0);
    CU_ASSERT(h.after.n == 8 && memcmp(h.after.p, " 2\nthree", 8) == 0);
    tl_search_close(search);
    close_stored(r, path);
}

static void liars(void)
{
    static const struct {
        const char *sql, *says;
    } cases[] = {
        {"UPDATE chunk SET raw_size = raw_size + 1 WHERE chunk_id = 1", "unpacked"},
        {"UPDATE chunk SET raw_size = 1 << 40 WHERE chunk_id = 1", "a chunk"},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET raw_size = -1 WHERE chunk_id = 1", "a chunk"},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET data = zeroblob(9000) WHERE chunk_id = 1", "a chunk"},
        {"UPDATE chunk SET data = X'789c' WHERE chunk_id = 1", "unpacked"},
        {"UPDATE chunk SET data = NULL WHERE 0; UPDATE chunk SET data = X'' WHERE chunk_id = 1", "unpacked"},
        {"UPDATE chunk SET stream_offset = 5 WHERE chunk_id = 2", "overlap"},
        {"UPDATE chunk SET arrivals = X'' WHERE chunk_id = 1", "arrivals"},
        {"UPDATE chunk SET arrivals = X'80808080808080808080808080' WHERE chunk_id = 1", "arrivals"},
        {"UPDATE chunk SET arrivals = X'00000000' WHERE chunk_id = 1", "arrivals"},
        {"UPDATE chunk SET arrivals = X'ff7f000000' WHERE chunk_id = 1", "arrivals"},
        {"UPDATE chunk SET arrivals = X'01000000' WHERE chunk_id = 1", "arrivals"},
        {"UPDATE message SET stream_offset = -4 WHERE 0; PRAGMA ignore_check_constraints = ON;"
         "UPDATE message SET length = -1",
         "a message"},
        {"PRAGMA ignore_check_constraints = ON; UPDATE stream SET direction = -1 WHERE direction = 0", "a stream"},
        /* Rows in another order than the schema says. */
        {"CREATE TABLE other (a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p, q, r, s, t, u, PRIMARY KEY (a, b DESC)) WITHOUT ROWID;"
         "INSERT INTO other SELECT * FROM stream; PRAGMA writable_schema = ON;"
         "UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'other') WHERE name = 'stream';"
         "DELETE FROM sqlite_schema WHERE name = 'other'",
         "a stream"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path;
        tl_stored s = {0};
        tl_search_hit h;
        tl_stored_session(&s, "turn", 9);
        tl_stored_chunk(&s, 0, tl_span_of(text, N), 3);
        tl_stored_chunk(&s, 0, tl_span_of("more", 4), 1);
        tl_stored_message(&s, 0, "turn", "turn", 0, N, 0, 0, 0);
        tl_reader *r = open_stored(&s, cases[i].sql, &path);
        const tl_search_options o = {.pattern = "0123", .direction = -1, .context = 40};
        tl_search *search = tl_search_open(r, &tl_filter_all, &o);
        CU_ASSERT_PTR_NOT_NULL_FATAL(search);
        CU_ASSERT_EQUAL(tl_search_next(search, &h), TL_ESQL);
        if (strstr(tl_reader_error(r)->text, cases[i].says) == NULL) printf("\n%s: %s\n", cases[i].sql, tl_reader_error(r)->text);
        CU_ASSERT_PTR_NOT_NULL(strstr(tl_reader_error(r)->text, cases[i].says));
        tl_search_close(search);
        close_stored(r, path);
    }
}

/* Runs of a stream, from any byte on. */
static void arrivals(void)
{
    char *path;
    tl_stored s = {0};
    tl_run run;
    tl_stored_session(&s, "turn", 9);
    tl_stored_chunk(&s, 0, tl_span_of(text, 30), 10);
    tl_stored_gap(&s, 0, 10);
    tl_stored_packed(&s, 0, tl_span_of(text, 20));
    tl_reader *r = open_stored(&s, NULL, &path);
    tl_arrivals *a = tl_arrivals_open(r);
    CU_ASSERT_PTR_NOT_NULL_FATAL(a);
    for (uint64_t from = 0; from < 70; from++) {
        size_t n = 0;
        tl_rc rc = tl_arrivals_seek(a, 1, 0, from);
        CU_ASSERT_EQUAL(rc, from < 60 ? TL_OK : TL_END);
        while (rc == TL_OK && (rc = tl_arrivals_next(a, &run)) == TL_OK) {
            CU_ASSERT(run.offset < 30 ? run.length == 3 && run.at.frame == run.offset / 3 + 1 : run.offset == 40 && run.length == 20);
            n++;
        }
        CU_ASSERT_EQUAL(n, from < 30 ? 11 - from / 3 : from < 60 ? 1 : 0);
        CU_ASSERT_EQUAL(tl_arrivals_find(a, 1, 0, from, &run), from < 30 || (from >= 40 && from < 60) ? TL_OK : TL_END);
    }
    CU_ASSERT_EQUAL(tl_arrivals_seek(a, 77, 0, 0), TL_END);
    tl_arrivals_close(a);
    close_stored(r, path);
}

int main(void)
{
    return tl_run_cases("search", (const tl_case[]){
                                      {"every border of chunks", every_border},
                                      {"random streams", random_streams},
                                      {"sifted", sifted},
                                      {"hits come at once", hits_come_at_once},
                                      {"filters and lines", filters_and_lines},
                                      {"liars", liars},
                                      {"arrivals", arrivals},
                                      {0},
                                  });
}
