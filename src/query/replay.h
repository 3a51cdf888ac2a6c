/*
** replay.h - a stored session as events again, so that its messages can be framed anew without the capture.
**
**     tl_replay_open(db, session) → tl_replay_next until TL_END → tl_replay_close
**
** The events are BYTES (one for each run of bytes that a frame brought), GAP and CLOSE.  Their order is that in which the ingest told
** them: within a direction the order of the stream, between the directions that of the frames at which they were told.  Of a healed session
** that order is gone (its late bytes came after what they caused), so there, and where the caller wants it, an event waits for the bytes of
** the other direction that its sender had acknowledged.  Copies, strays and rebases are not told: messages are made of none of them.
*/
#ifndef TL_REPLAY_H
#define TL_REPLAY_H

#include "stream/event.h"

struct sqlite3;
typedef struct tl_replay tl_replay;

/* Reads through db, a connection to a tcpledger database (borrowed; the writer's own is fine, and sees what it has not committed).
** NULL: *err: ENOMEM, ESQL, or EUSAGE: no such session. */
tl_replay *tl_replay_open(struct sqlite3 *db, int64_t session_id, bool causal, tl_error *err);
/* The same events for people: between the directions each stands where its frame does, a gap before the frame that brought what comes
** after it or that proves it, whichever is first.  (The ingest tells a gap, and all behind it, when the grace has passed.) */
tl_replay *tl_replay_by_frame(struct sqlite3 *db, int64_t session_id, tl_error *err);
/* OK: *out, whose bytes are good until the next call.  END.  ENOMEM or ESQL (damaged rows too): *err. */
TL_MUST_USE tl_rc tl_replay_next(tl_replay *p, tl_event *out, tl_error *err);
void tl_replay_close(tl_replay *p); /* NULL is fine */

/* The port of the server, for the framer; and the words of the session row. */
uint16_t tl_replay_server_port(const tl_replay *p);

#endif
