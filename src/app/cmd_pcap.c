/*
** cmd_pcap.c - the original packets of sessions, as a pcapng file.
**
** Per capture: the frames of the sessions are found by decoding (pipeline_extract.h), from just before the first one on; then they are
** read again and written, in the order of the capture.  Every capture is checked before the first byte is written.
*/
#include "app/pipeline_extract.h"
#include "app/query_capture.h"
#include "capture/writer.h"
#include "query/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fewer frames than these are read over faster than they are sought over. */
enum { FAR = 4096, PROBE = 256 };
static const int64_t fragment_ns = 30 * INT64_C(1000000000); /* how long the decoder waits for one (packet/fragments.h) */

#define PLACE     "s.session_id, s.client_addr, s.client_port, s.server_addr, s.server_port, s.first_capture_id, s.first_frame, s.first_ns,"
#define PLACE_END " s.last_capture_id, s.last_frame, s.last_ns"
static const char session_sql[] =
    "SELECT " PLACE PLACE_END ", s.vlan, c.base_seq, coalesce(c.length, 0), v.base_seq, coalesce(v.length, 0),"
    " coalesce(c.packets, 0) + coalesce(v.packets, 0),"
    " (SELECT iif(json_valid(i.options), json_extract(i.options, '$.vlan_key'), 0) FROM capture AS k JOIN ingest AS i"
    " ON i.ingest_id = k.ingest_id WHERE k.capture_id = s.first_capture_id)"
    " FROM session AS s LEFT JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0"
    " LEFT JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1 WHERE s.session_id = ?1";
/* All that may share frames with some (?1: their numbers, JSON): those between their hosts. */
static const char others_sql[] =
    "WITH host AS MATERIALIZED (SELECT w.client_addr AS addr FROM json_each(?1) AS j JOIN session AS w ON w.session_id = j.value"
    " UNION SELECT w.server_addr FROM json_each(?1) AS j JOIN session AS w ON w.session_id = j.value)"
    " SELECT " PLACE PLACE_END " FROM session AS s WHERE s.client_addr IN (SELECT addr FROM host)"
    " AND +s.server_addr IN (SELECT addr FROM host) AND s.last_capture_id >= ?2 AND s.first_capture_id <= ?3";

typedef struct job {
    tl_query *q;
    tl_extract_session *sessions; /* owned */
    size_t n, room;
    size_t wanted; /* those that were asked for are the first */
    int64_t *others;
    size_t others_n, others_room;
    int64_t first_capture, last_capture;
    bool filtered;
    FILE *out;
} job;

static bool grow(void **list, size_t n, size_t *room, size_t size)
{
    if (n < *room) return true;
    size_t more = *room > 0 ? *room * 2 : 8;
    void *grown = realloc(*list, more * size);
    if (grown == NULL) return false;
    *list = grown;
    *room = more;
    return true;
}

/* ---- the sessions ---- */

static tl_rc read_place(const tl_cell *c, tl_extract_session *s)
{
    *s = (tl_extract_session){.session_id = c[0].integer};
    if (c[1].kind != TL_CELL_TEXT || c[3].kind != TL_CELL_TEXT || !tl_addr_parse((const char *)c[1].bytes.p, &s->client) ||
        !tl_addr_parse((const char *)c[3].bytes.p, &s->server))
        return TL_END;
    s->client.port = (uint16_t)c[2].integer;
    s->server.port = (uint16_t)c[4].integer;
    s->first = (tl_at){c[7].integer, (uint64_t)c[6].integer, (uint32_t)c[5].integer};
    s->last = (tl_at){c[10].integer, (uint64_t)c[9].integer, (uint32_t)c[8].integer};
    return TL_OK;
}

static tl_rc take_session(void *to, const tl_cell *c)
{
    job *j = to;
    if (!grow((void **)&j->sessions, j->n, &j->room, sizeof *j->sessions)) return TL_ENOMEM;
    tl_extract_session *s = &j->sessions[j->n];
    if (read_place(c, s) != TL_OK) return TL_END;
    size_t n = c[11].bytes.n < sizeof s->vlan - 1 ? c[11].bytes.n : sizeof s->vlan - 1;
    if (n > 0) memcpy(s->vlan, c[11].bytes.p, n);
    for (int d = 0; d < 2; d++) {
        s->has_base[d] = c[12 + 2 * d].kind == TL_CELL_INTEGER;
        s->base_seq[d] = (uint32_t)c[12 + 2 * d].integer;
        s->length[d] = c[13 + 2 * d].integer > 0 ? (uint64_t)c[13 + 2 * d].integer : 0;
    }
    s->packets = c[16].integer;
    s->vlan_key = c[17].integer != 0;
    j->n++;
    return TL_OK;
}

static int add_session(job *j, int64_t session_id)
{
    const tl_param id = {.number = session_id};
    size_t before = j->n;
    tl_rc rc = tl_reader_each(j->q->reader, session_sql, &id, 1, take_session, j);
    if (rc == TL_ENOMEM) return tl_complain(STATUS_FAILED, "no memory");
    if (rc == TL_END || (rc == TL_OK && j->n == before))
        return tl_complain(STATUS_FAILED, "%s: session %" PRId64 " is damaged (see verify)", j->q->path, session_id);
    return tl_query_status(j->q, rc);
}

static bool same_address(const tl_addr *a, const tl_addr *b)
{
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

/* Could a frame be of one as well as of the other? */
static bool shares_frames(const tl_extract_session *s, const tl_extract_session *t)
{
    bool same = same_address(&s->client, &t->client) && same_address(&s->server, &t->server);
    bool turned = same_address(&s->client, &t->server) && same_address(&s->server, &t->client);
    return (same || turned) && !tl_at_before(s->last, t->first) && !tl_at_before(t->last, s->first);
}

static tl_rc take_other(void *to, const tl_cell *c)
{
    job *j = to;
    tl_extract_session s;
    bool shares = false;
    if (read_place(c, &s) != TL_OK) return TL_OK; /* damaged: nobody asked for it */
    for (size_t i = 0; i < j->wanted; i++) {
        if (j->sessions[i].session_id == s.session_id) return TL_OK;
        shares |= shares_frames(&s, &j->sessions[i]);
    }
    if (!shares) return TL_OK;
    if (!grow((void **)&j->others, j->others_n, &j->others_room, sizeof *j->others)) return TL_ENOMEM;
    j->others[j->others_n++] = s.session_id;
    return TL_OK;
}

static int load_sessions(job *j)
{
    int status = STATUS_OK;
    for (int i = 0; i < j->q->argument_count && status == STATUS_OK; i++) {
        int64_t id;
        bool again = false;
        status = tl_query_session_of(j->q, j->q->arguments[i], &id);
        for (size_t k = 0; status == STATUS_OK && k < j->n; k++) again |= j->sessions[k].session_id == id;
        if (status == STATUS_OK && !again) status = add_session(j, id);
    }
    if (status != STATUS_OK) return status;
    j->wanted = j->n;
    j->first_capture = INT64_MAX;
    for (size_t i = 0; i < j->n; i++) {
        j->sessions[i].wanted = true;
        if (j->sessions[i].first.capture < j->first_capture) j->first_capture = j->sessions[i].first.capture;
        if (j->sessions[i].last.capture > j->last_capture) j->last_capture = j->sessions[i].last.capture;
    }
    tl_text ids = {0};
    for (size_t i = 0; i < j->wanted; i++) tl_text_printf(&ids, "%c%" PRId64, i == 0 ? '[' : ',', j->sessions[i].session_id);
    tl_text_add(&ids, "]");
    const tl_param params[] = {{.text = ids.p}, {.number = j->first_capture}, {.number = j->last_capture}};
    tl_rc rc = ids.failed ? TL_ENOMEM : tl_reader_each(j->q->reader, others_sql, params, 3, take_other, j);
    tl_text_free(&ids);
    if (rc == TL_ENOMEM) return tl_complain(STATUS_FAILED, "no memory");
    status = tl_query_status(j->q, rc);
    for (size_t i = 0; i < j->others_n && status == STATUS_OK; i++) status = add_session(j, j->others[i]);
    return status;
}

/* ---- the captures ---- */

static int read_failed(const tl_capture_file *f, tl_rc rc, const char *text)
{
    if (rc == TL_ENOMEM) return tl_complain(STATUS_FAILED, "no memory");
    return tl_complain(STATUS_FAILED, "capture %" PRId64 ": %s", f->capture_id, text);
}

/* Damage is where the ingest ended, too. */
static bool is_end(tl_rc rc)
{
    return rc == TL_END || rc == TL_ETRUNCATED;
}

static tl_source *open_at(const tl_capture_file *f, uint64_t frame, tl_error *err)
{
    tl_source *s = tl_source_open_file(f->path.p, err);
    if (s == NULL) return NULL;
    tl_rc rc = tl_source_seek(s, tl_span_of(f->positions.p, f->positions.n), frame);
    if (rc == TL_OK) return s;
    *err = s->error;
    tl_source_close(s);
    return NULL;
}

/* *start: a frame from which on all fragments of datagrams that end in range->first are there. */
static int before_fragments(const tl_capture_file *f, const tl_extract_range *range, uint64_t *start)
{
    *start = range->first;
    if (!f->fragments || f->positions.n == 0) return STATUS_OK;
    for (uint64_t back = PROBE; *start > 1; back *= 4) {
        tl_error err = {0};
        tl_frame frame;
        *start = back < range->first ? range->first - back : 1;
        tl_source *s = open_at(f, *start, &err);
        if (s == NULL) return read_failed(f, err.rc, err.text);
        tl_rc rc = tl_source_next(s, &frame);
        if (rc != TL_OK && !is_end(rc)) err = s->error;
        tl_source_close(s);
        if (rc != TL_OK) return is_end(rc) ? STATUS_OK : read_failed(f, rc, err.text);
        if (range->first_ns < INT64_MIN + fragment_ns || frame.at.ns < range->first_ns - fragment_ns) break;
    }
    return STATUS_OK;
}

/* Pushes all frames from `start` to range->last; *read: the last frame that was read. */
static tl_rc push_range(tl_extract *x, tl_source *s, const tl_extract_range *range, uint64_t *read)
{
    tl_frame frame;
    tl_rc rc = TL_OK;
    while (rc == TL_OK && *read < range->last) {
        rc = tl_source_next(s, &frame);
        if (rc != TL_OK) return rc;
        *read = frame.at.frame;
        rc = tl_extract_push(x, &frame);
    }
    return rc;
}

static int find_frames(tl_extract *x, const tl_capture_file *f)
{
    size_t n;
    tl_error err = {0};
    uint64_t read = 0;
    const tl_extract_range *range = tl_extract_ranges(x, &n);
    tl_source *s = tl_source_open_file(f->path.p, &err);
    if (s == NULL) return read_failed(f, err.rc, err.text);
    tl_rc rc = TL_OK;
    int status = STATUS_OK;
    for (size_t i = 0; i < n && rc == TL_OK && status == STATUS_OK; i++) {
        uint64_t start;
        status = before_fragments(f, &range[i], &start);
        if (status == STATUS_OK && start > read + FAR) rc = tl_source_seek(s, tl_span_of(f->positions.p, f->positions.n), start);
        if (status == STATUS_OK && rc == TL_OK) rc = push_range(x, s, &range[i], &read);
    }
    err = s->error;
    tl_source_close(s);
    if (status != STATUS_OK) return status;
    return rc == TL_OK || is_end(rc) ? STATUS_OK : read_failed(f, rc, err.text);
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

/* Reads on to the frame. */
static tl_rc read_frame(tl_source *s, const tl_capture_file *f, uint64_t wanted, tl_frame *frame)
{
    tl_rc rc = TL_OK;
    if (wanted > frame->at.frame + FAR) rc = tl_source_seek(s, tl_span_of(f->positions.p, f->positions.n), wanted);
    while (rc == TL_OK) {
        rc = tl_source_next(s, frame);
        if (rc == TL_OK && frame->at.frame >= wanted) break;
    }
    return rc;
}

static int write_failed(const job *j, tl_rc rc, const tl_frame *frame)
{
    switch (rc) {
    case TL_END: return STATUS_OK; /* nobody reads any more */
    case TL_ENOMEM: return tl_complain(STATUS_FAILED, "no memory");
    case TL_EUSAGE:
        return tl_complain(STATUS_FAILED, "frame %" PRIu64 ": link type %d cannot be written", frame->at.frame, frame->linktype);
    default: return tl_complain(STATUS_FAILED, "%s: %s", j->q->o.output != NULL ? j->q->o.output : "standard output", strerror(errno));
    }
}

static int write_frames(const job *j, tl_extract *x, tl_writer *w, const tl_capture_file *f)
{
    tl_error err = {0};
    tl_frame frame = {.at = {0, 0, 0}};
    tl_extracted next;
    char name[40], comment[200];
    tl_text description = {0};
    int status = STATUS_OK;
    tl_source *s = tl_source_open_file(f->path.p, &err);
    if (s == NULL) return read_failed(f, err.rc, err.text);
    snprintf(name, sizeof name, "capture%" PRId64, f->capture_id);
    tl_text_printf(&description, "%s, SHA-256 %s", f->shown.p, f->sha256);
    const tl_writer_origin origin = {(uint32_t)f->capture_id, name, description.failed ? NULL : description.p};
    while (status == STATUS_OK && tl_extract_next(x, &next) == TL_OK) {
        tl_rc rc = read_frame(s, f, next.frame, &frame);
        if (rc != TL_OK) {
            status = read_failed(f, rc, is_end(rc) ? "it changed while it was read" : s->error.text);
            break;
        }
        snprintf(comment, sizeof comment, "session %" PRId64 ", frame %" PRIu64 " of capture %" PRId64 ", %.100s", next.session->session_id,
                 next.frame, f->capture_id, base_name(f->shown.p));
        rc = tl_writer_frame(w, &frame, &origin, comment);
        if (rc == TL_END) break;
        if (rc != TL_OK) status = write_failed(j, rc, &frame);
    }
    tl_source_close(s);
    tl_text_free(&description);
    return status;
}

/* ---- the whole ---- */

typedef int capture_fn(job *j, tl_extract *x, tl_writer *w, const tl_capture_file *f);

static int each_capture(job *j, tl_extract *x, tl_writer *w, capture_fn *visit)
{
    int status = STATUS_OK;
    bool found = true;
    for (int64_t at = j->first_capture; status == STATUS_OK && found && at <= j->last_capture;) {
        tl_capture_file f;
        status = tl_capture_file_find(j->q, at, j->last_capture, &f, &found);
        if (status == STATUS_OK && found) {
            size_t n = 1;
            if (tl_extract_begin(x, (uint32_t)f.capture_id) != TL_OK)
                status = tl_complain(STATUS_FAILED, "no memory");
            else
                (void)tl_extract_ranges(x, &n);
            if (status == STATUS_OK && n > 0) status = visit(j, x, w, &f);
        }
        at = f.capture_id + 1;
        tl_capture_file_free(&f);
    }
    return status;
}

/* Neither the database nor a capture is ever written over. */
static int check_capture(job *j, tl_extract *x, tl_writer *w, const tl_capture_file *f)
{
    struct stat out, in;
    (void)x;
    (void)w;
    int status = tl_capture_file_check(j->q, f);
    j->filtered |= f->filtered;
    if (status == STATUS_OK && j->q->o.output != NULL && stat(j->q->o.output, &out) == 0 && stat(f->path.p, &in) == 0 &&
        out.st_dev == in.st_dev && out.st_ino == in.st_ino)
        return tl_complain(STATUS_USAGE, "%s is a capture itself", j->q->o.output);
    return status;
}

static int copy_capture(job *j, tl_extract *x, tl_writer *w, const tl_capture_file *f)
{
    int status = find_frames(x, f);
    return status == STATUS_OK ? write_frames(j, x, w, f) : status;
}

static int open_output(job *j)
{
    struct stat out, db;
    const char *path = j->q->o.output;
    if (path == NULL && j->q->terminal) return tl_complain(STATUS_USAGE, "a capture is not for terminals: say -o FILE");
    j->out = stdout;
    if (path == NULL) return STATUS_OK;
    if (stat(path, &out) == 0 && stat(j->q->path, &db) == 0 && out.st_dev == db.st_dev && out.st_ino == db.st_ino)
        return tl_complain(STATUS_USAGE, "%s is the database itself", path);
    j->out = fopen(path, "wbe");
    return j->out != NULL ? STATUS_OK : tl_complain(STATUS_FAILED, "%s: %s", path, strerror(errno));
}

static int close_output(const job *j, int status)
{
    const char *path = j->q->o.output;
    if (path == NULL || j->out == NULL) return status;
    if (fclose(j->out) != 0 && status == STATUS_OK) status = tl_complain(STATUS_FAILED, "%s: %s", path, strerror(errno));
    return status;
}

/* What was found beside what the database counts: fewer is a failure, more may be the copies of another tap. */
static int compare_counts(const job *j)
{
    int status = STATUS_OK;
    for (size_t i = 0; i < j->n; i++) {
        const tl_extract_session *s = &j->sessions[i];
        if (!s->wanted || s->packets < 0 || s->found == (uint64_t)s->packets) continue;
        bool fewer = s->found < (uint64_t)s->packets;
        (void)tl_complain(STATUS_OK, "session %" PRId64 ": %" PRIu64 " packets found, the database counts %" PRId64 "%s", s->session_id,
                          s->found, s->packets,
                          fewer         ? ""
                          : j->filtered ? " (it was indexed with a filter)"
                                        : " (copies of another tap are not in its count)");
        if (fewer) status = STATUS_FAILED;
    }
    return status;
}

static int write_all(job *j, tl_extract *x)
{
    tl_writer *w = tl_writer_new(tl_write_file, j->out, "tcpledger-query " TL_VERSION);
    if (w == NULL) return tl_complain(STATUS_FAILED, "no memory");
    int status = each_capture(j, x, w, copy_capture);
    tl_rc rc = status == STATUS_OK ? tl_writer_end(w) : TL_OK;
    if (rc != TL_OK) status = write_failed(j, rc, NULL);
    tl_writer_free(w);
    return status;
}

static int run(job *j)
{
    tl_extract *x = tl_extract_new(j->sessions, j->n);
    if (x == NULL) return tl_complain(STATUS_FAILED, "no memory");
    int status = each_capture(j, x, NULL, check_capture);
    if (status == STATUS_OK && j->q->o.no_hash) (void)tl_complain(STATUS_OK, "captures were compared by their size only (--no-hash)");
    if (status == STATUS_OK) status = open_output(j);
    if (status == STATUS_OK) status = close_output(j, write_all(j, x));
    if (status == STATUS_OK) status = compare_counts(j);
    tl_extract_free(x);
    return status;
}

int tl_cmd_pcap(tl_query *q)
{
    job j = {.q = q};
    int status = load_sessions(&j);
    if (status == STATUS_OK) status = run(&j);
    free(j.sessions);
    free(j.others);
    return status;
}
