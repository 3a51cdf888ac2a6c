/*
** pipeline_trace_text.h - the lines of a trace.
*/
#ifndef TL_PIPELINE_TRACE_TEXT_H
#define TL_PIPELINE_TRACE_TEXT_H

#include "base/text.h"
#include "message/framer.h"
#include "stream/session.h"

enum { TRACE_RECENT = 1 << 18 };

/* The last bytes told of one direction, to hold copies against.  All zero is the start. */
typedef struct trace_recent {
    uint64_t end;                /* offset after the last byte told */
    uint64_t shift;              /* by REBASE: offsets less this are the places in what follows */
    uint8_t state[TRACE_RECENT]; /* 0: nothing, or a gap, or a byte that was told */
    uint8_t bytes[TRACE_RECENT];
} trace_recent;

void trace_session_line(tl_text *out, const tl_session_info *info);
/* first_ns: of the session, where its time begins. */
void trace_segment_line(tl_text *out, const tl_segment *seg, const tl_session_info *info, tl_dir dir, int64_t first_ns, bool other_tap);
/* recent: of the event's direction, brought up to date; now: the segment at hand. */
void trace_event_line(tl_text *out, const tl_event *ev, trace_recent *recent, tl_at now);
void trace_message_line(tl_text *out, const tl_message *m);
void trace_refusal_line(tl_text *out, const char *protocol, const tl_head *head);
void trace_closed_line(tl_text *out, const tl_session_info *info);

#endif
