/*
** query_archive.h - where an export goes: a folder, a .zip or an .sqlar, by its name.
**
**     tl_archive_open → (tl_archive_begin → tl_archive_write... → tl_archive_end)... → tl_archive_close
**
** Nothing that exists is written over, and nothing is written beside it: names are made by this program, of letters, digits, '-' and '.',
** and no link is followed.  A file that cannot be finished is removed; in a folder what was written stays.
*/
#ifndef TL_QUERY_ARCHIVE_H
#define TL_QUERY_ARCHIVE_H

#include "base/base.h"

typedef struct tl_archive tl_archive;

/* A folder may be there already.  NULL: *err says why. */
tl_archive *tl_archive_open(const char *path, tl_error *err);
/* A member of exactly `bytes` bytes. */
TL_MUST_USE tl_rc tl_archive_begin(tl_archive *a, const char *name, uint64_t bytes, int64_t mtime_s);
/* A tl_write_fn. */
tl_rc tl_archive_write(void *archive, tl_span bytes);
TL_MUST_USE tl_rc tl_archive_end(tl_archive *a);
const tl_error *tl_archive_error(const tl_archive *a);
/* Finishes it where `good`; else, and when that fails, the file is removed.  Frees always; NULL is fine. */
tl_rc tl_archive_close(tl_archive *a, bool good, tl_error *err);

#endif
