/*
** sample.h - databases for the tests of the reading side, made by hand (no ingest).
*/
#ifndef TL_SAMPLE_H
#define TL_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>

/* A new database of the embedded schema in a temporary file, filled by the SQL file `sample` (NULL: empty but for its identity), then by
** `more` (NULL: nothing).  Its path, to be unlinked and freed; NULL: failed, the reason is on stderr. */
char *tl_sample_new(const char *sample, const char *more);
/* Runs sql on the database file, writable, nothing defended; false: failed. */
bool tl_sample_run(const char *path, const char *sql);
/* unlink and free; NULL is fine. */
void tl_sample_drop(char *path);

/* The whole file in an owned block; NULL: failed. */
unsigned char *tl_slurp(const char *path, size_t *n);
bool tl_spill(const char *path, const void *p, size_t n);

#endif
