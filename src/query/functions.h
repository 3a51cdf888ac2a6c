/*
** functions.h - SQL functions for people who stay in their own SQLite: what tcpledger-query does, by the same code.
**
**     payload(session, direction [, offset, length])   the captured bytes, gaps skipped; direction: 0 or 'client', 1 or 'server'
**     inflate(data, raw_size)                          chunk.data as it was captured; NULL where it is damaged
**     hexdump(blob), printable(blob)                   safe on any terminal
**     in_cidr(addr, net)                               is '10.1.2.3' in '10.0.0.0/8'?  (IPv6 too; the families never match)
**     segments(session, direction)                     a table: which frame brought which bytes
**     payload_search(pattern [, regex])                a table: where bytes (pattern.h), or a regular expression, occur
*/
#ifndef TL_QUERY_FUNCTIONS_H
#define TL_QUERY_FUNCTIONS_H

#include "base/base.h"
#include <sqlite3.h>

/* Adds them to db.  false: no memory. */
bool tl_functions_register(sqlite3 *db);

/* The table-valued half of it (tables.c). */
bool tl_tables_register(sqlite3 *db);
/* "client", "server", 0, 1 as 0 or 1; -1: none of them. */
int tl_direction_of(sqlite3_value *v);

#endif
