/*
** cmd_payload.c - the bytes of a stream or of one message, as they were captured.
**
** To a file or a pipe the bytes alone, never a marker among them: what is missing is told on stderr.  To a terminal escaped text.
** Without --dir the direction that has bytes is meant; when both have, it must be said.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct range {
    int direction;
    uint64_t offset, length;
} range;

/* Where the bytes go. */
typedef struct sink {
    int fd;
    bool sparse;   /* zeros of a regular file are skipped over, so that a hole of gigabytes takes no room */
    bool escaped;  /* a terminal */
    bool line_end; /* the last byte shown was a newline */
} sink;

static tl_rc number(tl_query *q, const char *sql, const tl_param *params, size_t n, int64_t *out)
{
    bool found = false;
    tl_rc rc = tl_reader_number(q->reader, sql, params, n, out, &found);
    if (rc == TL_OK && !found) *out = -1;
    return rc;
}

/* The range of --message, less its head for --body. */
static int message_range(tl_query *q, int64_t session, range *out)
{
    const tl_param id = {.number = session * ((int64_t)1 << 32) + q->o.message};
    int64_t direction = 0, offset = 0, length = 0, head = 0;
    tl_rc rc = number(q, "SELECT direction FROM message WHERE message_id = ?1", &id, 1, &direction);
    if (rc == TL_OK) rc = number(q, "SELECT stream_offset FROM message WHERE message_id = ?1", &id, 1, &offset);
    if (rc == TL_OK) rc = number(q, "SELECT length FROM message WHERE message_id = ?1", &id, 1, &length);
    if (rc == TL_OK) rc = number(q, "SELECT head_length FROM message WHERE message_id = ?1", &id, 1, &head);
    if (rc != TL_OK) return tl_query_status(q, rc);
    if (direction < 0) return tl_complain(STATUS_FAILED, "session %" PRId64 " has no message %" PRId64, session, q->o.message);
    if (q->o.direction >= 0 && q->o.direction != direction)
        return tl_complain(STATUS_USAGE, "message %" PRId64 " was sent by the %s", q->o.message, direction == 0 ? "client" : "server");
    if (!q->o.body) head = 0;
    if (offset < 0 || length < head || head < 0) return tl_complain(STATUS_FAILED, "%s: the database is damaged (see verify)", q->path);
    *out = (range){(int)(direction != 0), (uint64_t)offset + (uint64_t)head, (uint64_t)(length - head)};
    return STATUS_OK;
}

/* The whole of one direction: the one that was named, else the only one that has bytes. */
static int stream_range(tl_query *q, int64_t session, range *out)
{
    int64_t length[2] = {0, 0};
    for (int d = 0; d < 2; d++) {
        const tl_param params[] = {{.number = session}, {.number = d}};
        tl_rc rc = number(q, "SELECT length FROM stream WHERE session_id = ?1 AND direction = ?2", params, 2, &length[d]);
        if (rc != TL_OK) return tl_query_status(q, rc);
    }
    int direction = q->o.direction;
    if (direction < 0 && length[0] > 0 && length[1] > 0)
        return tl_complain(STATUS_USAGE, "both ends sent bytes: say --dir client (%" PRId64 ") or --dir server (%" PRId64 ")", length[0],
                           length[1]);
    if (direction < 0) direction = length[1] > 0;
    *out = (range){direction, 0, length[direction] > 0 ? (uint64_t)length[direction] : 0};
    return STATUS_OK;
}

static tl_rc write_all(int fd, const uint8_t *p, size_t n)
{
    while (n > 0) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return errno == EPIPE ? TL_END : TL_EIO;
        p += done;
        n -= (size_t)done;
    }
    return TL_OK;
}

/* Lines stay lines; everything else that a terminal might obey is escaped. */
static tl_rc write_escaped(sink *s, tl_span bytes)
{
    tl_text text = {0};
    for (size_t at = 0; at < bytes.n;) {
        const uint8_t *newline = memchr(bytes.p + at, '\n', bytes.n - at);
        size_t stop = newline == NULL ? bytes.n : (size_t)(newline - bytes.p), shown = stop;
        if (newline != NULL && shown > at && bytes.p[shown - 1] == '\r') shown--;
        tl_text_escaped(&text, tl_span_of(bytes.p + at, shown - at), SIZE_MAX);
        if (newline != NULL) tl_text_add(&text, "\n");
        s->line_end = newline != NULL;
        at = newline == NULL ? stop : stop + 1;
    }
    tl_rc rc = text.failed ? TL_ENOMEM : write_all(s->fd, (const uint8_t *)text.p, text.n);
    tl_text_free(&text);
    return rc;
}

static tl_rc write_sink(void *to, tl_span bytes)
{
    sink *s = to;
    if (s->escaped) return write_escaped(s, bytes);
    bool zeros = s->sparse && bytes.n >= 4096 && bytes.p[0] == 0 && memcmp(bytes.p, bytes.p + 1, bytes.n - 1) == 0;
    if (zeros) return lseek(s->fd, (off_t)bytes.n, SEEK_CUR) < 0 ? TL_EIO : TL_OK;
    return write_all(s->fd, bytes.p, bytes.n);
}

/* Opens -o FILE (which must not be the database itself), or takes standard output. */
static int open_sink(tl_query *q, sink *s)
{
    struct stat file;
    if (q->o.output == NULL) {
        *s = (sink){.fd = STDOUT_FILENO, .escaped = q->terminal, .line_end = true};
        return STATUS_OK;
    }
    if (tl_is_database(q, q->o.output)) return tl_complain(STATUS_USAGE, "%s is the database itself", q->o.output);
    int fd = open(q->o.output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || fstat(fd, &file) != 0) {
        int status = tl_complain(STATUS_FAILED, "%s: %s", q->o.output, strerror(errno));
        if (fd >= 0) close(fd);
        return status;
    }
    *s = (sink){.fd = fd, .sparse = S_ISREG(file.st_mode), .line_end = true};
    return STATUS_OK;
}

static int close_sink(tl_query *q, sink *s)
{
    int status = STATUS_OK;
    if (s->escaped && !s->line_end) (void)write_all(s->fd, (const uint8_t *)"\n", 1);
    if (q->o.output == NULL) return status;
    /* A file that ends in skipped zeros gets its length here. */
    if (s->sparse && ftruncate(s->fd, lseek(s->fd, 0, SEEK_CUR)) != 0) status = STATUS_FAILED;
    if (close(s->fd) != 0) status = STATUS_FAILED;
    return status == STATUS_OK ? status : tl_complain(status, "%s: %s", q->o.output, strerror(errno));
}

static void tell_missing(tl_query *q, int64_t session, const range *part, uint64_t missing)
{
    if (missing == 0) return;
    fprintf(stderr, "tcpledger-query: %" PRIu64 " of %" PRIu64 " bytes are missing (%s): see session %" PRId64 "\n", missing, part->length,
            q->o.gaps_zero ? "written as zeros" : "skipped", session);
}

int tl_cmd_payload(tl_query *q)
{
    int64_t session = 0;
    range part = {0, 0, 0};
    sink s = {.fd = -1};
    uint64_t written = 0, missing = 0;
    if (q->o.body && q->o.message == 0) return tl_complain(STATUS_USAGE, "--body needs --message");
    int status = tl_query_session(q, &session);
    if (status == STATUS_OK) status = q->o.message != 0 ? message_range(q, session, &part) : stream_range(q, session, &part);
    if (status == STATUS_OK) status = open_sink(q, &s);
    if (status != STATUS_OK) return status;
    tl_rc rc =
        tl_reader_payload(q->reader, session, part.direction, part.offset, part.length, q->o.gaps_zero, write_sink, &s, &written, &missing);
    status = rc == TL_ENOMEM ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(q, rc);
    int closed = close_sink(q, &s);
    if (status == STATUS_OK) tell_missing(q, session, &part, missing);
    return status != STATUS_OK ? status : closed;
}
