/*
** http2_fields.c - see http2_fields.h.
**
** With a lost table the block is taken apart here (RFC 7541 section 6: a representation says its own length), and each representation that
** needs no dynamic entry is given to an inflater of its own, which knows the static table and Huffman's code.
*/
#include "message/protocol/http2_fields.h"

#include "message/shape.h"

#include <nghttp2/nghttp2.h>
#include <stdlib.h>

enum { STATIC_ENTRIES = 61, INTEGER_MOST = 1 << 24 };

static const struct {
    const char *name, *member;
} names[TL_HTTP2_FIELDS] = {
    [TL_HTTP2_METHOD] = {":method", "method"},
    [TL_HTTP2_SCHEME] = {":scheme", "scheme"},
    [TL_HTTP2_AUTHORITY] = {":authority", "authority"},
    [TL_HTTP2_PATH] = {":path", "path"},
    [TL_HTTP2_STATUS] = {":status", "status"},
    [TL_HTTP2_CONTENT_TYPE] = {"content-type", "content_type"},
    [TL_HTTP2_CONTENT_LENGTH] = {"content-length", "content_length"},
    [TL_HTTP2_CONTENT_ENCODING] = {"content-encoding", "content_encoding"},
    [TL_HTTP2_USER_AGENT] = {"user-agent", "user_agent"},
    [TL_HTTP2_REFERER] = {"referer", "referer"},
    [TL_HTTP2_LOCATION] = {"location", "location"},
    [TL_HTTP2_GRPC_STATUS] = {"grpc-status", "grpc_status"},
    [TL_HTTP2_GRPC_MESSAGE] = {"grpc-message", "grpc_message"},
};

tl_http2_fields *tl_http2_fields_new(void)
{
    return calloc(1, sizeof(tl_http2_fields));
}

void tl_http2_fields_lose(tl_http2_fields *f, tl_dir dir)
{
    if (f->table[dir] != NULL) nghttp2_hd_inflate_del(f->table[dir]);
    f->table[dir] = NULL;
    f->lost[dir] = true;
}

void tl_http2_fields_free(tl_http2_fields *f)
{
    if (f == NULL) return;
    for (int dir = 0; dir < 2; dir++) tl_http2_fields_lose(f, (tl_dir)dir);
    for (size_t i = 0; i < TL_HTTP2_FIELDS; i++) tl_text_free(&f->value[i]);
    tl_text_free(&f->summary);
    free(f);
}

bool tl_http2_fields_has(const tl_http2_fields *f, tl_http2_field which)
{
    return f->value[which].n > 0;
}

/* The first of each name counts. */
static void keep(tl_http2_fields *f, const nghttp2_nv *nv)
{
    for (size_t i = 0; i < TL_HTTP2_FIELDS; i++) {
        if (strlen(names[i].name) != nv->namelen || memcmp(names[i].name, nv->name, nv->namelen) != 0) continue;
        if (f->value[i].n == 0)
            tl_text_bytes(&f->value[i], nv->value, nv->valuelen < TL_HTTP2_VALUE_MAX ? nv->valuelen : TL_HTTP2_VALUE_MAX);
        return;
    }
}

/* END: the block is not HPACK. */
static tl_rc inflate(tl_http2_fields *f, nghttp2_hd_inflater *table, tl_span block, bool whole)
{
    for (;;) {
        nghttp2_nv nv;
        int flags = 0;
        ssize_t n = nghttp2_hd_inflate_hd2(table, &nv, &flags, block.p, block.n, whole);
        if (n < 0) return n == NGHTTP2_ERR_NOMEM ? TL_ENOMEM : TL_END;
        (void)tl_take(&block, (size_t)n);
        if (flags & NGHTTP2_HD_INFLATE_EMIT) keep(f, &nv);
        if (flags & NGHTTP2_HD_INFLATE_FINAL) return nghttp2_hd_inflate_end_headers(table) == 0 ? TL_OK : TL_END;
        if (!(flags & NGHTTP2_HD_INFLATE_EMIT) && (n == 0 || block.n == 0)) return whole ? TL_END : TL_OK;
    }
}

/* An integer with a prefix of so many bits (RFC 7541 section 5.1); false: cut, or more than any length here. */
static bool take_integer(tl_span *in, unsigned bits, size_t *out)
{
    if (in->n == 0) return false;
    size_t mask = (1u << bits) - 1;
    *out = (size_t)tl_take_be(in, 1) & mask;
    if (*out < mask) return true;
    for (unsigned shift = 0; shift < 28 && in->n > 0; shift += 7) {
        size_t byte = (size_t)tl_take_be(in, 1);
        *out += (byte & 127) << shift;
        if (!(byte & 128)) return *out <= INTEGER_MOST;
    }
    return false;
}

static bool take_string(tl_span *in)
{
    size_t n;
    if (!take_integer(in, 7, &n) || n > in->n) return false;
    (void)tl_take(in, n);
    return true;
}

/* One representation from the front of *in; false: it is cut.  *dynamic: it needs an entry of the dynamic table. */
static bool take_representation(tl_span *in, bool *dynamic, bool *field)
{
    uint8_t first = in->p[0];
    size_t index;
    *field = true;
    if (first & 0x80) {
        bool good = take_integer(in, 7, &index) && index > 0;
        *dynamic = good && index > STATIC_ENTRIES;
        return good;
    }
    if ((first & 0xe0) == 0x20) { /* size update */
        *field = *dynamic = false;
        return take_integer(in, 5, &index);
    }
    if (!take_integer(in, first & 0x40 ? 6 : 4, &index)) return false;
    *dynamic = index > STATIC_ENTRIES;
    return (index > 0 || take_string(in)) && take_string(in);
}

static tl_rc read_without_table(tl_http2_fields *f, tl_span block)
{
    nghttp2_hd_inflater *table;
    tl_rc rc = TL_OK;
    if (nghttp2_hd_inflate_new(&table) != 0) return TL_ENOMEM;
    while (block.n > 0 && rc == TL_OK) {
        tl_span rest = block;
        bool dynamic, field;
        if (!take_representation(&rest, &dynamic, &field)) break;
        if (dynamic)
            f->unknown++;
        else if (field)
            rc = inflate(f, table, tl_span_of(block.p, block.n - rest.n), true);
        block = rest;
    }
    nghttp2_hd_inflate_del(table);
    return rc == TL_END ? TL_OK : rc;
}

static tl_rc read_with_table(tl_http2_fields *f, tl_dir dir, tl_span block, bool whole)
{
    if (f->table[dir] == NULL) {
        if (nghttp2_hd_inflate_new(&f->table[dir]) != 0) return TL_ENOMEM;
        if (nghttp2_hd_inflate_change_table_size(f->table[dir], TL_HTTP2_TABLE_MAX) != 0) return TL_ENOMEM;
    }
    tl_rc rc = inflate(f, f->table[dir], block, whole);
    if (rc == TL_END || !whole) {
        tl_http2_fields_lose(f, dir);
        f->doubtful = true;
    }
    return rc == TL_END ? TL_OK : rc;
}

static void text_of(tl_text *out, const tl_text *in)
{
    tl_text_bytes(out, in->p, in->n);
}

tl_rc tl_http2_fields_read(tl_http2_fields *f, tl_dir dir, tl_span block, bool whole)
{
    bool failed = false;
    for (size_t i = 0; i < TL_HTTP2_FIELDS; i++) tl_text_reset(&f->value[i]);
    tl_text_reset(&f->summary);
    f->unknown = 0;
    f->doubtful = f->lost[dir] || !whole;
    tl_rc rc = f->lost[dir] ? read_without_table(f, block) : read_with_table(f, dir, block, whole);
    if (rc != TL_OK) return rc;
    const tl_text *v = f->value;
    if (v[TL_HTTP2_METHOD].n > 0) {
        text_of(&f->summary, &v[TL_HTTP2_METHOD]);
        const tl_text *target = v[TL_HTTP2_PATH].n > 0 ? &v[TL_HTTP2_PATH] : &v[TL_HTTP2_AUTHORITY]; /* CONNECT has no path */
        if (target->n > 0) tl_text_add(&f->summary, " ");
        text_of(&f->summary, target);
    } else if (v[TL_HTTP2_STATUS].n > 0) {
        text_of(&f->summary, &v[TL_HTTP2_STATUS]);
    } else if (v[TL_HTTP2_GRPC_STATUS].n > 0) {
        tl_text_add(&f->summary, "grpc-status ");
        text_of(&f->summary, &v[TL_HTTP2_GRPC_STATUS]);
    }
    for (size_t i = 0; i < TL_HTTP2_FIELDS; i++) failed |= f->value[i].failed;
    return failed || f->summary.failed ? TL_ENOMEM : TL_OK;
}

/* ---- describe ---- */

/* True for what is a number without more ado. */
static bool number(tl_span s, int64_t *out)
{
    *out = 0;
    if (s.n == 0 || s.n > 18) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9') return false;
        *out = *out * 10 + (s.p[i] - '0');
    }
    return true;
}

/* gRPC's path is "/" service "/" method (grpc/doc/PROTOCOL-HTTP2.md). */
static void describe_grpc(tl_span path, tl_text *json)
{
    size_t slash = path.n;
    for (size_t i = 1; i < path.n; i++)
        if (path.p[i] == '/') slash = i;
    if (path.n == 0 || path.p[0] != '/' || slash == path.n) return;
    tl_json_field(json, "grpc_service", tl_span_of(path.p + 1, slash - 1), TL_HTTP2_VALUE_MAX);
    tl_json_field(json, "grpc_method", tl_span_of(path.p + slash + 1, path.n - slash - 1), TL_HTTP2_VALUE_MAX);
}

void tl_http2_fields_describe(const tl_http2_fields *f, tl_text *json)
{
    for (size_t i = 0; i < TL_HTTP2_FIELDS; i++) {
        tl_span value = tl_span_of(f->value[i].p, f->value[i].n);
        bool numeric = i == TL_HTTP2_STATUS || i == TL_HTTP2_CONTENT_LENGTH || i == TL_HTTP2_GRPC_STATUS;
        int64_t n;
        if (value.n == 0) continue;
        if (numeric && number(value, &n))
            tl_json_number(json, names[i].member, n);
        else
            tl_json_field(json, names[i].member, value, TL_HTTP2_VALUE_MAX);
    }
    const tl_text *type = &f->value[TL_HTTP2_CONTENT_TYPE], *path = &f->value[TL_HTTP2_PATH];
    if (tl_begins(tl_span_of(type->p, type->n), "application/grpc")) describe_grpc(tl_span_of(path->p, path->n), json);
    if (f->doubtful) tl_json_field(json, "hpack", tl_span_of("lost", 4), 8);
    if (f->unknown > 0) tl_json_number(json, "unknown_fields", (int64_t)f->unknown);
}
