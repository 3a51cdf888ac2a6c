/*
** stored.h - databases for the tests of searching and decoding: streams with known bytes, cut into chunks and gaps as a test likes.
*/
#ifndef TL_STORED_H
#define TL_STORED_H

#include "base/text.h"

/* SQL that grows, from all zero; tl_stored_new() runs it. */
typedef struct tl_stored {
    tl_text sql;
    int64_t session; /* the last one */
    uint64_t at[2];  /* how far its streams were told */
    uint64_t stored[2];
    uint64_t frames;
    uint32_t messages;
} tl_stored;

/* A session of this protocol between 10.0.0.1:(4000+n) and 10.0.0.2:port. */
void tl_stored_session(tl_stored *s, const char *protocol, int port);
/* The next bytes of a direction, as one chunk that `frames` frames brought (>= 1; the k-th began with byte k * n / frames). */
void tl_stored_chunk(tl_stored *s, int direction, tl_span bytes, size_t frames);
/* The same, zlib. */
void tl_stored_packed(tl_stored *s, int direction, tl_span bytes);
void tl_stored_gap(tl_stored *s, int direction, uint64_t length);
/* A message over [offset, offset + length); its number.  answers: of a request, or 0. */
uint32_t tl_stored_message(tl_stored *s, int direction, const char *protocol, const char *kind, uint64_t offset, uint64_t length,
                           uint64_t head, uint64_t missing, uint32_t answers);
/* The database, as tl_sample_new() makes them; `more` is run last (NULL: nothing).  s is all zero again. */
char *tl_stored_new(tl_stored *s, const char *more);

#endif
