/*
** table.c - rows as a table for people.
**
**     session_id  client          server         bytes
**     ----------  --------------  -------------  -----
**              1  10.0.0.1:40000  10.0.0.2:80     1234
**
** Numbers stand to the right.  On a terminal that is too narrow long names are broken in two ("client_" over "bytes"), then columns are
** left out, and named below, until COMFORT characters for each of the others fit: the last ones first, but not what people ask
** for (is_asked_for); then the widest give way.  Elsewhere nothing is cut; a later row that is wider than the sample sticks out.
** Large numbers are humane (humane.h), and of times only so much of the second is shown as tells the rows apart.  Colours are used where
** the output asks for them: names bold, the line below them faint, capture loss and what was searched for red, other missing bytes yellow.
** The escape sequences are constants of this file and surround text that was made safe before.
** A record is one row written downwards, a line for each column that has something to say.
**
** States: SAMPLING (rows are kept) → FLOWING (widths are fixed, rows are written as they come).
*/
#include "query/rows.h"

#include "query/humane.h"
#include "query/width.h"
#include <stdlib.h>
#include <string.h>

enum { BETWEEN = 2, COMFORT = 21 /* an IPv4 address and its port */, SHORT_NAME = 8 };
enum { TIME = 30 /* 2024-07-15T13:41:06.503749000Z */, SECONDS = 20 /* of it, with the point */ };

typedef struct column {
    size_t cells; /* width of its widest cell */
    size_t width;
    bool hidden;   /* no room */
    bool words;    /* something in it is not a number */
    size_t broken; /* bytes of its name that stand on a line of their own; 0: none */
    tl_quantity quantity;
    const char *paint; /* of its numbers that are not 0, or its text; NULL: none */
    bool tail;         /* where it is cut its end stays */
    bool no_time;      /* something in it is not a time */
    size_t digits;     /* that are shown of its seconds' fractions; 0: no times, or all of them */
    char last[TIME];   /* its last time */
} column;

/* How a cell is set. */
typedef struct setting {
    size_t width;
    bool right, last; /* last: of its line, not padded */
    bool cut, tail;
    const char *paint; /* NULL: none */
} setting;

struct tl_table {
    tl_output out;
    const char *const *names;
    size_t columns, last; /* last: of those shown */
    column *col;
    bool flowing;
    tl_text kept; /* the sample: cells' texts, one after the other */
    size_t *ends; /* where each ends in `kept` */
    struct look {
        bool right; /* a number */
        const char *paint;
    } * look; /* likewise: how it is set */
    size_t cells, room;
    tl_text line;
};

/* A point in time as tl_text_time() writes it. */
static bool is_time(const char *p, size_t n)
{
    return n == TIME && p[4] == '-' && p[7] == '-' && p[10] == 'T' && p[13] == ':' && p[16] == ':' && p[SECONDS - 1] == '.' &&
           p[TIME - 1] == 'Z';
}

static const char bold[] = "\x1b[1m", faint[] = "\x1b[2m", red[] = "\x1b[31m", yellow[] = "\x1b[33m", plain[] = "\x1b[0m";

static const char *paint_of(const char *name)
{
    if (strcmp(name, "capture_loss") == 0 || strcmp(name, "match") == 0) return red;
    return strcmp(name, "unknown_loss") == 0 || strcmp(name, "missing") == 0 ? yellow : NULL;
}

tl_table *tl_table_new(const tl_output *out, const char *const *names, size_t columns)
{
    tl_table *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    t->out = *out;
    t->names = names;
    t->columns = columns;
    t->last = columns - 1;
    t->col = calloc(columns, sizeof *t->col);
    if (t->col == NULL) {
        free(t);
        return NULL;
    }
    for (size_t i = 0; i < columns; i++) {
        t->col[i].quantity = out->humane ? tl_quantity_of(names[i]) : TL_NAME;
        t->col[i].paint = out->coloured ? paint_of(names[i]) : NULL;
        t->col[i].tail = strcmp(names[i], "before") == 0; /* what stands before a hit */
    }
    return t;
}

void tl_table_free(tl_table *t)
{
    if (t == NULL) return;
    tl_text_free(&t->kept);
    tl_text_free(&t->line);
    free(t->ends);
    free(t->look);
    free(t->col);
    free(t);
}

static void pad(tl_text *line, size_t n, char with)
{
    for (size_t i = 0; i < n; i++) tl_text_bytes(line, &with, 1);
}

/* Cuts [p, p + n) to the width, a cut told with "~", and pads it. */
static void add_cell(tl_text *line, const char *p, size_t n, setting how)
{
    size_t used = tl_text_columns(p, n), take = n, from = 0;
    bool short_of = how.cut && used > how.width;
    if (short_of && how.tail)
        from = tl_text_end(p, n, how.width, &used);
    else if (short_of)
        take = tl_text_beginning(p, n, how.width, &used);
    if (short_of) used++;
    size_t space = used < how.width ? how.width - used : 0;
    if (how.right) pad(line, space, ' ');
    if (n == 0) how.paint = NULL;
    if (how.paint != NULL) tl_text_add(line, how.paint);
    if (short_of && how.tail) tl_text_add(line, "~");
    tl_text_bytes(line, p + from, take - from);
    if (short_of && !how.tail) tl_text_add(line, "~");
    if (how.paint != NULL) tl_text_add(line, plain);
    if (!how.right && !how.last) pad(line, space, ' ');
    if (!how.last) pad(line, BETWEEN, ' ');
}

/* Column i's cell in `look`, or (look NULL) its name. */
static setting setting_of(const tl_table *t, size_t i, const struct look *look)
{
    setting how = {.width = t->col[i].width, .last = i == t->last, .cut = t->out.width > 0};
    how.right = look != NULL ? look->right || t->col[i].tail : !t->col[i].words || t->col[i].tail;
    how.tail = look != NULL && t->col[i].tail;
    how.paint = look != NULL ? look->paint : t->out.coloured ? bold : NULL;
    return how;
}

static tl_rc write_line(tl_table *t)
{
    while (t->line.n > 0 && t->line.p[t->line.n - 1] == ' ') t->line.n--; /* padding before empty cells */
    tl_text_add(&t->line, "\n");
    if (t->line.failed) return TL_ENOMEM;
    tl_rc rc = t->out.write(t->out.to, tl_span_of(t->line.p, t->line.n));
    tl_text_reset(&t->line);
    return rc;
}

/* Column i's width where those that give way have `most`: half a time is none. */
static size_t width_of(const tl_table *t, size_t i, size_t most)
{
    const column *c = &t->col[i];
    bool rigid = c->digits > 0 && c->width < t->out.width;
    return c->width < most || rigid ? c->width : most;
}

/* Of the columns shown, none that gives way counted wider than `most`. */
static size_t total_width(const tl_table *t, size_t most)
{
    size_t total = 0;
    for (size_t i = 0; i <= t->last; i++)
        if (!t->col[i].hidden) total += width_of(t, i, most) + (total > 0 ? BETWEEN : 0);
    return total;
}

/* Where a long name may be broken: after the underscore nearest to its middle; 0: nowhere. */
static size_t break_of(const char *name)
{
    size_t n = strlen(name), best = 0;
    for (size_t i = 1; n >= SHORT_NAME && i < n; i++) {
        size_t worse = best > n - best ? best : n - best, here = i > n - i ? i : n - i;
        if (name[i - 1] == '_' && (best == 0 || here < worse)) best = i;
    }
    return best;
}

/* The width of a column is that of its cells, and of its name. */
static void name_columns(tl_table *t, bool breaking)
{
    for (size_t i = 0; i < t->columns; i++) {
        column *c = &t->col[i];
        size_t n = strlen(t->names[i]);
        c->broken = breaking ? break_of(t->names[i]) : 0;
        size_t name = c->broken > n - c->broken ? c->broken : n - c->broken;
        c->width = c->cells > name ? c->cells : name;
    }
}

static bool is_asked_for(const char *name)
{
    static const char *const names[] = {"capture_loss", "unknown_loss", "missing", "summary", "asked",      "answered", "latency_ms",
                                        "before",       "match",        "after",   "size",    "media_type", NULL};
    size_t i = 0;
    while (names[i] != NULL && strcmp(names[i], name) != 0) i++;
    return names[i] != NULL;
}

/* Leaves out one more column, never the first.  false: there is no other. */
static bool hide_one(tl_table *t)
{
    size_t i = t->columns - 1;
    while (i > 0 && (t->col[i].hidden || is_asked_for(t->names[i]))) i--;
    if (i == 0) i = t->last;
    t->col[i].hidden = i > 0;
    while (t->col[t->last].hidden) t->last--;
    return i > 0;
}

static void shorten_times(tl_table *t)
{
    for (size_t i = 0; i < t->columns; i++) {
        column *c = &t->col[i];
        if (c->digits > 3) c->cells = SECONDS + (c->digits = 3);
    }
}

/* Makes the line fit: names are broken, columns go, then the widest of the others are levelled down together. */
static void fit(tl_table *t)
{
    name_columns(t, false);
    if (t->out.width == 0 || total_width(t, SIZE_MAX) <= t->out.width) return;
    name_columns(t, true);
    if (total_width(t, COMFORT) > t->out.width) {
        shorten_times(t);
        name_columns(t, true);
    }
    while (total_width(t, COMFORT) > t->out.width && hide_one(t)) {
    }
    size_t most = t->out.width;
    while (most > 1 && total_width(t, most) > t->out.width) most--;
    for (size_t i = 0; i < t->columns; i++) t->col[i].width = width_of(t, i, most);
}

/* A column's name or a part of it, safe to show, in `name` (reused). */
static void safe_name(tl_text *name, const char *raw, size_t n)
{
    tl_cell c = {.kind = TL_CELL_TEXT, .bytes = tl_span_of(raw, n)};
    tl_text_reset(name);
    tl_text_add(name, "");
    tl_cell_text(name, &c, TL_TABLE_CELL);
}

/* One line of names: the upper parts of those that are broken, or all the rest. */
static tl_rc write_names(tl_table *t, bool upper)
{
    tl_text name = {0};
    for (size_t i = 0; i <= t->last && !t->line.failed; i++) {
        size_t broken = t->col[i].broken;
        if (t->col[i].hidden) continue;
        if (upper)
            safe_name(&name, t->names[i], broken);
        else
            safe_name(&name, t->names[i] + broken, strlen(t->names[i]) - broken);
        if (name.failed)
            t->line.failed = true;
        else
            add_cell(&t->line, name.p, name.n, setting_of(t, i, NULL));
    }
    tl_text_free(&name);
    return write_line(t);
}

static tl_rc write_title(tl_table *t)
{
    if (t->out.coloured) tl_text_add(&t->line, bold);
    tl_text_add(&t->line, t->out.title);
    if (t->out.coloured) tl_text_add(&t->line, plain);
    return write_line(t);
}

static tl_rc write_head(tl_table *t)
{
    tl_rc rc = TL_OK;
    bool broken = false;
    for (size_t i = 0; i <= t->last; i++) broken = broken || (!t->col[i].hidden && t->col[i].broken > 0);
    if (t->out.title != NULL) rc = write_title(t);
    if (rc == TL_OK && broken) rc = write_names(t, true);
    if (rc == TL_OK) rc = write_names(t, false);
    if (t->out.coloured) tl_text_add(&t->line, faint);
    for (size_t i = 0; i <= t->last; i++) {
        if (t->col[i].hidden) continue;
        pad(&t->line, t->col[i].width, '-');
        if (i < t->last) pad(&t->line, BETWEEN, ' ');
    }
    if (t->out.coloured) tl_text_add(&t->line, plain);
    return rc == TL_OK ? write_line(t) : rc;
}

/* Adds column i's cell to the line; a time as short as the column's are. */
static void add_shown(tl_table *t, size_t i, const char *p, size_t n, const struct look *look)
{
    char time[TIME];
    size_t digits = t->col[i].digits;
    if (digits > 0 && is_time(p, n)) {
        memcpy(time, p, TIME);
        time[10] = ' ';
        p = time;
        n = SECONDS + digits;
    }
    add_cell(&t->line, p, n, setting_of(t, i, look));
}

/* Fixes the widths, writes the head and the rows kept so far. */
static tl_rc flow(tl_table *t)
{
    for (size_t i = 0; i < t->columns; i++)
        if (t->col[i].digits > 0) t->col[i].cells = SECONDS + t->col[i].digits;
    fit(t);
    t->flowing = true;
    tl_rc rc = write_head(t);
    for (size_t cell = 0, at = 0; cell < t->cells && rc == TL_OK; at = t->ends[cell++]) {
        size_t i = cell % t->columns;
        if (!t->col[i].hidden) add_shown(t, i, t->kept.p + at, t->ends[cell] - at, &t->look[cell]);
        if (i + 1 == t->columns) rc = write_line(t);
    }
    tl_text_free(&t->kept);
    t->cells = 0;
    return rc;
}

static bool is_number(const tl_cell *c)
{
    return c->kind == TL_CELL_INTEGER || c->kind == TL_CELL_REAL;
}

static size_t cell_most(const tl_table *t, const tl_cell *c)
{
    return t->out.width > 0 || c->kind == TL_CELL_BLOB ? TL_TABLE_CELL : SIZE_MAX;
}

static void add_text(tl_table *t, tl_text *to, size_t i, const tl_cell *c)
{
    const size_t end = TL_TABLE_CELL / 4; /* \xNN */
    if (c->kind == TL_CELL_INTEGER) {
        tl_humane_add(to, t->col[i].quantity, c->integer);
    } else if (t->col[i].tail && c->kind == TL_CELL_BLOB && c->bytes.n > end) {
        const tl_cell last = {.kind = TL_CELL_BLOB, .bytes = tl_span_of(c->bytes.p + c->bytes.n - end, end)};
        tl_text_add(to, "...");
        tl_cell_text(to, &last, TL_TABLE_CELL);
    } else {
        tl_cell_text(to, c, cell_most(t, c));
    }
}

static struct look look_of(const tl_table *t, size_t i, const tl_cell *c)
{
    bool painted = c->kind == TL_CELL_INTEGER ? c->integer != 0 : c->kind == TL_CELL_BLOB;
    return (struct look){.right = is_number(c), .paint = painted ? t->col[i].paint : NULL};
}

/* Milliseconds, unless a row differs from the one before it in less. */
static void look_at_time(column *c, const char *p, size_t n)
{
    if (c->no_time || !is_time(p, n)) {
        c->no_time = true;
        c->digits = 0;
        return;
    }
    size_t digits = 3;
    if (c->last[0] != '\0' && memcmp(c->last, p, TIME) != 0)
        while (digits < 9 && memcmp(c->last, p, SECONDS + digits) == 0) digits += 3;
    if (digits > c->digits) c->digits = digits;
    memcpy(c->last, p, TIME);
}

static tl_rc keep_row(tl_table *t, const tl_cell *cells)
{
    if (t->cells + t->columns > t->room) {
        size_t room = (t->room + t->columns) * 2;
        size_t *ends = realloc(t->ends, room * sizeof *ends);
        if (ends != NULL) t->ends = ends;
        struct look *look = realloc(t->look, room * sizeof *look);
        if (look != NULL) t->look = look;
        if (ends == NULL || look == NULL) return TL_ENOMEM;
        t->room = room;
    }
    for (size_t i = 0; i < t->columns; i++) {
        size_t from = t->kept.n;
        add_text(t, &t->kept, i, &cells[i]);
        if (t->kept.failed) return TL_ENOMEM;
        size_t width = t->kept.n == from ? 0 : tl_text_columns(t->kept.p + from, t->kept.n - from);
        if (width > t->col[i].cells) t->col[i].cells = width;
        if (!is_number(&cells[i]) && cells[i].kind != TL_CELL_NULL) t->col[i].words = true;
        if (t->out.humane && cells[i].kind != TL_CELL_NULL) look_at_time(&t->col[i], t->kept.p + from, t->kept.n - from);
        t->look[t->cells] = look_of(t, i, &cells[i]);
        t->ends[t->cells++] = t->kept.n;
    }
    return TL_OK;
}

/* One row downwards. */
static tl_rc write_record(tl_table *t, const tl_cell *cells)
{
    size_t widest = 0;
    tl_rc rc = TL_OK;
    tl_text cell = {0};
    for (size_t i = 0; i < t->columns; i++)
        if (strlen(t->names[i]) > widest) widest = strlen(t->names[i]);
    if (t->out.title != NULL) rc = write_title(t);
    for (size_t i = 0; i < t->columns && rc == TL_OK; i++) {
        if (cells[i].kind == TL_CELL_NULL || (!is_number(&cells[i]) && cells[i].bytes.n == 0)) continue;
        safe_name(&cell, t->names[i], strlen(t->names[i]));
        if (!cell.failed) add_cell(&t->line, cell.p, cell.n, (setting){.width = widest, .paint = t->out.coloured ? bold : NULL});
        tl_text_reset(&cell);
        add_text(t, &cell, i, &cells[i]);
        struct look look = look_of(t, i, &cells[i]);
        size_t room = t->out.width > widest + BETWEEN ? t->out.width - widest - BETWEEN : 1;
        if (!cell.failed)
            add_cell(&t->line, cell.p, cell.n, (setting){.width = room, .last = true, .cut = t->out.width > 0, .paint = look.paint});
        if (cell.failed) t->line.failed = true;
        rc = write_line(t);
    }
    tl_text_free(&cell);
    return rc;
}

tl_rc tl_table_add(tl_table *t, const tl_cell *cells)
{
    if (t->out.record) return write_record(t, cells);
    if (!t->flowing) {
        tl_rc rc = keep_row(t, cells);
        if (rc == TL_OK && (t->cells / t->columns >= TL_TABLE_SAMPLE || t->kept.n >= TL_TABLE_BYTES)) rc = flow(t);
        return rc;
    }
    for (size_t i = 0; i <= t->last; i++) {
        if (t->col[i].hidden) continue;
        struct look look = look_of(t, i, &cells[i]);
        tl_text_reset(&t->kept);
        add_text(t, &t->kept, i, &cells[i]);
        if (t->kept.failed) return TL_ENOMEM;
        add_shown(t, i, t->kept.p == NULL ? "" : t->kept.p, t->kept.n, &look);
    }
    return write_line(t);
}

tl_rc tl_table_end(tl_table *t)
{
    tl_rc rc = TL_OK;
    if (!t->flowing) {
        bool told = t->out.width == 0 || t->out.title != NULL || t->out.record || t->out.silent;
        if (t->cells == 0 && told) return TL_OK;
        if (t->cells == 0) {
            tl_text_add(&t->line, "(no rows)");
            return write_line(t);
        }
        rc = flow(t);
    }
    size_t left_out = 0;
    for (size_t i = 0; i < t->columns && rc == TL_OK; i++) {
        if (!t->col[i].hidden) continue;
        tl_text_add(&t->line, left_out++ == 0 ? "(no room for: " : ", ");
        tl_text_add(&t->line, t->names[i]);
    }
    if (left_out == 0) return rc;
    tl_text_add(&t->line, ")");
    return write_line(t);
}
