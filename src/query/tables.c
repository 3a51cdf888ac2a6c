/*
** tables.c - the table-valued functions of functions.h: segments() and payload_search().
**
** Both are eponymous virtual tables: their arguments are hidden columns that must be given (xBestIndex refuses plans without them).
** A cursor owns what it reads with; the connection is the user's.
*/
#include "query/functions.h"

#include "query/arrivals.h"
#include "query/handle.h"
#include "query/search.h"
#include <stdlib.h>
#include <string.h>

typedef struct table {
    sqlite3_vtab base;
    tl_reader reader; /* of the user's connection */
} table;

/* The columns of the two.  Arguments are hidden and come last. */
enum { SEG_OFFSET, SEG_LENGTH, SEG_CAPTURE, SEG_FRAME, SEG_NS, SEG_ACKED, SEG_SESSION, SEG_DIRECTION };
static const char segments_schema[] =
    "CREATE TABLE x (stream_offset INTEGER, length INTEGER, capture_id INTEGER, frame INTEGER, ns INTEGER,"
    " peer_acked INTEGER, session HIDDEN, direction HIDDEN)";
enum {
    HIT_SESSION,
    HIT_DIRECTION,
    HIT_OFFSET,
    HIT_LENGTH,
    HIT_NUMBER,
    HIT_CAPTURE,
    HIT_FRAME,
    HIT_NS,
    HIT_BEFORE,
    HIT_MATCH,
    HIT_AFTER,
    HIT_PATTERN,
    HIT_REGEX
};
static const char search_schema[] =
    "CREATE TABLE x (session_id INTEGER, direction INTEGER, stream_offset INTEGER, length INTEGER, number INTEGER, capture_id INTEGER,"
    " frame INTEGER, ns INTEGER, \"before\" BLOB, \"match\" BLOB, \"after\" BLOB, pattern HIDDEN, regex HIDDEN)";

static int connect(sqlite3 *db, const char *schema, sqlite3_vtab **out)
{
    int rc = sqlite3_declare_vtab(db, schema);
    table *t = rc == SQLITE_OK ? sqlite3_malloc(sizeof *t) : NULL;
    if (t == NULL) return rc == SQLITE_OK ? SQLITE_NOMEM : rc;
    memset(t, 0, sizeof *t);
    t->reader.db = db;
    t->reader.deadline_ns = INT64_MAX;
    *out = &t->base;
    return sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
}

static int connect_segments(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **err)
{
    (void)aux, (void)argc, (void)argv, (void)err;
    return connect(db, segments_schema, out);
}

static int connect_search(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **err)
{
    (void)aux, (void)argc, (void)argv, (void)err;
    return connect(db, search_schema, out);
}

static int disconnect(sqlite3_vtab *t)
{
    sqlite3_free(t);
    return SQLITE_OK;
}

/* The reader's failure as SQLite's, with its text. */
static int fail(sqlite3_vtab *t, tl_rc rc)
{
    if (rc == TL_ENOMEM) return SQLITE_NOMEM;
    sqlite3_free(t->zErrMsg);
    t->zErrMsg = sqlite3_mprintf("%s", ((table *)t)->reader.error.text);
    return SQLITE_ERROR;
}

/* Gives columns[] that are compared for equality as arguments 1, 2, ... of filter; bit i of idxNum: columns[i] is there. */
static void use_columns(sqlite3_index_info *info, const int *columns, int n)
{
    int given = 0;
    for (int i = 0; i < n; i++) {
        for (int k = 0; k < info->nConstraint; k++) {
            const struct sqlite3_index_constraint *c = &info->aConstraint[k];
            if (c->iColumn != columns[i] || !c->usable || c->op != SQLITE_INDEX_CONSTRAINT_EQ) continue;
            info->aConstraintUsage[k].argvIndex = ++given;
            info->aConstraintUsage[k].omit = 1;
            info->idxNum |= 1 << i;
            break;
        }
    }
}

/* ---- segments ---- */

typedef struct segments {
    sqlite3_vtab_cursor base;
    tl_arrivals *arrivals;
    tl_run run;
    sqlite3_int64 session, row;
    int direction;
    bool eof;
} segments;

static int segments_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
    static const int columns[] = {SEG_SESSION, SEG_DIRECTION};
    (void)t;
    use_columns(info, columns, 2);
    info->estimatedCost = 100;
    return info->idxNum == 3 ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int segments_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    segments *c = calloc(1, sizeof *c);
    if (c == NULL) return SQLITE_NOMEM;
    c->arrivals = tl_arrivals_open(&((table *)t)->reader);
    if (c->arrivals == NULL) {
        free(c);
        return fail(t, ((table *)t)->reader.error.rc);
    }
    *out = &c->base;
    return SQLITE_OK;
}

static int segments_close(sqlite3_vtab_cursor *cursor)
{
    segments *c = (segments *)cursor;
    tl_arrivals_close(c->arrivals);
    free(c);
    return SQLITE_OK;
}

static int segments_next(sqlite3_vtab_cursor *cursor)
{
    segments *c = (segments *)cursor;
    tl_rc rc = tl_arrivals_next(c->arrivals, &c->run);
    c->row++;
    c->eof = rc != TL_OK;
    return rc == TL_OK || rc == TL_END ? SQLITE_OK : fail(cursor->pVtab, rc);
}

static int segments_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int n, sqlite3_value **arg)
{
    segments *c = (segments *)cursor;
    (void)plan, (void)name, (void)n;
    c->session = sqlite3_value_int64(arg[0]);
    c->direction = tl_direction_of(arg[1]);
    c->row = 0;
    c->eof = c->direction < 0;
    if (c->eof) return SQLITE_OK;
    tl_rc rc = tl_arrivals_seek(c->arrivals, c->session, c->direction, 0);
    c->eof = rc != TL_OK;
    if (rc != TL_OK) return rc == TL_END ? SQLITE_OK : fail(cursor->pVtab, rc);
    return segments_next(cursor);
}

static int segments_eof(sqlite3_vtab_cursor *cursor)
{
    return ((segments *)cursor)->eof;
}

static int segments_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column)
{
    const segments *c = (segments *)cursor;
    switch (column) {
    case SEG_OFFSET: sqlite3_result_int64(ctx, (sqlite3_int64)c->run.offset); break;
    case SEG_LENGTH: sqlite3_result_int64(ctx, (sqlite3_int64)c->run.length); break;
    case SEG_CAPTURE: sqlite3_result_int64(ctx, c->run.at.capture); break;
    case SEG_FRAME: sqlite3_result_int64(ctx, (sqlite3_int64)c->run.at.frame); break;
    case SEG_NS: sqlite3_result_int64(ctx, c->run.at.ns); break;
    case SEG_ACKED: sqlite3_result_int64(ctx, (sqlite3_int64)c->run.peer_acked); break;
    case SEG_SESSION: sqlite3_result_int64(ctx, c->session); break;
    default: sqlite3_result_int(ctx, c->direction); break;
    }
    return SQLITE_OK;
}

static int segments_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = ((segments *)cursor)->row;
    return SQLITE_OK;
}

/* ---- payload_search ---- */

typedef struct hits {
    sqlite3_vtab_cursor base;
    tl_search *search;
    tl_search_hit hit;
    char *pattern; /* owned */
    sqlite3_int64 row;
    bool regex, eof;
} hits;

enum { CONTEXT = 32, HAS_PATTERN = 1, HAS_REGEX = 2, HAS_SESSION = 4, HAS_DIRECTION = 8 };

static int search_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
    static const int columns[] = {HIT_PATTERN, HIT_REGEX, HIT_SESSION, HIT_DIRECTION};
    (void)t;
    use_columns(info, columns, 4);
    info->estimatedCost = info->idxNum & HAS_SESSION ? 1e4 : 1e9;
    return info->idxNum & HAS_PATTERN ? SQLITE_OK : SQLITE_CONSTRAINT;
}

static int search_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
    hits *c = calloc(1, sizeof *c);
    (void)t;
    if (c == NULL) return SQLITE_NOMEM;
    *out = &c->base;
    return SQLITE_OK;
}

static void end_search(hits *c)
{
    tl_search_close(c->search);
    free(c->pattern);
    c->search = NULL;
    c->pattern = NULL;
}

static int search_close(sqlite3_vtab_cursor *cursor)
{
    end_search((hits *)cursor);
    free(cursor);
    return SQLITE_OK;
}

static int search_next(sqlite3_vtab_cursor *cursor)
{
    hits *c = (hits *)cursor;
    tl_rc rc = tl_search_next(c->search, &c->hit);
    c->row++;
    c->eof = rc != TL_OK;
    return rc == TL_OK || rc == TL_END ? SQLITE_OK : fail(cursor->pVtab, rc);
}

static int search_filter(sqlite3_vtab_cursor *cursor, int plan, const char *name, int n, sqlite3_value **arg)
{
    hits *c = (hits *)cursor;
    tl_reader *r = &((table *)cursor->pVtab)->reader;
    tl_filter f = tl_filter_all;
    tl_search_options o = {.direction = -1, .context = CONTEXT};
    const char *pattern = (const char *)sqlite3_value_text(*arg++);
    (void)name, (void)n;
    end_search(c);
    c->row = 0;
    c->regex = plan & HAS_REGEX ? sqlite3_value_int(*arg++) != 0 : false;
    c->eof = pattern == NULL;
    if (plan & HAS_SESSION) {
        f.session = sqlite3_value_int64(*arg++);
        if (f.session <= 0) c->eof = true;
    }
    if (plan & HAS_DIRECTION) {
        o.direction = tl_direction_of(*arg);
        if (o.direction < 0) c->eof = true;
    }
    if (c->eof) return SQLITE_OK;
    c->pattern = strdup(pattern);
    if (c->pattern == NULL) return SQLITE_NOMEM;
    o.pattern = c->pattern;
    o.regex = c->regex;
    c->search = tl_search_open(r, &f, &o);
    if (c->search == NULL) return fail(cursor->pVtab, r->error.rc);
    return search_next(cursor);
}

static int search_eof(sqlite3_vtab_cursor *cursor)
{
    return ((hits *)cursor)->eof;
}

static void give_blob(sqlite3_context *ctx, tl_span s)
{
    sqlite3_result_blob64(ctx, s.n == 0 ? (const void *)"" : s.p, s.n, SQLITE_TRANSIENT);
}

static int search_column(sqlite3_vtab_cursor *cursor, sqlite3_context *ctx, int column)
{
    const hits *c = (hits *)cursor;
    const tl_search_hit *h = &c->hit;
    switch (column) {
    case HIT_SESSION: sqlite3_result_int64(ctx, h->session); break;
    case HIT_DIRECTION: sqlite3_result_int(ctx, h->direction); break;
    case HIT_OFFSET: sqlite3_result_int64(ctx, (sqlite3_int64)h->offset); break;
    case HIT_LENGTH: sqlite3_result_int64(ctx, (sqlite3_int64)h->match.n); break;
    case HIT_NUMBER:
        if (h->message != 0) sqlite3_result_int64(ctx, h->message);
        break;
    case HIT_CAPTURE: sqlite3_result_int64(ctx, h->at.capture); break;
    case HIT_FRAME: sqlite3_result_int64(ctx, (sqlite3_int64)h->at.frame); break;
    case HIT_NS: sqlite3_result_int64(ctx, h->at.ns); break;
    case HIT_BEFORE: give_blob(ctx, h->before); break;
    case HIT_MATCH: give_blob(ctx, h->match); break;
    case HIT_AFTER: give_blob(ctx, h->after); break;
    case HIT_PATTERN: sqlite3_result_text(ctx, c->pattern, -1, SQLITE_TRANSIENT); break;
    default: sqlite3_result_int(ctx, c->regex); break;
    }
    return SQLITE_OK;
}

static int search_rowid(sqlite3_vtab_cursor *cursor, sqlite3_int64 *out)
{
    *out = ((hits *)cursor)->row;
    return SQLITE_OK;
}

bool tl_tables_register(sqlite3 *db)
{
    static const sqlite3_module segments_module = {.xConnect = connect_segments,
                                                   .xBestIndex = segments_plan,
                                                   .xDisconnect = disconnect,
                                                   .xOpen = segments_open,
                                                   .xClose = segments_close,
                                                   .xFilter = segments_filter,
                                                   .xNext = segments_next,
                                                   .xEof = segments_eof,
                                                   .xColumn = segments_column,
                                                   .xRowid = segments_rowid};
    static const sqlite3_module search_module = {.xConnect = connect_search,
                                                 .xBestIndex = search_plan,
                                                 .xDisconnect = disconnect,
                                                 .xOpen = search_open,
                                                 .xClose = search_close,
                                                 .xFilter = search_filter,
                                                 .xNext = search_next,
                                                 .xEof = search_eof,
                                                 .xColumn = search_column,
                                                 .xRowid = search_rowid};
    return sqlite3_create_module_v2(db, "segments", &segments_module, NULL, NULL) == SQLITE_OK &&
           sqlite3_create_module_v2(db, "payload_search", &search_module, NULL, NULL) == SQLITE_OK;
}
