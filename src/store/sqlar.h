/*
** sqlar.h - a new SQLite archive (sqlite.org/sqlar.html), member by member: read with `sqlite3 FILE -Ax`.
**
**     tl_sqlar_open → (tl_sqlar_begin → tl_sqlar_write... → tl_sqlar_end)... → tl_sqlar_close
**
** Members of up to SMALL bytes are compressed where that makes them shorter; larger ones are stored as they come, so that memory stays
** bounded.  All is one transaction without a journal: an archive that is not closed with TL_OK is to be deleted.
*/
#ifndef TL_SQLAR_H
#define TL_SQLAR_H

#include "base/base.h"

typedef struct tl_sqlar tl_sqlar;

/* path: a file that is empty.  NULL: *err says why. */
tl_sqlar *tl_sqlar_open(const char *path, tl_error *err);
/* A member of exactly `bytes` bytes; name: no folder is made of it.  EUSAGE: more than a value of SQLite can hold. */
TL_MUST_USE tl_rc tl_sqlar_begin(tl_sqlar *a, const char *name, uint64_t bytes, int64_t mtime_s);
TL_MUST_USE tl_rc tl_sqlar_write(tl_sqlar *a, tl_span bytes);
TL_MUST_USE tl_rc tl_sqlar_end(tl_sqlar *a);
const tl_error *tl_sqlar_error(const tl_sqlar *a);
/* Commits where `good`; frees always.  NULL is fine. */
tl_rc tl_sqlar_close(tl_sqlar *a, bool good, tl_error *err);

#endif
