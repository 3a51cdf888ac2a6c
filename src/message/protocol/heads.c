/*
** heads.c - see heads.h.
*/
#include "message/protocol/heads.h"

enum { METHOD_MOST = 24, TARGET_MOST = 4 << 10, SHOWN = 1024 };

tl_head_found tl_head_at(const tl_head *in)
{
    tl_head_found h = {0};
    tl_span b = in->bytes;
    size_t at = in->seen <= b.n ? in->seen : 0; /* where the first line begins that was not whole */
    for (;;) {
        tl_span line;
        size_t n = tl_line(tl_span_of(b.p + at, b.n - at), &line);
        if (n == 0) break;
        const uint8_t *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
        if (at > 0 && line.n > 0 && line.p[0] != ' ' && line.p[0] != '\t' && (colon == NULL || colon == line.p)) {
            h.otherwise = tl_reject(at);
            return h;
        }
        at += n;
        if (line.n == 0) {
            h.length = at;
            return h;
        }
    }
    if (b.n >= TL_HEADS_MOST) {
        h.otherwise = tl_reject(at);
    } else if (in->ended) {
        h.length = b.n;
        h.cut = true;
    } else {
        h.otherwise = tl_more(b.n + 1);
        h.otherwise.seen = at;
    }
    return h;
}

tl_span tl_head_start(tl_span head)
{
    tl_span line;
    (void)tl_line(head, &line);
    return line;
}

tl_span tl_head_field(tl_span head, const char *name, const char *brief)
{
    size_t at = tl_next_line(head);
    while (at < head.n) {
        tl_span line;
        size_t n = tl_line(tl_span_of(head.p + at, head.n - at), &line);
        const uint8_t *colon = line.n > 0 ? memchr(line.p, ':', line.n) : NULL;
        if (colon != NULL) {
            tl_span key = tl_trimmed(tl_span_of(line.p, (size_t)(colon - line.p)));
            if (tl_is_word(key, name) || (brief != NULL && tl_is_word(key, brief)))
                return tl_trimmed(tl_span_of(colon + 1, line.n - (size_t)(colon + 1 - line.p)));
        }
        if (n == 0 || line.n == 0) break;
        at += n;
    }
    return (tl_span){NULL, 0};
}

void tl_json_head_field(tl_text *json, const char *member, tl_span head, const char *name, const char *brief)
{
    tl_span value = tl_head_field(head, name, brief);
    if (value.n > 0) tl_json_field(json, member, value, SHOWN);
}

tl_start tl_status_line(tl_span in, const char *version)
{
    size_t n = strlen(version);
    if (!tl_may_begin(in, version)) return TL_START_NO;
    for (size_t i = 0; i < 5; i++) {
        if (in.n == n + i) return TL_START_MAYBE;
        if (in.n < n) return TL_START_MAYBE;
        uint8_t c = in.p[n + i];
        if (i == 0 || i == 4 ? c != ' ' && (i == 0 || (c != '\r' && c != '\n')) : !tl_digit(c)) return TL_START_NO;
    }
    return TL_START_YES;
}

tl_start tl_request_line(tl_span in, const char *version)
{
    size_t at = 0, method;
    while (at < in.n && at < METHOD_MOST && ((in.p[at] >= 'A' && in.p[at] <= 'Z') || (at > 0 && in.p[at] == '_'))) at++;
    if (at == in.n) return TL_START_MAYBE;
    if (at < 3 || in.p[at] != ' ') return TL_START_NO;
    method = ++at;
    while (at < in.n && in.p[at] > ' ' && in.p[at] < 0x7f && at - method < TARGET_MOST) at++;
    if (at == in.n) return TL_START_MAYBE;
    if (at == method || in.p[at] != ' ') return TL_START_NO;
    tl_span rest = tl_span_of(in.p + at + 1, in.n - at - 1);
    size_t n = strlen(version);
    if (!tl_may_begin(rest, version)) return TL_START_NO;
    if (rest.n <= n) return TL_START_MAYBE;
    return rest.p[n] == '\r' || rest.p[n] == '\n' ? TL_START_YES : TL_START_NO;
}

bool tl_content_length(tl_span head, const char *brief, uint64_t *out)
{
    tl_span value = tl_head_field(head, "Content-Length", brief);
    return value.p != NULL && tl_decimal(value, out);
}
