/*
** siphash.h - SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed hash, so that nobody can choose session keys that collide.
*/
#ifndef TL_SIPHASH_H
#define TL_SIPHASH_H

#include "base/base.h"

/* key: 16 bytes.  The reference implementation's value for the same key and bytes. */
uint64_t tl_siphash(const uint8_t key[16], const void *p, size_t n);

#endif
