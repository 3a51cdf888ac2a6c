/*
** siphash.c - SipHash-2-4 as in section 2 of the paper; names v0..v3 and the constants are its own.
*/
#include "base/siphash.h"

static inline uint64_t rotl(uint64_t x, unsigned by)
{
    return x << by | x >> (64 - by);
}

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[1] = rotl(v[1], 13) ^ v[0];
    v[0] = rotl(v[0], 32);
    v[2] += v[3];
    v[3] = rotl(v[3], 16) ^ v[2];
    v[0] += v[3];
    v[3] = rotl(v[3], 21) ^ v[0];
    v[2] += v[1];
    v[1] = rotl(v[1], 17) ^ v[2];
    v[2] = rotl(v[2], 32);
}

static inline void absorb(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t tl_siphash(const uint8_t key[16], const void *p, size_t n)
{
    const uint8_t *in = p;
    uint64_t k0 = tl_le64(key), k1 = tl_le64(key + 8);
    uint64_t v[4] = {k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
    size_t whole = n & ~(size_t)7;
    for (size_t i = 0; i < whole; i += 8) absorb(v, tl_le64(in + i));

    uint64_t last = (uint64_t)n << 56;
    if (n & 1) last |= (uint64_t)in[n - 1] << (8 * (n & 6));
    if (n & 2) last |= (uint64_t)tl_le16(in + (n & ~(size_t)3)) << (8 * (n & 4));
    if (n & 4) last |= tl_le32(in + whole);
    absorb(v, last);

    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++) sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}
