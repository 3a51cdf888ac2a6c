/*
** query_capture.h - the capture files that a database was made of, found again.
*/
#ifndef TL_QUERY_CAPTURE_H
#define TL_QUERY_CAPTURE_H

#include "app/query_cmd.h"

typedef struct tl_capture_file {
    int64_t capture_id;
    tl_text path;      /* where it is now */
    tl_text shown;     /* as the database has it: readable */
    tl_text positions; /* for tl_source_seek() */
    int64_t bytes;     /* -1: not known */
    char sha256[65];   /* "": not known */
    bool fragments;    /* it has IP fragments, or that is not known */
    bool filtered;     /* not all of its frames were indexed */
} tl_capture_file;

void tl_capture_file_free(tl_capture_file *f);
/* The capture of the lowest number from `from` to `to`: *found is false when there is none.  Looks at the database and the options only.
** STATUS_OK, or the status to leave with. */
int tl_capture_file_find(tl_query *q, int64_t from, int64_t to, tl_capture_file *f, bool *found);
/* Is the file what was indexed?  STATUS_OK, or the status to leave with: the reason was printed. */
int tl_capture_file_check(tl_query *q, const tl_capture_file *f);

#endif
