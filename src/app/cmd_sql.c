/*
** cmd_sql.c - sql, queries, run: questions of one's own, and those that come with the program.
*/
#include "app/query_cmd.h"
#include "query/rows.h"
#include <string.h>

int tl_cmd_sql(tl_query *q)
{
    return tl_query_status(q, tl_reader_run(q->reader, q->argument, NULL, 0, &q->out, NULL));
}

int tl_cmd_queries(tl_query *q)
{
    static const char *const names[] = {"name", "title"};
    const tl_named_query *query;
    tl_rows *rows = tl_rows_new(&q->out, names, 2);
    tl_rc rc = rows == NULL ? TL_ENOMEM : TL_OK;
    for (size_t i = 0; rc == TL_OK && (query = tl_query_at(i)) != NULL; i++) {
        const tl_cell cells[] = {{.kind = TL_CELL_TEXT, .bytes = tl_span_of(query->name, strlen(query->name))},
                                 {.kind = TL_CELL_TEXT, .bytes = tl_span_of(query->title, strlen(query->title))}};
        rc = tl_rows_add(rows, cells);
    }
    if (rc == TL_OK) rc = tl_rows_end(rows);
    tl_rows_free(rows);
    return rc == TL_ENOMEM ? tl_complain(STATUS_FAILED, "no memory") : tl_query_status(q, rc);
}

int tl_cmd_run(tl_query *q)
{
    const tl_named_query *query = tl_query_find(q->argument);
    const char *near = query == NULL ? tl_query_near(q->argument) : NULL;
    if (near != NULL) return tl_complain(STATUS_USAGE, "no query '%s': did you mean '%s'?", q->argument, near);
    if (query == NULL) return tl_complain(STATUS_USAGE, "no query '%s' (see: tcpledger-query DB queries)", q->argument);
    return tl_query_status(q, tl_reader_run(q->reader, query->sql, NULL, 0, &q->out, NULL));
}
