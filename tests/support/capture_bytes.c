#include "support/capture_bytes.h"
#include "capture/file.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

void tl_bytes_free(tl_bytes *b)
{
    free(b->p);
    *b = (tl_bytes){0};
}

void tl_put(tl_bytes *b, const void *p, size_t n)
{
    if (b->n + n > b->room) {
        b->room = (b->n + n) * 2;
        b->p = realloc(b->p, b->room);
        if (b->p == NULL) abort();
    }
    if (n > 0) memcpy(b->p + b->n, p, n);
    b->n += n;
}

static void put_number(tl_bytes *b, bool big_endian, uint64_t v, size_t n)
{
    uint8_t out[8];
    for (size_t i = 0; i < n; i++) out[big_endian ? n - 1 - i : i] = (uint8_t)(v >> 8 * i);
    tl_put(b, out, n);
}

void tl_put16(tl_bytes *b, bool big_endian, uint16_t v)
{
    put_number(b, big_endian, v, 2);
}
void tl_put32(tl_bytes *b, bool big_endian, uint32_t v)
{
    put_number(b, big_endian, v, 4);
}
void tl_put64(tl_bytes *b, bool big_endian, uint64_t v)
{
    put_number(b, big_endian, v, 8);
}

void tl_put_pcap_header(tl_bytes *b, bool big_endian, uint32_t magic, uint16_t major, uint16_t minor, uint32_t snaplen, uint32_t linktype)
{
    tl_put32(b, big_endian, magic);
    tl_put16(b, big_endian, major);
    tl_put16(b, big_endian, minor);
    tl_put64(b, big_endian, 0);
    tl_put32(b, big_endian, snaplen);
    tl_put32(b, big_endian, linktype);
}

void tl_put_pcap_record(tl_bytes *b, bool big_endian, uint32_t seconds, uint32_t fraction, const char *data, uint32_t len)
{
    tl_put32(b, big_endian, seconds);
    tl_put32(b, big_endian, fraction);
    tl_put32(b, big_endian, (uint32_t)strlen(data));
    tl_put32(b, big_endian, len);
    tl_put(b, data, strlen(data));
}

static void pad(tl_bytes *b)
{
    while (b->n % 4 != 0) tl_put(b, "", 1);
}

void tl_put_block(tl_bytes *b, bool big_endian, uint32_t type, const void *body, size_t n)
{
    uint32_t length = (uint32_t)(12 + (n + 3) / 4 * 4);
    tl_bytes block = {0};
    tl_put32(&block, big_endian, type);
    tl_put32(&block, big_endian, length);
    tl_put(&block, body, n);
    pad(&block);
    tl_put32(&block, big_endian, length);
    tl_put(b, block.p, block.n);
    tl_bytes_free(&block);
}

void tl_put_section(tl_bytes *b, bool big_endian)
{
    tl_bytes body = {0};
    tl_put32(&body, big_endian, 0x1a2b3c4d);
    tl_put16(&body, big_endian, 1);
    tl_put16(&body, big_endian, 0);
    tl_put64(&body, big_endian, UINT64_MAX);
    tl_put_block(b, big_endian, 0x0a0d0d0a, body.p, body.n);
    tl_bytes_free(&body);
}

static void put_options(tl_bytes *body, bool big_endian, const tl_bytes *options)
{
    if (options == NULL) return;
    tl_put(body, options->p, options->n);
    tl_put32(body, big_endian, 0);
}

void tl_put_option(tl_bytes *options, bool big_endian, uint16_t code, const void *value, uint16_t n)
{
    tl_put16(options, big_endian, code);
    tl_put16(options, big_endian, n);
    tl_put(options, value, n);
    pad(options);
}

void tl_put_interface(tl_bytes *b, bool big_endian, uint16_t linktype, uint32_t snaplen, const tl_bytes *options)
{
    tl_bytes body = {0};
    tl_put16(&body, big_endian, linktype);
    tl_put16(&body, big_endian, 0);
    tl_put32(&body, big_endian, snaplen);
    put_options(&body, big_endian, options);
    tl_put_block(b, big_endian, 1, body.p, body.n);
    tl_bytes_free(&body);
}

void tl_put_enhanced(tl_bytes *b, bool big_endian, uint32_t interface_id, uint64_t units, const char *data, uint32_t len,
                     const tl_bytes *options)
{
    tl_bytes body = {0};
    tl_put32(&body, big_endian, interface_id);
    tl_put32(&body, big_endian, (uint32_t)(units >> 32));
    tl_put32(&body, big_endian, (uint32_t)units);
    tl_put32(&body, big_endian, (uint32_t)strlen(data));
    tl_put32(&body, big_endian, len);
    tl_put(&body, data, strlen(data));
    pad(&body);
    put_options(&body, big_endian, options);
    tl_put_block(b, big_endian, 6, body.p, body.n);
    tl_bytes_free(&body);
}

void tl_put_gzip(tl_bytes *b, const void *p, size_t n)
{
    z_stream z = {0};
    if (deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK) abort();
    size_t room = deflateBound(&z, (uLong)n);
    uint8_t *out = malloc(room);
    if (out == NULL) abort();
    z.next_in = (z_const Bytef *)p;
    z.avail_in = (uInt)n;
    z.next_out = out;
    z.avail_out = (uInt)room;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END) abort();
    tl_put(b, out, room - z.avail_out);
    deflateEnd(&z);
    free(out);
}

typedef struct steps {
    const tl_bytes *bytes;
    size_t at, step;
} steps;

static ssize_t read_step(void *self, void *to, size_t n)
{
    steps *s = self;
    size_t left = s->bytes->n - s->at;
    if (n > s->step) n = s->step;
    if (n > left) n = left;
    if (n > 0) memcpy(to, s->bytes->p + s->at, n);
    s->at += n;
    return (ssize_t)n;
}

tl_source *tl_open_bytes(const tl_bytes *b, size_t step, tl_error *err)
{
    steps *s = malloc(sizeof *s);
    if (s == NULL) abort();
    *s = (steps){b, 0, step};
    return tl_source_open_reader((tl_reader){.read = read_step, .close = free, .self = s}, "capture", b->n, err);
}

tl_taken tl_take_all(tl_source *s)
{
    tl_taken t = {0};
    size_t room = 0;
    tl_frame frame;
    while ((t.rc = tl_source_next(s, &frame)) == TL_OK) {
        if (t.n == room) {
            room = room ? room * 2 : 16;
            t.frames = realloc(t.frames, room * sizeof *t.frames);
            if (t.frames == NULL) abort();
        }
        uint8_t *copy = malloc(frame.bytes.n ? frame.bytes.n : 1);
        if (copy == NULL) abort();
        if (frame.bytes.n > 0) memcpy(copy, frame.bytes.p, frame.bytes.n);
        frame.bytes.p = copy;
        t.frames[t.n++] = frame;
    }
    return t;
}

void tl_taken_free(tl_taken *t)
{
    for (size_t i = 0; i < t->n; i++) free((void *)(uintptr_t)t->frames[i].bytes.p);
    free(t->frames);
    *t = (tl_taken){0};
}

bool tl_same_frame(const tl_frame *a, const tl_frame *b)
{
    return a->at.ns == b->at.ns && a->at.frame == b->at.frame && a->linktype == b->linktype && a->wire_len == b->wire_len &&
           a->bytes.n == b->bytes.n && (a->bytes.n == 0 || memcmp(a->bytes.p, b->bytes.p, a->bytes.n) == 0);
}
