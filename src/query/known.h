/*
** known.h - the schema that this program was built with, held against the one a file claims to have.
**
** A database is data from a stranger, and its schema is code: a view in place of a table, a trigger or a generated column would run.
** So its tables and indices have to be, text for text, those of schema/ (comments and spacing apart), and anything else is refused.
** The views it carries are never run: the reader has its own, made as temporary views, which come first when names are looked up.
*/
#ifndef TL_QUERY_KNOWN_H
#define TL_QUERY_KNOWN_H

#include "base/base.h"
#include <sqlite3.h>

enum { TL_APPLICATION_ID = 0x54434C47 }; /* 'TCLG' */

typedef struct tl_known tl_known;

/* Reads the embedded schema and remembers it.  NULL: *err says why. */
tl_known *tl_known_new(tl_error *err);
void tl_known_free(tl_known *k); /* NULL is fine */
/* The number of the last migration: user_version of the databases we read. */
int tl_known_version(void);
/* Is the schema of db one of ours?  EUSAGE or ESQL with the reason in *err. */
TL_MUST_USE tl_rc tl_known_check(const tl_known *k, sqlite3 *db, tl_error *err);
/* Does sql name a view that tl_known_views has not made?  Making all of them takes half the time of a small question. */
bool tl_known_lacks(const tl_known *k, const char *sql);
/* Makes those views, and the ones that they name, in db's temporary schema. */
TL_MUST_USE tl_rc tl_known_views(tl_known *k, sqlite3 *db, const char *sql, tl_error *err);
/* A table or view of the schema, by name? */
bool tl_known_has(const tl_known *k, const char *name);

#endif
