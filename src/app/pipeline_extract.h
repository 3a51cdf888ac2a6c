/*
** pipeline_extract.h - which frames of a capture belong to which sessions: the packets of sessions, found again.
**
**     tl_extract_new(sessions) → tl_extract_begin(capture) → tl_extract_push for the frames of its ranges
**     → tl_extract_next until END, in the order of the frames → begin the next capture, or tl_extract_free
**
** A frame belongs to a session when it decodes, by the decoder of the ingest, to a segment between the session's endpoints, within its
** frames.  The fragments of its datagram belong to it, too.  Where two sessions between the same endpoints overlap in time (ports reused, a
** late segment of the first), the one whose sequence numbers are nearer has the segment: given all sessions between the endpoints of those
** that are wanted, this is what the ingest decides, but for what it decided by a window or a limit; `found` beside `packets` tells.
**
** Holds two or three bytes a frame that belongs.
*/
#ifndef TL_PIPELINE_EXTRACT_H
#define TL_PIPELINE_EXTRACT_H

#include "base/text.h"
#include "capture/source.h"
#include "packet/segment.h"

typedef struct tl_extract_session {
    int64_t session_id;
    tl_addr client, server;
    char vlan[TL_LAYERS_TEXT]; /* compared where vlan_key */
    bool vlan_key, wanted;     /* not wanted: only there to have what is its own */
    tl_at first, last;
    bool has_base[2]; /* by direction of its segments */
    uint32_t base_seq[2];
    uint64_t length[2];
    uint64_t found;  /* segments; counted here */
    int64_t packets; /* the caller's, for comparing */
} tl_extract_session;

/* A frame that belongs. */
typedef struct tl_extracted {
    uint64_t frame;
    const tl_extract_session *session;
} tl_extracted;

typedef struct tl_extract tl_extract;

/* sessions: borrowed until free, and sorted here.  NULL: no memory. */
tl_extract *tl_extract_new(tl_extract_session *sessions, size_t n);
void tl_extract_free(tl_extract *x); /* NULL is fine */
/* Forgets the frames of the capture before, and what waits for fragments. */
TL_MUST_USE tl_rc tl_extract_begin(tl_extract *x, uint32_t capture_id);
/* A frame of the capture; in the order of their numbers, none that lies within a wanted session left out.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_extract_push(tl_extract *x, const tl_frame *frame);

/* The runs of frames that have to be pushed, in order and apart; good until the next begin. */
typedef struct tl_extract_range {
    uint64_t first, last; /* UINT64_MAX: to the end of the capture */
    int64_t first_ns;     /* the time of the session's first segment there; INT64_MIN: not known */
} tl_extract_range;
const tl_extract_range *tl_extract_ranges(const tl_extract *x, size_t *n);

/* OK; END: no more, and the next call starts over. */
TL_MUST_USE tl_rc tl_extract_next(tl_extract *x, tl_extracted *out);

#endif
