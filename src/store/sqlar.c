/*
** sqlar.c - see sqlar.h.
*/
#include "store/sqlar.h"

#include <inttypes.h>
#include <libdeflate.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL = 1 << 20, LEVEL = 6, FILE_MODE = 0100644 };

struct tl_sqlar {
    sqlite3 *db;
    sqlite3_stmt *insert;
    sqlite3_blob *large; /* the member at hand, where it is large */
    struct libdeflate_compressor *compressor;
    uint8_t *raw, *packed; /* SMALL bytes each */
    char name[64];
    int64_t mtime_s;
    uint64_t bytes, at;
    tl_error error;
};

static tl_rc failed(tl_sqlar *a, const char *doing)
{
    return tl_fail(&a->error, TL_EIO, "cannot %s: %s", doing, sqlite3_errmsg(a->db));
}

static tl_rc set_up(tl_sqlar *a, const char *path)
{
    static const char begin[] = "PRAGMA page_size = 32768; PRAGMA journal_mode = OFF; PRAGMA synchronous = FULL; BEGIN;"
                                "CREATE TABLE sqlar(name TEXT PRIMARY KEY, mode INT, mtime INT, sz INT, data BLOB)";
    static const char insert[] = "INSERT INTO sqlar (name, mode, mtime, sz, data) VALUES (?, ?, ?, ?, ?)";
    a->raw = malloc(SMALL);
    a->packed = malloc(SMALL);
    a->compressor = libdeflate_alloc_compressor(LEVEL);
    if (a->raw == NULL || a->packed == NULL || a->compressor == NULL) return tl_fail(&a->error, TL_ENOMEM, "no memory");
    /* A name that begins with "file:" or ":" is a name like any other. */
    char *name = sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
    if (name == NULL) return tl_fail(&a->error, TL_ENOMEM, "no memory");
    int rc = sqlite3_open_v2(name, &a->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE, NULL);
    sqlite3_free(name);
    if (rc != SQLITE_OK || sqlite3_exec(a->db, begin, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_prepare_v2(a->db, insert, -1, &a->insert, NULL) != SQLITE_OK)
        return failed(a, "begin the archive");
    return TL_OK;
}

static void free_archive(tl_sqlar *a)
{
    sqlite3_blob_close(a->large);
    sqlite3_finalize(a->insert);
    sqlite3_close(a->db);
    libdeflate_free_compressor(a->compressor);
    free(a->raw);
    free(a->packed);
    free(a);
}

tl_sqlar *tl_sqlar_open(const char *path, tl_error *err)
{
    tl_sqlar *a = calloc(1, sizeof *a);
    if (a == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "no memory");
        return NULL;
    }
    if (set_up(a, path) == TL_OK) return a;
    if (err != NULL) *err = a->error;
    free_archive(a);
    return NULL;
}

static tl_rc insert(tl_sqlar *a, const void *data, uint64_t n, bool zeros)
{
    sqlite3_bind_text(a->insert, 1, a->name, -1, SQLITE_STATIC);
    sqlite3_bind_int(a->insert, 2, FILE_MODE);
    sqlite3_bind_int64(a->insert, 3, a->mtime_s);
    sqlite3_bind_int64(a->insert, 4, (sqlite3_int64)a->bytes);
    int rc = zeros ? sqlite3_bind_zeroblob64(a->insert, 5, n) : sqlite3_bind_blob64(a->insert, 5, n > 0 ? data : "", n, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_step(a->insert);
    tl_rc result = rc == SQLITE_DONE ? TL_OK : failed(a, "write");
    sqlite3_reset(a->insert);
    return result;
}

tl_rc tl_sqlar_begin(tl_sqlar *a, const char *name, uint64_t bytes, int64_t mtime_s)
{
    uint64_t most = (uint64_t)sqlite3_limit(a->db, SQLITE_LIMIT_LENGTH, -1) - 1000; /* the row's other columns */
    if (bytes > most || strlen(name) >= sizeof a->name)
        return tl_fail(&a->error, TL_EUSAGE,
                       "%.60s has %" PRIu64 " bytes, a member of an .sqlar at most %" PRIu64 ": export into a folder or a .zip", name,
                       bytes, most);
    memcpy(a->name, name, strlen(name) + 1);
    a->mtime_s = mtime_s;
    a->bytes = bytes;
    a->at = 0;
    if (bytes <= SMALL) return TL_OK;
    tl_rc rc = insert(a, NULL, bytes, true);
    if (rc == TL_OK && sqlite3_blob_open(a->db, "main", "sqlar", "data", sqlite3_last_insert_rowid(a->db), 1, &a->large) != SQLITE_OK)
        rc = failed(a, "write");
    return rc;
}

tl_rc tl_sqlar_write(tl_sqlar *a, tl_span bytes)
{
    if (bytes.n > a->bytes - a->at) return tl_fail(&a->error, TL_EUSAGE, "%s: more bytes come than were told", a->name);
    if (a->large == NULL)
        memcpy(a->raw + a->at, bytes.p, bytes.n);
    else if (sqlite3_blob_write(a->large, bytes.p, (int)bytes.n, (int)a->at) != SQLITE_OK)
        return failed(a, "write");
    a->at += bytes.n;
    return TL_OK;
}

tl_rc tl_sqlar_end(tl_sqlar *a)
{
    if (a->at != a->bytes) return tl_fail(&a->error, TL_EUSAGE, "%s: fewer bytes come than were told", a->name);
    if (a->large != NULL) {
        sqlite3_blob_close(a->large);
        a->large = NULL;
        return TL_OK;
    }
    size_t n = a->bytes > 1 ? libdeflate_zlib_compress(a->compressor, a->raw, (size_t)a->bytes, a->packed, (size_t)a->bytes - 1) : 0;
    return n > 0 ? insert(a, a->packed, n, false) : insert(a, a->raw, a->bytes, false);
}

const tl_error *tl_sqlar_error(const tl_sqlar *a)
{
    return &a->error;
}

tl_rc tl_sqlar_close(tl_sqlar *a, bool good, tl_error *err)
{
    tl_rc rc = TL_OK;
    if (a == NULL) return rc;
    if (good && sqlite3_exec(a->db, "COMMIT", NULL, NULL, NULL) != SQLITE_OK) {
        rc = failed(a, "write");
        if (err != NULL) *err = a->error;
    }
    free_archive(a);
    return rc;
}
