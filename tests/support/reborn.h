/*
** reborn.h - sessions saved and restored, for the tests of stream/resume.h.
*/
#ifndef TL_REBORN_H
#define TL_REBORN_H

#include "stream/resume.h"

/* Everything in *t is saved and restored into a new table, which takes its place: between two segments, nobody may notice.  Checks that the
** restored ones have nothing to say, and that saving them again gives the same bytes.  *text keeps the last one saved; NULL: nowhere. */
void tl_reborn(tl_sessions **t, const tl_limits *limits, tl_text *text);

/* Restores bytes that may be anything, and goes on from there: segments in order, out of order, from before, FIN, time, the end.  Aborts
** where what the sessions say breaks invariant 1 of session.h.  false: refused. */
bool tl_reborn_from(tl_span state);

#endif
