/*
** watched.h - a detector that holds another one, and the framer, to the contract of detector.h.
**
** tl_watch(&tl_http1) is a registry of one detector that passes everything on and aborts when measure() changes state without a FRAME,
** asks for nothing more or for too much, frames nothing, points outside its bytes; or when the framer asks again with fewer bytes than
** were wanted; or when a shorter head would have been answered otherwise than by MORE or the same, or one that it does not ask for would
** have been answered, be it by REJECT; of damaged heads, too.  It also counts the bytes that
** resync() and measure() were given beyond what `seen` says is known: work that must stay
** in proportion to the stream.  One at a time, not for threads.
*/
#ifndef TL_WATCHED_H
#define TL_WATCHED_H

#include "message/registry.h"

typedef struct tl_watched {
    uint64_t calls, bytes; /* of measure and resync */
    uint64_t shorter;      /* the last random number: which shorter and damaged heads are tried */
} tl_watched;

const tl_registry *tl_watch(const tl_detector *d);
tl_watched *tl_watched_counts(void);

#endif
