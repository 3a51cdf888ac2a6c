/*
** store.c - the handle: opening, transactions, the rows of runs and captures, and what went wrong.
**
** A file is looked at with read(2) before SQLite may touch it: only one that is empty, or carries our application_id, is opened.
** Settings (measured, see DESIGN.md): 32 KiB pages, rollback journal, synchronous EXTRA, a small cache, one transaction for
** commit_bytes of payload, the file written back while that goes on (writeback.h).  Sorts larger than the cache go to a temporary file: in
** memory they have no bound.  Readers may look on; they see whole transactions.
**
** After a failure the open transaction is rolled back and every call but close fails with the same error: what was committed stays.
*/
#include "store/statements.h"

#include "packet/segment.h"
#include "store/indexes.h"

#include <errno.h>
#include <fcntl.h>
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUSY_WAIT_MS = 30000 }; /* how long a reader may hold up a commit */
static const uint64_t default_commit_bytes = 256000000;
static const uint64_t writeback_from = 16000000; /* payload of a transaction: what is smaller lies in SQLite's cache until the commit */

/* The first 100 bytes of a database file (sqlite.org/fileformat.html, 1.3). */
enum { HEADER_BYTES = 100, HEADER_APPLICATION_AT = 68, APPLICATION_ID = 0x54434C47 };

/* OK: there is no file, an empty one, or one of ours.  Reads only. */
static tl_rc may_open(const char *path, tl_error *err)
{
    struct stat st;
    uint8_t head[HEADER_BYTES];
    if (stat(path, &st) != 0) {
        if (errno == ENOENT) return TL_OK;
        return tl_fail(err, TL_EIO, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) return tl_fail(err, TL_EUSAGE, "%s: not a regular file: give another name with -o", path);
    if (st.st_size == 0) return TL_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof head);
    int why = errno;
    if (fd >= 0) close(fd);
    if (n < 0) return tl_fail(err, TL_EIO, "%s: %s", path, strerror(why));
    if (n < HEADER_BYTES || memcmp(head, "SQLite format 3", 16) != 0 || tl_be32(head + HEADER_APPLICATION_AT) != APPLICATION_ID)
        return tl_fail(err, TL_EUSAGE, "%s: exists and is not a tcpledger database: it is left as it is, give another name with -o", path);
    return TL_OK;
}

tl_rc store_failed(tl_store *s, const char *doing)
{
    int code = s->db != NULL ? sqlite3_errcode(s->db) & 0xff : SQLITE_NOMEM;
    const char *text = s->db != NULL ? sqlite3_errmsg(s->db) : "out of memory";
    const char *advice = "";
    switch (code) {
    case SQLITE_NOMEM: return tl_fail(&s->error, TL_ENOMEM, "%s: cannot %s: out of memory", s->path, doing);
    case SQLITE_FULL: advice = ": make room and give the command again"; break;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: advice = ": another program is using it, try again when that is done"; break;
    case SQLITE_READONLY:
    case SQLITE_PERM: advice = ": the file and its folder must be writable"; break;
    case SQLITE_CANTOPEN: advice = ": does the folder exist, and is it writable?"; break;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: advice = ": the database is damaged, ingest into a new one"; break;
    default: break;
    }
    return tl_fail(&s->error, TL_ESQL, "%s: cannot %s: %s%s", s->path, doing, text, advice);
}

static tl_rc settings(tl_store *s)
{
    static const char pragmas[] = "PRAGMA page_size = 32768;"
                                  "PRAGMA cell_size_check = ON;"
                                  "PRAGMA trusted_schema = OFF;"
                                  "PRAGMA mmap_size = 0;"
                                  "PRAGMA journal_mode = DELETE;"
                                  "PRAGMA locking_mode = NORMAL;"
                                  "PRAGMA synchronous = EXTRA;"
                                  "PRAGMA cache_size = -" STORE_CACHE_KIB ";"
                                  "PRAGMA temp_store = FILE;"
                                  "PRAGMA secure_delete = OFF;" /* ON in Debian: each new page is cleared once more */
                                  "PRAGMA analysis_limit = 400;";
    sqlite3_busy_timeout(s->db, BUSY_WAIT_MS);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(s->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    if (sqlite3_exec(s->db, pragmas, NULL, NULL, NULL) != SQLITE_OK) return store_failed(s, "open");
    /* A list of words in a CHECK is an ephemeral table, made anew for each row, and a reference is a search for each row. */
    const char *checks = s->checks ? "PRAGMA foreign_keys = ON" : "PRAGMA foreign_keys = OFF; PRAGMA ignore_check_constraints = ON";
    if (sqlite3_exec(s->db, checks, NULL, NULL, NULL) != SQLITE_OK) return store_failed(s, "open");
    return TL_OK;
}

static tl_rc open_handle(tl_store *s, const char *path)
{
    /* SQLite would take a name that begins so for a URI. */
    size_t n = strlen(path);
    bool uri = strncmp(path, "file:", 5) == 0;
    s->path = malloc(n + 3);
    s->inflate = libdeflate_alloc_decompressor();
    if (s->path == NULL || s->inflate == NULL) return tl_fail(&s->error, TL_ENOMEM, "%s: out of memory", path);
    memcpy(s->path, "./", 2);
    memcpy(s->path + (uri ? 2 : 0), path, n + 1);

    tl_rc rc = may_open(s->path, &s->error);
    if (rc != TL_OK) return rc;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(s->path, &s->db, flags, NULL) != SQLITE_OK) return store_failed(s, "open");
    if (rows_register(s->db, &s->feed) != SQLITE_OK) return store_failed(s, "open");
    rc = settings(s);
    return rc == TL_OK ? store_migrate(s) : rc;
}

static void free_handle(tl_store *s)
{
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(s->statements[i]);
    sqlite3_close(s->db);
    image_close(s->image);
    writeback_stop(s->writeback);
    libdeflate_free_decompressor(s->inflate);
    free(s->look.p);
    free(s->path);
    free(s);
}

/* Before SQLite is first used; refused, harmlessly, where it is in use already.  Its count of its own memory is a lock around every malloc.
** The journals of statements, small in all that we do, stay in memory; sorts do not, and their files go to the folder of the database, the
** only one that a sandbox leaves.  Pieces of SORT_PIECE are sorted beside the scan (indexes.c). */
static void once(const char *path)
{
    enum { SORT_PIECE = 32 }; /* pages */
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (folder != NULL) (void)setenv("SQLITE_TMPDIR", folder, 1);
    free(folder);
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    sqlite3_config(SQLITE_CONFIG_STMTJRNL_SPILL, -1);
    sqlite3_config(SQLITE_CONFIG_PMASZ, (unsigned)SORT_PIECE);
}

tl_store *tl_store_open(const char *path, const tl_store_options *o, tl_error *err)
{
    once(path);
    tl_store *s = calloc(1, sizeof *s);
    if (s == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "%s: out of memory", path);
        return NULL;
    }
    s->checks = o != NULL && o->checks;
    s->commit_bytes = o != NULL && o->commit_bytes > 0 ? o->commit_bytes : default_commit_bytes;
    if (open_handle(s, path) != TL_OK) {
        if (err != NULL) *err = s->error;
        free_handle(s);
        return NULL;
    }
    return s;
}

tl_rc tl_store_close(tl_store *s, tl_error *err)
{
    if (s == NULL) return TL_OK;
    tl_rc rc = s->failed ? s->error.rc : tl_store_commit(s);
    if (rc != TL_OK && err != NULL) *err = s->error;
    free_handle(s);
    return rc;
}

const tl_error *tl_store_error(const tl_store *s)
{
    return &s->error;
}

sqlite3_stmt *store_statement(tl_store *s, statement which)
{
    sqlite3_stmt **q = &s->statements[which];
    if (*q == NULL && sqlite3_prepare_v3(s->db, store_sql[which], -1, SQLITE_PREPARE_PERSISTENT, q, NULL) != SQLITE_OK) {
        (void)store_failed(s, "use");
        return NULL;
    }
    return *q;
}

tl_rc store_run(tl_store *s, sqlite3_stmt *q)
{
    int rc = sqlite3_step(q);
    if (rc != SQLITE_DONE) {
        tl_rc failed = store_failed(s, "write");
        sqlite3_reset(q);
        return failed;
    }
    sqlite3_reset(q);
    return TL_OK;
}

tl_rc store_row(tl_store *s, sqlite3_stmt *q)
{
    int rc = sqlite3_step(q);
    if (rc == SQLITE_ROW) return TL_OK;
    if (rc != SQLITE_DONE) {
        tl_rc failed = store_failed(s, "read");
        sqlite3_reset(q);
        return failed;
    }
    sqlite3_reset(q);
    return TL_END;
}

void bind_int(sqlite3_stmt *q, int at, int64_t v)
{
    sqlite3_bind_int64(q, at, v);
}

void bind_count(sqlite3_stmt *q, int at, uint64_t v)
{
    sqlite3_bind_int64(q, at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void bind_text(sqlite3_stmt *q, int at, const char *v)
{
    sqlite3_bind_text(q, at, v, -1, SQLITE_STATIC);
}

void bind_blob(sqlite3_stmt *q, int at, const void *p, size_t n)
{
    sqlite3_bind_blob64(q, at, n > 0 ? p : "", n, SQLITE_STATIC);
}

tl_rc store_begin(tl_store *s)
{
    if (s->failed) return s->error.rc;
    if (s->open) return TL_OK;
    sqlite3_stmt *q = store_statement(s, ST_BEGIN);
    if (q == NULL) return s->error.rc;
    tl_rc rc = store_run(s, q);
    s->open = rc == TL_OK;
    return rc;
}

tl_rc store_done(tl_store *s, tl_rc rc)
{
    if (rc == TL_OK) return rc;
    s->failed = true;
    s->totals = s->committed;
    if (s->error.rc == TL_OK) (void)tl_fail(&s->error, rc, "%s: out of memory", s->path);
    /* Full disks and failed I/O may have rolled back by themselves. */
    if (s->open && !sqlite3_get_autocommit(s->db)) sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->open = false;
    return rc;
}

void tl_store_abandon(tl_store *s)
{
    if (store_done(s, tl_fail(&s->error, TL_EIO, "%s: what was begun is taken back", s->path)) != TL_OK) return;
}

tl_rc tl_store_commit(tl_store *s)
{
    if (s->failed) return s->error.rc;
    if (!s->open) return TL_OK;
    sqlite3_stmt *q = store_statement(s, ST_COMMIT);
    tl_rc rc = q == NULL ? s->error.rc : store_run(s, q);
    if (rc != TL_OK) return store_done(s, rc);
    s->open = false;
    s->pending = 0;
    s->committed = s->totals;
    return TL_OK;
}

tl_rc tl_store_write(tl_store *s, tl_batch *b)
{
    tl_rc rc = store_begin(s);
    if (rc != TL_OK) return store_done(s, rc);
    rc = store_indexes_before_rows(s);
    if (rc == TL_OK) rc = store_rows(s, b);
    if (rc != TL_OK) return store_done(s, rc);
    s->pending += tl_batch_payload_bytes(b);
    if (s->writeback == NULL && s->pending >= writeback_from) s->writeback = writeback_start(s->path);
    writeback_look(s->writeback);
    return s->pending >= s->commit_bytes ? tl_store_commit(s) : TL_OK;
}

tl_rc tl_store_next_ids(tl_store *s, uint64_t *session_id)
{
    sqlite3_stmt *q = store_statement(s, ST_NEXT_SESSION);
    if (q == NULL) return s->error.rc;
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK) {
        int64_t id = sqlite3_column_int64(q, 0);
        /* message_id is session_id << 32 | number: there is no room above. */
        if (id < 1 || id >= (int64_t)1 << 31)
            rc = tl_fail(&s->error, TL_ESQL, "%s: no session numbers left: start a new database", s->path);
        *session_id = (uint64_t)id;
    }
    sqlite3_reset(q);
    return rc;
}

void tl_store_totals_look(const tl_store *s, tl_store_totals *out)
{
    *out = s->totals;
}

/* 64 digits and a NUL. */
static void hex(const uint8_t *digest, char out[65])
{
    for (int i = 0; i < 32; i++) {
        out[2 * i] = "0123456789abcdef"[digest[i] >> 4];
        out[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
    }
    out[64] = '\0';
}

tl_rc tl_store_find_capture(tl_store *s, uint64_t bytes, const uint8_t *sha256, uint32_t *capture_id)
{
    char digits[65];
    sqlite3_stmt *q = store_statement(s, ST_FIND_CAPTURE);
    *capture_id = 0;
    if (q == NULL) return s->error.rc;
    if (sha256 != NULL) hex(sha256, digits);
    bind_count(q, 1, bytes);
    bind_text(q, 2, sha256 != NULL ? digits : NULL);
    tl_rc rc = store_row(s, q);
    if (rc == TL_OK) *capture_id = (uint32_t)sqlite3_column_int64(q, 0);
    sqlite3_reset(q);
    return rc == TL_END ? TL_OK : rc;
}

tl_rc tl_store_ingest_begin(tl_store *s, const tl_ingest_facts *f)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_INGEST_BEGIN) : NULL;
    if (q == NULL) return store_done(s, rc == TL_OK ? s->error.rc : rc);
    bind_int(q, 1, f->started_ns);
    bind_text(q, 2, f->tool_version);
    bind_text(q, 3, f->options);
    rc = store_run(s, q);
    s->ingest_id = sqlite3_last_insert_rowid(s->db);
    return store_done(s, rc);
}

tl_rc store_finish(tl_store *s)
{
    tl_rc rc = store_begin(s);
    if (rc == TL_OK) rc = store_indexes_make(s);
    if (rc == TL_OK && sqlite3_exec(s->db, "PRAGMA main.optimize", NULL, NULL, NULL) != SQLITE_OK) rc = store_failed(s, "write");
    return rc == TL_OK ? tl_store_commit(s) : store_done(s, rc);
}

tl_rc tl_store_ingest_end(tl_store *s, const tl_ingest_facts *f)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_INGEST_END) : NULL;
    if (q == NULL) return store_done(s, rc == TL_OK ? s->error.rc : rc);
    bind_int(q, 1, s->ingest_id);
    bind_int(q, 2, f->finished_ns);
    bind_text(q, 3, f->state);
    rc = store_run(s, q);
    return rc == TL_OK ? store_finish(s) : store_done(s, rc);
}

tl_rc tl_store_capture_begin(tl_store *s, const tl_capture_facts *f, uint32_t *capture_id)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_CAPTURE_BEGIN) : NULL;
    if (q == NULL) return store_done(s, rc == TL_OK ? s->error.rc : rc);
    bind_int(q, 1, s->ingest_id);
    bind_text(q, 2, f->path);
    bind_text(q, 3, f->format);
    bind_count(q, 4, f->bytes);
    rc = store_run(s, q);
    *capture_id = (uint32_t)sqlite3_last_insert_rowid(s->db);
    return store_done(s, rc);
}

static tl_rc frame_counts(tl_store *s, uint32_t capture_id, const tl_capture_facts *f)
{
    tl_rc rc = TL_OK;
    sqlite3_stmt *q = store_statement(s, ST_FRAME_COUNT);
    if (q == NULL) return s->error.rc;
    for (int i = 0; rc == TL_OK && i < TL_SEG_OUTCOMES; i++) {
        if (f->outcome[i].frames == 0) continue;
        bind_int(q, 1, capture_id);
        bind_text(q, 2, tl_decoded_name((tl_decoded)i));
        bind_count(q, 3, f->outcome[i].frames);
        bind_count(q, 4, f->outcome[i].bytes);
        rc = store_run(s, q);
    }
    return rc;
}

static tl_rc frame_positions(tl_store *s, uint32_t capture_id, tl_span positions)
{
    if (positions.n == 0) return TL_OK;
    sqlite3_stmt *q = store_statement(s, ST_FRAME_POSITION);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, capture_id);
    bind_blob(q, 2, positions.p, positions.n);
    return store_run(s, q);
}

tl_rc tl_store_capture_end(tl_store *s, uint32_t capture_id, const tl_capture_facts *f)
{
    char digits[65];
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_CAPTURE_END) : NULL;
    if (q == NULL) return store_done(s, rc == TL_OK ? s->error.rc : rc);
    sqlite3_clear_bindings(q); /* what is not bound below is not known */
    bind_int(q, 1, capture_id);
    bind_count(q, 2, f->bytes);
    if (f->sha256 != NULL) {
        hex(f->sha256, digits);
        bind_text(q, 3, digits);
    }
    bind_text(q, 4, f->format);
    if (f->linktype >= 0) bind_int(q, 5, f->linktype);
    if (f->snaplen > 0) bind_int(q, 6, f->snaplen);
    if (f->frames > 0) {
        bind_int(q, 7, f->first_ns);
        bind_int(q, 8, f->last_ns);
    }
    bind_count(q, 9, f->frames);
    if (f->drops >= 0) bind_int(q, 10, f->drops);
    bind_text(q, 11, f->state);
    bind_text(q, 12, f->error);
    rc = store_run(s, q);
    if (rc == TL_OK) rc = frame_counts(s, capture_id, f);
    if (rc == TL_OK) rc = frame_positions(s, capture_id, f->positions);
    return store_done(s, rc);
}
