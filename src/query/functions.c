/*
** functions.c - the scalar functions of functions.h.
*/
#include "query/functions.h"

#include "query/handle.h"
#include "query/inflate.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

int tl_direction_of(sqlite3_value *v)
{
    if (sqlite3_value_type(v) == SQLITE_INTEGER) {
        sqlite3_int64 n = sqlite3_value_int64(v);
        return n == 0 || n == 1 ? (int)n : -1;
    }
    const char *word = (const char *)sqlite3_value_text(v);
    if (word == NULL) return -1;
    return strcmp(word, "client") == 0 ? 0 : strcmp(word, "server") == 0 ? 1 : -1;
}

static tl_span blob_of(sqlite3_value *v)
{
    const void *p = sqlite3_value_blob(v);
    return tl_span_of(p, p == NULL ? 0 : (size_t)sqlite3_value_bytes(v));
}

/* The text is the result; longer than SQLite's limit is its error. */
static void give_text(sqlite3_context *ctx, tl_text *t)
{
    if (t->failed)
        sqlite3_result_error_nomem(ctx);
    else
        sqlite3_result_text64(ctx, t->p == NULL ? "" : t->p, t->n, SQLITE_TRANSIENT, SQLITE_UTF8);
    tl_text_free(t);
}

/* ---- payload ---- */

typedef struct collected {
    tl_text bytes;
    size_t most;
    bool too_big;
} collected;

static tl_rc collect(void *to, tl_span bytes)
{
    collected *c = to;
    if (bytes.n > c->most - c->bytes.n) {
        c->too_big = true;
        return TL_END;
    }
    tl_text_bytes(&c->bytes, bytes.p, bytes.n);
    return c->bytes.failed ? TL_ENOMEM : TL_OK;
}

static void payload(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
    tl_reader *r = sqlite3_user_data(ctx);
    collected c = {.most = (size_t)sqlite3_limit(r->db, SQLITE_LIMIT_LENGTH, -1)};
    uint64_t written = 0, missing = 0;
    for (int i = 0; i < n; i++)
        if (sqlite3_value_type(arg[i]) == SQLITE_NULL) return;
    int direction = tl_direction_of(arg[1]);
    sqlite3_int64 from = n > 2 ? sqlite3_value_int64(arg[2]) : 0, length = n > 3 ? sqlite3_value_int64(arg[3]) : INT64_MAX;
    if (direction < 0 || from < 0 || length < 0) {
        sqlite3_result_error(ctx, "payload(session, direction [, offset, length]): direction is 'client' or 'server', 0 or 1", -1);
        return;
    }
    tl_rc rc = tl_reader_payload(r, sqlite3_value_int64(arg[0]), direction, (uint64_t)from, (uint64_t)length, false, collect, &c, &written,
                                 &missing);
    if (c.too_big)
        sqlite3_result_error_toobig(ctx);
    else if (rc == TL_ENOMEM)
        sqlite3_result_error_nomem(ctx);
    else if (rc != TL_OK)
        sqlite3_result_error(ctx, r->error.text, -1);
    else
        sqlite3_result_blob64(ctx, c.bytes.p == NULL ? "" : c.bytes.p, c.bytes.n, SQLITE_TRANSIENT);
    tl_text_free(&c.bytes);
}

/* ---- bytes for eyes ---- */

static void printable(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
    tl_text t = {0};
    (void)n;
    if (sqlite3_value_type(arg[0]) == SQLITE_NULL) return;
    tl_text_escaped(&t, blob_of(arg[0]), SIZE_MAX);
    give_text(ctx, &t);
}

/* 00000010  2f 31 2e 31 0d 0a 48 6f  73 74 3a 20 61 0d 0a 0d  |/1.1..Host: a...| */
static void add_dump_line(tl_text *t, size_t at, tl_span s)
{
    tl_text_printf(t, "%08zx  ", at);
    for (size_t i = 0; i < 16; i++) {
        if (i == 8) tl_text_add(t, " ");
        if (i < s.n)
            tl_text_printf(t, "%02x ", s.p[i]);
        else
            tl_text_add(t, "   ");
    }
    tl_text_add(t, " |");
    for (size_t i = 0; i < s.n; i++) tl_text_printf(t, "%c", s.p[i] >= 0x20 && s.p[i] < 0x7f ? s.p[i] : '.');
    tl_text_add(t, "|\n");
}

static void hexdump(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
    tl_text t = {0};
    (void)n;
    if (sqlite3_value_type(arg[0]) == SQLITE_NULL) return;
    tl_span s = blob_of(arg[0]);
    if (s.n > (size_t)sqlite3_limit(sqlite3_context_db_handle(ctx), SQLITE_LIMIT_LENGTH, -1) / 5) {
        sqlite3_result_error_toobig(ctx);
        return;
    }
    for (size_t at = 0; at < s.n; at += 16) add_dump_line(&t, at, tl_span_of(s.p + at, s.n - at < 16 ? s.n - at : 16));
    give_text(ctx, &t);
}

/* ---- addresses ---- */

/* An address without a prefix into ip[16]; its bits (32 or 128), or 0: none. */
static unsigned parse_address(const char *text, uint8_t ip[16])
{
    if (inet_pton(AF_INET, text, ip) == 1) return 32;
    return inet_pton(AF_INET6, text, ip) == 1 ? 128 : 0;
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned bits)
{
    unsigned rest = bits % 8;
    if (memcmp(a, b, bits / 8) != 0) return false;
    return rest == 0 || ((a[bits / 8] ^ b[bits / 8]) >> (8 - rest)) == 0;
}

/* "10.0.0.0/8"; without a prefix: that address alone. */
static bool parse_net(const char *text, uint8_t ip[16], unsigned *family, unsigned *bits)
{
    char addr[INET6_ADDRSTRLEN];
    size_t n = strcspn(text, "/"), digits;
    if (n >= sizeof addr) return false;
    memcpy(addr, text, n);
    addr[n] = '\0';
    *family = *bits = parse_address(addr, ip);
    if (*family == 0 || text[n] == '\0') return *family != 0;
    digits = strspn(text + n + 1, "0123456789");
    if (digits == 0 || digits > 3 || text[n + 1 + digits] != '\0') return false;
    *bits = (unsigned)strtoul(text + n + 1, NULL, 10);
    return *bits <= *family;
}

static void in_cidr(sqlite3_context *ctx, int n, sqlite3_value **arg)
{
    uint8_t one[16], net[16];
    unsigned family, bits;
    const char *addr = (const char *)sqlite3_value_text(arg[0]), *text = (const char *)sqlite3_value_text(arg[1]);
    (void)n;
    if (text == NULL) return;
    if (!parse_net(text, net, &family, &bits)) {
        sqlite3_result_error(ctx, "in_cidr(addr, net): the net is written like 10.0.0.0/8 or 2001:db8::/32", -1);
        return;
    }
    if (addr == NULL) return;
    sqlite3_result_int(ctx, parse_address(addr, one) == family && same_bits(one, net, bits));
}

static bool add(sqlite3 *db, const char *name, int arguments, int flags, void (*call)(sqlite3_context *, int, sqlite3_value **))
{
    return sqlite3_create_function_v2(db, name, arguments, SQLITE_UTF8 | flags, NULL, call, NULL, NULL, NULL) == SQLITE_OK;
}

/* These read tables: not from within a schema that a stranger made. */
static bool add_payload(sqlite3 *db, int arguments)
{
    tl_reader *r = calloc(1, sizeof *r);
    if (r == NULL) return false;
    r->db = db;
    r->deadline_ns = INT64_MAX;
    /* SQLite frees r, when it fails too. */
    return sqlite3_create_function_v2(db, "payload", arguments, SQLITE_UTF8 | SQLITE_DIRECTONLY, r, payload, NULL, NULL, free) == SQLITE_OK;
}

bool tl_functions_register(sqlite3 *db)
{
    const int pure = SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
    return add(db, "printable", 1, pure, printable) && add(db, "hexdump", 1, pure, hexdump) && add(db, "in_cidr", 2, pure, in_cidr) &&
           tl_inflate_register_as(db, "inflate") && add_payload(db, 2) && add_payload(db, 3) && add_payload(db, 4) &&
           tl_tables_register(db);
}
