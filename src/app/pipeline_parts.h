/*
** pipeline_parts.h - which frame brought which bytes of a segment that came in IP fragments.
**
** The stream layer knows one frame per segment, the one that completed it.  Its BYTES events are cut here where another frame brought the
** bytes, so that chunks and messages name the frames that are in the capture.  Bytes that had to wait behind a hole keep the completing
** one.
*/
#ifndef TL_PIPELINE_PARTS_H
#define TL_PIPELINE_PARTS_H

#include "packet/fragments.h"
#include "stream/event.h"

typedef struct parts {
    tl_span payload; /* of the segment at hand, borrowed as it is */
    size_t n;        /* 0: not fragmented */
    tl_fragment_part part[TL_FRAGMENTS_MAX];
} parts;

/* Does this event tell bytes of the segment at hand, and was that in fragments? */
bool parts_apply(const parts *p, const tl_event *ev);
/* The piece of ev that begins at *done bytes and that one frame brought, into *out, and *done moves behind it.  false: no more. */
bool parts_next(const parts *p, const tl_event *ev, size_t *done, tl_event *out);

#endif
