/*
** pop3.c - POP3 (RFC 1939, 2449, 2595, 5034): commands and responses.
**
** A command is a line; a response is one that begins with +OK or -ERR, and for LIST, UIDL, AUTH (all without arguments), RETR, TOP and CAPA
** goes on, when it is +OK, to a line with a dot alone (RFC 1939 section 3).  Where the command is not known the next line tells: it is the
** next response, or belongs to this one.  A hole in what goes on is counted as missing.  A line that begins with "+ " asks for more of an
** AUTH (RFC 5034 section 4).  +OK to STLS is the last message before TLS (RFC 2595 section 4).
** What is behind PASS, the digest of APOP, and what AUTH sends are secrets and not shown.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { LINE_MOST = 12 << 10, SHOWN = 512 };
enum { TAG_UNKNOWN = 1, TAG_ONE_LINE, TAG_MANY_LINES, TAG_STLS };
enum { COMMAND, AUTH, RESPONSE };

struct pop3 {
    uint8_t responses; /* 0: not known; else 1 + the direction of the responses */
    uint8_t last[2];   /* what began last, for describe() */
    bool greeted;      /* a response has been seen, or its place has passed */
    bool in_lines;     /* a response goes on */
    bool mid_line;     /* and within a line, which is a very long one */
    bool holed;        /* and a hole is in it */
    bool spoken;       /* and the client has sent a command since it began: with a hole in it, it may be over */
    bool auth_next;    /* the client's next line answers "+ " */
    bool auth;         /* AUTH has been seen */
};

static const struct {
    const char *text;
    uint8_t bare, with_argument; /* tags */
} commands[] = {
    {"USER", TAG_ONE_LINE, TAG_ONE_LINE},     {"PASS", TAG_ONE_LINE, TAG_ONE_LINE},     {"APOP", TAG_ONE_LINE, TAG_ONE_LINE},
    {"AUTH", TAG_MANY_LINES, TAG_ONE_LINE},   {"CAPA", TAG_MANY_LINES, TAG_MANY_LINES}, {"STLS", TAG_STLS, TAG_STLS},
    {"STAT", TAG_ONE_LINE, TAG_ONE_LINE},     {"LIST", TAG_MANY_LINES, TAG_ONE_LINE},   {"UIDL", TAG_MANY_LINES, TAG_ONE_LINE},
    {"RETR", TAG_MANY_LINES, TAG_MANY_LINES}, {"TOP", TAG_MANY_LINES, TAG_MANY_LINES},  {"DELE", TAG_ONE_LINE, TAG_ONE_LINE},
    {"NOOP", TAG_ONE_LINE, TAG_ONE_LINE},     {"RSET", TAG_ONE_LINE, TAG_ONE_LINE},     {"QUIT", TAG_ONE_LINE, TAG_ONE_LINE},
    {"LAST", TAG_ONE_LINE, TAG_ONE_LINE},     {"UTF8", TAG_ONE_LINE, TAG_ONE_LINE},     {"LANG", TAG_MANY_LINES, TAG_ONE_LINE},
    {"XTND", TAG_ONE_LINE, TAG_ONE_LINE},
};
enum { COMMANDS_N = sizeof commands / sizeof *commands };

static size_t command_in(tl_span b, bool *cut)
{
    *cut = false;
    for (size_t i = 0; i < COMMANDS_N; i++) {
        size_t n = strlen(commands[i].text);
        if (!tl_may_start_word(b, commands[i].text)) continue;
        if (b.n <= n)
            *cut = true;
        else if (b.p[n] == ' ' || b.p[n] == '\r' || b.p[n] == '\n')
            return i;
    }
    return COMMANDS_N;
}

static bool may_be_command(tl_span b)
{
    bool cut;
    return command_in(b, &cut) < COMMANDS_N || cut;
}

/* "+OK" or "-ERR" and a space or the line's end, or "+ ". */
static bool may_be_response(tl_span b)
{
    if (!tl_may_begin(b, "+OK") && !tl_may_begin(b, "-ERR") && !tl_may_begin(b, "+ ")) return false;
    size_t n = b.n > 0 && b.p[0] == '-' ? 4 : 3;
    return b.n <= n || (b.n > 1 && b.p[1] == ' ') || b.p[n] == ' ' || b.p[n] == '\r' || b.p[n] == '\n';
}

/* ---- probe ---- */

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    bool cut = false, usual = tl_usual_port(d, port);
    tl_span line;
    if (client.n == 0 && server.n == 0) return TL_NO;
    if (server.n > 0 && (!may_be_response(server) || tl_begins(server, "+ "))) return TL_NO;
    size_t command = client.n > 0 ? command_in(client, &cut) : COMMANDS_N;
    bool whole = tl_line(server, &line) > 0;
    if (cut && command == COMMANDS_N) return TL_MAYBE;
    /* Redis, too, says +OK, but not on this port, and not with more behind it. */
    if (client.n > 0 && command == COMMANDS_N) return !usual || !tl_is_text(tl_span_of(client.p, 1)) ? TL_NO : whole ? TL_LIKELY : TL_MAYBE;
    if (command < COMMANDS_N && server.n >= 5) return TL_YES;
    if (whole && client.n == 0 && line.n > 3 && tl_find_word(line, "POP") < line.n) return TL_YES;
    return usual && (whole || server.n == 0) ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

static bool is_verb(tl_span word)
{
    for (size_t i = 0; i < word.n; i++)
        if ((word.p[i] | 0x20) < 'a' || (word.p[i] | 0x20) > 'z') return false;
    return word.n >= 3 && word.n <= 4; /* RFC 1939 section 3 */
}

static tl_verdict measure_command(struct pop3 *s, const tl_head *in)
{
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    bool cut;
    if (l.length == 0) return l.otherwise;
    size_t which = command_in(in->bytes, &cut);
    tl_span rest = l.text, verb = tl_take_word(&rest);
    tl_verdict v = tl_as(tl_in_line(in, &l, "command"), TL_REQUEST, TAG_UNKNOWN);
    if (s->auth_next) {
        s->auth_next = false;
        s->last[in->dir] = AUTH;
        v.kind = "auth";
        v.summary = tl_span_of(in->bytes.p, 0);
        v.tag = TAG_ONE_LINE;
        return v;
    }
    if (which == COMMANDS_N && !s->auth && !is_verb(verb)) return tl_reject(0);
    if (!l.cut && which < COMMANDS_N) v.tag = rest.n > 0 ? commands[which].with_argument : commands[which].bare;
    bool auth = tl_is_word(verb, "AUTH"), one = auth || tl_is_word(verb, "APOP"), none = tl_is_word(verb, "PASS");
    if (one) {
        tl_span argument = tl_take_word(&rest);
        v.summary = tl_span_of(l.text.p, (size_t)(argument.p + argument.n - l.text.p));
    } else if (none) {
        v.summary = verb;
    } else if (which == COMMANDS_N && s->auth) {
        v.summary = tl_span_of(in->bytes.p, 0);
    }
    s->auth |= auth;
    s->last[in->dir] = which == COMMANDS_N && s->auth ? AUTH : COMMAND;
    return v;
}

/* How many bytes surely belong to the lines: up to the dot and with it (*last), or up to a response (over: which ends them, too). */
static size_t find_end(tl_span b, bool at_line, bool over, bool *last)
{
    size_t at = 0;
    *last = false;
    while (at < b.n) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        if (over && (at_line || at == 0) && may_be_response(rest)) return at;
        if (at_line && (tl_begins(rest, ".\r\n") || tl_begins(rest, ".\n"))) {
            *last = true;
            return at + (rest.p[1] == '\r' ? 3 : 2);
        }
        size_t n = tl_next_line(rest);
        if (rest.p[n - 1] != '\n') return n >= LINE_MOST ? b.n : at;
        at += n;
        at_line = true;
    }
    return at;
}

static tl_verdict measure_response(struct pop3 *s, const tl_head *in);

/* What goes on behind the first line: as many whole lines as there are. */
static tl_verdict measure_lines(struct pop3 *s, const tl_head *in)
{
    bool last, over = s->spoken && (s->holed || in->before == TL_UNKNOWN);
    size_t n = find_end(in->bytes, in->before != TL_UNKNOWN && !s->mid_line, over, &last);
    if (n == 0 && over && may_be_response(in->bytes)) return measure_response(s, in);
    if (n == 0) return tl_more(in->bytes.n + 1);
    s->in_lines = !last;
    s->holed |= in->before == TL_UNKNOWN;
    s->mid_line = in->bytes.p[n - 1] != '\n';
    return (tl_verdict){.answer = TL_FRAME, .length = n, .edge = last ? TL_LAST : 0, .elastic = true};
}

static tl_verdict measure_response(struct pop3 *s, const tl_head *in)
{
    if (!may_be_response(in->bytes)) return tl_reject(0);
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    if (l.length == 0) return l.otherwise;
    bool ok = tl_begins(l.text, "+OK"), challenge = tl_begins(l.text, "+ ");
    if (l.cut && !ok && !challenge && !tl_begins(l.text, "-ERR")) return tl_more(in->bytes.n + 1);
    tl_verdict v = tl_as(tl_in_line(in, &l, s->greeted ? "response" : "greeting"), s->greeted ? TL_RESPONSE : TL_ROLE_NONE, 0);
    if (challenge) v.kind = "challenge";
    bool many = ok && s->greeted && in->asked == TAG_MANY_LINES;
    if (ok && s->greeted && !l.cut && in->asked <= TAG_UNKNOWN && !in->ended) {
        if (in->bytes.n == l.length) return tl_more(l.length + 1);
    }
    if (ok && s->greeted && !l.cut && in->asked <= TAG_UNKNOWN && in->bytes.n > l.length)
        many = in->bytes.p[l.length] != '+' && in->bytes.p[l.length] != '-';
    s->in_lines = many && !l.cut;
    s->holed = s->mid_line = s->spoken = false;
    if (s->in_lines) {
        v.edge = TL_FIRST;
        v.elastic = true;
    }
    v.last_of_protocol = ok && !l.cut && in->asked == TAG_STLS;
    if (v.last_of_protocol) v.next = &tl_tls;
    s->auth_next = challenge;
    s->greeted = true;
    s->last[in->dir] = RESPONSE;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct pop3 *s = state, after = *s;
    bool response = s->responses != 0 ? s->responses == 1u + in->dir : in->bytes.p[0] == '+' || in->bytes.p[0] == '-';
    tl_verdict v = !response ? measure_command(&after, in) : s->in_lines ? measure_lines(&after, in) : measure_response(&after, in);
    if (v.answer != TL_FRAME) return v;
    *s = after;
    s->spoken |= !response;
    s->responses = (uint8_t)(1 + (response ? in->dir : !in->dir));
    s->greeted = true;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct pop3 *s = state;
    if (s->responses != 0 ? s->responses != 1u + dir : dir != TL_S2C) return;
    s->greeted = true;
    s->in_lines = s->mid_line = false;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct pop3 *s = state;
    bool responses = s->responses != 0 ? s->responses == 1u + in->dir : in->dir == TL_S2C;
    if (!responses && s->auth_next) return 0;
    return tl_scan_lines(in, responses ? may_be_response : may_be_command);
}

/* ---- describe ---- */

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct pop3 *s = state;
    tl_span line;
    (void)tl_line(in->bytes, &line);
    tl_span word = tl_take_word(&line);
    uint64_t number;
    switch (s->last[in->dir]) {
    case RESPONSE:
        tl_json_field(json, "status", word, 8);
        if (line.n > 0 && !tl_is_word(word, "+")) tl_json_field(json, "text", line, SHOWN);
        break;
    case COMMAND:
        tl_json_field(json, "command", word, 8);
        if (tl_is_word(word, "PASS")) break;
        tl_span argument = tl_take_word(&line);
        if (tl_is_word(word, "USER") || tl_is_word(word, "APOP"))
            tl_json_field(json, "user", argument, SHOWN);
        else if (tl_is_word(word, "AUTH"))
            tl_json_field(json, "mechanism", argument, 64);
        else if (tl_decimal(argument, &number))
            tl_json_number(json, "message", (int64_t)number);
        break;
    default: break;
    }
}

const tl_detector tl_pop3 = {
    .name = "pop3",
    .head_max = LINE_MOST + 1,
    .state_size = sizeof(struct pop3),
    .ports = {110},
    .first = TL_FIRST("++--AZaz"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
