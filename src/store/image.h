/*
** image.h - new rows of a batch as a database in memory, which SQLite copies record by record.
**
** Where a table is copied into one that is declared alike, and no index has to follow, `INSERT INTO a SELECT * FROM b` takes records over
** as they are ("the xfer optimization" of SQLite's insert.c; VACUUM lives on it).  A million sessions take 0.3 s so, and 2.9 s where each
** column is read from a table (sqlite3 shell 3.40.1, Intel Xeon).  SQLite's virtual machine, most of it columns, was a third of what the
** writer does for small sessions, and half of their rows are of `session` and `message`.  So for these there is a second database on the
** writing connection, `rows`: its schema is made by SQLite, the pages of its tables are written here (sqlite.org/fileformat2.html,
** sections 1.6 and 2), each time anew in the same place, and SQLite reads them where they lie.
**
** No CHECK is asked on that way.  Where it does not serve (few rows, one larger than a page, ids that do not ascend, no memory, a
** session's indexes to be kept), the tables of rows.h do.
*/
#ifndef TL_STORE_IMAGE_H
#define TL_STORE_IMAGE_H

#include "batch/batch.h"

#include <sqlite3.h>

typedef struct image image;

/* Attaches `rows`.  NULL: no memory; where else it is not possible, the image never serves. */
image *image_open(sqlite3 *db);
/* After the connection is closed.  NULL is fine. */
void image_close(image *m);

/* Makes rows.session of the new sessions of the feed, or rows.message of its messages.  Returns their number; 0: it does not serve. */
size_t image_sessions(image *m, const tl_batch_items *feed);
size_t image_messages(image *m, const tl_batch_items *feed);

#endif
