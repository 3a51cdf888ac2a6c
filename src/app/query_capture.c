/*
** query_capture.c - see the header.
**
** The name in the database may be a stranger's: only a regular file is ever opened, and only read.
*/
#include "app/query_capture.h"

#include "capture/source.h"
#include "query/rows.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char capture_sql[] =
    "SELECT c.capture_id, c.path, c.bytes, c.sha256,"
    " c.state = 'interrupted' OR EXISTS (SELECT 1 FROM frame_count AS n WHERE n.capture_id = c.capture_id AND n.outcome = 'fragment'),"
    " (SELECT iif(json_valid(i.options), json_extract(i.options, '$.filter') IS NOT NULL, 0) FROM ingest AS i"
    " WHERE i.ingest_id = c.ingest_id), p.positions"
    " FROM capture AS c LEFT JOIN frame_position AS p ON p.capture_id = c.capture_id"
    " WHERE c.capture_id BETWEEN ?1 AND ?2 ORDER BY c.capture_id LIMIT 1";

void tl_capture_file_free(tl_capture_file *f)
{
    tl_text_free(&f->path);
    tl_text_free(&f->shown);
    tl_text_free(&f->positions);
}

static tl_rc take_capture(void *to, const tl_cell *c)
{
    tl_capture_file *f = to;
    f->capture_id = c[0].integer;
    tl_text_add(&f->shown, "");
    if (c[1].kind == TL_CELL_TEXT) tl_text_bytes(&f->shown, c[1].bytes.p, c[1].bytes.n);
    f->bytes = c[2].kind == TL_CELL_INTEGER ? c[2].integer : -1;
    if (c[3].kind == TL_CELL_TEXT && c[3].bytes.n == 64) memcpy(f->sha256, c[3].bytes.p, 64);
    f->fragments = c[4].integer != 0;
    f->filtered = c[5].integer != 0;
    if (c[6].kind == TL_CELL_BLOB) tl_text_bytes(&f->positions, c[6].bytes.p, c[6].bytes.n);
    return f->shown.failed || f->positions.failed ? TL_ENOMEM : TL_OK;
}

/* --capture before --capture-dir before what the database says. */
static void place(const tl_query *q, tl_capture_file *f)
{
    for (size_t i = 0; i < q->o.moved_count; i++) {
        const char *file = strchr(q->o.moved[i], '=') + 1;
        if (strtoll(q->o.moved[i], NULL, 10) != f->capture_id) continue;
        tl_text_add(&f->path, file);
        return;
    }
    tl_text name = {0};
    tl_text_add(&name, "");
    tl_text_unescaped(&name, tl_span_of(f->shown.p, f->shown.n));
    const char *slash = name.p != NULL ? strrchr(name.p, '/') : NULL;
    if (q->o.capture_dir != NULL) {
        tl_text_add(&f->path, q->o.capture_dir);
        tl_text_add(&f->path, "/");
    }
    tl_text_add(&f->path, q->o.capture_dir != NULL && slash != NULL ? slash + 1 : name.p != NULL ? name.p : "");
    if (name.failed) f->path.failed = true;
    tl_text_free(&name);
}

int tl_capture_file_find(tl_query *q, int64_t from, int64_t to, tl_capture_file *f, bool *found)
{
    const tl_param range[] = {{.number = from}, {.number = to}};
    *f = (tl_capture_file){.capture_id = -1};
    tl_rc rc = tl_reader_each(q->reader, capture_sql, range, 2, take_capture, f);
    *found = rc == TL_OK && f->capture_id >= 0;
    if (*found) place(q, f);
    if (rc == TL_ENOMEM || f->path.failed) return tl_complain(STATUS_FAILED, "no memory");
    return tl_query_status(q, rc);
}

static int moved(const tl_capture_file *f, const char *why)
{
    return tl_complain(STATUS_FAILED, "capture %" PRId64 ", %s: %s: say where it is with --capture-dir DIR or --capture %" PRId64 "=FILE",
                       f->capture_id, f->path.p, why, f->capture_id);
}

int tl_capture_file_check(tl_query *q, const tl_capture_file *f)
{
    struct stat st;
    uint64_t bytes;
    uint8_t sha256[32];
    char digits[65] = "";
    tl_error err = {0};
    if (stat(f->path.p, &st) != 0) return moved(f, strerror(errno));
    if (!S_ISREG(st.st_mode)) return moved(f, "not a file");
    if (f->bytes >= 0 && st.st_size != f->bytes)
        return tl_complain(STATUS_FAILED, "capture %" PRId64 ", %s: it changed since it was indexed: %lld bytes, then %" PRId64,
                           f->capture_id, f->path.p, (long long)st.st_size, f->bytes);
    if (q->o.no_hash) return STATUS_OK;
    if (f->sha256[0] == '\0')
        return tl_complain(STATUS_FAILED,
                           "capture %" PRId64 ", %s: the database has no SHA-256 of it: --no-hash takes it by its size alone",
                           f->capture_id, f->path.p);
    if (tl_source_hash_file(f->path.p, &bytes, sha256, &err) != TL_OK) return tl_complain(STATUS_FAILED, "%s", err.text);
    for (size_t i = 0; i < sizeof sha256; i++) snprintf(digits + 2 * i, 3, "%02x", sha256[i]);
    if (strcmp(digits, f->sha256) == 0) return STATUS_OK;
    return tl_complain(STATUS_FAILED, "capture %" PRId64 ", %s: it changed since it was indexed: its SHA-256 is not the one of then",
                       f->capture_id, f->path.p);
}
