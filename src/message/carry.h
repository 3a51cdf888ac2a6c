/*
** carry.h - bytes that wait at a boundary until there are enough of them to be measured, and which frames brought them.
**
** A lane has none while nothing waits.  Bytes are appended from the piece at hand and taken from the front; what was appended too much
** from that piece goes back to it, so that a carry never outlives the head it was made for.
*/
#ifndef TL_CARRY_H
#define TL_CARRY_H

#include "message/hold.h"

/* Of the bytes up to `end` (counted from the first byte that was ever in the carry), from the end of the mark before on. */
typedef struct tl_carry_mark {
    uint64_t end, peer_acked;
    tl_at at;
} tl_carry_mark;

typedef struct tl_carry {
    size_t start, n, room; /* bytes[start .. start + n) wait */
    size_t fresh;          /* the last of them that came from the piece at hand */
    uint64_t taken;        /* bytes taken so far */
    tl_carry_mark *marks;  /* owned; marks[mark_first .. mark_first + marks_n) are those of the bytes that wait */
    size_t mark_first, marks_n, marks_room;
    uint8_t bytes[];
} tl_carry;

void tl_carry_free(tl_carry *c); /* NULL is fine */
/* Moves n <= piece->length bytes from the front of a BYTES piece to the end of *c (NULL: a new one).  OK or ENOMEM: nothing changed. */
TL_MUST_USE tl_rc tl_carry_add(tl_carry **c, tl_piece *piece, size_t n);
/* The piece at hand is done with: nothing in the carry is fresh any more. */
void tl_carry_settle(tl_carry *c);
/* Takes n bytes from the front; frees *c when nothing is left in it.  piece: the one at hand, which gets fresh bytes back. */
void tl_carry_take(tl_carry **c, tl_piece *piece, size_t n);
/* The mark of the so-manieth byte that waits, offset < n. */
const tl_carry_mark *tl_carry_look(const tl_carry *c, size_t offset);
size_t tl_carry_memory(const tl_carry *c); /* NULL is fine */
static inline tl_span tl_carry_span(const tl_carry *c)
{
    return tl_span_of(c->bytes + c->start, c->n);
}

#endif
