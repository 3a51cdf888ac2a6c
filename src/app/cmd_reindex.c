/*
** cmd_reindex.c - reindex: the messages of a database, framed anew from the stored bytes and gaps by the detectors of this program.
**
** Everything happens in one transaction: whoever reads meanwhile sees the old messages, and a failure leaves them.
*/
#include "app/options_detectors.h"
#include "app/pipeline_reframe.h"
#include "app/query_cmd.h"

#include <inttypes.h>
#include <stdio.h>

static tl_rc reframe(tl_store *s, const tl_registry *r, int64_t session, tl_error *err)
{
    if (session == 0) return tl_reframe_all(s, r, err);
    uint64_t one = (uint64_t)session;
    return tl_reframe_these(s, r, &one, 1, err);
}

/* Messages of the session, 0: of all; -1: the reader's error was printed, *status is set. */
static int64_t count(tl_query *q, int64_t session, int *status)
{
    static const char sql[] = "SELECT count(*) FROM message WHERE message_id BETWEEN ?1 AND ?2";
    tl_param range[] = {{.number = session << 32}, {.number = session == 0 ? INT64_MAX : (session << 32) + UINT32_MAX}};
    int64_t n = 0;
    bool found;
    tl_rc rc = tl_reader_number(q->reader, sql, range, 2, &n, &found);
    *status = tl_query_status(q, rc);
    return rc == TL_OK ? n : -1;
}

int tl_cmd_reindex(tl_query *q)
{
    tl_error err = {0};
    int status = STATUS_OK;
    int64_t session = 0;
    if (q->argument != NULL) status = tl_query_session(q, &session);
    if (status != STATUS_OK) return status;
    int64_t before = count(q, session, &status);
    if (before < 0) return status;
    tl_reader_close(q->reader);
    q->reader = NULL;
    tl_detectors *d = tl_detectors_open(&q->o.files, &err);
    if (d == NULL) return tl_complain(STATUS_FAILED, "%s", err.text);
    tl_store *s = tl_store_open(q->path, &(tl_store_options){.commit_bytes = UINT64_MAX}, &err);
    tl_rc rc = s == NULL ? err.rc : reframe(s, tl_detectors_registry(d), session, &err);
    if (s != NULL && rc != TL_OK) tl_store_abandon(s);
    tl_error closing = {0};
    tl_rc closed = tl_store_close(s, &closing);
    tl_detectors_close(d);
    if (rc != TL_OK) return tl_complain(STATUS_FAILED, "%s; the messages are as they were", err.text);
    if (closed != TL_OK) return tl_complain(STATUS_FAILED, "%s; the messages are as they were", closing.text);
    q->reader = tl_reader_open(q->path, &err);
    if (q->reader == NULL) return tl_complain(STATUS_FAILED, "%s", err.text);
    int64_t after = count(q, session, &status);
    if (after >= 0) fprintf(stderr, "%s: %" PRId64 " messages, before %" PRId64 "\n", q->path, after, before);
    return status;
}
