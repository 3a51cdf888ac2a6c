/*
** reader.c - opens a database that a stranger made, and runs statements on it.
**
** In the order of opening: the file's kind, SQLite's settings and limits, application_id and user_version, the schema's text, and only then
** the authorizer: from there on nothing but SELECT passes.  Our own views are made when a statement first names them, from our own text;
** for that moment alone the authorizer is away.
*/
#include "query/authorizer.h"
#include "query/handle.h"
#include "query/inflate.h"
#include "query/rows.h"
#include "query/sieve.h"
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum {
    HEAP_LIMIT = 256 << 20, /* of all of SQLite in this process */
    BUSY_MS = 10000,        /* an ingest holds its lock while it commits */
    OPS_PER_LOOK = 20000,   /* virtual machine steps between looks at the clock */
    HEADER = 100,           /* of a database file; bytes 18 and 19 are 2 in WAL mode */
};

static const struct {
    int what, most;
} limits[] = {
    {SQLITE_LIMIT_LENGTH, TL_VALUE_LIMIT}, {SQLITE_LIMIT_SQL_LENGTH, 100000},  {SQLITE_LIMIT_COLUMN, 200},
    {SQLITE_LIMIT_EXPR_DEPTH, 60},         {SQLITE_LIMIT_COMPOUND_SELECT, 20}, {SQLITE_LIMIT_VDBE_OP, 25000},
    {SQLITE_LIMIT_FUNCTION_ARG, 50},       {SQLITE_LIMIT_ATTACHED, 0},         {SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000},
    {SQLITE_LIMIT_VARIABLE_NUMBER, 99},    {SQLITE_LIMIT_TRIGGER_DEPTH, 1},    {SQLITE_LIMIT_WORKER_THREADS, 0},
};

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* SQLite asks now and then whether to go on. */
static int is_late(void *reader)
{
    tl_reader *r = reader;
    r->late = r->deadline_ns != INT64_MAX && now_ns() > r->deadline_ns;
    return r->late;
}

void tl_reader_time_limit(tl_reader *r, unsigned seconds)
{
    r->limit_s = seconds;
}

void tl_reader_start(tl_reader *r)
{
    r->late = false;
    r->deadline_ns = r->limit_s == 0 ? INT64_MAX : now_ns() + (int64_t)r->limit_s * 1000000000;
}

static tl_rc fail_late(tl_reader *r)
{
    return tl_fail(&r->error, TL_EUSAGE, "stopped after %u seconds (see --timeout)", r->limit_s);
}

tl_rc tl_reader_look(tl_reader *r)
{
    return is_late(r) ? fail_late(r) : TL_OK;
}

tl_rc tl_reader_fail(tl_reader *r, int sqlite_rc)
{
    const char *text = sqlite3_errmsg(r->db);
    if (r->late) return fail_late(r);
    switch (sqlite_rc & 0xff) {
    case SQLITE_AUTH: return tl_fail(&r->error, TL_EUSAGE, "refused: %s (only SELECT on tcpledger's tables and views)", text);
    case SQLITE_ERROR:
    case SQLITE_TOOBIG:
    case SQLITE_RANGE: return tl_fail(&r->error, TL_EUSAGE, "%s", text);
    case SQLITE_BUSY: return tl_fail(&r->error, TL_ESQL, "the database is being written; try again in a moment");
    case SQLITE_NOMEM: return tl_fail(&r->error, TL_ENOMEM, "no memory (or more than %d MiB needed)", HEAP_LIMIT >> 20);
    case SQLITE_NOTADB: return tl_fail(&r->error, TL_EUSAGE, "not a tcpledger database");
    case SQLITE_CORRUPT: return tl_fail(&r->error, TL_ESQL, "the database is damaged: %s", text);
    case SQLITE_READONLY:
        return tl_fail(&r->error, TL_ESQL,
                       "a crash left the database in the middle of a write (there is a journal beside it): open it once for writing, "
                       "for example with: sqlite3 DB 'PRAGMA user_version'");
    default: return tl_fail(&r->error, TL_ESQL, "%s", text);
    }
}

/* Is this a file, and one that reading leaves alone?  (Opening a WAL database makes files beside it.) */
static tl_rc look_at_file(const char *path, tl_error *err)
{
    struct stat st;
    uint8_t head[HEADER];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) != 0) {
        tl_rc rc = tl_fail(err, TL_EIO, "%s: %s", path, strerror(errno));
        if (fd >= 0) close(fd);
        return rc;
    }
    ssize_t n = S_ISREG(st.st_mode) ? read(fd, head, sizeof head) : -2;
    close(fd);
    if (n == -2) return tl_fail(err, TL_EUSAGE, "%s: not a file", path);
    if (n < 0) return tl_fail(err, TL_EIO, "%s: cannot be read", path);
    if (n == HEADER && memcmp(head, "SQLite format 3", 16) == 0 && (head[18] == 2 || head[19] == 2))
        return tl_fail(err, TL_EUSAGE, "%s: somebody switched it to WAL mode: undo that with: sqlite3 DB 'PRAGMA journal_mode = DELETE'",
                       path);
    return TL_OK;
}

static tl_rc harden(tl_reader *r)
{
    static const char pragmas[] = "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                                  "PRAGMA foreign_keys = ON; PRAGMA cache_size = -16000;";
    sqlite3_hard_heap_limit64(HEAP_LIMIT);
    sqlite3_extended_result_codes(r->db, 1);
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) sqlite3_limit(r->db, limits[i].what, limits[i].most);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL); /* the file's; ours are temporary */
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    sqlite3_db_config(r->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_busy_timeout(r->db, BUSY_MS);
    sqlite3_progress_handler(r->db, OPS_PER_LOOK, is_late, r);
    int rc = sqlite3_exec(r->db, pragmas, NULL, NULL, NULL);
    if (rc != SQLITE_OK) return tl_reader_fail(r, rc);
    return tl_inflate_register(r->db) && tl_sieve_register(r) ? TL_OK : tl_fail(&r->error, TL_ENOMEM, "no memory");
}

/* The number that a PRAGMA of the file's header gives. */
static tl_rc header_number(tl_reader *r, const char *sql, int64_t *out)
{
    sqlite3_stmt *s = NULL;
    int rc = sqlite3_prepare_v2(r->db, sql, -1, &s, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(s);
    *out = rc == SQLITE_ROW ? sqlite3_column_int64(s, 0) : 0;
    tl_rc result = rc == SQLITE_ROW ? TL_OK : tl_reader_fail(r, rc);
    sqlite3_finalize(s);
    return result;
}

static tl_rc check_identity(tl_reader *r)
{
    int64_t id = 0, version = 0;
    int ours = tl_known_version();
    tl_rc rc = header_number(r, "PRAGMA application_id", &id);
    if (rc == TL_OK) rc = header_number(r, "PRAGMA user_version", &version);
    if (rc != TL_OK) return rc;
    if (id != TL_APPLICATION_ID) return tl_fail(&r->error, TL_EUSAGE, "not a tcpledger database");
    if (version > ours)
        return tl_fail(&r->error, TL_EUSAGE, "made by a newer tcpledger (schema %" PRId64 "; this program knows up to %d)", version, ours);
    if (version < ours)
        return tl_fail(&r->error, TL_EUSAGE,
                       "made by an older tcpledger (schema %" PRId64 ", now %d): tcpledger-ingest brings it up to date", version, ours);
    return TL_OK;
}

static tl_rc set_up(tl_reader *r)
{
    tl_rc rc = harden(r);
    if (rc == TL_OK) rc = check_identity(r);
    if (rc == TL_OK && (r->known = tl_known_new(&r->error)) == NULL) rc = r->error.rc;
    if (rc == TL_OK) rc = tl_known_check(r->known, r->db, &r->error);
    if (rc != TL_OK) return rc;
    /* SQLite makes its table-valued functions when they are first named, by statements that the authorizer would refuse. */
    int sq = sqlite3_exec(r->db,
                          "SELECT 1 FROM json_each('[]'), json_tree('[]'); SELECT 1 FROM pragma_foreign_key_check LIMIT 0;"
                          "PRAGMA query_only = ON",
                          NULL, NULL, NULL);
    if (sq == SQLITE_OK) sq = sqlite3_set_authorizer(r->db, tl_authorize, r->known);
    return sq == SQLITE_OK ? TL_OK : tl_reader_fail(r, sq);
}

tl_reader *tl_reader_open(const char *path, tl_error *err)
{
    if (look_at_file(path, err) != TL_OK) return NULL;
    tl_text name = {0};
    if (path[0] != '/') tl_text_add(&name, "./"); /* ":memory:" and "file:..." are names like any other */
    tl_text_add(&name, path);
    tl_reader *r = calloc(1, sizeof *r);
    if (r == NULL || name.failed) {
        (void)tl_fail(err, TL_ENOMEM, "no memory");
        free(r);
        tl_text_free(&name);
        return NULL;
    }
    r->deadline_ns = INT64_MAX;
    int sq = sqlite3_open_v2(name.p, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOMUTEX, NULL);
    tl_text_free(&name);
    tl_rc rc = sq == SQLITE_OK ? set_up(r) : tl_reader_fail(r, sq);
    if (rc == TL_OK) return r;
    (void)tl_fail(err, rc, "%s: %s", path, r->error.text);
    tl_reader_close(r);
    return NULL;
}

void tl_reader_close(tl_reader *r)
{
    if (r == NULL) return;
    tl_reader_release(r);
    sqlite3_close(r->db);
    tl_known_free(r->known);
    free(r);
}

const tl_error *tl_reader_error(const tl_reader *r)
{
    return &r->error;
}

/* The views that sql names and that are not there yet. */
static tl_rc make_views(tl_reader *r, const char *sql)
{
    (void)sqlite3_set_authorizer(r->db, NULL, NULL);
    int sq = sqlite3_exec(r->db, "PRAGMA query_only = OFF", NULL, NULL, NULL);
    tl_rc rc = sq == SQLITE_OK ? tl_known_views(r->known, r->db, sql, &r->error) : tl_reader_fail(r, sq);
    sq = sqlite3_exec(r->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
    if (rc == TL_OK && sq != SQLITE_OK) rc = tl_reader_fail(r, sq);
    /* It fails only without a connection: nothing is prepared without it. */
    sq = sqlite3_set_authorizer(r->db, tl_authorize, r->known);
    return rc == TL_OK && sq != SQLITE_OK ? tl_reader_fail(r, sq) : rc;
}

tl_rc tl_reader_prepare(tl_reader *r, const char *sql, sqlite3_stmt **out)
{
    sqlite3_stmt *second = NULL;
    const char *tail = NULL;
    *out = NULL;
    tl_rc rc = TL_OK;
    int sq = sqlite3_prepare_v2(r->db, sql, -1, out, &tail);
    /* Most questions need no view, whatever words stand in them; the file's own views are refused.  A connection of somebody else's
    ** (functions.h) has its own. */
    if (sq != SQLITE_OK && r->known != NULL && tl_known_lacks(r->known, sql)) {
        if ((rc = make_views(r, sql)) != TL_OK) return rc;
        sq = sqlite3_prepare_v2(r->db, sql, -1, out, &tail);
    }
    if (sq != SQLITE_OK) return tl_reader_fail(r, sq);
    if (*out == NULL) {
        rc = tl_fail(&r->error, TL_EUSAGE, "no statement");
    } else if (!sqlite3_stmt_readonly(*out) || sqlite3_column_count(*out) == 0) {
        rc = tl_fail(&r->error, TL_EUSAGE, "refused: only SELECT");
    } else if (sqlite3_prepare_v2(r->db, tail, -1, &second, NULL) != SQLITE_OK || second != NULL) {
        rc = tl_fail(&r->error, TL_EUSAGE, "refused: one statement at a time");
    }
    sqlite3_finalize(second);
    if (rc == TL_OK) return TL_OK;
    sqlite3_finalize(*out);
    *out = NULL;
    return rc;
}

/* A statement that stands on a row keeps the lock. */
tl_rc tl_reader_hold(tl_reader *r)
{
    assert(r->still == NULL);
    tl_rc rc = tl_reader_prepare(r, "SELECT count(*) FROM sqlite_schema", &r->still);
    int sq = rc == TL_OK ? sqlite3_step(r->still) : SQLITE_ROW;
    if (sq != SQLITE_ROW) rc = tl_reader_fail(r, sq);
    if (rc != TL_OK) tl_reader_release(r);
    return rc;
}

void tl_reader_release(tl_reader *r)
{
    sqlite3_finalize(r->still);
    r->still = NULL;
}

tl_rc tl_reader_bind(tl_reader *r, sqlite3_stmt *s, const tl_param *params, size_t n)
{
    int sq = SQLITE_OK;
    if (sqlite3_bind_parameter_count(s) > (int)n) return tl_fail(&r->error, TL_EUSAGE, "parameters (?) have no values here");
    for (size_t i = 0; i < n && sq == SQLITE_OK; i++)
        sq = params[i].text != NULL ? sqlite3_bind_text(s, (int)i + 1, params[i].text, -1, SQLITE_STATIC)
                                    : sqlite3_bind_int64(s, (int)i + 1, params[i].number);
    return sq == SQLITE_OK ? TL_OK : tl_reader_fail(r, sq);
}

static tl_cell cell_of(sqlite3_stmt *s, int i)
{
    tl_cell c = {.kind = TL_CELL_NULL};
    switch (sqlite3_column_type(s, i)) {
    case SQLITE_INTEGER: c = (tl_cell){.kind = TL_CELL_INTEGER, .integer = sqlite3_column_int64(s, i)}; break;
    case SQLITE_FLOAT: c = (tl_cell){.kind = TL_CELL_REAL, .real = sqlite3_column_double(s, i)}; break;
    case SQLITE_TEXT:
        c.kind = TL_CELL_TEXT;
        c.bytes.p = sqlite3_column_text(s, i);
        c.bytes.n = (size_t)sqlite3_column_bytes(s, i);
        break;
    case SQLITE_BLOB:
        c.kind = TL_CELL_BLOB;
        c.bytes.p = sqlite3_column_blob(s, i);
        c.bytes.n = (size_t)sqlite3_column_bytes(s, i);
        break;
    default: break;
    }
    if (c.bytes.p == NULL) c.bytes.n = 0;
    return c;
}

/* Steps to the end, each row to take() (NULL: only counted).  cells: one a column. */
static tl_rc step_all(tl_reader *r, sqlite3_stmt *s, tl_row_fn take, void *to, tl_cell *cells, uint64_t *count)
{
    int sq, columns = sqlite3_column_count(s);
    tl_rc rc = TL_OK;
    while ((sq = sqlite3_step(s)) == SQLITE_ROW) {
        ++*count;
        if (take == NULL) continue;
        for (int i = 0; i < columns; i++) cells[i] = cell_of(s, i);
        rc = take(to, cells);
        if (rc != TL_OK) return rc;
    }
    return sq == SQLITE_DONE ? TL_OK : tl_reader_fail(r, sq);
}

static tl_rc add_row(void *rows, const tl_cell *cells)
{
    return tl_rows_add(rows, cells);
}

tl_rc tl_reader_each(tl_reader *r, const char *sql, const tl_param *params, size_t n, tl_row_fn take, void *to)
{
    sqlite3_stmt *s = NULL;
    uint64_t count = 0;
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, sql, &s);
    if (rc != TL_OK) return rc;
    rc = tl_reader_bind(r, s, params, n);
    tl_cell *cells = calloc((size_t)sqlite3_column_count(s), sizeof *cells);
    if (rc == TL_OK && cells == NULL) rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    if (rc == TL_OK) rc = step_all(r, s, take, to, cells, &count);
    free(cells);
    sqlite3_finalize(s);
    return rc;
}

tl_rc tl_reader_run(tl_reader *r, const char *sql, const tl_param *params, size_t n, const tl_output *out, uint64_t *rows)
{
    sqlite3_stmt *s = NULL;
    tl_rows *writer = NULL;
    tl_cell *cells = NULL;
    const char **names = NULL;
    uint64_t count = 0;
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, sql, &s);
    if (rc != TL_OK) return rc;
    rc = tl_reader_bind(r, s, params, n);
    size_t columns = (size_t)sqlite3_column_count(s);
    if (rc == TL_OK && out->write != NULL) {
        cells = calloc(columns, sizeof *cells);
        names = calloc(columns, sizeof *names);
        for (size_t i = 0; names != NULL && i < columns; i++) {
            names[i] = sqlite3_column_name(s, (int)i);
            if (names[i] == NULL) names[i] = "";
        }
        if (cells != NULL && names != NULL) writer = tl_rows_new(out, names, columns);
        if (writer == NULL) rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    }
    if (rc == TL_OK) rc = step_all(r, s, writer != NULL ? add_row : NULL, writer, cells, &count);
    /* What came before a failure is shown all the same. */
    if (writer != NULL) {
        tl_rc end = tl_rows_end(writer);
        if (rc == TL_OK) rc = end;
    }
    if (rc == TL_ENOMEM) (void)tl_fail(&r->error, rc, "no memory");
    tl_rows_free(writer);
    free(names);
    free(cells);
    sqlite3_finalize(s);
    if (rows != NULL) *rows = count;
    return rc;
}

tl_rc tl_reader_number(tl_reader *r, const char *sql, const tl_param *params, size_t n, int64_t *out, bool *found)
{
    sqlite3_stmt *s = NULL;
    *found = false;
    *out = 0;
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, sql, &s);
    if (rc == TL_OK) rc = tl_reader_bind(r, s, params, n);
    int sq = rc == TL_OK ? sqlite3_step(s) : SQLITE_DONE;
    if (sq == SQLITE_ROW) {
        *found = sqlite3_column_type(s, 0) != SQLITE_NULL;
        *out = sqlite3_column_int64(s, 0);
    } else if (sq != SQLITE_DONE) {
        rc = tl_reader_fail(r, sq);
    }
    sqlite3_finalize(s);
    return rc;
}
