/*
** pipeline_progress.h - how far a run is, as one line for a terminal.
*/
#ifndef TL_PIPELINE_PROGRESS_H
#define TL_PIPELINE_PROGRESS_H

#include "base/base.h"

typedef struct progress_facts {
    uint64_t bytes, bytes_total; /* read of the captures, and in all; total 0: not known */
    uint64_t sessions, gaps;
    int64_t elapsed_ns;
} progress_facts;

enum { PROGRESS_TEXT = 80 };
/* " 42 %   312 MB/s   1234 sessions   5 gaps   ETA 0:12" into out[PROGRESS_TEXT], always shorter than a line of 80 columns; returns out.
** Without a total: how much was read instead of the percentage, and no ETA.  When all is read: "finishing" instead of the ETA. */
char *progress_line(const progress_facts *f, char *out);

#endif
