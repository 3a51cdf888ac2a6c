/*
** sieve.c - see sieve.h.
**
** The chunks go by as the arguments of an SQL function in a WHERE clause, which is what costs least; the rows are the sessions to look at.
** Where they are more than MOST the search does without.
*/
#include "query/sieve.h"

#include "query/handle.h"
#include "query/inflate.h"
#include "query/rows.h"

#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

enum {
    SMALL = 8 << 10, /* chunks of so many bytes are searched as fast in order */
    MOST = 1 << 20,  /* sessions to remember */
    FRONTS = 1 << 16,
    NEAR = 4, /* sessions as near to each other as this are looked at together with those between them */
};

static const char chunks_sql[] = "SELECT session_id FROM chunk NOT INDEXED WHERE tl_sieve"
                                 "(session_id, direction, stream_offset, raw_size, data)";
enum { ARG_SESSION, ARG_DIRECTION, ARG_OFFSET, ARG_SIZE, ARG_DATA, ARGS };
static const char sample_sql[] = "SELECT avg(raw_size) FROM (SELECT raw_size FROM chunk LIMIT 1000)";
#define COUNTS(where) "SELECT (SELECT count(*) FROM session), (SELECT count(*) FROM stream" where ")"
static const char *const counts_sql[] = {COUNTS(""), COUNTS(" WHERE direction = 0"), COUNTS(" WHERE direction = 1")};
static const char gaps_sql[] = "SELECT g.session_id * 2 + g.direction, g.stream_offset, g.length, t.length FROM gap AS g"
                               " CROSS JOIN stream AS t ON t.session_id = g.session_id AND t.direction = g.direction"
                               " WHERE g.direction BETWEEN ?1 AND ?2 ORDER BY g.session_id, g.direction, g.stream_offset";

typedef struct range {
    int64_t from, to;
} range;

/* A stream (session_id * 2 + direction) that begins with a gap, and where that ends. */
typedef struct front {
    int64_t stream, end;
} front;

struct tl_sieve {
    tl_reader *r;
    tl_pattern *pattern;
    int direction;
    struct libdeflate_decompressor *inflate;
    uint8_t *room; /* owned: a chunk that was packed */
    bool failed;   /* no memory */
    /* The chunk before: whose it was, where it ended, its last bytes. */
    int64_t session, end;
    int last_direction;
    uint8_t seam[2 * TL_PATTERN_MOST];
    size_t held;
    front fronts[FRONTS]; /* by the last bits of stream; what does not fit is not known, which only costs time */
    range *list;          /* owned: what is left */
    size_t n, room_n, next;
    tl_search_totals totals;
};

/* ---- a chunk ---- */

/* A literal that begins in the chunk before and ends in this one. */
static bool crosses(tl_sieve *s, tl_span literal, tl_span bytes)
{
    size_t n = bytes.n < literal.n - 1 ? bytes.n : literal.n - 1;
    memcpy(s->seam + s->held, bytes.p, n);
    return memmem(s->seam, s->held + n, literal.p, literal.n) != NULL;
}

/* Keeps the last bytes of all that was seen of the run, one fewer than the literal has. */
static void hold(tl_sieve *s, tl_span literal, tl_span bytes)
{
    size_t n = bytes.n < literal.n - 1 ? bytes.n : literal.n - 1, most = literal.n - 1 - n, old = s->held < most ? s->held : most;
    memmove(s->seam, s->seam + s->held - old, old);
    memcpy(s->seam + old, bytes.p + bytes.n - n, n);
    s->held = old + n;
}

/* May a match lie in these bytes, or begin before them and end in them, or begin in them?  starts: nothing, or a gap, lies before them;
** follows: the last chunk does. */
static bool may_match(tl_sieve *s, tl_span bytes, bool first, bool starts, bool follows)
{
    size_t at, length;
    tl_span literal = tl_pattern_literal(s->pattern);
    const tl_window w = {.bytes = bytes, .first = first};
    if (literal.n == 0) return !starts || tl_pattern_find(s->pattern, &w, 0, &at, &length) != TL_FOUND_MORE || at < bytes.n;
    /* Where the bytes before lie elsewhere the two ends never meet here. */
    bool yes =
        (!starts && !follows) || tl_pattern_find(s->pattern, &w, 0, &at, &length) == TL_FOUND || (follows && crosses(s, literal, bytes));
    hold(s, literal, bytes);
    return yes;
}

static bool unpack(tl_sieve *s, tl_span *data, size_t size)
{
    if (data->n == size) return true;
    if (s->room == NULL) s->room = malloc(TL_CHUNK_LIMIT);
    s->failed |= s->room == NULL;
    if (s->room == NULL || !tl_inflate(s->inflate, *data, s->room, size)) return false;
    *data = tl_span_of(s->room, size);
    return true;
}

static bool ends_front(const tl_sieve *s, int64_t session, int64_t direction, int64_t offset)
{
    uint64_t stream = 2 * (uint64_t)session + (uint64_t)direction;
    const front *f = &s->fronts[stream % FRONTS];
    return f->end == offset && f->stream == (int64_t)stream;
}

/* Is the session of this chunk to be looked at?  Chunks that are no such are, so that the search tells.  A chunk behind a place that the
** one before it left open may be followed by one that fills it: that one is odd. */
static bool take(tl_sieve *s, int64_t session, int64_t direction, int64_t offset, int64_t size, tl_span data)
{
    bool same = session == s->session && direction == s->last_direction, follows = same && offset == s->end, odd = same && offset < s->end;
    bool behind_gap = (same && offset > s->end) || (!same && offset > 0 && ends_front(s, session, direction, offset));
    s->session = session;
    s->last_direction = direction == 1;
    s->end = 0;
    s->held = follows ? s->held : 0;
    if (direction < 0 || direction > 1 || offset < 0 || offset > INT64_MAX - TL_CHUNK_LIMIT || size <= 0 || size > TL_CHUNK_LIMIT ||
        data.n > (size_t)size)
        return true;
    s->end = offset + size;
    if (s->direction >= 0 && direction != s->direction) return false;
    s->totals.searched += (uint64_t)size;
    s->totals.runs += offset == 0;
    if (!unpack(s, &data, (size_t)size)) return true;
    return may_match(s, data, offset == 0, offset == 0 || behind_gap, follows) || odd;
}

static void take_row(sqlite3_context *c, int n, sqlite3_value **v)
{
    const tl_reader *r = sqlite3_user_data(c);
    tl_sieve *s = r->sieve;
    (void)n;
    if (s == NULL) {
        sqlite3_result_error(c, "tl_sieve() is for searches only", -1);
        return;
    }
    tl_span data = {sqlite3_value_blob(v[ARG_DATA]), 0};
    if (data.p != NULL) data.n = (size_t)sqlite3_value_bytes(v[ARG_DATA]);
    sqlite3_result_int(c, take(s, sqlite3_value_int64(v[ARG_SESSION]), sqlite3_value_int64(v[ARG_DIRECTION]),
                               sqlite3_value_int64(v[ARG_OFFSET]), sqlite3_value_int64(v[ARG_SIZE]), data));
}

/* ---- what is left ---- */

static bool keep(tl_sieve *s, int64_t session)
{
    if (s->n > 0 && s->list[s->n - 1].from == session) return true;
    if (s->n == s->room_n) {
        size_t room = s->room_n == 0 ? 256 : 2 * s->room_n;
        range *list = realloc(s->list, room * sizeof *list);
        if (list == NULL) return false;
        s->list = list;
        s->room_n = room;
    }
    s->list[s->n++] = (range){session, session};
    return true;
}

static int by_session(const void *a, const void *b)
{
    const range *x = a, *y = b;
    return (x->from > y->from) - (x->from < y->from);
}

static void join(tl_sieve *s)
{
    size_t n = 0;
    if (s->n > 0) qsort(s->list, s->n, sizeof *s->list, by_session);
    for (size_t i = 1; i < s->n; i++) {
        if (s->list[i].from > INT64_MIN + NEAR && s->list[i].from - NEAR <= s->list[n].to)
            s->list[n].to = s->list[i].to;
        else
            s->list[++n] = s->list[i];
    }
    if (s->n > 0) s->n = n + 1;
}

/* ---- the whole ---- */

bool tl_sieve_register(tl_reader *r)
{
    const int how = SQLITE_UTF8 | SQLITE_DIRECTONLY;
    return sqlite3_create_function(r->db, "tl_sieve", ARGS, how, r, take_row, NULL, NULL) == SQLITE_OK;
}

static tl_rc sift(tl_sieve *s)
{
    sqlite3_stmt *rows = NULL;
    int sq = SQLITE_OK;
    tl_rc rc = tl_reader_prepare(s->r, chunks_sql, &rows);
    s->r->sieve = s;
    while (rc == TL_OK && s->n <= MOST && (sq = sqlite3_step(rows)) == SQLITE_ROW)
        if (s->failed || !keep(s, sqlite3_column_int64(rows, 0))) rc = tl_fail(&s->r->error, TL_ENOMEM, "no memory");
    if (rc == TL_OK && sq != SQLITE_DONE) rc = sq == SQLITE_ROW ? TL_END : tl_reader_fail(s->r, sq);
    sqlite3_finalize(rows);
    s->r->sieve = NULL;
    if (rc == TL_OK) join(s);
    return rc;
}

/* END: it does not pay. */
static tl_rc take_sample(void *sieve, const tl_cell *c)
{
    (void)sieve;
    return c[0].real < SMALL ? TL_OK : TL_END;
}

static tl_rc take_counts(void *sieve, const tl_cell *c)
{
    tl_sieve *s = sieve;
    s->totals.sessions = (uint64_t)c[0].integer;
    s->totals.streams = (uint64_t)c[1].integer;
    return TL_OK;
}

/* A stream with gaps, as far as they were seen; the next one's first gap ends it. */
typedef struct tiling {
    tl_sieve *s;
    int64_t stream, at, length;
    int64_t front; /* where the gap ends that the stream begins with; 0: it begins with bytes */
    uint64_t runs;
} tiling;

static void end_tiling(tiling *t)
{
    t->runs += t->at < t->length;
    if (t->front > 0) t->s->fronts[(uint64_t)t->stream % FRONTS] = (front){t->stream, t->front};
    t->s->totals.runs += t->runs;
    t->s->totals.runs_at_gaps += t->runs;
    *t = (tiling){.s = t->s, .stream = -1};
}

static tl_rc take_gap(void *tiles, const tl_cell *c)
{
    tiling *t = tiles;
    if (t->stream != c[0].integer) {
        end_tiling(t);
        t->stream = c[0].integer;
        t->length = c[3].integer;
        t->s->totals.runs -= c[1].integer > 0; /* sift() counts it, too */
    }
    t->runs += c[1].integer > t->at;
    if (c[2].integer > 0) t->s->totals.bytes += (uint64_t)c[2].integer;
    bool in_front = t->at == t->front && c[1].integer == t->at;
    if (__builtin_add_overflow(c[1].integer, c[2].integer, &t->at)) t->at = INT64_MAX;
    if (in_front) t->front = t->at;
    return TL_OK;
}

static tl_rc run(tl_sieve *s)
{
    const tl_param directions[] = {{.number = s->direction < 0 ? 0 : s->direction}, {.number = s->direction < 0 ? 1 : s->direction}};
    tiling t = {.s = s, .stream = -1};
    tl_rc rc = tl_reader_each(s->r, sample_sql, NULL, 0, take_sample, s);
    if (rc == TL_OK) rc = tl_reader_each(s->r, counts_sql[s->direction + 1], NULL, 0, take_counts, s);
    if (rc == TL_OK) rc = tl_reader_each(s->r, gaps_sql, directions, 2, take_gap, &t);
    end_tiling(&t);
    if (rc == TL_OK) rc = sift(s);
    s->totals.bytes += s->totals.searched; /* chunks and gaps tile the streams */
    return rc;
}

tl_rc tl_sieve_new(tl_reader *r, tl_pattern *p, int direction, tl_sieve **out)
{
    tl_sieve *s = calloc(1, sizeof *s);
    *out = NULL;
    if (s != NULL) s->inflate = libdeflate_alloc_decompressor();
    if (s == NULL || s->inflate == NULL) {
        free(s);
        return tl_fail(&r->error, TL_ENOMEM, "no memory");
    }
    s->r = r;
    s->pattern = p;
    s->direction = direction;
    tl_rc rc = run(s);
    if (rc == TL_OK)
        *out = s;
    else
        tl_sieve_free(s);
    return rc == TL_END ? TL_OK : rc;
}

void tl_sieve_free(tl_sieve *s)
{
    if (s == NULL) return;
    libdeflate_free_decompressor(s->inflate);
    free(s->room);
    free(s->list);
    free(s);
}

bool tl_sieve_next(tl_sieve *s, int64_t *from, int64_t *to)
{
    if (s->next == s->n) return false;
    *from = s->list[s->next].from;
    *to = s->list[s->next++].to;
    return true;
}

tl_search_totals tl_sieve_totals(const tl_sieve *s)
{
    return s->totals;
}
