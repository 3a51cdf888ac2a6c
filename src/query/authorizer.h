/*
** authorizer.h - what a statement may do: read our tables and views, and call functions that only compute.
**
** For SQLite's sqlite3_set_authorizer(); its argument is the tl_known that says which tables are ours.  Everything that is not listed is
** refused: writing, ATTACH, PRAGMA (but the one that check_foreign_keys.sql needs), load_extension, file functions, other virtual tables.
*/
#ifndef TL_QUERY_AUTHORIZER_H
#define TL_QUERY_AUTHORIZER_H

int tl_authorize(void *known, int action, const char *a, const char *b, const char *database, const char *inner);

#endif
