/*
** pipeline_lane.h - what a session tells, on its way to a batch.
**
** It is kept on a tape (stream/tape.h), and when the session is over the batch takes that along: the thread behind the reader makes its
** rows and frames it (pipeline_framing.h).  A session that is too long for a tape, or has to have a row before its end, gets a flow in the
** batches, and a framer; they hear the tape first.
**
** Not for more than one thread.
*/
#ifndef TL_PIPELINE_LANE_H
#define TL_PIPELINE_LANE_H

#include "batch/batch.h"

typedef struct lane lane;

/* All lanes of a pipeline. */
typedef struct lanes {
    tl_stock stock; /* of the lanes, their tapes, flows and framers */
    const tl_registry *registry;
    tl_framers framers;
    tl_flows flows;        /* their clock runs for what is on tapes, too */
    lane *all;             /* owned */
    lane *first, **last;   /* those that have kept something since they heard of their session first, in that order */
    size_t tape_bytes;     /* of memory */
    size_t held_most;      /* bytes that tapes and flows may hold back together, */
    uint64_t held_payload; /* and for how much payload of all sessions: what a kill takes must not be older */
    uint64_t *again;       /* owned; sessions whose framer gave up, to be framed from the database at the end */
    size_t again_n, again_room;
} lanes;

/* Allocates nothing.  The registry outlives it.  memory_bytes: as tl_limits; shares of it are what lanes may hold. */
void lanes_init(lanes *a, const tl_registry *r, size_t memory_bytes);
/* Frees all, lanes included. */
void lanes_clear(lanes *a);

/* In the slot of the session from here on.  NULL: no memory. */
lane *lane_new(lanes *a, tl_session *s);
/* And out of it. */
void lane_free(lane *l);

/* All OK or ENOMEM. */
TL_MUST_USE tl_rc lane_hears(lane *l, tl_batch *b, const tl_event *ev);
/* The row of a session that goes on, with everything that was held back, or as far as its rows in batches go. */
TL_MUST_USE tl_rc lane_row(lane *l, tl_batch *b);
TL_MUST_USE tl_rc lane_row_part(lane *l, tl_batch *b);
/* Of a session that is over: all there is. */
TL_MUST_USE tl_rc lane_last_row(lane *l, tl_batch *b);

/* The lane that has held something back for longest, where they hold more than `most` bytes together, or it has done so for too long; NULL:
** none.  The caller answers with lane_row(). */
lane *lanes_due(const lanes *a, size_t most);

#endif
