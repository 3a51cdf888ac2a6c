/*
** ledger.h - a source through the whole pipeline into a database, and that database as the tests compare it.
*/
#ifndef TL_LEDGER_H
#define TL_LEDGER_H

#include "app/pipeline.h"

/* Ingests the source (owned from now on) as one capture into a new database at db.  NULL options: the defaults.  TL_ETRUNCATED and the
** like come through; anything else that fails aborts the test program. */
tl_rc ledger_make(const char *db, tl_source *source, const tl_pipeline_options *o);
/* Runs all queries/check_*.sql; how many rows they return (each is printed to stderr). */
unsigned ledger_faults(const char *db);
/* The database without what may differ between two runs or two captures of the same traffic: sessions, streams, payload, gaps, strays,
** messages as text.  ids of capture and frame are left out unless `frames`.  malloc'ed. */
char *ledger_dump(const char *db, bool frames);

#endif
