/*
** report_facts.h - the tables of facts behind a report, in memory; for the report_ files of this folder only.
*/
#ifndef TL_QUERY_REPORT_FACTS_H
#define TL_QUERY_REPORT_FACTS_H

#include "query/report.h"
#include "query/rows.h"

/* One file of report/ and its rows.  All memory is the report's. */
typedef struct facts {
    const char *name;  /* "sessions": the file's name without its number */
    const char *title; /* its first line */
    const char **columns;
    size_t n_columns, n;
    tl_cell *cells; /* n rows of n_columns */
} facts;

/* The section of that name: a name in our code, so there always is one. */
const facts *facts_of(const tl_report *p, const char *name);
/* A cell by its column's name; NULL kind where there is no such row. */
tl_cell facts_cell(const facts *f, size_t row, const char *column);
/* The same as a number; 0 where it is none. */
int64_t facts_number(const facts *f, size_t row, const char *column);
/* Is it this word? */
bool facts_is(const facts *f, size_t row, const char *column, const char *word);

#endif
