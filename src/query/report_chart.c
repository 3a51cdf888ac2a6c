/*
** report_chart.c - bars and timelines as inline SVG.
**
** Charts have no text of their own: they stretch with the page, and what has to be read stands beside them as HTML.  A share, however
** small, gets a width or height that can be seen: a page on loss must not round it away.  Bars are drawn in percent of the page's width,
** so that their patterns and strokes stay as they are on a narrow one; timelines are stretched.
*/
#include "query/report_parts.h"
#include <string.h>

enum { WIDE = 1000, TALL = 100, CELL_SEEN = 4 };

/* Opens the drawing and its two texts; the description is left open for the caller, who ends it with open_drawing_end.  stretched: so many
** units wide and TALL high, whatever the page; 0: in percent and pixels. */
static void open_drawing(html *h, int stretched, const char *title)
{
    html_lit(h, "<svg class=\"chart\" role=\"img\"");
    if (stretched > 0) {
        html_lit(h, " preserveAspectRatio=\"none\" viewBox=\"0 0 ");
        html_number(h, stretched);
        html_lit(h, " ");
        html_number(h, TALL);
        html_lit(h, "\"");
    }
    html_lit(h, " aria-labelledby=\"");
    html_id(h);
    html_lit(h, " ");
    html_id(h);
    html_lit(h, "\"><title id=\"");
    html_id_again(h, 1);
    html_lit(h, "\">");
    html_text(h, title);
    html_lit(h, "</title><desc id=\"");
    html_id_again(h, 0);
    html_lit(h, "\">");
}

static void open_drawing_end(html *h)
{
    html_lit(h, "</desc>");
}

static void open_rect(html *h, const char *paint, double x, double y, double width, double height)
{
    html_lit(h, "<rect class=\"");
    html_text(h, paint);
    html_lit(h, "\" x=\"");
    html_number(h, x);
    html_lit(h, "\" y=\"");
    html_number(h, y);
    html_lit(h, "\" width=\"");
    html_number(h, width);
    html_lit(h, "\" height=\"");
    html_number(h, height);
    html_lit(h, "\">");
}

/* Of a bar that is WIDE. */
static void part(html *h, const char *paint, double x, double width)
{
    html_lit(h, "<rect class=\"");
    html_text(h, paint);
    html_lit(h, "\" x=\"");
    html_number(h, x * 100 / WIDE);
    html_lit(h, "%\" width=\"");
    html_number(h, width * 100 / WIDE);
    html_lit(h, "%\" height=\"100%\"></rect>");
}

static void rect(html *h, const char *paint, double x, double y, double width, double height)
{
    open_rect(h, paint, x, y, width, height);
    html_lit(h, "</rect>");
}

void chart_legend(html *h, bool messages)
{
    html_lit(h, "<p class=\"legend\"><span><i class=\"stored\"></i>");
    html_text(h, messages ? "stored, in a message" : "captured");
    html_lit(h, "</span> ");
    if (messages) html_lit(h, "<span><i class=\"unframed\"></i>stored, but in no message</span> ");
    html_lit(h, "<span><i class=\"lost\"></i>capture loss</span> <span><i class=\"unknown\"></i>unknown loss</span></p>\n");
}

void chart_shares(html *h, const char *title, const char *unit, const share *shares, size_t n)
{
    double whole = 0, spare = WIDE, x = 0;
    for (size_t i = 0; i < n; i++) whole += (double)shares[i].n;
    for (size_t i = 0; i < n; i++) spare -= shares[i].n > 0 ? CELL_SEEN : 0;
    open_drawing(h, 0, title);
    for (size_t i = 0; i < n; i++) {
        if (i > 0) html_lit(h, "; ");
        html_text(h, shares[i].name);
        html_lit(h, ": ");
        html_of(h, shares[i].n, unit);
    }
    open_drawing_end(h);
    part(h, "nothing", 0, WIDE);
    for (size_t i = 0; i < n; i++) {
        if (shares[i].n <= 0) continue;
        double width = CELL_SEEN + spare * (double)shares[i].n / whole;
        part(h, shares[i].paint, x, width);
        x += width;
    }
    html_lit(h, "</svg>");
}

/* ---- the timeline ---- */

static int64_t largest(const facts *f, const char *fact)
{
    int64_t most = 0;
    for (size_t i = 0; i < f->n; i++)
        if (facts_number(f, i, fact) > most) most = facts_number(f, i, fact);
    return most;
}

static int64_t total(const facts *f, const char *fact)
{
    int64_t sum = 0;
    for (size_t i = 0; i < f->n; i++)
        if (__builtin_add_overflow(sum, facts_number(f, i, fact), &sum)) return INT64_MAX;
    return sum;
}

/* One column of bars, standing on the ground; `at` and `width` are parts of an interval's ten units. */
static void bars(html *h, const facts *f, const char *fact, const char *paint, int64_t scale, double at, double width)
{
    for (size_t i = 0; i < f->n; i++) {
        int64_t v = facts_number(f, i, fact);
        if (v <= 0) continue;
        double height = 2 + (TALL - 2) * (double)v / (double)scale;
        open_rect(h, paint, (double)i * 10 + at, TALL - height, width, height);
        html_lit(h, "<title>");
        html_time(h, facts_cell(f, i, "start"));
        html_lit(h, ": ");
        html_of(h, v, "byte");
        html_lit(h, "</title></rect>");
    }
}

static void panel_head(html *h, const char *name, int64_t most)
{
    html_lit(h, "<p class=\"scale\"><b>");
    html_text(h, name);
    html_lit(h, "</b> <span>top of the scale: ");
    html_size(h, most);
    html_lit(h, " an interval</span></p>");
}

static void ground(html *h, const facts *f)
{
    rect(h, "ground", 0, TALL - 0.5, (double)f->n * 10, 0.5);
}

void chart_timeline(html *h, const facts *f)
{
    int64_t capture = largest(f, "capture_loss"), unknown = largest(f, "unknown_loss"), stored = largest(f, "stored_bytes");
    int64_t lost = capture > unknown ? capture : unknown;
    int wide = (int)f->n * 10;
    html_lit(h, "<div class=\"time\">");
    panel_head(h, "Captured", stored);
    open_drawing(h, wide, "Captured bytes over time");
    html_of(h, total(f, "stored_bytes"), "byte");
    html_lit(h, " in ");
    html_of(h, (int64_t)f->n, "interval");
    html_lit(h, "; the table below has the figures.");
    open_drawing_end(h);
    bars(h, f, "stored_bytes", "stored", stored, 1, 8);
    ground(h, f);
    html_lit(h, "</svg>");
    if (lost > 0) {
        panel_head(h, "Missing", lost);
        open_drawing(h, wide, "Missing bytes over time");
        html_lit(h, "Capture loss ");
        html_of(h, total(f, "capture_loss"), "byte");
        html_lit(h, ", unknown loss ");
        html_of(h, total(f, "unknown_loss"), "byte");
        html_lit(h, "; the table below has the figures.");
        open_drawing_end(h);
        bars(h, f, "capture_loss", "lost", lost, 1, unknown > 0 ? 4 : 8);
        bars(h, f, "unknown_loss", "unknown", lost, capture > 0 ? 5 : 1, capture > 0 ? 4 : 8);
        ground(h, f);
        html_lit(h, "</svg>");
    } else {
        html_lit(h, "<p class=\"none\">Nothing is missing in any interval.</p>");
    }
    html_lit(h, "<p class=\"axis\"><span>");
    html_time(h, facts_cell(f, 0, "start"));
    html_lit(h, "</span><span>");
    html_time(h, facts_cell(f, f->n / 2, "start"));
    html_lit(h, "</span><span>");
    html_time(h, facts_cell(f, f->n - 1, "start"));
    html_lit(h, "</span></p>");
    if (lost > 0) chart_legend(h, false);
    html_lit(h, "</div>");
}

/* ---- gap maps ---- */

/* Later ones win where several fall into one cell: losses must be seen. */
enum paint { FRAMED, UNFRAMED, UNKNOWN, LOST };
static const char *const paints[] = {"stored", "unframed", "unknown", "lost"};

static enum paint paint_of(const facts *map, size_t row)
{
    return facts_is(map, row, "state", "capture_loss") ? LOST : facts_is(map, row, "state", "unknown_loss") ? UNKNOWN : UNFRAMED;
}

static void paint_part(uint8_t *cells, int64_t offset, int64_t length, int64_t whole, enum paint paint)
{
    double from = WIDE * ((double)offset / (double)whole), to = WIDE * (((double)offset + (double)length) / (double)whole);
    int first = from < 0 ? 0 : from > WIDE - 1 ? WIDE - 1 : (int)from, last = to > WIDE ? WIDE : (int)to + (to > (int)to);
    for (int i = first; i < last || i == first; i++)
        if (cells[i] < paint) cells[i] = (uint8_t)paint;
}

/* What the bar shows, in words. */
static void map_words(html *h, const int64_t bytes[4], const int64_t parts[4])
{
    static const char *const words[] = {"in messages", "stored, but in no message", "unknown loss", "capture loss"};
    for (int i = FRAMED; i <= LOST; i++) {
        if (i > FRAMED && parts[i] == 0) continue;
        if (i > FRAMED) html_lit(h, " · ");
        html_of(h, bytes[i], "byte");
        html_lit(h, " ");
        html_text(h, words[i]);
        if (parts[i] > 1) {
            html_lit(h, " (");
            html_of(h, parts[i], "part");
            if (parts[i] > 200) html_lit(h, ", the 200 longest drawn");
            html_lit(h, ")");
        }
    }
}

bool chart_gap_map(html *h, const facts *map, int64_t session, const char *sender)
{
    uint8_t cells[WIDE] = {FRAMED};
    int64_t whole = 0, bytes[4] = {0}, parts[4] = {0};
    for (size_t i = 0; i < map->n; i++) {
        if (facts_number(map, i, "session_id") != session || !facts_is(map, i, "sender", sender)) continue;
        if (facts_is(map, i, "state", "stream")) {
            whole = facts_number(map, i, "length");
            continue;
        }
        if (whole <= 0) break; /* the stream's own row comes first */
        enum paint paint = paint_of(map, i);
        paint_part(cells, facts_number(map, i, "stream_offset"), facts_number(map, i, "length"), whole, paint);
        bytes[paint] = facts_number(map, i, "bytes");
        parts[paint] = facts_number(map, i, "parts");
    }
    if (whole <= 0) return false;
    bytes[FRAMED] = whole;
    for (int i = UNFRAMED; i <= LOST; i++)
        if (__builtin_sub_overflow(bytes[FRAMED], bytes[i], &bytes[FRAMED])) bytes[FRAMED] = 0;
    html_lit(h, "<div class=\"map\"><p><b>");
    html_text(h, strcmp(sender, "client") == 0 ? "client → server" : "server → client");
    html_lit(h, "</b> <span>");
    html_of(h, whole, "byte");
    html_lit(h, "</span></p>");
    open_drawing(h, 0, strcmp(sender, "client") == 0 ? "Bytes from client to server" : "Bytes from server to client");
    map_words(h, bytes, parts);
    open_drawing_end(h);
    for (int i = 0, run; i < WIDE; i += run) {
        for (run = 1; i + run < WIDE && cells[i + run] == cells[i]; run++) {
        }
        part(h, paints[cells[i]], i, run);
    }
    html_lit(h, "</svg><p class=\"words\">");
    map_words(h, bytes, parts);
    html_lit(h, "</p></div>");
    return true;
}
