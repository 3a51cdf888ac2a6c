/*
** pieces.c - see pieces.h.  One statement walks chunks and gaps of the range.
**
** Far into a long stream its rows are read some way ahead, so that another thread can unpack them (ahead.h).  What is told, an error too,
** is told where it would be without.
*/
#include "query/pieces.h"

#include "query/ahead.h"
#include "query/handle.h"
#include "query/inflate.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>

/* ?3 <= offset < ?4.  The piece that holds ?3 is the last one that begins at or before it. */
static const char rows[] = "SELECT stream_offset, raw_size AS length, data FROM chunk"
                           " WHERE session_id = ?1 AND direction = ?2 AND stream_offset < ?4 AND stream_offset >= coalesce("
                           "   (SELECT max(stream_offset) FROM chunk WHERE session_id = ?1 AND direction = ?2 AND stream_offset <= ?3), 0)"
                           " UNION ALL "
                           "SELECT stream_offset, length, NULL FROM gap"
                           " WHERE session_id = ?1 AND direction = ?2 AND stream_offset < ?4 AND stream_offset >= coalesce("
                           "   (SELECT max(stream_offset) FROM gap WHERE session_id = ?1 AND direction = ?2 AND stream_offset <= ?3), 0)"
                           " ORDER BY stream_offset";

/* A thread costs as much as unpacking so many bytes many times over. */
enum { AHEAD_AFTER = 4 << 20 };

struct tl_pieces {
    tl_reader *r;
    sqlite3_stmt *s;
    struct libdeflate_decompressor *inflate;
    uint8_t *raw; /* owned; TL_CHUNK_LIMIT bytes at most */
    size_t raw_room;
    uint64_t at, end;    /* the range still to come */
    bool held;           /* row is not told yet */
    tl_ahead_row row;    /* .raw NULL: not unpacked */
    uint64_t fetched;    /* where the last row ends that the statement gave */
    uint64_t unpacked;   /* bytes, by this thread alone */
    bool asked;          /* for a second one */
    tl_ahead *ahead;     /* NULL: rows come from the statement */
    tl_rc over;          /* of what is read ahead: OK, or what comes after the rows that are there */
    tl_error over_error; /* and the reader's error by then */
};

tl_pieces *tl_pieces_open(tl_reader *r, int64_t session, int direction, uint64_t offset, uint64_t length)
{
    const uint64_t most = INT64_MAX;
    tl_pieces *p = calloc(1, sizeof *p);
    if (p == NULL) {
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
        return NULL;
    }
    p->r = r;
    p->at = offset < most ? offset : most;
    p->end = length < most - p->at ? p->at + length : most;
    p->inflate = libdeflate_alloc_decompressor();
    tl_rc rc = tl_reader_prepare(r, rows, &p->s);
    if (rc == TL_OK &&
        (p->inflate == NULL || sqlite3_bind_int64(p->s, 1, session) != SQLITE_OK || sqlite3_bind_int(p->s, 2, direction) != SQLITE_OK ||
         sqlite3_bind_int64(p->s, 3, (int64_t)p->at) != SQLITE_OK || sqlite3_bind_int64(p->s, 4, (int64_t)p->end) != SQLITE_OK))
        rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    if (rc == TL_OK) return p;
    tl_pieces_close(p);
    return NULL;
}

void tl_pieces_close(tl_pieces *p)
{
    if (p == NULL) return;
    tl_ahead_free(p->ahead);
    sqlite3_finalize(p->s);
    if (p->inflate != NULL) libdeflate_free_decompressor(p->inflate);
    free(p->raw);
    free(p);
}

/* The statement's next row; its data is good until the one after it. */
static tl_rc fetch(tl_pieces *p, tl_ahead_row *row)
{
    int sq = sqlite3_step(p->s);
    if (sq == SQLITE_DONE) return TL_END;
    if (sq != SQLITE_ROW) return tl_reader_fail(p->r, sq);
    int64_t from = sqlite3_column_int64(p->s, 0), length = sqlite3_column_int64(p->s, 1);
    /* The statement asks for none behind the range: one there is damage of the index, and would be waited for without end. */
    if (from < 0 || length <= 0 || (uint64_t)from < p->fetched || (uint64_t)from >= p->end)
        return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: pieces out of order at offset %" PRId64 " (see verify)", from);
    *row = (tl_ahead_row){.from = (uint64_t)from, .to = (uint64_t)from + (uint64_t)length};
    p->fetched = row->to;
    if (sqlite3_column_type(p->s, 2) == SQLITE_NULL) return TL_OK;
    row->data = tl_span_of(sqlite3_column_blob(p->s, 2), (size_t)sqlite3_column_bytes(p->s, 2));
    if (row->data.p == NULL) row->data = tl_span_of("", 0);
    row->refused = length > TL_CHUNK_LIMIT || row->data.n > (size_t)length;
    return TL_OK;
}

/* Rows are read until as many are ahead as may be; then the oldest of them. */
static tl_rc next_ahead(tl_pieces *p)
{
    while (p->over == TL_OK && tl_ahead_has_room(p->ahead)) {
        tl_ahead_row row;
        p->over = fetch(p, &row);
        if (p->over == TL_OK && !tl_ahead_push(p->ahead, &row)) p->over = tl_fail(&p->r->error, TL_ENOMEM, "no memory");
        if (p->over != TL_OK) p->over_error = p->r->error;
    }
    if (tl_ahead_pop(p->ahead, p->inflate, &p->row)) return TL_OK;
    if (p->over != TL_END) p->r->error = p->over_error;
    return p->over;
}
/* The stored bytes of the row. */
static tl_rc unpack(tl_pieces *p)
{
    tl_ahead_row *row = &p->row;
    size_t length = (size_t)(row->to - row->from);
    if (row->refused)
        return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: a chunk of %zu bytes at offset %" PRIu64, length, row->from);
    if (row->raw == NULL && row->data.n == length) row->raw = row->data.p;
    if (row->raw == NULL && !row->unpacked) {
        if (length > p->raw_room) {
            uint8_t *raw = realloc(p->raw, length);
            if (raw == NULL) return tl_fail(&p->r->error, TL_ENOMEM, "no memory");
            p->raw = raw;
            p->raw_room = length;
        }
        if (tl_inflate(p->inflate, row->data, p->raw, length)) row->raw = p->raw;
        p->unpacked += length;
    }
    if (row->raw != NULL) return TL_OK;
    return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: the chunk at offset %" PRIu64 " cannot be unpacked", row->from);
}

/* Takes the next row that reaches into the range. */
static tl_rc next_row(tl_pieces *p)
{
    tl_rc rc = TL_OK;
    if (p->unpacked >= AHEAD_AFTER && !p->asked) {
        p->asked = true;
        if (tl_ahead_pays()) p->ahead = tl_ahead_new();
    }
    while (!p->held && rc == TL_OK) {
        rc = p->ahead != NULL ? next_ahead(p) : fetch(p, &p->row);
        p->held = rc == TL_OK && p->row.to > p->at;
    }
    return rc;
}

tl_rc tl_pieces_next(tl_pieces *p, tl_stream_piece *out)
{
    tl_rc rc = next_row(p);
    if (rc != TL_OK) return rc;
    const tl_ahead_row *row = &p->row;
    uint64_t stop = row->to;
    bool bytes = false;
    if (row->from > p->at) {
        stop = row->from; /* no row tells of what lies between */
    } else {
        bytes = row->data.p != NULL;
        if (bytes && (rc = unpack(p)) != TL_OK) return rc;
        p->held = false;
    }
    if (stop > p->end) stop = p->end;
    *out = (tl_stream_piece){.offset = p->at, .length = stop - p->at};
    if (bytes) out->bytes = tl_span_of(row->raw + (p->at - row->from), (size_t)out->length);
    p->at = stop;
    return TL_OK;
}
