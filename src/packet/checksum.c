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

static inline uint32_t load32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

static inline uint16_t load16(const uint8_t *p)
{
    uint16_t v;
    memcpy(&v, p, sizeof v);
    return v;
}

/* End-around carry: in one's complement 2^64 counts as 1. */
static inline uint64_t add_carry(uint64_t sum, uint64_t v)
{
    sum += v;
    return sum + (sum < v);
}

static inline uint16_t fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)((sum & 0xffff) + (sum >> 16));
}

static inline uint16_t sum_of(const uint8_t *p, size_t n, uint64_t start)
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
    if (n & 4) {
        s1 = add_carry(s1, load32(p));
        p += 4;
    }
    if (n & 2) {
        s2 = add_carry(s2, load16(p));
        p += 2;
    }
    if (n & 1) s3 = add_carry(s3, load16((const uint8_t[2]){*p, 0})); /* padded with zero behind it, whatever the byte order */
    return fold(add_carry(add_carry(s0, s1), add_carry(s2, s3)));
}

uint16_t tl_checksum_sum(const uint8_t *p, size_t n, uint32_t start)
{
    return sum_of(p, n, start);
}

static inline uint64_t address_sum(const uint8_t *ip, size_t ip_n)
{
    return ip_n == 4 ? load32(ip) : add_carry(load64(ip), load64(ip + 8));
}

bool tl_checksum_tcp_ok(const uint8_t *src, const uint8_t *dst, size_t ip_n, tl_span segment)
{
    enum { TCP = 6 };
    uint64_t n = segment.n;
    const uint8_t rest[8] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n, 0, 0, 0, TCP};
    uint64_t pseudo = add_carry(add_carry(address_sum(src, ip_n), address_sum(dst, ip_n)), load64(rest));
    return sum_of(segment.p, segment.n, pseudo) == 0xffff;
}
