/*
** scans.h - sessions that were only asked for, summed up: a scan or a flood is a few rows instead of millions.
**
**     tl_scans_new → tl_scans_add for each session → tl_scans_rows → tl_scans_free
**
** Each session goes to exactly one row, so the sums over the rows are exact.  There are two patterns: a scan (one client, many servers or
** ports) and a flood (many clients, one server and port).  How many sessions a client asked for, and how many an endpoint was asked for,
** is counted in two tables; a session goes to its client's row where that has the larger count, else to its endpoint's, and where neither
** is in its table to one row for all the rest.  It is decided TL_SCANS_LATER sessions later, so that the first ones of a scan know of the
** others.
**
** A table holds TL_SCANS_TABLE of them.  Where there are more, all counts of the table go down by one and what is at 0 leaves it (Misra and
** Gries, 1982), its row going to the rest: whoever has more than one in TL_SCANS_TABLE + 1 of the sessions that claim a place stays.  A
** session of which one side was seen TL_SCANS_HEAVY times claims none for its other side: a flood does not sweep the table of clients.
**
** Memory is fixed, time is O(1) a session on average, and what comes out depends on the sessions and their order alone, not on the key.
*/
#ifndef TL_SCANS_H
#define TL_SCANS_H

#include "stream/session.h"

enum { TL_SCANS_TABLE = 1024, TL_SCANS_LATER = 1024, TL_SCANS_HEAVY = 64 };

typedef enum tl_scan_by { TL_SCAN_CLIENT, TL_SCAN_ENDPOINT, TL_SCAN_REST } tl_scan_by;
const char *tl_scan_by_name(tl_scan_by by); /* "client", "endpoint", "rest" */

typedef struct tl_scan {
    tl_scan_by by;
    bool one_client, one_server, one_port; /* the same in all of its sessions, and here: */
    bool mixed;                            /* of the two addresses of a session only one looks like IPv4: both are IPv6 */
    tl_addr client, server;                /* the client's port is not known */
    uint64_t sessions, packets, wire_bytes;
    uint64_t first_session, last_session; /* smallest and largest number */
    tl_at first, last;                    /* ns: smallest and largest; else the first and the last frame */
} tl_scan;

typedef struct tl_scans tl_scans;

/* hash_key: random.  NULL: no memory. */
tl_scans *tl_scans_new(const uint8_t hash_key[16]);
void tl_scans_free(tl_scans *t); /* NULL is fine */
void tl_scans_add(tl_scans *t, const tl_unanswered *s);
/* There are no more: the rows, *n of them, by their first session; good until free. */
const tl_scan *tl_scans_rows(tl_scans *t, size_t *n);

#endif
