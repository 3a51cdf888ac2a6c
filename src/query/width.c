/*
** width.c - see width.h.
*/
#include "query/width.h"

/* Wide characters of East Asia and pictures: two columns.  Ranges of EastAsianWidth.txt, W and F, coarsely. */
static bool is_wide(uint32_t c)
{
    return (c >= 0x1100 && c <= 0x115f) || (c >= 0x2e80 && c <= 0xa4cf) || (c >= 0xac00 && c <= 0xd7a3) || (c >= 0xf900 && c <= 0xfaff) ||
           (c >= 0xfe30 && c <= 0xfe6f) || (c >= 0xff00 && c <= 0xff60) || (c >= 0xffe0 && c <= 0xffe6) || (c >= 0x1f300 && c <= 0x1faff) ||
           (c >= 0x20000 && c <= 0x3fffd);
}

/* The columns of the character at p (valid UTF-8); *len: its bytes. */
static size_t one_character(const char *p, size_t n, size_t *len)
{
    unsigned char c = (unsigned char)p[0];
    *len = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    if (*len > n) *len = n;
    uint32_t v = c & (0xffU >> (*len + 1));
    for (size_t i = 1; i < *len; i++) v = v << 6 | ((unsigned char)p[i] & 0x3fU);
    return *len > 1 && is_wide(v) ? 2 : 1;
}

size_t tl_text_columns(const char *p, size_t n)
{
    size_t total = 0;
    for (size_t at = 0, len; at < n; at += len) total += one_character(p + at, n - at, &len);
    return total;
}

size_t tl_text_beginning(const char *p, size_t n, size_t width, size_t *used)
{
    size_t take = 0;
    *used = 0;
    for (size_t len; take < n; take += len) {
        size_t w = one_character(p + take, n - take, &len);
        if (*used + w + 1 > width) break;
        *used += w;
    }
    return take;
}

size_t tl_text_end(const char *p, size_t n, size_t width, size_t *used)
{
    size_t from = 0;
    for (size_t len; from<n && * used + 1> width; from += len) *used -= one_character(p + from, n - from, &len);
    return from;
}
