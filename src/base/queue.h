/*
** queue.h - bounded hand-off of pointers from one thread to one other.
*/
#ifndef TL_QUEUE_H
#define TL_QUEUE_H

#include "base/base.h"

typedef struct tl_queue tl_queue;

/* NULL: no memory.  slots >= 1. */
tl_queue *tl_queue_new(size_t slots);
void tl_queue_free(tl_queue *q); /* NULL is fine; nobody may be waiting */
/* Waits while full.  OK: handed over.  Otherwise the reason given to close; the item stays the caller's. */
TL_MUST_USE tl_rc tl_queue_push(tl_queue *q, void *item);
/* Waits while empty.  OK: *item is the caller's.  Otherwise (closed and dry) the reason given to close. */
TL_MUST_USE tl_rc tl_queue_pop(tl_queue *q, void **item);
/* Either side, any time; wakes both.  Afterwards push fails at once and pop fails when dry, both with `why`
** (OK reads as TL_END).  The first close wins. */
void tl_queue_close(tl_queue *q, tl_rc why);

#endif
