/*
** pipeline.h - frames in, rows out: the reader's loop on the caller's thread, storing on another, packing on that and on further ones.
**
**     tl_pipeline_new(store) → tl_pipeline_run(source)... → tl_pipeline_finish → look at counts → tl_pipeline_free
**
** The store is the writer thread's from new to finish; captures must have their rows (tl_store_capture_begin) before new and get the rest
** of them after finish.  Sessions go on from one source to the next, and from one run into the same database to the next
** (pipeline_resume.h).
*/
#ifndef TL_PIPELINE_H
#define TL_PIPELINE_H

#include "capture/source.h"
#include "message/registry.h"
#include "store/store.h"
#include "stream/session.h"

/* One batch for each thread that has to do with them, and one between. */
enum { TL_PIPELINE_BATCHES = 4, TL_PIPELINE_BATCH_BYTES = 8 << 20 };

typedef struct tl_pipeline_options {
    tl_limits limits;            /* of the session table; batches come on top */
    const tl_registry *registry; /* borrowed; NULL: the built-in detectors */
    int level;                   /* of compression: 0 to 9 */
    unsigned threads;            /* that pack, the storing one among them; 0: one for each processor.  The result is the same */
    size_t batch_bytes;          /* 0: as below */
    unsigned batches;            /* that circulate, at least 2; 0: as below */
    bool separate;               /* sessions that were open when an earlier run ended are not continued */
    bool scan_aggregate;         /* sessions that were only asked for are rows of scan (batch/scans.h) */
} tl_pipeline_options;

/* What a source turned out to be.  It stays where it is until tl_pipeline_finish: fragments that are lost only later are counted in it, and
** facts.error and facts.sha256 point into it. */
typedef struct tl_pipeline_capture {
    struct tl_pipeline_capture *next;
    uint32_t id;
    tl_capture_facts facts; /* all but path, which is the caller's */
    uint8_t sha256[32];
    tl_error error;
} tl_pipeline_capture;

typedef struct tl_pipeline tl_pipeline;

/* Borrows the store until finish or free.  NULL: no memory or no thread; *err. */
tl_pipeline *tl_pipeline_new(tl_store *store, const tl_pipeline_options *o, tl_error *err);
/* Frees; where finish was not called or failed, sessions that were open then are lost. */
void tl_pipeline_free(tl_pipeline *p);

/* All frames of the source as capture `capture_id`.  OK; ETRUNCATED, EIO: the source broke off, out->facts.state and out->error say how,
** and the next one may follow.  Anything else is the end: tl_pipeline_error. */
TL_MUST_USE tl_rc tl_pipeline_run(tl_pipeline *p, tl_source *source, uint32_t capture_id, tl_pipeline_capture *out);
/* Closes all sessions and waits until everything is stored (not committed). */
TL_MUST_USE tl_rc tl_pipeline_finish(tl_pipeline *p);
const tl_error *tl_pipeline_error(const tl_pipeline *p);

/* So far in this run; from the thread that runs it. */
typedef struct tl_pipeline_counts {
    uint64_t sessions, gaps;
} tl_pipeline_counts;
void tl_pipeline_look(const tl_pipeline *p, tl_pipeline_counts *out);

#endif
