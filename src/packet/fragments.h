/*
** fragments.h - decoding with memory: frames in, segments out, IP fragments put together on the way.
**
**     tl_decoder *d = tl_decoder_new(key);
**     for each frame:
**         how = tl_decoder_push(d, linktype, frame, wire_len, at, &segment);       how counts the frame
**         while (tl_decoder_lost(d, &lost)) ...                                    recount: fragment -> fragment_lost
**     tl_decoder_flush(d); while (tl_decoder_lost(d, &lost)) ...
**     tl_decoder_free(d);
**
** Everything but fragments is tl_decode()'s work.  A frame that is a fragment and completes nothing is TL_SEG_FRAGMENT; the one that
** completes its datagram has the outcome of what is inside, and `at` of the segment is its own.  A datagram that is not complete
** after 30 s of capture time, or that must go for memory, is lost, and each of its frames is told by tl_decoder_lost().
**
** Invariants:
**  1. Of two copies of a byte the first captured one is delivered.  Overlaps and contradictions are counted.
**  2. No datagram is made of frames more than TIMEOUT apart, or from different tags or tunnels (a second tap completes its own).
**  3. At most 4 MiB, 64 fragments a datagram; every frame that was taken in is once part of a completed datagram or once lost.
**  4. What comes out does not depend on the hash key.
**
** The datagram of a frame that the snaplen cut completes too, by its lengths on the wire: the segment's payload is what was captured
** up to the cut.
*/
#ifndef TL_FRAGMENTS_H
#define TL_FRAGMENTS_H

#include "packet/segment.h"

enum { TL_FRAGMENTS_MAX = 64 }; /* of one datagram */

typedef struct tl_fragment_counts {
    uint64_t fragments;      /* frames that were fragments, refused ones included */
    uint64_t datagrams;      /* completed */
    uint64_t lost_datagrams; /* given up, for whatever reason */
    uint64_t lost_frames;    /* their frames, those refused for too many fragments or no memory included */
    uint64_t expired;        /* datagrams lost to time or to the end of the capture */
    uint64_t evicted;        /* ... to memory */
    uint64_t overlaps;       /* fragments that brought bytes which were there already */
    uint64_t conflicts;      /* ... and differed from them, as far as each byte is compared with one earlier copy */
    uint64_t contradictions; /* fragments refused because they reach beyond their datagram's end (outcome malformed) */
    uint64_t cut_bytes;      /* captured bytes behind a cut of the snaplen, which no segment could carry */
} tl_fragment_counts;

/* One frame that was counted as TL_SEG_FRAGMENT and is TL_SEG_FRAGMENT_LOST now. */
typedef struct tl_fragment_lost {
    tl_at at;
    uint32_t captured_bytes, wire_bytes; /* of the frame */
} tl_fragment_lost;

/* Which frame brought which bytes of the last segment's payload. */
typedef struct tl_fragment_part {
    tl_at at;
    uint32_t offset, n; /* in the payload, captured bytes; parts may overlap: the first in the list wins */
} tl_fragment_part;

typedef struct tl_decoder tl_decoder;

/* hash_key: random bytes, so that nobody can choose colliding datagrams; copied.  NULL: no memory. */
tl_decoder *tl_decoder_new(const uint8_t hash_key[16]);
void tl_decoder_free(tl_decoder *d); /* NULL is fine */

/* As tl_decode().  The payload borrows from frame or from the decoder, until the next push.
** Memory that cannot be had is memory pressure: the fragment is lost and counted. */
tl_decoded tl_decoder_push(tl_decoder *d, int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out);
/* One frame that was lost by the last push or flush; false: no more.  What is not pulled before the next push is counted only. */
bool tl_decoder_lost(tl_decoder *d, tl_fragment_lost *out);
/* Gives up all datagrams that wait. */
void tl_decoder_flush(tl_decoder *d);

/* The parts of the segment that the last push gave out, in the order of capture; 0: it was not fragmented.
** out has TL_FRAGMENTS_MAX places. */
size_t tl_decoder_parts(const tl_decoder *d, const tl_segment *segment, tl_fragment_part *out);

/* All frames of the datagram that the last push completed, in the order of capture, its own last; 0: it was not fragmented.  Of a fragment
** inside a fragmented tunnel only the frames that completed the outer ones.
** out has TL_FRAGMENTS_MAX places. */
size_t tl_decoder_frames(const tl_decoder *d, tl_at *out);

const tl_fragment_counts *tl_decoder_counts(const tl_decoder *d);
/* Bytes of datagrams that wait, bookkeeping included: never more than 4 MiB. */
size_t tl_decoder_used(const tl_decoder *d);

#endif
