/*
** coding.h - one content coding undone: gzip (RFC 1952), deflate (RFC 9110 section 8.4.1.2: zlib, RFC 1950; also bare RFC 1951, which is
** what some servers send), br (RFC 7932), zstd (RFC 8878).
**
**     tl_coding_new → tl_coding_run until it says END or BAD, with more input where it says MORE → tl_coding_free
**
** Memory: 16 MiB for br, 8 MiB for zstd (RFC 9659: no larger window in HTTP), far less for the others.  How much comes out of little input
** is the caller's business: run() makes `room` bytes at most.
*/
#ifndef TL_QUERY_CODING_H
#define TL_QUERY_CODING_H

#include "base/base.h"

typedef enum tl_coding_kind {
    TL_CODING_NONE,
    TL_CODING_GZIP,
    TL_CODING_DEFLATE,
    TL_CODING_BR,
    TL_CODING_ZSTD,
    TL_CODING_UNKNOWN
} tl_coding_kind;

/* By the token of Content-Encoding or Transfer-Encoding, case ignored; "identity" is NONE. */
tl_coding_kind tl_coding_named(tl_span token);

typedef enum tl_coded {
    TL_CODED_OK,   /* made something, or took something; run again */
    TL_CODED_MORE, /* all input is taken */
    TL_CODED_END,  /* the coding's end; what follows is not its */
    TL_CODED_BAD   /* damaged, or more than the decoder may use */
} tl_coded;

typedef struct tl_coding tl_coding;
/* NULL: no memory. */
tl_coding *tl_coding_new(tl_coding_kind kind);
void tl_coding_free(tl_coding *c); /* NULL is fine */
/* Takes from the front of *in, writes to out[room]; *made: how much. */
tl_coded tl_coding_run(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made);
/* May the input end here?  (Nothing came at all, or a member or frame was just finished.) */
bool tl_coding_may_end(const tl_coding *c);

#endif
