/*
** rows.c - cells as text; CSV, JSON and JSON lines.  Tables are in table.c.
*/
#include "query/rows.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tl_rows {
    tl_output out;
    const char *const *names;
    size_t columns;
    uint64_t n;
    tl_text line;
    tl_table *table; /* TL_TABLE only */
};

/* Text that is escaped already: its backslashes stay, what is not readable becomes \xNN. */
static void add_safe(tl_text *t, tl_span s, size_t most, bool json)
{
    size_t shown = s.n < most ? s.n : most, at = 0, run = 0;
    while (at < shown && !t->failed) {
        size_t len = tl_text_readable(tl_span_of(s.p + at, s.n - at));
        bool special = json && (s.p[at] == '"' || s.p[at] == '\\');
        if (len > 0 && !special) {
            at += len;
            continue;
        }
        tl_text_bytes(t, s.p + run, at - run);
        if (special)
            tl_text_printf(t, "\\%c", s.p[at]);
        else
            tl_text_printf(t, json ? "\\\\x%02x" : "\\x%02x", s.p[at]);
        run = ++at;
    }
    tl_text_bytes(t, s.p + run, at - run);
    if (at < s.n) tl_text_add(t, "...");
}

/* Enough digits to read the same number back, and no more. */
static void add_real(tl_text *t, double v)
{
    char text[40];
    snprintf(text, sizeof text, "%.15g", v);
    if (strtod(text, NULL) != v) snprintf(text, sizeof text, "%.17g", v);
    tl_text_add(t, text);
}

void tl_cell_text(tl_text *t, const tl_cell *c, size_t most)
{
    switch (c->kind) {
    case TL_CELL_NULL: break;
    case TL_CELL_INTEGER: tl_text_printf(t, "%" PRId64, c->integer); break;
    case TL_CELL_REAL: add_real(t, c->real); break;
    case TL_CELL_TEXT: add_safe(t, c->bytes, most, false); break;
    case TL_CELL_BLOB: tl_text_escaped(t, c->bytes, most); break;
    }
}

void tl_cell_json(tl_text *t, const tl_cell *c)
{
    switch (c->kind) {
    case TL_CELL_NULL: tl_text_add(t, "null"); break;
    case TL_CELL_INTEGER: tl_text_printf(t, "%" PRId64, c->integer); break;
    case TL_CELL_REAL:
        if (isfinite(c->real))
            add_real(t, c->real);
        else
            tl_text_add(t, "null"); /* JSON has no infinity */
        break;
    case TL_CELL_TEXT:
        tl_text_add(t, "\"");
        add_safe(t, c->bytes, SIZE_MAX, true);
        tl_text_add(t, "\"");
        break;
    case TL_CELL_BLOB: tl_json_string(t, c->bytes, SIZE_MAX); break;
    }
}

tl_rows *tl_rows_new(const tl_output *out, const char *const *names, size_t columns)
{
    tl_rows *r = calloc(1, sizeof *r);
    if (r == NULL) return NULL;
    r->out = *out;
    r->names = names;
    r->columns = columns;
    if (out->format == TL_TABLE && (r->table = tl_table_new(out, names, columns)) == NULL) {
        free(r);
        return NULL;
    }
    return r;
}

void tl_rows_free(tl_rows *r)
{
    if (r == NULL) return;
    tl_table_free(r->table);
    tl_text_free(&r->line);
    free(r);
}

static tl_cell name_cell(const char *name)
{
    return (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(name, strlen(name))};
}

/* RFC 4180: quoted where it holds a comma or a quote (control bytes were escaped before), quotes doubled. */
static void add_csv(tl_text *line, const tl_cell *c)
{
    tl_text cell = {0};
    tl_cell_text(&cell, c, SIZE_MAX);
    const char *p = cell.p == NULL ? "" : cell.p;
    bool empty_text = cell.n == 0 && c->kind != TL_CELL_NULL;
    if (!empty_text && strpbrk(p, ",\"") == NULL && p[0] != ' ') {
        tl_text_bytes(line, p, cell.n);
    } else {
        tl_text_add(line, "\"");
        for (const char *quote; (quote = strchr(p, '"')) != NULL; p = quote + 1) {
            tl_text_bytes(line, p, (size_t)(quote - p) + 1);
            tl_text_add(line, "\"");
        }
        tl_text_add(line, p);
        tl_text_add(line, "\"");
    }
    if (cell.failed) line->failed = true;
    tl_text_free(&cell);
}

static void csv_line(tl_text *line, const tl_cell *cells, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tl_cell name = cells == NULL ? name_cell(names[i]) : cells[i];
        if (i > 0) tl_text_add(line, ",");
        add_csv(line, &name);
    }
    tl_text_add(line, "\n");
}

static void json_object(tl_text *line, const tl_rows *r, const tl_cell *cells)
{
    tl_text_add(line, "{");
    if (r->out.format == TL_JSONL && r->out.title != NULL) {
        tl_cell title = name_cell(r->out.title);
        tl_text_add(line, "\"section\":");
        tl_cell_json(line, &title);
        tl_text_add(line, ",");
    }
    for (size_t i = 0; i < r->columns; i++) {
        tl_cell name = name_cell(r->names[i]);
        if (i > 0) tl_text_add(line, ",");
        tl_cell_json(line, &name);
        tl_text_add(line, ":");
        tl_cell_json(line, &cells[i]);
    }
    tl_text_add(line, "}");
}

static tl_rc write_line(tl_rows *r)
{
    if (r->line.failed) return TL_ENOMEM;
    return r->line.n == 0 ? TL_OK : r->out.write(r->out.to, tl_span_of(r->line.p, r->line.n));
}

tl_rc tl_rows_add(tl_rows *r, const tl_cell *cells)
{
    if (r->table != NULL) return tl_table_add(r->table, cells);
    tl_text_reset(&r->line);
    if (r->out.format == TL_CSV) {
        if (r->n == 0) csv_line(&r->line, NULL, r->names, r->columns);
        csv_line(&r->line, cells, r->names, r->columns);
    } else {
        if (r->out.format == TL_JSON) tl_text_add(&r->line, r->n == 0 ? "[" : ",\n ");
        json_object(&r->line, r, cells);
        if (r->out.format == TL_JSONL) tl_text_add(&r->line, "\n");
    }
    r->n++;
    return write_line(r);
}

tl_rc tl_rows_end(tl_rows *r)
{
    if (r->table != NULL) return tl_table_end(r->table);
    tl_text_reset(&r->line);
    if (r->out.format == TL_CSV && r->n == 0) csv_line(&r->line, NULL, r->names, r->columns);
    if (r->out.format == TL_JSON) tl_text_add(&r->line, r->n == 0 ? "[]\n" : "]\n");
    return write_line(r);
}
