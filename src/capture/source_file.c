/*
** source_file.c - capture files: opening, telling formats apart, ends and damage.
**
** Call order: tl_source_open_file or _reader, next until it is not OK, close.  States: reading -> ended (END, ETRUNCATED, EIO or
** ENOMEM, kept in f->ended).  However the frames end, the rest of the file is read too, so that its SHA-256 is that of the whole file.
*/
#include "capture/file.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pcap/dlt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The bytes on disk are all read, or will never be: what is known about them now stands. */
static void settle(tl_file *f)
{
    f->base.facts.bytes_read = tl_raw_count(f->in.raw);
    f->base.facts.have_sha256 = tl_raw_sha256(f->in.raw, f->base.facts.sha256);
}

static tl_rc no_memory(tl_file *f)
{
    return f->ended = tl_fail(&f->base.error, TL_ENOMEM, "%s: no memory to read on after frame %" PRIu64, f->name, f->frames);
}

/* Where the frames lie, now that there are no more. */
static tl_rc pack(tl_file *f)
{
    tl_rc rc = positions_pack(&f->positions, &f->packed);
    positions_free(&f->positions);
    f->base.facts.positions = tl_span_of(f->packed.p, f->packed.n);
    return rc;
}

static tl_rc end_with(tl_file *f, tl_rc rc)
{
    f->ended = rc;
    if (rc == TL_ETRUNCATED) {
        tl_rc rest = tl_raw_drain(f->in.raw); /* a failure here shows as a missing SHA-256 */
        (void)rest;
    }
    settle(f);
    return pack(f) == TL_OK ? rc : no_memory(f);
}

static tl_rc broken(tl_file *f, const char *how, uint64_t offset, const char *what)
{
    (void)tl_fail(&f->base.error, TL_ETRUNCATED, "%.150s: %s after frame %" PRIu64 ", at byte %" PRIu64 "%s: %s", f->name, how, f->frames,
                  offset, f->in.inflater ? " (uncompressed)" : "", what);
    return end_with(f, TL_ETRUNCATED);
}

tl_rc tl_file_damaged(tl_file *f, uint64_t offset, const char *fmt, ...)
{
    char what[200];
    va_list args;
    va_start(args, fmt);
    if (vsnprintf(what, sizeof what, fmt, args) < 0) what[0] = '\0';
    va_end(args);
    return broken(f, "damaged", offset, what);
}

tl_rc tl_file_cut(tl_file *f, uint64_t began, uint64_t wanted)
{
    uint64_t have = f->in.offset - began + f->in.window.n;
    char what[200];
    switch (f->in.ended) {
    case TL_END:
        if (have == 0) return end_with(f, TL_END);
        snprintf(what, sizeof what, "only %" PRIu64 " of the next %" PRIu64 " bytes are there", have, wanted);
        return broken(f, "breaks off", began, what);
    case TL_ETRUNCATED: return broken(f, "breaks off", f->in.offset + f->in.window.n, f->in.why);
    case TL_EIO:
        (void)tl_fail(&f->base.error, TL_EIO, "%s: reading failed after frame %" PRIu64 ": %s", f->name, f->frames,
                      strerror(tl_raw_errno(f->in.raw)));
        return end_with(f, TL_EIO);
    default: (void)no_memory(f); return end_with(f, TL_ENOMEM);
    }
}

/* Most values of the two are the same; libpcap keeps these apart because systems had numbered them differently. */
int tl_dlt_of_linktype(uint32_t linktype)
{
    switch (linktype) {
    case 100: return DLT_ATM_RFC1483;
    case 101: return DLT_RAW;
    case 102: return DLT_SLIP_BSDOS;
    case 103: return DLT_PPP_BSDOS;
    case 106: return DLT_ATM_CLIP;
    case 246: return DLT_PFSYNC;
    default: return linktype > INT32_MAX ? -1 : (int)linktype;
    }
}

/* NFLOG is the one pseudo-header before TCP that has numbers in the capturing machine's byte order: TLVs of length and type. */
tl_rc tl_file_native(tl_file *f, bool big_endian, tl_frame *frame)
{
    if (!big_endian || frame->linktype != DLT_NFLOG || frame->bytes.n < 4 || frame->bytes.p[1] != 0) return TL_OK;
    if (frame->bytes.n > f->scratch_room) {
        uint8_t *scratch = realloc(f->scratch, frame->bytes.n);
        if (scratch == NULL) {
            (void)tl_fail(&f->base.error, TL_ENOMEM, "%s: no memory for frame %" PRIu64, f->name, f->frames);
            return end_with(f, TL_ENOMEM);
        }
        f->scratch = scratch;
        f->scratch_room = frame->bytes.n;
    }
    uint8_t *p = f->scratch;
    size_t n = frame->bytes.n;
    memcpy(p, frame->bytes.p, n);
    for (size_t at = 4; n - at >= 4;) {
        size_t length = tl_be16(p + at);
        for (size_t half = 0; half < 4; half += 2) {
            uint8_t first = p[at + half];
            p[at + half] = p[at + half + 1];
            p[at + half + 1] = first;
        }
        size_t padded = (length + 3) & ~(size_t)3;
        if (length < 4 || padded > n - at) break;
        at += padded;
    }
    frame->bytes = tl_span_of(p, n);
    return TL_OK;
}

static tl_rc file_next(tl_source *s, tl_frame *out)
{
    tl_file *f = (tl_file *)s;
    if (f->ended != TL_OK) return f->ended;
    if (f->frames == f->positions.next && position_frame(&f->positions, f->in.offset) != TL_OK) return no_memory(f);
    tl_rc rc = f->next(f, out);
    s->facts.bytes_read = tl_raw_count(f->in.raw);
    return rc;
}

static void file_close(tl_source *s)
{
    tl_file *f = (tl_file *)s;
    tl_pcapng_close(f);
    tl_input_close(&f->in);
    positions_free(&f->positions);
    tl_text_free(&f->packed);
    free(f->scratch);
    free(f->name);
    free(f);
}

static const tl_source_ops file_ops = {file_next, file_close};

/* Files that people mistake for captures, or that hold one inside. */
static const struct {
    const char *magic;
    size_t at, n;
    const char *what;
} others[] = {
    {"\xfd\x37zXZ", 0, 5, "xz data: unpack it first, xz -dc FILE | tcpledger-ingest -"},
    {"\x28\xb5\x2f\xfd", 0, 4, "Zstandard data: unpack it first, zstd -dc FILE | tcpledger-ingest -"},
    {"\x04\x22\x4d\x18", 0, 4, "lz4 data: unpack it first, lz4 -dc FILE | tcpledger-ingest -"},
    {"BZh", 0, 3, "bzip2 data: unpack it first, bzip2 -dc FILE | tcpledger-ingest -"},
    {"PK\x03\x04", 0, 4, "a ZIP archive: unpack it first"},
    {"ustar", 257, 5, "a tar archive: unpack it first"},
    {"SQLite format 3", 0, 16, "an SQLite database: captures come before -o, the database after it"},
    {"snoop\0\0", 0, 8, "a snoop capture: convert it first, editcap -F pcapng FILE NEW"},
    {"GMBU", 0, 4, "a Network Monitor capture: convert it first, editcap -F pcapng FILE NEW"},
    {"RTSS", 0, 4, "a Network Monitor capture: convert it first, editcap -F pcapng FILE NEW"},
    {"XCP\0", 0, 4, "a Sniffer capture: convert it first, editcap -F pcapng FILE NEW"},
    {"TRSNIFF data", 0, 12, "a Sniffer capture: convert it first, editcap -F pcapng FILE NEW"},
};

static tl_rc not_a_capture(tl_file *f, tl_error *err)
{
    tl_rc rc = tl_input_look(&f->in, 512); /* what is there, if it is less */
    tl_span head = f->in.window;
    if (rc == TL_EIO) return tl_fail(err, TL_EIO, "%s: cannot be read: %s", f->name, strerror(tl_raw_errno(f->in.raw)));
    if (rc == TL_ENOMEM) return tl_fail(err, TL_ENOMEM, "%s: no memory to read it", f->name);
    const char *packed = f->in.inflater ? "gzip data, but inside it: " : "";
    if (rc == TL_ETRUNCATED && head.n == 0) return tl_fail(err, TL_EUSAGE, "%s: %s", f->name, f->in.why);
    if (head.n == 0) return tl_fail(err, TL_EUSAGE, "%s: %sempty, not a capture", f->name, packed);
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        if (head.n >= others[i].at + others[i].n && memcmp(head.p + others[i].at, others[i].magic, others[i].n) == 0)
            return tl_fail(err, TL_EUSAGE, "%s: %snot a pcap or pcapng capture but %s", f->name, packed, others[i].what);
    char hex[3 * 4 + 1] = "";
    for (size_t i = 0; i < 4 && i < head.n; i++) snprintf(hex + 3 * i, 4, " %02x", head.p[i]);
    return tl_fail(err, TL_EUSAGE,
                   "%s: %snot a pcap or pcapng capture (it begins with%s): if it is one of another program, convert it with editcap",
                   f->name, packed, hex);
}

tl_source *tl_source_open_reader(tl_reader reader, const char *name, uint64_t total, tl_error *err)
{
    tl_file *f = calloc(1, sizeof *f);
    if (f == NULL) {
        reader.close(reader.self);
        (void)tl_fail(err, TL_ENOMEM, "%s: no memory to open it", name);
        return NULL;
    }
    f->base.ops = &file_ops;
    f->base.facts.linktype = -1;
    f->base.facts.drops = -1;
    f->base.facts.bytes_total = total;
    f->name = strdup(name);
    if (f->name == NULL) {
        reader.close(reader.self);
        free(f);
        (void)tl_fail(err, TL_ENOMEM, "%s: no memory to open it", name);
        return NULL;
    }
    tl_rc rc = tl_input_open(&f->in, reader);
    if (rc != TL_OK) {
        (void)tl_fail(err, rc, "%s: no memory to open it", name);
        free(f->name);
        free(f);
        return NULL;
    }
    /* Each answers END when the file is not of its kind. */
    positions_free(&f->positions);
    if (f->in.inflater == NULL && tl_raw_seekable(f->in.raw)) positions_begin(&f->positions);
    rc = tl_pcap_open(f, err);
    if (rc == TL_END) rc = tl_pcapng_open(f, err);
    if (rc == TL_END) rc = not_a_capture(f, err);
    if (rc != TL_OK) {
        file_close(&f->base);
        return NULL;
    }
    f->base.facts.bytes_read = tl_raw_count(f->in.raw);
    return &f->base;
}

typedef struct descriptor {
    int fd;
    bool owned;
} descriptor;

static ssize_t read_descriptor(void *self, void *to, size_t n)
{
    return read(((descriptor *)self)->fd, to, n);
}

static void close_descriptor(void *self)
{
    descriptor *d = self;
    if (d->owned) close(d->fd);
    free(d);
}

static bool seek_descriptor(void *self, uint64_t offset)
{
    return offset <= INT64_MAX && lseek(((descriptor *)self)->fd, (off_t)offset, SEEK_SET) >= 0;
}

/* *reader owns the file; *bytes: of a regular file, else 0. */
static tl_rc open_path(const char *path, const char *name, tl_reader *reader, uint64_t *bytes, tl_error *err)
{
    bool standard_input = strcmp(path, "-") == 0;
    descriptor *d = malloc(sizeof *d);
    if (d == NULL) return tl_fail(err, TL_ENOMEM, "%s: no memory to open it", name);
    *d = (descriptor){STDIN_FILENO, false};
    if (!standard_input) *d = (descriptor){open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), true};
    struct stat st;
    if (d->fd < 0 || fstat(d->fd, &st) != 0) {
        (void)tl_fail(err, TL_EIO, "%s: cannot be opened: %s", name, strerror(errno));
        if (d->fd >= 0)
            close_descriptor(d);
        else
            free(d);
        return TL_EIO;
    }
    *bytes = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    if (*bytes > 0) (void)posix_fadvise(d->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    *reader = (tl_reader){.read = read_descriptor, .close = close_descriptor, .self = d};
    if (*bytes > 0 && !standard_input) reader->seek = seek_descriptor;
    reader->ahead = *bytes > 0 && !standard_input;
    return TL_OK;
}

tl_source *tl_source_open_file(const char *path, tl_error *err)
{
    const char *name = strcmp(path, "-") == 0 ? "standard input" : path;
    tl_reader reader;
    uint64_t total;
    if (open_path(path, name, &reader, &total, err) != TL_OK) return NULL;
    return tl_source_open_reader(reader, name, total, err);
}

tl_rc tl_source_seek(tl_source *file, tl_span positions, uint64_t frame)
{
    tl_file *f = (tl_file *)file;
    position at;
    assert(file->ops == &file_ops);
    if (f->ended != TL_OK) return f->ended;
    if (f->in.inflater != NULL || !tl_raw_seekable(f->in.raw)) return TL_OK;
    tl_rc rc = positions_find(positions, frame, &at);
    if (rc == TL_ENOMEM) return no_memory(f);
    if (rc == TL_OK && at.frame > f->frames + 1) {
        positions_free(&f->positions); /* those of a part are of no use */
        rc = f->next_at(f, &at);
        f->frames = at.frame - 1;
    }
    free(at.description);
    return rc == TL_END ? TL_OK : rc;
}

tl_rc tl_source_hash_file(const char *path, uint64_t *bytes, uint8_t sha256[32], tl_error *err)
{
    tl_reader reader;
    if (open_path(path, path, &reader, bytes, err) != TL_OK) return err->rc;
    reader.ahead = false; /* there is nothing else to do here: one thread reads, the other one hashes */
    tl_raw *raw = tl_raw_new(reader);
    if (raw == NULL) return tl_fail(err, TL_ENOMEM, "%s: no memory to read it", path);
    tl_rc rc = tl_raw_drain(raw);
    *bytes = tl_raw_count(raw);
    if (rc == TL_EIO) (void)tl_fail(err, rc, "%s: cannot be read: %s", path, strerror(tl_raw_errno(raw)));
    if (rc == TL_ENOMEM) (void)tl_fail(err, rc, "%s: no memory to read it", path);
    if (rc == TL_END) rc = tl_raw_sha256(raw, sha256) ? TL_OK : tl_fail(err, TL_EIO, "%s: cannot be read", path);
    tl_raw_free(raw);
    return rc;
}
