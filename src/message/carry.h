/*
** carry.h - bytes that wait at a boundary until there are enough of them to be measured.
**
** A lane has none while nothing waits.  Bytes are appended from the piece at hand and taken from the front; what was appended too much
** from that piece goes back to it, so that a carry never outlives the head it was made for.
*/
#ifndef TL_CARRY_H
#define TL_CARRY_H

#include "message/hold.h"

typedef struct tl_carry {
    size_t start, n, room; /* bytes[start .. start + n) wait */
    size_t fresh;          /* the last of them that came from the piece at hand */
    tl_at first, last;     /* frames of the first and of the last byte */
    tl_at settled;         /* frame of the last byte that is not fresh */
    uint64_t peer_acked;   /* of the first byte */
    uint8_t bytes[];
} tl_carry;

/* Moves n <= piece->length bytes from the front of a BYTES piece to the end of *c (NULL: a new one).  OK or ENOMEM: nothing changed. */
TL_MUST_USE tl_rc tl_carry_add(tl_carry **c, tl_piece *piece, size_t n);
/* The piece at hand is done with: nothing in the carry is fresh any more. */
void tl_carry_settle(tl_carry *c);
/* Takes n bytes from the front; frees *c when nothing is left in it.  piece: the one at hand, which gets fresh bytes back. */
void tl_carry_take(tl_carry **c, tl_piece *piece, size_t n);
static inline tl_span tl_carry_span(const tl_carry *c)
{
    return tl_span_of(c->bytes + c->start, c->n);
}

#endif
