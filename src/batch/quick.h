/*
** quick.h - the quickest level of packing: ISA-L deflates what compresses, the rest is stored, all of it one zlib stream.  For pack.c.
*/
#ifndef TL_BATCH_QUICK_H
#define TL_BATCH_QUICK_H

#include <isa-l/igzip_lib.h>
#include <stddef.h>
#include <stdint.h>

/* Where ISA-L's stream may lie: see place() in quick.c.  Most of each is never touched. */
enum { QUICK_PLACES = 8, QUICK_PLACE = 1 << 16 };

/* What ISA-L works with: no more memory is taken, so packing cannot fail.  Needs no initial values. */
typedef struct quick {
    _Alignas(struct isal_zstream) uint8_t places[(QUICK_PLACES - 1) * QUICK_PLACE + sizeof(struct isal_zstream)];
    uint8_t tokens[ISAL_DEF_LVL1_SMALL];
} quick;

/* The zlib form (RFC 1950) of in[0 .. n) in at most `room` bytes at out: its length; 0: it does not fit.  Depends on nothing but the
** bytes, `room` and the processor's kind: not on what *q held before, and not on where it lies. */
size_t quick_pack(quick *q, const uint8_t *in, size_t n, uint8_t *out, size_t room);

#endif
