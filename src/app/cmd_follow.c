/*
** cmd_follow.c - follow, frames: a session part by part, in the order of time.
*/
#include "app/query_cmd.h"
#include "query/follow.h"
#include "query/rows.h"
#include <stdio.h>
#include <string.h>

static const char *sender(const tl_part *p)
{
    return p->dir == TL_C2S ? "client" : "server";
}

static tl_cell text_cell(const char *s, size_t n)
{
    return (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(s, n)};
}

/* 0 (no frame, no capture) is nothing. */
static tl_cell number_cell(uint64_t v)
{
    return (tl_cell){.kind = v == 0 ? TL_CELL_NULL : TL_CELL_INTEGER, .integer = (int64_t)v};
}

static tl_cell offset_cell(uint64_t v)
{
    return (tl_cell){.kind = TL_CELL_INTEGER, .integer = (int64_t)v};
}

/* When: of a gap the time of the frame before it, else after it. */
static tl_cell time_cell(const tl_part *p, tl_text *text)
{
    const tl_at *at = !p->gap ? &p->at : p->before.frame != 0 ? &p->before : &p->after;
    if (at->frame == 0) return (tl_cell){.kind = TL_CELL_NULL};
    tl_text_reset(text);
    tl_text_time(text, at->ns);
    return text->failed ? (tl_cell){.kind = TL_CELL_NULL} : text_cell(text->p, text->n);
}

/* The status of a loop over a dialogue that ended with rc. */
static int ended(tl_query *q, tl_rc rc, bool failed)
{
    return rc == TL_ENOMEM || failed ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(q, rc);
}

/* ---- follow ---- */

static tl_rc follow_row(tl_rows *rows, const tl_part *p, tl_follow_as as, tl_text *time, tl_text *hex)
{
    tl_cell data = {.kind = TL_CELL_NULL};
    if (!p->gap) data = (tl_cell){.kind = TL_CELL_BLOB, .bytes = p->bytes};
    if (!p->gap && as != TL_FOLLOW_TEXT) {
        tl_text_reset(hex);
        tl_hex_add(hex, p->bytes);
        if (hex->failed) return TL_ENOMEM;
        data = text_cell(hex->p, hex->n);
    }
    const char *event = p->gap ? "gap" : "data";
    const tl_cell cells[] = {time_cell(p, time),
                             text_cell(sender(p), strlen(sender(p))),
                             text_cell(event, strlen(event)),
                             offset_cell(p->offset),
                             offset_cell(p->length),
                             number_cell(p->at.capture),
                             number_cell(p->at.frame),
                             p->gap ? text_cell(p->reason, strlen(p->reason)) : (tl_cell){.kind = TL_CELL_NULL},
                             data};
    return time->failed ? TL_ENOMEM : tl_rows_add(rows, cells);
}

static int follow_rows(tl_query *q, tl_dialogue *d)
{
    static const char *const names[] = {"time", "sender", "event", "stream_offset", "length", "capture_id", "frame", "reason", "data"};
    tl_text time = {0}, hex = {0};
    tl_part part;
    tl_rows *rows = tl_rows_new(&q->out, names, sizeof names / sizeof names[0]);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    while (rc == TL_OK && (rc = tl_dialogue_next(d, &part)) == TL_OK) rc = follow_row(rows, &part, q->o.as, &time, &hex);
    /* END is the session's, or a reader's that went away: then there is nothing to end, and nobody to see it. */
    if (rc == TL_END) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    tl_text_free(&time);
    tl_text_free(&hex);
    return ended(q, rc, false);
}

/* To where the payload does not go: raw digits have no room for anything else. */
static void tell_gap(const tl_part *gap)
{
    tl_text line = {0};
    tl_follow_gap(&line, gap);
    if (!line.failed) (void)tl_complain(STATUS_OK, "%s", line.p);
    tl_text_free(&line);
}

static tl_rc flush_text(tl_query *q, tl_text *t)
{
    if (t->failed) return TL_ENOMEM;
    tl_rc rc = t->n == 0 ? TL_OK : q->out.write(q->out.to, tl_span_of(t->p, t->n));
    tl_text_reset(t);
    return rc;
}

static int follow_text(tl_query *q, tl_dialogue *d, int64_t session)
{
    tl_follow f = {.as = q->o.as, .coloured = q->out.coloured};
    tl_text t = {0};
    tl_part part;
    tl_follow_begin(&f, &t, session, tl_dialogue_peer(d, 0), tl_dialogue_peer(d, 1));
    tl_rc next = TL_OK, rc = flush_text(q, &t);
    while (rc == TL_OK && (next = tl_dialogue_next(d, &part)) == TL_OK) {
        if (part.gap && f.as == TL_FOLLOW_RAW) tell_gap(&part);
        tl_follow_add(&f, &t, &part);
        rc = flush_text(q, &t);
    }
    if (rc == TL_OK) {
        tl_follow_end(&f, &t);
        rc = flush_text(q, &t);
    }
    bool failed = t.failed;
    tl_text_free(&t);
    return ended(q, rc != TL_OK ? rc : next, failed);
}

int tl_cmd_follow(tl_query *q)
{
    int64_t session = 0;
    bool rows = (q->o.given & TAKES(OPT_FORMAT)) != 0;
    if (rows && q->o.as == TL_FOLLOW_YAML) return tl_complain(STATUS_USAGE, "--as yaml is a format of its own: leave --format away");
    int status = tl_query_session(q, &session);
    if (status != STATUS_OK) return status;
    tl_dialogue *d = tl_dialogue_open(q->reader, session, q->o.direction);
    if (d == NULL) return tl_query_status(q, tl_reader_error(q->reader)->rc);
    status = rows ? follow_rows(q, d) : follow_text(q, d, session);
    tl_dialogue_close(d);
    return status;
}

/* ---- frames ---- */

static tl_rc frames_row(tl_rows *rows, const tl_part *p, tl_text *time)
{
    const tl_cell cells[] = {time_cell(p, time),       number_cell(p->at.capture),
                             number_cell(p->at.frame), text_cell(sender(p), strlen(sender(p))),
                             offset_cell(p->offset),   offset_cell(p->length)};
    return time->failed ? TL_ENOMEM : tl_rows_add(rows, cells);
}

int tl_cmd_frames(tl_query *q)
{
    static const char *const names[] = {"time", "capture_id", "frame", "sender", "stream_offset", "length"};
    int64_t session = 0, left = q->o.filter.limit;
    tl_text time = {0};
    tl_part part;
    int status = tl_query_session(q, &session);
    if (status != STATUS_OK) return status;
    tl_dialogue *d = tl_dialogue_open(q->reader, session, q->o.direction);
    if (d == NULL) return tl_query_status(q, tl_reader_error(q->reader)->rc);
    tl_rows *rows = tl_rows_new(&q->out, names, sizeof names / sizeof names[0]);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    while (rc == TL_OK && left != 0 && (rc = tl_dialogue_next(d, &part)) == TL_OK) {
        if (part.gap) continue;
        rc = frames_row(rows, &part, &time);
        if (left > 0) left--;
    }
    if (rc == TL_OK || rc == TL_END) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    tl_text_free(&time);
    tl_dialogue_close(d);
    return ended(q, rc, false);
}
