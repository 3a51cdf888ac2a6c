/*
** unframe.h - the bytes of a body out of the bytes of its message: chunks (RFC 9112 section 7.1), or the lines of SMTP's DATA, whose
** leading dots are doubled (RFC 5321 section 4.5.2).  The same answers as the framers of message/ give about where they end.
*/
#ifndef TL_QUERY_UNFRAME_H
#define TL_QUERY_UNFRAME_H

#include "base/base.h"

typedef enum tl_framing { TL_FRAMING_NONE, TL_FRAMING_CHUNKED, TL_FRAMING_DOTS } tl_framing;

/* All zero but for the framing is the start. */
typedef struct tl_unframe {
    tl_framing framing;
    int state;
    uint64_t left; /* chunked: bytes of the chunk still to come */
    size_t line;   /* bytes of a line so far */
    bool crlf;     /* chunked: lines end in CRLF, so data does too */
    bool ended;    /* the body's end was read: nothing more is taken */
    bool lost;     /* a hole over the framing, or no framing: nothing more can be told */
} tl_unframe;

/* Takes from the front of *in.  The body's bytes lie in it: *out, empty where the framing alone was read. */
void tl_unframe_run(tl_unframe *u, tl_span *in, tl_span *out);
/* A hole of n bytes; returns how many of the body's own are in it for certain (`lost` says that more is gone). */
uint64_t tl_unframe_hole(tl_unframe *u, uint64_t n);
/* May the message end here? */
bool tl_unframe_may_end(const tl_unframe *u);

#endif
