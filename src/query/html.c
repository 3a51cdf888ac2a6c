/*
** html.c - see html.h.
*/
#include "query/html.h"
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { CELL_MOST = 1000 };

void html_free(html *h)
{
    tl_text_free(&h->out);
    tl_text_free(&h->cell);
}

void html_markup(html *h, const char *literal, size_t n)
{
    tl_text_bytes(&h->out, literal, n);
}

void html_file(html *h, const char *text)
{
    tl_text_add(&h->out, text);
}

/* Readable bytes, with the five that mean something in HTML named. */
static void add_escaped(html *h, const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        switch (p[i]) {
        case '&': tl_text_add(&h->out, "&amp;"); break;
        case '<': tl_text_add(&h->out, "&lt;"); break;
        case '>': tl_text_add(&h->out, "&gt;"); break;
        case '"': tl_text_add(&h->out, "&quot;"); break;
        case '\'': tl_text_add(&h->out, "&#39;"); break;
        default: tl_text_bytes(&h->out, p + i, 1); break;
        }
    }
}

void html_cell(html *h, tl_cell c)
{
    tl_text_reset(&h->cell);
    tl_cell_text(&h->cell, &c, CELL_MOST);
    if (h->cell.failed) h->out.failed = true;
    add_escaped(h, h->cell.p == NULL ? "" : h->cell.p, h->cell.n);
}

void html_text(html *h, const char *s)
{
    html_cell(h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(s, strlen(s))});
}

void html_count(html *h, int64_t n)
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n < 0 ? 0 - (uint64_t)n : (uint64_t)n);
    if (n < 0) tl_text_add(&h->out, "-");
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0) tl_text_add(&h->out, ",");
        tl_text_bytes(&h->out, digits + i, 1);
    }
}

void html_of(html *h, int64_t n, const char *word)
{
    html_count(h, n);
    tl_text_add(&h->out, " ");
    html_text(h, word);
    if (n != 1) tl_text_add(&h->out, "s");
}

void html_size(html *h, int64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    double v = (double)bytes;
    size_t unit = 0;
    if (bytes < 1000) {
        html_of(h, bytes, "byte");
        return;
    }
    for (v /= 1000; v >= 999.5; v /= 1000) unit++;
    tl_text_printf(&h->out, "%.*f %s", v < 9.995 ? 2 : v < 99.95 ? 1 : 0, v, units[unit]);
}

void html_share(html *h, int64_t part, int64_t whole)
{
    double percent = whole > 0 ? 100.0 * (double)part / (double)whole : 0;
    if (part > 0 && percent < 0.01)
        tl_text_add(&h->out, "&lt;0.01 %");
    else if (part < whole && percent > 99.99)
        tl_text_add(&h->out, "&gt;99.99 %");
    else
        tl_text_printf(&h->out, "%.*f %%", part == 0 || part == whole ? 0 : percent < 1 || percent > 99 ? 2 : 1, percent);
}

void html_number(html *h, double v)
{
    char text[40];
    if (!isfinite(v)) v = 0;
    int n = snprintf(text, sizeof text, "%.3f", v);
    if (n < 0 || n >= (int)sizeof text) n = snprintf(text, sizeof text, "0");
    while (n > 1 && strchr(text, '.') != NULL && (text[n - 1] == '0' || text[n - 1] == '.')) {
        bool point = text[--n] == '.';
        text[n] = '\0';
        if (point) break;
    }
    tl_text_add(&h->out, text);
}

void html_duration(html *h, double seconds)
{
    static const struct {
        double below, worth;
        const char *name;
    } units[] = {{1, 0.001, "ms"}, {120, 1, "s"}, {7200, 60, "min"}, {172800, 3600, "h"}, {0, 86400, "days"}};
    size_t i = 0;
    while (i + 1 < sizeof units / sizeof units[0] && seconds >= units[i].below) i++;
    html_number(h, seconds / units[i].worth);
    tl_text_add(&h->out, " ");
    tl_text_add(&h->out, units[i].name);
}

void html_time(html *h, tl_cell c)
{
    enum { SHOWN = 23, DATE = 10 };
    if (c.kind != TL_CELL_TEXT || c.bytes.n < SHOWN || c.bytes.p[DATE] != 'T') {
        html_cell(h, c);
        return;
    }
    html_lit(h, "<time datetime=\"");
    html_cell(h, c);
    html_lit(h, "\">");
    html_cell(h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(c.bytes.p, DATE)});
    html_lit(h, " ");
    html_cell(h, (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(c.bytes.p + DATE + 1, SHOWN - DATE - 1)});
    html_lit(h, "</time>");
}

void html_id(html *h)
{
    tl_text_printf(&h->out, "f%u", ++h->ids);
}

void html_id_again(html *h, unsigned ago)
{
    tl_text_printf(&h->out, "f%u", h->ids - ago);
}
