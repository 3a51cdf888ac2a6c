/*
** pattern_fuzz.c - any text as a pattern, over any bytes in any pieces.
**
** Input: a byte (its lowest bit: a regular expression; the rest: the size of the pieces), the pattern up to a NUL, then the stream.
** Asserted: hits lie in the stream, in order, disjoint, not empty; those of a literal are memmem()'s, and of its length.
*/
#include "query/scan.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void hold(bool ok)
{
    if (!ok) abort();
}

static void check_hit(const tl_scan_hit *h, tl_span in, uint64_t *end)
{
    hold(h->offset >= *end && h->match.n > 0 && h->offset + h->match.n <= in.n && h->match.n <= TL_MATCH_MOST + TL_PATTERN_MOST);
    hold(memcmp(h->match.p, in.p + h->offset, h->match.n) == 0);
    hold(h->before.n <= h->offset && memcmp(h->before.p, in.p + h->offset - h->before.n, h->before.n) == 0);
    *end = h->offset + h->match.n;
    hold(*end + h->after.n <= in.n && memcmp(h->after.p, in.p + *end, h->after.n) == 0);
}

static size_t scan_all(tl_scan *s, tl_span in, size_t piece)
{
    tl_scan_hit h;
    size_t n = 0;
    uint64_t end = 0;
    tl_scan_start(s, 0, false);
    for (size_t at = 0; at <= in.n; at += piece) {
        size_t some = in.n - at < piece ? in.n - at : piece;
        uint8_t *room = tl_scan_room(s, some);
        if (room == NULL) return n;
        if (some > 0) memcpy(room, in.p + at, some);
        tl_scan_push(s, some);
        if (at + piece > in.n) tl_scan_finish(s, false);
        for (; tl_scan_pull(s, &h); n++) check_hit(&h, in, &end);
    }
    return n;
}

static size_t model(tl_span in, const uint8_t *needle, size_t m)
{
    size_t n = 0;
    for (size_t at = 0; at < in.n; n++) {
        const uint8_t *p = memmem(in.p + at, in.n - at, needle, m);
        if (p == NULL) break;
        at = (size_t)(p - in.p) + m;
    }
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 14) return 0;
    const uint8_t *nul = memchr(data + 1, '\0', size - 1);
    if (nul == NULL) return 0;
    tl_error err;
    const char *text = (const char *)data + 1;
    tl_span in = tl_span_of(nul + 1, size - (size_t)(nul + 1 - data));
    bool regex = (data[0] & 1) != 0;
    tl_pattern *p = tl_pattern_new(text, regex, &err);
    if (p == NULL) return 0;
    tl_scan *s = tl_scan_new(p, data[0] >> 4, 1);
    if (s != NULL) {
        size_t whole = scan_all(s, in, in.n + 1), cut = scan_all(s, in, 1 + (data[0] >> 1));
        uint8_t *needle = malloc(strlen(text) + 1);
        size_t m = 0;
        if (!regex && needle != NULL && tl_pattern_unescape(text, needle, &m, &err)) hold(whole == cut && whole == model(in, needle, m));
        free(needle);
    }
    tl_scan_free(s);
    tl_pattern_free(p);
    return 0;
}
