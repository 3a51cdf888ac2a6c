/*
** input.h - the bytes that a capture format is made of: the file's own, or what its gzip members hold.
**
** Within this folder.  look(n) asks for n bytes in one piece, skip(n) uses them up.
*/
#ifndef TL_INPUT_H
#define TL_INPUT_H

#include "capture/raw.h"

typedef struct tl_inflater tl_inflater;

typedef struct tl_input {
    tl_raw *raw;           /* owned */
    tl_inflater *inflater; /* owned; NULL: not compressed */
    tl_span window;        /* what can be looked at already */
    uint64_t offset;       /* of window.p in the (inflated) bytes */
    tl_rc ended;           /* OK, or why there will be no more: END, ETRUNCATED (damaged gzip), EIO, ENOMEM */
    const char *why;       /* with ETRUNCATED: static text */
} tl_input;

/* Owns the reader from now on, also on failure.  Looks at the first bytes for gzip's magic number, so it may wait for a pipe.
** OK, or ENOMEM; troubles of the file show at the first look. */
TL_MUST_USE tl_rc tl_input_open(tl_input *in, tl_reader reader);
void tl_input_close(tl_input *in);

/* Reads on until the window holds n bytes.  OK, or in->ended: the window then holds what is left, fewer than n. */
TL_MUST_USE tl_rc tl_input_fill(tl_input *in, size_t n);
/* Skips n bytes, which need not fit in memory at once.  OK, or in->ended. */
TL_MUST_USE tl_rc tl_input_skip_far(tl_input *in, uint64_t n);

/* The window is empty and at offset, which has to be one of the file's own bytes: not for gzip, and only with a reader that can.
** OK, or in->ended. */
TL_MUST_USE tl_rc tl_input_seek(tl_input *in, uint64_t offset);

/* At least n bytes in the window; good until the next look or skip_far. */
TL_MUST_USE static inline tl_rc tl_input_look(tl_input *in, size_t n)
{
    return in->window.n >= n ? TL_OK : tl_input_fill(in, n);
}
/* n <= window.n */
static inline void tl_input_skip(tl_input *in, size_t n)
{
    in->window.p += n;
    in->window.n -= n;
    in->offset += n;
}

#endif
