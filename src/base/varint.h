/*
** varint.h - unsigned integers in 1 to 10 bytes, seven bits a byte, least significant first (LEB128),
** and signed ones folded onto them (zigzag: 0, -1, 1, -2, 2 ...).  chunk.arrivals is made of these.
*/
#ifndef TL_VARINT_H
#define TL_VARINT_H

#include "base/base.h"

enum { TL_VARINT_MAX = 10 };

/* Writes v at out, which has room for TL_VARINT_MAX bytes; returns the number written. */
static inline size_t tl_varint_put(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

/* Reads one from the front of in; returns the bytes it took, 0 when in ends first or the value does not fit in 64 bits. */
static inline size_t tl_varint_get(tl_span in, uint64_t *out)
{
    uint64_t v = 0;
    for (size_t i = 0; i < in.n && i < TL_VARINT_MAX; i++) {
        uint64_t bits = in.p[i] & 0x7f;
        if (i == 9 && bits > 1) return 0;
        v |= bits << (7 * i);
        if (!(in.p[i] & 0x80)) {
            *out = v;
            return i + 1;
        }
    }
    return 0;
}

static inline uint64_t tl_zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}
static inline int64_t tl_unzigzag(uint64_t v)
{
    return (int64_t)(v >> 1 ^ (0 - (v & 1)));
}

#endif
