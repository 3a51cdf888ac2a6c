/*
** text.c - growing text, escaping, JSON.
**
** Invariant: p is NULL and n is 0, or p[n] is NUL and n < room.
*/
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Code points that change how their neighbours look, or show nothing: Unicode's general categories Cf, Zl and Zp.
** Sorted; both ends included. */
static const struct {
    uint32_t first, last;
} invisible[] = {
    {0x00ad, 0x00ad},   {0x0600, 0x0605},   {0x061c, 0x061c},   {0x06dd, 0x06dd},   {0x070f, 0x070f},
    {0x0890, 0x0891},   {0x08e2, 0x08e2},   {0x180e, 0x180e},   {0x200b, 0x200f},   {0x2028, 0x202e},
    {0x2060, 0x206f},   {0xfeff, 0xfeff},   {0xfff9, 0xfffb},   {0x110bd, 0x110bd}, {0x110cd, 0x110cd},
    {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a}, {0xe0000, 0xe007f},
};

static bool is_readable(uint32_t c)
{
    if (c < 0x20 || (c >= 0x7f && c < 0xa0)) return false; /* C0, DEL, C1 */
    for (size_t i = 0; i < sizeof invisible / sizeof invisible[0] && invisible[i].first <= c; i++)
        if (c <= invisible[i].last) return false;
    return true;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
size_t tl_text_readable(tl_span s)
{
    if (s.n == 0) return 0;
    uint32_t c = s.p[0];
    if (c < 0x80) return is_readable(c);
    size_t len = c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : 2;
    if (c < 0xc2 || c > 0xf4 || s.n < len) return 0;
    c &= 0x7fU >> len;
    for (size_t i = 1; i < len; i++) {
        if ((s.p[i] & 0xc0) != 0x80) return 0;
        c = c << 6 | (s.p[i] & 0x3fU);
    }
    static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
    if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return 0;
    return is_readable(c) ? len : 0;
}

void tl_text_free(tl_text *t)
{
    free(t->p);
    *t = (tl_text){0};
}

void tl_text_reset(tl_text *t)
{
    t->n = 0;
    t->failed = false;
    if (t->p != NULL) t->p[0] = '\0';
}

/* Room for n more bytes and the NUL. */
static bool reserve(tl_text *t, size_t n)
{
    if (t->failed) return false;
    if (t->room > t->n && n < t->room - t->n) return true;
    if (n > SIZE_MAX / 4 - t->n) {
        t->failed = true;
        return false;
    }
    size_t room = t->room ? t->room : 64;
    while (room <= t->n + n) room *= 2;
    char *p = realloc(t->p, room);
    if (p == NULL) {
        t->failed = true;
        return false;
    }
    t->p = p;
    t->room = room;
    return true;
}

void tl_text_bytes(tl_text *t, const void *p, size_t n)
{
    if (!reserve(t, n)) return;
    if (n > 0) memcpy(t->p + t->n, p, n);
    t->n += n;
    t->p[t->n] = '\0';
}

void tl_text_add(tl_text *t, const char *s)
{
    tl_text_bytes(t, s, strlen(s));
}

void tl_text_printf(tl_text *t, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    if (n < 0)
        t->failed = true;
    else if (reserve(t, (size_t)n)) {
        vsnprintf(t->p + t->n, (size_t)n + 1, fmt, again);
        t->n += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

enum {
    SLICE = 64,              /* input bytes that are escaped at a time, into room that was made for them */
    UNIT = 4,                /* bytes that are written for one of them, however many count */
    ESCAPED_MOST = UNIT + 2, /* in JSON: one or two backslashes more */
    WORD = 8
};

/* Each byte as it is shown outside JSON where it is no part of a longer character. */
typedef struct unit {
    char text[UNIT];
    uint8_t n;
    bool leads; /* may begin a longer character */
} unit;

#define IS_PLAIN(c) ((c) >= 0x20 && (c) < 0x7f && (c) != '\\')
#define COUNTS(c)   (IS_PLAIN(c) ? 1 : (c) == '\\' ? 2 : UNIT)
#define DIGIT(d)    ((char)((d) < 10 ? '0' + (d) : 'a' + (d)-10))
#define TEXT(c)                                                                                                                            \
    {                                                                                                                                      \
        (char)(IS_PLAIN(c) ? (c) : '\\'), (c) == '\\' ? '\\' : 'x', DIGIT((c) >> 4), DIGIT((c)&15)                                         \
    }
#define ONE(c)                                                                                                                             \
    {                                                                                                                                      \
        TEXT(c), COUNTS(c), (c) >= 0xc2 && (c) <= 0xf4                                                                                     \
    }
#define FOUR(c)    ONE(c), ONE((c) + 1), ONE((c) + 2), ONE((c) + 3)
#define SIXTEEN(c) FOUR(c), FOUR((c) + 4), FOUR((c) + 8), FOUR((c) + 12)
#define QUARTER(c) SIXTEEN(c), SIXTEEN((c) + 16), SIXTEEN((c) + 32), SIXTEEN((c) + 48)

static const unit units[256] = {QUARTER(0), QUARTER(64), QUARTER(128), QUARTER(192)};

/* Whether eight bytes are all shown as they are: one that is not leaves its highest bit in at least one of the terms. */
static bool is_plain_word(const uint8_t *p, bool json)
{
    const uint64_t each = 0x0101010101010101;
    uint64_t word, odd;
    memcpy(&word, p, WORD);
    odd = word | (word - each * 0x20) | (word + each) | ((word ^ each * '\\') - each);
    if (json) odd |= (word ^ each * '"') - each;
    return (odd & each * 0x80) == 0;
}

/* Bytes of the readable character at in.p[at] where that is a longer one. */
static size_t longer_character(tl_span in, size_t at)
{
    if (in.n - at < 2 || (in.p[at + 1] & 0xc0) != 0x80) return 0;
    return tl_text_readable(tl_span_of(in.p + at, in.n - at));
}

/* The escaped text of text.h; in a JSON string its quotes and backslashes are escaped once more. */
static void add_escaped(tl_text *t, tl_span in, size_t most, bool json)
{
    size_t shown = in.n < most ? in.n : most, at = 0;
    bool halved = false; /* a character that the cut would halve is left out whole */
    while (at < shown && !halved) {
        size_t end = shown - at < SLICE ? shown : at + SLICE, look = at;
        /* The last character of a slice may begin in it and end behind it, in bytes that would cost more escaped. */
        if (!reserve(t, (end - at) * ESCAPED_MOST)) return;
        char *out = t->p + t->n;
        while (at < end) {
            if (at >= look) {
                look = at + WORD;
                if (look <= end && is_plain_word(in.p + at, json)) {
                    memcpy(out, in.p + at, WORD);
                    out += WORD;
                    at = look;
                    continue;
                }
            }
            uint8_t c = in.p[at];
            const unit *u = &units[c];
            size_t len = u->leads ? longer_character(in, at) : 0;
            halved = len > shown - at;
            if (halved) break;
            if (len > 0) {
                memcpy(out, in.p + at, len);
                out += len;
                at += len;
                continue;
            }
            if (json && (u->n > 1 || c == '"')) *out++ = '\\';
            if (json && c == '\\') *out++ = '\\';
            memcpy(out, u->text, UNIT);
            out += u->n;
            at++;
        }
        t->n = (size_t)(out - t->p);
        *out = '\0';
    }
    if (at < in.n) tl_text_bytes(t, "...", 3);
}

void tl_text_escaped(tl_text *t, tl_span bytes, size_t most)
{
    add_escaped(t, bytes, most, false);
    if (!t->failed && t->p == NULL) tl_text_bytes(t, "", 0);
}

void tl_text_time(tl_text *t, int64_t ns)
{
    struct tm tm;
    int64_t part = ns % 1000000000, seconds = ns / 1000000000;
    if (part < 0) {
        part += 1000000000;
        seconds--;
    }
    time_t when = (time_t)seconds;
    if (gmtime_r(&when, &tm) == NULL) return; /* cannot be: 64 bits of nanoseconds are the years 1677 to 2262 */
    tl_text_printf(t, "%04d-%02d-%02dT%02d:%02d:%02d.%09dZ", tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)part);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void tl_text_unescaped(tl_text *t, tl_span text)
{
    for (size_t at = 0; at < text.n;) {
        const uint8_t *p = text.p + at;
        size_t left = text.n - at;
        bool hex = left >= 4 && p[0] == '\\' && p[1] == 'x' && hex_digit(p[2]) >= 0 && hex_digit(p[3]) >= 0;
        uint8_t byte = *p;
        if (hex) byte = (uint8_t)(hex_digit(p[2]) * 16 + hex_digit(p[3]));
        tl_text_bytes(t, &byte, 1);
        at += hex ? 4 : left >= 2 && p[0] == '\\' && p[1] == '\\' ? 2 : 1;
    }
}

void tl_json_string(tl_text *t, tl_span bytes, size_t most)
{
    tl_text_add(t, "\"");
    add_escaped(t, bytes, most, true);
    tl_text_add(t, "\"");
}

void tl_json_open(tl_text *t)
{
    tl_text_add(t, "{");
}

/* Between two members the last byte is the end of a value, so it tells whether a comma is due. */
static void add_name(tl_text *t, const char *name)
{
    char last = t->n > 0 ? t->p[t->n - 1] : '{';
    if (last != '{') tl_text_add(t, ",");
    tl_json_string(t, tl_span_of(name, strlen(name)), SIZE_MAX);
    tl_text_add(t, ":");
}

void tl_json_field(tl_text *t, const char *name, tl_span value, size_t most)
{
    add_name(t, name);
    tl_json_string(t, value, most);
}

void tl_json_number(tl_text *t, const char *name, int64_t value)
{
    add_name(t, name);
    tl_text_printf(t, "%" PRId64, value);
}

void tl_json_close(tl_text *t)
{
    tl_text_add(t, "}");
}
