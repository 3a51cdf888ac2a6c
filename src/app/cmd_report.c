/*
** cmd_report.c - loss, explain, timeline, info, verify: what is missing, and the database as a whole.
*/
#include "app/query_cmd.h"
#include "query/explain.h"
#include "query/timeline.h"
#include <stdio.h>
#include <string.h>

int tl_cmd_loss(tl_query *q)
{
    const tl_section *s = tl_sections_loss;
    if (q->o.by == NULL) return tl_run_sections(q, s, NULL, NULL, 0);
    while (s->name != NULL && strcmp(s->name, q->o.by) != 0) s++;
    if (s->name == NULL) return tl_complain(STATUS_USAGE, "--by %s: capture, host, session, second or reason", q->o.by);
    return tl_run_sections(q, tl_sections_loss, q->o.by, NULL, 0);
}

int tl_cmd_explain(tl_query *q)
{
    int64_t gap = 0, n = 0;
    bool found = false;
    if (!tl_parse_number(q->argument, &gap)) return tl_complain(STATUS_USAGE, "'%s' is not a gap_id", q->argument);
    const tl_param id = {.number = gap};
    /* A writer that went away is END, too: so first whether there is such a gap. */
    tl_rc rc = tl_reader_number(q->reader, "SELECT gap_id FROM gap WHERE gap_id = ?1", &id, 1, &n, &found);
    if (rc == TL_OK && !found) return tl_complain(STATUS_FAILED, "no gap %s in %s (see the view gaps)", q->argument, q->path);
    return tl_query_status(q, rc == TL_OK ? tl_explain(q->reader, gap, &q->out) : rc);
}

int tl_cmd_timeline(tl_query *q)
{
    return tl_query_status(q, tl_timeline(q->reader, &q->o.filter, q->o.interval_ns, &q->out));
}

int tl_cmd_info(tl_query *q)
{
    return tl_run_sections(q, tl_sections_info, NULL, NULL, 0);
}

/* One check: counted first, so that a sound database is silent in every format. */
static tl_rc run_check(tl_query *q, const tl_named_query *check, uint64_t *rows)
{
    tl_output out = q->out;
    out.write = NULL;
    tl_rc rc = tl_reader_run(q->reader, check->sql, NULL, 0, &out, rows);
    if (rc != TL_OK || *rows == 0) return rc;
    out = q->out;
    out.title = out.format == TL_JSONL ? check->name : check->title;
    return tl_reader_run(q->reader, check->sql, NULL, 0, &out, NULL);
}

int tl_cmd_verify(tl_query *q)
{
    const tl_named_query *check;
    int status = STATUS_OK;
    for (size_t i = 0; (check = tl_query_at(i)) != NULL; i++) {
        uint64_t rows = 0;
        if (strncmp(check->name, "check_", 6) != 0) continue;
        if (q->o.quick && strcmp(check->name, "check_payload") == 0) continue;
        tl_rc rc = run_check(q, check, &rows);
        if (rc != TL_OK && rc != TL_END) {
            status = STATUS_FAILED; /* a check that cannot be made is not passed; the others may still tell more */
            (void)tl_complain(status, "%s: %s", check->name, tl_reader_error(q->reader)->text);
        }
        if (rows > 0) status = STATUS_FAILED;
        if (rc == TL_END) break;
    }
    return status;
}
