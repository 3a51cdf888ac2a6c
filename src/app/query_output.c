/*
** query_output.c - where results and complaints go.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int tl_complain(int status, const char *fmt, ...)
{
    char text[600];
    tl_text safe = {0};
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    /* Names and arguments are shown, never obeyed. */
    for (const char *p = text; *p != '\0';) {
        size_t len = tl_text_readable(tl_span_of(p, strlen(p)));
        if (len == 0)
            tl_text_printf(&safe, "\\x%02x", (unsigned char)*p);
        else
            tl_text_bytes(&safe, p, len);
        p += len == 0 ? 1 : len;
    }
    fprintf(stderr, "tcpledger-query: %s\n", safe.p == NULL ? "no memory" : safe.p);
    tl_text_free(&safe);
    return status;
}

int tl_query_status(tl_query *q, tl_rc rc)
{
    switch (rc) {
    case TL_OK:
    case TL_END: return STATUS_OK;
    case TL_EUSAGE: return tl_complain(STATUS_USAGE, "%s", tl_reader_error(q->reader)->text);
    case TL_EIO: return tl_complain(STATUS_FAILED, "cannot write: %s", strerror(errno));
    default: return tl_complain(STATUS_FAILED, "%s: %s", q->path, tl_reader_error(q->reader)->text);
    }
}

int tl_query_session(tl_query *q, int64_t *session)
{
    return tl_query_session_of(q, q->argument, session);
}

int tl_query_session_of(tl_query *q, const char *argument, int64_t *session)
{
    int64_t n = 0;
    bool found = false;
    if (!tl_parse_number(argument, session) || *session == 0 || *session > INT32_MAX)
        return tl_complain(STATUS_USAGE, "'%s' is not a session number", argument);
    const tl_param id = {.number = *session};
    tl_rc rc = tl_reader_number(q->reader, "SELECT session_id FROM session WHERE session_id = ?1", &id, 1, &n, &found);
    if (rc != TL_OK) return tl_query_status(q, rc);
    return found ? STATUS_OK : tl_complain(STATUS_FAILED, "no session %s in %s", argument, q->path);
}

bool tl_is_database(const tl_query *q, const char *path)
{
    struct stat file, db;
    return stat(path, &file) == 0 && stat(q->path, &db) == 0 && file.st_dev == db.st_dev && file.st_ino == db.st_ino;
}

tl_rc tl_write_file(void *file, tl_span bytes)
{
    if (fwrite(bytes.p, 1, bytes.n, file) == bytes.n) return TL_OK;
    return errno == EPIPE ? TL_END : TL_EIO;
}

/* Columns of the terminal behind standard output. */
static size_t terminal_width(void)
{
    struct winsize w;
    const char *columns = getenv("COLUMNS");
    int64_t n = 0;
    if (columns != NULL && tl_parse_number(columns, &n) && n >= 20 && n <= 10000) return (size_t)n;
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col >= 20 ? w.ws_col : 80;
}

/* NO_COLOR: no-color.org, "when present and not an empty string". */
static bool is_coloured(tl_when when, bool terminal)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    if (when != TL_AUTO) return when == TL_ALWAYS;
    return terminal && (no_color == NULL || no_color[0] == '\0') && term != NULL && strcmp(term, "dumb") != 0;
}

void tl_query_output(tl_query *q)
{
    q->terminal = isatty(STDOUT_FILENO) == 1;
    q->out = (tl_output){.format = q->o.format,
                         .width = q->terminal ? terminal_width() : 0,
                         .humane = q->terminal,
                         .coloured = is_coloured(q->o.color, q->terminal),
                         .write = tl_write_file,
                         .to = stdout};
}

static tl_rc say(tl_query *q, const char *text)
{
    return tl_write_file(q->out.to, tl_span_of(text, strlen(text)));
}

static bool is_wanted(const tl_section *s, const char *only)
{
    return only == NULL || strcmp(s->name, only) == 0;
}

int tl_run_sections(tl_query *q, const tl_section *sections, const char *only, const tl_param *params, size_t n)
{
    bool object = q->out.format == TL_JSON && only == NULL;
    uint64_t rows = 0;
    tl_rc rc = object ? say(q, "{") : TL_OK;
    for (const tl_section *s = sections; s->name != NULL && rc == TL_OK; s++) {
        if (!is_wanted(s, only)) continue;
        tl_output out = q->out;
        out.record = s->record;
        out.title = only != NULL ? NULL : out.format == TL_JSONL ? s->name : s->title;
        /* Between tables, and between sections of CSV, an empty line. */
        if (s != sections && rows > 0 && (out.format == TL_TABLE || out.format == TL_CSV) && only == NULL) rc = say(q, "\n");
        if (object && rc == TL_OK) {
            if (s != sections) rc = say(q, ",");
            if (rc == TL_OK) rc = say(q, "\"");
            if (rc == TL_OK) rc = say(q, s->name);
            if (rc == TL_OK) rc = say(q, "\": ");
        }
        if (rc == TL_OK)
            rc = s->run != NULL ? s->run(q->reader, s->sql, &out, &rows) : tl_reader_run(q->reader, s->sql, params, n, &out, &rows);
    }
    if (object && rc == TL_OK) rc = say(q, "}\n");
    return tl_query_status(q, rc);
}
