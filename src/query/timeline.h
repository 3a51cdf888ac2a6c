/*
** timeline.h - bytes, sessions and losses for each interval of the captures' time.
**
** Bytes count when the frame that brought them was captured (chunk.arrivals), sessions when they start, gaps at the last byte before the
** hole (at the first after it, where there is none before; at the session's start, where there is neither).  Intervals begin at multiples
** of their length since 1970; those in which nothing happened are rows of zeros.  At most TL_TIMELINE_ROWS: longer is refused.
*/
#ifndef TL_QUERY_TIMELINE_H
#define TL_QUERY_TIMELINE_H

#include "query/where.h"

enum { TL_TIMELINE_ROWS = 100000 };

/* "500ms", "1s", "5m", "12h", "7d".  false: none of these, or 0. */
bool tl_interval(const char *text, int64_t *ns);
/* interval_ns 0: one that makes a table of a length that can be read.  f chooses sessions, and its times bound the rows. */
TL_MUST_USE tl_rc tl_timeline(tl_reader *r, const tl_filter *f, int64_t interval_ns, const tl_output *out);

#endif
