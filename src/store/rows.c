/*
** rows.c - see the header.
**
** A cursor stands on a session's row (and, for streams, a direction) or on an op; `settle` moves it on to the next that its table has.
** Texts that are made for a row lie in the cursor.
*/
#include "store/rows.h"

#include "store/statements.h"

#include <string.h>

typedef struct cursor {
    sqlite3_vtab_cursor base;
    const tl_batch_item *at, *end;
    int dir;
    rows_texts texts;
} cursor;

typedef struct table {
    const char *name, *declaration;
    enum { OF_SESSIONS, OF_STREAMS, OF_OPS } of;
    void (*settle)(cursor *c);
    void (*column)(cursor *c, sqlite3_context *x, int at);
} table;

/* ---- values ---- */

static void put_int(sqlite3_context *x, int64_t v)
{
    sqlite3_result_int64(x, v);
}

static void put_count(sqlite3_context *x, uint64_t v)
{
    sqlite3_result_int64(x, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

/* A column of which nothing is said is NULL. */
static void put_if(sqlite3_context *x, bool known, int64_t v)
{
    if (known) sqlite3_result_int64(x, v);
}

static void put_null(sqlite3_context *x)
{
    sqlite3_result_null(x);
}

static void put_text(sqlite3_context *x, const char *v)
{
    if (v != NULL) sqlite3_result_text(x, v, -1, SQLITE_STATIC);
}

static void put_span(sqlite3_context *x, tl_span v)
{
    sqlite3_result_text64(x, v.n > 0 ? (const char *)v.p : "", v.n, SQLITE_STATIC, SQLITE_UTF8);
}

static void put_blob(sqlite3_context *x, const void *p, size_t n)
{
    sqlite3_result_blob64(x, n > 0 ? p : "", n, SQLITE_STATIC);
}

static bool place(tl_at at)
{
    return at.capture != 0 && at.frame != 0;
}

/* ---- which rows ---- */

static void next_row(cursor *c)
{
    if (c->end - c->at > ROWS_AHEAD) rows_ask_for(c->at[ROWS_AHEAD].row, sizeof(tl_row_session) / ROWS_LINE);
    c->at++;
}

static void settle_new_session(cursor *c)
{
    while (c->at != c->end && c->at->row->exists) next_row(c);
}

/* Rows of a session that is still open are brought up to date as far as the ledger needs it: a transaction that ends here must balance.
** The rest of its facts comes with its close.  In a network with many open sessions that is most of the rows of a batch. */
static bool session_told(const tl_row_session *row)
{
    return row->exists && (row->info.closed != TL_WHY_NONE || row->healed);
}

static void settle_old_session(cursor *c)
{
    while (c->at != c->end && !session_told(c->at->row)) next_row(c);
}

/* A direction of which the captures show nothing, and of which the other one acknowledged nothing, has no row: a scan is all of them. */
static bool stream_shown(const tl_row_session *row, int dir)
{
    const tl_stream_info *i = &row->info.stream[dir];
    return i->packets > 0 || i->has_base || i->length > 0 || i->captured_bytes > 0 || row->add[dir].stray > 0 || row->asks[dir];
}

static void settle_stream(cursor *c, bool exists)
{
    for (; c->at != c->end; next_row(c), c->dir = 0)
        for (; c->at->row->exists == exists && c->dir < 2; c->dir++)
            if ((c->at->row->changed[c->dir] || c->at->row->healed) && stream_shown(c->at->row, c->dir)) return;
}

static void settle_new_stream(cursor *c)
{
    settle_stream(c, false);
}

static void settle_old_stream(cursor *c)
{
    settle_stream(c, true);
}

static void settle_op(cursor *c, tl_op_kind kind)
{
    while (c->at != c->end && c->at->kind != kind) c->at++;
    if (c->end - c->at > ROWS_AHEAD && c->at[ROWS_AHEAD].kind == kind) rows_ask_for(c->at[ROWS_AHEAD].op, ROWS_OP_LINES);
}

static void settle_chunk(cursor *c)
{
    settle_op(c, TL_OP_CHUNK);
}

static void settle_gap(cursor *c)
{
    settle_op(c, TL_OP_GAP);
}

static void settle_stray(cursor *c)
{
    settle_op(c, TL_OP_STRAY);
}

static void settle_message(cursor *c)
{
    settle_op(c, TL_OP_MESSAGE);
}

/* ---- their columns ---- */

/* A case for each column of a list, by its place. */
#define FIRST_PLACE(name, value) at_##name
#define NEXT_PLACE(name, value)  , at_##name
#define PLACES(LIST)             LIST(FIRST_PLACE, NEXT_PLACE)
#define CASE(name, value)                                                                                                                  \
    case at_##name: value; break;

static void session_column(cursor *on, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_SESSION) };
    const tl_row_session *row = on->at->row;
    rows_texts *c = &on->texts;
    const tl_session_info *i = &row->info;
    switch (at) {
        ROWS_SESSION(CASE, CASE)
    }
}

static void stream_column(cursor *c, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_STREAM) };
    const tl_row_session *row = c->at->row;
    const tl_stream_info *i = &row->info.stream[c->dir];
    switch (at) {
        ROWS_STREAM(CASE, CASE)
    }
}

static void chunk_column(cursor *c, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_CHUNK) };
    const tl_op *op = c->at->op;
    const tl_op_chunk *k = &op->chunk;
    switch (at) {
        ROWS_CHUNK(CASE, CASE)
    }
}

static void gap_column(cursor *c, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_GAP) };
    const tl_op *op = c->at->op;
    const tl_op_event *e = &op->event;
    switch (at) {
        ROWS_GAP(CASE, CASE)
    }
}

static void stray_column(cursor *c, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_STRAY) };
    const tl_op *op = c->at->op;
    const tl_op_event *e = &op->event;
    switch (at) {
        ROWS_STRAY(CASE, CASE)
    }
}

static void message_column(cursor *c, sqlite3_context *x, int at)
{
    enum { PLACES(ROWS_MESSAGE) };
    const tl_op *op = c->at->op;
    const tl_message *m = &op->message;
    switch (at) {
        ROWS_MESSAGE(CASE, CASE)
    }
}

#define DECLARED(LIST) "CREATE TABLE x (" ROWS_NAMES(LIST) ")"
static const table tables[] = {
    {"new_session", DECLARED(ROWS_SESSION), OF_SESSIONS, settle_new_session, session_column},
    {"old_session", DECLARED(ROWS_SESSION), OF_SESSIONS, settle_old_session, session_column},
    {"new_stream", DECLARED(ROWS_STREAM), OF_STREAMS, settle_new_stream, stream_column},
    {"old_stream", DECLARED(ROWS_STREAM), OF_STREAMS, settle_old_stream, stream_column},
    {"new_chunk", DECLARED(ROWS_CHUNK), OF_OPS, settle_chunk, chunk_column},
    {"new_gap", DECLARED(ROWS_GAP), OF_OPS, settle_gap, gap_column},
    {"new_stray", DECLARED(ROWS_STRAY), OF_OPS, settle_stray, stray_column},
    {"new_message", DECLARED(ROWS_MESSAGE), OF_OPS, settle_message, message_column},
};

/* ---- what SQLite calls ---- */

/* Of the module, one a table. */
typedef struct source {
    const table *table;
    const tl_batch_items *feed; /* borrowed */
} source;

typedef struct rows_vtab {
    sqlite3_vtab base;
    source source;
} rows_vtab;

static int x_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **text)
{
    const source *from = aux;
    rows_vtab *v = sqlite3_malloc(sizeof *v);
    (void)argc, (void)argv, (void)text;
    if (v == NULL) return SQLITE_NOMEM;
    *v = (rows_vtab){.source = *from};
    *out = &v->base;
    int rc = sqlite3_declare_vtab(db, from->table->declaration);
    if (rc == SQLITE_OK) return rc;
    sqlite3_free(v);
    *out = NULL;
    return rc;
}

static int x_disconnect(sqlite3_vtab *v)
{
    sqlite3_free(v);
    return SQLITE_OK;
}

static int x_best_index(sqlite3_vtab *v, sqlite3_index_info *plan)
{
    (void)v;
    plan->estimatedCost = 1; /* there is one way: all of it */
    return SQLITE_OK;
}

static int x_open(sqlite3_vtab *v, sqlite3_vtab_cursor **out)
{
    cursor *c = sqlite3_malloc(sizeof *c);
    (void)v;
    if (c == NULL) return SQLITE_NOMEM;
    memset(c, 0, sizeof *c);
    *out = &c->base;
    return SQLITE_OK;
}

static int x_close(sqlite3_vtab_cursor *base)
{
    sqlite3_free(base);
    return SQLITE_OK;
}

static const source *source_of(const sqlite3_vtab_cursor *base)
{
    return &((const rows_vtab *)base->pVtab)->source;
}

static int x_filter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc, sqlite3_value **argv)
{
    cursor *c = (cursor *)base;
    const source *from = source_of(base);
    (void)plan, (void)text, (void)argc, (void)argv;
    c->at = from->table->of == OF_OPS ? from->feed->ops : from->feed->rows;
    c->end = from->table->of == OF_OPS ? from->feed->ops_end : from->feed->rows_end;
    c->dir = 0;
    from->table->settle(c);
    return SQLITE_OK;
}

static int x_next(sqlite3_vtab_cursor *base)
{
    cursor *c = (cursor *)base;
    const table *t = source_of(base)->table;
    switch (t->of) {
    case OF_SESSIONS: next_row(c); break;
    case OF_STREAMS: c->dir++; break;
    case OF_OPS: c->at++; break;
    }
    t->settle(c);
    return SQLITE_OK;
}

static int x_eof(sqlite3_vtab_cursor *base)
{
    const cursor *c = (const cursor *)base;
    return c->at == c->end;
}

static int x_column(sqlite3_vtab_cursor *base, sqlite3_context *x, int at)
{
    source_of(base)->table->column((cursor *)base, x, at);
    return SQLITE_OK;
}

/* No statement of ours asks for it. */
static int x_rowid(sqlite3_vtab_cursor *base, sqlite3_int64 *out)
{
    (void)base, (void)out;
    return SQLITE_ERROR;
}

int rows_register(sqlite3 *db, const tl_batch_items *feed)
{
    static const sqlite3_module module = {.xConnect = x_connect, /* without xCreate: there, under its own name, and not to be made */
                                          .xBestIndex = x_best_index,
                                          .xDisconnect = x_disconnect,
                                          .xOpen = x_open,
                                          .xClose = x_close,
                                          .xFilter = x_filter,
                                          .xNext = x_next,
                                          .xEof = x_eof,
                                          .xColumn = x_column,
                                          .xRowid = x_rowid};
    int rc = SQLITE_OK;
    for (size_t i = 0; rc == SQLITE_OK && i < sizeof tables / sizeof *tables; i++) {
        source *s = sqlite3_malloc(sizeof *s);
        if (s == NULL) return SQLITE_NOMEM;
        *s = (source){&tables[i], feed};
        rc = sqlite3_create_module_v2(db, tables[i].name, &module, s, sqlite3_free); /* frees it in any case */
    }
    return rc;
}
