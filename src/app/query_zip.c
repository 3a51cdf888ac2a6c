/*
** query_zip.c - see the header.
**
** A member's header is written before its sizes and check sum are known, and again when they are.  Section numbers are APPNOTE.TXT's.
*/
#include "app/query_zip.h"

#include "base/text.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

enum { LOCAL = 0x04034b50, CENTRAL = 0x02014b50, END = 0x06054b50, END64 = 0x06064b50, LOCATOR64 = 0x07064b50 };
enum { VERSION_DEFLATE = 20, VERSION_ZIP64 = 45, UNIX = 3 << 8, DEFLATE = 8, LEVEL = 1, PIECE = 1 << 16, NAME_MOST = 64 };
static const uint64_t large = 0xf0000000; /* what may not fit in 32 bits once it is deflated */

typedef struct member {
    char name[NAME_MOST];
    uint32_t date_time, crc;
    uint64_t raw, packed, offset;
    bool zip64; /* the header in front has room for 64 bits */
} member;

struct tl_zip {
    int fd;
    FILE *directory; /* owned */
    uint64_t at, members;
    z_stream deflate;
    member m;
    tl_text block;
    uint8_t out[PIECE];
};

tl_zip *tl_zip_new(int fd)
{
    tl_zip *z = calloc(1, sizeof *z);
    if (z == NULL) return NULL;
    z->fd = fd;
    z->directory = tmpfile();
    /* Raw deflate: no zlib header. */
    if (z->directory != NULL && deflateInit2(&z->deflate, LEVEL, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK) return z;
    if (z->directory != NULL) fclose(z->directory);
    free(z);
    return NULL;
}

void tl_zip_free(tl_zip *z)
{
    if (z == NULL) return;
    deflateEnd(&z->deflate);
    fclose(z->directory);
    tl_text_free(&z->block);
    free(z);
}

static tl_rc write_at(tl_zip *z, const void *bytes, size_t n, uint64_t offset)
{
    const uint8_t *p = bytes;
    while (n > 0) {
        ssize_t done = pwrite(z->fd, p, n, (off_t)offset);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return TL_EIO;
        p += done;
        n -= (size_t)done;
        offset += (size_t)done;
    }
    return TL_OK;
}

static tl_rc append(tl_zip *z, const void *p, size_t n)
{
    tl_rc rc = write_at(z, p, n, z->at);
    z->at += n;
    return rc;
}

static void put(tl_text *t, uint64_t v, size_t bytes)
{
    uint8_t le[8];
    for (size_t i = 0; i < bytes; i++) le[i] = (uint8_t)(v >> (8 * i));
    tl_text_bytes(t, le, bytes);
}

static uint64_t cap32(uint64_t v)
{
    return v < UINT32_MAX ? v : UINT32_MAX;
}

static tl_rc built(const tl_zip *z)
{
    if (!z->block.failed) return TL_OK;
    errno = ENOMEM;
    return TL_EIO;
}

/* 4.4.6: MS-DOS date and time, two seconds a step, UTC here; years 1980 to 2107. */
static uint32_t dos_time(int64_t seconds)
{
    time_t when = (time_t)seconds;
    struct tm t;
    if (gmtime_r(&when, &t) == NULL || t.tm_year < 80) return 1 << 21 | 1 << 16;
    if (t.tm_year > 207) return (uint32_t)127 << 25 | 12u << 21 | 31u << 16;
    return (uint32_t)(t.tm_year - 80) << 25 | (uint32_t)(t.tm_mon + 1) << 21 | (uint32_t)t.tm_mday << 16 | (uint32_t)t.tm_hour << 11 |
           (uint32_t)t.tm_min << 5 | (uint32_t)t.tm_sec / 2;
}

/* 4.3.7 from its version on, which 4.3.12 shares. */
static void put_common(tl_zip *z, bool zip64)
{
    const member *m = &z->m;
    put(&z->block, zip64 ? VERSION_ZIP64 : VERSION_DEFLATE, 2);
    put(&z->block, 0, 2);
    put(&z->block, DEFLATE, 2);
    put(&z->block, m->date_time, 4);
    put(&z->block, m->crc, 4);
    put(&z->block, zip64 ? UINT32_MAX : m->packed, 4);
    put(&z->block, zip64 ? UINT32_MAX : m->raw, 4);
    put(&z->block, strlen(m->name), 2);
}

static tl_rc put_local(tl_zip *z)
{
    const member *m = &z->m;
    tl_text_reset(&z->block);
    put(&z->block, LOCAL, 4);
    put_common(z, m->zip64);
    put(&z->block, m->zip64 ? 20 : 0, 2);
    tl_text_add(&z->block, m->name);
    if (m->zip64) {
        put(&z->block, 1, 2); /* 4.5.3 */
        put(&z->block, 16, 2);
        put(&z->block, m->raw, 8);
        put(&z->block, m->packed, 8);
    }
    return built(z);
}

static tl_rc put_central(tl_zip *z)
{
    const member *m = &z->m;
    bool far = m->offset >= UINT32_MAX, zip64 = m->zip64 || far;
    tl_text_reset(&z->block);
    put(&z->block, CENTRAL, 4);
    put(&z->block, UNIX | (zip64 ? VERSION_ZIP64 : VERSION_DEFLATE), 2);
    put_common(z, zip64);
    put(&z->block, zip64 ? 28 : 0, 2);
    put(&z->block, 0, 2 + 2 + 2);               /* comment, disk, internal attributes */
    put(&z->block, UINT64_C(0100644) << 16, 4); /* external: a plain file */
    put(&z->block, zip64 ? UINT32_MAX : m->offset, 4);
    tl_text_add(&z->block, m->name);
    if (zip64) {
        put(&z->block, 1, 2);
        put(&z->block, 24, 2);
        put(&z->block, m->raw, 8);
        put(&z->block, m->packed, 8);
        put(&z->block, m->offset, 8);
    }
    if (built(z) != TL_OK) return TL_EIO;
    return fwrite(z->block.p, 1, z->block.n, z->directory) == z->block.n ? TL_OK : TL_EIO;
}

tl_rc tl_zip_begin(tl_zip *z, const char *name, uint64_t bytes, int64_t mtime_s)
{
    z->m = (member){.date_time = dos_time(mtime_s), .offset = z->at, .zip64 = bytes >= large};
    size_t n = strlen(name) < NAME_MOST ? strlen(name) : NAME_MOST - 1;
    memcpy(z->m.name, name, n);
    deflateReset(&z->deflate);
    tl_rc rc = put_local(z);
    return rc == TL_OK ? append(z, z->block.p, z->block.n) : rc;
}

static tl_rc pump(tl_zip *z, int flush)
{
    int rc;
    do {
        z->deflate.next_out = z->out;
        z->deflate.avail_out = PIECE;
        rc = deflate(&z->deflate, flush);
        size_t n = PIECE - z->deflate.avail_out;
        z->m.packed += n;
        if (append(z, z->out, n) != TL_OK) return TL_EIO;
    } while (z->deflate.avail_out == 0 || (flush == Z_FINISH && rc == Z_OK));
    return TL_OK;
}

tl_rc tl_zip_write(tl_zip *z, tl_span bytes)
{
    tl_rc rc = TL_OK;
    z->m.raw += bytes.n;
    for (size_t at = 0; rc == TL_OK && at < bytes.n; at += z->deflate.total_in) {
        uInt n = bytes.n - at < (1u << 30) ? (uInt)(bytes.n - at) : 1u << 30;
        z->m.crc = (uint32_t)crc32(z->m.crc, bytes.p + at, n);
        z->deflate.total_in = 0;
        z->deflate.next_in = (z_const Bytef *)(bytes.p + at);
        z->deflate.avail_in = n;
        rc = pump(z, Z_NO_FLUSH);
    }
    return rc;
}

tl_rc tl_zip_end(tl_zip *z)
{
    z->deflate.avail_in = 0;
    tl_rc rc = pump(z, Z_FINISH);
    if (rc == TL_OK) rc = put_local(z);
    if (rc == TL_OK) rc = write_at(z, z->block.p, z->block.n, z->m.offset);
    z->members++;
    return rc == TL_OK ? put_central(z) : rc;
}

/* 4.3.14 and 4.3.15, where 4.3.16 has no room. */
static void put_end64(tl_zip *z, uint64_t offset, uint64_t size)
{
    put(&z->block, END64, 4);
    put(&z->block, 44, 8);
    put(&z->block, UNIX | VERSION_ZIP64, 2);
    put(&z->block, VERSION_ZIP64, 2);
    put(&z->block, 0, 4 + 4);
    put(&z->block, z->members, 8);
    put(&z->block, z->members, 8);
    put(&z->block, size, 8);
    put(&z->block, offset, 8);
    put(&z->block, LOCATOR64, 4);
    put(&z->block, 0, 4);
    put(&z->block, offset + size, 8);
    put(&z->block, 1, 4);
}

tl_rc tl_zip_finish(tl_zip *z)
{
    uint64_t offset = z->at;
    size_t n;
    tl_rc rc = TL_OK;
    rewind(z->directory);
    while (rc == TL_OK && (n = fread(z->out, 1, PIECE, z->directory)) > 0) rc = append(z, z->out, n);
    if (rc != TL_OK || ferror(z->directory)) return TL_EIO;
    uint64_t size = z->at - offset, count = z->members < UINT16_MAX ? z->members : UINT16_MAX;
    tl_text_reset(&z->block);
    if (z->members >= UINT16_MAX || z->at >= UINT32_MAX) put_end64(z, offset, size);
    put(&z->block, END, 4);
    put(&z->block, 0, 4);
    put(&z->block, count, 2);
    put(&z->block, count, 2);
    put(&z->block, cap32(size), 4);
    put(&z->block, cap32(offset), 4);
    put(&z->block, 0, 2);
    rc = built(z);
    return rc == TL_OK ? append(z, z->block.p, z->block.n) : rc;
}
