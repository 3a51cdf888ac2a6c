/*
** rows.h - rows as text: a table for people, CSV, JSON, JSON lines.
**
**     tl_rows_new → tl_rows_add for each row → tl_rows_end → tl_rows_free
**
** Safe whatever the cells hold: no control byte, no C1, bidirectional or invisible character leaves here but the newline that ends a
** line, and our own escape sequences where tl_output.coloured asks for them.  Text shows such bytes as \xNN; a blob also doubles its
** backslashes, so that its bytes can be told again. CSV is RFC 4180's, but lines end with a single newline.  A table looks at the
** first rows for the widths of its columns (at most TL_TABLE_SAMPLE rows, TL_TABLE_BYTES bytes), then writes as rows come; on a
** terminal nothing is wider than it.
*/
#ifndef TL_QUERY_ROWS_H
#define TL_QUERY_ROWS_H

#include "query/query.h"

enum { TL_TABLE_SAMPLE = 500, TL_TABLE_BYTES = 1 << 20, TL_TABLE_CELL = 2000 };

typedef enum tl_cell_kind { TL_CELL_NULL, TL_CELL_INTEGER, TL_CELL_REAL, TL_CELL_TEXT, TL_CELL_BLOB } tl_cell_kind;

typedef struct tl_cell {
    tl_cell_kind kind;
    int64_t integer;
    double real;
    tl_span bytes; /* TEXT, BLOB: borrowed for the call */
} tl_cell;

typedef struct tl_rows tl_rows;

/* names: borrowed until tl_rows_free.  NULL: no memory. */
tl_rows *tl_rows_new(const tl_output *out, const char *const *names, size_t columns);
void tl_rows_free(tl_rows *r); /* NULL is fine */
/* cells: one a column.  OK, ENOMEM, or what write() said. */
TL_MUST_USE tl_rc tl_rows_add(tl_rows *r, const tl_cell *cells);
TL_MUST_USE tl_rc tl_rows_end(tl_rows *r);

/* Runs one SELECT and hands each row to take(), whose cells are good for the call; anything but OK stops it with that code.
** Else as tl_reader_run. */
typedef tl_rc (*tl_row_fn)(void *to, const tl_cell *cells);
TL_MUST_USE tl_rc tl_reader_each(tl_reader *r, const char *sql, const tl_param *params, size_t n, tl_row_fn take, void *to);

/* A cell as plain safe text, for tables and CSV; most: bytes of it that are shown. */
void tl_cell_text(tl_text *t, const tl_cell *c, size_t most);
/* A cell as a JSON value. */
void tl_cell_json(tl_text *t, const tl_cell *c);

/* The table half of tl_rows (table.c). */
typedef struct tl_table tl_table;
tl_table *tl_table_new(const tl_output *out, const char *const *names, size_t columns);
void tl_table_free(tl_table *t);
TL_MUST_USE tl_rc tl_table_add(tl_table *t, const tl_cell *cells);
TL_MUST_USE tl_rc tl_table_end(tl_table *t);

#endif
