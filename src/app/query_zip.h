/*
** query_zip.h - a new ZIP file, member by member, each deflated (APPNOTE.TXT 6.3.10; with ZIP64 where sizes need it).
**
** Memory is bounded: the directory at the end waits in a temporary file.
*/
#ifndef TL_QUERY_ZIP_H
#define TL_QUERY_ZIP_H

#include "base/base.h"

typedef struct tl_zip tl_zip;

/* fd: a new file, at its begin; borrowed.  NULL: no memory, or no temporary file. */
tl_zip *tl_zip_new(int fd);
void tl_zip_free(tl_zip *z); /* NULL is fine */
/* bytes: at most so many will come.  All: OK, or EIO and errno. */
TL_MUST_USE tl_rc tl_zip_begin(tl_zip *z, const char *name, uint64_t bytes, int64_t mtime_s);
TL_MUST_USE tl_rc tl_zip_write(tl_zip *z, tl_span bytes);
TL_MUST_USE tl_rc tl_zip_end(tl_zip *z);
/* The directory.  Nothing may follow but free. */
TL_MUST_USE tl_rc tl_zip_finish(tl_zip *z);

#endif
