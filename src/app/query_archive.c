/*
** query_archive.c - see the header.
*/
#include "app/query_archive.h"

#include "app/query_zip.h"
#include "store/sqlar.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SPARSE = 4096, NAME_MOST = 64 };

struct tl_archive {
    char *path; /* owned */
    int fd;     /* the folder, or the file; -1: none */
    tl_zip *zip;
    tl_sqlar *sqlar;
    int member; /* of a folder; -1: none */
    char name[NAME_MOST];
    int64_t mtime_s;
    uint64_t bytes, at;
    tl_error error;
};

static tl_rc failed(tl_archive *a)
{
    return tl_fail(&a->error, TL_EIO, "%s: %s", a->path, strerror(errno));
}

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), m = strlen(end);
    return n > m && strcmp(s + n - m, end) == 0;
}

static tl_rc open_folder(tl_archive *a)
{
    if (mkdir(a->path, 0777) != 0 && errno != EEXIST) return failed(a);
    a->fd = open(a->path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return a->fd < 0 ? failed(a) : TL_OK;
}

static tl_rc open_archive(tl_archive *a)
{
    bool zip = ends_with(a->path, ".zip"), sqlar = ends_with(a->path, ".sqlar");
    if (!zip && !sqlar) return open_folder(a);
    a->fd = open(a->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (a->fd < 0) return failed(a);
    if (zip) {
        a->zip = tl_zip_new(a->fd);
        return a->zip == NULL ? failed(a) : TL_OK;
    }
    a->sqlar = tl_sqlar_open(a->path, &a->error);
    return a->sqlar == NULL ? a->error.rc : TL_OK;
}

tl_archive *tl_archive_open(const char *path, tl_error *err)
{
    tl_archive *a = calloc(1, sizeof *a);
    if (a != NULL) a->path = strdup(path);
    if (a == NULL || a->path == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "no memory");
        free(a);
        return NULL;
    }
    a->fd = a->member = -1;
    if (open_archive(a) == TL_OK) return a;
    *err = a->error;
    (void)tl_archive_close(a, false, NULL);
    return NULL;
}

tl_rc tl_archive_begin(tl_archive *a, const char *name, uint64_t bytes, int64_t mtime_s)
{
    assert(strlen(name) < NAME_MOST && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(name) && name[0] != '.');
    memcpy(a->name, name, strlen(name) + 1);
    a->mtime_s = mtime_s;
    a->bytes = bytes;
    a->at = 0;
    if (a->sqlar != NULL)
        return tl_sqlar_begin(a->sqlar, name, bytes, mtime_s) == TL_OK ? TL_OK : (a->error = *tl_sqlar_error(a->sqlar)).rc;
    if (a->zip != NULL) return tl_zip_begin(a->zip, name, bytes, mtime_s) == TL_OK ? TL_OK : failed(a);
    a->member = openat(a->fd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    return a->member >= 0 ? TL_OK : tl_fail(&a->error, TL_EIO, "%s/%s: %s", a->path, name, strerror(errno));
}

/* Zeros are skipped over: a hole of gigabytes takes no room. */
static tl_rc write_member(tl_archive *a, tl_span bytes)
{
    const uint8_t *p = bytes.p;
    size_t n = bytes.n;
    if (n >= SPARSE && p[0] == 0 && memcmp(p, p + 1, n - 1) == 0) return lseek(a->member, (off_t)n, SEEK_CUR) < 0 ? failed(a) : TL_OK;
    while (n > 0) {
        ssize_t done = write(a->member, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return failed(a);
        p += done;
        n -= (size_t)done;
    }
    return TL_OK;
}

tl_rc tl_archive_write(void *archive, tl_span bytes)
{
    tl_archive *a = archive;
    if (bytes.n > a->bytes - a->at) return tl_fail(&a->error, TL_EIO, "%s: more bytes than the database counts (see verify)", a->name);
    a->at += bytes.n;
    if (a->sqlar != NULL) return tl_sqlar_write(a->sqlar, bytes) == TL_OK ? TL_OK : (a->error = *tl_sqlar_error(a->sqlar)).rc;
    if (a->zip != NULL) return tl_zip_write(a->zip, bytes) == TL_OK ? TL_OK : failed(a);
    return write_member(a, bytes);
}

static tl_rc end_file(tl_archive *a)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = a->mtime_s}};
    tl_rc rc = ftruncate(a->member, (off_t)a->bytes) != 0 ? failed(a) : TL_OK;
    (void)futimens(a->member, times); /* a time that the file system cannot hold is no harm */
    if (close(a->member) != 0 && rc == TL_OK) rc = failed(a);
    a->member = -1;
    return rc;
}

tl_rc tl_archive_end(tl_archive *a)
{
    if (a->at != a->bytes)
        return tl_fail(&a->error, TL_EIO, "%s: %" PRIu64 " bytes, the database counts %" PRIu64 " (see verify)", a->name, a->at, a->bytes);
    if (a->sqlar != NULL) return tl_sqlar_end(a->sqlar) == TL_OK ? TL_OK : (a->error = *tl_sqlar_error(a->sqlar)).rc;
    if (a->zip != NULL) return tl_zip_end(a->zip) == TL_OK ? TL_OK : failed(a);
    return end_file(a);
}

const tl_error *tl_archive_error(const tl_archive *a)
{
    return &a->error;
}

tl_rc tl_archive_close(tl_archive *a, bool good, tl_error *err)
{
    tl_rc rc = TL_OK;
    if (a == NULL) return rc;
    bool file = a->fd >= 0 && (ends_with(a->path, ".zip") || ends_with(a->path, ".sqlar"));
    if (good && a->zip != NULL && tl_zip_finish(a->zip) != TL_OK) rc = failed(a);
    tl_zip_free(a->zip);
    if (tl_sqlar_close(a->sqlar, good, &a->error) != TL_OK) rc = a->error.rc;
    if (a->member >= 0) close(a->member);
    if (a->fd >= 0 && close(a->fd) != 0 && rc == TL_OK && good) rc = failed(a);
    if (file && (!good || rc != TL_OK)) unlink(a->path);
    if (rc != TL_OK && err != NULL) *err = a->error;
    free(a->path);
    free(a);
    return rc;
}
