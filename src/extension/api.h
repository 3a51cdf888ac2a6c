/*
** api.h - SQLite's functions as a loaded extension has to call them: through the table that the program which loaded it hands over.
** Forced into each file of the extension by the compiler (CMakeLists.txt), so that src/query is compiled as it is.
*/
#ifndef TL_EXTENSION_API_H
#define TL_EXTENSION_API_H

#include <sqlite3ext.h>
SQLITE_EXTENSION_INIT3

#endif
