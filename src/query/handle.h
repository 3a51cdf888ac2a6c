/*
** handle.h - what a reader is, for the files of this folder only.
*/
#ifndef TL_QUERY_HANDLE_H
#define TL_QUERY_HANDLE_H

#include "query/known.h"
#include "query/query.h"
#include "query/where.h"
#include <sqlite3.h>

struct tl_reader {
    sqlite3 *db;
    tl_known *known;
    tl_error error;
    unsigned limit_s;       /* 0: none */
    int64_t deadline_ns;    /* monotonic; INT64_MAX: none */
    bool late;              /* the deadline stopped the statement */
    sqlite3_stmt *still;    /* of tl_reader_hold() */
    struct tl_sieve *sieve; /* that sifts at the moment (sieve.c) */
};

/* Room for what SQLite may be asked to hold in one piece: a chunk is 70 KB at most, a row's text far less. */
enum { TL_CHUNK_LIMIT = 1 << 20, TL_VALUE_LIMIT = 16 << 20 };

/* Turns SQLite's last failure on the handle into r->error and returns its code: EUSAGE for a bad or refused statement, else ESQL. */
tl_rc tl_reader_fail(tl_reader *r, int sqlite_rc);
/* Prepares one statement that only reads; a second one after it is refused. */
TL_MUST_USE tl_rc tl_reader_prepare(tl_reader *r, const char *sql, sqlite3_stmt **out);
TL_MUST_USE tl_rc tl_reader_bind(tl_reader *r, sqlite3_stmt *s, const tl_param *params, size_t n);
/* Prepares `select`, which reads a table that it calls x and has no WHERE, for the sessions that pass the filter.  order: "" or an
** ORDER BY.  ?1 is f->host: f stays as long. */
TL_MUST_USE tl_rc tl_filter_prepare(tl_reader *r, const tl_filter *f, const char *select, const char *order, sqlite3_stmt **out);
/* Does every session pass?  (Its limit is not looked at.) */
bool tl_filter_is_all(const tl_filter *f);
/* Sets the time limit going for one statement. */
void tl_reader_start(tl_reader *r);
/* Has it passed?  For loops that SQLite does not watch; EUSAGE and the text in r->error when it has. */
TL_MUST_USE tl_rc tl_reader_look(tl_reader *r);
/* ?1, ?2, ...; EUSAGE when the statement has more of them. */
TL_MUST_USE tl_rc tl_reader_bind(tl_reader *r, sqlite3_stmt *s, const tl_param *params, size_t n);

#endif
