/*
** http1.c - HTTP/1.0 and 1.1 (RFC 9110, RFC 9112).
**
** Frames: a message is one frame when its length is known from its head, or ends with the stream; a chunked one is its head (FIRST),
** its chunks, and the last chunk with the trailers (LAST).  RFC 9112 section 6.3 decides:
**     response to HEAD, 1xx, 204, 304              no body
**     2xx to CONNECT, 101                          no body, and what follows is another protocol: the one that the 101 names, where it is
**                                                  one we know by name, else it is detected anew
**     Transfer-Encoding that ends in chunked       chunks
**     any other Transfer-Encoding                  response: up to the close; request: not to be known
**     Content-Length that contradicts itself       response: up to the close; request: not to be known
**     Content-Length                               counted
**     neither                                      response: up to the close; request: no body
** A request whose end is not to be known is its head, incomplete, and sync is lost behind it.
**
** Requests and responses are told apart by their first bytes: which direction sends which is learned from the first head, and is then
** fixed, so that a picked-up session with swapped roles is read all the same.
**
** Where the 101 is lost, what was asked for tells what follows: HTTP/2's preface or frames, or WebSocket's masked ones, which no message of
** HTTP/1 begins like.
**
** It does not read HTTP/0.9, and it does not look into bodies.
*/
#include "message/protocol/http1_head.h"
#include "message/protocol/upgraded.h"
#include "message/registry.h"

#include <string.h>
#include <strings.h>

enum { CHUNK_LINE_MAX = 4096, TRAILERS_MAX = 16 << 10, SHOWN = 2048, YES_BYTES = 96 };
enum { TAG_OTHER = 1, TAG_HEAD, TAG_CONNECT, TAG_KIND = 3, TAG_UPGRADE = 4 };

enum upgrade { UPGRADE_NONE = 0, UPGRADE_H2C, UPGRADE_WEBSOCKET };
enum next { HEAD_NEXT = 0, CHUNK_NEXT, UNKNOWN_NEXT };

struct http1 {
    uint8_t next[2];   /* enum next, by direction */
    uint8_t responses; /* 0: not known; else 1 + the direction of the responses */
    uint8_t upgrade;   /* enum upgrade: what the latest request asked for */
};

static bool is_response(const struct http1 *s, tl_dir dir, tl_span in)
{
    size_t blank = tl_http1_blank(in);
    if (s->responses != 0) return s->responses == 1u + dir;
    /* Nothing known yet: the first letter that tells a status line from a request line, else the direction. */
    tl_span rest = tl_span_of(in.p + blank, in.n - blank);
    tl_http1_start as_response = tl_http1_status_line(rest), as_request = tl_http1_request_line(rest);
    if (as_response == TL_HTTP1_NO) return as_request == TL_HTTP1_NO && dir == TL_S2C;
    return as_request == TL_HTTP1_NO || dir == TL_S2C;
}

/* ---- probe ---- */

static tl_match probe_one(tl_span in, bool client)
{
    if (in.n == 0) return TL_MAYBE;
    size_t blank = client ? tl_http1_blank(in) : 0;
    if (blank == in.n) return TL_MAYBE;
    tl_span rest = tl_span_of(in.p + blank, in.n - blank);
    tl_http1_start response = tl_http1_status_line(rest), request = tl_http1_request_line(rest);
    if (response == TL_HTTP1_YES || request == TL_HTTP1_YES) return TL_YES;
    /* A long target: the method, a path and enough of it are proof without the line's end, whatever that is. */
    bool cut, begun = rest.n >= YES_BYTES && tl_http1_request_line(tl_span_of(rest.p, YES_BYTES)) == TL_HTTP1_MAYBE;
    size_t m = begun ? tl_http1_method(rest, &cut) : 0;
    if (m > 0 && rest.p[m + 1] == '/') return TL_YES;
    return response == TL_HTTP1_NO && request == TL_HTTP1_NO ? TL_NO : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = probe_one(in->head[TL_C2S], true), server = probe_one(in->head[TL_S2C], false);
    if (client == TL_YES || server == TL_YES) return TL_YES;
    bool waits = (client == TL_MAYBE && in->head[TL_C2S].n > 0) || (server == TL_MAYBE && in->head[TL_S2C].n > 0);
    return waits ? TL_MAYBE : TL_NO;
}

/* ---- measure ---- */

static tl_verdict more(const tl_head *in, size_t seen)
{
    return (tl_verdict){.answer = TL_MORE, .need = in->bytes.n + 1, .seen = seen};
}

static tl_verdict reject(size_t skip)
{
    return (tl_verdict){.answer = TL_REJECT, .skip = skip};
}

static int hex(uint8_t c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

/* Trailer fields from `at` up to the empty line.  *end: behind that; 0: more is needed, and *line is where the last line begins that
** is not whole.  False: these are no trailers. */
static bool trailers(tl_span in, size_t at, size_t *end, size_t *line)
{
    *end = 0;
    for (;;) {
        const uint8_t *lf = at < in.n ? memchr(in.p + at, '\n', in.n - at) : NULL;
        *line = at;
        if (lf == NULL) return in.n < TRAILERS_MAX;
        size_t n = (size_t)(lf - in.p) - at;
        if (n > 0 && in.p[at + n - 1] == '\r') n--;
        if (n > 0 && memchr(in.p + at, ':', n) == NULL) return false;
        at = (size_t)(lf - in.p) + 1;
        if (n > 0) continue;
        *end = at;
        return true;
    }
}

/* chunk-size [ ";" extensions ] CRLF data CRLF (RFC 9112 section 7.1). */
static tl_verdict measure_chunk(struct http1 *s, const tl_head *in)
{
    tl_span b = in->bytes;
    uint64_t size = 0;
    size_t at = 0;
    for (; at < b.n && hex(b.p[at]) >= 0; at++) {
        if (size > (uint64_t)INT64_MAX / 32) return reject(0);
        size = size * 16 + (uint64_t)hex(b.p[at]);
    }
    if (at == 0 && b.n > 0) return reject(0);
    if (at < b.n && b.p[at] != ';' && b.p[at] != ' ' && b.p[at] != '\t' && b.p[at] != '\r' && b.p[at] != '\n') return reject(0);
    const uint8_t *lf = at < b.n ? memchr(b.p + at, '\n', b.n - at) : NULL;
    if (lf == NULL) return b.n >= CHUNK_LINE_MAX ? reject(0) : more(in, 0);
    size_t line = (size_t)(lf - b.p) + 1, end, seen;
    if (size > 0) {
        size_t eol = line >= 2 && b.p[line - 2] == '\r' ? 2 : 1;
        return (tl_verdict){.answer = TL_FRAME, .length = line + size + eol};
    }
    if (!trailers(b, in->seen > line && in->seen <= b.n ? in->seen : line, &end, &seen)) return reject(0);
    if (end == 0) return more(in, seen);
    s->next[in->dir] = HEAD_NEXT;
    return (tl_verdict){.answer = TL_FRAME, .length = end, .edge = TL_LAST};
}

/* The protocol that a 101 switches to (RFC 9110 section 7.8: a list, the lowest layer first); NULL: it has to be detected. */
static const tl_detector *upgraded(tl_span names)
{
    static const struct {
        const char *name;
        const tl_detector *detector;
    } known[] = {{"websocket", &tl_websocket}, {"h2c", &tl_http2}};
    size_t n = 0;
    while (n < names.n && names.p[n] != ',' && names.p[n] != ' ' && names.p[n] != '/') n++;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (n == strlen(known[i].name) && strncasecmp((const char *)names.p, known[i].name, n) == 0) return known[i].detector;
    return NULL;
}

/* A 101.  The answer to the request comes in HTTP/2, on stream 1 (RFC 7540 section 3.2); WebSocket has none but this one. */
static void switches(const tl_http1_head *h, tl_verdict *v)
{
    v->last_of_protocol = true;
    v->next = upgraded(h->upgrade);
    v->next_id = v->next == &tl_http2 ? 1 : 0;
    v->role = v->next_id != 0 ? TL_INTERIM : TL_RESPONSE;
}

/* RFC 9112 section 6.3.  Sets length and edge of v, and what comes next. */
static void measure_body(struct http1 *s, const tl_head *in, const tl_http1_head *h, tl_verdict *v)
{
    bool final = h->response && h->status >= 200;
    v->edge = TL_WHOLE;
    if (h->response) {
        v->role = final ? TL_RESPONSE : TL_INTERIM;
        v->last_of_protocol = (in->asked & TAG_KIND) == TAG_CONNECT && h->status >= 200 && h->status < 300;
        if (h->status == 101) switches(h, v);
        if (final && (in->asked & TAG_UPGRADE) != 0) s->upgrade = UPGRADE_NONE; /* refused */
        if (!final || v->last_of_protocol || (in->asked & TAG_KIND) == TAG_HEAD || h->status == 204 || h->status == 304) return;
    }
    switch (h->body) {
    case TL_HTTP1_CHUNKED:
        s->next[in->dir] = CHUNK_NEXT;
        v->edge = TL_FIRST;
        break;
    case TL_HTTP1_COUNTED: v->length += h->content_length; break;
    case TL_HTTP1_NONE:
        if (h->response) v->length = TL_TO_CLOSE;
        break;
    case TL_HTTP1_OTHER_CODING:
    case TL_HTTP1_BAD_LENGTH:
        if (h->response) {
            v->length = TL_TO_CLOSE;
        } else {
            s->next[in->dir] = UNKNOWN_NEXT;
            v->edge = TL_FIRST;
        }
        break;
    }
}

/* The protocol that a request asked to switch to begins here, though its 101 was not seen.  False: nothing speaks for it. */
static bool switched(const struct http1 *s, const tl_head *in, bool response, tl_verdict *v)
{
    tl_match h2 = TL_NO, ws = TL_NO;
    if (!response) h2 = tl_http2_client_begins(in->bytes);
    if (response && s->upgrade == UPGRADE_H2C) h2 = tl_http2_server_begins(in->bytes);
    if (!response && s->upgrade == UPGRADE_WEBSOCKET) ws = tl_websocket_client_begins(in->bytes);
    if (h2 == TL_YES) *v = (tl_verdict){.answer = TL_REJECT, .next = &tl_http2, .next_id = 1, .tag = TAG_UPGRADE};
    if (ws == TL_YES) *v = (tl_verdict){.answer = TL_REJECT, .next = &tl_websocket};
    if (h2 == TL_YES || ws == TL_YES) return true;
    if ((h2 != TL_MAYBE && ws != TL_MAYBE) || in->ended) return false;
    *v = more(in, 0);
    return true;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct http1 *s = state;
    if (s->next[in->dir] == UNKNOWN_NEXT) return reject(0);
    if (s->next[in->dir] == CHUNK_NEXT) return measure_chunk(s, in);

    tl_verdict other;
    bool response = is_response(s, in->dir, in->bytes);
    if (switched(s, in, response, &other)) return other;
    tl_http1_end end = tl_http1_head_end(in->bytes, response, in->seen);
    tl_http1_head h;
    if (end.found == TL_HTTP1_BAD) return reject(end.skip);
    if (end.found == TL_HTTP1_PART && !in->ended) return more(in, end.scanned);
    size_t length = end.found == TL_HTTP1_PART ? in->bytes.n : end.length;
    if (!tl_http1_head_parse(tl_span_of(in->bytes.p, length), response, &h)) return more(in, end.scanned);
    tl_verdict v = {.answer = TL_FRAME, .length = length, .head_length = (uint32_t)length, .summary = h.line};
    v.kind = response ? "response" : "request";
    if (!response) {
        bool head = h.method.n == 4 && memcmp(h.method.p, "HEAD", 4) == 0,
             connect = h.method.n == 7 && memcmp(h.method.p, "CONNECT", 7) == 0;
        v.role = TL_REQUEST;
        const tl_detector *next = upgraded(h.upgrade);
        s->upgrade = next == &tl_http2 ? UPGRADE_H2C : next == &tl_websocket ? UPGRADE_WEBSOCKET : UPGRADE_NONE;
        v.tag = (head ? TAG_HEAD : connect ? TAG_CONNECT : TAG_OTHER) | (s->upgrade != UPGRADE_NONE ? TAG_UPGRADE : 0);
    }
    if (end.found == TL_HTTP1_PART) { /* cut by a hole or the end: what there is of it names the message */
        v.edge = TL_FIRST;
        v.role = response ? (h.status >= 200 ? TL_RESPONSE : TL_INTERIM) : TL_REQUEST;
        s->next[in->dir] = UNKNOWN_NEXT;
        if (response && h.status == 101) { /* what it named before it was cut follows all the same */
            switches(&h, &v);
            v.last_of_protocol = v.next != NULL;
        }
        return v;
    }
    v.strong = true;
    s->responses = (uint8_t)(1 + (response ? in->dir : !in->dir));
    measure_body(s, in, &h, &v);
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct http1 *)state)->next[dir] = HEAD_NEXT;
}

/* ---- resync ---- */

static size_t find_status_line(tl_span in)
{
    for (size_t at = 0; at < in.n;) {
        const uint8_t *p = memchr(in.p + at, 'H', in.n - at);
        if (p == NULL) return in.n;
        at = (size_t)(p - in.p);
        if (tl_http1_status_line(tl_span_of(p, in.n - at)) != TL_HTTP1_NO) return at;
        at++;
    }
    return in.n;
}

/* Bodies need not end in a line end, so a request line may begin anywhere: it is found by the space behind its method. */
static size_t find_request_line(tl_span in)
{
    size_t at = 0;
    while (at < in.n) {
        const uint8_t *space = memchr(in.p + at, ' ', in.n - at);
        if (space == NULL) break;
        size_t end = (size_t)(space - in.p), m = tl_http1_method_before(in.p, end);
        if (m > 0 && m <= end && tl_http1_request_line(tl_span_of(space - m, in.n - (end - m))) != TL_HTTP1_NO) return end - m;
        at = end + 1;
    }
    /* A method that the end cuts. */
    size_t tail = in.n > TL_HTTP1_METHOD_MAX ? in.n - TL_HTTP1_METHOD_MAX : 0;
    for (size_t i = tail; i < in.n; i++) {
        bool cut;
        tl_span rest = tl_span_of(in.p + i, in.n - i);
        if (tl_http1_method(rest, &cut) == rest.n || cut) return i;
    }
    return in.n;
}

/* Frames of HTTP/2 in the first bytes of `in`, or what is behind them. */
static size_t find_http2(tl_span first, tl_span in)
{
    for (size_t at = 0; at < first.n; at++) {
        const uint8_t *zero = memchr(in.p + at, 0, first.n - at);
        if (zero == NULL) return first.n;
        at = (size_t)(zero - in.p);
        if (tl_http2_server_begins(tl_span_of(zero, in.n - at)) != TL_NO) return at;
    }
    return first.n;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct http1 *s = state;
    bool response = s->responses != 0 ? s->responses == 1u + in->dir : in->dir == TL_S2C;
    if (!response) return find_request_line(in->bytes);
    size_t at = find_status_line(in->bytes);
    return s->upgrade == UPGRADE_H2C ? find_http2(tl_span_of(in->bytes.p, at), in->bytes) : at;
}

/* ---- describe ---- */

static void text(tl_text *json, const char *name, tl_span value)
{
    if (value.n > 0) tl_json_field(json, name, value, SHOWN);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    tl_http1_head h;
    const struct http1 *s = state;
    bool response = s->responses != 0 ? s->responses == 1u + in->dir : is_response(s, in->dir, in->bytes);
    if (!tl_http1_head_parse(in->bytes, response, &h)) return;
    text(json, "method", h.method);
    text(json, "target", h.target);
    text(json, "host", h.host);
    text(json, "version", h.version);
    if (response) tl_json_number(json, "status", (int64_t)h.status);
    text(json, "reason", h.reason);
    text(json, "content_type", h.content_type);
    if (h.has_content_length && (h.body == TL_HTTP1_COUNTED || h.transfer_encoding.n > 0))
        tl_json_number(json, "content_length", (int64_t)h.content_length);
    text(json, "content_encoding", h.content_encoding);
    text(json, "transfer_encoding", h.transfer_encoding);
    text(json, "user_agent", h.user_agent);
    text(json, "referer", h.referer);
    text(json, "location", h.location);
    text(json, "upgrade", h.upgrade);
}

const tl_detector tl_http1 = {
    .name = "http",
    .head_max = TL_HTTP1_HEAD_MAX,
    .state_size = sizeof(struct http1),
    .first = TL_FIRST("\n\n\r\rAZ"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
