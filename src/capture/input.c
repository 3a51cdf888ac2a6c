/*
** input.c - a window that moves over the file, or over what its gzip members inflate to.
**
** gzip as gzip(1) reads it (RFC 1952): members one after the other, zero bytes as padding after any of them.  Anything else behind a
** member, a bad check sum, or a member that breaks off is damage; what was inflated before it is delivered first.
** Memory is bounded by the largest look, whatever the ratio of compression.
*/
#include "capture/input.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { PLAIN_BYTES = 256 * 1024 };

struct tl_inflater {
    z_stream z;
    tl_span raw;       /* not inflated yet */
    bool in_member;    /* a member has begun and not ended */
    uint8_t *plain;    /* owned */
    size_t room, used; /* the window ends at plain + used */
};

static tl_rc end_with(tl_input *in, tl_rc rc, const char *why)
{
    in->ended = rc;
    in->why = why;
    return rc;
}

static void free_inflater(tl_inflater *f)
{
    if (f == NULL) return;
    inflateEnd(&f->z);
    free(f->plain);
    free(f);
}

static tl_inflater *new_inflater(tl_span raw)
{
    tl_inflater *f = calloc(1, sizeof *f);
    if (f == NULL) return NULL;
    f->raw = raw;
    f->room = PLAIN_BYTES;
    f->plain = malloc(f->room);
    if (f->plain == NULL || inflateInit2(&f->z, 15 + 16) != Z_OK) { /* 16: a gzip header and trailer, nothing else */
        free(f->plain);
        free(f);
        return NULL;
    }
    f->in_member = true;
    return f;
}

tl_rc tl_input_open(tl_input *in, tl_reader reader)
{
    *in = (tl_input){0};
    in->raw = tl_raw_new(reader);
    if (in->raw == NULL) return TL_ENOMEM;
    /* ID1, ID2 and CM: two bytes alone could be the start of something else. */
    if (tl_input_fill(in, 3) != TL_OK || memcmp(in->window.p, "\x1f\x8b\x08", 3) != 0) return TL_OK;
    in->inflater = new_inflater(in->window);
    if (in->inflater == NULL) {
        tl_input_close(in);
        return TL_ENOMEM;
    }
    in->window = tl_span_of(in->inflater->plain, 0);
    return TL_OK;
}

void tl_input_close(tl_input *in)
{
    free_inflater(in->inflater);
    tl_raw_free(in->raw);
    *in = (tl_input){0};
}

/* Room behind the window for it to grow to n bytes; moves the window to the front when that is what it takes. */
static tl_rc make_room(tl_input *in, size_t n)
{
    tl_inflater *f = in->inflater;
    size_t start = (size_t)(in->window.p - f->plain);
    if (f->used < f->room && n <= f->room - start) return TL_OK;
    if (n > f->room) {
        size_t room = n + PLAIN_BYTES;
        uint8_t *plain = malloc(room);
        if (plain == NULL) return TL_ENOMEM;
        if (in->window.n > 0) memcpy(plain, in->window.p, in->window.n);
        free(f->plain);
        f->plain = plain;
        f->room = room;
    } else if (in->window.n > 0) {
        memmove(f->plain, in->window.p, in->window.n);
    }
    f->used = in->window.n;
    in->window = tl_span_of(f->plain, f->used);
    return TL_OK;
}

/* One step of inflate(): the window may have grown, or compressed bytes were used up, or the input has ended. */
static tl_rc inflate_some(tl_input *in)
{
    tl_inflater *f = in->inflater;
    while (!f->in_member && f->raw.n > 0 && f->raw.p[0] == 0) f->raw = tl_span_of(f->raw.p + 1, f->raw.n - 1);
    if (f->raw.n == 0) {
        tl_rc rc = tl_raw_more(in->raw, &f->raw, 1);
        if (rc == TL_END && f->in_member) return end_with(in, TL_ETRUNCATED, "the gzip data ends before its time");
        if (rc != TL_OK) return end_with(in, rc, NULL);
        return TL_OK;
    }
    if (!f->in_member) {
        if (inflateReset(&f->z) != Z_OK) return end_with(in, TL_ENOMEM, NULL);
        f->in_member = true;
    }
    /* Blocks are far smaller than 4 GiB; uInt holds them. */
    size_t out = f->room - f->used < PLAIN_BYTES ? f->room - f->used : PLAIN_BYTES;
    size_t give = f->raw.n < PLAIN_BYTES ? f->raw.n : PLAIN_BYTES;
    f->z.next_in = (z_const Bytef *)f->raw.p;
    f->z.avail_in = (uInt)give;
    f->z.next_out = f->plain + f->used;
    f->z.avail_out = (uInt)out;
    int rc = inflate(&f->z, Z_NO_FLUSH);
    size_t took = give - f->z.avail_in, made = out - f->z.avail_out;
    f->raw = tl_span_of(f->raw.p + took, f->raw.n - took);
    f->used += made;
    in->window.n += made;
    if (rc == Z_STREAM_END) {
        f->in_member = false;
    } else if (rc == Z_MEM_ERROR) {
        return end_with(in, TL_ENOMEM, NULL);
    } else if ((rc != Z_OK && rc != Z_BUF_ERROR) || (took == 0 && made == 0)) {
        return end_with(in, TL_ETRUNCATED, "the gzip data is damaged");
    }
    return TL_OK;
}

tl_rc tl_input_fill(tl_input *in, size_t n)
{
    while (in->window.n < n) {
        if (in->ended != TL_OK) return in->ended;
        tl_rc rc;
        if (in->inflater == NULL) {
            rc = tl_raw_more(in->raw, &in->window, n);
            if (rc != TL_OK) return end_with(in, rc, NULL);
        } else {
            rc = make_room(in, n);
            if (rc != TL_OK) return end_with(in, rc, NULL);
            rc = inflate_some(in);
            if (rc != TL_OK && in->window.n < n) return rc;
        }
    }
    return TL_OK;
}

tl_rc tl_input_skip_far(tl_input *in, uint64_t n)
{
    while (n > 0) {
        size_t step = n < PLAIN_BYTES ? (size_t)n : PLAIN_BYTES;
        if (in->window.n > step) step = n < in->window.n ? (size_t)n : in->window.n;
        tl_rc rc = tl_input_look(in, step);
        if (rc != TL_OK) {
            tl_input_skip(in, in->window.n);
            return rc;
        }
        tl_input_skip(in, step);
        n -= step;
    }
    return TL_OK;
}

tl_rc tl_input_seek(tl_input *in, uint64_t offset)
{
    assert(in->inflater == NULL);
    if (offset >= in->offset && offset - in->offset <= in->window.n) {
        tl_input_skip(in, (size_t)(offset - in->offset));
        return TL_OK;
    }
    in->window = (tl_span){0};
    in->offset = offset;
    in->ended = tl_raw_seek(in->raw, offset);
    return in->ended;
}
