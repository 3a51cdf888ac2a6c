/*
** flat.h - bytes that are spread as evenly as random ones: only repetitions could make them shorter.
*/
#ifndef TL_BATCH_FLAT_H
#define TL_BATCH_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often each value occurs; begin with zeros. */
static inline void flat_count(uint32_t count[256], const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) count[p[i]]++;
}

/* n: the bytes that were counted.  The sum of the squares is n + n*n/256 for random bytes, more for anything skewed. */
static inline bool flat_is(const uint32_t count[256], size_t n)
{
    uint64_t squares = 0;
    for (int i = 0; i < 256; i++) squares += (uint64_t)count[i] * count[i];
    return squares <= 2 * ((uint64_t)n + (uint64_t)n * n / 256);
}

#endif
