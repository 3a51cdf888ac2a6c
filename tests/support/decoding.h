/*
** decoding.h - a frame held against what must come out of it, whole and cut off at every length.
*/
#ifndef TL_DECODING_H
#define TL_DECODING_H

#include "packet/segment.h"

/* tl_decode() over a heap block of exactly the frame's size; the payload is checked to lie in it and then made to point into
** `frame` again, so that it is good for as long as that. */
tl_decoded tl_decode_exact(int linktype, tl_span frame, uint32_t wire_len, tl_segment *out);

/* Decodes the frame cut at every length, twice: as the snaplen cuts it (the wire had all), and as if no more had been sent.
** Asserts for each: nothing is read out of bounds, lengths agree; and of a snaplen cut, that it is never "malformed" nor taken for
** something else than TCP, that addresses, numbers and lengths on the wire are those of the whole frame, and that a longer piece never
** says less than a shorter one.  frame must hold a TCP segment. */
void tl_check_every_cut(const char *name, int linktype, tl_span frame);

#endif
