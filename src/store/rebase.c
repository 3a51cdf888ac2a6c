/*
** rebase.c - offset 0 of a direction moves down by a length: everything stored of it moves up.
**
** Chunks, gaps, strays and messages of the direction move by their offsets; messages and arrivals of the other direction by their
** peer_acked, which counts bytes of this one.  A peer_acked of 0 stays: nothing was proved, and nothing is.
** Happens at most once a close of a direction, before its end; what is told afterwards is in the new offsets.
*/
#include "store/statements.h"

#include <stdlib.h>

static tl_rc shift(tl_store *s, statement which, uint64_t session_id, int dir, uint64_t by)
{
    sqlite3_stmt *q = store_statement(s, which);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    bind_int(q, 2, dir);
    if (sqlite3_bind_parameter_count(q) > 2) bind_int(q, 3, (int64_t)by);
    return store_run(s, q);
}

/* Arrivals with every peer_acked but 0 moved.  An entry is at least four bytes and never becomes longer than TL_ARRIVAL_MAX. */
static uint8_t *moved(tl_span in, uint64_t frame, int64_t ns, uint64_t by, size_t *size)
{
    uint8_t *out = malloc((in.n / 4 + 1) * TL_ARRIVAL_MAX);
    if (out == NULL) return NULL;
    tl_arrival was = {.frame = frame, .ns = ns}, before = was;
    *size = 0;
    while (tl_arrival_next(&in, &was)) {
        tl_arrival now = was;
        if (now.peer_acked > 0) now.peer_acked += by;
        *size += tl_arrival_put(out + *size, &before, &now);
        before = now;
    }
    return out;
}

static tl_rc set_arrivals(tl_store *s, int64_t chunk_id, const uint8_t *p, size_t n)
{
    sqlite3_stmt *q = store_statement(s, ST_CHUNK_ARRIVALS_SET);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, chunk_id);
    bind_blob(q, 2, p, n);
    return store_run(s, q);
}

static tl_rc shift_arrivals(tl_store *s, uint64_t session_id, int dir, uint64_t by)
{
    sqlite3_stmt *q = store_statement(s, ST_CHUNK_ARRIVALS);
    if (q == NULL) return s->error.rc;
    for (int64_t next = 0;;) {
        bind_count(q, 1, session_id);
        bind_int(q, 2, dir);
        bind_int(q, 3, next);
        tl_rc rc = store_row(s, q);
        if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
        int64_t at = sqlite3_column_int64(q, 0);
        if (at < next || at == INT64_MAX) { /* or it would go round for ever */
            sqlite3_reset(q);
            return tl_fail(&s->error, TL_ESQL, "%s: the database is damaged: chunks out of order in session %llu (see verify)", s->path,
                           (unsigned long long)session_id);
        }
        next = at + 1;
        int64_t id = sqlite3_column_int64(q, 1);
        tl_span in = tl_span_of(sqlite3_column_blob(q, 4), (size_t)sqlite3_column_bytes(q, 4));
        size_t n;
        uint8_t *out = moved(in, (uint64_t)sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3), by, &n);
        sqlite3_reset(q);
        if (out == NULL) return tl_fail(&s->error, TL_ENOMEM, "%s: out of memory", s->path);
        rc = set_arrivals(s, id, out, n);
        free(out);
        if (rc != TL_OK) return rc;
    }
}

tl_rc store_shift(tl_store *s, uint64_t session_id, int dir, uint64_t by)
{
    static const statement own[] = {ST_CHUNK_AWAY, ST_CHUNK_BACK, ST_GAP_AWAY, ST_GAP_BACK, ST_STRAY_SHIFT, ST_MESSAGE_SHIFT};
    tl_rc rc = TL_OK;
    for (size_t i = 0; rc == TL_OK && i < sizeof own / sizeof *own; i++) rc = shift(s, own[i], session_id, dir, by);
    if (rc == TL_OK) rc = shift(s, ST_MESSAGE_PEER_SHIFT, session_id, !dir, by);
    return rc == TL_OK ? shift_arrivals(s, session_id, !dir, by) : rc;
}

tl_rc store_rebase(tl_store *s, const tl_op *op)
{
    tl_rc rc = store_shift(s, op->session_id, (int)op->dir, op->event.length);
    return rc == TL_OK ? store_heal_mark(s, op->session_id) : rc;
}
