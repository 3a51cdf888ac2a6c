/*
** copy.c - further copies of stream bytes, held against what the database has of their range.
**
** The range falls into pieces, each lying over one of
**     a chunk    compared.  A run of such pieces that touch is one comparison: from its first to its last different byte is a stray
**                row, everything else of it a duplicate.
**     a gap      late data: becomes a chunk, and the gap row shrinks, splits or goes.  The session is `healed`.  A keep-alive's byte
**                is anything (RFC 9293 section 3.8.4): over a gap, with nothing to hold it against, a stray.
**     neither    beyond what was told: the stream layer does not do that; kept as a stray, out_of_window.
** Each byte of the copy is counted once: as duplicate, stray or stored.
*/
#include "store/statements.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

/* A chunk that claims to be larger was not made by us. */
enum { CHUNK_MOST = 1 << 24 };

/* A run of bytes that were compared. */
typedef struct run {
    uint64_t from, to;
    tl_difference diff;
} run;

typedef struct piece {
    int64_t id;
    uint64_t from, to; /* the row's whole range */
} piece;

/* The row of chunk or gap that holds the byte at `pos`.  END: none. */
static tl_rc piece_at(tl_store *s, statement which, const tl_op *op, uint64_t pos, piece *out)
{
    sqlite3_stmt *q = store_statement(s, which);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_count(q, 3, pos);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc;
    out->id = sqlite3_column_int64(q, 0);
    out->from = (uint64_t)sqlite3_column_int64(q, 1);
    out->to = out->from + (uint64_t)sqlite3_column_int64(q, 2);
    sqlite3_reset(q);
    return out->to > pos ? TL_OK : TL_END;
}

static tl_rc damaged(tl_store *s, int64_t chunk_id)
{
    return tl_fail(&s->error, TL_ESQL, "%s: chunk %lld is damaged: ingest into a new database", s->path, (long long)chunk_id);
}

/* The chunk's bytes, unpacked, into s->look. */
static tl_rc look_at(tl_store *s, const piece *c)
{
    size_t n = (size_t)(c->to - c->from);
    if (s->look.id == c->id && s->look.n == n) return TL_OK;
    s->look.id = 0;
    if (c->to - c->from > CHUNK_MOST) return damaged(s, c->id);
    if (n > s->look.room) {
        uint8_t *p = realloc(s->look.p, n);
        if (p == NULL) return tl_fail(&s->error, TL_ENOMEM, "%s: out of memory", s->path);
        s->look.p = p;
        s->look.room = n;
    }
    sqlite3_stmt *q = store_statement(s, ST_CHUNK_DATA);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, c->id);
    tl_rc rc = store_row(s, q);
    if (rc != TL_OK) return rc == TL_END ? damaged(s, c->id) : rc;
    const void *data = sqlite3_column_blob(q, 0);
    size_t size = (size_t)sqlite3_column_bytes(q, 0);
    bool good = data != NULL;
    if (good && size == n)
        memcpy(s->look.p, data, n);
    else
        good = good && libdeflate_zlib_decompress(s->inflate, data, size, s->look.p, n, NULL) == LIBDEFLATE_SUCCESS;
    sqlite3_reset(q);
    if (!good) return damaged(s, c->id);
    s->look.id = c->id;
    s->look.n = n;
    return TL_OK;
}

/* What was compared becomes counts, and a stray row where it differs. */
static tl_rc end_run(tl_store *s, const tl_op *op, run *r)
{
    uint64_t n = r->to - r->from, different = r->diff.to - r->diff.from;
    tl_rc rc = TL_OK;
    if (n == 0) return TL_OK;
    if (different > 0) {
        tl_why why = op->event.why == TL_WHY_NONE ? TL_WHY_CONFLICT : op->event.why;
        rc = store_stray(s, op, r->diff.from, op->event.bytes + (r->diff.from - op->event.offset), (size_t)different, why);
    }
    if (rc == TL_OK) rc = store_add(s, op, 0, 0, (int64_t)(n - different), (int64_t)different);
    *r = (run){0};
    return rc;
}

/* [from, to) of the gap is no longer missing: `at` carried it. */
static tl_rc shrink_gap(tl_store *s, const piece *g, uint64_t from, uint64_t to, tl_at at)
{
    static const statement what[2][2] = {{ST_GAP_DELETE, ST_GAP_TAIL}, {ST_GAP_HEAD, ST_GAP_SPLIT}};
    bool head = from > g->from, tail = to < g->to;
    sqlite3_stmt *q = store_statement(s, what[head][tail]);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, g->id);
    if (head || tail) {
        bind_count(q, 2, tail ? to : from - g->from);
        bind_int(q, 3, at.capture);
        bind_count(q, 4, at.frame);
        bind_int(q, 5, at.ns);
    }
    tl_rc rc = store_run(s, q);
    if (rc != TL_OK) return rc;
    if (!head && !tail) s->totals.gaps--;
    if (!head || !tail) return TL_OK;
    s->totals.gaps++;
    piece front = {g->id, g->from, from}; /* split: the new row is there, the old one keeps what lies before */
    q = store_statement(s, ST_GAP_HEAD);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, front.id);
    bind_count(q, 2, front.to - front.from);
    bind_int(q, 3, at.capture);
    bind_count(q, 4, at.frame);
    bind_int(q, 5, at.ns);
    return store_run(s, q);
}

/* Late data [from, to) for a gap: a chunk of its own. */
static tl_rc heal(tl_store *s, const tl_op *op, const piece *g, uint64_t from, uint64_t to)
{
    const tl_op_event *e = &op->event;
    uint8_t arrivals[TL_ARRIVAL_MAX];
    tl_arrival start = {.frame = e->at.frame, .ns = e->at.ns};
    tl_arrival one = {.bytes = to - from, .frame = e->at.frame, .ns = e->at.ns, .peer_acked = e->peer_acked};
    tl_op chunk = {.kind = TL_OP_CHUNK, .session_id = op->session_id, .dir = op->dir};
    chunk.chunk = (tl_op_chunk){.offset = from,
                                .raw_size = (uint32_t)(to - from),
                                .data_size = (uint32_t)(to - from),
                                .arrivals_size = (uint32_t)tl_arrival_put(arrivals, &start, &one),
                                .capture = e->at.capture,
                                .data = e->bytes + (from - e->offset),
                                .arrivals = arrivals,
                                .first_ns = e->at.ns,
                                .last_ns = e->at.ns,
                                .first_frame = e->at.frame,
                                .last_frame = e->at.frame};
    tl_rc rc = shrink_gap(s, g, from, to, e->at);
    if (rc == TL_OK) rc = store_op(s, ST_CHUNKS_PUT, &chunk);
    if (rc == TL_OK) rc = store_add(s, op, (int64_t)(to - from), -(int64_t)(to - from), 0, 0);
    return rc == TL_OK ? store_heal_mark(s, op->session_id) : rc;
}

/* [from, to) of the copy is no part of the stream. */
static tl_rc keep_out(tl_store *s, const tl_op *op, uint64_t from, uint64_t to, tl_why why)
{
    tl_rc rc = store_stray(s, op, from, op->event.bytes + (from - op->event.offset), (size_t)(to - from), why);
    return rc == TL_OK ? store_add(s, op, 0, 0, 0, (int64_t)(to - from)) : rc;
}

/* Lowers *end to where the next chunk or gap begins. */
static tl_rc next_known(tl_store *s, const tl_op *op, uint64_t pos, uint64_t *end)
{
    sqlite3_stmt *q = store_statement(s, ST_NEXT_KNOWN);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_count(q, 3, pos);
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK && sqlite3_column_type(q, 0) == SQLITE_INTEGER) {
        uint64_t next = (uint64_t)sqlite3_column_int64(q, 0);
        if (next < *end) *end = next;
    }
    sqlite3_reset(q);
    return rc == TL_END ? TL_OK : rc;
}

/* Settles the piece that begins at *pos and moves *pos behind it. */
static tl_rc settle_piece(tl_store *s, const tl_op *op, run *r, uint64_t *pos)
{
    const tl_op_event *e = &op->event;
    uint64_t end = e->offset + e->length;
    piece p;
    tl_rc rc = piece_at(s, ST_CHUNK_AT, op, *pos, &p);
    if (rc == TL_OK) {
        uint64_t to = p.to < end ? p.to : end;
        rc = look_at(s, &p);
        if (rc != TL_OK) return rc;
        if (r->from == r->to) *r = (run){*pos, *pos, {0, 0}};
        tl_difference_add(&r->diff, *pos, s->look.p + (*pos - p.from), e->bytes + (*pos - e->offset), (size_t)(to - *pos));
        r->to = *pos = to;
        return TL_OK;
    }
    if (rc == TL_END) rc = end_run(s, op, r);
    if (rc == TL_OK) rc = piece_at(s, ST_GAP_AT, op, *pos, &p);
    if (rc == TL_OK) {
        uint64_t to = p.to < end ? p.to : end;
        rc = e->why == TL_WHY_KEEP_ALIVE ? keep_out(s, op, *pos, to, TL_WHY_KEEP_ALIVE) : heal(s, op, &p, *pos, to);
        *pos = to;
        return rc;
    }
    if (rc != TL_END) return rc;
    uint64_t to = end;
    rc = next_known(s, op, *pos, &to);
    if (rc == TL_OK) rc = keep_out(s, op, *pos, to, TL_WHY_OUT_OF_WINDOW);
    *pos = to;
    return rc;
}

tl_rc store_copy(tl_store *s, const tl_op *op)
{
    run r = {0};
    tl_rc rc = TL_OK;
    for (uint64_t pos = op->event.offset, end = pos + op->event.length; rc == TL_OK && pos < end;) rc = settle_piece(s, op, &r, &pos);
    return rc == TL_OK ? end_run(s, op, &r) : rc;
}
