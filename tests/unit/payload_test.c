/*
** The bytes of a stream: whole, in part, over gaps, and out of a database that lies about them.
*/
#include "query/inflate.h"
#include "query/query.h"
#include "support/check.h"
#include "support/sample.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

/* Adds up without keeping; refuses pieces that are too big to be bounded. */
typedef struct tally {
    uint64_t bytes, calls;
    size_t largest;
} tally;
static tl_rc count(void *to, tl_span bytes)
{
    tally *t = to;
    t->bytes += bytes.n;
    t->calls++;
    if (bytes.n > t->largest) t->largest = bytes.n;
    return TL_OK;
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

/* The server's stream of session 1 as it was sent: 340 bytes stored, 100 missing, 249 stored. */
enum { HEAD = 40, BODY = 600, SECOND = 49, LENGTH = HEAD + BODY + SECOND, GAP_AT = 340, GAP_END = 440 };
static void whole_stream(char out[LENGTH + 1])
{
    char *p = out + sprintf(out, "HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n");
    for (int i = 0; i < BODY; i++) *p++ = (char)('0' + i % 10);
    sprintf(p, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
}

/* Every range of the stream, gaps skipped and as zeros, against the bytes. */
static void every_range(void)
{
    char all[LENGTH + 1], *path;
    whole_stream(all);
    tl_reader *r = open_sample(&path, NULL);
    tl_text got = {0}, want = {0};
    for (int zero = 0; zero < 2; zero++)
        for (size_t from = 0; from <= LENGTH + 5; from += 17)
            for (size_t length = 0; length <= LENGTH + 5; length += 41) {
                uint64_t written = 0, missing = 0, lost = 0;
                tl_text_reset(&got);
                tl_text_reset(&want);
                tl_text_add(&got, "");
                tl_text_add(&want, "");
                for (size_t i = from; i < from + length && i < LENGTH; i++) {
                    bool gap = i >= GAP_AT && i < GAP_END;
                    lost += gap;
                    if (!gap || zero) tl_text_bytes(&want, gap ? "" : all + i, 1);
                }
                CU_ASSERT_EQUAL(tl_reader_payload(r, 1, 1, from, length, zero, collect, &got, &written, &missing), TL_OK);
                CU_ASSERT(got.n == want.n && memcmp(got.p, want.p, got.n) == 0);
                CU_ASSERT(written == got.n && missing == lost);
            }
    tl_text_free(&got);
    tl_text_free(&want);
    tl_reader_close(r);
    tl_sample_drop(path);
}

static void what_is_not_there(void)
{
    static const struct {
        int64_t session;
        int direction;
        uint64_t offset, length, written, missing;
    } cases[] = {
        {3, 0, 0, UINT64_MAX, 0, 0},          {99, 0, 0, UINT64_MAX, 0, 0}, {-1, 1, 0, 10, 0, 0},
        {1, 2, 0, UINT64_MAX, 0, 0},          {1, 0, 97, 1, 0, 0},          {1, 0, UINT64_MAX, UINT64_MAX, 0, 0},
        {2, 0, 0, UINT64_MAX, 4, 5000000000}, {2, 0, 4999999999, 3, 2, 1},  {2, 1, 0, UINT64_MAX, 3, 0},
    };
    char *path;
    tl_reader *r = open_sample(&path, NULL);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tally t = {0};
        uint64_t written = 1, missing = 1;
        CU_ASSERT_EQUAL(tl_reader_payload(r, cases[i].session, cases[i].direction, cases[i].offset, cases[i].length, false, count, &t,
                                          &written, &missing),
                        TL_OK);
        CU_ASSERT(written == cases[i].written && t.bytes == written);
        CU_ASSERT_EQUAL(missing, cases[i].missing);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* Five gigabytes of zeros go by in small pieces. */
static void huge_gaps_are_bounded(void)
{
    char *path;
    tl_reader *r = open_sample(&path, NULL);
    tally t = {0};
    uint64_t written, missing;
    CU_ASSERT_EQUAL(tl_reader_payload(r, 2, 0, 0, UINT64_MAX, true, count, &t, &written, &missing), TL_OK);
    CU_ASSERT(written == 5000000004 && t.bytes == written && missing == 5000000000);
    CU_ASSERT(t.largest <= 1 << 20);
    tl_reader_close(r);
    tl_sample_drop(path);
}

static tl_rc stop(void *to, tl_span bytes)
{
    (void)bytes;
    return --*(int *)to < 0 ? TL_END : TL_OK;
}

static void a_reader_that_leaves(void)
{
    char *path;
    tl_reader *r = open_sample(&path, NULL);
    for (int good = 0; good < 3; good++) {
        int left = good;
        uint64_t written, missing;
        CU_ASSERT_EQUAL(tl_reader_payload(r, 2, 0, 0, UINT64_MAX, true, stop, &left, &written, &missing), TL_END);
    }
    tl_reader_close(r);
    tl_sample_drop(path);
}

/* Databases that contradict themselves: an error or fewer bytes, never a crash, an over-read or a made-up byte. */
static void liars(void)
{
    static const struct {
        const char *sql;
        tl_rc rc;
    } cases[] = {
        {"UPDATE chunk SET data = X'789c0000' WHERE chunk_id = 2", TL_ESQL},
        {"UPDATE chunk SET data = substr(data, 1, 20) WHERE chunk_id = 2", TL_ESQL},
        {"UPDATE chunk SET raw_size = 339 WHERE chunk_id = 2", TL_ESQL},
        {"UPDATE chunk SET raw_size = 341 WHERE chunk_id = 2", TL_ESQL},
        {"UPDATE chunk SET raw_size = 1 << 40 WHERE chunk_id = 2", TL_ESQL},
        {"UPDATE chunk SET raw_size = 9223372036854775807 WHERE chunk_id = 3", TL_ESQL},
        {"UPDATE chunk SET data = zeroblob(0) WHERE chunk_id = 3", TL_ESQL},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET data = zeroblob(250) WHERE chunk_id = 3", TL_ESQL},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET raw_size = -5 WHERE chunk_id = 3", TL_ESQL},
        {"PRAGMA ignore_check_constraints = ON; UPDATE chunk SET stream_offset = -5 WHERE chunk_id = 3", TL_OK},
        {"UPDATE chunk SET stream_offset = 439 WHERE chunk_id = 3", TL_ESQL},
        {"UPDATE gap SET length = 101 WHERE gap_id = 1", TL_ESQL},
        {"UPDATE gap SET length = 9223372036854775807 WHERE gap_id = 1", TL_ESQL},
        {"UPDATE chunk SET stream_offset = 9223372036854775807 WHERE chunk_id = 3", TL_OK},
        {"DELETE FROM gap WHERE gap_id = 1", TL_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path;
        tl_reader *r = open_sample(&path, cases[i].sql);
        tally t = {0};
        uint64_t written, missing;
        tl_rc rc = tl_reader_payload(r, 1, 1, 0, LENGTH, false, count, &t, &written, &missing);
        if (rc != cases[i].rc) printf("\n%s: %d %s\n", cases[i].sql, (int)rc, tl_reader_error(r)->text);
        CU_ASSERT_EQUAL(rc, cases[i].rc);
        CU_ASSERT(t.bytes <= LENGTH);
        tl_reader_close(r);
        tl_sample_drop(path);
    }
}

/* A deflate bomb unpacks to what its row says, or not at all. */
static void bombs(void)
{
    enum { REAL = 4 << 20 };
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(9);
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    uint8_t *zeros = calloc(1, REAL), *packed = malloc(65536);
    CU_ASSERT_FATAL(c != NULL && d != NULL && zeros != NULL && packed != NULL);
    size_t n = libdeflate_zlib_compress(c, zeros, REAL, packed, 65536);
    CU_ASSERT_FATAL(n > 0);
    static const size_t claims[] = {0, 1, 1000, 65536, REAL - 1, REAL, REAL + 1};
    for (size_t i = 0; i < sizeof claims / sizeof claims[0]; i++) {
        uint8_t *data = tl_exact(packed, n), *out = malloc(claims[i] ? claims[i] : 1);
        CU_ASSERT_EQUAL(tl_inflate(d, tl_span_of(data, n), out, claims[i]), claims[i] == REAL);
        free(data);
        free(out);
    }
    libdeflate_free_compressor(c);
    libdeflate_free_decompressor(d);
    free(zeros);
    free(packed);
}

int main(void)
{
    return tl_run_cases("payload", (const tl_case[]){
                                       {"every range", every_range},
                                       {"what is not there", what_is_not_there},
                                       {"huge gaps are bounded", huge_gaps_are_bounded},
                                       {"a reader that leaves", a_reader_that_leaves},
                                       {"liars", liars},
                                       {"bombs", bombs},
                                       {0},
                                   });
}
