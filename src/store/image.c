/*
** image.c - see the header.
**
** A table is a B+-tree of two levels: its root, an interior page that SQLite made (empty) with the schema, and leaves one behind the other,
** each filled from its end down.  The first leaf holds one row only: an interior page has at least one key.
*/
#include "store/image.h"

#include "base/varint.h"
#include "store/rows.h"
#include "store/statements.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
    PAGE = 65536,
    PAGES = 1024,           /* addresses, not memory: what a batch does not fill is never touched */
    LOCAL_MOST = PAGE - 35, /* of a record: what is larger would have overflow pages */
    INTERIOR_HEAD = 12,
    LEAF_HEAD = 8,
    INTERIOR_TABLE = 5,
    LEAF_TABLE = 13,
    HEADER_PAGES_AT = 28,
    HEADER_CHANGES_AT = 24,
    HEADER_VALID_FOR_AT = 92,
    RECORD_HEAD = 128 /* of a record's head: 23 columns of three bytes and less */
};

struct image {
    bool serves;
    uint8_t *pages;                                  /* mapped: the database */
    uint32_t session_root, message_root, first_leaf; /* page numbers, from 1 */
};

/* ---- the database ---- */

static uint32_t root_of(sqlite3 *db, const char *table)
{
    sqlite3_stmt *q = NULL;
    uint32_t root = 0;
    if (sqlite3_prepare_v2(db, "SELECT rootpage FROM sqlite_schema WHERE name = ?", -1, &q, NULL) == SQLITE_OK) {
        sqlite3_bind_text(q, 1, table, -1, SQLITE_STATIC);
        if (sqlite3_step(q) == SQLITE_ROW) root = (uint32_t)sqlite3_column_int(q, 0);
    }
    sqlite3_finalize(q);
    return root;
}

/* The two tables of `from` into an empty database. */
static bool make_tables(sqlite3 *from, sqlite3 *empty)
{
    sqlite3_stmt *q = NULL;
    bool ok = sqlite3_exec(empty, "PRAGMA page_size = 65536", NULL, NULL, NULL) == SQLITE_OK &&
              sqlite3_prepare_v2(from, "SELECT sql FROM main.sqlite_schema WHERE type = 'table' AND name IN ('session', 'message')", -1, &q,
                                 NULL) == SQLITE_OK;
    while (ok && sqlite3_step(q) == SQLITE_ROW)
        ok = sqlite3_exec(empty, (const char *)sqlite3_column_text(q, 0), NULL, NULL, NULL) == SQLITE_OK;
    sqlite3_finalize(q);
    return ok;
}

static void put_be(uint8_t *p, uint64_t v, size_t n)
{
    while (n > 0) {
        p[--n] = (uint8_t)v;
        v >>= 8;
    }
}

static bool make_database(image *m, sqlite3 *from)
{
    sqlite3 *empty = NULL;
    sqlite3_int64 n = 0;
    uint8_t *made = NULL;
    bool ok = sqlite3_open_v2(":memory:", &empty, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) == SQLITE_OK &&
              make_tables(from, empty);
    if (ok) {
        m->session_root = root_of(empty, "session");
        m->message_root = root_of(empty, "message");
        made = sqlite3_serialize(empty, "main", &n, 0);
    }
    ok = made != NULL && m->session_root > 1 && m->message_root > 1 && n > 0 && n % PAGE == 0 && n <= (sqlite3_int64)PAGE * 8;
    if (ok) {
        memcpy(m->pages, made, (size_t)n);
        m->first_leaf = (uint32_t)(n / PAGE) + 1;
        put_be(m->pages + HEADER_PAGES_AT, PAGES, 4);
        memcpy(m->pages + HEADER_VALID_FOR_AT, m->pages + HEADER_CHANGES_AT, 4);
    }
    sqlite3_free(made);
    sqlite3_close(empty);
    return ok;
}

static bool attach(const image *m, sqlite3 *db)
{
    const sqlite3_int64 n = (sqlite3_int64)PAGE * PAGES;
    return sqlite3_deserialize(db, "rows", m->pages, n, n, SQLITE_DESERIALIZE_READONLY) == SQLITE_OK &&
           sqlite3_exec(db, "PRAGMA rows.mmap_size = 67108864", NULL, NULL, NULL) == SQLITE_OK;
}

void image_close(image *m)
{
    if (m == NULL) return;
    if (m->pages != NULL) munmap(m->pages, (size_t)PAGE * PAGES);
    free(m);
}

/* ---- a record (section 2.1 of the format) ---- */

typedef struct record {
    size_t head_n, n;
    bool too_large;
    uint8_t head[RECORD_HEAD], body[PAGE + 8]; /* whole words are written */
} record;

/* SQLite's varint: seven bits a byte, the highest first; the ninth byte has eight. */
static size_t put_varint(uint8_t *p, uint64_t v)
{
    if (v < 0x80) {
        *p = (uint8_t)v;
        return 1;
    }
    if (v >> 56 != 0) {
        p[8] = (uint8_t)v;
        v >>= 8;
        for (int i = 7; i >= 0; i--, v >>= 7) p[i] = (uint8_t)(v | 0x80);
        return 9;
    }
    size_t n = (size_t)(64 - __builtin_clzll(v) + 6) / 7;
    for (size_t i = n; i > 0; i--, v >>= 7) p[i - 1] = (uint8_t)(v | 0x80);
    p[n - 1] &= 0x7f;
    return n;
}

static void put_null(record *x)
{
    x->head[x->head_n++] = 0;
}

static void put_int(record *x, int64_t v)
{
    if (v == 0 || v == 1) {
        x->head[x->head_n++] = (uint8_t)(8 + v);
        return;
    }
    uint64_t size = (uint64_t)(v < 0 ? ~v : v);
    unsigned bytes = size < 0x80 ? 1 : size < 0x8000 ? 2 : size < 0x800000 ? 3 : size < 0x80000000 ? 4 : size >> 47 == 0 ? 6 : 8;
    x->head[x->head_n++] = (uint8_t)(bytes < 5 ? bytes : bytes == 6 ? 5 : 6);
    if (x->n + 8 > LOCAL_MOST) {
        x->too_large = true;
        return;
    }
    uint64_t word = __builtin_bswap64((uint64_t)v << (64 - 8 * bytes));
    memcpy(x->body + x->n, &word, sizeof word);
    x->n += bytes;
}

static void put_count(record *x, uint64_t v)
{
    put_int(x, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

static void put_if(record *x, bool known, int64_t v)
{
    if (known)
        put_int(x, v);
    else
        put_null(x);
}

static void put_span(record *x, tl_span v)
{
    if (v.n > LOCAL_MOST || x->n + v.n > LOCAL_MOST) {
        x->too_large = true;
        return;
    }
    x->head_n += put_varint(x->head + x->head_n, 13 + 2 * v.n);
    if (v.n > 0) memcpy(x->body + x->n, v.p, v.n);
    x->n += v.n;
}

static void put_text(record *x, const char *v)
{
    if (v == NULL)
        put_null(x);
    else
        put_span(x, tl_span_of(v, strlen(v)));
}

/* ---- a table ---- */

typedef struct tree {
    image *m;
    uint8_t *root, *leaf;
    uint32_t page;               /* of the leaf */
    size_t root_low, root_cells; /* of the root: where its cells begin */
    size_t low, cells;           /* likewise of the leaf */
    int64_t last;                /* the last row's id */
    size_t rows;
} tree;

static uint8_t *page_at(const image *m, uint32_t number)
{
    return m->pages + (size_t)(number - 1) * PAGE;
}

static void new_leaf(tree *t, uint32_t page)
{
    t->page = page;
    t->leaf = page_at(t->m, page);
    t->low = PAGE;
    t->cells = 0;
}

static tree new_tree(image *m, uint32_t root)
{
    tree t = {.m = m, .root = page_at(m, root), .root_low = PAGE, .last = INT64_MIN};
    new_leaf(&t, m->first_leaf);
    return t;
}

static void put_page_head(uint8_t *page, uint8_t kind, size_t cells, size_t low)
{
    page[0] = kind;
    put_be(page + 1, 0, 2); /* no free blocks */
    put_be(page + 3, cells, 2);
    put_be(page + 5, low, 2); /* 65536 is written as 0 */
    page[7] = 0;
}

/* The leaf is full: the root gets its number and its last key. */
static bool next_leaf(tree *t)
{
    uint8_t cell[4 + 9];
    put_be(cell, t->page, 4);
    size_t n = 4 + put_varint(cell + 4, (uint64_t)t->last);
    size_t pointers = INTERIOR_HEAD + 2 * (t->root_cells + 1);
    if (t->page == PAGES || t->root_low < pointers + n) return false;
    t->root_low -= n;
    memcpy(t->root + t->root_low, cell, n);
    put_be(t->root + pointers - 2, t->root_low, 2);
    t->root_cells++;
    put_page_head(t->leaf, LEAF_TABLE, t->cells, t->low);
    new_leaf(t, t->page + 1);
    return true;
}

static bool add(tree *t, int64_t id, const record *x)
{
    uint8_t front[9 + 9 + 1];
    size_t payload = 1 + x->head_n + x->n;
    if (x->too_large || x->head_n + 1 > RECORD_HEAD - 1 || payload > LOCAL_MOST || id <= t->last) return false;
    size_t front_n = put_varint(front, payload);
    front_n += put_varint(front + front_n, (uint64_t)id);
    front[front_n++] = (uint8_t)(1 + x->head_n); /* of the head, itself included: one byte as long as it is below 128 */
    size_t size = front_n + x->head_n + x->n;
    if (t->rows == 1 || t->low < LEAF_HEAD + 2 * (t->cells + 1) + size)
        if (!next_leaf(t)) return false;
    t->low -= size;
    uint8_t *p = t->leaf + t->low;
    memcpy(p, front, front_n);
    memcpy(p + front_n, x->head, x->head_n);
    memcpy(p + front_n + x->head_n, x->body, x->n);
    put_be(t->leaf + LEAF_HEAD + 2 * t->cells, t->low, 2);
    t->cells++;
    t->rows++;
    t->last = id;
    return true;
}

/* The number of rows; 0: not enough of them for two levels. */
static size_t finish(tree *t)
{
    if (t->root_cells == 0) return 0;
    put_page_head(t->leaf, LEAF_TABLE, t->cells, t->low);
    put_page_head(t->root, INTERIOR_TABLE, t->root_cells, t->root_low);
    put_be(t->root + 8, t->page, 4);
    return t->rows;
}

/* ---- its rows: the columns of rows.h ---- */

#define ROWID(name, value) put_null(x); /* where SQLite keeps it is the cell's key */
#define VALUE(name, value) value;

static void session_record(rows_texts *c, record *x, const tl_row_session *row)
{
    const tl_session_info *i = &row->info;
    ROWS_SESSION(ROWID, VALUE)
}

static void message_record(record *x, const tl_op *op)
{
    const tl_message *m = &op->message;
    ROWS_MESSAGE(ROWID, VALUE)
}

size_t image_sessions(image *m, const tl_batch_items *feed)
{
    if (!m->serves) return 0;
    tree t = new_tree(m, m->session_root);
    rows_texts texts;
    record x;
    for (const tl_batch_item *at = feed->rows; at != feed->rows_end; at++) {
        if (feed->rows_end - at > ROWS_AHEAD) rows_ask_for(at[ROWS_AHEAD].row, sizeof(tl_row_session) / ROWS_LINE);
        if (at->row->exists) continue;
        x.head_n = x.n = 0;
        x.too_large = false;
        session_record(&texts, &x, at->row);
        if (!add(&t, (int64_t)at->row->info.id, &x)) return 0;
    }
    return finish(&t);
}

size_t image_messages(image *m, const tl_batch_items *feed)
{
    if (!m->serves) return 0;
    tree t = new_tree(m, m->message_root);
    record x;
    for (const tl_batch_item *at = feed->ops; at != feed->ops_end; at++) {
        if (feed->ops_end - at > ROWS_AHEAD && at[ROWS_AHEAD].kind == TL_OP_MESSAGE) rows_ask_for(at[ROWS_AHEAD].op, ROWS_OP_LINES);
        if (at->kind != TL_OP_MESSAGE) continue;
        x.head_n = x.n = 0;
        x.too_large = false;
        message_record(&x, at->op);
        if (!add(&t, rows_message_id(at->op, at->op->message.number), &x)) return 0;
    }
    return finish(&t);
}

/* ---- opening ---- */

/* SQLite has to read our pages where they lie and to keep no copies, which would be those of the batch before: that is what mmap_size is
** for, but it may be built without. */
static bool reads_in_place(image *m, sqlite3 *db)
{
    sqlite3_stmt *q = NULL;
    record x = {.head_n = 1};
    bool ok = sqlite3_prepare_v2(db, "SELECT min(message_id) FROM rows.message", -1, &q, NULL) == SQLITE_OK;
    for (int64_t id = 1; ok && id < 6; id += 2) {
        tree t = new_tree(m, m->message_root);
        ok = add(&t, id, &x) && add(&t, id + 1, &x) && finish(&t) == 2 && sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int64(q, 0) == id;
        sqlite3_reset(q);
    }
    sqlite3_finalize(q);
    return ok;
}

image *image_open(sqlite3 *db)
{
    image *m = calloc(1, sizeof *m);
    if (m == NULL) return NULL;
    void *pages = mmap(NULL, (size_t)PAGE * PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages != MAP_FAILED) m->pages = pages;
    m->serves = m->pages != NULL && make_database(m, db) && sqlite3_exec(db, "ATTACH ':memory:' AS rows", NULL, NULL, NULL) == SQLITE_OK &&
                attach(m, db) && reads_in_place(m, db); /* if not, the connection may hold on to the pages all the same */
    return m;
}
