/*
** flat.h - bytes that are spread as evenly as random ones: only repetitions could make them shorter.
*/
#ifndef TL_BATCH_FLAT_H
#define TL_BATCH_FLAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How often each value occurs, all zero to start; of at most 8192 bytes.  Two counts, because one that was just added to is waited for. */
typedef struct flat_counts {
    int16_t even[256], odd[256];
} flat_counts;

static inline void flat_count(flat_counts *c, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < n; i += 2) {
        c->even[p[i]]++;
        c->odd[p[i + 1]]++;
    }
    if (n % 2 != 0) c->even[p[n - 1]]++;
}

/* n: the bytes that were counted.  The sum of the squares is n + n*n/256 for random bytes, more for anything skewed. */
static inline bool flat_is(const flat_counts *c, size_t n)
{
    uint32_t squares = 0;
    for (int i = 0; i < 256; i++) squares += (uint32_t)((c->even[i] + c->odd[i]) * (c->even[i] + c->odd[i]));
    return squares <= 2 * (n + n * n / 256);
}

#endif
