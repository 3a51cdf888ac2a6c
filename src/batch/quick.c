/*
** quick.c - packing at the quickest level: ISA-L's deflate (two to three times as fast as libdeflate's level 1 on text, for a tenth more
** bytes), and no deflating of what does not compress.
**
** A chunk is cut by bytes, not by what they are: a page and a picture lie in the same one.  Deflating the picture takes as long as
** deflating the page, and gains nothing.  So a chunk is divided, and its parts are one zlib stream (RFC 1950, 1951):
**
**     deflated part   flushed to the end of a byte by the empty stored block that FULL_FLUSH writes, or the end of the stream
**     stored part     stored blocks (RFC 1951 section 3.2.4): three bits of header, the rest of the byte skipped, length, bytes
*/
#include "batch/quick.h"

#include "batch/flat.h"

#include <isa-l/crc.h>
#include <libdeflate.h>
#include <stdbool.h>
#include <string.h>

enum {
    BLOCK = 4096,           /* the unit of what is looked at, */
    LOOK = 256,             /* by so many bytes of it */
    STORED_MIN = 2 * BLOCK, /* shorter runs of flat blocks are deflated with the rest */
    PARTS_MAX = 64,
    STORED_MAX = 65535, /* RFC 1951 section 3.2.4 */
    HISTORY = 1 << 15,
    RUN_MIN = 4096 /* ISA-L's MIN_REPEAT_LEN: so many bytes 0 or 255 in front are a block of their own, and the rest starts anew */
};

typedef struct part {
    size_t from, to;
    bool stored;
} part;

static bool is_flat(const uint8_t *in, size_t n)
{
    flat_counts counts = {0};
    if (n > LOOK) n = LOOK;
    flat_count(&counts, in, n);
    return flat_is(&counts, n);
}

/* The parts of in[0 .. n), at least one; what would be too many of them is in the last one. */
static size_t divide(const uint8_t *in, size_t n, part *parts)
{
    size_t parts_n = 0, done = 0;
    for (size_t at = 0; at < n && parts_n < PARTS_MAX - 2;) {
        size_t from = at;
        while (at < n && is_flat(in + at, n - at < BLOCK ? n - at : BLOCK)) at += n - at < BLOCK ? n - at : BLOCK;
        if (at - from >= STORED_MIN) {
            if (from > done) parts[parts_n++] = (part){done, from, false};
            parts[parts_n++] = (part){from, at, true};
            done = at;
        }
        if (at < n) at += n - at < BLOCK ? n - at : BLOCK; /* the block that is not flat */
    }
    if (done < n) parts[parts_n++] = (part){done, n, false};
    if (parts_n == 1) parts[0].stored = false; /* whoever asks for all of it to be stored has seen repetitions in it */
    return parts_n;
}

typedef struct writer {
    uint8_t *out;
    size_t n, room;
} writer;

static bool put(writer *w, const void *p, size_t n)
{
    if (n > w->room - w->n) return false;
    memcpy(w->out + w->n, p, n);
    w->n += n;
    return true;
}

static bool put_stored(writer *w, const uint8_t *in, size_t n, bool last)
{
    for (size_t at = 0, most; at < n; at += most) {
        most = n - at < STORED_MAX ? n - at : STORED_MAX;
        const uint8_t head[] = {last && at + most == n, (uint8_t)most, (uint8_t)(most >> 8), (uint8_t)~most, (uint8_t)(~most >> 8)};
        if (!put(w, head, sizeof head) || !put(w, in + at, most)) return false;
    }
    return true;
}

static uint32_t slot_of(const void *p, uint32_t mask)
{
    return crc32_iscsi((unsigned char *)(uintptr_t)p, 4, 0) & mask;
}

static size_t run_in_front(const uint8_t *in, size_t n)
{
    size_t run = 0;
    if (n > 0 && (in[0] == 0 || in[0] == 255))
        while (run < n && in[run] == in[0]) run++;
    return run < RUN_MIN ? 0 : run;
}

/*
** Where the stream lies for these bytes.
**
** ISA-L (2.30, igzip_icf_body_h1_gr_bt.asm, .write_first_byte) hashes the four bytes at 2 from a register that still holds the stream's
** address, shifted right by 16.  So position 2 is entered into a slot of its table that the address decides.  Mostly that shows in
** nothing: who finds it there compares the bytes, and they differ.  It shows where the slot is the one of the bytes at 0 or 1, which are
** lost then, or of bytes that the entry means by accident: at 2, or multiples of the history later, where an empty slot means 0 and its
** multiples.  A place whose slot is none of these always gives the same, and of the eight there is one: their slots are
** eight different ones of the whole table, against seven, and at least four of a small one, against three.
*/
static struct isal_zstream *place(quick *q, const uint8_t *in, size_t n)
{
    static const size_t meant[] = {0, 1, 2, HISTORY, HISTORY + 2, 2 * HISTORY, 2 * HISTORY + 2};
    uint32_t mask = n < 4096 ? 31 : 8191; /* the table is smaller for a few bytes: 31 holds for each size of it */
    uint32_t slots[sizeof meant / sizeof *meant];
    size_t slots_n = 0, start = run_in_front(in, n);
    for (size_t i = 0; i < sizeof meant / sizeof *meant && start + meant[i] + 4 <= n; i++)
        slots[slots_n++] = slot_of(in + start + meant[i], mask);
    uint8_t *p = q->places;
    for (size_t k = 0;; k++, p += QUICK_PLACE) {
        uint32_t address = (uint32_t)((uintptr_t)p >> 16), slot = slot_of(&address, mask);
        size_t i = 0;
        while (i < slots_n && slots[i] != slot) i++;
        if (i == slots_n || k == QUICK_PLACES - 1) return (struct isal_zstream *)(void *)p;
    }
}

static bool put_deflated(quick *q, writer *w, const uint8_t *in, size_t n, bool last)
{
    struct isal_zstream *z = place(q, in, n);
    /* ISA-L's own init leaves hist_bits and more as they were, and these decide what comes out. */
    memset(z, 0, offsetof(struct isal_zstream, internal_state.buffer));
    isal_deflate_stateless_init(z);
    z->level = 1;
    z->level_buf = q->tokens;
    z->level_buf_size = sizeof q->tokens;
    z->next_in = (uint8_t *)(uintptr_t)in;
    z->avail_in = (uint32_t)n;
    z->next_out = w->out + w->n;
    z->avail_out = (uint32_t)(w->room - w->n);
    z->end_of_stream = last;
    z->flush = last ? NO_FLUSH : FULL_FLUSH;
    if (isal_deflate_stateless(z) != COMP_OK || z->avail_in > 0) return false;
    w->n += z->total_out;
    return true;
}

size_t quick_pack(quick *q, const uint8_t *in, size_t n, uint8_t *out, size_t room)
{
    static const uint8_t zlib_head[] = {0x78, 0x01};
    part parts[PARTS_MAX];
    size_t parts_n = divide(in, n, parts);
    writer w = {.out = out, .room = room};
    if (!put(&w, zlib_head, sizeof zlib_head)) return 0;
    for (size_t i = 0; i < parts_n; i++) {
        const part *p = &parts[i];
        bool last = i + 1 == parts_n;
        if (!(p->stored ? put_stored(&w, in + p->from, p->to - p->from, last) : put_deflated(q, &w, in + p->from, p->to - p->from, last)))
            return 0;
    }
    uint32_t sum = libdeflate_adler32(1, in, n);
    const uint8_t check[] = {(uint8_t)(sum >> 24), (uint8_t)(sum >> 16), (uint8_t)(sum >> 8), (uint8_t)sum};
    return put(&w, check, sizeof check) ? w.n : 0;
}
