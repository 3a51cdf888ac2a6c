/*
** redis.c - Redis' protocol, RESP 2 and 3: commands of the client, replies and pushes of the server.
** (redis.io/docs/reference/protocol-spec)
**
** A value is a line (+ - : _ # , '('), a line and as many bytes as it says and CRLF ($ ! =), or a line with a number of values to come
** (* ~ >; % and | have two for each).  A command is an array of bulk strings, or a line of words.  However deep values nest, one number is
** all that must be known: how many are still to come.  Each of them is a frame.
** Commands are pipelined and answered in order.  Pushes (RESP3's '>', and what a subscribed or monitoring connection is told) answer
** nothing. After a hole in a reply its elements look like replies: they are believed only when some command waits for an answer.
** AUTH's words, and all but the first two of any command, are not shown.
**
** RESP3's streamed strings and aggregates ("$?") are refused: no server sends them.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { LINE_MOST = 64 << 10, NAME_MOST = 64, SHOWN = 64, NUMBER_MOST = 24 };
static const uint64_t elements_most = 1u << 30, bytes_most = 1ull << 40, left_most = 1ull << 50;

struct redis {
    uint64_t left[2]; /* values still to come of the message in progress */
    uint8_t client;   /* 0: not known; else 1 + the direction of the commands */
    bool lost[2];     /* no message has begun since a hole */
    bool told;        /* SUBSCRIBE or MONITOR was asked for: what nobody asked for is a push */
};

static bool is_line_type(uint8_t c)
{
    return c != 0 && strchr("+-:_#,(", c) != NULL;
}

static bool is_bulk_type(uint8_t c)
{
    return c == '$' || c == '!' || c == '=';
}

static bool is_aggregate_type(uint8_t c)
{
    return c != 0 && strchr("*~>%|", c) != NULL;
}

enum got { BAD, SHORT, GOOD };

/* The number between a type and CRLF; *none for -1.  *end: behind the CRLF. */
static enum got number_at(tl_span b, size_t at, uint64_t *n, bool *none, size_t *end)
{
    size_t from = at + 1, i = from;
    *none = false;
    *n = 0;
    if (i < b.n && b.p[i] == '-') {
        if (i + 1 < b.n && b.p[i + 1] != '1') return BAD;
        *none = true;
        i = i + 2 < b.n ? i + 2 : b.n;
    } else {
        while (i < b.n && tl_digit(b.p[i]) && i - from < 18) *n = *n * 10 + (uint64_t)(b.p[i++] - '0');
        if (i < b.n && i == from) return BAD;
    }
    if (i == b.n) return SHORT;
    if (b.p[i] != '\r') return BAD;
    if (i + 1 == b.n) return SHORT;
    *end = i + 2;
    return b.p[i + 1] == '\n' ? GOOD : BAD;
}

/* "*n CRLF $m CRLF", as far as the bytes go; *sure: and all of it. */
static bool command_begins(tl_span b, bool *sure)
{
    uint64_t n;
    bool none;
    size_t end;
    *sure = false;
    if (b.n == 0 || b.p[0] != '*') return false;
    enum got got = number_at(b, 0, &n, &none, &end);
    if (got != GOOD) return got == SHORT;
    if (none || n == 0 || n > elements_most) return false;
    if (end == b.n) return true;
    if (b.p[end] != '$') return false;
    got = number_at(b, end, &n, &none, &end);
    *sure = got == GOOD && !none && n > 0 && n <= NAME_MOST;
    return got == SHORT || *sure;
}

static bool may_be_command(tl_span b)
{
    bool sure;
    return command_begins(b, &sure);
}

static bool may_be_value(tl_span b)
{
    uint64_t n;
    bool none;
    size_t end;
    if (b.n == 0) return true;
    if (is_bulk_type(b.p[0]) || is_aggregate_type(b.p[0]) || b.p[0] == ':') {
        bool minus = b.p[0] == ':' && b.n > 1 && b.p[1] == '-';
        enum got got = number_at(minus ? tl_span_of(b.p + 1, b.n - 1) : b, 0, &n, &none, &end);
        return got != BAD;
    }
    if (!is_line_type(b.p[0])) return false;
    if (b.n == 1) return true;
    if (b.p[0] == '_') return b.p[1] == '\r';
    if (b.p[0] == '#') return b.p[1] == 't' || b.p[1] == 'f';
    if (b.p[0] == '-') return b.p[1] >= 'A' && b.p[1] <= 'Z';
    return b.p[1] > ' ' && b.p[1] < 0x7f;
}

/* ---- probe ---- */

/* What a server mostly says first: other protocols say +OK with more behind it. */
static bool is_plain_reply(tl_span b)
{
    static const char *const lines[] = {"+OK",    "+PONG",  "+QUEUED",  "-ERR",      "-NOAUTH",
                                        "-WRONG", "-MOVED", "-LOADING", "-READONLY", "-DENIED"};
    tl_span line;
    if (tl_line(b, &line) == 0 || line.n < 2) return false;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        if (lines[i][0] == '+' ? tl_is_word(line, lines[i]) : tl_begins(line, lines[i]) && line.p[1] != ' ') return true;
    return strchr(":$*>%", line.p[0]) != NULL && tl_digit(line.p[1]);
}

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    bool usual = tl_usual_port(d, port);
    if (client.n == 0 && server.n == 0) return TL_NO;
    if (server.n > 0 && !may_be_value(server)) return TL_NO;
    if (client.n > 0 && client.p[0] == '*') {
        bool sure;
        return !command_begins(client, &sure) ? TL_NO : sure ? TL_YES : TL_MAYBE;
    }
    tl_span line;
    bool whole = tl_line(server, &line) > 0, says = whole && is_plain_reply(server);
    if (client.n == 0) return usual && says ? TL_LIKELY : TL_MAYBE;
    if (usual && tl_is_text(tl_span_of(client.p, 1))) return says ? TL_LIKELY : whole ? TL_NO : TL_MAYBE;
    bool word = tl_may_start_word(client, "PING\r\n") || tl_may_start_word(client, "INFO\r\n") || tl_may_start_word(client, "AUTH ");
    return word && server.n == 0 ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

struct value {
    enum got got;
    size_t line;    /* with its end */
    uint64_t bytes; /* behind the line, with their CRLF */
    uint64_t more;  /* values that it brings */
    bool attribute; /* it is none itself */
};

static struct value value_at(tl_span b, size_t at)
{
    struct value v = {.got = SHORT};
    bool none;
    uint64_t n;
    if (at >= b.n) return v;
    uint8_t type = b.p[at];
    if (is_line_type(type)) {
        tl_span line;
        v.line = tl_line(tl_span_of(b.p + at, b.n - at), &line);
        v.got = v.line > 0 ? GOOD : b.n - at > LINE_MOST ? BAD : SHORT;
        return v;
    }
    if (!is_bulk_type(type) && !is_aggregate_type(type)) {
        v.got = BAD;
        return v;
    }
    v.got = number_at(b, at, &n, &none, &v.line);
    if (v.got != GOOD) return v;
    v.line -= at;
    if (none) return v;
    if (n > (is_bulk_type(type) ? bytes_most : elements_most)) v.got = BAD;
    if (is_bulk_type(type)) v.bytes = n + 2;
    if (is_aggregate_type(type)) v.more = type == '%' || type == '|' ? 2 * n : n;
    v.attribute = type == '|';
    return v;
}

static tl_verdict more(const tl_head *in, size_t need)
{
    return tl_more(need > in->bytes.n ? need : in->bytes.n + 1);
}

/* A frame of `length` bytes behind which `left` values are to come. */
static tl_verdict frame(struct redis *s, const tl_head *in, uint64_t length, uint64_t left, bool first)
{
    if (left > left_most) return tl_reject(0);
    s->left[in->dir] = left;
    return (tl_verdict){.answer = TL_FRAME, .length = length, .edge = (first ? TL_FIRST : 0) | (left == 0 ? TL_LAST : 0)};
}

/* What ends the bytes of a short value is looked at. */
static enum got look_behind(tl_span b, size_t at, const struct value *v)
{
    if (v->got != GOOD || v->bytes == 0 || v->bytes > SHOWN) return v->got;
    size_t end = at + v->line + (size_t)v->bytes;
    if (b.n < end) return SHORT;
    return b.p[end - 2] == '\r' && b.p[end - 1] == '\n' ? GOOD : BAD;
}

/* A value of a message in progress. */
static tl_verdict measure_next(struct redis *s, const tl_head *in)
{
    struct value v = value_at(in->bytes, 0);
    enum got got = look_behind(in->bytes, 0, &v);
    if (got == BAD) return tl_reject(0);
    if (v.got == SHORT || (got == SHORT && !in->ended)) return more(in, v.line + (size_t)(v.got == GOOD ? v.bytes : 0));
    return frame(s, in, v.line + v.bytes, s->left[in->dir] - !v.attribute + v.more, false);
}

static tl_verdict described(const tl_head *in, tl_verdict v, const char *kind, size_t head)
{
    v.kind = kind;
    v.head_length = (uint32_t)(head < in->bytes.n ? head : in->bytes.n);
    return v;
}

static void note_command(struct redis *s, tl_span name)
{
    static const char *const telling[] = {"SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE", "MONITOR"};
    for (size_t i = 0; i < sizeof telling / sizeof *telling; i++) s->told |= tl_is_word(name, telling[i]);
}

/* The first two strings of a command: its name and, mostly, its key. */
struct command {
    size_t head; /* bytes looked at */
    enum got got;
    size_t need; /* SHORT */
    uint64_t n, length, left;
    tl_span name, key; /* the key as far as it is shown */
};

static struct command command_at(tl_span b)
{
    struct command c = {.got = BAD};
    bool none;
    size_t at;
    if (!may_be_command(b)) return c;
    c.got = number_at(b, 0, &c.n, &none, &at);
    if (c.got != GOOD) return c;
    for (uint64_t i = 0; i < 2 && i < c.n; i++) {
        struct value v = value_at(b, at);
        c.got = v.got;
        if (v.got != GOOD || b.p[at] != '$' || v.bytes == 0) {
            c.got = v.got == GOOD ? BAD : v.got;
            return c;
        }
        uint64_t shown = i == 0 || v.bytes < SHOWN ? v.bytes : SHOWN;
        at += v.line;
        if (b.n - at < shown) {
            c.got = SHORT;
            c.need = at + (size_t)shown;
            return c;
        }
        c.head = at + (size_t)shown;
        c.got = look_behind(b, at - v.line, &v);
        if (c.got != GOOD) return c;
        *(i == 0 ? &c.name : &c.key) = tl_span_of(b.p + at, (size_t)(shown < v.bytes - 2 ? shown : v.bytes - 2));
        c.length = at + v.bytes;
        at += (size_t)(i == 0 ? v.bytes : 0);
    }
    c.left = c.n > 2 ? c.n - 2 : 0;
    if (!tl_is_text(c.name)) c.got = BAD;
    return c;
}

static tl_verdict measure_command(struct redis *s, const tl_head *in)
{
    tl_span b = in->bytes;
    if (b.p[0] != '*') { /* inline: words in a line */
        tl_text_line l = tl_text_line_at(in, LINE_MOST);
        if (!((b.p[0] | 0x20) >= 'a' && (b.p[0] | 0x20) <= 'z')) return tl_reject(0);
        if (l.length == 0) return l.otherwise;
        tl_span rest = l.text, name = tl_take_word(&rest), key = tl_take_word(&rest);
        tl_verdict v = tl_as(tl_in_line(in, &l, "command"), TL_REQUEST, 1);
        v.summary = tl_is_word(name, "AUTH") ? name : tl_span_of(name.p, (size_t)(key.p + key.n - name.p));
        note_command(s, name);
        return v;
    }
    struct command c = command_at(b);
    if (c.got == BAD) return tl_reject(0);
    if (c.got == SHORT && (!in->ended || c.name.n == 0)) return more(in, c.need);
    tl_verdict v = c.got == SHORT ? frame(s, in, b.n, 1, true) : frame(s, in, c.length, c.left, true);
    if (v.answer != TL_FRAME) return v;
    v = tl_as(described(in, v, "command", c.head), TL_REQUEST, 1);
    v.summary = c.name;
    v.strong = c.got == GOOD;
    note_command(s, c.name);
    return v;
}

static tl_verdict measure_reply(struct redis *s, const tl_head *in)
{
    tl_span b = in->bytes;
    struct value v = value_at(b, 0);
    enum got got = look_behind(b, 0, &v);
    if (got == BAD || !may_be_value(b)) return tl_reject(0);
    if (v.got == SHORT || (got == SHORT && !in->ended)) return more(in, v.line + (size_t)(v.got == GOOD ? v.bytes : 0));
    bool push = b.p[0] == '>' || (s->told && in->asked == 0);
    if (s->lost[in->dir] && in->asked == 0 && !push) return tl_reject(0);
    size_t shown = v.bytes > 2 ? (v.bytes - 2 < SHOWN ? (size_t)v.bytes - 2 : SHOWN) : 0, head = v.line + shown;
    if (b.n < head && !in->ended) return more(in, head);
    tl_verdict f = described(in, frame(s, in, v.line + v.bytes, v.more + v.attribute, true), push ? "push" : "reply", head);
    if (f.answer != TL_FRAME) return f;
    if (!push) f.role = TL_RESPONSE;
    tl_span line;
    (void)tl_line(b, &line);
    f.summary = shown > 0 && b.n > v.line ? tl_span_of(b.p + v.line, b.n - v.line < shown ? b.n - v.line : shown) : line;
    return f;
}

static bool is_client(const struct redis *s, tl_dir dir)
{
    return s->client != 0 ? s->client == 1u + dir : dir == TL_C2S;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct redis *s = state, after = *s;
    uint8_t type = in->bytes.p[0];
    if (s->left[in->dir] > 0) {
        tl_verdict next = measure_next(&after, in);
        if (next.answer == TL_FRAME) *s = after;
        return next;
    }
    /* Only servers say anything but arrays and words. */
    bool only_reply = is_line_type(type) || is_bulk_type(type) || (is_aggregate_type(type) && type != '*');
    bool client = is_client(s, in->dir) && (s->client != 0 || !only_reply);
    tl_verdict v = client ? measure_command(&after, in) : measure_reply(&after, in);
    if (v.answer != TL_FRAME) return v;
    if (only_reply) after.client = (uint8_t)(1 + !in->dir);
    after.lost[in->dir] = false;
    *s = after;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct redis *s = state;
    s->left[dir] = 0;
    s->lost[dir] = true;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct redis *s = state;
    return tl_scan_lines(in, is_client(s, in->dir) ? may_be_command : may_be_value);
}

/* ---- describe ---- */

static void describe_command(tl_text *json, tl_span b)
{
    tl_span name, key = {b.p, 0};
    uint64_t words = 0;
    if (b.p[0] == '*') {
        struct command c = command_at(b);
        name = c.name;
        key = c.key;
        words = c.n;
    } else {
        tl_span line;
        (void)tl_line(b, &line);
        name = tl_take_word(&line);
        words = 1 + (line.n > 0);
        key = tl_take_word(&line);
        while (line.n > 0) {
            (void)tl_take_word(&line);
            words++;
        }
    }
    tl_json_field(json, "command", name, NAME_MOST);
    if (key.n > 0 && !tl_is_word(name, "AUTH")) tl_json_field(json, "key", key, SHOWN);
    if (words > 0) tl_json_number(json, "arguments", (int64_t)words - 1);
}

static void describe_reply(tl_text *json, tl_span b)
{
    static const char types[] = "+-:_#,($!=*~>%|";
    static const char *const names[] = {"simple_string", "error",      "integer",     "null",       "boolean",
                                        "double",        "big_number", "bulk_string", "bulk_error", "verbatim_string",
                                        "array",         "set",        "push",        "map",        "attribute"};
    const char *which = strchr(types, b.p[0]);
    struct value v = value_at(b, 0);
    if (b.p[0] == 0 || which == NULL || v.got != GOOD) return;
    const char *name = names[which - types];
    tl_json_field(json, "type", tl_span_of(name, strlen(name)), 32);
    tl_span line;
    (void)tl_line(b, &line);
    uint64_t n;
    line = tl_span_of(line.p + 1, line.n - 1);
    if (is_line_type(b.p[0]) && line.n > 0) tl_json_field(json, "value", line, 256);
    if (is_bulk_type(b.p[0]) && v.bytes > 0) tl_json_number(json, "length", (int64_t)v.bytes - 2);
    if (is_aggregate_type(b.p[0]) && tl_decimal(line, &n)) tl_json_number(json, "elements", (int64_t)n);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct redis *s = state;
    if (is_client(s, in->dir))
        describe_command(json, in->bytes);
    else
        describe_reply(json, in->bytes);
}

const tl_detector tl_redis = {
    .name = "redis",
    .head_max = LINE_MOST + SHOWN + NUMBER_MOST,
    .state_size = sizeof(struct redis),
    .ports = {6379, 6380, 26379},
    .first = TL_FIRST("!~"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
