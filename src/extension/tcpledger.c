/*
** tcpledger.c - tcpledger.so: the functions of query/functions.h for a stock sqlite3 shell (.load tcpledger) and any other program.
**
** It holds its own copies of the code it needs and calls the SQLite that loaded it; nothing of it is visible but the entry point.
*/
#include "extension/api.h"

#include "query/functions.h"

SQLITE_EXTENSION_INIT1

/* SQLite derives the name from that of the file. */
__attribute__((visibility("default"))) int sqlite3_tcpledger_init(sqlite3 *db, char **err, const sqlite3_api_routines *api);

int sqlite3_tcpledger_init(sqlite3 *db, char **err, const sqlite3_api_routines *api)
{
    SQLITE_EXTENSION_INIT2(api);
    if (tl_functions_register(db)) return SQLITE_OK;
    *err = sqlite3_mprintf("tcpledger: no memory");
    return SQLITE_ERROR;
}
