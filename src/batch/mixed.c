/*
** mixed.c - chunks of which parts do not compress: those parts are stored, the others deflated, all of it one zlib stream (RFC 1950,
** 1951).
**
** A chunk is cut by bytes, not by what they are: a page and a picture lie in the same one.  Deflating the picture takes twice as long as
** deflating the page, and gains nothing.  libdeflate deflates a whole buffer or nothing, so its outputs are put together here:
**
**     deflated part   what libdeflate wrote, with the final bit of its only block cleared (unless it is the last part)
**     stored part     stored blocks (RFC 1951 section 3.2.4): three bits of header, the rest of the byte skipped, length, bytes
**
** The last byte of a deflated part ends in k zero bits, 0 to 7.  Where k >= 3 they are the header of a stored block already; where not, a
** byte of zeros makes them one.  Nobody tells k: the part is inflated with an empty stored block and an end behind it, which fails
** where k < 3. That also proves the part.  What needs more than one block, or does not get shorter, is left to the ordinary way.
**
** The result depends on the bytes and the compressor's level alone.
*/
#include "batch/mixed.h"

#include "batch/flat.h"

#include <libdeflate.h>
#include <string.h>

enum {
    BLOCK = 4096,            /* the unit of what is looked at, */
    LOOK = 512,              /* by so many bytes of it */
    STORED_MIN = 2 * BLOCK,  /* shorter runs of flat blocks are deflated with the rest */
    DEFLATED_MAX = 32 << 10, /* of a deflated part: one block of libdeflate's */
    PARTS_MAX = 64,
    STORED_MAX = 65535, /* RFC 1951 section 3.2.4 */
    TRIAL = 6           /* bytes behind a part while k is found out */
};

typedef struct part {
    size_t from, n;
    bool stored;
} part;

static bool is_flat(const uint8_t *in, size_t n)
{
    uint32_t count[256] = {0};
    if (n > LOOK) n = LOOK;
    flat_count(count, in, n);
    return flat_is(count, n);
}

/* Adds [from, to) in parts of their largest size.  False: there are too many. */
static bool add(part *parts, size_t *n, size_t from, size_t to, bool stored)
{
    size_t most = stored ? STORED_MAX : DEFLATED_MAX;
    for (; from < to; from += most) {
        if (*n == PARTS_MAX) return false;
        parts[(*n)++] = (part){from, to - from < most ? to - from : most, stored};
    }
    return true;
}

/* The parts of in[0 .. n); 0: none of it is worth storing. */
static size_t divide(const uint8_t *in, size_t n, part *parts)
{
    size_t parts_n = 0, done = 0;
    bool any = false;
    for (size_t at = 0; at < n;) {
        size_t from = at;
        while (at < n && is_flat(in + at, n - at < BLOCK ? n - at : BLOCK)) at += n - at < BLOCK ? n - at : BLOCK;
        if (at - from >= STORED_MIN) {
            if (!add(parts, &parts_n, done, from, false) || !add(parts, &parts_n, from, at, true)) return 0;
            done = at;
            any = true;
        }
        if (at < n) at += n - at < BLOCK ? n - at : BLOCK; /* the block that is not flat */
    }
    return any && add(parts, &parts_n, done, n, false) ? parts_n : 0;
}

typedef struct writer {
    uint8_t *out;
    size_t n, room;
    bool header; /* the bits of a stored block's header are written */
} writer;

static bool put(writer *w, const void *p, size_t n)
{
    if (n > w->room - w->n) return false;
    memcpy(w->out + w->n, p, n);
    w->n += n;
    return true;
}

static bool put_stored(writer *w, const uint8_t *in, size_t n)
{
    const uint8_t head[] = {0, (uint8_t)n, (uint8_t)(n >> 8), (uint8_t)~n, (uint8_t)(~n >> 8)};
    size_t skip = w->header ? 1 : 0;
    w->header = false;
    return put(w, head + skip, sizeof head - skip) && (n == 0 || put(w, in, n));
}

static bool put_deflated(mixed *m, writer *w, const uint8_t *in, size_t n, bool last)
{
    static const uint8_t empty_and_end[TRIAL] = {0, 0, 0xff, 0xff, 3, 0}, zero = 0;
    if (w->header && !put_stored(w, NULL, 0)) return false; /* to the byte's end */
    uint8_t *p = w->out + w->n;
    size_t size = w->room - w->n <= TRIAL ? 0 : libdeflate_deflate_compress(m->deflate, in, n, p, w->room - w->n - TRIAL);
    if (size == 0) return false;
    w->n += size;
    if (last) return true;
    if ((p[0] & 1) == 0) return false; /* several blocks: the last of them is somewhere */
    p[0] &= 0xfe;
    memcpy(p + size, empty_and_end, TRIAL);
    w->header = true;
    if (libdeflate_deflate_decompress(m->inflate, p, size + TRIAL, m->scratch, n, NULL) == LIBDEFLATE_SUCCESS) return true;
    return put(w, &zero, 1);
}

bool mixed_init(mixed *m, struct libdeflate_compressor *deflate)
{
    m->deflate = deflate;
    m->inflate = libdeflate_alloc_decompressor();
    return m->inflate != NULL;
}

void mixed_free(mixed *m)
{
    libdeflate_free_decompressor(m->inflate);
}

size_t mixed_pack(mixed *m, const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
    static const uint8_t zlib_head[] = {0x78, 0x01}, end[] = {1, 0, 0, 0xff, 0xff};
    part parts[PARTS_MAX];
    size_t parts_n = divide(in, n, parts);
    writer w = {.out = out, .room = room};
    if (parts_n == 0 || !put(&w, zlib_head, sizeof zlib_head)) return 0;
    for (size_t i = 0; i < parts_n; i++) {
        const part *p = &parts[i];
        bool good = p->stored ? put_stored(&w, in + p->from, p->n) : put_deflated(m, &w, in + p->from, p->n, i + 1 == parts_n);
        if (!good) return 0;
    }
    if (parts[parts_n - 1].stored && !put(&w, end, sizeof end)) return 0;
    uint32_t sum = libdeflate_adler32(1, in, n);
    const uint8_t check[] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum};
    return put(&w, check, sizeof check) ? w.n : 0;
}
