/*
** arrivals.c - see arrivals.h.
**
** The statement stands on the chunk whose entries are read; the entries are SQLite's own memory until it moves on.
*/
#include "query/arrivals.h"

#include "batch/batch.h"
#include "query/handle.h"
#include <inttypes.h>
#include <stdlib.h>

static const char rows[] = "SELECT stream_offset, raw_size, capture_id, first_frame, first_ns, arrivals FROM chunk"
                           " WHERE session_id = ?1 AND direction = ?2 AND stream_offset >= coalesce("
                           "   (SELECT max(stream_offset) FROM chunk WHERE session_id = ?1 AND direction = ?2 AND stream_offset <= ?3), 0)"
                           " ORDER BY stream_offset";

struct tl_arrivals {
    tl_reader *r;
    sqlite3_stmt *s;
    int64_t session;
    int direction;
    bool seated;      /* the statement runs */
    tl_span entries;  /* left of the chunk */
    tl_arrival entry; /* the last one */
    uint32_t capture;
    uint64_t at, end; /* of the chunk: where the next entry begins, and its end */
    bool has_run;     /* run is not told yet */
    tl_run run;
};

tl_arrivals *tl_arrivals_open(tl_reader *r)
{
    tl_arrivals *a = calloc(1, sizeof *a);
    if (a == NULL) {
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
        return NULL;
    }
    a->r = r;
    if (tl_reader_prepare(r, rows, &a->s) == TL_OK) return a;
    free(a);
    return NULL;
}

void tl_arrivals_close(tl_arrivals *a)
{
    if (a == NULL) return;
    sqlite3_finalize(a->s);
    free(a);
}

static tl_rc damaged(tl_arrivals *a, const char *what)
{
    return tl_fail(&a->r->error, TL_ESQL, "the database is damaged: %s of session %" PRId64 " at offset %" PRIu64 " (see verify)", what,
                   a->session, a->at);
}

static tl_rc next_chunk(tl_arrivals *a)
{
    int sq = sqlite3_step(a->s);
    a->entries = (tl_span){NULL, 0};
    if (sq == SQLITE_DONE) return TL_END;
    if (sq != SQLITE_ROW) return tl_reader_fail(a->r, sq);
    int64_t offset = sqlite3_column_int64(a->s, 0), size = sqlite3_column_int64(a->s, 1);
    if (offset < 0 || size <= 0 || size > TL_CHUNK_LIMIT) return damaged(a, "a chunk");
    a->at = (uint64_t)offset;
    a->end = a->at + (uint64_t)size;
    a->capture = (uint32_t)sqlite3_column_int64(a->s, 2);
    a->entry = (tl_arrival){.frame = (uint64_t)sqlite3_column_int64(a->s, 3), .ns = sqlite3_column_int64(a->s, 4)};
    a->entries.p = sqlite3_column_blob(a->s, 5);
    a->entries.n = a->entries.p == NULL ? 0 : (size_t)sqlite3_column_bytes(a->s, 5);
    return TL_OK;
}

/* The next run into a->run. */
static tl_rc advance(tl_arrivals *a)
{
    while (a->at == a->end) {
        tl_rc rc = next_chunk(a);
        if (rc != TL_OK) return rc;
    }
    if (!tl_arrival_next(&a->entries, &a->entry) || a->entry.bytes == 0 || a->entry.bytes > a->end - a->at)
        return damaged(a, "the arrivals of a chunk");
    a->run = (tl_run){a->at, a->entry.bytes, {a->entry.ns, a->entry.frame, a->capture}, a->entry.peer_acked};
    a->at += a->entry.bytes;
    a->has_run = true;
    return TL_OK;
}

/* Is the byte in what is left of the chunk at hand? */
static bool is_ahead(const tl_arrivals *a, int64_t session, int direction, uint64_t offset)
{
    if (!a->seated || a->session != session || a->direction != direction) return false;
    return offset < a->end && offset >= (a->has_run ? a->run.offset : a->at);
}

tl_rc tl_arrivals_seek(tl_arrivals *a, int64_t session, int direction, uint64_t offset)
{
    tl_rc rc = TL_OK;
    int64_t at = offset < INT64_MAX ? (int64_t)offset : INT64_MAX;
    if (!is_ahead(a, session, direction, offset)) {
        sqlite3_reset(a->s);
        a->session = session;
        a->direction = direction;
        a->has_run = false;
        a->at = a->end = 0;
        a->seated = sqlite3_bind_int64(a->s, 1, session) == SQLITE_OK && sqlite3_bind_int(a->s, 2, direction) == SQLITE_OK &&
                    sqlite3_bind_int64(a->s, 3, at) == SQLITE_OK;
        if (!a->seated) return tl_fail(&a->r->error, TL_ENOMEM, "no memory");
    }
    while (rc == TL_OK && (!a->has_run || a->run.offset + a->run.length <= offset)) rc = advance(a);
    if (rc == TL_OK) return rc;
    a->has_run = a->seated = false;
    return rc;
}

tl_rc tl_arrivals_next(tl_arrivals *a, tl_run *out)
{
    tl_rc rc = a->has_run ? TL_OK : a->seated ? advance(a) : TL_END;
    if (rc == TL_OK) {
        *out = a->run;
        a->has_run = false;
    } else {
        a->seated = false;
    }
    return rc;
}

tl_rc tl_arrivals_find(tl_arrivals *a, int64_t session, int direction, uint64_t offset, tl_run *out)
{
    tl_rc rc = tl_arrivals_seek(a, session, direction, offset);
    if (rc == TL_OK) *out = a->run;
    return rc == TL_OK && out->offset > offset ? TL_END : rc;
}
