/*
** pipeline_framing.h - short sessions, which come in batches as they were told: their rows are made here, and their messages framed.
*/
#ifndef TL_PIPELINE_FRAMING_H
#define TL_PIPELINE_FRAMING_H

#include "batch/batch.h"

/* An event into the batch and, where there is one, the framer; its messages into the batch.  OK or ENOMEM. */
TL_MUST_USE tl_rc framing_event(tl_batch *b, tl_flow *f, tl_framer *framer, const tl_event *ev);

typedef struct framing framing;

/* For one thread.  The registry outlives it.  NULL: no memory. */
framing *framing_new(const tl_registry *r);
void framing_free(framing *f); /* before the batches are freed; NULL is fine */
/* Plays the tapes of a batch.  OK or ENOMEM. */
TL_MUST_USE tl_rc framing_run(framing *f, tl_batch *b);

#endif
