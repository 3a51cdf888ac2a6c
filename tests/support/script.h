/*
** script.h - TCP exchanges as text.
**
** A script is lines (or parts between '|'); each is a segment or a directive:
**
**     > syn 1000            a SYN of the client with this ISN
**     < syn 5000 ack        SYN-ACK; `ack` alone acknowledges all that the other side sent in this script so far
**     > 0 'abc'             payload at an offset (of the true stream: offset 0 is ISN + 1)
**     > 3 'def' fin ack 7   ... with FIN, acknowledging 7 bytes of the other stream
**     > 3 'def' cut 1       ... of which the snaplen left 1 byte
**     > 0 'abc' vlan 7      ... with a VLAN tag; "other channel" is said where it was the copy of another tap
**     < ack 3 sack 6 9      ... and 6 to 9 selectively
**     < rst | < fin | > ack 9 | > 5 ack     (a bare offset: a segment without payload there)
**     isn > 1000            says the ISN without a segment: a session picked up midway
**     wait 250ms | wait 2s  time passes
**     time -5s              the next segments carry times that much off
**     end                   the capture ends; each script ends so by itself
**
** Segments count as frames 1, 2, ...  What the sessions say comes out as the lines of support/streams.c; a session that begins on
** the same ports is announced by a line "session 2".
*/
#ifndef TL_SCRIPT_H
#define TL_SCRIPT_H

#include "support/reborn.h"
#include "support/streams.h"

/* Runs the script; what was said is in t->log, the last look at the last session in *info. Aborts on a script it cannot read. */
void script_run(const char *script, const tl_limits *limits, tape *t, tl_session_info *info);
/* The same, but after each segment and each wait all sessions are saved and restored; what was saved last is in *state. */
void script_run_reborn(const char *script, const tl_limits *limits, tape *t, tl_session_info *info, tl_text *state);

#endif
