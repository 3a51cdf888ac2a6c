/*
** pieces.c - see pieces.h.  One statement walks chunks and gaps of the range.
*/
#include "query/pieces.h"

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

struct tl_pieces {
    tl_reader *r;
    sqlite3_stmt *s;
    struct libdeflate_decompressor *inflate;
    uint8_t *raw; /* owned; TL_CHUNK_LIMIT bytes at most */
    size_t raw_room;
    uint64_t at, end; /* the range still to come */
    bool row;         /* the statement stands on a row that is not told yet */
    uint64_t row_at, row_end;
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
    sqlite3_finalize(p->s);
    if (p->inflate != NULL) libdeflate_free_decompressor(p->inflate);
    free(p->raw);
    free(p);
}

static tl_rc next_row(tl_pieces *p)
{
    int sq = sqlite3_step(p->s);
    if (sq == SQLITE_DONE) return TL_END;
    if (sq != SQLITE_ROW) return tl_reader_fail(p->r, sq);
    int64_t from = sqlite3_column_int64(p->s, 0), length = sqlite3_column_int64(p->s, 1);
    if (from < 0 || length <= 0 || (uint64_t)from < p->row_end)
        return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: pieces overlap at offset %" PRId64 " (see verify)", from);
    p->row_at = (uint64_t)from;
    p->row_end = p->row_at + (uint64_t)length;
    p->row = p->row_end > p->at;
    return TL_OK;
}

/* The stored bytes of the row. */
static tl_rc unpack(tl_pieces *p, const uint8_t **out)
{
    uint64_t length = p->row_end - p->row_at;
    tl_span data = {sqlite3_column_blob(p->s, 2), (size_t)sqlite3_column_bytes(p->s, 2)};
    if (data.p == NULL) data.n = 0;
    if (length > TL_CHUNK_LIMIT || data.n > length)
        return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: a chunk of %" PRIu64 " bytes at offset %" PRIu64, length,
                       p->row_at);
    if (data.n < length && length > p->raw_room) {
        uint8_t *raw = realloc(p->raw, (size_t)length);
        if (raw == NULL) return tl_fail(&p->r->error, TL_ENOMEM, "no memory");
        p->raw = raw;
        p->raw_room = (size_t)length;
    }
    *out = data.n == length ? data.p : p->raw;
    if (data.n == length || tl_inflate(p->inflate, data, p->raw, (size_t)length)) return TL_OK;
    return tl_fail(&p->r->error, TL_ESQL, "the database is damaged: the chunk at offset %" PRIu64 " cannot be unpacked", p->row_at);
}

tl_rc tl_pieces_next(tl_pieces *p, tl_stream_piece *out)
{
    const uint8_t *bytes = NULL;
    tl_rc rc = TL_OK;
    while (!p->row && rc == TL_OK) rc = next_row(p);
    if (rc != TL_OK) return rc;
    uint64_t stop = p->row_end;
    if (p->row_at > p->at) {
        stop = p->row_at; /* no row tells of what lies between */
    } else {
        if (sqlite3_column_type(p->s, 2) != SQLITE_NULL && (rc = unpack(p, &bytes)) != TL_OK) return rc;
        p->row = false;
    }
    if (stop > p->end) stop = p->end;
    *out = (tl_stream_piece){.offset = p->at, .length = stop - p->at};
    if (bytes != NULL) out->bytes = tl_span_of(bytes + (p->at - p->row_at), (size_t)out->length);
    p->at = stop;
    return TL_OK;
}
