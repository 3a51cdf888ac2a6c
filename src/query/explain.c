/*
** explain.c - see explain.h.
*/
#include "query/explain.h"

#include "query/dialogue.h"
#include "query/handle.h"
#include "query/rows.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { MESSAGES_MOST = 20 };

static const char gap_sql[] =
    "SELECT g.session_id, g.direction, g.stream_offset, g.length, g.reason, g.proof_capture_id, g.proof_frame,"
    " g.before_capture_id, g.before_frame, g.before_ns, g.after_capture_id, g.after_frame, g.after_ns, g.told_capture_id, g.told_frame,"
    " s.client, s.server, coalesce((SELECT c.path FROM capture AS c WHERE c.capture_id = g.proof_capture_id), '')"
    " FROM gap AS g JOIN sessions AS s ON s.session_id = g.session_id WHERE g.gap_id = ?1";

#define OF_SENDER                                                                                                                          \
    "SELECT m.message_id & 4294967295, m.protocol, m.kind, m.summary, m.stream_offset, m.length, m.missing, m.head_length, m.sync"         \
    " FROM message AS m WHERE m.message_id BETWEEN (?1 << 32) AND (?1 << 32) + 4294967295 AND m.direction = ?2"
static const char damaged_sql[] =
    OF_SENDER " AND m.stream_offset < ?3 + ?4 AND m.stream_offset + m.length > ?3 ORDER BY m.message_id LIMIT 21";
static const char next_sql[] = OF_SENDER " AND m.stream_offset >= ?3 + ?4 ORDER BY m.stream_offset LIMIT 1";

/* What each reason means; %s is the other end's word.  See DESIGN.md, "Holes". */
static const struct {
    const char *reason, *text;
} meanings[] = {
    {"acked", "The %s acknowledged them: it had received what the capture does not hold."},
    {"snaplen", "The frame that carried them to the %s was cut short when it was captured."},
    {"one_sided",
     "Nothing that the %s sent is in the capture, so no acknowledgement can tell; bytes from behind the hole waited for it in vain, for"
     " ten times the grace."},
    {"limit",
     "More bytes from behind the hole were waiting for it than the limits on memory let wait; no acknowledgement of the %s had come."},
    {"fin", "The session ended (FIN) before they came, and the capture holds no acknowledgement of them by the %s."},
    {"rst", "The session was reset (RST) before they came, and the capture holds no acknowledgement of them by the %s."},
    {"idle", "The session fell silent before they came, and the capture holds no acknowledgement of them by the %s."},
    {"reused", "A new session began on the same ports before they came, and the capture holds no acknowledgement of them by the %s."},
    {"end", "The capture ended before they came, and holds no acknowledgement of them by the %s."},
};

typedef struct explanation {
    tl_reader *r;
    const tl_output *out;
    tl_rows *rows; /* NULL: lines of text */
    tl_text text, line;
    sqlite3_stmt *s; /* the gap's row */
    int64_t session, direction, offset, length;
    const char *reason, *sender, *peer;
} explanation;

/* One sentence.  What came from the database in it is made safe here. */
static tl_rc say(explanation *e, const char *topic, const char *fmt, ...) TL_PRINTF(3, 4);
static tl_rc say(explanation *e, const char *topic, const char *fmt, ...)
{
    char text[1000];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    const tl_cell cells[] = {{.kind = TL_CELL_TEXT, .bytes = tl_span_of(topic, strlen(topic))},
                             {.kind = TL_CELL_TEXT, .bytes = tl_span_of(text, strlen(text))}};
    if (e->rows != NULL) return tl_rows_add(e->rows, cells);
    tl_text_reset(&e->line);
    tl_cell_text(&e->line, &cells[1], SIZE_MAX);
    tl_text_add(&e->line, "\n");
    return e->line.failed ? TL_ENOMEM : e->out->write(e->out->to, tl_span_of(e->line.p, e->line.n));
}

static const char *column(const explanation *e, int i)
{
    const char *text = (const char *)sqlite3_column_text(e->s, i);
    return text == NULL ? "" : text;
}

static bool is_known(const explanation *e, int frame_column)
{
    return sqlite3_column_int64(e->s, frame_column) != 0;
}

/* "frame 7 of capture 1"; the frame's column follows the capture's. */
static const char *frame(explanation *e, int capture_column)
{
    tl_text_reset(&e->text);
    tl_text_printf(&e->text, "frame %" PRId64 " of capture %" PRId64, (int64_t)sqlite3_column_int64(e->s, capture_column + 1),
                   (int64_t)sqlite3_column_int64(e->s, capture_column));
    return e->text.failed ? "" : e->text.p;
}

/* "frame 7 of capture 1, at 2024-..." */
static const char *frame_and_time(explanation *e, int capture_column)
{
    (void)frame(e, capture_column);
    if (sqlite3_column_type(e->s, capture_column + 2) != SQLITE_NULL) {
        tl_text_add(&e->text, ", at ");
        tl_text_time(&e->text, sqlite3_column_int64(e->s, capture_column + 2));
    }
    return e->text.failed ? "" : e->text.p;
}

static tl_rc tell_what(explanation *e)
{
    bool capture = tl_is_capture_loss(e->reason);
    tl_rc rc = say(e, "missing",
                   "%" PRId64 " bytes that the %s sent are missing: those from offset %" PRId64 " to before %" PRId64
                   " of its stream, in session %" PRId64 " from %s to %s.",
                   e->length, e->sender, e->offset, (int64_t)((uint64_t)e->offset + (uint64_t)e->length), e->session, column(e, 15),
                   column(e, 16));
    if (rc != TL_OK) return rc;
    return say(e, "loss", "%s",
               capture ? "This is capture loss: the network delivered these bytes, and the capture lost them."
                       : "This is unknown loss: the capture does not tell whether the network lost these bytes, or the capture did.");
}

static tl_rc tell_why(explanation *e)
{
    tl_rc rc = TL_OK;
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0] && rc == TL_OK; i++) {
        const char *hole = strstr(meanings[i].text, "%s");
        if (strcmp(meanings[i].reason, e->reason) != 0) continue;
        rc = say(e, "reason", "%.*s%s%s", (int)(hole - meanings[i].text), meanings[i].text, e->peer, hole + 2);
    }
    if (rc != TL_OK || !is_known(e, 6)) return rc;
    if (strcmp(e->reason, "acked") == 0) return say(e, "proof", "The acknowledgement is in %s (%.300s).", frame(e, 5), column(e, 17));
    if (strcmp(e->reason, "snaplen") == 0) return say(e, "proof", "That frame is %s (%.300s).", frame(e, 5), column(e, 17));
    return say(e, "proof", "That there are such bytes is proved by the sequence number of %s (%.300s), which lies behind them.",
               frame(e, 5), column(e, 17));
}

static tl_rc tell_where(explanation *e)
{
    tl_rc rc = is_known(e, 8) ? say(e, "before", "The bytes before them came in %s.", frame_and_time(e, 7))
                              : say(e, "before", "No byte before them was captured.");
    if (rc == TL_OK)
        rc = is_known(e, 11) ? say(e, "after", "The bytes after them came in %s.", frame_and_time(e, 10))
                             : say(e, "after", "No byte after them was captured.");
    if (rc == TL_OK && is_known(e, 14)) rc = say(e, "told", "The decision fell at %s.", frame(e, 13));
    return rc;
}

/* One row of OF_SENDER that the gap lies in. */
static tl_rc tell_damaged(explanation *e, sqlite3_stmt *m)
{
    const unsigned char *protocol = sqlite3_column_text(m, 1), *kind = sqlite3_column_text(m, 2), *summary = sqlite3_column_text(m, 3);
    bool named = summary != NULL && summary[0] != '\0', head = e->offset < sqlite3_column_int64(m, 4) + sqlite3_column_int64(m, 7);
    return say(e, "message",
               "It damages message %" PRId64 " of the session (%.40s %.40s%s%.200s) in its %s: of %" PRId64 " bytes %" PRId64
               " are missing.",
               (int64_t)sqlite3_column_int64(m, 0), protocol ? (const char *)protocol : "", kind ? (const char *)kind : "",
               named ? ", " : "", named ? (const char *)summary : "", head ? "head" : "body", (int64_t)sqlite3_column_int64(m, 5),
               (int64_t)sqlite3_column_int64(m, 6));
}

/* The first message that begins behind a gap that is in none. */
static tl_rc tell_next(explanation *e, sqlite3_stmt *m)
{
    const unsigned char *sync = sqlite3_column_text(m, 8);
    return say(e, "message", "The %s's next message begins at offset %" PRId64 ": message %" PRId64 " of the session (%s).", e->sender,
               (int64_t)sqlite3_column_int64(m, 4), (int64_t)sqlite3_column_int64(m, 0), sync ? (const char *)sync : "");
}

/* Each row of a statement about the sender's messages; *n counts them. */
static tl_rc each_message(explanation *e, const char *sql, tl_rc (*tell)(explanation *, sqlite3_stmt *), int *n)
{
    const tl_param params[] = {{.number = e->session}, {.number = e->direction}, {.number = e->offset}, {.number = e->length}};
    sqlite3_stmt *m = NULL;
    int sq = SQLITE_DONE;
    tl_rc rc = tl_reader_prepare(e->r, sql, &m);
    if (rc == TL_OK) rc = tl_reader_bind(e->r, m, params, 4);
    while (rc == TL_OK && (sq = sqlite3_step(m)) == SQLITE_ROW)
        rc = ++*n > MESSAGES_MOST ? say(e, "message", "It damages further messages.") : tell(e, m);
    if (rc == TL_OK && sq != SQLITE_DONE) rc = tl_reader_fail(e->r, sq);
    sqlite3_finalize(m);
    return rc;
}

static tl_rc tell_messages(explanation *e)
{
    int damaged = 0, next = 0;
    tl_rc rc = each_message(e, damaged_sql, tell_damaged, &damaged);
    if (rc != TL_OK || damaged > 0) return rc;
    rc = say(e, "message", "They lie in no message that could be recognized.");
    if (rc == TL_OK) rc = each_message(e, next_sql, tell_next, &next);
    return rc;
}

static tl_rc tell_all(explanation *e)
{
    e->session = sqlite3_column_int64(e->s, 0);
    e->direction = sqlite3_column_int64(e->s, 1) != 0;
    e->offset = sqlite3_column_int64(e->s, 2);
    e->length = sqlite3_column_int64(e->s, 3);
    e->reason = column(e, 4);
    e->sender = e->direction == 0 ? "client" : "server";
    e->peer = e->direction == 0 ? "server" : "client";
    if (e->session <= 0 || e->session > INT32_MAX || e->offset < 0 || e->length <= 0)
        return tl_fail(&e->r->error, TL_ESQL, "the database is damaged: a gap of %" PRId64 " bytes at offset %" PRId64, e->length,
                       e->offset);
    tl_rc rc = tell_what(e);
    if (rc == TL_OK) rc = tell_why(e);
    if (rc == TL_OK) rc = tell_where(e);
    if (rc == TL_OK) rc = tell_messages(e);
    return rc;
}

tl_rc tl_explain(tl_reader *r, int64_t gap_id, const tl_output *out)
{
    static const char *const names[] = {"topic", "text"};
    explanation e = {.r = r, .out = out};
    const tl_param id = {.number = gap_id};
    tl_reader_start(r);
    tl_rc rc = tl_reader_prepare(r, gap_sql, &e.s);
    if (rc == TL_OK) rc = tl_reader_bind(r, e.s, &id, 1);
    int sq = rc == TL_OK ? sqlite3_step(e.s) : SQLITE_DONE;
    if (rc == TL_OK && sq == SQLITE_DONE) rc = TL_END;
    if (rc == TL_OK && sq != SQLITE_ROW) rc = tl_reader_fail(r, sq);
    if (rc == TL_OK && out->format != TL_TABLE && (e.rows = tl_rows_new(out, names, 2)) == NULL) rc = TL_ENOMEM;
    if (rc == TL_OK) rc = tell_all(&e);
    if (rc == TL_OK && e.rows != NULL) rc = tl_rows_end(e.rows);
    if (rc == TL_ENOMEM) (void)tl_fail(&r->error, rc, "no memory");
    tl_rows_free(e.rows);
    tl_text_free(&e.text);
    tl_text_free(&e.line);
    sqlite3_finalize(e.s);
    return rc;
}
