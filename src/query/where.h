/*
** where.h - which sessions, which messages: the filters of the command line.
**
** Values are bound.  The one piece of SQL that a person writes, the expression of --where, has to be one expression (it must parse with
** and without parentheses around it, so it cannot close ours and go on), without parameters, and passes the authorizer like all else.
*/
#ifndef TL_QUERY_WHERE_H
#define TL_QUERY_WHERE_H

#include "query/query.h"

typedef struct tl_filter {
    char host[TL_ADDR_TEXT]; /* "": any.  As tl_filter_host() writes it */
    int port;                /* -1: any */
    int64_t since_ns, until_ns;
    const char *protocol; /* NULL: any */
    bool lossy;           /* only with missing bytes */
    const char *where;    /* NULL: none */
    int64_t limit;        /* -1: none */
    int64_t session;      /* messages, exchanges and objects only; 0: any */
} tl_filter;

extern const tl_filter tl_filter_all;

/* false: not an IPv4 or IPv6 address. */
bool tl_filter_host(tl_filter *f, const char *text);
/* "2024-05-13", "2024-05-13T10:17:07.5Z" (UTC, with or without the Z), or seconds since 1970.  false: neither. */
bool tl_filter_time(const char *text, int64_t *ns);

/* Is expr one expression over the columns of `view` (ours, a name in our code)?  EUSAGE and the reason in the reader's error. */
TL_MUST_USE tl_rc tl_where_check(tl_reader *r, const char *view, const char *expr);

/* The rows of the views sessions, messages and exchanges that pass the filter.  Protocol and time are the session's, or the message's
** own.  hosts: the sessions that pass, added up for each pair of client and server. */
TL_MUST_USE tl_rc tl_filter_sessions(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows);
TL_MUST_USE tl_rc tl_filter_messages(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows);
TL_MUST_USE tl_rc tl_filter_exchanges(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows);
TL_MUST_USE tl_rc tl_filter_hosts(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows);

/* The session_id of each session that passes, in order, the only cell of its row; else as tl_reader_each (rows.h). */
struct tl_cell;
TL_MUST_USE tl_rc tl_filter_session_ids(tl_reader *r, const tl_filter *f, tl_rc (*take)(void *to, const struct tl_cell *cells), void *to);

#endif
