/*
** ahead.h - rows of a long stream, fetched some way ahead so that a second thread can unpack what the first one will ask for.
**
**     tl_ahead_new → (tl_ahead_push while there is room, tl_ahead_pop)... → tl_ahead_free
**
** The thread that pushes and pops owns the database; the second one sees copies only.  While it
** waits for a row it unpacks others, so the two share the work; the order stays.  Memory is TL_AHEAD_ROWS chunks, packed and unpacked.
*/
#ifndef TL_QUERY_AHEAD_H
#define TL_QUERY_AHEAD_H

#include "base/base.h"

enum { TL_AHEAD_ROWS = 12 };

struct libdeflate_decompressor;
typedef struct tl_ahead tl_ahead;

/* A row's range of the stream, and what is stored of it. */
typedef struct tl_ahead_row {
    uint64_t from, to;
    tl_span data;       /* by tl_inflate's rule; .p NULL: nothing is stored.  Good until the push */
    bool refused;       /* not to be unpacked, whatever it says */
    bool unpacked;      /* it was popped */
    const uint8_t *raw; /* then: to - from bytes, good until the next pop; NULL: none, or damaged */
} tl_ahead_row;

/* Is there a second processor for it? */
bool tl_ahead_pays(void);
/* NULL: no memory or no thread; do without. */
tl_ahead *tl_ahead_new(void);
void tl_ahead_free(tl_ahead *a); /* NULL is fine */
bool tl_ahead_has_room(const tl_ahead *a);
/* Takes a copy of the row.  There must be room.  false: no memory. */
TL_MUST_USE bool tl_ahead_push(tl_ahead *a, const tl_ahead_row *row);
/* The oldest row; of its data only whether there was any is known still.  d unpacks in this thread.  false: there is none. */
bool tl_ahead_pop(tl_ahead *a, struct libdeflate_decompressor *d, tl_ahead_row *row);

#endif
