/*
** loss_hosts.h - what hosts lost, for databases of many hosts: the rows of the view loss_by_host that have gaps, and no others.
*/
#ifndef TL_QUERY_LOSS_HOSTS_H
#define TL_QUERY_LOSS_HOSTS_H

#include "query/query.h"

/* The same rows as an SQL statement (sections.c has it), in its order; more than `most` hosts are left to that. */
TL_MUST_USE tl_rc tl_loss_hosts(tl_reader *r, const char *sql, size_t most, const tl_output *out, uint64_t *rows);
enum { TL_LOSS_HOSTS_MOST = 1 << 20 };

#endif
