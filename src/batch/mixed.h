/*
** mixed.h - a chunk of which only parts compress, as one zlib stream.  For pack.c.
*/
#ifndef TL_BATCH_MIXED_H
#define TL_BATCH_MIXED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MIXED_SCRATCH = 32 << 10 };

struct libdeflate_compressor;
struct libdeflate_decompressor;

typedef struct mixed {
    struct libdeflate_compressor *deflate;   /* borrowed */
    struct libdeflate_decompressor *inflate; /* owned */
    uint8_t scratch[MIXED_SCRATCH];
} mixed;

/* False: no memory. */
bool mixed_init(mixed *m, struct libdeflate_compressor *deflate);
void mixed_free(mixed *m);
/* The zlib form of in[0 .. n) in at most `room` bytes at out, with the parts that do not compress stored; 0: there are none long enough, or
** it does not fit: the ordinary way then. */
size_t mixed_pack(mixed *m, const uint8_t *in, size_t n, uint8_t *out, size_t room);

#endif
