/*
** scans.c - rows of scan.
*/
#include "store/statements.h"

static void bind_addr(sqlite3_stmt *q, int at, bool one, bool mixed, const tl_addr *a)
{
    char text[TL_ADDR_TEXT];
    if (one)
        sqlite3_bind_text(q, at, rows_addr_text(mixed, a, text), -1, SQLITE_TRANSIENT);
    else
        sqlite3_bind_null(q, at);
}

tl_rc tl_store_scan(tl_store *s, const tl_scan *scan)
{
    tl_rc rc = store_begin(s);
    sqlite3_stmt *q = rc == TL_OK ? store_statement(s, ST_SCAN) : NULL;
    if (q == NULL) return store_done(s, rc == TL_OK ? s->error.rc : rc);
    bind_int(q, 1, s->ingest_id);
    bind_text(q, 2, tl_scan_by_name(scan->by));
    bind_addr(q, 3, scan->one_client, scan->mixed, &scan->client);
    bind_addr(q, 4, scan->one_server, scan->mixed, &scan->server);
    if (scan->one_port)
        bind_int(q, 5, scan->server.port);
    else
        sqlite3_bind_null(q, 5);
    bind_count(q, 6, scan->sessions);
    bind_count(q, 7, scan->packets);
    bind_count(q, 8, scan->wire_bytes);
    bind_int(q, 9, scan->first.ns);
    bind_int(q, 10, scan->last.ns);
    bind_count(q, 11, scan->first_session);
    bind_count(q, 12, scan->last_session);
    bind_int(q, 13, scan->first.capture);
    bind_count(q, 14, scan->first.frame);
    bind_int(q, 15, scan->last.capture);
    bind_count(q, 16, scan->last.frame);
    rc = store_run(s, q);
    if (rc == TL_OK) {
        s->totals.scans++;
        s->totals.scan_sessions += scan->sessions;
    }
    return store_done(s, rc);
}
