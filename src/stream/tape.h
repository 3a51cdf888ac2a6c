/*
** tape.h - what a session told, kept to be told again: all of it at once, when it is over.
**
** A tape is short: tl_tape_takes() says whether an event still fits.  What comes from it is what went into it, but for `told` of BYTES and
** CLOSE, which nobody asks for; its bytes lie on the tape.
*/
#ifndef TL_TAPE_H
#define TL_TAPE_H

#include "base/stock.h"
#include "stream/event.h"

/* All zero: nothing is on it. */
typedef struct tl_tape {
    uint8_t *p; /* owned, of the stock */
    uint32_t n, room;
} tl_tape;

/* false: ev would make it too long, or has to be looked at now. */
bool tl_tape_takes(const tl_tape *t, const tl_event *ev);
/* Adds what it takes.  stock: the same each time; may be NULL.  OK or ENOMEM: nothing changed. */
TL_MUST_USE tl_rc tl_tape_add(tl_tape *t, tl_stock *stock, const tl_event *ev);
void tl_tape_free(tl_tape *t, tl_stock *stock); /* all zero afterwards */

/* The next event of the bytes p[0 .. n) of a tape, or of a copy aligned to 8, and moves *rest behind it.  false: that was all. */
bool tl_tape_next(tl_span *rest, tl_event *out);

#endif
