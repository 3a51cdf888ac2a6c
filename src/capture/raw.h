/*
** raw.h - the bytes of a file as they lie on disk: read in blocks, counted, and hashed on the way; of a long file, ahead of whoever
** asks for them.
**
** Within this folder.  Constructor: tl_raw_new.  Destructor: tl_raw_free.  Methods: more, drain, count, sha256.
*/
#ifndef TL_RAW_H
#define TL_RAW_H

#include "base/base.h"

#include <sys/types.h>

/* Where the bytes come from.  read: as read(2), EINTR included; it may give fewer than asked for.  seek: to an offset from the front;
** false: errno.  NULL: it cannot, or what it reads cannot be opened again.  ahead: reading never waits for anybody, so it may be done
** before the bytes are asked for, by another thread (read only; one thread at a time). */
typedef struct tl_reader {
    ssize_t (*read)(void *self, void *to, size_t n);
    void (*close)(void *self);
    void *self;
    bool (*seek)(void *self, uint64_t offset);
    bool ahead;
} tl_reader;

typedef struct tl_raw tl_raw;

/* Owns the reader from now on, also on failure.  NULL: no memory. */
tl_raw *tl_raw_new(tl_reader reader);
void tl_raw_free(tl_raw *r); /* NULL is fine */

/* *window: the bytes that the caller has not used yet, a tail of the window of the call before (or empty).
** OK: the same bytes with at least one more behind them; good until the next call.  END: the file ends here.
** EIO: errno-like code in tl_raw_errno().  ENOMEM.  After END and EIO the answer stays the same; *window stays good.
** want: how many bytes the caller hopes for in one piece; a bound, not a promise. */
TL_MUST_USE tl_rc tl_raw_more(tl_raw *r, tl_span *window, size_t want);

/* Reads on to the end of the file.  END, EIO or ENOMEM.  No window is good afterwards. */
TL_MUST_USE tl_rc tl_raw_drain(tl_raw *r);

bool tl_raw_seekable(const tl_raw *r);
/* What more gives next begins at offset; windows of before are no good any more, and there will be no SHA-256.  OK, or EIO. */
TL_MUST_USE tl_rc tl_raw_seek(tl_raw *r, uint64_t offset);

uint64_t tl_raw_count(const tl_raw *r); /* bytes that more and drain gave so far */
int tl_raw_errno(const tl_raw *r);      /* after EIO */

/* Of all bytes read; once, after END.  False: the end was not reached. */
bool tl_raw_sha256(tl_raw *r, uint8_t out[32]);

#endif
