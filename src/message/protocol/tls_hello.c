/*
** tls_hello.c - what hellos say: names, versions and ciphers, and the fingerprints that are made of them.
**
** JA3 and JA3S are MD5 sums of numbers in the order in which they stand in the hello (github.com/salesforce/ja3); JA4 sorts them and takes
** SHA-256 (github.com/FoxIO-LLC/ja4, technical_details/JA4.md).  All leave GREASE out.  A hello that is not whole has none: a fingerprint
** of half of it would be another client's.
*/
#include "message/protocol/tls_parts.h"

#include <openssl/evp.h>
#include <stdlib.h>

enum {
    SERVER_NAME = 0,
    GROUPS = 10,
    POINT_FORMATS = 11,
    SIGNATURE_ALGORITHMS = 13,
    ALPN = 16,
    SUPPORTED_VERSIONS = 43,
    LISTED = 256, /* extensions and ciphers that JA4 sorts; hellos that have more are not fingerprinted by it */
    SHOWN = 512
};

tl_tls_hello tl_tls_hello_read(tl_span body, size_t length, bool client)
{
    /* SHA-256 of "HelloRetryRequest", RFC 8446 section 4.1.3. */
    static const uint8_t retry[32] = {0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
                                      0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c};
    tl_tls_hello h = {0};
    tl_span rest = tl_span_of(body.p, body.n < length ? body.n : length);
    bool all = body.n >= length;
    h.version = (unsigned)tl_take_be(&rest, 2);
    tl_span random = tl_take(&rest, 32);
    h.retry = !client && random.n == 32 && memcmp(random.p, retry, 32) == 0;
    (void)tl_take_vector(&rest, 1); /* session id */
    h.ciphers = client ? tl_take_vector(&rest, 2) : tl_take(&rest, 2);
    tl_span compression = client ? tl_take_vector(&rest, 1) : tl_take(&rest, 1);
    bool fits = h.ciphers.n >= 2 && h.ciphers.n % 2 == 0 && compression.n > 0;
    size_t said = rest.n >= 2 ? tl_be16(rest.p) : 0;
    (void)tl_take(&rest, 2);
    h.whole = all && fits && said == rest.n;
    h.extensions = tl_take(&rest, said < rest.n ? said : rest.n);
    return h;
}

bool tl_tls_extension(tl_span *list, unsigned *type, tl_span *body)
{
    if (list->n < 4 || (size_t)tl_be16(list->p + 2) + 4 > list->n) return false;
    *type = (unsigned)tl_take_be(list, 2);
    *body = tl_take_vector(list, 2);
    return true;
}

tl_span tl_tls_server_name(tl_span body)
{
    tl_span list = tl_take_vector(&body, 2);
    (void)tl_take(&list, 1); /* its type: host_name is the only one there is */
    return tl_take_vector(&list, 2);
}

bool tl_tls_is_grease(unsigned value)
{
    return (value & 0x0f0f) == 0x0a0a && value >> 8 == (value & 0xff);
}

/* ---- describe ---- */

static void add_word(tl_text *list, const char *word)
{
    if (list->n > 0) tl_text_add(list, ",");
    tl_text_add(list, word);
}

static void list_field(tl_text *json, const char *name, tl_text *list)
{
    if (list->failed) json->failed = true;
    if (list->n > 0) tl_json_field(json, name, tl_span_of(list->p, list->n), SHOWN);
    tl_text_free(list);
}

static void version_or_number(tl_text *list, unsigned version)
{
    const char *name = tl_tls_version_name(version);
    if (list->n > 0) tl_text_add(list, ",");
    if (name != NULL)
        tl_text_add(list, name);
    else
        tl_text_printf(list, "0x%04x", version);
}

static void describe_versions(tl_span body, bool client, tl_text *json)
{
    tl_text list = {0};
    tl_span in = client ? tl_take_vector(&body, 1) : body;
    while (in.n >= 2 && list.n < SHOWN) {
        unsigned version = (unsigned)tl_take_be(&in, 2);
        if (!tl_tls_is_grease(version)) version_or_number(&list, version);
    }
    list_field(json, client ? "supported_versions" : "selected_version", &list);
}

static void describe_alpn(tl_span body, tl_text *json)
{
    tl_text list = {0};
    tl_span in = tl_take_vector(&body, 2);
    while (in.n > 0 && list.n < SHOWN) {
        tl_span name = tl_take_vector(&in, 1);
        if (name.n == 0 || (name.n == 2 && tl_tls_is_grease(tl_be16(name.p)))) continue;
        add_word(&list, "");
        tl_text_bytes(&list, name.p, name.n);
    }
    list_field(json, "alpn", &list);
}

void tl_tls_describe_hello(const tl_tls_hello *h, bool client, tl_text *json)
{
    const char *version = tl_tls_version_name(h->version);
    if (version != NULL) tl_json_field(json, "version", tl_span_of(version, strlen(version)), 16);
    if (client) {
        tl_json_number(json, "ciphers", (int64_t)(h->ciphers.n / 2));
    } else if (h->ciphers.n == 2) {
        unsigned cipher = tl_be16(h->ciphers.p);
        const char *name = tl_tls_cipher_name(cipher);
        tl_text text = {0};
        if (name != NULL)
            tl_text_add(&text, name);
        else
            tl_text_printf(&text, "0x%04x", cipher);
        list_field(json, "cipher", &text);
    }
    tl_span list = h->extensions, body;
    unsigned type;
    while (tl_tls_extension(&list, &type, &body)) {
        if (type == SERVER_NAME && client) {
            tl_span name = tl_tls_server_name(body);
            if (name.n > 0) tl_json_field(json, "server_name", name, 256);
        } else if (type == ALPN) {
            describe_alpn(body, json);
        } else if (type == SUPPORTED_VERSIONS) {
            describe_versions(body, client, json);
        }
    }
}

/* ---- fingerprints ---- */

static void digest(const EVP_MD *kind, const tl_text *of, size_t shown, tl_text *out)
{
    uint8_t sum[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    if (of->failed || EVP_Digest(of->n > 0 ? of->p : "", of->n, sum, &n, kind, NULL) != 1 || n < shown) {
        out->failed = true;
        return;
    }
    for (size_t i = 0; i < shown; i++) tl_text_printf(out, "%02x", sum[i]);
}

/* Numbers of `width` bytes in decimal, with dashes between them; a comma before the whole. */
static void add_numbers(tl_text *t, tl_span in, size_t width, const char *before)
{
    bool first = true;
    tl_text_add(t, before);
    while (in.n >= width) {
        unsigned v = (unsigned)tl_take_be(&in, width);
        if (width == 2 && tl_tls_is_grease(v)) continue;
        tl_text_printf(t, first ? "%u" : "-%u", v);
        first = false;
    }
}

static tl_span find_extension(const tl_tls_hello *h, unsigned wanted, bool *found)
{
    tl_span list = h->extensions, body;
    unsigned type;
    *found = true;
    while (tl_tls_extension(&list, &type, &body))
        if (type == wanted) return body;
    *found = false;
    return tl_span_of(h->extensions.p, 0);
}

/* MD5 of version,ciphers,extensions,groups,point formats; a server's is version,cipher,extensions. */
static void ja3(const tl_tls_hello *h, bool client, tl_text *json)
{
    tl_text source = {0}, sum = {0};
    bool found, first = true;
    tl_text_printf(&source, "%u", h->version);
    add_numbers(&source, h->ciphers, 2, ",");
    tl_text_add(&source, ",");
    tl_span list = h->extensions, body;
    unsigned type;
    while (tl_tls_extension(&list, &type, &body)) {
        if (tl_tls_is_grease(type)) continue;
        tl_text_printf(&source, first ? "%u" : "-%u", type);
        first = false;
    }
    if (client) {
        tl_span groups = find_extension(h, GROUPS, &found), formats = find_extension(h, POINT_FORMATS, &found);
        add_numbers(&source, tl_take_vector(&groups, 2), 2, ",");
        add_numbers(&source, tl_take_vector(&formats, 1), 1, ",");
    }
    digest(EVP_md5(), &source, 16, &sum);
    tl_text_free(&source);
    list_field(json, client ? "ja3" : "ja3s", &sum);
}

static int by_number(const void *a, const void *b)
{
    const uint16_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static void add_sorted(tl_text *t, uint16_t *numbers, size_t n)
{
    qsort(numbers, n, sizeof *numbers, by_number);
    for (size_t i = 0; i < n; i++) tl_text_printf(t, i > 0 ? ",%04x" : "%04x", numbers[i]);
}

static void add_digest12(tl_text *out, tl_text *source)
{
    if (source->n > 0)
        digest(EVP_sha256(), source, 6, out);
    else
        tl_text_add(out, "000000000000");
    tl_text_reset(source);
}

static const char *ja4_version(const tl_tls_hello *h)
{
    bool found;
    unsigned version = h->version;
    tl_span body = find_extension(h, SUPPORTED_VERSIONS, &found), in = tl_take_vector(&body, 1);
    if (found) version = 0;
    while (in.n >= 2) {
        unsigned v = (unsigned)tl_take_be(&in, 2);
        if (!tl_tls_is_grease(v) && v > version) version = v;
    }
    switch (version) {
    case 0x300: return "s3";
    case 0x301: return "10";
    case 0x302: return "11";
    case 0x303: return "12";
    case 0x304: return "13";
    default: return "00";
    }
}

static bool is_alphanumeric(uint8_t c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* First and last character of the first protocol of ALPN, or of its hexadecimal form; 00: none. */
static void add_alpn(tl_text *out, const tl_tls_hello *h)
{
    bool found;
    tl_span body = find_extension(h, ALPN, &found), list = tl_take_vector(&body, 2), name = tl_take_vector(&list, 1);
    if (name.n == 0) {
        tl_text_add(out, "00");
        return;
    }
    uint8_t first = name.p[0], last = name.p[name.n - 1];
    if (is_alphanumeric(first) && is_alphanumeric(last))
        tl_text_printf(out, "%c%c", first, last);
    else
        tl_text_printf(out, "%x%x", first >> 4, last & 15);
}

static void ja4(const tl_tls_hello *h, tl_text *json)
{
    uint16_t ciphers[LISTED], extensions[LISTED];
    size_t ciphers_n = 0, sorted_n = 0, extensions_n = 0;
    tl_text source = {0}, out = {0};
    tl_span in = h->ciphers, body;
    unsigned type;
    bool named, found;
    while (in.n >= 2) {
        unsigned v = (unsigned)tl_take_be(&in, 2);
        if (tl_tls_is_grease(v)) continue;
        if (ciphers_n == LISTED) return;
        ciphers[ciphers_n++] = (uint16_t)v;
    }
    in = h->extensions;
    while (tl_tls_extension(&in, &type, &body)) {
        if (tl_tls_is_grease(type)) continue;
        extensions_n++;
        if (type == SERVER_NAME || type == ALPN) continue;
        if (sorted_n == LISTED) return;
        extensions[sorted_n++] = (uint16_t)type;
    }
    (void)find_extension(h, SERVER_NAME, &named);
    tl_text_printf(&out, "t%s%c%02u%02u", ja4_version(h), named ? 'd' : 'i', (unsigned)(ciphers_n < 99 ? ciphers_n : 99),
                   (unsigned)(extensions_n < 99 ? extensions_n : 99));
    add_alpn(&out, h);
    tl_text_add(&out, "_");
    add_sorted(&source, ciphers, ciphers_n);
    add_digest12(&out, &source);
    tl_text_add(&out, "_");
    add_sorted(&source, extensions, sorted_n);
    body = find_extension(h, SIGNATURE_ALGORITHMS, &found);
    in = tl_take_vector(&body, 2);
    const char *between = "_";
    while (in.n >= 2 && sorted_n > 0) {
        unsigned v = (unsigned)tl_take_be(&in, 2);
        if (tl_tls_is_grease(v)) continue;
        tl_text_printf(&source, "%s%04x", between, v);
        between = ",";
    }
    add_digest12(&out, &source);
    tl_text_free(&source);
    list_field(json, "ja4", &out);
}

void tl_tls_describe_fingerprints(const tl_tls_hello *h, bool client, tl_text *json)
{
    if (!h->whole) return;
    ja3(h, client, json);
    if (client) ja4(h, json);
}
