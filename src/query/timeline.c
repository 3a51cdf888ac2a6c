/*
** timeline.c - see timeline.h.
**
** Three statements, each read once, into an array of intervals.  A chunk that lies within one interval counts as a whole; only of the
** others are the arrivals read.
*/
#include "query/timeline.h"

#include "batch/batch.h"
#include "query/handle.h"
#include "query/rows.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { ROWS_MEANT = 60 };

static const int64_t ms = 1000000, second = 1000 * 1000000, hour = 3600 * second, day = 24 * hour;

static const char range_sql[] = "SELECT min(x.first_ns), max(x.last_ns) FROM session AS x";
static const char starts_sql[] = "SELECT x.first_ns FROM session AS x";
static const char chunks_sql[] = "SELECT x.first_ns, x.last_ns, x.raw_size, x.first_frame, x.arrivals FROM chunk AS x";
static const char gaps_sql[] =
    "SELECT coalesce(x.before_ns, x.after_ns, (SELECT s.first_ns FROM session AS s WHERE s.session_id = x.session_id)), x.length,"
    " x.reason IN ('acked', 'snaplen') FROM gap AS x";

typedef struct interval {
    int64_t sessions, bytes, gaps, capture_loss, unknown_loss;
} interval;

typedef struct line {
    tl_reader *r;
    int64_t first, last;  /* the times that are shown, both included */
    int64_t start, width; /* of the first interval; ns */
    interval *list;
    size_t n;
} line;

bool tl_interval(const char *text, int64_t *ns)
{
    static const struct {
        const char *name;
        int64_t ns;
    } units[] = {{"ms", ms}, {"s", second}, {"m", 60 * second}, {"h", hour}, {"d", day}};
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 9) return false;
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
        if (strcmp(text + digits, units[i].name) == 0) return !__builtin_mul_overflow(strtoll(text, NULL, 10), units[i].ns, ns) && *ns > 0;
    return false;
}

/* How many intervals of that width, begun at its multiples, [first, last] touches. */
static uint64_t count(int64_t first, int64_t last, int64_t width)
{
    uint64_t before = (uint64_t)(first % width + (first % width < 0 ? width : 0));
    uint64_t span = (uint64_t)last - (uint64_t)first;
    return (span < UINT64_MAX - before ? span + before : UINT64_MAX) / (uint64_t)width + 1;
}

static int64_t readable(int64_t first, int64_t last)
{
    const int64_t steps[] = {ms,          10 * ms,      100 * ms,     second,        5 * second, 10 * second, 30 * second,
                             60 * second, 300 * second, 600 * second, 1800 * second, hour,       3 * hour,    6 * hour,
                             12 * hour,   day,          7 * day,      30 * day,      365 * day};
    size_t i = 0, n = sizeof steps / sizeof steps[0];
    while (i + 1 < n && count(first, last, steps[i]) > ROWS_MEANT) i++;
    return steps[i];
}

/* The interval of that time; NULL: not shown. */
static interval *at(const line *l, int64_t ns)
{
    if (ns < l->first || ns > l->last) return NULL;
    size_t i = (size_t)(((uint64_t)ns - (uint64_t)l->start) / (uint64_t)l->width);
    return i < l->n ? &l->list[i] : NULL;
}

/* Sums of a hostile database may not fit: then they stay at the most that does. */
static void add(int64_t *sum, int64_t v)
{
    if (v > 0 && __builtin_add_overflow(*sum, v, sum)) *sum = INT64_MAX;
}

static tl_rc add_session(line *l, sqlite3_stmt *s)
{
    interval *i = at(l, sqlite3_column_int64(s, 0));
    if (i != NULL) i->sessions++;
    return TL_OK;
}

static tl_rc add_chunk(line *l, sqlite3_stmt *s)
{
    int64_t first = sqlite3_column_int64(s, 0), last = sqlite3_column_int64(s, 1);
    interval *i = at(l, first);
    if (i != NULL && i == at(l, last)) {
        add(&i->bytes, sqlite3_column_int64(s, 2));
        return TL_OK;
    }
    if (last < l->first || first > l->last) return TL_OK;
    tl_arrival a = {.frame = (uint64_t)sqlite3_column_int64(s, 3), .ns = first};
    tl_span arrivals = {sqlite3_column_blob(s, 4), (size_t)sqlite3_column_bytes(s, 4)};
    while (arrivals.n > 0) {
        if (!tl_arrival_next(&arrivals, &a) || a.bytes > TL_CHUNK_LIMIT)
            return tl_fail(&l->r->error, TL_ESQL, "the database is damaged: the arrivals of a chunk (see verify)");
        i = at(l, a.ns);
        if (i != NULL) add(&i->bytes, (int64_t)a.bytes);
    }
    return TL_OK;
}

static tl_rc add_gap(line *l, sqlite3_stmt *s)
{
    interval *i = at(l, sqlite3_column_int64(s, 0));
    if (i == NULL) return TL_OK;
    i->gaps++;
    add(sqlite3_column_int(s, 2) ? &i->capture_loss : &i->unknown_loss, sqlite3_column_int64(s, 1));
    return TL_OK;
}

/* Each row of a statement into the intervals. */
static tl_rc take(line *l, const tl_filter *f, const char *sql, tl_rc (*row)(line *, sqlite3_stmt *))
{
    sqlite3_stmt *s = NULL;
    int sq = SQLITE_DONE;
    tl_rc rc = tl_filter_prepare(l->r, f, sql, "", &s);
    while (rc == TL_OK && (sq = sqlite3_step(s)) == SQLITE_ROW) rc = row(l, s);
    if (rc == TL_OK && sq != SQLITE_DONE) rc = tl_reader_fail(l->r, sq);
    sqlite3_finalize(s);
    return rc;
}

/* END: no session. */
static tl_rc set_range(line *l, sqlite3_stmt *s)
{
    if (sqlite3_column_type(s, 0) == SQLITE_NULL) return TL_END;
    int64_t first = sqlite3_column_int64(s, 0), last = sqlite3_column_int64(s, 1);
    if (first > l->first) l->first = first;
    if (last < l->last) l->last = last;
    return l->first <= l->last ? TL_OK : TL_END;
}

static tl_rc lay_out(line *l, int64_t width)
{
    l->width = width != 0 ? width : readable(l->first, l->last);
    uint64_t n = count(l->first, l->last, l->width);
    if (n > TL_TIMELINE_ROWS)
        return tl_fail(&l->r->error, TL_EUSAGE, "%" PRIu64 " intervals (at most %d are shown): take longer ones, or --since and --until", n,
                       TL_TIMELINE_ROWS);
    int64_t before = l->first % l->width + (l->first % l->width < 0 ? l->width : 0);
    if (__builtin_sub_overflow(l->first, before, &l->start)) l->start = INT64_MIN;
    l->n = (size_t)n;
    l->list = calloc(l->n, sizeof *l->list);
    return l->list != NULL ? TL_OK : tl_fail(&l->r->error, TL_ENOMEM, "no memory");
}

static tl_cell number(int64_t v)
{
    return (tl_cell){.kind = TL_CELL_INTEGER, .integer = v};
}

static tl_rc show(const line *l, const tl_output *out)
{
    static const char *const names[] = {"time", "sessions", "bytes", "gaps", "capture_loss", "unknown_loss"};
    tl_rows *rows = tl_rows_new(out, names, sizeof names / sizeof names[0]);
    tl_text time = {0};
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    for (size_t i = 0; i < l->n && rc == TL_OK; i++) {
        const interval *v = &l->list[i];
        tl_text_reset(&time);
        tl_text_time(&time, (int64_t)((uint64_t)l->start + i * (uint64_t)l->width));
        const tl_cell cells[] = {{.kind = TL_CELL_TEXT, .bytes = tl_span_of(time.p, time.n)},
                                 number(v->sessions),
                                 number(v->bytes),
                                 number(v->gaps),
                                 number(v->capture_loss),
                                 number(v->unknown_loss)};
        rc = time.failed ? TL_ENOMEM : tl_rows_add(rows, cells);
    }
    if (rc == TL_OK) rc = tl_rows_end(rows);
    if (rc == TL_ENOMEM) (void)tl_fail(&l->r->error, rc, "no memory");
    tl_text_free(&time);
    tl_rows_free(rows);
    return rc;
}

tl_rc tl_timeline(tl_reader *r, const tl_filter *f, int64_t interval_ns, const tl_output *out)
{
    line l = {.r = r, .first = f->since_ns, .last = f->until_ns};
    tl_reader_start(r);
    tl_rc rc = take(&l, f, range_sql, set_range);
    if (rc == TL_OK) rc = lay_out(&l, interval_ns);
    if (rc == TL_OK) rc = take(&l, f, starts_sql, add_session);
    if (rc == TL_OK) rc = take(&l, f, chunks_sql, add_chunk);
    if (rc == TL_OK) rc = take(&l, f, gaps_sql, add_gap);
    if (rc == TL_OK || rc == TL_END) rc = show(&l, out);
    free(l.list);
    return rc;
}
