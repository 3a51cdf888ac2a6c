/*
** report.h - a report on a database as a whole: its facts, and the page made of them.
**
** Constructor: tl_report_new.  Destructor: tl_report_free.  Methods: rows, page.
** The facts are asked once, by the files of report/ (their comments say what each section means), from one state of the database; rows
** and page write the same ones.  Sections are bounded whatever the size of the database: the first N, and the others as a sum.
** The same database gives the same bytes: neither the time nor the machine of the asking is in them.
*/
#ifndef TL_QUERY_REPORT_H
#define TL_QUERY_REPORT_H

#include "query/query.h"

typedef struct tl_report tl_report;

/* NULL: tl_reader_error(r) says why.  r is needed no longer than this call. */
tl_report *tl_report_new(tl_reader *r);
void tl_report_free(tl_report *p); /* NULL is fine */

/* All sections as rows, one below the other: as JSON one object with an array for each.  OK, ENOMEM, or what write() said. */
TL_MUST_USE tl_rc tl_report_rows(const tl_report *p, const tl_output *out);
/* One HTML page that needs nothing else.  name: of the database, as the reader of the page should see it.  ENOMEM, or what write() said. */
TL_MUST_USE tl_rc tl_report_page(const tl_report *p, const char *name, tl_write_fn write, void *to);

#endif
