/*
** bodies.h - random numbers, and bytes to fill messages with: text that compresses like web pages, and bytes that do not.
*/
#ifndef BENCH_BODIES_H
#define BENCH_BODIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* splitmix64: any seed is good, the same numbers on every machine. */
uint64_t random_bits(uint64_t *state);
/* 0 to below - 1; below >= 1 */
uint64_t random_below(uint64_t *state, uint64_t below);
/* true in percent of the cases */
bool random_percent(uint64_t *state, double percent);

/* Fills both pools; once, before body_of.  false: no memory. */
bool bodies_make(uint64_t seed);
void bodies_free(void);
/* n bytes of a pool from a place that `random` chooses; good until bodies_free.  n <= BODY_MOST */
enum { BODY_MOST = 4 * 1024 * 1024 };
const uint8_t *body_of(bool text, size_t n, uint64_t random);

#endif
