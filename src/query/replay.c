/*
** replay.c - see replay.h.
**
** Each direction is two cursors, chunks and gaps, merged by offset; the row whose turn it is gives its runs one by one.  Memory is one
** chunk a direction, whatever the session.
**
** The end: what was told only when the session closed (tails: gaps with nothing after them) comes after all the rest, each direction's
** before its CLOSE, as reassemble_close() tells it.
*/
#include "query/replay.h"

#include <libdeflate.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "batch/batch.h"
#include "query/inflate.h"

enum { CHUNK_LIMIT = 1 << 20 };

static const char chunk_sql[] = "SELECT stream_offset, raw_size, capture_id, first_frame, first_ns, arrivals, data FROM chunk"
                                " WHERE session_id = ?1 AND direction = ?2 ORDER BY stream_offset";
static const char gap_sql[] =
    "SELECT stream_offset, length, reason, proof_capture_id, proof_frame, before_capture_id, before_frame, before_ns,"
    " after_capture_id, after_frame, after_ns, told_capture_id, told_frame FROM gap"
    " WHERE session_id = ?1 AND direction = ?2 ORDER BY stream_offset";
static const char session_sql[] =
    "SELECT close_reason, healed, server_port, last_ns, last_frame, last_capture_id FROM session WHERE session_id = ?1";

/* One direction. */
typedef struct track {
    sqlite3_stmt *chunks, *gaps;
    bool chunk, gap; /* the cursor stands on a row */
    uint8_t *raw;    /* CHUNK_LIMIT bytes at most; owned */
    size_t raw_room;
    tl_span arrivals, bytes; /* what is left of the chunk at hand; bytes.n 0: none */
    tl_arrival arrival;
    uint32_t capture;
    uint64_t at; /* told so far */
    tl_at told;  /* the latest frame at which something of it was told */
    tl_event next;
    bool has_next, tail; /* tail: next was told when the session closed */
    bool closed;
} track;

struct tl_replay {
    sqlite3 *db;
    struct libdeflate_decompressor *inflate;
    track track[2];
    bool causal; /* the order of waits() */
    bool by_frame;
    uint16_t server_port;
    tl_why closed;
    tl_at last;
};

static tl_rc damaged(tl_error *err, uint64_t offset)
{
    return tl_fail(err, TL_ESQL, "the database is damaged: a chunk or gap at offset %llu contradicts the rest", (unsigned long long)offset);
}

static tl_rc step(tl_replay *p, sqlite3_stmt *s, bool *row, tl_error *err)
{
    int rc = sqlite3_step(s);
    *row = rc == SQLITE_ROW;
    return rc == SQLITE_ROW || rc == SQLITE_DONE ? TL_OK : tl_fail(err, TL_ESQL, "cannot read: %s", sqlite3_errmsg(p->db));
}

static tl_span blob(sqlite3_stmt *s, int column)
{
    const void *b = sqlite3_column_blob(s, column);
    return tl_span_of(b, (size_t)sqlite3_column_bytes(s, column));
}

static void tell(track *t, tl_at at)
{
    if (tl_at_before(t->told, at)) t->told = at;
    t->next.told = t->told;
    t->has_next = true;
    t->tail = false;
    t->at += t->next.length;
}

/* Takes the chunk at the cursor in. */
static tl_rc open_chunk(tl_replay *p, track *t, tl_error *err)
{
    sqlite3_int64 raw_size = sqlite3_column_int64(t->chunks, 1);
    tl_span data = blob(t->chunks, 6), arrivals = blob(t->chunks, 5);
    if (raw_size <= 0 || raw_size > CHUNK_LIMIT || data.n > (size_t)raw_size) return damaged(err, t->at);
    size_t n = (size_t)raw_size, room = n + arrivals.n;
    if (room > t->raw_room) {
        uint8_t *raw = realloc(t->raw, room);
        if (raw == NULL) return tl_fail(err, TL_ENOMEM, "out of memory");
        t->raw = raw;
        t->raw_room = room;
    }
    if (!tl_inflate(p->inflate, data, t->raw, n)) return damaged(err, t->at);
    if (arrivals.n > 0) memcpy(t->raw + n, arrivals.p, arrivals.n);
    t->bytes = tl_span_of(t->raw, n);
    t->arrivals = tl_span_of(t->raw + n, arrivals.n);
    t->capture = (uint32_t)sqlite3_column_int64(t->chunks, 2);
    t->arrival = (tl_arrival){.frame = (uint64_t)sqlite3_column_int64(t->chunks, 3), .ns = sqlite3_column_int64(t->chunks, 4)};
    return step(p, t->chunks, &t->chunk, err);
}

static tl_rc next_bytes(track *t, tl_error *err)
{
    if (!tl_arrival_next(&t->arrivals, &t->arrival) || t->arrival.bytes == 0 || t->arrival.bytes > t->bytes.n) return damaged(err, t->at);
    size_t n = (size_t)t->arrival.bytes;
    t->next = (tl_event){.kind = TL_EV_BYTES, .offset = t->at, .length = n, .bytes = {t->bytes.p, n}, .peer_acked = t->arrival.peer_acked};
    t->next.at = (tl_at){t->arrival.ns, t->arrival.frame, t->capture};
    t->bytes.p += n;
    t->bytes.n -= n;
    tell(t, t->next.at);
    return TL_OK;
}

static tl_at place(sqlite3_stmt *s, int capture, int ns)
{
    tl_at at = {.capture = (uint32_t)sqlite3_column_int64(s, capture), .frame = (uint64_t)sqlite3_column_int64(s, capture + 1)};
    if (ns >= 0) at.ns = sqlite3_column_int64(s, ns);
    return at;
}

static tl_rc next_gap(tl_replay *p, track *t, tl_error *err)
{
    sqlite3_int64 length = sqlite3_column_int64(t->gaps, 1);
    const char *reason = (const char *)sqlite3_column_text(t->gaps, 2);
    if (length <= 0 || reason == NULL) return damaged(err, t->at);
    t->next = (tl_event){.kind = TL_EV_GAP, .offset = t->at, .length = (uint64_t)length};
    for (int why = 0; why < TL_WHYS; why++)
        if (strcmp(tl_why_name((tl_why)why), reason) == 0) t->next.why = (tl_why)why;
    t->next.at = place(t->gaps, 3, -1);
    t->next.before = place(t->gaps, 5, 7);
    t->next.after = place(t->gaps, 8, 10);
    if (p->by_frame) {
        tl_at first = t->next.after;
        if (first.frame == 0 || (t->next.at.frame != 0 && tl_at_before(t->next.at, first))) first = t->next.at;
        tell(t, first);
        return step(p, t->gaps, &t->gap, err);
    }
    tell(t, place(t->gaps, 11, -1));
    t->tail = t->next.after.frame == 0 && t->next.why != TL_WHY_SNAPLEN;
    return step(p, t->gaps, &t->gap, err);
}

/* Makes t->next ready; has_next stays false at the end of the direction. */
static tl_rc look(tl_replay *p, track *t, tl_error *err)
{
    if (t->has_next) return TL_OK;
    if (t->bytes.n == 0) {
        uint64_t chunk_at = t->chunk ? (uint64_t)sqlite3_column_int64(t->chunks, 0) : UINT64_MAX;
        uint64_t gap_at = t->gap ? (uint64_t)sqlite3_column_int64(t->gaps, 0) : UINT64_MAX;
        if (!t->chunk && !t->gap) return TL_OK;
        if ((chunk_at < gap_at ? chunk_at : gap_at) != t->at) return damaged(err, t->at);
        if (gap_at < chunk_at) return next_gap(p, t, err);
        tl_rc rc = open_chunk(p, t, err);
        if (rc != TL_OK) return rc;
    }
    return next_bytes(t, err);
}

/* Is a to be told before b?  The bytes of the frame at hand come before what its time decided. */
static bool sooner(const tl_replay *p, const tl_event *a, const tl_event *b)
{
    if (tl_at_before(b->told, a->told) || tl_at_before(a->told, b->told)) return tl_at_before(a->told, b->told);
    if (p->by_frame) return a->kind == TL_EV_GAP && b->kind != TL_EV_GAP;
    bool a_now = a->at.frame == a->told.frame, b_now = b->at.frame == b->told.frame;
    return a_now && !b_now;
}

/* How far the other direction has to be told before this event: no farther than it goes. */
static bool waits(const tl_replay *p, int dir)
{
    const track *t = &p->track[dir], *other = &p->track[!dir];
    return p->causal && other->has_next && !other->tail && t->next.peer_acked > other->next.offset;
}

static int choose(const tl_replay *p)
{
    const track *t = p->track;
    bool ready[2];
    for (int d = 0; d < 2; d++) ready[d] = t[d].has_next && !t[d].tail;
    if (ready[0] && ready[1]) {
        bool wait[2] = {waits(p, 0), waits(p, 1)};
        if (wait[0] != wait[1]) return wait[0];
        return sooner(p, &t[1].next, &t[0].next);
    }
    return ready[0] ? 0 : ready[1] ? 1 : -1;
}

tl_rc tl_replay_next(tl_replay *p, tl_event *out, tl_error *err)
{
    for (int d = 0; d < 2; d++) {
        tl_rc rc = look(p, &p->track[d], err);
        if (rc != TL_OK) return rc;
    }
    int dir = choose(p);
    for (int d = 0; dir < 0 && d < 2; d++)
        if (!p->track[d].closed) dir = d;
    if (dir < 0) return TL_END;
    track *t = &p->track[dir];
    if (t->has_next) {
        *out = t->next;
        t->has_next = false;
    } else {
        *out = (tl_event){.kind = TL_EV_CLOSE, .why = p->closed, .offset = t->at, .at = p->last, .told = p->last};
        t->closed = true;
    }
    out->dir = (tl_dir)dir;
    return TL_OK;
}

static tl_rc prepare(tl_replay *p, const char *sql, int64_t session, int dir, sqlite3_stmt **out, bool *row, tl_error *err)
{
    if (sqlite3_prepare_v2(p->db, sql, -1, out, NULL) != SQLITE_OK) return tl_fail(err, TL_ESQL, "cannot read: %s", sqlite3_errmsg(p->db));
    sqlite3_bind_int64(*out, 1, session);
    if (dir >= 0) sqlite3_bind_int(*out, 2, dir);
    return step(p, *out, row, err);
}

static tl_rc read_session(tl_replay *p, int64_t session, tl_error *err)
{
    sqlite3_stmt *s = NULL;
    bool row = false;
    tl_rc rc = prepare(p, session_sql, session, -1, &s, &row, err);
    if (rc == TL_OK && !row) rc = tl_fail(err, TL_EUSAGE, "there is no session %lld", (long long)session);
    if (rc == TL_OK) {
        const char *reason = (const char *)sqlite3_column_text(s, 0);
        p->closed = TL_WHY_END;
        for (int why = 0; reason != NULL && why < TL_WHYS; why++)
            if (strcmp(tl_close_name((tl_why)why), reason) == 0) p->closed = (tl_why)why;
        p->causal = sqlite3_column_int(s, 1) != 0;
        p->server_port = (uint16_t)sqlite3_column_int(s, 2);
        p->last = (tl_at){sqlite3_column_int64(s, 3), (uint64_t)sqlite3_column_int64(s, 4), (uint32_t)sqlite3_column_int64(s, 5)};
    }
    sqlite3_finalize(s);
    return rc;
}

tl_replay *tl_replay_open(struct sqlite3 *db, int64_t session_id, bool causal, tl_error *err)
{
    tl_replay *p = calloc(1, sizeof *p);
    if (p != NULL) p->inflate = libdeflate_alloc_decompressor();
    if (p == NULL || p->inflate == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
        tl_replay_close(p);
        return NULL;
    }
    p->db = db;
    tl_rc rc = read_session(p, session_id, err);
    p->causal |= causal;
    for (int d = 0; rc == TL_OK && d < 2; d++) {
        rc = prepare(p, chunk_sql, session_id, d, &p->track[d].chunks, &p->track[d].chunk, err);
        if (rc == TL_OK) rc = prepare(p, gap_sql, session_id, d, &p->track[d].gaps, &p->track[d].gap, err);
    }
    if (rc == TL_OK) return p;
    tl_replay_close(p);
    return NULL;
}

tl_replay *tl_replay_by_frame(struct sqlite3 *db, int64_t session_id, tl_error *err)
{
    tl_replay *p = tl_replay_open(db, session_id, false, err);
    if (p == NULL) return p;
    p->by_frame = true; /* nothing is ready before the first tl_replay_next */
    p->causal = false;  /* a healed session, too, is shown by its frames */
    return p;
}

void tl_replay_close(tl_replay *p)
{
    if (p == NULL) return;
    for (int d = 0; d < 2; d++) {
        sqlite3_finalize(p->track[d].chunks);
        sqlite3_finalize(p->track[d].gaps);
        free(p->track[d].raw);
    }
    if (p->inflate != NULL) libdeflate_free_decompressor(p->inflate);
    free(p);
}

uint16_t tl_replay_server_port(const tl_replay *p)
{
    return p->server_port;
}
