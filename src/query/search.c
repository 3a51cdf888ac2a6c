/*
** search.c - see search.h.
**
** Three statements, one in the other: the sessions that pass the filter, their streams, the chunks of those in order.  Gaps are not read:
** chunks and gaps tile a stream, so where two chunks do not touch, or the last one ends before the stream does, there is a gap.
**
** States: a stretch is being read (READING), or it is over and its last hits are being told (DRAINING).
*/
#include "query/search.h"

#include "query/arrivals.h"
#include "query/handle.h"
#include "query/inflate.h"
#include "query/objects.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

static const char streams_sql[] =
    "SELECT direction, length FROM stream WHERE session_id = ?1 AND (?2 < 0 OR direction = ?2) ORDER BY direction";
static const char chunks_sql[] =
    "SELECT stream_offset, raw_size, data FROM chunk WHERE session_id = ?1 AND direction = ?2 ORDER BY stream_offset";
static const char messages_sql[] = "SELECT message_id & 4294967295, stream_offset, length FROM message"
                                   " WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 AND direction = ?2 ORDER BY message_id";

struct tl_search {
    tl_reader *r;
    tl_search_options o;
    tl_filter filter; /* the statement of sessions points into it */
    tl_pattern *pattern;
    tl_scan *scan;
    tl_arrivals *arrivals;
    sqlite3_stmt *sessions, *streams, *chunks, *messages;
    struct libdeflate_decompressor *inflate;
    int64_t session; /* 0: none yet */
    bool session_ends;
    bool row;      /* the cursor of chunks stands on a row that is not taken yet */
    bool open;     /* a stream is being read */
    bool draining; /* a run is over, its hits are not all told */
    int direction;
    uint64_t length, at;  /* of the stream; where the next byte of the run would be */
    bool in_run, run_gap; /* run_gap: the run began at a gap */
    bool message;         /* the cursor of messages runs for this stream */
    uint32_t number;      /* and stands on this message */
    uint64_t from, to;
    /* decoded only */
    tl_objects *objects;
    tl_object object;
    tl_body *body; /* of it */
    tl_search_totals totals;
};

static tl_rc no_memory(tl_reader *r)
{
    return tl_fail(&r->error, TL_ENOMEM, "no memory");
}

static tl_rc set_up(tl_search *s, const tl_filter *f)
{
    tl_reader *r = s->r;
    size_t context = s->o.lines ? TL_LINES_MOST : s->o.context;
    tl_reader_start(r);
    s->pattern = tl_pattern_new(s->o.pattern, s->o.regex, &r->error);
    if (s->pattern == NULL) return r->error.rc;
    s->scan = tl_scan_new(s->pattern, context, TL_SCAN_BATCH);
    s->inflate = libdeflate_alloc_decompressor();
    if (s->scan == NULL || s->inflate == NULL) return no_memory(r);
    s->filter = *f;
    s->filter.limit = -1; /* of hits, and the caller's */
    if (s->o.decoded) {
        s->objects = tl_objects_open(r, &s->filter, s->o.direction);
        return s->objects == NULL ? r->error.rc : TL_OK;
    }
    tl_rc rc = tl_filter_open(r, &s->filter, &s->sessions);
    if (rc == TL_OK) rc = tl_reader_prepare(r, streams_sql, &s->streams);
    if (rc == TL_OK) rc = tl_reader_prepare(r, chunks_sql, &s->chunks);
    if (rc == TL_OK) rc = tl_reader_prepare(r, messages_sql, &s->messages);
    if (rc == TL_OK && (s->arrivals = tl_arrivals_open(r)) == NULL) rc = r->error.rc;
    return rc;
}

tl_search *tl_search_open(tl_reader *r, const tl_filter *f, const tl_search_options *o)
{
    tl_search *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)no_memory(r);
        return NULL;
    }
    s->r = r;
    s->o = *o;
    s->session_ends = true;
    if (set_up(s, f) == TL_OK) return s;
    tl_search_close(s);
    return NULL;
}

void tl_search_close(tl_search *s)
{
    if (s == NULL) return;
    tl_body_close(s->body);
    tl_objects_close(s->objects);
    tl_arrivals_close(s->arrivals);
    tl_scan_free(s->scan);
    tl_pattern_free(s->pattern);
    sqlite3_finalize(s->sessions);
    sqlite3_finalize(s->streams);
    sqlite3_finalize(s->chunks);
    sqlite3_finalize(s->messages);
    if (s->inflate != NULL) libdeflate_free_decompressor(s->inflate);
    free(s);
}

tl_search_totals tl_search_summary(const tl_search *s)
{
    tl_search_totals t = s->totals;
    t.given_up = tl_scan_given_up(s->scan);
    t.searched -= t.given_up < t.searched ? t.given_up : t.searched;
    return t;
}

static tl_rc step(tl_search *s, sqlite3_stmt *stmt)
{
    int sq = sqlite3_step(stmt);
    return sq == SQLITE_ROW ? TL_OK : sq == SQLITE_DONE ? TL_END : tl_reader_fail(s->r, sq);
}

/* Begins a statement anew, for this session and direction. */
static tl_rc bind(tl_search *s, sqlite3_stmt *stmt, int direction)
{
    sqlite3_reset(stmt);
    bool ok = sqlite3_bind_int64(stmt, 1, s->session) == SQLITE_OK && sqlite3_bind_int(stmt, 2, direction) == SQLITE_OK;
    return ok ? TL_OK : no_memory(s->r);
}

static tl_rc next_session(tl_search *s)
{
    tl_rc rc = step(s, s->sessions);
    if (rc != TL_OK) return rc;
    s->session = sqlite3_column_int64(s->sessions, 0);
    s->totals.sessions++;
    s->session_ends = false;
    return bind(s, s->streams, s->o.direction);
}

static tl_rc damaged(tl_search *s, const char *what, int64_t offset)
{
    return tl_fail(&s->r->error, TL_ESQL, "the database is damaged: %s at offset %" PRId64 " of session %" PRId64 " (see verify)", what,
                   offset, s->session);
}

static void end_run(tl_search *s, bool gap)
{
    if (!s->in_run) return;
    s->in_run = false;
    s->draining = true;
    tl_scan_finish(s->scan, gap);
    s->totals.runs_at_gaps += gap || s->run_gap;
}

static void begin_run(tl_search *s, uint64_t offset)
{
    s->in_run = true;
    s->run_gap = offset > 0;
    s->at = offset;
    s->totals.runs++;
    tl_scan_start(s->scan, offset, s->run_gap);
}

static tl_rc begin_stream(tl_search *s)
{
    tl_rc rc = step(s, s->streams);
    if (rc == TL_END) s->session_ends = true;
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    int64_t length = sqlite3_column_int64(s->streams, 1);
    s->open = true;
    s->direction = sqlite3_column_int(s->streams, 0);
    s->length = length > 0 ? (uint64_t)length : 0;
    s->at = 0;
    s->message = false;
    s->number = 0;
    s->from = s->to = 0;
    s->totals.streams++;
    s->totals.bytes += s->length;
    return bind(s, s->chunks, s->direction);
}

/* Takes the chunk of the row into the window. */
static tl_rc take_chunk(tl_search *s)
{
    int64_t offset = sqlite3_column_int64(s->chunks, 0), size = sqlite3_column_int64(s->chunks, 1);
    tl_span data = {sqlite3_column_blob(s->chunks, 2), 0};
    if (data.p != NULL) data.n = (size_t)sqlite3_column_bytes(s->chunks, 2);
    if (offset < 0 || size <= 0 || size > TL_CHUNK_LIMIT || data.n > (size_t)size) return damaged(s, "a chunk", offset);
    if ((uint64_t)offset < s->at) return damaged(s, "chunks overlap", offset);
    size_t n = (size_t)size;
    if (!s->in_run) begin_run(s, (uint64_t)offset);
    uint8_t *room = tl_scan_room(s->scan, n);
    if (room == NULL) return no_memory(s->r);
    if (!tl_inflate(s->inflate, data, room, n)) return damaged(s, "a chunk that cannot be unpacked", offset);
    tl_scan_push(s->scan, n);
    s->at += n;
    s->totals.searched += n;
    return TL_OK;
}

/* One step of reading: a row is fetched and taken, or a run ends before it. */
static tl_rc read_on(tl_search *s)
{
    if (!s->row) {
        tl_rc rc = step(s, s->chunks);
        if (rc == TL_END) {
            end_run(s, s->at < s->length);
            s->open = false;
        }
        if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
        s->row = true;
    }
    int64_t offset = sqlite3_column_int64(s->chunks, 0);
    if (s->in_run && offset > 0 && (uint64_t)offset > s->at) {
        end_run(s, true);
        return TL_OK;
    }
    s->row = false;
    return take_chunk(s);
}

/* ---- decoded: bodies instead of streams ---- */

static tl_rc next_body(tl_search *s)
{
    tl_rc rc = tl_objects_next(s->objects, &s->object);
    if (rc != TL_OK) return rc;
    s->body = tl_body_open(s->r, &s->object.body);
    if (s->body == NULL) return s->r->error.rc;
    s->session = s->object.session;
    s->direction = s->object.direction;
    s->totals.bodies++;
    s->totals.bytes += s->object.body.length;
    return TL_OK;
}

/* One step: a piece of the body at hand is taken, or the body ends, or the next one begins. */
static tl_rc read_body(tl_search *s)
{
    tl_body_piece piece;
    if (s->body == NULL) return next_body(s);
    tl_rc rc = tl_body_next(s->body, &piece);
    if (rc == TL_END) {
        const tl_body_result result = tl_body_result_of(s->body);
        end_run(s, result.state != TL_BODY_WHOLE && result.state != TL_BODY_UNKNOWN);
        if (result.state != TL_BODY_UNKNOWN) s->totals.searched += result.read;
        tl_body_close(s->body);
        s->body = NULL;
    }
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    if (piece.bytes.p == NULL) {
        end_run(s, true);
        return TL_OK;
    }
    if (!s->in_run) begin_run(s, piece.offset);
    uint8_t *room = tl_scan_room(s->scan, piece.bytes.n);
    if (room == NULL) return no_memory(s->r);
    memcpy(room, piece.bytes.p, piece.bytes.n);
    tl_scan_push(s->scan, piece.bytes.n);
    return TL_OK;
}

/* ---- hits ---- */

/* The message that holds the byte; messages of a direction are disjoint and come in its order. */
static tl_rc find_message(tl_search *s, uint64_t offset)
{
    if (!s->message) {
        tl_rc rc = bind(s, s->messages, s->direction);
        if (rc != TL_OK) return rc;
        s->message = true;
    }
    while (offset >= s->to) {
        tl_rc rc = step(s, s->messages);
        if (rc == TL_END) {
            s->from = s->to = UINT64_MAX;
            break;
        }
        if (rc != TL_OK) return rc;
        int64_t from = sqlite3_column_int64(s->messages, 1), length = sqlite3_column_int64(s->messages, 2);
        if (from < 0 || length <= 0) return damaged(s, "a message", from);
        s->number = (uint32_t)sqlite3_column_int64(s->messages, 0);
        s->from = (uint64_t)from;
        s->to = s->from + (uint64_t)length;
    }
    return TL_OK;
}

/* Of a side's context only so many lines: the one that the match is in, and o.context more. */
static tl_span lines_before(tl_span s, size_t lines)
{
    for (size_t i = s.n; i > 0; i--)
        if (s.p[i - 1] == '\n' && lines-- == 0) return tl_span_of(s.p + i, s.n - i);
    return s;
}

static tl_span lines_after(tl_span s, size_t lines)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '\n' && lines-- == 0) return tl_span_of(s.p, i);
    return s;
}

static tl_rc tell(tl_search *s, const tl_scan_hit *h, tl_search_hit *out)
{
    tl_run run = {0};
    *out = (tl_search_hit){.session = s->session, .direction = s->direction, .offset = h->offset};
    out->match = h->match;
    out->before = s->o.lines ? lines_before(h->before, s->o.context) : h->before;
    out->after = s->o.lines ? lines_after(h->after, s->o.context) : h->after;
    s->totals.hits++;
    s->totals.hits_at_gaps += (h->gap_before && out->before.n == h->before.n) || (h->gap_after && out->after.n == h->after.n);
    if (s->o.decoded) {
        out->offset = s->object.body.offset;
        out->body_offset = h->offset;
        out->message = s->object.number;
        out->at = s->object.at;
        return TL_OK;
    }
    tl_rc rc = tl_arrivals_find(s->arrivals, s->session, s->direction, h->offset, &run);
    if (rc == TL_END) return damaged(s, "no chunk", (int64_t)h->offset);
    if (rc == TL_OK) rc = find_message(s, h->offset);
    out->at = run.at;
    out->message = h->offset >= s->from && h->offset < s->to ? s->number : 0;
    return rc;
}

tl_rc tl_search_next(tl_search *s, tl_search_hit *hit)
{
    tl_scan_hit found;
    tl_rc rc = TL_OK;
    while (rc == TL_OK) {
        if ((s->in_run || s->draining) && tl_scan_pull(s->scan, &found)) return tell(s, &found, hit);
        s->draining = false;
        rc = tl_reader_look(s->r);
        if (rc == TL_OK && s->o.decoded)
            rc = read_body(s);
        else if (rc == TL_OK)
            rc = s->session_ends ? next_session(s) : !s->open ? begin_stream(s) : read_on(s);
    }
    return rc;
}
