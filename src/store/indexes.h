/*
** indexes.h - the indexes of migration 6 (sessions by host), which no run needs and which cost a run too much while it adds much.
**
** A new row of `session` goes to a random place of each: far more pages than the cache holds.  So they are dropped as soon as a run has
** added more sessions than there were before it, and made again by a sort in the transaction that ends the run.  While they are missing the
** database is right, only slower to ask.
*/
#ifndef TL_STORE_INDEXES_H
#define TL_STORE_INDEXES_H

#include "store/statements.h"

/* Is this one of them? */
bool store_index_is_late(const char *name);
/* Before a batch is written, in its transaction: drops them when they would cost more to keep. */
TL_MUST_USE tl_rc store_indexes_before_rows(tl_store *s);
/* In the open transaction. */
TL_MUST_USE tl_rc store_indexes_drop(tl_store *s);
/* In the open transaction, the last one of the run: makes those that are missing.  Nothing is done when none is. */
TL_MUST_USE tl_rc store_indexes_make(tl_store *s);

#endif
