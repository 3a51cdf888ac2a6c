/*
** event.h - what a session has to say: the one vocabulary of the whole program.
**
** Made by session.c from packets, or by query/replay.c from a database; whoever consumes events cannot tell which.
** Plain data, no functions but the words for the database.
*/
#ifndef TL_EVENT_H
#define TL_EVENT_H

#include "base/base.h"

typedef enum tl_event_kind {
    TL_EV_BYTES,  /* the next bytes of the stream */
    TL_EV_GAP,    /* bytes of the stream that crossed the wire (or not), but not the capture */
    TL_EV_COPY,   /* bytes for a range already told: the consumer compares them with what it holds.  Identical: a
                     duplicate.  Different: a stray, `why` says which (CONFLICT or KEEP_ALIVE).  Where a GAP was told: late
                     data, which heals it, or (KEEP_ALIVE) a stray. */
    TL_EV_STRAY,  /* captured payload that is not stream data; `why` says why */
    TL_EV_REBASE, /* offset 0 moves down by `length`: all offsets told so far grow by it.  At most once a direction, only
                     just before its CLOSE; BYTES and GAP with `front` set then tile [0, length). */
    TL_EV_CLOSE   /* the last event of a direction, unless late segments turn up afterwards */
} tl_event_kind;

typedef enum tl_why {
    TL_WHY_NONE = 0,
    TL_WHY_ACKED,         /* GAP: the receiver acknowledged bytes that the capture does not hold */
    TL_WHY_SNAPLEN,       /* GAP: the frame was cut short */
    TL_WHY_ONE_SIDED,     /* GAP: the peer's ACKs are not in the capture, and time passed */
    TL_WHY_LIMIT,         /* GAP: holding more would break a limit.  CLOSE: evicted */
    TL_WHY_FIN,           /* GAP, CLOSE */
    TL_WHY_RST,           /* GAP, CLOSE, STRAY (payload of a RST: a reset cause, RFC 9293 section 3.5.3) */
    TL_WHY_IDLE,          /* GAP, CLOSE */
    TL_WHY_REUSED,        /* GAP, CLOSE: a SYN with another ISN began a new session on the same ports */
    TL_WHY_END,           /* GAP, CLOSE: the capture ended */
    TL_WHY_CONFLICT,      /* COPY, STRAY: differs from the copy that was delivered */
    TL_WHY_KEEP_ALIVE,    /* COPY, STRAY: one byte below the next expected one (RFC 9293 section 3.8.4) */
    TL_WHY_OUT_OF_WINDOW, /* STRAY: far outside what the peer's window allows, nothing supports it */
    TL_WHY_BEFORE_START,  /* STRAY: before offset 0, and the stream cannot be rebased any more */
    TL_WHYS
} tl_why;

/* The word for the database: "acked", "snaplen", ...; "evicted" is the close_reason of TL_WHY_LIMIT (tl_close_name). */
const char *tl_why_name(tl_why why);
const char *tl_close_name(tl_why why);

typedef struct tl_event {
    tl_event_kind kind;
    tl_dir dir;
    tl_why why;
    bool front;      /* BYTES, GAP: after a REBASE, see there.  The framer passes over them: the session is framed again */
    uint64_t offset; /* 0 = first payload byte after the SYN, or the first byte known.  STRAY: an int64_t in disguise, may be < 0 */
    uint64_t length;
    tl_span bytes;       /* BYTES, COPY, STRAY: borrowed until the next pull or push */
    const uint8_t *kept; /* COPY: the bytes that win, where the session still holds them (borrowed likewise); NULL: the consumer has them */
    uint64_t peer_acked; /* BYTES, COPY: bytes of the other direction that the sender had acknowledged in this segment */
    tl_at at;            /* the frame that carried it; GAP: the frame that proves it (frame 0: none); CLOSE: the last one */
    tl_at before, after; /* GAP: the frames that carried the bytes on both sides of it (frame 0: none) */
    tl_at told;          /* the frame at which it was told: replay sorts by it */
} tl_event;

#endif
