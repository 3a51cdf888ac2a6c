/*
** schema.h - what the embedded schema/ declares, read off its text.
**
** Running the schema in a database in memory says the same, and costs more than all else that opening a database does.  The files are
** ours, so the few statements that they consist of are understood and everything else is passed over; tests/unit/schema_test.c runs
** them in SQLite and compares.
*/
#ifndef TL_BASE_SCHEMA_H
#define TL_BASE_SCHEMA_H

#include "base/base.h"

typedef struct tl_schema_item {
    const char *type; /* table, index or view, as sqlite_schema says it */
    char *name;       /* likewise */
    tl_span sql;      /* the statement in the embedded text */
} tl_schema_item;

typedef struct tl_schema_items {
    tl_schema_item *items; /* owned, with their texts */
    size_t n;
} tl_schema_items;

/* What is there when all files of the schema have run, in no order.  *d is empty before; ENOMEM leaves it so. */
TL_MUST_USE tl_rc tl_schema_items_read(tl_schema_items *d);
void tl_schema_items_free(tl_schema_items *d);
/* Does this sqlite_schema.sql declare the same, comments and spacing aside?  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_schema_item_is(const tl_schema_item *d, const char *sql, bool *yes);
/* SQL text without its comments and spacing, quoted parts as they are; NULL: no memory.  free() it. */
char *tl_sql_plain(const char *sql);
/* A byte of a name or keyword? */
bool tl_sql_word(char c);

#endif
