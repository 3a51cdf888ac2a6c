/*
** pipeline_trace.h - what became of one session, as text: its segments, its events, its messages, and why.
**
**     tl_trace *t = tl_trace_new(&limits, NULL, 3, &text);
**     for each frame of each capture, in order: tl_trace_push(t, &frame, capture), then text has lines to print (may be none)
**     tl_trace_end(t), text again; tl_trace_free(t)
**
** The same decoder, sessions and framer as the pipeline's, so the same decisions; no database.  Sessions are numbered from 1, as in a new
** database of the same captures.  The same frames give the same text.  Lines (README has examples):
**
**     session 3: 10.0.0.1 port 40000 > 10.0.0.2 port 80        its first segment, the client first as far as known then
**     frame 5 > seq 0 len 3 ack 7 win 512 PA at 0.000123       a segment: client's (>) or server's (<); numbers count from offset 0
**       3 bytes wait                                           of it: behind a hole, for offset 0, or set aside as implausible
**     > 3+3 gap acked proof 7 before 4 after 9                 an event: offset + length; the frames that prove it and lie around it
**     > 0+3 copy 'abc': 3 identical                            a copy, held against the first one, which is kept
**     > 0+459 message 1 http request 'GET /' start complete    a message, when it ended
**     > http refuses 'HTTX/1.1 200 OK'                         a message cannot begin with these bytes
**     closed fin, conn_state SF, history ShADadFf
*/
#ifndef TL_PIPELINE_TRACE_H
#define TL_PIPELINE_TRACE_H

#include "capture/source.h"
#include "message/registry.h"
#include "stream/session.h"

typedef struct tl_trace tl_trace;

/* registry NULL: the built-in detectors; out: borrowed until free, text is appended.  NULL: no memory. */
tl_trace *tl_trace_new(const tl_limits *limits, const tl_registry *registry, uint64_t session, tl_text *out);
void tl_trace_free(tl_trace *t); /* NULL is fine */
/* OK or ENOMEM. */
TL_MUST_USE tl_rc tl_trace_push(tl_trace *t, const tl_frame *frame, uint32_t capture);
/* The captures are over.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_trace_end(tl_trace *t);
/* Has a segment of it turned up? */
bool tl_trace_found(const tl_trace *t);

#endif
