/*
** scan.h - a pattern over bytes that come in pieces.
**
**     tl_scan_start → (tl_scan_room, tl_scan_push, tl_scan_pull until it says no)... → tl_scan_finish → tl_scan_pull until it says no
**
** A run is what lies between two gaps: no match leaves one, and context does not either.  Matches do not overlap, come in the order of the
** run and do not depend on how it was cut into pieces.  Memory is bounded by one piece, `batch`, the longest match and the context.
*/
#ifndef TL_QUERY_SCAN_H
#define TL_QUERY_SCAN_H

#include "query/pattern.h"

enum { TL_CONTEXT_MOST = 64 << 10, TL_SCAN_BATCH = 64 << 10 };

typedef struct tl_scan tl_scan;

typedef struct tl_scan_hit {
    uint64_t offset;              /* of the match, counted as start() counted */
    tl_span before, match, after; /* good until the next call of room() or start() */
    bool gap_before, gap_after;   /* the context is shorter than asked for because a gap is there */
} tl_scan_hit;

/* context: bytes on both sides, TL_CONTEXT_MOST at most.  batch: no look at less than so many new bytes, but at the end of a run (small
** pieces would each be searched with their neighbours again).  The pattern is borrowed.  NULL: no memory. */
tl_scan *tl_scan_new(tl_pattern *p, size_t context, size_t batch);
void tl_scan_free(tl_scan *s); /* NULL is fine */

/* A run begins at this offset; gap: because there is a gap before it (else it is the first byte of all). */
void tl_scan_start(tl_scan *s, uint64_t offset, bool gap);
/* Where to put the next n bytes; NULL: no memory.  Good until push(), which takes n of them. */
uint8_t *tl_scan_room(tl_scan *s, size_t n);
void tl_scan_push(tl_scan *s, size_t n);
/* The run is over; gap: a gap follows (else the end of all). */
void tl_scan_finish(tl_scan *s, bool gap);
/* The next match, or false: push more, or start the next run. */
bool tl_scan_pull(tl_scan *s, tl_scan_hit *hit);
/* Bytes that were pushed since the scan was made and could not be searched within the pattern's limits. */
uint64_t tl_scan_given_up(const tl_scan *s);

#endif
