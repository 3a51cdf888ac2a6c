/*
** report_facts.c - asks the files of report/ and keeps their rows.
**
** The database's state is held still until all sections are read, so their sums agree while an ingest goes on beside.  Cells longer than
** TEXT_MOST are cut: only a database that lies has such.
*/
#include "query/report_facts.h"
#include "base/arena.h"
#include "base/embedded.h"
#include "query/handle.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { SECTIONS_MOST = 20, TEXT_MOST = 4000, ROWS_MOST = 50000, BLOCK = 256 << 10 };

struct tl_report {
    tl_arena *memory;
    facts section[SECTIONS_MOST];
    size_t n;
};

/* Rows of one section as they come. */
typedef struct gathering {
    tl_report *p;
    facts *f;
    size_t room;
} gathering;

static const char title_mark[] = "-- title: ";

static const char *copy_text(tl_arena *a, const char *s, size_t n)
{
    char *copy = tl_arena_alloc(a, n + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, s, n);
    copy[n] = '\0';
    return copy;
}

static bool keep_bytes(tl_arena *a, tl_cell *c, const void *p, size_t n)
{
    static const char cut[] = "...";
    size_t kept = n <= TEXT_MOST ? n : TEXT_MOST, more = kept < n ? sizeof cut - 1 : 0;
    uint8_t *copy = tl_arena_alloc(a, kept + more);
    if (copy == NULL) return false;
    if (kept > 0) memcpy(copy, p, kept);
    memcpy(copy + kept, cut, more);
    c->bytes = tl_span_of(copy, kept + more);
    return true;
}

static bool keep_cell(tl_arena *a, sqlite3_stmt *s, int i, tl_cell *c)
{
    *c = (tl_cell){.kind = TL_CELL_NULL};
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER: *c = (tl_cell){.kind = TL_CELL_INTEGER, .integer = sqlite3_column_int64(s, i)}; return true;
    case SQLITE_FLOAT: *c = (tl_cell){.kind = TL_CELL_REAL, .real = sqlite3_column_double(s, i)}; return true;
    case SQLITE_TEXT: c->kind = TL_CELL_TEXT; return keep_bytes(a, c, sqlite3_column_text(s, i), (size_t)sqlite3_column_bytes(s, i));
    case SQLITE_BLOB: c->kind = TL_CELL_BLOB; return keep_bytes(a, c, sqlite3_column_blob(s, i), (size_t)sqlite3_column_bytes(s, i));
    default: return true;
    }
}

static tl_rc keep_columns(gathering *g, sqlite3_stmt *s)
{
    facts *f = g->f;
    if (f->columns != NULL) return TL_OK;
    f->n_columns = (size_t)sqlite3_column_count(s);
    f->columns = tl_arena_alloc(g->p->memory, f->n_columns * sizeof *f->columns);
    for (size_t i = 0; f->columns != NULL && i < f->n_columns; i++) {
        const char *name = sqlite3_column_name(s, (int)i);
        if (name == NULL || (f->columns[i] = copy_text(g->p->memory, name, strlen(name))) == NULL) return TL_ENOMEM;
    }
    return f->columns == NULL ? TL_ENOMEM : TL_OK;
}

static tl_rc keep_row(gathering *g, sqlite3_stmt *s)
{
    facts *f = g->f;
    if (f->n == g->room) {
        size_t room = g->room == 0 ? 16 : g->room * 2;
        tl_cell *grown = tl_arena_alloc(g->p->memory, room * f->n_columns * sizeof *grown);
        if (grown == NULL) return TL_ENOMEM;
        if (f->n > 0) memcpy(grown, f->cells, f->n * f->n_columns * sizeof *grown);
        f->cells = grown;
        g->room = room;
    }
    for (size_t i = 0; i < f->n_columns; i++)
        if (!keep_cell(g->p->memory, s, (int)i, &f->cells[f->n * f->n_columns + i])) return TL_ENOMEM;
    f->n++;
    return TL_OK;
}

/* The rows of one statement behind those that the section has already. */
static tl_rc gather(tl_reader *r, gathering *g, const char *sql, int64_t session)
{
    sqlite3_stmt *s = NULL;
    int sq = SQLITE_OK;
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, sql, &s);
    if (rc == TL_OK && sqlite3_bind_parameter_count(s) > 0) sq = sqlite3_bind_int64(s, 1, session);
    if (rc == TL_OK) rc = keep_columns(g, s);
    while (rc == TL_OK && sq == SQLITE_OK && g->f->n < ROWS_MOST && (sq = sqlite3_step(s)) == SQLITE_ROW) {
        rc = keep_row(g, s);
        sq = SQLITE_OK;
    }
    if (rc == TL_OK && sq != SQLITE_OK && sq != SQLITE_DONE) rc = tl_reader_fail(r, sq);
    sqlite3_finalize(s);
    return rc;
}

/* The gap map is asked of one session at a time: of those that the section before it names. */
static tl_rc gather_section(tl_reader *r, tl_report *p, const tl_embedded *file)
{
    facts *f = &p->section[p->n++];
    gathering g = {.p = p, .f = f};
    *f = (facts){.name = strchr(file->name, '_') + 1};
    assert(strncmp(file->text, title_mark, sizeof title_mark - 1) == 0);
    const char *title = file->text + sizeof title_mark - 1;
    f->title = copy_text(p->memory, title, strcspn(title, "\n"));
    if (f->title == NULL) return TL_ENOMEM;
    if (strcmp(f->name, "gap_map") != 0) return gather(r, &g, file->text, 0);
    const facts *worst = facts_of(p, "sessions");
    tl_rc rc = worst->n == 0 ? gather(r, &g, file->text, 0) : TL_OK;
    for (size_t i = 0; i < worst->n && rc == TL_OK; i++) rc = gather(r, &g, file->text, facts_number(worst, i, "session_id"));
    return rc;
}

tl_report *tl_report_new(tl_reader *r)
{
    tl_report *p = calloc(1, sizeof *p);
    tl_rc rc = p != NULL && (p->memory = tl_arena_new(BLOCK)) != NULL ? TL_OK : TL_ENOMEM;
    if (rc == TL_OK) rc = tl_reader_hold(r);
    for (const tl_embedded *file = tl_report_sql; file->name != NULL && rc == TL_OK; file++) {
        assert(p->n < SECTIONS_MOST);
        rc = gather_section(r, p, file);
    }
    tl_reader_release(r);
    if (rc == TL_OK) return p;
    if (rc == TL_ENOMEM) (void)tl_fail(&r->error, rc, "no memory");
    tl_report_free(p);
    return NULL;
}

void tl_report_free(tl_report *p)
{
    if (p == NULL) return;
    tl_arena_free(p->memory);
    free(p);
}

const facts *facts_of(const tl_report *p, const char *name)
{
    size_t i = 0;
    while (i < p->n && strcmp(p->section[i].name, name) != 0) i++;
    assert(i < p->n);
    return &p->section[i];
}

tl_cell facts_cell(const facts *f, size_t row, const char *column)
{
    size_t i = 0;
    while (i < f->n_columns && strcmp(f->columns[i], column) != 0) i++;
    assert(i < f->n_columns);
    return row < f->n ? f->cells[row * f->n_columns + i] : (tl_cell){.kind = TL_CELL_NULL};
}

int64_t facts_number(const facts *f, size_t row, const char *column)
{
    tl_cell c = facts_cell(f, row, column);
    return c.kind == TL_CELL_INTEGER ? c.integer : 0;
}

bool facts_is(const facts *f, size_t row, const char *column, const char *word)
{
    tl_cell c = facts_cell(f, row, column);
    return c.kind == TL_CELL_TEXT && c.bytes.n == strlen(word) && memcmp(c.bytes.p, word, c.bytes.n) == 0;
}

/* ---- as rows ---- */

static tl_rc say(const tl_output *out, const char *text)
{
    return out->write(out->to, tl_span_of(text, strlen(text)));
}

static tl_rc write_section(const facts *f, const tl_output *to)
{
    tl_output out = *to;
    out.title = out.format == TL_JSONL ? f->name : f->title;
    out.record = f->n == 1 && f->n_columns > 12;
    tl_rows *rows = tl_rows_new(&out, f->columns, f->n_columns);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    for (size_t i = 0; i < f->n && rc == TL_OK; i++) rc = tl_rows_add(rows, f->cells + i * f->n_columns);
    if (rc == TL_OK) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    return rc;
}

tl_rc tl_report_rows(const tl_report *p, const tl_output *out)
{
    bool json = out->format == TL_JSON, apart = out->format == TL_TABLE || out->format == TL_CSV;
    tl_rc rc = json ? say(out, "{") : TL_OK;
    for (size_t i = 0; i < p->n && rc == TL_OK; i++) {
        const facts *f = &p->section[i];
        if (i > 0 && json) rc = say(out, ",");
        if (i > 0 && apart && (f->n > 0 || out->format == TL_CSV)) rc = say(out, "\n");
        if (rc == TL_OK && json) {
            rc = say(out, "\"");
            if (rc == TL_OK) rc = say(out, f->name);
            if (rc == TL_OK) rc = say(out, "\": ");
        }
        if (rc == TL_OK) rc = write_section(f, out);
    }
    return rc == TL_OK && json ? say(out, "}\n") : rc;
}
