/*
** dump.h - a database as text, to compare two of them.
*/
#ifndef TL_DUMP_H
#define TL_DUMP_H

#include <stdbool.h>

/* Sessions, streams, payload, gaps, strays and messages, without what differs between two captures of the same traffic: where chunks end
** and the ids of captures and frames are there only with `frames`.  malloc'ed. */
char *tl_ledger_dump(const char *db, bool frames);

#endif
