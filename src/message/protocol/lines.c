/*
** lines.c - see lines.h.
*/
#include "message/protocol/lines.h"

#include "base/siphash.h"

#include <strings.h>

enum { JOINED_MOST = 1024, SHOWN = 512 };

static tl_span without_cr(const uint8_t *p, size_t n)
{
    return tl_span_of(p, n > 0 && p[n - 1] == '\r' ? n - 1 : n);
}

/* The place of the first byte in [from, in.n) that ends a line or is not text; in.n: none. */
static size_t find_end(tl_span in, size_t from)
{
    size_t at = from;
    while (at < in.n && (in.p[at] >= ' ' ? in.p[at] != 0x7f : in.p[at] == '\t' || in.p[at] == '\r')) at++;
    return at;
}

tl_text_line tl_text_line_at(const tl_head *in, size_t most)
{
    tl_span b = in->bytes;
    size_t end = find_end(b, in->seen <= b.n ? in->seen : 0);
    tl_text_line l = {0};
    if (end < b.n && b.p[end] == '\n' && end < most) {
        l.length = end + 1;
        l.text = without_cr(b.p, end);
    } else if (end < b.n || b.n >= most) {
        l.otherwise = tl_reject(0);
    } else if (in->ended) {
        l.length = b.n;
        l.text = without_cr(b.p, b.n);
        l.cut = true;
    } else {
        l.otherwise = tl_more(b.n + 1);
        l.otherwise.seen = b.n;
    }
    return l;
}

/* Most words that are asked for differ in their first letter: that is seen without a call.  The bit is the case of a letter; what else it
** makes equal is told apart behind it. */
static bool first_differs(tl_span s, const char *word)
{
    return s.n > 0 && ((s.p[0] ^ (uint8_t)word[0]) & ~0x20u) != 0 && word[0] != '\0';
}

bool tl_starts_word(tl_span s, const char *word)
{
    if (first_differs(s, word)) return false;
    size_t n = strlen(word);
    return s.n >= n && strncasecmp((const char *)s.p, word, n) == 0;
}

bool tl_is_word(tl_span s, const char *word)
{
    return !first_differs(s, word) && s.n == strlen(word) && tl_starts_word(s, word);
}

bool tl_may_start_word(tl_span s, const char *word)
{
    if (first_differs(s, word)) return false;
    size_t n = strlen(word);
    return s.n == 0 || strncasecmp((const char *)s.p, word, s.n < n ? s.n : n) == 0;
}

tl_span tl_trimmed(tl_span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) (void)tl_take(&s, 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

size_t tl_find_word(tl_span s, const char *text)
{
    for (size_t at = 0; at < s.n; at++)
        if (tl_starts_word(tl_span_of(s.p + at, s.n - at), text)) return at;
    return s.n;
}

bool tl_decimal(tl_span s, uint64_t *out)
{
    uint64_t v = 0;
    if (s.n == 0 || s.n > 18) return false;
    for (size_t i = 0; i < s.n; i++) {
        if (!tl_digit(s.p[i])) return false;
        v = v * 10 + (uint64_t)(s.p[i] - '0');
    }
    *out = v;
    return true;
}

size_t tl_next_line(tl_span in)
{
    const uint8_t *lf = in.n > 0 ? memchr(in.p, '\n', in.n) : NULL;
    return lf != NULL ? (size_t)(lf - in.p) + 1 : in.n;
}

size_t tl_scan_lines(const tl_head *in, bool (*plausible)(tl_span from))
{
    tl_span b = in->bytes;
    size_t at = in->before == TL_UNKNOWN || in->before == '\n' ? 0 : tl_next_line(b);
    while (at < b.n) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        if (plausible(rest)) return at;
        at += tl_next_line(rest);
    }
    return b.n;
}

uint64_t tl_text_id(tl_span s)
{
    static const uint8_t key[16] = {'t', 'e', 'x', 't', ' ', 'i', 'd'};
    return tl_siphash(key, s.p, s.n);
}

/* ---- replies ---- */

bool tl_may_be_code(tl_span in)
{
    if (in.n > 0 && (in.p[0] < '1' || in.p[0] > '5')) return false;
    if (in.n > 1 && !tl_digit(in.p[1])) return false;
    if (in.n > 2 && !tl_digit(in.p[2])) return false;
    return in.n < 4 || (in.p[3] != 0 && strchr(" -\r\n", in.p[3]) != NULL);
}

tl_code_reply tl_code_reply_at(const tl_head *in, size_t most, bool every_line)
{
    tl_code_reply r = {0};
    tl_span b = in->bytes;
    size_t at = in->seen <= b.n ? in->seen : 0; /* where the first line begins that was not whole */
    bool ends = false;                          /* the line at hand is the last one */
    if (!tl_may_be_code(b)) {
        r.otherwise = tl_reject(0);
        return r;
    }
    for (;;) {
        size_t end = find_end(b, at);
        if ((end < b.n && b.p[end] != '\n') || (end == b.n && b.n >= most)) {
            r.otherwise = tl_reject(at < b.n ? at : 0); /* the lines before are no replies on their own */
            return r;
        }
        tl_span line = tl_span_of(b.p + at, end - at);
        bool coded = line.n >= 3 && tl_may_be_code(line) && memcmp(line.p, b.p, every_line ? 1 : 3) == 0;
        ends = coded && line.n >= 4 && line.p[3] != '-';
        if (end == b.n) break;
        if (at == 0 && !coded) {
            r.otherwise = tl_reject(0);
            return r;
        }
        if (every_line && !coded) {
            r.otherwise = tl_reject(at);
            return r;
        }
        at = end + 1;
        if (ends || (coded && line.n < 4)) {
            r.length = at;
            break;
        }
    }
    if (r.length == 0 && (!in->ended || b.n < 4)) {
        r.otherwise = tl_more(b.n + 1);
        r.otherwise.seen = at;
        return r;
    }
    r.cut = r.length == 0;
    r.goes_on = r.cut && !ends;
    if (r.cut) r.length = b.n;
    r.code = tl_code_of(b);
    size_t first = tl_next_line(b);
    r.text = without_cr(b.p, first > 0 && b.p[first - 1] == '\n' ? first - 1 : first);
    for (size_t i = 0; i < r.length; i++) r.lines += b.p[i] == '\n';
    return r;
}

/* The lines of `in` behind the first one, without their codes. */
static void more_lines(tl_text *json, tl_span in)
{
    char joined[JOINED_MOST];
    size_t n = 0, at = tl_next_line(in);
    while (at < in.n) {
        size_t next = at + tl_next_line(tl_span_of(in.p + at, in.n - at));
        tl_span line = tl_trimmed(without_cr(in.p + at, next - at - (in.p[next - 1] == '\n')));
        if (line.n >= 4 && tl_may_be_code(line)) (void)tl_take(&line, 4);
        if (n + 2 + line.n > sizeof joined) break;
        if (n > 0 && line.n > 0) {
            joined[n++] = ',';
            joined[n++] = ' ';
        }
        if (line.n > 0) memcpy(joined + n, line.p, line.n);
        n += line.n;
        at = next;
    }
    if (n > 0) tl_json_field(json, "more", tl_span_of(joined, n), sizeof joined);
}

void tl_json_code_reply(tl_text *json, tl_span b, size_t most, bool every_line)
{
    tl_head whole = {.bytes = b, .ended = true};
    tl_code_reply r = tl_code_reply_at(&whole, most, every_line);
    if (r.length == 0) return;
    tl_json_number(json, "code", r.code);
    if (r.text.n > 4) tl_json_field(json, "text", tl_span_of(r.text.p + 4, r.text.n - 4), SHOWN);
    if (r.lines > 1) more_lines(json, tl_span_of(b.p, r.length));
}
