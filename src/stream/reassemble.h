/*
** reassemble.h - what a session has to say now: the pull half of session.h.  Internal to this folder.
*/
#ifndef TL_REASSEMBLE_H
#define TL_REASSEMBLE_H

#include "stream/table.h"

/* The next event of the segment in t->cur; false when it is worked off. */
bool reassemble_current(tl_session *s, tl_event *out);
/* The next event of what is held. */
bool reassemble_held(tl_session *s, tl_event *out);
/* The next event of a session that is being closed and holds nothing more; false when both CLOSE were told. */
bool reassemble_close(tl_session *s, tl_event *out);

#endif
