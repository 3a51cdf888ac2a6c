/*
** pipeline_packers.h - the threads that pack batches on their way to the writer.
**
**     reader: packers_add(b), then the batch is put into the writer's queue;  writer: packers_finish(b), in the same order
**
** All of them, the writer included, take parts of the oldest batch that has some left, so a batch is packed by as many as are idle and no
** further batches have to circulate.  What comes out does not depend on who packed what.
*/
#ifndef TL_PIPELINE_PACKERS_H
#define TL_PIPELINE_PACKERS_H

#include "batch/batch.h"

typedef struct packers packers;

/* level 0: nothing is packed.  threads: that pack, the writer's among them; 0: one for each processor that this process may use.  Those
** that cannot be started are done without.  At most `batches` are in there at a time.  NULL: no memory. */
packers *packers_start(int level, unsigned threads, unsigned batches);
/* Waits for the threads; what is not packed stays so.  NULL is fine. */
void packers_stop(packers *p);
/* The batch is packed from here on, and nobody else touches it until packers_finish. */
void packers_add(packers *p, tl_batch *b);
/* Packs along and waits until the batch, which must be the oldest, is packed. */
void packers_finish(packers *p, tl_batch *b);

#endif
