/*
** checksum.c - see checksum.h.
*/
#include "packet/checksum.h"

#include <string.h>

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* End-around carry: in one's complement 2^64 counts as 1. */
static inline uint64_t add_carry(uint64_t sum, uint64_t v)
{
    sum += v;
    return sum + (sum < v);
}

uint16_t tl_checksum_sum(const uint8_t *p, size_t n, uint32_t start)
{
    /* Four sums that do not wait for each other. */
    uint64_t s0 = start, s1 = 0, s2 = 0, s3 = 0;
    while (n >= 32) {
        s0 = add_carry(s0, load64(p));
        s1 = add_carry(s1, load64(p + 8));
        s2 = add_carry(s2, load64(p + 16));
        s3 = add_carry(s3, load64(p + 24));
        p += 32;
        n -= 32;
    }
    while (n >= 8) {
        s0 = add_carry(s0, load64(p));
        p += 8;
        n -= 8;
    }
    if (n > 0) {
        uint8_t tail[8] = {0}; /* an odd last byte is padded with zero behind it, whatever the byte order */
        memcpy(tail, p, n);
        s0 = add_carry(s0, load64(tail));
    }
    uint64_t sum = add_carry(add_carry(s0, s1), add_carry(s2, s3));
    for (int i = 0; i < 4; i++) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

bool tl_checksum_tcp_ok(const uint8_t *src, const uint8_t *dst, size_t ip_n, tl_span segment)
{
    enum { TCP = 6 };
    uint8_t pseudo[2 * 16 + 8];
    memcpy(pseudo, src, ip_n);
    memcpy(pseudo + ip_n, dst, ip_n);
    uint8_t *end = pseudo + 2 * ip_n;
    uint64_t n = segment.n;
    end[0] = (uint8_t)(n >> 24);
    end[1] = (uint8_t)(n >> 16);
    end[2] = (uint8_t)(n >> 8);
    end[3] = (uint8_t)n;
    end[4] = end[5] = end[6] = 0;
    end[7] = TCP;
    uint16_t sum = tl_checksum_sum(pseudo, 2 * ip_n + 8, 0);
    return tl_checksum_sum(segment.p, segment.n, sum) == 0xffff;
}
