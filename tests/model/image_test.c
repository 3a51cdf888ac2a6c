/*
** image_test.c - rows that SQLite copies from pages that we write (store/image.h) are the rows that it makes of columns (store/rows.h),
** several times in one transaction; and what does not serve is refused.
*/
#include "base/embedded.h"
#include "store/statements.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS = 300, ROUNDS = 12, LARGE = 70000 };

static uint8_t text[LARGE];

/* ---- a database, and both ways into it ---- */

typedef struct target {
    sqlite3 *db;
    tl_batch_items feed;
    image *m;
} target;

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK) printf("\n%s: %s\n", sql, why);
    CU_ASSERT_PTR_NULL_FATAL(why);
}

static void open_target(target *t, bool by_image)
{
    *t = (target){0};
    CU_ASSERT_EQUAL_FATAL(sqlite3_open(":memory:", &t->db), SQLITE_OK);
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        if (e->name[0] == '0') run(t->db, e->text);
    run(t->db,
        "DROP INDEX session_by_client; DROP INDEX session_by_server; PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON");
    CU_ASSERT_EQUAL_FATAL(rows_register(t->db, &t->feed), SQLITE_OK);
    run(t->db, "BEGIN"); /* the store's transaction is open, too, when it first wants an image */
    if (!by_image) return;
    t->m = image_open(t->db);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t->m);
}

static void close_target(target *t)
{
    CU_ASSERT_EQUAL(sqlite3_close(t->db), SQLITE_OK);
    image_close(t->m);
}

/* The rows of the feed, so many, into both: the statement by_image copies them, the other one goes through columns. */
static void put_both(target *one, target *other, size_t made, size_t expected, statement by_image, statement by_column,
                     const tl_batch_items *feed)
{
    CU_ASSERT_EQUAL(made, expected);
    run(one->db, store_sql[by_image]);
    CU_ASSERT_EQUAL(sqlite3_changes64(one->db), (sqlite3_int64)expected);
    other->feed = *feed;
    run(other->db, store_sql[by_column]);
}

/* All rows of a table with the types of their values, as one text. */
static char *rows_of(sqlite3 *db, const char *table)
{
    sqlite3_stmt *q = NULL;
    sqlite3_str *out = sqlite3_str_new(db);
    char *sql = sqlite3_mprintf("SELECT * FROM main.%s ORDER BY 1", table);
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    while (sqlite3_step(q) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_count(q); i++)
            sqlite3_str_appendf(out, "%d:%s\n", sqlite3_column_type(q, i), sqlite3_column_text(q, i));
    sqlite3_finalize(q);
    sqlite3_free(sql);
    return sqlite3_str_finish(out);
}

/* And both are closed. */
static void same_rows(target *one, target *other, const char *table)
{
    char *a = rows_of(one->db, table), *b = rows_of(other->db, table);
    CU_ASSERT(a != NULL && b != NULL && strcmp(a, b) == 0);
    CU_ASSERT(a != NULL && strlen(a) > 1000);
    sqlite3_free(a);
    sqlite3_free(b);
    run(one->db, "COMMIT");
    sqlite3_stmt *q = NULL;
    CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(one->db, "PRAGMA main.integrity_check", -1, &q, NULL), SQLITE_OK);
    CU_ASSERT_EQUAL(sqlite3_step(q), SQLITE_ROW);
    CU_ASSERT_STRING_EQUAL((const char *)sqlite3_column_text(q, 0), "ok");
    sqlite3_finalize(q);
    close_target(one);
    close_target(other);
}

/* ---- values at the edges of how the format writes them ---- */

static int64_t some_int(unsigned long long *seed)
{
    static const int bits[] = {0, 1, 7, 8, 15, 16, 23, 24, 31, 32, 47, 48, 62, 63};
    unsigned bit = (unsigned)bits[tl_random(seed) % (sizeof bits / sizeof *bits)];
    int64_t v = bit == 63 ? INT64_MAX : (int64_t)((uint64_t)1 << bit) - (int64_t)(tl_random(seed) % 3) + 1;
    return tl_random(seed) % 2 == 0 ? v : -v - 1;
}

static size_t some_length(unsigned long long *seed)
{
    static const size_t lengths[] = {0, 1, 56, 57, 58, 200, 8184, 8185, 8186, 20000, 65000};
    return lengths[tl_random(seed) % 4 > 0 ? tl_random(seed) % 6 : tl_random(seed) % (sizeof lengths / sizeof *lengths)];
}

static tl_at some_at(unsigned long long *seed)
{
    return (tl_at){.ns = some_int(seed), .frame = (uint64_t)some_int(seed), .capture = (uint32_t)some_int(seed)};
}

static tl_op some_message(unsigned long long *seed, uint64_t session, uint64_t number)
{
    static const char *const names[] = {"", "http", "a longer name than those that protocols have"};
    tl_op op = {.kind = TL_OP_MESSAGE, .session_id = session, .dir = (tl_dir)(number % 2)};
    op.message = (tl_message){.number = number,
                              .ordinal = (uint64_t)some_int(seed),
                              .dir = (tl_dir)(number % 2),
                              .offset = (uint64_t)some_int(seed),
                              .length = (uint64_t)some_int(seed),
                              .missing = (uint64_t)some_int(seed),
                              .head_length = (uint64_t)some_int(seed),
                              .protocol = names[tl_random(seed) % 3],
                              .kind = names[tl_random(seed) % 3],
                              .summary = tl_span_of(text, some_length(seed) % 300),
                              .detail = tl_span_of(text, some_length(seed)),
                              .complete = number % 3 == 0,
                              .sync = (tl_sync)(tl_random(seed) % 4),
                              .first = some_at(seed),
                              .last = some_at(seed),
                              .peer_acked = (uint64_t)some_int(seed),
                              .answers = tl_random(seed) % 4,
                              .pairing = (tl_pairing)(tl_random(seed) % 3)};
    return op;
}

static tl_row_session some_session(unsigned long long *seed, uint64_t id, const tl_layers *layers)
{
    tl_row_session row = {.exists = tl_random(seed) % 5 == 0, .protocol = tl_random(seed) % 2 ? "http" : "", .healed = id % 7 == 0};
    row.info = (tl_session_info){.id = id,
                                 .midstream = id % 2,
                                 .closed = id % 3 == 0 ? TL_WHY_NONE : TL_WHY_FIN,
                                 .first = some_at(seed),
                                 .last = some_at(seed),
                                 .rtt_ns = some_int(seed),
                                 .layers = layers,
                                 .conn_state = "SF",
                                 .history = "ShADadFf"};
    for (size_t i = 0; i < 16; i++) {
        row.info.client.ip[i] = (uint8_t)tl_random(seed);
        row.info.server.ip[i] = i < 10 ? 0 : i < 12 ? 0xff : (uint8_t)tl_random(seed);
    }
    row.info.client.port = (uint16_t)tl_random(seed);
    row.info.server.port = (uint16_t)tl_random(seed);
    return row;
}

/* ---- cases ---- */

static void messages(void)
{
    unsigned long long seed = 20261128;
    target by_image, by_column;
    open_target(&by_image, true);
    open_target(&by_column, false);
    for (uint64_t round = 1; round <= ROUNDS; round++) {
        static tl_op ops[ROWS];
        static tl_batch_item items[ROWS];
        size_t n = 2 + tl_random(&seed) % (ROWS - 2), expected = 0;
        for (size_t i = 0; i < n; i++) {
            /* Sessions of a batch lie between those of the one before. */
            ops[i] = some_message(&seed, round + i / 4 * 100, i % 4 * 3 + 1);
            if (i % 11 == 5) ops[i].kind = TL_OP_CHUNK;
            expected += ops[i].kind == TL_OP_MESSAGE;
            items[i] = (tl_batch_item){.kind = (uint8_t)ops[i].kind, .op = &ops[i]};
        }
        tl_batch_items feed = {.ops = items, .ops_end = items + n};
        put_both(&by_image, &by_column, image_messages(by_image.m, &feed), expected, ST_MESSAGES_COPY, ST_MESSAGES_PUT, &feed);
    }
    same_rows(&by_image, &by_column, "message");
}

static void sessions(void)
{
    unsigned long long seed = 11;
    tl_layers layers = {0};
    target by_image, by_column;
    uint64_t id = 1;
    open_target(&by_image, true);
    open_target(&by_column, false);
    for (int round = 0; round < ROUNDS; round++) {
        static tl_row_session rows[ROWS];
        static tl_batch_item items[ROWS];
        size_t n = 20 + tl_random(&seed) % (ROWS - 20), expected = 0;
        for (size_t i = 0; i < n; i++) {
            rows[i] = some_session(&seed, id++, &layers);
            expected += !rows[i].exists;
            items[i] = (tl_batch_item){.row = &rows[i]};
        }
        tl_batch_items feed = {.rows = items, .rows_end = items + n};
        put_both(&by_image, &by_column, image_sessions(by_image.m, &feed), expected, ST_SESSIONS_COPY, ST_SESSIONS_PUT, &feed);
    }
    same_rows(&by_image, &by_column, "session");
}

static size_t offered(image *m, const tl_op *ops, size_t n)
{
    static tl_batch_item items[2 * ROWS * 10];
    for (size_t i = 0; i < n; i++) items[i] = (tl_batch_item){.kind = TL_OP_MESSAGE, .op = &ops[n < ROWS ? i : 0]};
    return image_messages(m, &(tl_batch_items){.ops = items, .ops_end = items + n});
}

static void what_does_not_serve(void)
{
    unsigned long long seed = 5;
    target t;
    open_target(&t, true);
    tl_op ops[3];
    for (size_t i = 0; i < 3; i++) ops[i] = some_message(&seed, 1, i + 1);
    CU_ASSERT_EQUAL(offered(t.m, ops, 3), 3);
    CU_ASSERT_EQUAL(offered(t.m, ops, 0), 0);
    CU_ASSERT_EQUAL(offered(t.m, ops, 1), 0); /* a tree of two levels has two leaves */
    ops[2].message.number = 2;
    CU_ASSERT_EQUAL(offered(t.m, ops, 3), 0);
    ops[2].message.number = 9;
    ops[1].message.detail = tl_span_of(text, LARGE);
    CU_ASSERT_EQUAL(offered(t.m, ops, 3), 0);
    ops[1].message.detail = tl_span_of(text, 65000);
    ops[1].message.summary = tl_span_of(text, 520);
    CU_ASSERT_EQUAL(offered(t.m, ops, 3), 0);
    close_target(&t);
}

/* 64 MiB of addresses: 1,100 rows of 60,000 bytes do not fit, 900 do. */
static void more_than_the_image_holds(void)
{
    static tl_op ops[1100];
    static tl_batch_item items[1100];
    unsigned long long seed = 6;
    target t;
    open_target(&t, true);
    for (size_t i = 0; i < 1100; i++) {
        ops[i] = some_message(&seed, 1, i + 1);
        ops[i].message.detail = tl_span_of(text, 60000);
        items[i] = (tl_batch_item){.kind = TL_OP_MESSAGE, .op = &ops[i]};
    }
    CU_ASSERT_EQUAL(image_messages(t.m, &(tl_batch_items){.ops = items, .ops_end = items + 1100}), 0);
    CU_ASSERT_EQUAL(image_messages(t.m, &(tl_batch_items){.ops = items, .ops_end = items + 900}), 900);
    close_target(&t);
}

/* Else it would be slower than what it replaces. */
static void records_are_taken_over_whole(void)
{
    static const statement copies[] = {ST_SESSIONS_COPY, ST_MESSAGES_COPY};
    target t;
    open_target(&t, true);
    for (size_t i = 0; i < 2; i++) {
        sqlite3_stmt *q = NULL;
        char *sql = sqlite3_mprintf("EXPLAIN %s", store_sql[copies[i]]);
        int whole = 0, columns = 0;
        CU_ASSERT_EQUAL_FATAL(sqlite3_prepare_v2(t.db, sql, -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
            const char *op = (const char *)sqlite3_column_text(q, 1);
            whole += strcmp(op, "RowData") == 0 || strcmp(op, "RowCell") == 0;
            columns += strcmp(op, "Column") == 0;
        }
        CU_ASSERT_EQUAL(whole, 1);
        CU_ASSERT_EQUAL(columns, 0);
        sqlite3_finalize(q);
        sqlite3_free(sql);
    }
    close_target(&t);
}

/* A row that is there already is an error, and nothing of the others stays. */
static void a_row_twice(void)
{
    unsigned long long seed = 8;
    target t;
    tl_op ops[3];
    open_target(&t, true);
    for (size_t i = 0; i < 3; i++) ops[i] = some_message(&seed, 1, i + 1);
    CU_ASSERT_EQUAL(offered(t.m, ops, 3), 3);
    run(t.db, store_sql[ST_MESSAGES_COPY]);
    CU_ASSERT_EQUAL(sqlite3_exec(t.db, store_sql[ST_MESSAGES_COPY], NULL, NULL, NULL), SQLITE_CONSTRAINT);
    CU_ASSERT(sqlite3_get_autocommit(t.db));
    close_target(&t);
}

int main(void)
{
    memset(text, 'x', sizeof text);
    return tl_run_cases("image", (const tl_case[]){{"messages", messages},
                                                   {"sessions", sessions},
                                                   {"what does not serve", what_does_not_serve},
                                                   {"more than the image holds", more_than_the_image_holds},
                                                   {"records are taken over whole", records_are_taken_over_whole},
                                                   {"a row twice", a_row_twice},
                                                   {0}});
}
