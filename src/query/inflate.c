/*
** inflate.c - see inflate.h.
*/
#include "query/inflate.h"

#include "query/handle.h"
#include <libdeflate.h>
#include <stdlib.h>
#include <string.h>

bool tl_inflate(struct libdeflate_decompressor *d, tl_span data, uint8_t *out, size_t raw_size)
{
    size_t got = 0;
    if (data.n == raw_size) {
        memcpy(out, data.p, raw_size);
        return true;
    }
    return libdeflate_zlib_decompress(d, data.p, data.n, out, raw_size, &got) == LIBDEFLATE_SUCCESS && got == raw_size;
}

static void free_decompressor(void *d)
{
    libdeflate_free_decompressor(d);
}

/* sqlar_uncompress(X, size).  size <= 0 or that of X: X as it is. */
static void uncompress(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
    (void)n;
    sqlite3_int64 size = sqlite3_value_int64(arg[1]);
    int held = sqlite3_value_bytes(arg[0]);
    if (size <= 0 || size == held) {
        sqlite3_result_value(ctx, arg[0]);
        return;
    }
    if (size > TL_CHUNK_LIMIT || held > size || sqlite3_value_type(arg[0]) != SQLITE_BLOB) return;
    uint8_t *out = sqlite3_malloc64((sqlite3_uint64)size);
    if (out == NULL) {
        sqlite3_result_error_nomem(ctx);
    } else if (tl_inflate(sqlite3_user_data(ctx), tl_span_of(sqlite3_value_blob(arg[0]), (size_t)held), out, (size_t)size)) {
        sqlite3_result_blob(ctx, out, (int)size, sqlite3_free);
    } else {
        sqlite3_free(out);
    }
}

bool tl_inflate_register_as(sqlite3 *db, const char *name)
{
    struct libdeflate_decompressor *d = libdeflate_alloc_decompressor();
    if (d == NULL) return false;
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    return sqlite3_create_function_v2(db, name, 2, flags, d, uncompress, NULL, NULL, free_decompressor) == SQLITE_OK;
}

bool tl_inflate_register(sqlite3 *db)
{
    return tl_inflate_register_as(db, "sqlar_uncompress");
}
