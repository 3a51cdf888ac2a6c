/*
** report_table.c - facts as HTML tables.
**
** Headers are plain text: a script turns them into buttons where it runs (report/tables.js), so that a page without it has no dead ones.
** A cell that is to be sorted by more than its text carries its number in data-v.
*/
#include "query/report_parts.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_right(column_kind kind)
{
    return kind == COL_COUNT || kind == COL_SHARE || kind == COL_ID;
}

static void data_value(html *h, int64_t n)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, n);
    html_lit(h, " data-v=\"");
    html_text(h, digits);
    html_lit(h, "\"");
}

static void open_cell(html *h, bool head, const column *c, const facts *f, size_t row)
{
    if (head)
        html_lit(h, "<th scope=\"row\"");
    else
        html_lit(h, "<td");
    if (is_right(c->kind)) html_lit(h, " class=\"n\"");
    if (c->kind == COL_TEXT) html_lit(h, " class=\"t\"");
    if (c->kind == COL_PROSE) html_lit(h, " class=\"p\"");
    if (c->kind == COL_CODE) html_lit(h, " class=\"c\"");
    if (c->kind == COL_WIDE) html_lit(h, " class=\"c w\"");
    if (c->kind == COL_HASH) html_lit(h, " class=\"c h\"");
    if (c->kind == COL_COUNT || c->kind == COL_ID) data_value(h, facts_number(f, row, c->name));
    html_lit(h, ">");
}

static void cell_text(html *h, const column *c, const facts *f, size_t row)
{
    tl_cell cell = facts_cell(f, row, c->name);
    bool no_share = c->kind == COL_SHARE && facts_number(f, row, c->of) == 0;
    if (cell.kind == TL_CELL_NULL || no_share) {
        html_lit(h, "<span class=\"null\" title=\"not known\">–</span>");
        return;
    }
    switch (c->kind) {
    case COL_COUNT:
        if (cell.kind == TL_CELL_INTEGER)
            html_count(h, cell.integer);
        else
            html_cell(h, cell);
        break;
    case COL_TIME: html_time(h, cell); break;
    case COL_SHARE: html_share(h, facts_number(f, row, c->name), facts_number(f, row, c->of)); break;
    case COL_WIDE:
        html_cell(h, cell);
        if (c->of == NULL || facts_cell(f, row, c->of).kind == TL_CELL_NULL) break;
        html_lit(h, "<small>");
        html_cell(h, facts_cell(f, row, c->of));
        html_lit(h, "</small>");
        break;
    case COL_TEXT:
    case COL_PROSE:
    case COL_CODE:
    case COL_HASH:
    case COL_ID: html_cell(h, cell); break;
    }
}

static void write_row(html *h, const facts *f, const column *columns, size_t n, size_t row, bool sum)
{
    html_lit(h, "<tr>");
    for (size_t i = 0; i < n; i++) {
        open_cell(h, i == 0, &columns[i], f, row);
        /* Of others nothing but the sums is known. */
        bool known = facts_cell(f, row, columns[i].name).kind != TL_CELL_NULL;
        if (!sum || known)
            cell_text(h, &columns[i], f, row);
        else if (i == 0)
            html_lit(h, "others");
        if (i == 0)
            html_lit(h, "</th>");
        else
            html_lit(h, "</td>");
    }
    html_lit(h, "</tr>\n");
}

void table_write(html *h, const facts *f, const column *columns, size_t n, const char *caption, bool sorted)
{
    bool sum = f->n > 0 && f->cells[(f->n - 1) * f->n_columns].kind == TL_CELL_NULL;
    html_lit(h, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"");
    html_id(h);
    html_lit(h, "\"><table");
    if (sorted) html_lit(h, " data-sort=\"\"");
    html_lit(h, "><caption id=\"");
    html_id_again(h, 0);
    html_lit(h, "\">");
    html_text(h, caption);
    html_lit(h, "</caption><thead><tr>");
    for (size_t i = 0; i < n; i++) {
        html_lit(h, "<th scope=\"col\"");
        if (is_right(columns[i].kind)) html_lit(h, " class=\"n\"");
        html_lit(h, ">");
        html_text(h, columns[i].head);
        html_lit(h, "</th>");
    }
    html_lit(h, "</tr></thead><tbody>\n");
    for (size_t i = 0; i < f->n - sum; i++) write_row(h, f, columns, n, i, false);
    html_lit(h, "</tbody>");
    if (sum) {
        html_lit(h, "<tfoot>");
        write_row(h, f, columns, n, f->n - 1, true);
        html_lit(h, "</tfoot>");
    }
    html_lit(h, "</table></div>\n");
}
