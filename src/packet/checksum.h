/*
** checksum.h - the Internet checksum (RFC 1071) over a whole TCP segment.  Runs over every payload byte, so it is made of
** 64-bit words.  Internal to this folder.
*/
#ifndef TL_CHECKSUM_H
#define TL_CHECKSUM_H

#include "base/base.h"

/* The sum of the bytes as 16-bit words of this machine's own byte order, folded to 16 bits; start: such a sum of what lies before
** (an even number of bytes).  One's complement sums do not depend on the byte order: a datagram that carries its own
** right checksum sums to 0xffff on every machine (RFC 1071 section 2 B). */
uint16_t tl_checksum_sum(const uint8_t *p, size_t n, uint32_t start);

/* Is a TCP segment's checksum right?  ip_n: 4 or 16; segment: TCP header and payload, all of it. */
bool tl_checksum_tcp_ok(const uint8_t *src, const uint8_t *dst, size_t ip_n, tl_span segment);

#endif
