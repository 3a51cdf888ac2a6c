/*
** Long streams unpacked by two threads: the same bytes, holes and errors in the same places as by one, and by one where there is one
** processor, where the stream is short, or where no thread is to be had.
*/
#include "query/query.h"
#include "support/check.h"
#include "support/sample.h"
#include <dlfcn.h>
#include <errno.h>
#include <libdeflate.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";
enum { CHUNK = 65536, CHUNKS = 200, PATTERNS = 8, GAP = 5000, GAP_BEFORE = 120, LENGTH = CHUNKS * CHUNK + GAP };

/* ---- the machine ---- */

static struct {
    int processors, threads;
    bool refuses;
} machine;

int sched_getaffinity(pid_t pid, size_t size, cpu_set_t *set)
{
    (void)pid;
    memset(set, 0, size);
    for (int i = 0; i < machine.processors; i++) CPU_SET((size_t)i, set);
    return 0;
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &found, sizeof real);
    machine.threads++;
    return machine.refuses || found == NULL ? EAGAIN : real(thread, attr, run, arg);
}

/* ---- a long stream: session 3, server; of three chunks two are packed ---- */

static void add_hex(tl_text *t, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) tl_text_printf(t, "%02x", p[i]);
}

static char *long_stream(const char *more)
{
    static uint8_t raw[CHUNK], packed[CHUNK];
    tl_text sql = {0};
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    tl_text_add(&sql, "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n LIMIT 200) "
                      "INSERT INTO chunk SELECT 1000 + i, 3, 1, i * 65536 + (i > 120) * 5000, 65536, 1, 0, 0, 1, 1, X'00', "
                      "CASE i % 3 WHEN 0 THEN CAST(printf('%065536d', i) AS BLOB) ELSE CASE i % 8");
    for (int k = 0; k < PATTERNS; k++) {
        for (int j = 0; j < CHUNK; j++) raw[j] = (uint8_t)(j * (k + 1));
        size_t n = libdeflate_zlib_compress(c, raw, CHUNK, packed, CHUNK);
        tl_text_printf(&sql, " WHEN %d THEN X'", k);
        add_hex(&sql, packed, n);
        tl_text_add(&sql, "'");
    }
    tl_text_add(&sql, " END END FROM n;"
                      "INSERT INTO gap SELECT 50, 3, 1, 121 * 65536, 5000, 'acked', 1, 8, 1, 7, 1, 9, 0, 0, 1, 9;");
    tl_text_add(&sql, more != NULL ? more : "");
    CU_ASSERT_FALSE_FATAL(sql.failed);
    char *path = tl_sample_new(sample, sql.p);
    CU_ASSERT_PTR_NOT_NULL_FATAL(path);
    libdeflate_free_compressor(c);
    tl_text_free(&sql);
    return path;
}

static uint8_t *whole_stream(void)
{
    uint8_t *all = calloc(1, LENGTH), *p = all;
    CU_ASSERT_PTR_NOT_NULL_FATAL(all);
    for (int i = 0; i < CHUNKS; i++, p += CHUNK) {
        char digits[16];
        if (i == GAP_BEFORE + 1) p += GAP;
        if (i % 3 == 0) {
            memset(p, '0', CHUNK);
            snprintf(digits, sizeof digits, "%03d", i);
            memcpy(p + CHUNK - 3, digits, 3);
        } else {
            for (int j = 0; j < CHUNK; j++) p[j] = (uint8_t)(j * (i % PATTERNS + 1));
        }
    }
    return all;
}

/* ---- what one thread tells ---- */

typedef struct told {
    tl_rc rc;
    char error[400];
    tl_text bytes;
    size_t stop; /* leaves when so many are there */
    uint64_t written, missing;
    int threads;
} told;

static tl_rc collect(void *to, tl_span bytes)
{
    told *t = to;
    if (t->bytes.n >= t->stop) return TL_END;
    tl_text_bytes(&t->bytes, bytes.p, bytes.n);
    return TL_OK;
}

static told ask(const char *path, int processors, bool refuses, uint64_t from, uint64_t length, bool zeros, size_t stop)
{
    tl_error err = {0};
    told t = {.stop = stop};
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    machine.processors = processors;
    machine.refuses = refuses;
    machine.threads = 0;
    t.rc = tl_reader_payload(r, 3, 1, from, length, zeros, collect, &t, &t.written, &t.missing);
    t.threads = machine.threads;
    if (t.rc != TL_OK && t.rc != TL_END) snprintf(t.error, sizeof t.error, "%s", tl_reader_error(r)->text);
    tl_reader_close(r);
    return t;
}

static bool same(const told *a, const told *b)
{
    return a->rc == b->rc && strcmp(a->error, b->error) == 0 && a->written == b->written && a->missing == b->missing &&
           a->bytes.n == b->bytes.n && (a->bytes.n == 0 || memcmp(a->bytes.p, b->bytes.p, a->bytes.n) == 0);
}

static void the_bytes_of_the_stream(void)
{
    static const struct {
        uint64_t from, length;
        int threads;
    } ranges[] = {{0, UINT64_MAX, 1}, {70000, LENGTH - 70001, 1}, {CHUNK, 5 << 20, 0}, {LENGTH - 100, 200, 0}, {121 * CHUNK + 5, 70, 0}};
    uint8_t *all = whole_stream();
    char *path = long_stream(NULL);
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        uint64_t from = ranges[i].from, length = ranges[i].length < LENGTH - from ? ranges[i].length : LENGTH - from;
        told t = ask(path, 2, false, from, ranges[i].length, true, SIZE_MAX);
        CU_ASSERT(t.rc == TL_OK && t.bytes.n == length && t.written == length);
        CU_ASSERT(t.bytes.n == length && memcmp(t.bytes.p, all + from, length) == 0);
        CU_ASSERT_EQUAL(t.threads, ranges[i].threads);
        tl_text_free(&t.bytes);
    }
    free(all);
    tl_sample_drop(path);
}

/* Sound, damaged and left: two threads against one, and against one that asked for a second in vain. */
static void as_by_one_thread(void)
{
    static const struct {
        const char *sql;
        size_t stop;
        tl_rc rc;
    } cases[] = {
        {NULL, SIZE_MAX, TL_OK},
        {NULL, 9 << 20, TL_END},
        {"UPDATE chunk SET data = X'789c0000' WHERE chunk_id = 1001", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET data = X'789c0000' WHERE chunk_id = 1151", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET data = X'789c0000' WHERE chunk_id = 1199", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET data = zeroblob(0) WHERE chunk_id = 1150", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET raw_size = 1 << 40 WHERE chunk_id = 1199", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET raw_size = 1 << 20 WHERE chunk_id = 1199", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET raw_size = 9223372036854775807 WHERE chunk_id = 1180", SIZE_MAX, TL_ESQL},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET data = zeroblob(70000) WHERE chunk_id = 1170", SIZE_MAX, TL_ESQL},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET raw_size = -5 WHERE chunk_id = 1160", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET stream_offset = stream_offset - 1 WHERE chunk_id = 1160", SIZE_MAX, TL_ESQL},
        {"UPDATE chunk SET data = X'789c0000' WHERE chunk_id IN (1158, 1160); UPDATE gap SET length = 65537 WHERE gap_id = 50", SIZE_MAX,
         TL_ESQL},
        {"DELETE FROM chunk WHERE chunk_id IN (1130, 1140, 1150)", SIZE_MAX, TL_OK},
        {"DELETE FROM chunk WHERE chunk_id = 1150; UPDATE chunk SET data = zeroblob(1) WHERE chunk_id = 1151", SIZE_MAX, TL_ESQL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        for (int zeros = 0; zeros < 2; zeros++) {
            char *path = long_stream(cases[i].sql);
            told one = ask(path, 1, false, 0, UINT64_MAX, zeros, cases[i].stop);
            told two = ask(path, 2, false, 0, UINT64_MAX, zeros, cases[i].stop);
            told none = ask(path, 2, true, 0, UINT64_MAX, zeros, cases[i].stop);
            CU_ASSERT_EQUAL(one.rc, cases[i].rc);
            CU_ASSERT_EQUAL(one.rc == TL_ESQL, one.error[0] != '\0');
            if (!same(&one, &two)) printf("\n%s: %d %s, %d %s\n", cases[i].sql, (int)one.rc, one.error, (int)two.rc, two.error);
            CU_ASSERT(same(&one, &two) && same(&one, &none));
            CU_ASSERT_EQUAL(one.threads, 0);
            CU_ASSERT_EQUAL(two.threads, one.bytes.n > (7 << 20));
            CU_ASSERT_EQUAL(none.threads, two.threads);
            tl_text_free(&one.bytes);
            tl_text_free(&two.bytes);
            tl_text_free(&none.bytes);
            tl_sample_drop(path);
        }
}

int main(void)
{
    return tl_run_cases(
        "ahead", (const tl_case[]){{"the bytes of the stream", the_bytes_of_the_stream}, {"as by one thread", as_by_one_thread}, {0}});
}
