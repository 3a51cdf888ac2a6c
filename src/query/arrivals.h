/*
** arrivals.h - which frame of which capture brought which bytes of a stream: chunk.arrivals, read.
**
**     tl_arrivals_open → tl_arrivals_seek → tl_arrivals_next until it is not OK → tl_arrivals_close
*/
#ifndef TL_QUERY_ARRIVALS_H
#define TL_QUERY_ARRIVALS_H

#include "query/query.h"

typedef struct tl_arrivals tl_arrivals;

/* Bytes of a stream that one frame brought. */
typedef struct tl_run {
    uint64_t offset, length;
    tl_at at;
    uint64_t peer_acked; /* bytes of the other direction that their sender had acknowledged */
} tl_run;

/* NULL: the reader's error.  The reader is borrowed. */
tl_arrivals *tl_arrivals_open(tl_reader *r);
void tl_arrivals_close(tl_arrivals *a); /* NULL is fine */
/* next() goes on with the run that holds the byte at `offset`, else with the first one behind it.  Offsets of one stream that grow cost
** what lies between them, within a chunk. */
TL_MUST_USE tl_rc tl_arrivals_seek(tl_arrivals *a, int64_t session, int direction, uint64_t offset);
/* The run that holds the byte; it stays the next one.  END: that byte is in no chunk. */
TL_MUST_USE tl_rc tl_arrivals_find(tl_arrivals *a, int64_t session, int direction, uint64_t offset, tl_run *out);
/* OK: *out.  END: no more of this stream.  ESQL: the database fails, or its arrivals contradict its chunks. */
TL_MUST_USE tl_rc tl_arrivals_next(tl_arrivals *a, tl_run *out);

#endif
