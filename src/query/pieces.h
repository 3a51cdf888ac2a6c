/*
** pieces.h - the bytes and the holes of one direction, in the order of the stream.
**
**     tl_pieces_open → tl_pieces_next until it is not OK → tl_pieces_close
**
** Memory is one chunk, whatever the range.  A hole that no row tells of (a damaged database) is a hole; pieces that overlap are an error.
*/
#ifndef TL_QUERY_PIECES_H
#define TL_QUERY_PIECES_H

#include "query/query.h"

typedef struct tl_pieces tl_pieces;

typedef struct tl_stream_piece {
    uint64_t offset, length; /* length > 0 */
    tl_span bytes;           /* length of them, good until the next call; .p NULL: a hole */
} tl_stream_piece;

/* [offset, offset + length) of a stream; a range that goes beyond the stream ends with it.  NULL: the reader's error.  The reader is
** borrowed, and its other statements may run in between; the time limit is the one that runs (tl_reader_start). */
tl_pieces *tl_pieces_open(tl_reader *r, int64_t session, int direction, uint64_t offset, uint64_t length);
void tl_pieces_close(tl_pieces *p); /* NULL is fine */
/* OK: *out.  END.  ESQL (damaged rows too), EUSAGE (the time limit): the reader's error. */
TL_MUST_USE tl_rc tl_pieces_next(tl_pieces *p, tl_stream_piece *out);

#endif
