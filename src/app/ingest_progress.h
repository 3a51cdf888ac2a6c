/*
** ingest_progress.h - the line that shows on a terminal how far the ingest is.
**
**     progress_begin(&g, pipeline, total) → source = progress_watch(&g, source) for each capture → progress_erase(&g)
**
** The line is drawn from inside the watched source's next(): about 5 times a second, where bytes were read.  Whoever writes to stderr
** in between calls progress_erase() before.
*/
#ifndef TL_INGEST_PROGRESS_H
#define TL_INGEST_PROGRESS_H

#include "app/pipeline.h"

typedef struct progress {
    const tl_pipeline *pipeline; /* borrowed; NULL: not on a terminal, nothing is drawn */
    uint64_t total;              /* bytes of all captures; 0: not known */
    uint64_t before;             /* of the captures that are done */
    int64_t began_ns, drawn_ns;  /* monotonic */
    bool shown;
} progress;

/* wanted: the person did not ask for quiet; whether stderr is a terminal is looked up here. */
void progress_begin(progress *g, const tl_pipeline *p, uint64_t total, bool wanted);
/* A source that passes everything of `inner` (owned from now on) on; inner itself where nothing is drawn.  g outlives it. */
tl_source *progress_watch(progress *g, tl_source *inner);
/* Draws the last state once more: all is read, the database is being finished. */
void progress_finishing(progress *g);
void progress_erase(progress *g);

#endif
