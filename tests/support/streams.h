/*
** streams.h - sessions in a few words, for the tests of src/stream.
**
** A tape collects what the sessions of one table say, as a consumer would keep it: bytes by offset, gaps, counts.  It resolves COPY
** the way batch and store do, and checks invariants 1 to 3 of session.h as the events come.
*/
#ifndef TL_STREAMS_H
#define TL_STREAMS_H

#include "stream/session.h"

enum { TAPE_BYTES = 1 << 16 };

enum { TAPE_NOTHING, TAPE_STORED, TAPE_GAP };
typedef struct tape_dir {
    uint8_t what[TAPE_BYTES]; /* by offset */
    uint8_t byte[TAPE_BYTES];
    uint8_t why[TAPE_BYTES]; /* of the gap */
    uint64_t length, told;   /* told: tiles end here */
    uint64_t stored, duplicate, stray, gap;
    uint64_t front_at, front_end;
    unsigned closes;
    tl_why closed;
} tape_dir;

typedef struct tape {
    tape_dir dir[2];
    char fault[160];   /* the first broken invariant; "" none */
    bool beyond;       /* something lies beyond TAPE_BYTES: counts by the byte do not hold */
    bool no_heal;      /* sabotage: COPY over a gap is not stored */
    unsigned spoil_at; /* sabotage: the so-manieth BYTES event has a bit flipped; 0: none */
    unsigned bytes_seen;
    char log[4096]; /* the events as text, one a line, while there is room */
    size_t log_n;
} tape;

void tape_event(tape *t, const tl_event *ev);
/* Pulls s dry into t. */
void tape_drain(tape *t, tl_session *s);

#endif
