/*
** witness.h - what one segment says of its session.  Internal to this folder.
*/
#ifndef TL_WITNESS_H
#define TL_WITNESS_H

#include "stream/table.h"

/* Both sides said FIN and both were acknowledged, or one said RST. */
bool witness_over(const tl_session *s);
/* Does this segment of `side` begin another connection on the ports of s? */
bool witness_begins_another(const tl_session *s, int side, const tl_segment *seg);
/* Takes note of the segment; payload is left in t->cur.  false: no memory. */
bool witness_see(tl_session *s, int side, const tl_segment *seg);

#endif
