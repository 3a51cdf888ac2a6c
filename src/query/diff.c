/*
** diff.c - see diff.h.
**
** Both databases give their sessions in the order of the key, and the two lists are walked side by side; so are gaps and messages of a
** pair.  Memory does not grow with the databases, but for SQLite's sorting of the sessions.
*/
/* The plain SHA256_ calls: they allocate nothing (capture/raw.c says why that matters). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "query/diff.h"

#include "query/handle.h"
#include "query/rows.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

enum { KEY_COLUMNS = 7, COLUMNS = 7 };

static const char sessions_sql[] =
    "SELECT s.client_addr, s.client_port, s.server_addr, s.server_port, s.first_ns, coalesce(c.isn, -1), coalesce(v.isn, -1),"
    " s.session_id FROM session AS s LEFT JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0"
    " LEFT JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1 ORDER BY 1, 2, 3, 4, 5, 6, 7, 8";
static const char streams_sql[] = "SELECT length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes, stray_bytes FROM stream"
                                  " WHERE session_id = ?1 AND direction = ?2";
static const char *const stream_names[] = {"length", "stored bytes", "gap bytes", "captured bytes", "duplicate bytes", "stray bytes"};
/* Of a list: the columns before `text` say which entry it is. */
static const char gaps_sql[] = "SELECT stream_offset, stream_offset || '+' || length || ' ' || reason FROM gap"
                               " WHERE session_id = ?1 AND direction = ?2 ORDER BY stream_offset";
static const char messages_sql[] =
    "SELECT message_id & 4294967295, iif(direction = 0, 'client ', 'server ') || stream_offset || '+' || length || ' ' || protocol || ' '"
    " || kind || iif(complete, '', ', not complete') || iif(missing > 0, ', ' || missing || ' missing', '')"
    " || coalesce(', ' || pairing, '') || coalesce(' ' || (answers_message_id & 4294967295), '') || ': ' || summary"
    " FROM message WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 ORDER BY message_id";

/* What a run with --scan-aggregate summed up. */
static const char scans_sql[] = "SELECT first_ns, coalesce(client_addr, 'many') || ' to ' || coalesce(server_addr, 'many') || ' port '"
                                " || coalesce(server_port, 'many') || ': ' || sessions || ' sessions, ' || packets || ' packets' FROM scan"
                                " ORDER BY first_ns, 2";

/* A statement on one of the two, and whether it stands on a row. */
typedef struct cursor {
    tl_reader *r;
    sqlite3_stmt *s;
    bool row;
} cursor;

typedef struct diff {
    tl_reader *r[2];
    cursor sessions[2];
    tl_rows *out;
    uint64_t *rows;
    tl_error *err;
    int64_t id[2];
    tl_text name; /* of `what` */
} diff;

static tl_rc failed(diff *d, tl_reader *r)
{
    *d->err = r->error;
    return r->error.rc;
}

static tl_rc step(diff *d, cursor *c)
{
    int rc = sqlite3_step(c->s);
    c->row = rc == SQLITE_ROW;
    if (rc == SQLITE_ROW || rc == SQLITE_DONE) return TL_OK;
    (void)tl_reader_fail(c->r, rc);
    return failed(d, c->r);
}

static tl_rc open_cursor(diff *d, int side, const char *sql, int dir, cursor *c)
{
    *c = (cursor){.r = d->r[side]};
    tl_reader_start(c->r);
    tl_rc rc = tl_reader_prepare(c->r, sql, &c->s);
    if (rc != TL_OK) return failed(d, c->r);
    int n = sqlite3_bind_parameter_count(c->s);
    if (n > 0) sqlite3_bind_int64(c->s, 1, d->id[side]);
    if (n > 1) sqlite3_bind_int(c->s, 2, dir);
    return step(d, c);
}

static tl_cell text_cell(const char *p, size_t n)
{
    return (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(p, n)};
}

static tl_cell column(cursor *c, int i)
{
    if (!c->row || sqlite3_column_type(c->s, i) == SQLITE_NULL) return (tl_cell){.kind = TL_CELL_NULL};
    if (sqlite3_column_type(c->s, i) == SQLITE_INTEGER) return (tl_cell){.kind = TL_CELL_INTEGER, .integer = sqlite3_column_int64(c->s, i)};
    const unsigned char *p = sqlite3_column_text(c->s, i);
    return p == NULL ? (tl_cell){.kind = TL_CELL_NULL} : text_cell((const char *)p, (size_t)sqlite3_column_bytes(c->s, i));
}

/* One difference of the pair at hand, or of the session that only one has; in_a and in_b false: of none. */
static tl_rc tell(diff *d, bool in_a, bool in_b, const char *what, tl_cell a, tl_cell b)
{
    char ends[2][80];
    cursor *c = &d->sessions[in_a ? 0 : 1];
    for (int i = 0; i < 2; i++) {
        tl_cell addr = column(c, 2 * i);
        bool v6 = addr.bytes.n > 0 && memchr(addr.bytes.p, ':', addr.bytes.n) != NULL;
        int n = addr.kind == TL_CELL_TEXT && addr.bytes.n < 60 ? (int)addr.bytes.n : 0;
        snprintf(ends[i], sizeof ends[i], v6 ? "[%.*s]:%" PRId64 : "%.*s:%" PRId64, n, n > 0 ? (const char *)addr.bytes.p : "",
                 column(c, 2 * i + 1).integer);
    }
    tl_cell cells[COLUMNS] = {
        {.kind = in_a ? TL_CELL_INTEGER : TL_CELL_NULL, .integer = d->id[0]},
        {.kind = in_b ? TL_CELL_INTEGER : TL_CELL_NULL, .integer = d->id[1]},
        in_a || in_b ? text_cell(ends[0], strlen(ends[0])) : (tl_cell){.kind = TL_CELL_NULL},
        in_a || in_b ? text_cell(ends[1], strlen(ends[1])) : (tl_cell){.kind = TL_CELL_NULL},
        text_cell(what, strlen(what)),
        a,
        b,
    };
    ++*d->rows;
    if (d->out == NULL) return TL_OK;
    tl_rc rc = tl_rows_add(d->out, cells);
    return rc == TL_ENOMEM ? tl_fail(d->err, rc, "no memory") : rc;
}

static const char *name_of(diff *d, const char *first, const char *second)
{
    tl_text_reset(&d->name);
    tl_text_add(&d->name, first);
    tl_text_add(&d->name, second);
    return d->name.failed ? first : d->name.p;
}

static bool same_cell(const tl_cell *a, const tl_cell *b)
{
    if (a->kind != b->kind) return false;
    if (a->kind == TL_CELL_INTEGER) return a->integer == b->integer;
    return a->bytes.n == b->bytes.n && (a->bytes.n == 0 || memcmp(a->bytes.p, b->bytes.p, a->bytes.n) == 0);
}

/* ---- of a pair ---- */

static tl_rc compare_counts(diff *d, int dir)
{
    cursor c[2] = {{0}};
    tl_rc rc = open_cursor(d, 0, streams_sql, dir, &c[0]);
    if (rc == TL_OK) rc = open_cursor(d, 1, streams_sql, dir, &c[1]);
    for (int i = 0; rc == TL_OK && i < (int)(sizeof stream_names / sizeof *stream_names); i++) {
        tl_cell a = column(&c[0], i), b = column(&c[1], i);
        if (!same_cell(&a, &b)) rc = tell(d, true, true, name_of(d, dir == 0 ? "client " : "server ", stream_names[i]), a, b);
    }
    sqlite3_finalize(c[0].s);
    sqlite3_finalize(c[1].s);
    return rc;
}

static tl_rc hash_some(void *sha, tl_span bytes)
{
    SHA256_Update(sha, bytes.p, bytes.n);
    return TL_OK;
}

static tl_rc compare_bytes(diff *d, int dir)
{
    char hex[2][65] = {"", ""};
    for (int side = 0; side < 2; side++) {
        SHA256_CTX sha;
        uint8_t digest[32];
        uint64_t written, missing;
        SHA256_Init(&sha);
        tl_rc rc = tl_reader_payload(d->r[side], d->id[side], dir, 0, UINT64_MAX, false, hash_some, &sha, &written, &missing);
        if (rc != TL_OK) return failed(d, d->r[side]);
        SHA256_Final(digest, &sha);
        for (size_t i = 0; i < sizeof digest; i++) snprintf(hex[side] + 2 * i, 3, "%02x", digest[i]);
    }
    if (strcmp(hex[0], hex[1]) == 0) return TL_OK;
    return tell(d, true, true, dir == 0 ? "client bytes" : "server bytes", text_cell(hex[0], 64), text_cell(hex[1], 64));
}

/* Two lists, each in the order of its first column; messages are named by it.  pair: they are of the pair at hand. */
static tl_rc compare_lists(diff *d, bool pair, const char *sql, int dir, const char *what, bool numbered)
{
    cursor c[2] = {{0}};
    tl_rc rc = open_cursor(d, 0, sql, dir, &c[0]);
    if (rc == TL_OK) rc = open_cursor(d, 1, sql, dir, &c[1]);
    while (rc == TL_OK && (c[0].row || c[1].row)) {
        int64_t at[2] = {column(&c[0], 0).integer, column(&c[1], 0).integer};
        bool in_a = c[0].row && (!c[1].row || at[0] <= at[1]), in_b = c[1].row && (!c[0].row || at[1] <= at[0]);
        tl_cell none = {.kind = TL_CELL_NULL}, a = in_a ? column(&c[0], 1) : none, b = in_b ? column(&c[1], 1) : none;
        char number[32] = "";
        if (numbered) snprintf(number, sizeof number, "%" PRId64, at[in_a ? 0 : 1]);
        if (!in_a || !in_b || !same_cell(&a, &b)) rc = tell(d, pair, pair, name_of(d, what, number), a, b);
        if (rc == TL_OK && in_a) rc = step(d, &c[0]);
        if (rc == TL_OK && in_b) rc = step(d, &c[1]);
    }
    sqlite3_finalize(c[0].s);
    sqlite3_finalize(c[1].s);
    return rc;
}

static tl_rc compare_pair(diff *d, bool quick)
{
    tl_rc rc = TL_OK;
    for (int dir = 0; rc == TL_OK && dir < 2; dir++) {
        rc = compare_counts(d, dir);
        if (rc == TL_OK && !quick) rc = compare_bytes(d, dir);
        if (rc == TL_OK) rc = compare_lists(d, true, gaps_sql, dir, dir == 0 ? "client gap" : "server gap", false);
    }
    return rc == TL_OK ? compare_lists(d, true, messages_sql, 0, "message ", true) : rc;
}

/* ---- the two lists of sessions ---- */

/* As SQLite sorts: addresses by their bytes. */
static int compare_keys(cursor *a, cursor *b)
{
    for (int i = 0; i < KEY_COLUMNS; i++) {
        tl_cell x = column(a, i), y = column(b, i);
        if (x.kind == TL_CELL_INTEGER && y.kind == TL_CELL_INTEGER) {
            if (x.integer != y.integer) return x.integer < y.integer ? -1 : 1;
            continue;
        }
        if (x.kind != y.kind) return x.kind < y.kind ? -1 : 1;
        size_t n = x.bytes.n < y.bytes.n ? x.bytes.n : y.bytes.n;
        int order = n > 0 ? memcmp(x.bytes.p, y.bytes.p, n) : 0;
        if (order == 0 && x.bytes.n != y.bytes.n) order = x.bytes.n < y.bytes.n ? -1 : 1;
        if (order != 0) return order;
    }
    return 0;
}

static tl_rc walk(diff *d, bool quick)
{
    cursor *c = d->sessions;
    tl_cell is = text_cell("is there", 8), none = {.kind = TL_CELL_NULL};
    tl_rc rc = open_cursor(d, 0, sessions_sql, 0, &c[0]);
    if (rc == TL_OK) rc = open_cursor(d, 1, sessions_sql, 0, &c[1]);
    while (rc == TL_OK && (c[0].row || c[1].row)) {
        int order = !c[1].row ? -1 : !c[0].row ? 1 : compare_keys(&c[0], &c[1]);
        d->id[0] = column(&c[0], KEY_COLUMNS).integer;
        d->id[1] = column(&c[1], KEY_COLUMNS).integer;
        if (order == 0)
            rc = compare_pair(d, quick);
        else
            rc = tell(d, order<0, order> 0, "session", order < 0 ? is : none, order > 0 ? is : none);
        if (rc == TL_OK && order <= 0) rc = step(d, &c[0]);
        if (rc == TL_OK && order >= 0) rc = step(d, &c[1]);
    }
    sqlite3_finalize(c[0].s);
    sqlite3_finalize(c[1].s);
    return rc;
}

tl_rc tl_reader_diff(tl_reader *a, tl_reader *b, bool quick, const tl_output *out, uint64_t *rows, tl_error *err)
{
    static const char *const names[COLUMNS] = {"session_a", "session_b", "client", "server", "what", "a", "b"};
    diff d = {.r = {a, b}, .rows = rows, .err = err};
    *rows = 0;
    if (out->write != NULL && (d.out = tl_rows_new(out, names, COLUMNS)) == NULL) return tl_fail(err, TL_ENOMEM, "no memory");
    tl_rc rc = walk(&d, quick);
    if (rc == TL_OK) rc = compare_lists(&d, false, scans_sql, 0, "scan", false);
    if (d.out != NULL) {
        tl_rc end = tl_rows_end(d.out);
        if (rc == TL_OK) rc = end;
    }
    tl_rows_free(d.out);
    tl_text_free(&d.name);
    return rc;
}
