/*
** sieve.h - which sessions a search need not look at.
**
** Going through millions of small streams in order costs more than their bytes.  So where chunks are small all of them are gone through
** once, in the order in which they lie in the file.  What is left is the sessions that hold a match, or may hold one: where the next
** bytes decide, where a chunk does not follow the one before it in the file, where anything is odd.  Too many is no fault, too few would
** be.
*/
#ifndef TL_QUERY_SIEVE_H
#define TL_QUERY_SIEVE_H

#include "query/pattern.h"
#include "query/search.h"

typedef struct tl_sieve tl_sieve;

/* Gives the reader's connection the function tl_sieve(), which a sieve needs.  false: no memory. */
bool tl_sieve_register(tl_reader *r);
/* *out NULL: it would not pay.  direction: -1 for both.  The pattern is borrowed for the call. */
TL_MUST_USE tl_rc tl_sieve_new(tl_reader *r, tl_pattern *p, int direction, tl_sieve **out);
void tl_sieve_free(tl_sieve *s); /* NULL is fine */
/* The next sessions to look at, all from *from to *to, in order.  false: no more. */
bool tl_sieve_next(tl_sieve *s, int64_t *from, int64_t *to);
/* What a search of all sessions finds out but for its hits. */
tl_search_totals tl_sieve_totals(const tl_sieve *s);

#endif
