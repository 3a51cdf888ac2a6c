/*
** cmd_sessions.c - sessions, session, messages, exchanges, hosts: what was said, and by whom.
*/
#include "app/query_cmd.h"

int tl_cmd_sessions(tl_query *q)
{
    return tl_query_status(q, tl_filter_sessions(q->reader, &q->o.filter, &q->out, NULL));
}

int tl_cmd_session(tl_query *q)
{
    int64_t session = 0;
    int status = tl_query_session(q, &session);
    const tl_param id = {.number = session};
    return status != STATUS_OK ? status : tl_run_sections(q, tl_sections_session, NULL, &id, 1);
}

int tl_cmd_hosts(tl_query *q)
{
    return tl_query_status(q, tl_filter_hosts(q->reader, &q->o.filter, &q->out, NULL));
}

/* Those of one session, when one is named. */
static int of_session(tl_query *q, tl_rc (*filter)(tl_reader *, const tl_filter *, const tl_output *, uint64_t *))
{
    int status = q->argument == NULL ? STATUS_OK : tl_query_session(q, &q->o.filter.session);
    return status != STATUS_OK ? status : tl_query_status(q, filter(q->reader, &q->o.filter, &q->out, NULL));
}

int tl_cmd_messages(tl_query *q)
{
    return of_session(q, tl_filter_messages);
}

int tl_cmd_exchanges(tl_query *q)
{
    return of_session(q, tl_filter_exchanges);
}
