/*
** http1_head.c - see http1_head.h.
**
** Two passes over a head: tl_http1_head_end looks at each byte once as it comes, however the head is cut; tl_http1_head_parse reads the
** fields when the head is whole.
*/
#include "message/protocol/http1_head.h"

#include <string.h>
#include <strings.h>

enum { BLANK_MAX = 8 }; /* bytes of empty lines before a start line */

/* RFC 9110 section 9, WebDAV (RFC 4918, 3253, 3648, 3744, 5323), PATCH, and what SSDP and CalDAV use.  Longer ones before their endings. */
#define M(name)                                                                                                                            \
    {                                                                                                                                      \
        sizeof(name) - 1, name                                                                                                             \
    }
static const struct {
    uint8_t n;
    char text[17];
} methods[] = {
    M("GET"),          M("POST"),       M("HEAD"),       M("PUT"),        M("DELETE"),          M("CONNECT"),
    M("OPTIONS"),      M("TRACE"),      M("PATCH"),      M("PROPFIND"),   M("PROPPATCH"),       M("MKCOL"),
    M("COPY"),         M("MOVE"),       M("UNLOCK"),     M("LOCK"),       M("REPORT"),          M("M-SEARCH"),
    M("SEARCH"),       M("MKCALENDAR"), M("MKACTIVITY"), M("CHECKOUT"),   M("CHECKIN"),         M("MERGE"),
    M("UNSUBSCRIBE"),  M("SUBSCRIBE"),  M("NOTIFY"),     M("BIND"),       M("REBIND"),          M("UNBIND"),
    M("ACL"),          M("PURGE"),      M("LINK"),       M("UNLINK"),     M("VERSION-CONTROL"), M("BASELINE-CONTROL"),
    M("UNCHECKOUT"),   M("UPDATE"),     M("LABEL"),      M("ORDERPATCH"), M("BITS_POST"),       M("RPC_IN_DATA"),
    M("RPC_OUT_DATA"), M("SOURCE"),
};
#undef M
enum { METHODS = sizeof methods / sizeof *methods };

static bool is_token(uint8_t c) /* RFC 9110 section 5.6.2 */
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c != 0 && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

size_t tl_http1_blank(tl_span in)
{
    size_t n = 0;
    while (n < in.n && n < BLANK_MAX && (in.p[n] == '\r' || in.p[n] == '\n')) n++;
    return n;
}

size_t tl_http1_method(tl_span in, bool *cut)
{
    *cut = false;
    if (in.n == 0 || in.p[0] < 'A' || in.p[0] > 'Z') return 0;
    for (size_t i = 0; i < METHODS; i++) {
        size_t n = methods[i].n;
        if (in.p[0] != (uint8_t)methods[i].text[0]) continue;
        if (in.n >= n) {
            if (memcmp(in.p, methods[i].text, n) == 0 && (in.n == n || in.p[n] == ' ')) return n;
        } else if (memcmp(in.p, methods[i].text, in.n) == 0) {
            *cut = true;
        }
    }
    return 0;
}

size_t tl_http1_method_before(const uint8_t *p, size_t n)
{
    size_t best = 0;
    for (size_t i = 0; n > 0 && i < METHODS; i++) {
        size_t m = methods[i].n;
        if (p[n - 1] != (uint8_t)methods[i].text[m - 1] || m > n || m <= best) continue;
        if (memcmp(p + n - m, methods[i].text, m) == 0) best = m;
    }
    return best;
}

/* "HTTP/1.x", as far as the bytes go; ICY is SHOUTcast's name for HTTP/1.0. */
static tl_http1_start version(tl_span in, bool icy)
{
    static const char name[] = "HTTP/1.";
    if (icy && in.n > 0 && in.p[0] == 'I') {
        size_t n = in.n < 3 ? in.n : 3;
        return memcmp(in.p, "ICY", n) != 0 ? TL_HTTP1_NO : n < 3 ? TL_HTTP1_MAYBE : TL_HTTP1_YES;
    }
    size_t n = in.n < 7 ? in.n : 7;
    if (memcmp(in.p, name, n) != 0) return TL_HTTP1_NO;
    if (in.n < 8) return TL_HTTP1_MAYBE;
    return is_digit(in.p[7]) ? TL_HTTP1_YES : TL_HTTP1_NO;
}

tl_http1_start tl_http1_status_line(tl_span in)
{
    if (in.n == 0) return TL_HTTP1_MAYBE;
    tl_http1_start v = version(in, true);
    if (v != TL_HTTP1_YES) return v;
    size_t at = in.p[0] == 'I' ? 3 : 8;
    if (in.n == at) return TL_HTTP1_MAYBE;
    if (in.p[at++] != ' ') return TL_HTTP1_NO;
    for (int i = 0; i < 3; i++, at++) {
        if (at == in.n) return TL_HTTP1_MAYBE;
        if (!is_digit(in.p[at]) || (i == 0 && in.p[at] == '0')) return TL_HTTP1_NO;
    }
    if (at == in.n) return TL_HTTP1_MAYBE;
    return in.p[at] == ' ' || in.p[at] == '\r' || in.p[at] == '\n' ? TL_HTTP1_YES : TL_HTTP1_NO;
}

/* A target (RFC 9112 section 3.2): "/...", "*", a URI, host:port.  Not those of RTSP and SIP, whose requests look alike. */
static bool other_scheme(tl_span target)
{
    static const char *const others[] = {"rtsp:", "rtspu:", "rtsps:", "sip:", "sips:", "tel:"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        size_t n = strlen(others[i]);
        if (target.n >= n && strncasecmp((const char *)target.p, others[i], n) == 0) return true;
    }
    return false;
}

tl_http1_start tl_http1_request_line(tl_span in)
{
    bool cut;
    if (in.n == 0) return TL_HTTP1_MAYBE;
    size_t at = tl_http1_method(in, &cut);
    if (at == 0) return cut ? TL_HTTP1_MAYBE : TL_HTTP1_NO;
    if (at == in.n) return TL_HTTP1_MAYBE;
    size_t target = ++at; /* behind the space */
    while (at < in.n && in.p[at] > ' ' && in.p[at] != 0x7f && at - target <= TL_HTTP1_REQUEST_LINE_MAX) at++;
    if (other_scheme(tl_span_of(in.p + target, at - target))) return TL_HTTP1_NO;
    if (at == in.n) return TL_HTTP1_MAYBE;
    if (in.p[at] != ' ' || at == target) return TL_HTTP1_NO;
    at++;
    tl_http1_start v = version(tl_span_of(in.p + at, in.n - at), false);
    if (v != TL_HTTP1_YES) return v;
    if (in.n == at + 8) return TL_HTTP1_MAYBE;
    return in.p[at + 8] == '\r' || in.p[at + 8] == '\n' ? TL_HTTP1_YES : TL_HTTP1_NO;
}

/* The line [0, n) without its LF and a CR before that. */
static tl_span stripped(const uint8_t *p, size_t n)
{
    if (n > 0 && p[n - 1] == '\r') n--;
    return tl_span_of(p, n);
}

static tl_span trimmed(tl_span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s.p++, s.n--;
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* METHOD target HTTP/1.x, with any token as the method; spaces within a target are wrong but happen. */
static bool split_request_line(tl_span line, tl_http1_head *out)
{
    size_t m = 0, end = line.n;
    while (m < line.n && m <= TL_HTTP1_METHOD_MAX && is_token(line.p[m])) m++;
    if (m == 0 || m > TL_HTTP1_METHOD_MAX || m == line.n || line.p[m] != ' ') return false;
    while (end > 0 && line.p[end - 1] != ' ') end--;
    if (end < m + 3 || version(tl_span_of(line.p + end, line.n - end), false) != TL_HTTP1_YES || line.n - end != 8) return false;
    out->method = tl_span_of(line.p, m);
    out->target = tl_span_of(line.p + m + 1, end - 1 - (m + 1));
    out->version = tl_span_of(line.p + end + 5, 3);
    for (size_t i = 0; i < out->target.n; i++)
        if (out->target.p[i] < ' ' || out->target.p[i] == 0x7f) return false;
    out->line = tl_span_of(line.p, end - 1);
    return !other_scheme(out->target);
}

static bool split_status_line(tl_span line, tl_http1_head *out)
{
    /* Behind the line's own end a CR or LF followed, which the check wants to see. */
    if (tl_http1_status_line(tl_span_of(line.p, line.n + 1)) != TL_HTTP1_YES) return false;
    bool icy = line.p[0] == 'I';
    size_t at = icy ? 3 : 8;
    out->version = icy ? tl_span_of(line.p, 3) : tl_span_of(line.p + 5, 3);
    out->line = tl_span_of(line.p + at + 1, line.n - at - 1);
    const uint8_t *d = line.p + at + 1;
    out->status = (unsigned)(d[0] - '0') * 100 + (unsigned)(d[1] - '0') * 10 + (unsigned)(d[2] - '0');
    out->reason = out->line.n > 4 ? tl_span_of(d + 4, out->line.n - 4) : tl_span_of(NULL, 0);
    return true;
}

/* name ":" value; the spaces before the colon that RFC 9112 section 5.1 forbids are seen and let pass. */
static bool split_field(tl_span line, tl_span *name, tl_span *value)
{
    size_t n = 0;
    while (n < line.n && line.p[n] > ' ' && line.p[n] < 0x7f && line.p[n] != ':') n++;
    if (n == 0) return false;
    *name = tl_span_of(line.p, n);
    while (n < line.n && (line.p[n] == ' ' || line.p[n] == '\t')) n++;
    if (n == line.n || line.p[n] != ':') return false;
    *value = trimmed(tl_span_of(line.p + n + 1, line.n - n - 1));
    return true;
}

tl_http1_end tl_http1_head_end(tl_span in, bool response, size_t scanned)
{
    tl_http1_end bad = {.found = TL_HTTP1_BAD};
    size_t blank = tl_http1_blank(in), line_max = response ? TL_HTTP1_STATUS_LINE_MAX : TL_HTTP1_REQUEST_LINE_MAX;
    tl_http1_head h = {0};
    if (scanned < blank || scanned > in.n) scanned = blank;
    if (blank < in.n) { /* say no as soon as the first bytes do */
        tl_span rest = tl_span_of(in.p + blank, in.n - blank);
        if (response && tl_http1_status_line(rest) == TL_HTTP1_NO) return bad;
        if (!response && !is_token(rest.p[0])) return bad;
    }
    for (;;) {
        /* While no line has ended yet, only so far as a start line may reach. */
        size_t reach = scanned == blank ? blank + line_max + 2 : TL_HTTP1_HEAD_MAX;
        if (reach > in.n) reach = in.n;
        const uint8_t *lf = scanned < reach ? memchr(in.p + scanned, '\n', reach - scanned) : NULL;
        if (lf == NULL) break;
        size_t end = (size_t)(lf - in.p);
        const uint8_t *before = end > blank ? memrchr(in.p + blank, '\n', end - blank) : NULL;
        size_t start = before != NULL ? (size_t)(before - in.p) + 1 : blank;
        tl_span line = stripped(in.p + start, end - start), name, value;
        scanned = end + 1;
        if (start == blank) {
            bool good = line.n <= line_max && (response ? split_status_line(line, &h) : split_request_line(line, &h));
            if (!good) return bad;
        } else if (line.n == 0) {
            return (tl_http1_end){.found = TL_HTTP1_WHOLE, .length = scanned};
        } else if (line.p[0] != ' ' && line.p[0] != '\t' && !split_field(line, &name, &value)) {
            /* A head that begins before this line would have it as a field, too. */
            bad.skip = start;
            return bad;
        }
    }
    if (in.n - blank > line_max + 1 && memchr(in.p + blank, '\n', line_max + 2) == NULL) return bad;
    if (in.n >= TL_HTTP1_HEAD_MAX) {
        const uint8_t *lf = memrchr(in.p, '\n', TL_HTTP1_HEAD_MAX);
        bad.skip = lf != NULL ? (size_t)(lf - in.p) : 0;
        return bad;
    }
    return (tl_http1_end){.found = TL_HTTP1_PART, .scanned = in.n};
}

/* ---- fields ---- */

static bool is(tl_span name, const char *want)
{
    return name.n == strlen(want) && strncasecmp((const char *)name.p, want, name.n) == 0;
}

/* 1*DIGIT, or a list of equal ones (RFC 9110 section 8.6). */
static bool content_length(tl_span value, uint64_t *out)
{
    size_t i = 0;
    bool first = true;
    do {
        uint64_t n = 0;
        size_t digits = 0;
        while (i < value.n && (value.p[i] == ' ' || value.p[i] == '\t')) i++;
        for (; i < value.n && is_digit(value.p[i]); i++, digits++) {
            if (n > (uint64_t)INT64_MAX / 10 - 1) return false;
            n = n * 10 + (uint64_t)(value.p[i] - '0');
        }
        while (i < value.n && (value.p[i] == ' ' || value.p[i] == '\t')) i++;
        if (digits == 0 || (i < value.n && value.p[i] != ',') || (!first && n != *out)) return false;
        *out = n;
        first = false;
    } while (i++ < value.n);
    return true;
}

/* The last coding of a Transfer-Encoding list, without parameters. */
static tl_span last_coding(tl_span value)
{
    size_t from = value.n;
    while (from > 0 && value.p[from - 1] != ',') from--;
    tl_span last = tl_span_of(value.p + from, value.n - from);
    const uint8_t *semi = last.n > 0 ? memchr(last.p, ';', last.n) : NULL;
    if (semi != NULL) last.n = (size_t)(semi - last.p);
    return trimmed(last);
}

static void note_field(tl_http1_head *h, tl_span name, tl_span value)
{
    static const struct {
        const char *name;
        size_t where;
    } kept[] = {
        {"host", offsetof(tl_http1_head, host)},
        {"content-type", offsetof(tl_http1_head, content_type)},
        {"content-encoding", offsetof(tl_http1_head, content_encoding)},
        {"user-agent", offsetof(tl_http1_head, user_agent)},
        {"referer", offsetof(tl_http1_head, referer)},
        {"location", offsetof(tl_http1_head, location)},
        {"upgrade", offsetof(tl_http1_head, upgrade)},
    };
    if (is(name, "content-length")) {
        uint64_t n = 0;
        bool good = content_length(value, &n) && (!h->has_content_length || n == h->content_length);
        h->has_content_length = true;
        h->content_length = n;
        if (h->body == TL_HTTP1_NONE || h->body == TL_HTTP1_COUNTED) h->body = good ? TL_HTTP1_COUNTED : TL_HTTP1_BAD_LENGTH;
    } else if (is(name, "transfer-encoding")) { /* over Content-Length: RFC 9112 section 6.3 */
        h->transfer_encoding = value;
        h->body = is(last_coding(value), "chunked") ? TL_HTTP1_CHUNKED : TL_HTTP1_OTHER_CODING;
    } else {
        for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
            if (is(name, kept[i].name)) memcpy((uint8_t *)h + kept[i].where, &value, sizeof value);
    }
}

bool tl_http1_head_parse(tl_span in, bool response, tl_http1_head *out)
{
    size_t at = tl_http1_blank(in);
    bool started = false;
    memset(out, 0, sizeof *out);
    out->response = response;
    while (at < in.n) {
        const uint8_t *lf = memchr(in.p + at, '\n', in.n - at);
        if (lf == NULL) break;
        tl_span line = stripped(in.p + at, (size_t)(lf - in.p) - at), name, value;
        at = (size_t)(lf - in.p) + 1;
        if (!started) {
            started = response ? split_status_line(line, out) : split_request_line(line, out);
            if (!started) return false;
            continue;
        }
        if (line.n == 0) break;
        /* A folded line (RFC 9112 section 5.2) continues a value; what we keep are the values' first lines. */
        if (line.p[0] != ' ' && line.p[0] != '\t' && split_field(line, &name, &value)) note_field(out, name, value);
    }
    return started;
}
