/*
** cassandra_frame.h - the frames that CQL's messages travel in from version 5 on (native_protocol_v5.spec, section 2).
**
**     plain        17 bits length, 1 bit "whole messages only", 6 bits 0, then CRC-24 of these three bytes
**     compressing  17 bits length, 17 bits length when unpacked, 1 bit "whole messages only", 5 bits 0, then CRC-24 of these five bytes
**     little-endian; then so many bytes of messages, and their CRC-32
**
** Where the length when unpacked is 0, the bytes are not compressed.
*/
#ifndef TL_CASSANDRA_FRAME_H
#define TL_CASSANDRA_FRAME_H

#include "message/protocol/binary.h"

enum { TL_CASSANDRA_FRAME_HEADER = 8, TL_CASSANDRA_CHECKSUM = 4 }; /* the longer header; CRC-32 */

typedef struct tl_cassandra_frame {
    uint8_t header; /* its length; 0: no frame */
    bool alone;     /* it holds whole messages, not a piece of one */
    bool packed;
    uint32_t payload; /* bytes between header and checksum */
} tl_cassandra_frame;

/* The checksum of the header's first n bytes, and where it stands behind them: is it theirs? */
static inline bool tl_cassandra_crc24(const uint8_t *p, size_t n)
{
    uint32_t crc = 0x875060;
    for (size_t i = 0; i < n; i++) {
        crc ^= (uint32_t)p[i] << 16;
        for (int bit = 0; bit < 8; bit++) crc = crc << 1 ^ (crc & 0x800000 ? 0x1974f0b : 0);
    }
    return (crc & 0xffffff) == (p[n] | (uint32_t)p[n + 1] << 8 | (uint32_t)p[n + 2] << 16);
}

/* True: a frame begins here; looks at TL_CASSANDRA_FRAME_HEADER bytes, and says no where fewer are there. */
static inline bool tl_cassandra_parse_frame(tl_span b, tl_cassandra_frame *f)
{
    if (b.n < TL_CASSANDRA_FRAME_HEADER) return false;
    uint32_t low = tl_le32(b.p), length = low & 0x1ffff;
    if (b.p[2] <= 3 && tl_cassandra_crc24(b.p, 3)) {
        *f = (tl_cassandra_frame){.header = 6, .alone = b.p[2] >> 1 & 1, .payload = length};
        return true;
    }
    if (b.p[4] > 7 || !tl_cassandra_crc24(b.p, 5)) return false;
    *f = (tl_cassandra_frame){.header = 8, .alone = b.p[4] >> 2 & 1, .packed = low >> 17 != 0 || (b.p[4] & 3) != 0, .payload = length};
    return true;
}

/* YES: one begins here; MAYBE: too few bytes to tell. */
static inline tl_match tl_cassandra_probe_frame(tl_span b)
{
    tl_cassandra_frame f;
    if (b.n >= TL_CASSANDRA_FRAME_HEADER) return tl_cassandra_parse_frame(b, &f) ? TL_YES : TL_NO;
    return b.n >= 5 && b.p[2] > 3 && b.p[4] > 7 ? TL_NO : TL_MAYBE;
}

#endif
