/*
** report_parts.h - the pieces of the page: charts and tables.
*/
#ifndef TL_QUERY_REPORT_PARTS_H
#define TL_QUERY_REPORT_PARTS_H

#include "query/html.h"
#include "query/report_facts.h"

/* ---- charts (report_chart.c): inline SVG with a title and a description, coloured by classes of report/style.css ---- */

/* A part of a whole: which class paints it, what it is called. */
typedef struct share {
    const char *paint, *name;
    int64_t n;
} share;

/* What the colours mean: of bars of bytes, or of those that tell what is in messages, too. */
void chart_legend(html *h, bool messages);
/* One bar from left to right: the shares of their sum, each that is not nothing wide enough to be seen. */
void chart_shares(html *h, const char *title, const char *unit, const share *shares, size_t n);
/* The facts "timeline": stored bytes above, losses below, each on a scale of its own. */
void chart_timeline(html *h, const facts *timeline);
/* The facts "gap_map" of one session and sender as a bar; false: it has no such stream, or one without bytes. */
bool chart_gap_map(html *h, const facts *map, int64_t session, const char *sender);

/* ---- tables (report_table.c) ---- */

typedef enum column_kind { COL_TEXT, COL_PROSE, COL_CODE, COL_WIDE, COL_HASH, COL_COUNT, COL_TIME, COL_SHARE, COL_ID } column_kind;

typedef struct column {
    const char *name, *head; /* in the facts; on the page */
    column_kind kind;        /* COL_ID: a number to ask with, so without commas */
    const char *of;          /* COL_SHARE: the fact that is the whole; COL_WIDE: what stands below in small, or NULL */
} column;

/* A table with caption; its first column heads each row.  A row whose first fact is NULL sums up others: it becomes the table's foot.
** sorted: the reader may sort and filter it. */
void table_write(html *h, const facts *f, const column *columns, size_t n, const char *caption, bool sorted);

/* The sections of the page below the summary (report_sections.c). */
void report_sections(html *h, const tl_report *p);

#endif
