/*
** payload.c - the bytes of a stream, piece by piece.
**
** One statement walks chunks and gaps of the range in the order of the stream; memory is one chunk, whatever the range.  A hole that
** no row tells of (a damaged database) counts as missing; a piece that overlaps the one before it is an error.
*/
#include "query/handle.h"
#include "query/inflate.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>

enum { ZEROS = 65536 };

/* ?3 <= offset < ?4.  The piece that holds ?3 is the last one that begins at or before it. */
static const char pieces[] =
    "SELECT stream_offset, raw_size AS length, data FROM chunk"
    " WHERE session_id = ?1 AND direction = ?2 AND stream_offset < ?4 AND stream_offset >= coalesce("
    "   (SELECT max(stream_offset) FROM chunk WHERE session_id = ?1 AND direction = ?2 AND stream_offset <= ?3), 0)"
    " UNION ALL "
    "SELECT stream_offset, length, NULL FROM gap"
    " WHERE session_id = ?1 AND direction = ?2 AND stream_offset < ?4 AND stream_offset >= coalesce("
    "   (SELECT max(stream_offset) FROM gap WHERE session_id = ?1 AND direction = ?2 AND stream_offset <= ?3), 0)"
    " ORDER BY stream_offset";

typedef struct walk {
    tl_reader *r;
    struct libdeflate_decompressor *inflate;
    uint8_t *raw;     /* TL_CHUNK_LIMIT bytes */
    uint64_t at, end; /* the range still to come */
    bool gaps_zero;
    tl_write_fn write;
    void *to;
    uint64_t written, missing;
} walk;

static tl_rc put(walk *w, const uint8_t *p, size_t n)
{
    w->at += n;
    w->written += n;
    return n == 0 ? TL_OK : w->write(w->to, tl_span_of(p, n));
}

static tl_rc put_hole(walk *w, uint64_t end)
{
    static const uint8_t zeros[ZEROS];
    tl_rc rc = TL_OK;
    w->missing += end - w->at;
    while (w->gaps_zero && w->at < end && rc == TL_OK) rc = put(w, zeros, end - w->at < ZEROS ? (size_t)(end - w->at) : ZEROS);
    if (!w->gaps_zero) w->at = end;
    return rc;
}

static tl_rc put_chunk(walk *w, uint64_t offset, uint64_t length, tl_span data)
{
    if (length > TL_CHUNK_LIMIT || data.n > length)
        return tl_fail(&w->r->error, TL_ESQL, "the database is damaged: a chunk of %" PRIu64 " bytes at offset %" PRIu64, length, offset);
    const uint8_t *p = data.p;
    if (data.n < length) {
        p = w->raw;
        if (!tl_inflate(w->inflate, data, w->raw, (size_t)length))
            return tl_fail(&w->r->error, TL_ESQL, "the database is damaged: the chunk at offset %" PRIu64 " cannot be unpacked", offset);
    }
    uint64_t skip = w->at - offset, stop = offset + length < w->end ? offset + length : w->end;
    return put(w, p + skip, (size_t)(stop - w->at));
}

/* One row: a chunk, or (data NULL) a gap. */
static tl_rc put_piece(walk *w, sqlite3_stmt *s, uint64_t *last_end)
{
    int64_t from = sqlite3_column_int64(s, 0), length = sqlite3_column_int64(s, 1);
    bool gap = sqlite3_column_type(s, 2) == SQLITE_NULL;
    if (from < 0 || length <= 0 || (uint64_t)from < *last_end)
        return tl_fail(&w->r->error, TL_ESQL, "the database is damaged: pieces overlap at offset %" PRId64 " (see verify)", from);
    uint64_t offset = (uint64_t)from, stop = offset + (uint64_t)length;
    *last_end = stop;
    if (stop <= w->at) return TL_OK;
    if (offset > w->at) {
        tl_rc rc = put_hole(w, offset);
        if (rc != TL_OK) return rc;
    }
    if (gap) return put_hole(w, stop < w->end ? stop : w->end);
    tl_span data = {sqlite3_column_blob(s, 2), (size_t)sqlite3_column_bytes(s, 2)};
    if (data.p == NULL) data.n = 0;
    return put_chunk(w, offset, (uint64_t)length, data);
}

tl_rc tl_reader_payload(tl_reader *r, int64_t session, int direction, uint64_t offset, uint64_t length, bool gaps_zero, tl_write_fn write,
                        void *to, uint64_t *written, uint64_t *missing)
{
    const uint64_t most = INT64_MAX;
    uint64_t from = offset < most ? offset : most, end = length < most - from ? from + length : most, last_end = 0;
    walk w = {.r = r, .at = from, .end = end, .gaps_zero = gaps_zero, .write = write, .to = to};
    sqlite3_stmt *s = NULL;
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, pieces, &s);
    if (rc == TL_OK) {
        w.inflate = libdeflate_alloc_decompressor();
        w.raw = malloc(TL_CHUNK_LIMIT);
        if (w.inflate == NULL || w.raw == NULL) rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    }
    if (rc == TL_OK && (sqlite3_bind_int64(s, 1, session) != SQLITE_OK || sqlite3_bind_int(s, 2, direction) != SQLITE_OK ||
                        sqlite3_bind_int64(s, 3, (int64_t)from) != SQLITE_OK || sqlite3_bind_int64(s, 4, (int64_t)end) != SQLITE_OK))
        rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    int sq = SQLITE_ROW;
    while (rc == TL_OK && (sq = sqlite3_step(s)) == SQLITE_ROW) rc = put_piece(&w, s, &last_end);
    if (rc == TL_OK && sq != SQLITE_DONE) rc = tl_reader_fail(r, sq);
    sqlite3_finalize(s);
    libdeflate_free_decompressor(w.inflate);
    free(w.raw);
    *written = w.written;
    *missing = w.missing;
    return rc;
}
