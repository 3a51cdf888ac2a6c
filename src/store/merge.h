/*
** merge.h - all that databases say, in one new database.
**
** Captures, runs, sessions and everything of them are taken over with new numbers: what comes from a later database has the numbers behind
** those of the ones before it.  Not taken: session_state, so that a later run cannot go on with sessions of before the merge.
**
**     tl_store_open (a new file) → tl_store_merge(a), tl_store_merge(b) ... → tl_store_close
**
** The source's schema must have been checked (query/known.h); its rows are a stranger's all the same: they have to pass the CHECKs of the
** new database, so open it with `checks`.
*/
#ifndef TL_MERGE_H
#define TL_MERGE_H

#include "store/store.h"

/* EUSAGE: a capture with the same SHA-256 is there already, the source has a run that was interrupted in the middle of framing, or numbers
** would no longer fit.  ESQL: its rows are refused, or reading or writing failed.  Then the store is good only for closing. */
TL_MUST_USE tl_rc tl_store_merge(tl_store *s, const char *path);
/* Statistics for the planner, and the end of the transaction. */
TL_MUST_USE tl_rc tl_store_merged(tl_store *s);

#endif
