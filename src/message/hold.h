/*
** hold.h - events that must wait, in copies: until the protocol is known, or until the other direction has been told what their
** sender had already acknowledged.
**
** Constructor: tl_hold_new.  Destructor: tl_hold_free.  Methods: push, unshift, front, pop, first_bytes, memory.
** Two queues, one a direction; within a direction the order is that of the stream.  A framer without waiting events has no hold.
*/
#ifndef TL_HOLD_H
#define TL_HOLD_H

#include "base/stock.h"
#include "stream/event.h"

/* What is left of an event. */
typedef struct tl_piece {
    tl_event_kind kind; /* BYTES, GAP, CLOSE */
    tl_dir dir;
    tl_why why;
    uint64_t length;      /* BYTES: of bytes; GAP; CLOSE: 1 until it was seen */
    const uint8_t *bytes; /* borrowed: from the caller's event, or from the hold until the next push of that direction */
    uint64_t peer_acked;
    tl_at at;
    uint64_t order; /* when it was pushed */
} tl_piece;

static inline void tl_piece_take(tl_piece *p, uint64_t n)
{
    if (p->kind == TL_EV_BYTES) p->bytes += n;
    p->length -= n;
}

typedef struct tl_hold tl_hold;

tl_hold *tl_hold_new(tl_stock *stock); /* borrowed; may be NULL.  NULL: no memory */
void tl_hold_free(tl_hold *h);         /* NULL is fine */
/* Copies *p behind, or before, what waits in its direction.  OK or ENOMEM: nothing changed. */
TL_MUST_USE tl_rc tl_hold_push(tl_hold *h, const tl_piece *p);
TL_MUST_USE tl_rc tl_hold_unshift(tl_hold *h, const tl_piece *p);
/* The first that waits in dir; the caller may take from it in place; NULL: none.  h may be NULL. */
tl_piece *tl_hold_front(tl_hold *h, tl_dir dir);
void tl_hold_pop(tl_hold *h, tl_dir dir);
/* The first contiguous bytes that wait in dir, passing over GAPs before them; h may be NULL. */
tl_span tl_hold_first_bytes(const tl_hold *h, tl_dir dir);
size_t tl_hold_bytes_of(const tl_hold *h, tl_dir dir); /* that wait; h may be NULL */
size_t tl_hold_bytes(const tl_hold *h);                /* of both directions */
size_t tl_hold_pieces(const tl_hold *h);               /* likewise */
size_t tl_hold_memory(const tl_hold *h);

#endif
