/*
** inflate.h - stored bytes back to what was captured.  The sqlar rule: shorter than raw_size is zlib (RFC 1950), as long is raw.
*/
#ifndef TL_QUERY_INFLATE_H
#define TL_QUERY_INFLATE_H

#include "base/base.h"
#include <sqlite3.h>

struct libdeflate_decompressor;

/* Exactly raw_size bytes into out, or false: damaged.  Never writes more. */
bool tl_inflate(struct libdeflate_decompressor *d, tl_span data, uint8_t *out, size_t raw_size);
/* Adds sqlar_uncompress(data, raw_size) to db, as the sqlite3 shell has it; NULL where the data is damaged or raw_size is beyond
** TL_CHUNK_LIMIT.  false: no memory. */
bool tl_inflate_register(sqlite3 *db);
/* The same by another name. */
bool tl_inflate_register_as(sqlite3 *db, const char *name);

#endif
