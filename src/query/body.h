/*
** body.h - what a message carries, as its sender had it: unframed (unframe.h), its codings undone (coding.h).
**
**     tl_body_open → tl_body_next until END → tl_body_result → tl_body_close
**
** Holes: a body without codings comes in pieces, and the holes between them are told; of one with codings only what comes before the
** first hole can be decoded, and is.  Bounded against bombs, see the limits below: what they cut is told as LIMIT.
*/
#ifndef TL_QUERY_BODY_H
#define TL_QUERY_BODY_H

#include "query/coding.h"
#include "query/query.h"
#include "query/unframe.h"

enum { TL_CODINGS_MOST = 3 };
/* Decoded bytes of a body with codings: these at most, and no more than FREE + RATIO for each byte of the message (deflate makes 1032 of
** one; what makes more is nested, or br or zstd of nearly nothing). */
#define TL_BODY_MOST ((uint64_t)1 << 30)
#define TL_BODY_FREE ((uint64_t)64 << 20)
enum { TL_BODY_RATIO = 1100 };

typedef struct tl_body_source {
    int64_t session;
    int direction;
    uint64_t offset, length; /* in the stream, framing included */
    tl_framing framing;
    tl_coding_kind codings[TL_CODINGS_MOST]; /* in the order of undoing */
    size_t coding_count;
    bool unknown; /* there is a further coding, which we cannot undo: what comes out is still in it */
} tl_body_source;

typedef enum tl_body_state {
    TL_BODY_WHOLE,
    TL_BODY_HOLES,   /* pieces are missing; the others are right */
    TL_BODY_CUT,     /* given up at a hole, or the end was never captured */
    TL_BODY_DAMAGED, /* not what its codings say */
    TL_BODY_LIMIT,
    TL_BODY_UNKNOWN /* whole, but in a coding that we do not know */
} tl_body_state;
const char *tl_body_state_name(tl_body_state s);

typedef struct tl_body_piece {
    uint64_t offset, length; /* in the body; length > 0 */
    tl_span bytes;           /* good until the next call; .p NULL: a hole */
} tl_body_piece;

typedef struct tl_body_result {
    tl_body_state state;
    uint64_t size;    /* decoded bytes that were there */
    uint64_t read;    /* bytes of the message that were there */
    uint64_t missing; /* and that were not */
} tl_body_result;

typedef struct tl_body tl_body;
/* src is copied.  NULL: the reader's error. */
tl_body *tl_body_open(tl_reader *r, const tl_body_source *src);
void tl_body_close(tl_body *b); /* NULL is fine */
/* OK, END, or the reader's error.  What is wrong with the body is no error: see the result. */
TL_MUST_USE tl_rc tl_body_next(tl_body *b, tl_body_piece *out);
tl_body_result tl_body_result_of(const tl_body *b);

#endif
