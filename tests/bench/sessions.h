/*
** sessions.h - TCP sessions that talk HTTP or length-prefixed messages, many at a time.
*/
#ifndef BENCH_SESSIONS_H
#define BENCH_SESSIONS_H

#include "tap.h"

#include <stdio.h>

typedef enum talk { TALK_HTTP, TALK_FRAMED } talk;

typedef struct load {
    uint64_t sessions;     /* in all */
    uint64_t open;         /* at a time */
    unsigned messages;     /* of a session, both directions, taking turns from the client on */
    uint64_t object_bytes; /* mean: of an HTTP response's body, or of a framed message; from half to one and a half of it */
    double text_percent, ipv6_percent;
    talk talk;
    uint64_t seed;
} load;

typedef struct totals {
    uint64_t sessions, messages, whole, payload_bytes, missing_bytes;
} totals;

/* Plays the load through the tap.  truth: a JSON line for each message, NULL: none.  False: no memory. */
bool sessions_play(const load *l, tap *t, FILE *truth, totals *out);

#endif
