/*
** fit_test.c - rows that a chunk is cut into: they are the chunk, byte for byte with what is known of each byte, and they fill pages.
*/
#include "batch/rows.h"
#include "support/check.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 70000, ROWS_MOST = 3, ROWS = 90 };

/* What is known of each byte of a chunk. */
typedef struct byte_facts {
    uint64_t frame, peer_acked;
    int64_t ns;
    uint8_t value;
} byte_facts;

static byte_facts want[MOST], got[MOST];
static uint8_t data[MOST], arrivals[1 << 20], cut[1 << 20];
static unsigned long long seed = 1;

static uint64_t up_to(uint64_t n)
{
    return tl_random(&seed) % n;
}

/* A chunk of n bytes in random runs, out of order now and then. */
static tl_op_chunk make(size_t n, uint64_t segment)
{
    tl_op_chunk c = {.offset = 1000, .raw_size = (uint32_t)n, .data_size = (uint32_t)n, .capture = 7, .data = data, .arrivals = arrivals};
    tl_arrival before = {.frame = 500, .ns = 500000};
    c.first_frame = before.frame;
    c.first_ns = before.ns;
    for (size_t done = 0; done < n;) {
        uint64_t most = n - done < segment ? n - done : segment;
        tl_arrival a = {
            .bytes = 1 + up_to(most), .frame = 500 + up_to(4000), .ns = 500000 + (int64_t)up_to(1 << 30), .peer_acked = up_to(1 << 20)};
        c.arrivals_size += (uint32_t)tl_arrival_put(arrivals + c.arrivals_size, &before, &a);
        for (size_t i = 0; i < a.bytes; i++, done++) {
            data[done] = (uint8_t)up_to(256);
            want[done] = (byte_facts){a.frame, a.peer_acked, a.ns, data[done]};
        }
        before = a;
    }
    return c;
}

/* What the rows say of each byte; false: a row does not fit the one before, or its columns are not those of its entries. */
static bool read_rows(const tl_op_chunk *whole, const chunk_op *rows, unsigned n)
{
    uint64_t at = whole->offset;
    size_t done = 0;
    for (unsigned i = 0; i < n; i++) {
        const tl_op_chunk *c = &rows[i].op.chunk;
        tl_span left = tl_span_of(c->arrivals, c->arrivals_size);
        tl_arrival a = {.frame = c->first_frame, .ns = c->first_ns};
        uint64_t first = UINT64_MAX, last = 0;
        int64_t first_ns = INT64_MAX, last_ns = 0;
        size_t end = done + c->raw_size;
        if (c->offset != at || c->capture != whole->capture || c->data_size != c->raw_size || end > whole->raw_size) return false;
        while (left.n > 0) {
            if (!tl_arrival_next(&left, &a) || a.bytes > end - done) return false;
            for (uint64_t k = 0; k < a.bytes; k++, done++)
                got[done] = (byte_facts){a.frame, a.peer_acked, a.ns, c->data[done + c->raw_size - end]};
            first = a.frame < first ? a.frame : first;
            last = a.frame > last ? a.frame : last;
            first_ns = a.ns < first_ns ? a.ns : first_ns;
            last_ns = a.ns > last_ns ? a.ns : last_ns;
        }
        if (done != end || c->first_frame != first || c->last_frame != last || c->first_ns != first_ns || c->last_ns != last_ns)
            return false;
        at += c->raw_size;
    }
    return done == whole->raw_size;
}

static bool same(size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (want[i].frame != got[i].frame || want[i].ns != got[i].ns || want[i].peer_acked != got[i].peer_acked ||
            want[i].value != got[i].value)
            return false;
    return true;
}

static void the_rows_are_the_chunk(void)
{
    chunk_op rows[ROWS_MOST];
    unsigned seen[ROWS_MOST + 1] = {0};
    for (int program = 0; program < 400; program++) {
        size_t last;
        tl_op_chunk whole = program % 4 == 0 ? make(1 + up_to(9000), 2) : make(1 + up_to(69000), 1460);
        unsigned n = fit_rows(whole.raw_size, whole.arrivals_size + 64, &last);
        CU_ASSERT_FATAL(n >= 1 && n <= ROWS_MOST);
        seen[n]++;
        if (n == 1) continue;
        fit_cut(&whole, n, last, cut, rows);
        CU_ASSERT_TRUE(read_rows(&whole, rows, n) && same(whole.raw_size));
        /* Sabotage: a byte of one row, and an entry of another one's, have to be noticed. */
        data[whole.raw_size / 2] ^= 1;
        CU_ASSERT_FALSE(read_rows(&whole, rows, n) && same(whole.raw_size));
        data[whole.raw_size / 2] ^= 1;
        rows[n - 1].op.chunk.offset++;
        CU_ASSERT_FALSE(read_rows(&whole, rows, n) && same(whole.raw_size));
    }
    CU_ASSERT(seen[1] > 0 && seen[2] > 0 && seen[3] > 0);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    return n;
}

/* Bytes of a database of ROWS chunks of n bytes, in the rows that fit (or each in one). */
static int64_t bytes_of(size_t n, bool fits)
{
    enum { COLUMNS = 40 }; /* and 24 for the record's header */
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(":memory:", &db), SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_exec(db, "PRAGMA page_size = 32768; CREATE TABLE c (id INTEGER PRIMARY KEY, b BLOB)", NULL, NULL, NULL),
                          SQLITE_OK);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, "INSERT INTO c (b) VALUES (zeroblob(?))", -1, &q, NULL), SQLITE_OK);
    for (int i = 0; i < ROWS; i++) {
        size_t last;
        unsigned rows = fits ? fit_rows(n, COLUMNS + 24, &last) : 1;
        for (unsigned k = 0; k < rows; k++) {
            sqlite3_bind_int64(q, 1, (int64_t)((k > 0 ? last : rows == 1 ? n : n - (rows - 1) * last) + COLUMNS));
            if (sqlite3_step(q) != SQLITE_DONE || sqlite3_reset(q) != SQLITE_OK) abort();
        }
    }
    sqlite3_finalize(q);
    int64_t bytes = ask(db, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size");
    sqlite3_close(db);
    return bytes;
}

static void they_fill_pages(void)
{
    double worst = 0, before = 0;
    for (size_t n = 8000; n < 69000; n += 900) {
        double share = (double)bytes_of(n, true) / ((double)ROWS * (double)n),
               was = (double)bytes_of(n, false) / ((double)ROWS * (double)n);
        if (share > 1.36) printf("\n%zu bytes take %.2f of their size\n", n, share);
        CU_ASSERT(share <= 1.36);
        if (share > worst) worst = share;
        if (was > before) before = was;
    }
    printf("%.3f %.3f ", worst, before);
    CU_ASSERT(before > 1.9); /* the trap is there */
}

static void looks(void)
{
    for (size_t i = 0; i < MOST; i++) data[i] = (uint8_t)up_to(256);
    CU_ASSERT_TRUE(fit_stays_raw(data, 20000));
    CU_ASSERT_FALSE(fit_stays_raw(data, 100)); /* nobody asks */
    for (size_t i = 0; i < 10000; i++) data[i] = (uint8_t) "<html> text "[i % 12];
    CU_ASSERT_FALSE(fit_stays_raw(data, 20000));
}

int main(void)
{
    return tl_run_cases(
        "fit",
        (const tl_case[]){{"the rows are the chunk", the_rows_are_the_chunk}, {"they fill pages", they_fill_pages}, {"looks", looks}, {0}});
}
