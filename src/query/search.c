/*
** search.c - see search.h.
**
** One statement goes through the sessions that pass the filter, their streams and the chunks of those, all in order: a statement a stream
** would cost more than the bytes of a small one.  Where all sessions are asked and all hits are wanted, a sieve says which of them that
** statement has to go through, and adds up the others.  It has to see all chunks first; so that hits, where there are many, are told at
** once, the first sessions of a large database are gone through before that, and once more by the sieve.  Gaps are not read: chunks and
** gaps tile a stream, so where two chunks do not touch, or where the last one ends before the stream does, there is a gap.
**
** States: a stretch is being read (READING), or it is over and its last hits are being told (DRAINING).
*/
#include "query/search.h"

#include "query/arrivals.h"
#include "query/handle.h"
#include "query/inflate.h"
#include "query/objects.h"
#include "query/sieve.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

/* Within a session the rows come in the order of the keys that they are looked up by, the only ones there are: with an ORDER BY that says
** so, SQLite would sort them.  Another order is told as a damage (begin_stream, take_chunk).
** Every session has a row, with NULLs where it has no stream in the direction, and every such stream, with NULLs where it has no chunk. */
#define ROWS_OF(streams)                                                                                                                   \
    "SELECT x.session_id, t.direction, t.length, c.stream_offset, c.raw_size, c.data FROM session AS x"                                    \
    " LEFT JOIN stream AS t ON t.session_id = x.session_id" streams                                                                        \
    " LEFT JOIN chunk AS c INDEXED BY chunk_by_offset ON c.session_id = t.session_id AND c.direction = t.direction"
static const char *const rows_sql[] = {ROWS_OF(""), ROWS_OF(" AND t.direction = 0"), ROWS_OF(" AND t.direction = 1")};
static const char in_order[] = " ORDER BY x.session_id", in_range[] = " WHERE x.session_id BETWEEN ?1 AND ?2 ORDER BY x.session_id";
enum { ROW_SESSION, ROW_DIRECTION, ROW_LENGTH, ROW_OFFSET, ROW_SIZE, ROW_DATA };
static const char messages_sql[] = "SELECT message_id & 4294967295, stream_offset, length FROM message"
                                   " WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 AND direction = ?2 ORDER BY message_id";

struct tl_search {
    tl_reader *r;
    tl_search_options o;
    tl_filter filter; /* the statement of rows points into it */
    tl_pattern *pattern;
    tl_scan *scan;
    bool held;       /* the database, for the sieve and for what is read after it */
    bool ranges;     /* rows are those of a range of sessions */
    bool lead;       /* that of the first ones, before the sieve is made */
    int64_t past;    /* sessions up to this one were gone through */
    tl_sieve *sieve; /* NULL: none, or not yet */
    tl_arrivals *arrivals;
    sqlite3_stmt *rows, *messages;
    struct libdeflate_decompressor *inflate;
    int64_t session; /* 0: none yet */
    bool row;        /* the cursor stands on a row that is not taken yet */
    bool over;       /* there are no more of them, or of the range */
    bool open;       /* a stream is being read */
    bool draining;   /* a run is over, its hits are not all told */
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
    unsigned steps; /* of reading, between looks at the clock */
};
enum {
    STEPS_PER_LOOK = 16,
    LEAD = 4096,   /* sessions before the sieve, */
    LARGE = 100000 /* where there are so many: 4 % at most, and fewer are sifted in a moment */
};

static tl_rc no_memory(tl_reader *r)
{
    return tl_fail(&r->error, TL_ENOMEM, "no memory");
}

static tl_rc set_range(tl_search *s, int64_t from, int64_t to)
{
    s->over = false;
    s->past = to;
    sqlite3_reset(s->rows);
    bool bound = sqlite3_bind_int64(s->rows, 1, from) == SQLITE_OK && sqlite3_bind_int64(s->rows, 2, to) == SQLITE_OK;
    return bound ? TL_OK : no_memory(s->r);
}

/* The rows of the next sessions that the sieve left, or END: what it added up counts then, but for the hits. */
static tl_rc next_range(tl_search *s)
{
    int64_t from, to;
    if (s->lead) {
        s->lead = false;
        tl_rc rc = tl_sieve_new(s->r, s->pattern, s->o.direction, &s->sieve);
        if (rc != TL_OK) return rc;
    }
    if (s->sieve == NULL) return s->past < INT64_MAX ? set_range(s, s->past + 1, INT64_MAX) : TL_END;
    while (tl_sieve_next(s->sieve, &from, &to))
        if (to > s->past) return set_range(s, from > s->past ? from : s->past + 1, to);
    tl_search_totals t = tl_sieve_totals(s->sieve);
    t.hits = s->totals.hits;
    t.hits_at_gaps = s->totals.hits_at_gaps;
    s->totals = t;
    return TL_END;
}

static bool is_large(tl_search *s)
{
    int64_t last = 0;
    bool found = false;
    return tl_reader_number(s->r, "SELECT max(session_id) FROM session", NULL, 0, &last, &found) == TL_OK && found && last >= LARGE;
}

static tl_rc prepare_rows(tl_search *s, bool all)
{
    const char *sql = rows_sql[s->o.direction < 0 ? 0 : 1 + (s->o.direction != 0)];
    tl_text text = {0};
    tl_rc rc = TL_OK;
    /* A connection of somebody else's (functions.h) is not for functions of ours; few hits may be found soon. */
    if (s->r->known != NULL && all && tl_filter_is_all(&s->filter)) {
        rc = tl_reader_hold(s->r);
        s->held = rc == TL_OK;
        s->lead = s->held && is_large(s);
        if (rc == TL_OK && !s->lead) rc = tl_sieve_new(s->r, s->pattern, s->o.direction, &s->sieve);
    }
    s->ranges = s->lead || s->sieve != NULL;
    if (rc != TL_OK || !s->ranges) return rc != TL_OK ? rc : tl_filter_prepare(s->r, &s->filter, sql, in_order, &s->rows);
    tl_text_add(&text, sql);
    tl_text_add(&text, in_range);
    rc = text.failed ? no_memory(s->r) : tl_reader_prepare(s->r, text.p, &s->rows);
    tl_text_free(&text);
    s->past = INT64_MIN;
    s->over = true; /* with a range that has no sessions */
    return rc == TL_OK && s->lead ? set_range(s, INT64_MIN, LEAD) : rc;
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
    tl_rc rc = prepare_rows(s, f->limit < 0);
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
    tl_sieve_free(s->sieve);
    tl_scan_free(s->scan);
    tl_pattern_free(s->pattern);
    sqlite3_finalize(s->rows);
    sqlite3_finalize(s->messages);
    if (s->held) tl_reader_release(s->r);
    if (s->inflate != NULL) libdeflate_free_decompressor(s->inflate);
    free(s);
}

tl_search_totals tl_search_summary(const tl_search *s)
{
    tl_search_totals t = s->totals;
    if (s->body != NULL) { /* stopped in the middle of it */
        const tl_body_result result = tl_body_result_of(s->body);
        if (result.state != TL_BODY_UNKNOWN) t.searched += result.read;
    }
    t.given_up = tl_scan_given_up(s->scan);
    t.searched -= t.given_up < t.searched ? t.given_up : t.searched;
    return t;
}

static tl_rc step(tl_search *s, sqlite3_stmt *stmt)
{
    int sq = sqlite3_step(stmt);
    return sq == SQLITE_ROW ? TL_OK : sq == SQLITE_DONE ? TL_END : tl_reader_fail(s->r, sq);
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

/* The stream of the row; `after`: the direction of the session's one before, -1 for its first. */
static tl_rc begin_stream(tl_search *s, int after)
{
    int64_t length = sqlite3_column_int64(s->rows, ROW_LENGTH);
    s->direction = sqlite3_column_int(s->rows, ROW_DIRECTION);
    if (s->direction <= after || s->direction > 1) return damaged(s, "a stream", 0);
    s->open = true;
    s->length = length > 0 ? (uint64_t)length : 0;
    s->at = 0;
    s->message = false;
    s->number = 0;
    s->from = s->to = 0;
    s->totals.streams++;
    s->totals.bytes += s->length;
    return TL_OK;
}

static void end_stream(tl_search *s)
{
    end_run(s, s->at < s->length);
    s->open = false;
}

static bool is_null(tl_search *s, int column)
{
    return sqlite3_column_type(s->rows, column) == SQLITE_NULL;
}

/* Takes the chunk of the row into the window. */
static tl_rc take_chunk(tl_search *s)
{
    int64_t offset = sqlite3_column_int64(s->rows, ROW_OFFSET), size = sqlite3_column_int64(s->rows, ROW_SIZE);
    tl_span data = {sqlite3_column_blob(s->rows, ROW_DATA), 0};
    if (data.p != NULL) data.n = (size_t)sqlite3_column_bytes(s->rows, ROW_DATA);
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

/* The row belongs to the stream at hand, or to a session without one. */
static tl_rc take_row(tl_search *s)
{
    if (is_null(s, ROW_OFFSET)) {
        s->row = false;
        return TL_OK;
    }
    int64_t offset = sqlite3_column_int64(s->rows, ROW_OFFSET);
    if (s->in_run && offset > 0 && (uint64_t)offset > s->at) {
        end_run(s, true);
        return TL_OK;
    }
    s->row = false;
    return take_chunk(s);
}

/* One step of reading: a row is fetched and taken, or a run or a stream ends before it. */
static tl_rc read_on(tl_search *s)
{
    if (!s->row && !s->over) {
        tl_rc rc = step(s, s->rows);
        s->row = rc == TL_OK;
        s->over = rc == TL_END;
        if (rc != TL_OK && rc != TL_END) return rc;
    }
    int64_t session = s->over ? 0 : sqlite3_column_int64(s->rows, ROW_SESSION);
    if (s->open && (s->over || session != s->session || sqlite3_column_int(s->rows, ROW_DIRECTION) != s->direction)) {
        end_stream(s);
        return TL_OK;
    }
    if (s->over) return s->ranges ? next_range(s) : TL_END;
    int after = session == s->session ? s->direction : -1;
    s->totals.sessions += session != s->session;
    s->session = session;
    tl_rc rc = s->open || is_null(s, ROW_DIRECTION) ? TL_OK : begin_stream(s, after);
    return rc == TL_OK ? take_row(s) : rc;
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
        sqlite3_reset(s->messages);
        if (sqlite3_bind_int64(s->messages, 1, s->session) != SQLITE_OK || sqlite3_bind_int(s->messages, 2, s->direction) != SQLITE_OK)
            return no_memory(s->r);
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
        if (s->steps++ % STEPS_PER_LOOK == 0) rc = tl_reader_look(s->r);
        if (rc == TL_OK) rc = s->o.decoded ? read_body(s) : read_on(s);
    }
    return rc;
}
