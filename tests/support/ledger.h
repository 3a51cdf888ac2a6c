/*
** ledger.h - a database made from frames by the whole pipeline, and the questions that every database must pass.
*/
#ifndef TL_LEDGER_H
#define TL_LEDGER_H

#include "app/pipeline.h"

typedef struct tl_ledger_options {
    size_t batch_bytes;
    unsigned batches;
    uint64_t commit_bytes;
    int level;
    unsigned threads;
    bool scan_aggregate;
    tl_limits limits; /* all zero: the defaults */
} tl_ledger_options;

/* The sources one after the other (owned; each is a capture) into db.  What the pipeline returns; *err when that is not OK. */
tl_rc tl_ledger_make(const char *db, tl_source **sources, size_t n, const tl_ledger_options *o, tl_error *err);
/* Runs all of queries/check_*.sql.  The name of the first that gives rows, its rows in *rows (malloc'ed); NULL: all is well. */
const char *tl_ledger_check(const char *db, char **rows);

#endif
