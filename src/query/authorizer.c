/*
** authorizer.c - see authorizer.h.
*/
#include "query/authorizer.h"

#include "query/known.h"
#include <stdlib.h>
#include <string.h>

/* Sorted.  Functions of SQLite that compute from their arguments and bounded memory, sqlar_uncompress (inflate.h), and tl_sieve, which
** only a search can call (sieve.c). */
static const char *const functions[] = {
    "->",
    "->>",
    "abs",
    "acos",
    "asin",
    "atan",
    "atan2",
    "avg",
    "ceil",
    "ceiling",
    "changes",
    "char",
    "coalesce",
    "cos",
    "count",
    "cume_dist",
    "current_date",
    "current_time",
    "current_timestamp",
    "date",
    "datetime",
    "degrees",
    "dense_rank",
    "exp",
    "first_value",
    "floor",
    "format",
    "glob",
    "group_concat",
    "hex",
    "ifnull",
    "iif",
    "instr",
    "json",
    "json_array",
    "json_array_length",
    "json_extract",
    "json_group_array",
    "json_group_object",
    "json_object",
    "json_quote",
    "json_type",
    "json_valid",
    "julianday",
    "lag",
    "last_value",
    "lead",
    "length",
    "like",
    "likelihood",
    "likely",
    "ln",
    "log",
    "log10",
    "log2",
    "lower",
    "ltrim",
    "max",
    "min",
    "mod",
    "nth_value",
    "ntile",
    "nullif",
    "percent_rank",
    "pi",
    "pow",
    "power",
    "printf",
    "quote",
    "radians",
    "rank",
    "replace",
    "round",
    "row_number",
    "rtrim",
    "sign",
    "sin",
    "sqlar_uncompress",
    "sqrt",
    "strftime",
    "substr",
    "substring",
    "sum",
    "tan",
    "time",
    "tl_sieve",
    "total",
    "trim",
    "trunc",
    "typeof",
    "unicode",
    "unixepoch",
    "unlikely",
    "upper",
};

/* Readable without being in our schema. */
static const char *const tables[] = {
    "sqlite_schema", "sqlite_master", "sqlite_stat1", "sqlite_stat4", "json_each", "json_tree", "pragma_foreign_key_check",
};

static int by_name(const void *key, const void *item)
{
    return sqlite3_stricmp(key, *(const char *const *)item);
}

static bool may_call(const char *name)
{
    return name != NULL && bsearch(name, functions, sizeof functions / sizeof functions[0], sizeof functions[0], by_name) != NULL;
}

/* column "" is SQLite's word for a table of which no column is used; the name may then be that of a WITH clause. */
static bool may_read(const tl_known *k, const char *name, const char *column)
{
    if (name == NULL) return false;
    if (tl_known_has(k, name)) return true;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++)
        if (sqlite3_stricmp(name, tables[i]) == 0) return true;
    if (column == NULL || column[0] != '\0') return false;
    return sqlite3_strnicmp(name, "pragma_", 7) != 0 && sqlite3_strnicmp(name, "sqlite_", 7) != 0 && sqlite3_stricmp(name, "dbstat") != 0;
}

int tl_authorize(void *known, int action, const char *a, const char *b, const char *database, const char *inner)
{
    (void)database;
    (void)inner;
    bool ok = false;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_RECURSIVE: ok = true; break;
    case SQLITE_READ: ok = may_read(known, a, b); break;
    case SQLITE_FUNCTION: ok = may_call(b); break;
    case SQLITE_PRAGMA: ok = sqlite3_stricmp(a, "foreign_key_check") == 0; break;
    default: break;
    }
    return ok ? SQLITE_OK : SQLITE_DENY;
}
