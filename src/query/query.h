/*
** query.h - reading.  Opens read-only; knows SELECT and nothing of writing.
**
** Constructor: tl_reader_open.  Destructor: tl_reader_close.  Methods: time_limit, run, payload; tl_where_check (where.h).
** A reader belongs to one thread.  The database is taken to be hostile: see known.h (what it may contain), authorizer.h (what a
** statement may do) and limits in reader.c (what it may cost).
*/
#ifndef TL_QUERY_H
#define TL_QUERY_H

#include "base/base.h"
#include "base/text.h"

struct sqlite3;

typedef struct tl_reader tl_reader;
typedef enum tl_format { TL_TABLE, TL_CSV, TL_JSON, TL_JSONL } tl_format;

/* NULL: *err says in one line why not: missing, damaged, not ours, newer than this program, or left by a crash with a hot journal. */
tl_reader *tl_reader_open(const char *path, tl_error *err);
void tl_reader_close(tl_reader *r);
/* From here on all is read from one state of the database, and without a lock for each statement, until release() or close(); a writer
** waits for it.  Not one in another. */
TL_MUST_USE tl_rc tl_reader_hold(tl_reader *r);
void tl_reader_release(tl_reader *r);
const tl_error *tl_reader_error(const tl_reader *r);
/* Each later run() may take so long; 0: any time. */
void tl_reader_time_limit(tl_reader *r, unsigned seconds);

/* A value for ?1, ?2, ... (bound, never pasted into SQL): text NULL means number. */
typedef struct tl_param {
    const char *text;
    int64_t number;
} tl_param;

typedef struct tl_output {
    tl_format format;
    size_t width;      /* columns of the terminal, for tables; 0: not a terminal, do not cut */
    bool humane;       /* tables: large numbers as people read them (humane.h) */
    bool coloured;     /* tables: names and losses stand out, by escape sequences of our own */
    tl_write_fn write; /* NULL: rows are only counted */
    void *to;
    const char *title; /* NULL: none.  A line above a table that has rows; the member "section" of JSON lines */
    bool silent;       /* tables: a terminal is not told that there are no rows */
    bool record;       /* tables: rows downwards, a line a column, for the few rows that are wide */
} tl_output;

/* Runs one SELECT (a second statement after it is refused) and writes its rows.  *rows (may be NULL): how many.
** EUSAGE: the statement is refused or wrong; ESQL: the database failed; END and others: what write() said. */
TL_MUST_USE tl_rc tl_reader_run(tl_reader *r, const char *sql, const tl_param *params, size_t n, const tl_output *out, uint64_t *rows);

/* The first column of the first row as a number; *found is false when there is no row or it is NULL. */
TL_MUST_USE tl_rc tl_reader_number(tl_reader *r, const char *sql, const tl_param *params, size_t n, int64_t *out, bool *found);

/* The captured bytes of [offset, offset + length) of one direction, in order; gaps are skipped, or written as zeros (in pieces of
** bounded size, whatever their length).  *missing: bytes of the range that are in gaps. */
TL_MUST_USE tl_rc tl_reader_payload(tl_reader *r, int64_t session, int direction, uint64_t offset, uint64_t length, bool gaps_zero,
                                    tl_write_fn write, void *to, uint64_t *written, uint64_t *missing);

/* The embedded files of queries/ by name without ".sql"; NULL: none of that name.  tl_query_at: by number, NULL past the last.
** Those named check_... return no rows on a sound database. */
typedef struct tl_named_query {
    const char *name, *title, *sql;
} tl_named_query;
const tl_named_query *tl_query_find(const char *name);
const tl_named_query *tl_query_at(size_t i);

#endif
