/*
** cmd_objects.c - what messages carry: listed with sizes and hashes, and with --export written to files.
**
** A file holds the decoded bytes that were captured, in order, and nothing else; where bytes are missing between them the manifest says
** (gaps: offset in the body, length).  sha256 is that of the file.  The manifest has a line for each file.
*/
#include "app/query_cmd.h"
#include "app/query_folder.h"
#include "query/objects.h"
#include "query/rows.h"
#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COLUMNS = 14, DIGEST = 32, GAPS_TOLD = 1000 };
/* Of all bodies together: more than this is no traffic but bombs, and would fill the disk. */
#define ALL_FREE ((uint64_t)4 << 30)
enum { ALL_RATIO = 64 };

typedef struct export
{
    int folder; /* -1: only a list */
    FILE *manifest;
    int fd; /* the file at hand */
    EVP_MD_CTX *hash;
    uint64_t read, made; /* of all bodies so far */
}
export;

/* What one body turned out to be. */
typedef struct outcome {
    char name[TL_OBJECT_NAME_MOST], sha256[2 * DIGEST + 1];
    tl_body_result result;
    tl_text gaps; /* JSON: [offset,length],... */
    size_t gap_count;
} outcome;

static tl_rc write_all(int fd, tl_span s)
{
    while (s.n > 0) {
        ssize_t done = write(fd, s.p, s.n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return TL_EIO;
        s = tl_span_of(s.p + done, s.n - (size_t)done);
    }
    return TL_OK;
}

static void note_gap(outcome *o, const tl_body_piece *p)
{
    if (o->gap_count++ < GAPS_TOLD)
        tl_text_printf(&o->gaps, "%s[%" PRIu64 ",%" PRIu64 "]", o->gap_count > 1 ? "," : "", p->offset, p->length);
}

static tl_rc read_body(tl_query *q, export *x, const tl_object *object, outcome *out)
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    tl_body_piece piece;
    tl_body *body = tl_body_open(q->reader, &object->body);
    if (body == NULL) return tl_reader_error(q->reader)->rc;
    tl_rc rc = EVP_DigestInit_ex(x->hash, EVP_sha256(), NULL) == 1 ? TL_OK : TL_ENOMEM;
    while (rc == TL_OK && (rc = tl_body_next(body, &piece)) == TL_OK) {
        if (piece.bytes.p == NULL) {
            note_gap(out, &piece);
            continue;
        }
        x->made += piece.length;
        if (x->made > ALL_FREE + ALL_RATIO * (x->read + object->body.length)) {
            (void)tl_complain(STATUS_FAILED, "stopped at %s: the bodies unpack to far more than traffic does, as bombs do", out->name);
            rc = TL_ETRUNCATED;
        } else if (EVP_DigestUpdate(x->hash, piece.bytes.p, piece.bytes.n) != 1) {
            rc = TL_ENOMEM;
        } else if (x->folder >= 0) {
            rc = write_all(x->fd, piece.bytes);
        }
    }
    out->result = tl_body_result_of(body);
    tl_body_close(body);
    if (rc == TL_END) rc = EVP_DigestFinal_ex(x->hash, digest, NULL) == 1 ? TL_OK : TL_ENOMEM;
    for (size_t i = 0; rc == TL_OK && i < DIGEST; i++) snprintf(out->sha256 + 2 * i, 3, "%02x", digest[i]);
    x->read += object->body.length;
    return rc;
}

/* Of a body with codings only the message knows what is missing: reading ends at the first hole. */
static uint64_t missing_of(const tl_object *o, const outcome *out)
{
    return o->body.coding_count > 0 ? o->missing : out->result.missing;
}

/* -1: not to be known. */
static int64_t expected_of(const tl_object *o, const outcome *out)
{
    return o->expected < 0 && out->result.state == TL_BODY_WHOLE ? (int64_t)out->result.size : o->expected;
}

static tl_cell number(int64_t v)
{
    return v < 0 ? (tl_cell){.kind = TL_CELL_NULL} : (tl_cell){.kind = TL_CELL_INTEGER, .integer = v};
}

static tl_cell words(const char *text)
{
    return text == NULL ? (tl_cell){.kind = TL_CELL_NULL} : (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(text, strlen(text))};
}

static const char *const names[COLUMNS] = {"session_id", "number",  "part",     "sender", "protocol", "kind",  "media_type",
                                           "size",       "missing", "expected", "state",  "file",     "asked", "sha256"};

static void cells_of(const tl_object *o, const outcome *out, bool exported, tl_cell cells[COLUMNS])
{
    const tl_cell all[COLUMNS] = {number(o->session),
                                  number(o->number),
                                  number(o->part),
                                  words(o->direction == 0 ? "client" : "server"),
                                  words(o->protocol),
                                  words(o->kind),
                                  words(o->media_type[0] == '\0' ? NULL : o->media_type),
                                  number((int64_t)out->result.size),
                                  number((int64_t)missing_of(o, out)),
                                  number(expected_of(o, out)),
                                  words(tl_body_state_name(out->result.state)),
                                  words(exported ? out->name : NULL),
                                  words(o->asked == NULL ? o->summary : o->asked),
                                  words(out->sha256)};
    memcpy(cells, all, sizeof all);
}

/* The row as a line of the manifest, and where the holes are. */
static tl_rc note_manifest(export *x, const tl_cell cells[COLUMNS], const outcome *out)
{
    tl_text line = {0};
    tl_text_add(&line, "{");
    for (size_t i = 0; i < COLUMNS; i++) {
        tl_text_printf(&line, "\"%s\":", names[i]);
        tl_cell_json(&line, &cells[i]);
        tl_text_add(&line, ",");
    }
    tl_text_printf(&line, "\"gap_count\":%zu,\"gaps\":[", out->gap_count);
    tl_text_add(&line, out->gaps.p == NULL ? "" : out->gaps.p);
    tl_text_add(&line, "]}\n");
    tl_rc rc = line.failed || out->gaps.failed ? TL_ENOMEM : tl_write_file(x->manifest, tl_span_of(line.p, line.n));
    tl_text_free(&line);
    return rc == TL_END ? TL_EIO : rc;
}

static tl_rc take(tl_query *q, export *x, tl_rows *rows, const tl_object *object)
{
    outcome out = {.gap_count = 0};
    tl_cell cells[COLUMNS];
    tl_rc rc = TL_OK;
    tl_object_name(object, out.name);
    if (x->folder >= 0 && (x->fd = tl_folder_create(x->folder, out.name)) < 0) {
        (void)tl_complain(STATUS_FAILED, "%s/%s: %s", q->o.folder, out.name, strerror(errno));
        return TL_ETRUNCATED;
    }
    rc = read_body(q, x, object, &out);
    if (x->folder >= 0 && close(x->fd) != 0 && rc == TL_OK) rc = TL_EIO;
    cells_of(object, &out, x->folder >= 0, cells);
    if (rc == TL_OK && x->folder >= 0) rc = note_manifest(x, cells, &out);
    if (rc == TL_OK) rc = tl_rows_add(rows, cells);
    tl_text_free(&out.gaps);
    return rc;
}

static int open_export(tl_query *q, export *x)
{
    *x = (export){.folder = -1, .hash = EVP_MD_CTX_new()};
    if (x->hash == NULL) return tl_complain(STATUS_FAILED, "no memory");
    if (q->o.folder == NULL) return STATUS_OK;
    x->folder = tl_folder_open(q->o.folder);
    if (x->folder < 0) return tl_complain(STATUS_FAILED, "%s: %s", q->o.folder, strerror(errno));
    int fd = tl_folder_create(x->folder, "manifest.jsonl");
    x->manifest = fd < 0 ? NULL : fdopen(fd, "w");
    if (x->manifest == NULL) return tl_complain(STATUS_FAILED, "%s/manifest.jsonl: %s", q->o.folder, strerror(errno));
    return STATUS_OK;
}

static int close_export(tl_query *q, export *x)
{
    int status = STATUS_OK;
    if (x->manifest != NULL && fclose(x->manifest) != 0)
        status = tl_complain(STATUS_FAILED, "%s/manifest.jsonl: %s", q->o.folder, strerror(errno));
    if (x->folder >= 0) close(x->folder);
    EVP_MD_CTX_free(x->hash);
    return status;
}

static int run(tl_query *q, export *x)
{
    tl_object object;
    tl_objects *objects = tl_objects_open(q->reader, &q->o.filter, q->o.direction);
    if (objects == NULL) return tl_query_status(q, tl_reader_error(q->reader)->rc);
    tl_rows *rows = tl_rows_new(&q->out, names, COLUMNS);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    for (int64_t n = 0; rc == TL_OK && (q->o.filter.limit < 0 || n < q->o.filter.limit); n++) {
        rc = tl_objects_next(objects, &object);
        if (rc == TL_OK) rc = take(q, x, rows, &object);
    }
    /* What came before a failure is shown all the same. */
    if (rows != NULL) {
        tl_rc end = tl_rows_end(rows);
        if (rc == TL_OK || rc == TL_END) rc = end;
    }
    tl_rows_free(rows);
    tl_objects_close(objects);
    if (rc == TL_ETRUNCATED) return STATUS_FAILED; /* the reason was told where it came up */
    return rc == TL_ENOMEM ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(q, rc);
}

int tl_cmd_objects(tl_query *q)
{
    export x;
    int status = q->argument == NULL ? STATUS_OK : tl_query_session(q, &q->o.filter.session);
    if (status != STATUS_OK) return status;
    status = open_export(q, &x);
    if (status == STATUS_OK) status = run(q, &x);
    int closed = close_export(q, &x);
    return status != STATUS_OK ? status : closed;
}
