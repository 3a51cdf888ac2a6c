/*
** pipeline_writer.h - the threads behind the reader: one takes full batches and plays the tapes in them (pipeline_framing.h), the other has
** them packed (pipeline_packers.h), stores them and gives them back empty.
**
** A fixed number of batches circulates: that is the memory, and the back-pressure.  The reader always holds one.
*/
#ifndef TL_PIPELINE_WRITER_H
#define TL_PIPELINE_WRITER_H

#include "store/store.h"

typedef struct writer writer;

typedef struct writer_options {
    const tl_registry *registry; /* borrowed */
    int level;                   /* of packing */
    unsigned threads;            /* that pack, see packers_start */
    size_t batch_bytes;
    unsigned batches; /* that circulate */
} writer_options;

/* *first: the reader's batch to begin with.  NULL: no memory or no thread; *err. */
writer *writer_start(tl_store *store, const writer_options *o, tl_batch **first, tl_error *err);
/* Hands over *b and gets an empty one for it.  A failure is the writer's: writer_stop tells its text; *b is NULL then. */
TL_MUST_USE tl_rc writer_hand_over(writer *w, tl_batch **b);
/* Waits until everything handed over is stored: the store is the caller's until the next hand-over.  A failure is as above. */
TL_MUST_USE tl_rc writer_wait(writer *w);
/* Waits until everything handed over is stored, and frees all, batches included.  The writer's result; its text in *err. */
tl_rc writer_stop(writer *w, tl_error *err);

#endif
