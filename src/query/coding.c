/*
** coding.c - see coding.h.  The work is done by zlib, libbrotlidec and libzstd; this is one face for the three.
**
** gzip members and zstd frames may follow each other (RFC 1952 section 2.2, RFC 8878 section 3); what follows a member and is none is
** padding, and the end.
*/
#include "query/coding.h"

#include <brotli/decode.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

enum { ZSTD_WINDOW_LOG = 23 };

struct tl_coding {
    tl_coding_kind kind;
    z_stream z;
    bool z_open;
    uint8_t first; /* deflate: the first byte, until the second one tells zlib from bare */
    bool has_first;
    BrotliDecoderState *br;
    ZSTD_DStream *zstd;
    bool begun, between; /* between: at the end of a member or frame */
};

tl_coding_kind tl_coding_named(tl_span token)
{
    static const struct {
        const char *name;
        tl_coding_kind kind;
    } names[] = {{"gzip", TL_CODING_GZIP}, {"x-gzip", TL_CODING_GZIP}, {"deflate", TL_CODING_DEFLATE},
                 {"br", TL_CODING_BR},     {"zstd", TL_CODING_ZSTD},   {"identity", TL_CODING_NONE}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strlen(names[i].name) == token.n && strncasecmp(names[i].name, (const char *)token.p, token.n) == 0) return names[i].kind;
    return TL_CODING_UNKNOWN;
}

static bool open_zlib(tl_coding *c, int window_bits)
{
    c->z_open = inflateInit2(&c->z, window_bits) == Z_OK;
    return c->z_open;
}

tl_coding *tl_coding_new(tl_coding_kind kind)
{
    tl_coding *c = calloc(1, sizeof *c);
    if (c == NULL) return NULL;
    c->kind = kind;
    bool ok = true;
    if (kind == TL_CODING_GZIP) ok = open_zlib(c, 15 + 16);
    if (kind == TL_CODING_BR) ok = (c->br = BrotliDecoderCreateInstance(NULL, NULL, NULL)) != NULL;
    if (kind == TL_CODING_ZSTD)
        ok = (c->zstd = ZSTD_createDStream()) != NULL &&
             !ZSTD_isError(ZSTD_DCtx_setParameter(c->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG));
    if (ok) return c;
    tl_coding_free(c);
    return NULL;
}

void tl_coding_free(tl_coding *c)
{
    if (c == NULL) return;
    if (c->z_open) inflateEnd(&c->z);
    if (c->br != NULL) BrotliDecoderDestroyInstance(c->br);
    ZSTD_freeDStream(c->zstd);
    free(c);
}

bool tl_coding_may_end(const tl_coding *c)
{
    return !c->begun || c->between;
}

/* One call of inflate().  Its counters are 32 bits wide; pieces are smaller. */
static tl_coded inflate_some(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    uInt given = in->n < 1U << 30 ? (uInt)in->n : 1U << 30, space = room < 1U << 30 ? (uInt)room : 1U << 30;
    c->z.next_in = (Bytef *)(uintptr_t)in->p; /* zlib reads it only */
    c->z.avail_in = given;
    c->z.next_out = out;
    c->z.avail_out = space;
    int rc = inflate(&c->z, Z_NO_FLUSH);
    size_t took = given - c->z.avail_in;
    *made = space - c->z.avail_out;
    in->p += took;
    in->n -= took;
    if (rc == Z_STREAM_END) return TL_CODED_END;
    if (rc != Z_OK && rc != Z_BUF_ERROR) return TL_CODED_BAD;
    return in->n == 0 && c->z.avail_out > 0 ? TL_CODED_MORE : TL_CODED_OK;
}

static tl_coded run_gzip(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    if (c->between) {
        if (in->p[0] != 0x1f) return TL_CODED_END;
        if (inflateReset(&c->z) != Z_OK) return TL_CODED_BAD;
        c->between = false;
    }
    tl_coded coded = inflate_some(c, in, out, room, made);
    if (coded != TL_CODED_END) return coded;
    c->between = true;
    return in->n == 0 ? TL_CODED_MORE : TL_CODED_OK;
}

/* RFC 1950 section 2.2: method 8 and a header that is a multiple of 31. */
static bool is_zlib(uint8_t cmf, uint8_t flags)
{
    return (cmf & 0x0f) == 8 && (cmf >> 4) <= 7 && (cmf << 8 | flags) % 31 == 0;
}

static tl_coded run_deflate(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    if (c->between) return TL_CODED_END;
    if (!c->z_open) {
        if (!c->has_first) {
            c->first = in->p[0];
            c->has_first = true;
            *in = tl_span_of(in->p + 1, in->n - 1);
            if (in->n == 0) return TL_CODED_MORE;
        }
        if (!open_zlib(c, is_zlib(c->first, in->p[0]) ? 15 : -15)) return TL_CODED_BAD;
        tl_span first = tl_span_of(&c->first, 1);
        size_t none = 0;
        if (inflate_some(c, &first, out, room, &none) == TL_CODED_BAD || none > 0) return TL_CODED_BAD;
    }
    tl_coded coded = inflate_some(c, in, out, room, made);
    if (coded == TL_CODED_END) c->between = true;
    return coded;
}

static tl_coded run_br(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    size_t given = in->n, space = room;
    const uint8_t *from = in->p;
    uint8_t *to = out;
    BrotliDecoderResult rc = BrotliDecoderDecompressStream(c->br, &given, &from, &space, &to, NULL);
    *made = room - space;
    *in = tl_span_of(from, given);
    switch (rc) {
    case BROTLI_DECODER_RESULT_SUCCESS: c->between = true; return TL_CODED_END;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_INPUT: return TL_CODED_MORE;
    case BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT: return TL_CODED_OK;
    default: return TL_CODED_BAD;
    }
}

static tl_coded run_zstd(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    static const uint8_t magic = 0x28, skippable = 0x50; /* first bytes of a frame; a skippable one: 0x50 to 0x5f */
    if (c->between && in->p[0] != magic && (in->p[0] & 0xf0) != skippable) return TL_CODED_END;
    ZSTD_inBuffer from = {in->p, in->n, 0};
    ZSTD_outBuffer to = {out, room, 0};
    size_t rc = ZSTD_decompressStream(c->zstd, &to, &from);
    *made = to.pos;
    *in = tl_span_of(in->p + from.pos, in->n - from.pos);
    if (ZSTD_isError(rc)) return TL_CODED_BAD;
    c->between = rc == 0;
    return in->n == 0 && to.pos < room ? TL_CODED_MORE : TL_CODED_OK;
}

tl_coded tl_coding_run(tl_coding *c, tl_span *in, uint8_t *out, size_t room, size_t *made)
{
    *made = 0;
    if (in->n == 0 && (!c->begun || c->between)) return TL_CODED_MORE;
    c->begun = true;
    switch (c->kind) {
    case TL_CODING_GZIP: return run_gzip(c, in, out, room, made);
    case TL_CODING_DEFLATE: return in->n == 0 && !c->z_open ? TL_CODED_MORE : run_deflate(c, in, out, room, made);
    case TL_CODING_BR: return run_br(c, in, out, room, made);
    case TL_CODING_ZSTD: return run_zstd(c, in, out, room, made);
    default: return TL_CODED_BAD;
    }
}
