/*
** source.h - where frames come from.  This folder is the only one that includes <pcap/pcap.h>.
**
**     tl_source *s = tl_source_open_file(path, &err);
**     while ((rc = tl_source_next(s, &frame)) == TL_OK) ...
**     tl_source_close(s);
**
** next: OK: *out is filled.  END: no more.  ETRUNCATED: the capture breaks off or is damaged here (s->error names file and
** place); every frame before it was good and next stays ETRUNCATED.  EIO, ENOMEM: the outside world failed; s->error.
** EUSAGE: a filter that cannot be used on the link type at hand; s->error.
*/
#ifndef TL_SOURCE_H
#define TL_SOURCE_H

#include "base/base.h"

typedef struct tl_frame {
    tl_at at;          /* at.frame counts from 1 within the source; at.capture is left 0 for the caller */
    int linktype;      /* DLT_* value of libpcap; -1: the capture does not say.  NFLOG's TLVs are little-endian always */
    uint32_t wire_len; /* bytes.n, or more where the snaplen cut it */
    tl_span bytes;     /* borrowed until the next tl_source_next() */
} tl_frame;

typedef struct tl_source_facts {
    const char *format;   /* "pcap", "pcap-ns", "pcapng", "live", "memory", with ".gz" added where gzip: static text */
    int linktype;         /* of the (first) interface; -1 while unknown */
    uint32_t snaplen;     /* 0: not told */
    int64_t drops;        /* packets that the capturing side says it dropped; -1: not told */
    uint64_t bytes_read;  /* of the file as it lies on disk, so far */
    uint64_t bytes_total; /* of the file; 0: not known (a pipe, live) */
    bool have_sha256;     /* true after END or ETRUNCATED of a file that was read to its last byte */
    uint8_t sha256[32];   /* of the file as it lies on disk, trailing garbage included */
    tl_span positions;    /* with END or ETRUNCATED: for tl_source_seek(); n 0: it cannot be sought in.  Borrowed until close */
} tl_source_facts;

typedef struct tl_source tl_source;
typedef struct tl_source_ops {
    tl_rc (*next)(tl_source *s, tl_frame *out);
    void (*close)(tl_source *s);
} tl_source_ops;
struct tl_source {
    const tl_source_ops *ops;
    tl_source_facts facts; /* kept current by next() */
    tl_error error;
};

/* pcap (us and ns, both byte orders) and pcapng, each also gzip-compressed (streamed); "-" is standard input.
** NULL: *err says why (EIO: cannot be opened or read; EUSAGE: not a capture file). */
tl_source *tl_source_open_file(const char *path, tl_error *err);
/* Goes on at the last frame that `positions` (facts.positions, of an earlier reading of the same file) knows and that is not beyond
** `frame`, where that lies ahead; else, and where positions has nothing, nothing happens: frames are read one by one.  Only for what
** tl_source_open_file() opened.  Positions of another file show as damage.  OK, or what next() would return then. */
TL_MUST_USE tl_rc tl_source_seek(tl_source *file, tl_span positions, uint64_t frame);
/* Size and SHA-256 of a file.  OK; EIO, ENOMEM: *err. */
TL_MUST_USE tl_rc tl_source_hash_file(const char *path, uint64_t *bytes, uint8_t sha256[32], tl_error *err);
/* Frames in memory (tests, fuzzing).  frames and what they point at are borrowed until close.  at.frame is set here. */
tl_source *tl_source_open_memory(const tl_frame *frames, size_t n);
/* Wraps inner (owned from now on, also on failure): drops, doubles and swaps (with the next one) so many frames in 1,000, by seed.
** Frame numbers are the inner's.  Deterministic. */
typedef struct tl_lossy {
    uint64_t seed;
    unsigned drop_per_1000, double_per_1000, swap_per_1000;
    uint64_t drop_frame; /* drops just this frame number; 0: none */
} tl_lossy;
tl_source *tl_source_open_lossy(tl_source *inner, const tl_lossy *how);

/* Wraps inner (owned from now on, also on failure): only the frames that a BPF expression (pcap-filter(7)) matches.  Frame numbers are
** the inner's.  NULL: *err says why (EUSAGE: the expression; its text is libpcap's). */
tl_source *tl_source_open_filter(tl_source *inner, const char *expression, tl_error *err);

/* Packets of a device ("eth0", "any") as they come; next waits for one, and END comes after an interrupt.  filter: BPF, or NULL.
** NULL: *err says why (EIO: the device; EUSAGE: the filter). */
tl_source *tl_source_open_live(const char *device, const char *filter, tl_error *err);
/* Makes next() of a live source come back with END.  From any thread, or from a signal handler. */
void tl_source_interrupt(tl_source *live);

TL_MUST_USE static inline tl_rc tl_source_next(tl_source *s, tl_frame *out)
{
    return s->ops->next(s, out);
}
static inline void tl_source_close(tl_source *s)
{
    if (s != NULL) s->ops->close(s);
}

#endif
