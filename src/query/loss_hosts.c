/*
** loss_hosts.c - see loss_hosts.h.
**
** SQLite would sort all streams by host.  Here the hosts that have gaps are remembered, and all streams go by once, in their order.
*/
#include "query/loss_hosts.h"

#include "base/siphash.h"
#include "query/handle.h"
#include "query/rows.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

static const char lossy_sql[] =
    "SELECT iif(g.direction = 0, s.client_addr, s.server_addr) AS host, count(*),"
    " sum(iif(g.reason IN ('acked', 'snaplen'), g.length, 0)), sum(iif(g.reason IN ('acked', 'snaplen'), 0, g.length))"
    " FROM gap AS g JOIN session AS s ON s.session_id = g.session_id GROUP BY 1";
static const char sent_sql[] = "SELECT iif(t.direction = 0, s.client_addr, s.server_addr), t.length, t.stored_bytes,"
                               " CASE WHEN t.direction = 0 THEN 1 WHEN s.client_addr <> s.server_addr THEN 1 ELSE NOT EXISTS ("
                               "SELECT 1 FROM stream AS o WHERE o.session_id = t.session_id AND o.direction = 0) END"
                               " FROM stream AS t CROSS JOIN session AS s ON s.session_id = t.session_id";

typedef struct host {
    char *name; /* owned */
    size_t n;
    int64_t sessions, bytes, stored, gaps, capture_loss, unknown_loss;
} host;

typedef struct hosts {
    host *list; /* owned */
    size_t n, room, most;
    uint32_t *slots; /* owned: a number in the list, from 1 on; 0: free */
    size_t mask;
    uint8_t key[16]; /* a database is a stranger's: its names must not be able to collide; rows are sorted, so it shows nowhere */
} hosts;

/* Sums of a hostile database may not fit: then they stay at the most that does. */
static void add(int64_t *sum, int64_t v)
{
    if (v > 0 && __builtin_add_overflow(*sum, v, sum)) *sum = INT64_MAX;
}

/* END: too many. */
static tl_rc take_lossy(void *to, const tl_cell *c)
{
    hosts *h = to;
    if (h->n == h->most) return TL_END;
    if (h->n == h->room) {
        size_t room = h->room == 0 ? 256 : 2 * h->room;
        host *list = realloc(h->list, room * sizeof *list);
        if (list == NULL) return TL_ENOMEM;
        h->list = list;
        h->room = room;
    }
    char *name = malloc(c[0].bytes.n + 1);
    if (name == NULL) return TL_ENOMEM;
    if (c[0].bytes.n > 0) memcpy(name, c[0].bytes.p, c[0].bytes.n);
    h->list[h->n++] =
        (host){.name = name, .n = c[0].bytes.n, .gaps = c[1].integer, .capture_loss = c[2].integer, .unknown_loss = c[3].integer};
    return TL_OK;
}

/* The slot that holds the name, or the one where it would be. */
static uint32_t *slot_of(const hosts *h, const void *name, size_t n)
{
    size_t i = (size_t)tl_siphash(h->key, name, n) & h->mask;
    while (h->slots[i] != 0) {
        const host *there = &h->list[h->slots[i] - 1];
        if (there->n == n && memcmp(there->name, name, n) == 0) break;
        i = (i + 1) & h->mask;
    }
    return &h->slots[i];
}

static tl_rc make_slots(hosts *h)
{
    size_t room = 16;
    while (room < 2 * h->n) room *= 2;
    h->slots = calloc(room, sizeof *h->slots);
    if (h->slots == NULL) return TL_ENOMEM;
    h->mask = room - 1;
    for (size_t i = 0; i < h->n; i++) *slot_of(h, h->list[i].name, h->list[i].n) = (uint32_t)i + 1;
    return TL_OK;
}

static void add_stream(hosts *h, sqlite3_stmt *s)
{
    const void *name = sqlite3_column_text(s, 0);
    size_t n = (size_t)sqlite3_column_bytes(s, 0);
    uint32_t number = *slot_of(h, name == NULL ? "" : name, n);
    if (number == 0) return;
    host *x = &h->list[number - 1];
    add(&x->bytes, sqlite3_column_int64(s, 1));
    add(&x->stored, sqlite3_column_int64(s, 2));
    x->sessions += sqlite3_column_int(s, 3) != 0;
}

static tl_rc add_streams(tl_reader *r, hosts *h)
{
    sqlite3_stmt *s = NULL;
    int sq = SQLITE_DONE;
    tl_rc rc = tl_reader_prepare(r, sent_sql, &s);
    while (rc == TL_OK && (sq = sqlite3_step(s)) == SQLITE_ROW) add_stream(h, s);
    if (rc == TL_OK && sq != SQLITE_DONE) rc = tl_reader_fail(r, sq);
    sqlite3_finalize(s);
    return rc;
}

static int by_loss(const void *a, const void *b)
{
    const host *x = a, *y = b;
    if (x->capture_loss != y->capture_loss) return x->capture_loss > y->capture_loss ? -1 : 1;
    if (x->unknown_loss != y->unknown_loss) return x->unknown_loss > y->unknown_loss ? -1 : 1;
    int c = memcmp(x->name, y->name, x->n < y->n ? x->n : y->n);
    return c != 0 ? c : (x->n > y->n) - (x->n < y->n);
}

static tl_cell number(int64_t v)
{
    return (tl_cell){.kind = TL_CELL_INTEGER, .integer = v};
}

static tl_rc write_rows(const hosts *h, const tl_output *out)
{
    static const char *const names[] = {"host", "sessions", "bytes_sent", "stored_bytes", "gaps", "capture_loss", "unknown_loss"};
    tl_rows *rows = tl_rows_new(out, names, sizeof names / sizeof *names);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    for (size_t i = 0; i < h->n && rc == TL_OK; i++) {
        const host *x = &h->list[i];
        const tl_cell cells[] = {{.kind = TL_CELL_TEXT, .bytes = tl_span_of(x->name, x->n)},
                                 number(x->sessions),
                                 number(x->bytes),
                                 number(x->stored),
                                 number(x->gaps),
                                 number(x->capture_loss),
                                 number(x->unknown_loss)};
        rc = tl_rows_add(rows, cells);
    }
    if (rc == TL_OK) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    return rc;
}

tl_rc tl_loss_hosts(tl_reader *r, const char *sql, size_t most, const tl_output *out, uint64_t *rows)
{
    hosts h = {.most = most};
    if (getrandom(h.key, sizeof h.key, 0) != sizeof h.key) return tl_reader_run(r, sql, NULL, 0, out, rows);
    tl_rc rc = tl_reader_each(r, lossy_sql, NULL, 0, take_lossy, &h);
    bool many = rc == TL_END;
    if (rc == TL_OK) rc = make_slots(&h);
    if (rc == TL_OK) rc = add_streams(r, &h);
    if (rc == TL_OK && h.n > 0) qsort(h.list, h.n, sizeof *h.list, by_loss);
    if (rc == TL_OK) rc = write_rows(&h, out);
    if (rc == TL_ENOMEM) (void)tl_fail(&r->error, rc, "no memory");
    *rows = h.n;
    for (size_t i = 0; i < h.n; i++) free(h.list[i].name);
    free(h.list);
    free(h.slots);
    return many ? tl_reader_run(r, sql, NULL, 0, out, rows) : rc;
}
