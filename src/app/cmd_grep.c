/*
** cmd_grep.c - where a pattern occurs, and how much could be searched for it.
**
** The answer "nowhere" is worth what was searched: table and CSV say that on stderr, JSON in a second section ("searched").
*/
#include "app/query_cmd.h"
#include "query/pattern.h"
#include "query/rows.h"
#include "query/search.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT = 32, HIT_COLUMNS = 12, TOTAL_COLUMNS = 12 };

static tl_cell number(uint64_t v)
{
    return (tl_cell){.kind = TL_CELL_INTEGER, .integer = v < INT64_MAX ? (int64_t)v : INT64_MAX};
}

static tl_cell number_or_null(bool known, uint64_t v)
{
    return known ? number(v) : (tl_cell){.kind = TL_CELL_NULL};
}

static tl_cell blob(tl_span s)
{
    return (tl_cell){.kind = TL_CELL_BLOB, .bytes = s};
}

static tl_cell words(const char *text)
{
    return (tl_cell){.kind = TL_CELL_TEXT, .bytes = tl_span_of(text, strlen(text))};
}

static tl_rc add_hit(tl_rows *rows, const tl_search_hit *h, bool decoded)
{
    tl_text time = {0};
    tl_text_time(&time, h->at.ns);
    if (time.failed) return TL_ENOMEM;
    const tl_cell cells[HIT_COLUMNS] = {
        number((uint64_t)h->session),
        words(h->direction == 0 ? "client" : "server"),
        number(h->offset),
        number_or_null(h->message != 0, h->message),
        blob(h->before),
        blob(h->match),
        blob(h->after),
        words(time.p),
        number(h->at.capture),
        number(h->at.frame),
        number(h->match.n),
        number_or_null(decoded, h->body_offset),
    };
    tl_rc rc = tl_rows_add(rows, cells);
    tl_text_free(&time);
    return rc;
}

/* Rows of hits, what people look for first (a narrow terminal has no room for the last columns), as many as --limit lets through. */
static tl_rc tell_hits(tl_query *q, tl_search *s, const tl_output *out, bool *finished)
{
    static const char *const names[HIT_COLUMNS] = {"session_id", "sender", "stream_offset", "number", "before", "match",
                                                   "after",      "time",   "capture_id",    "frame",  "length", "body_offset"};
    tl_search_hit hit;
    tl_rows *rows = tl_rows_new(out, names, HIT_COLUMNS);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    tl_rc search = TL_OK;
    for (int64_t n = 0; rc == TL_OK && (q->o.filter.limit < 0 || n < q->o.filter.limit); n++) {
        search = tl_search_next(s, &hit);
        if (search != TL_OK) break;
        rc = add_hit(rows, &hit, q->o.decoded);
    }
    /* What came before a failure is shown all the same. */
    if (rc == TL_OK) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    *finished = search == TL_END;
    return rc != TL_OK ? rc : *finished ? TL_OK : search;
}

/* finished: all that was selected was gone through. */
static tl_rc tell_totals(const tl_search_totals *t, bool finished, const tl_output *out)
{
    static const char *const names[TOTAL_COLUMNS] = {"sessions", "streams",      "bodies", "stream_bytes", "searched_bytes", "share",
                                                     "given_up", "runs_at_gaps", "runs",   "hits_at_gaps", "hits",           "finished"};
    const double share = t->bytes == 0 ? 1 : (double)t->searched / (double)t->bytes;
    const tl_cell cells[TOTAL_COLUMNS] = {
        number(t->sessions),     number(t->streams),      number(t->bodies),
        number(t->bytes),        number(t->searched),     {.kind = TL_CELL_REAL, .real = share},
        number(t->given_up),     number(t->runs_at_gaps), number(t->runs),
        number(t->hits_at_gaps), number(t->hits),         number(finished),
    };
    tl_rows *rows = tl_rows_new(out, names, TOTAL_COLUMNS);
    tl_rc rc = rows == NULL ? TL_ENOMEM : tl_rows_add(rows, cells);
    if (rc == TL_OK) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    return rc;
}

static void say_totals(const tl_search_totals *t, bool finished, bool decoded)
{
    /* Never rounded up to all. */
    double share = t->bytes == 0 ? 100 : 100 * (double)t->searched / (double)t->bytes;
    if (share > 99.99 && t->searched < t->bytes) share = 99.99;
    fprintf(stderr, "tcpledger-query: %" PRIu64 " hit%s; searched %" PRIu64 " of %" PRIu64 " bytes (%.2f %%) of %" PRIu64 " %s", t->hits,
            t->hits == 1 ? "" : "s", t->searched, t->bytes, share, decoded ? t->bodies : t->streams,
            decoded           ? t->bodies == 1 ? "body" : "bodies"
            : t->streams == 1 ? "stream"
                              : "streams");
    if (t->runs_at_gaps > 0)
        fprintf(stderr, "; next to gaps: %" PRIu64 " of the hits, %" PRIu64 " of %" PRIu64 " stretches", t->hits_at_gaps, t->runs_at_gaps,
                t->runs);
    if (t->given_up > 0) fprintf(stderr, "; %" PRIu64 " bytes were too costly for the expression", t->given_up);
    fprintf(stderr, "%s\n", finished ? "" : "; stopped before the end");
}

static tl_rc say(tl_query *q, const char *text)
{
    return tl_write_file(q->out.to, tl_span_of(text, strlen(text)));
}

static tl_rc run(tl_query *q, tl_search *s)
{
    tl_output hits = q->out, totals = q->out;
    hits.silent = true; /* the totals say so */
    bool json = q->out.format == TL_JSON, lines = q->out.format == TL_JSONL, finished = false;
    if (lines) {
        hits.title = "hits";
        totals.title = "searched";
    }
    tl_rc rc = json ? say(q, "{\"hits\": ") : TL_OK;
    if (rc == TL_OK) rc = tell_hits(q, s, &hits, &finished);
    const tl_search_totals t = tl_search_summary(s);
    tl_rc said = TL_OK;
    if (json) said = say(q, ",\"searched\": ");
    if ((json || lines) && said == TL_OK) said = tell_totals(&t, finished, &totals);
    if (json && said == TL_OK) said = say(q, "}\n");
    if (!json && !lines && rc != TL_END) say_totals(&t, finished, q->o.decoded);
    return rc != TL_OK ? rc : said;
}

/* The pattern as an expression that ignores case.  What is wrong with it is left for the search to tell. */
static tl_rc ignore_case(const tl_query *q, tl_text *out)
{
    size_t n = 0;
    uint8_t *bytes = malloc(strlen(q->argument) + 1);
    if (bytes == NULL) return TL_ENOMEM;
    bool good = q->o.regex || (tl_pattern_unescape(q->argument, bytes, &n, NULL) && n > 0);
    if (good) tl_text_add(out, "(?i)");
    if (good && q->o.regex) tl_text_add(out, q->argument);
    for (size_t i = 0; good && i < n; i++) tl_text_printf(out, "\\x%02x", bytes[i]);
    free(bytes);
    return out->failed ? TL_ENOMEM : TL_OK;
}

static int search(tl_query *q, const char *pattern, bool regex)
{
    const tl_search_options o = {.pattern = pattern,
                                 .regex = regex,
                                 .decoded = q->o.decoded,
                                 .direction = q->o.direction,
                                 .context = q->o.context < 0 ? CONTEXT : (size_t)q->o.context,
                                 .lines = q->o.context_lines};
    tl_search *s = tl_search_open(q->reader, &q->o.filter, &o);
    if (s == NULL) return tl_query_status(q, tl_reader_error(q->reader)->rc);
    tl_rc rc = run(q, s);
    tl_search_close(s);
    return rc == TL_ENOMEM ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(q, rc);
}

int tl_cmd_grep(tl_query *q)
{
    tl_text caseless = {0};
    if (q->o.ignore_case && ignore_case(q, &caseless) != TL_OK) return tl_complain(STATUS_FAILED, "no memory");
    bool wanted = caseless.n > 0;
    int status = search(q, wanted ? caseless.p : q->argument, wanted || q->o.regex);
    tl_text_free(&caseless);
    return status;
}
