/*
** search.h - a pattern in the stored payload of many sessions.
**
**     tl_search_open → tl_search_next until it is not OK → tl_search_totals → tl_search_close
**
** Each direction by itself, over the borders of chunks and segments, never over a gap.  Hits come session by session, client before
** server, in the order of the stream.  `decoded` searches the bodies of messages (body.h) instead of the streams: each body by itself.
** Memory is bounded whatever the database holds: one window (scan.h), one chunk, and the decoders of one body.
*/
#ifndef TL_QUERY_SEARCH_H
#define TL_QUERY_SEARCH_H

#include "query/scan.h"
#include "query/where.h"

typedef struct tl_search tl_search;

typedef struct tl_search_options {
    const char *pattern;
    bool regex, decoded;
    int direction;  /* -1: both */
    size_t context; /* bytes, or lines, shown on both sides of a hit */
    bool lines;     /* of lines TL_LINES_MOST bytes a side are shown at most */
} tl_search_options;
enum { TL_LINES_MOST = 8 << 10 };

typedef struct tl_search_hit {
    int64_t session;
    int direction;
    uint64_t offset;              /* in the stream; decoded: where the body begins there */
    uint64_t body_offset;         /* decoded: in the decoded body */
    uint32_t message;             /* its number in the session; 0: in none */
    tl_at at;                     /* the frame that brought the first byte; decoded: the first of the message */
    tl_span before, match, after; /* good until the next call */
} tl_search_hit;

/* What was asked and what could be answered. */
typedef struct tl_search_totals {
    uint64_t sessions, streams, bodies; /* bodies: decoded only */
    uint64_t bytes;                     /* length of the streams, gaps included; decoded: of the bodies as far as they are known */
    uint64_t searched;                  /* of them: stored, and decided */
    uint64_t given_up;                  /* stored, but beyond the limits of the expression */
    uint64_t runs, runs_at_gaps;        /* stretches without a gap; those that begin or end at one */
    uint64_t hits, hits_at_gaps;        /* at gaps: a gap lies within the context */
} tl_search_totals;

/* NULL: the reader's error.  f: its limit does not end the search (one without may take longer to its first hit, not to its last); it and
** o->pattern are borrowed until close. */
tl_search *tl_search_open(tl_reader *r, const tl_filter *f, const tl_search_options *o);
void tl_search_close(tl_search *s); /* NULL is fine */
/* OK, END, or the reader's error: EUSAGE (the time limit too), ESQL, ENOMEM. */
TL_MUST_USE tl_rc tl_search_next(tl_search *s, tl_search_hit *hit);
/* Of what was read so far; at the END of all. */
tl_search_totals tl_search_summary(const tl_search *s);

#endif
