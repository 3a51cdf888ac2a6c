/*
** cmd_export.c - the payload of many sessions at once, one file a direction, and a manifest that says what they are.
**
** Files are named after numbers only (s12-client.bin); whatever came from the wire is data in the manifest.  The manifest grows with the
** export, so it waits in a temporary file and is written last: an export without one is not whole.  Memory does not grow with the payload.
*/
/* The plain SHA256_ calls: they allocate nothing (capture/raw.c says why that matters). */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "app/query_archive.h"
#include "app/query_cmd.h"
#include "query/known.h"
#include "query/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char captures_sql[] = "SELECT capture_id, path, bytes, sha256, format, state FROM capture ORDER BY capture_id";
static const char streams_sql[] =
    "SELECT t.direction, t.length, t.stored_bytes, s.client_addr, s.client_port, s.server_addr, s.server_port, s.first_ns, s.last_ns,"
    " s.protocol FROM session AS s JOIN stream AS t ON t.session_id = s.session_id WHERE s.session_id = ?1 ORDER BY t.direction";
static const char gaps_sql[] =
    "SELECT stream_offset, length, reason FROM gap WHERE session_id = ?1 AND direction = ?2 ORDER BY stream_offset";
static const char *const sides[2] = {"client", "server"};

typedef struct stream {
    bool there;
    uint64_t length, stored;
} stream;

typedef struct job {
    tl_query *q;
    tl_archive *archive;
    FILE *manifest; /* owned; temporary */
    tl_text line;
    SHA256_CTX sha;
    int64_t *ids; /* owned */
    size_t n, room;
    stream streams[2];
    int64_t last_ns;
    bool first; /* of a list in the manifest */
    uint64_t files, bytes, missing;
} job;

static tl_rc add_id(void *to, const tl_cell *c)
{
    job *j = to;
    if (j->n == j->room) {
        size_t room = j->room > 0 ? j->room * 2 : 64;
        int64_t *more = realloc(j->ids, room * sizeof *more);
        if (more == NULL) return TL_ENOMEM;
        j->ids = more;
        j->room = room;
    }
    j->ids[j->n++] = c[0].integer;
    return TL_OK;
}

static int complain_query(job *j, tl_rc rc)
{
    return rc == TL_ENOMEM ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(j->q, rc);
}

/* ---- the manifest ---- */

static tl_rc flush(job *j)
{
    if (j->line.failed) return TL_ENOMEM;
    bool good = j->line.n == 0 || fwrite(j->line.p, 1, j->line.n, j->manifest) == j->line.n;
    tl_text_reset(&j->line);
    return good ? TL_OK : TL_EIO;
}

static void add_words(tl_text *t, const char *name, const char *words)
{
    tl_json_field(t, name, tl_span_of(words, strlen(words)), SIZE_MAX);
}

/* A member of the open object. */
static void add_cell(tl_text *t, const char *name, const tl_cell *c)
{
    if (t->p[t->n - 1] != '{') tl_text_add(t, ",");
    tl_text_printf(t, "\"%s\":", name);
    tl_cell_json(t, c);
}

static tl_rc add_capture(void *to, const tl_cell *c)
{
    static const char *const names[] = {"capture_id", "path", "bytes", "sha256", "format", "state"};
    job *j = to;
    tl_text_add(&j->line, j->first ? "\n  {" : ",\n  {");
    j->first = false;
    for (size_t i = 0; i < sizeof names / sizeof *names && !j->line.failed; i++) add_cell(&j->line, names[i], &c[i]);
    tl_text_add(&j->line, "}");
    return flush(j);
}

static int begin_manifest(job *j)
{
    tl_text *t = &j->line;
    tl_json_open(t);
    add_words(t, "tool", "tcpledger-query " TL_VERSION);
    tl_json_number(t, "schema", tl_known_version());
    add_words(t, "database", j->q->path);
    tl_text_add(t, ",\"command\":[");
    for (int i = 0; i < j->q->argc; i++) {
        tl_text_add(t, i > 0 ? "," : "");
        tl_json_string(t, tl_span_of(j->q->argv[i], strlen(j->q->argv[i])), SIZE_MAX);
    }
    tl_text_add(t, "]");
    add_words(t, "gaps", j->q->o.gaps_zero ? "zero" : "skip");
    tl_text_add(t, ",\n \"captures\":[");
    j->first = true;
    tl_rc rc = tl_reader_each(j->q->reader, captures_sql, NULL, 0, add_capture, j);
    tl_text_add(t, "],\n \"sessions\":[");
    if (rc == TL_OK) rc = flush(j);
    return complain_query(j, rc);
}

static tl_rc add_gap(void *to, const tl_cell *c)
{
    job *j = to;
    tl_text_add(&j->line, j->first ? "[" : ",[");
    j->first = false;
    for (int i = 0; i < 3; i++) {
        tl_text_add(&j->line, i > 0 ? "," : "");
        tl_cell_json(&j->line, &c[i]);
    }
    tl_text_add(&j->line, "]");
    return flush(j);
}

static tl_rc end_manifest(job *j)
{
    uint8_t block[65536];
    size_t n;
    tl_text_add(&j->line, "]}\n");
    tl_rc rc = flush(j);
    long size = rc == TL_OK ? ftell(j->manifest) : -1;
    if (size < 0) return rc == TL_OK ? TL_EIO : rc;
    rewind(j->manifest);
    rc = tl_archive_begin(j->archive, "manifest.json", (uint64_t)size, j->last_ns / 1000000000);
    while (rc == TL_OK && (n = fread(block, 1, sizeof block, j->manifest)) > 0) rc = tl_archive_write(j->archive, tl_span_of(block, n));
    return rc == TL_OK ? tl_archive_end(j->archive) : rc;
}

/* ---- the sessions ---- */

static tl_rc hash_and_write(void *to, tl_span bytes)
{
    job *j = to;
    SHA256_Update(&j->sha, bytes.p, bytes.n);
    return tl_archive_write(j->archive, bytes);
}

/* What went wrong: the archive says so, or the database. */
static int stream_failed(job *j, tl_rc rc)
{
    const tl_error *err = tl_archive_error(j->archive);
    return err->rc != TL_OK ? tl_complain(STATUS_FAILED, "%s", err->text) : complain_query(j, rc);
}

static int export_stream(job *j, int64_t session, int dir)
{
    const stream *s = &j->streams[dir];
    const tl_param of[] = {{.number = session}, {.number = dir}};
    char name[64];
    uint8_t sha256[32];
    uint64_t written = 0, missing = 0;
    if (!s->there || s->length == 0) return STATUS_OK;
    snprintf(name, sizeof name, "s%" PRId64 "-%s.bin", session, sides[dir]);
    SHA256_Init(&j->sha);
    tl_rc rc = tl_archive_begin(j->archive, name, j->q->o.gaps_zero ? s->length : s->stored, j->last_ns / 1000000000);
    if (rc == TL_OK)
        rc = tl_reader_payload(j->q->reader, session, dir, 0, s->length, j->q->o.gaps_zero, hash_and_write, j, &written, &missing);
    if (rc == TL_OK) rc = tl_archive_end(j->archive);
    if (rc != TL_OK) return stream_failed(j, rc);
    SHA256_Final(sha256, &j->sha);
    j->files++;
    j->bytes += written;
    j->missing += missing;

    tl_text *t = &j->line;
    tl_text_add(t, t->p != NULL && t->n > 0 && t->p[t->n - 1] == '[' ? "" : ",");
    tl_text_printf(t, "\n   {\"sender\":\"%s\",\"name\":\"%s\",\"bytes\":%" PRIu64 ",\"sha256\":\"", sides[dir], name, written);
    for (size_t i = 0; i < sizeof sha256; i++) tl_text_printf(t, "%02x", sha256[i]);
    tl_text_printf(t, "\",\"stream_length\":%" PRIu64 ",\"missing\":%" PRIu64 ",\"missing_ranges\":[", s->length, missing);
    j->first = true;
    rc = missing > 0 ? tl_reader_each(j->q->reader, gaps_sql, of, 2, add_gap, j) : TL_OK;
    tl_text_add(t, "]}");
    return complain_query(j, rc);
}

/* The streams of the session, and (from the first of them) the session itself into the manifest. */
static tl_rc take_stream(void *to, const tl_cell *c)
{
    static const char *const names[] = {"client", "client_port", "server", "server_port", "first_ns", "last_ns", "protocol"};
    job *j = to;
    bool begun = j->streams[0].there || j->streams[1].there;
    if (c[0].integer < 0 || c[0].integer > 1 || c[1].integer < 0 || c[2].integer < 0) return TL_END;
    j->streams[c[0].integer] = (stream){true, (uint64_t)c[1].integer, (uint64_t)c[2].integer};
    j->last_ns = c[8].integer;
    for (size_t i = 0; !begun && i < sizeof names / sizeof *names && !j->line.failed; i++) add_cell(&j->line, names[i], &c[3 + i]);
    return j->line.failed ? TL_ENOMEM : TL_OK;
}

static int export_session(job *j, size_t i)
{
    const tl_param id = {.number = j->ids[i]};
    memset(j->streams, 0, sizeof j->streams);
    tl_text_printf(&j->line, "%s\n  {\"session_id\":%" PRId64, i > 0 ? "," : "", id.number);
    tl_rc rc = tl_reader_each(j->q->reader, streams_sql, &id, 1, take_stream, j);
    if (rc == TL_END) return tl_complain(STATUS_FAILED, "%s: session %" PRId64 " is damaged (see verify)", j->q->path, id.number);
    tl_text_add(&j->line, ",\"files\":[");
    int status = complain_query(j, rc);
    for (int dir = 0; dir < 2 && status == STATUS_OK; dir++) status = export_stream(j, id.number, dir);
    tl_text_add(&j->line, "]}");
    return status == STATUS_OK ? complain_query(j, flush(j)) : status;
}

static int choose_sessions(job *j)
{
    const uint64_t filters = TAKES_FILTERS;
    tl_cell id = {.kind = TL_CELL_INTEGER};
    if (j->q->argument_count > 0 && (j->q->o.given & filters) != 0)
        return tl_complain(STATUS_USAGE, "name sessions, or choose them by filters: not both");
    if (j->q->argument_count == 0) return complain_query(j, tl_filter_session_ids(j->q->reader, &j->q->o.filter, add_id, j));
    for (int i = 0; i < j->q->argument_count; i++) {
        bool again = false;
        int status = tl_query_session_of(j->q, j->q->arguments[i], &id.integer);
        for (size_t k = 0; k < j->n; k++) again |= j->ids[k] == id.integer;
        if (status == STATUS_OK && !again && add_id(j, &id) != TL_OK) status = tl_complain(STATUS_FAILED, "no memory");
        if (status != STATUS_OK) return status;
    }
    return STATUS_OK;
}

static int export_all(job *j)
{
    tl_error err = {0};
    j->manifest = tmpfile();
    if (j->manifest == NULL) return tl_complain(STATUS_FAILED, "no temporary file: %s", strerror(errno));
    j->archive = tl_archive_open(j->q->o.output, &err);
    if (j->archive == NULL) return tl_complain(STATUS_FAILED, "%s", err.text);
    int status = begin_manifest(j);
    for (size_t i = 0; i < j->n && status == STATUS_OK; i++) status = export_session(j, i);
    if (status == STATUS_OK) {
        tl_rc rc = end_manifest(j);
        if (rc != TL_OK) status = stream_failed(j, rc);
    }
    if (tl_archive_close(j->archive, status == STATUS_OK, &err) != TL_OK && status == STATUS_OK)
        status = tl_complain(STATUS_FAILED, "%s", err.text);
    if (status != STATUS_OK) return status;
    fprintf(stderr, "%zu session%s, %" PRIu64 " file%s, %" PRIu64 " bytes, %" PRIu64 " missing (%s)\n", j->n, j->n == 1 ? "" : "s",
            j->files, j->files == 1 ? "" : "s", j->bytes, j->missing, j->q->o.gaps_zero ? "written as zeros" : "skipped");
    return status;
}

/* A folder of that name would not be what was meant. */
static bool is_other_archive(const char *path)
{
    static const char *const endings[] = {".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar", NULL};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot != NULL && endings[i] != NULL; i++)
        if (strcmp(dot, endings[i]) == 0) return true;
    return false;
}

int tl_cmd_export(tl_query *q)
{
    job j = {.q = q};
    if (q->o.output == NULL) return tl_complain(STATUS_USAGE, "say where to: -o FOLDER, -o FILE.zip or -o FILE.sqlar");
    if (is_other_archive(q->o.output))
        return tl_complain(STATUS_USAGE, "-o %s: archives are FILE.zip or FILE.sqlar, all else is a folder", q->o.output);
    int status = choose_sessions(&j);
    if (status == STATUS_OK) status = export_all(&j);
    if (j.manifest != NULL) fclose(j.manifest);
    tl_text_free(&j.line);
    free(j.ids);
    return status;
}
