/*
** undo.h - runs that were interrupted, and taking back what they stored so that the same captures can be indexed anew.
**
**     tl_store_interrupted(0) → tl_store_interrupted_capture... → tl_store_undo or not → tl_store_interrupted(id) ...
**     → tl_store_ingest_begin
**
** What is taken back goes in the transaction that the new run's rows are begun in: a crash in between leaves all as it was.
*/
#ifndef TL_UNDO_H
#define TL_UNDO_H

#include "store/store.h"

typedef struct tl_interrupted {
    int64_t ingest_id; /* 0: none */
    /* What of it was committed. */
    uint64_t captures, sessions, stored_bytes;
    uint32_t last_capture; /* the one that it was at, and how far; 0: nothing stored */
    uint64_t last_frame;
} tl_interrupted;
/* The next run after `after` (0: the first) that did not end. */
TL_MUST_USE tl_rc tl_store_interrupted(tl_store *s, int64_t after, tl_interrupted *out);

typedef struct tl_interrupted_capture {
    uint32_t capture_id; /* 0: none */
    const char *path;    /* as it was given to tl_store_capture_begin; borrowed until the next call */
    uint64_t bytes;
} tl_interrupted_capture;
/* The next of its captures after `after` (0: the first). */
TL_MUST_USE tl_rc tl_store_interrupted_capture(tl_store *s, int64_t ingest_id, uint32_t after, tl_interrupted_capture *out);

/* Removes the run, its captures and its sessions; EUSAGE, and nothing is changed: it went on with sessions of runs before it.  Anything
** else is a failure like those of tl_store_write. */
TL_MUST_USE tl_rc tl_store_undo(tl_store *s, const tl_interrupted *run);

#endif
