/*
** smtp.c - SMTP and LMTP (RFC 5321, RFC 2033): commands, replies, and what is mailed.
**
** A command is a line, a reply its lines up to the one with a space behind the code (section 4.2.1); up to a hundred may be under way
** (PIPELINING, RFC 2920), so they are paired in order.  Messages of a client besides commands:
**     data    what follows 354, up to CRLF "." CRLF (section 4.1.1.4).  A hole in it is counted as missing.  Where the hole took the mark,
**             the server's next reply ends the message
**     data    BDAT with the octets that it counts (RFC 3030 section 2)
**     auth    a line that answers 334 (RFC 4954 section 4).  Neither its bytes nor those behind AUTH's mechanism are shown: they may be
**             a password
** What is left behind the hole of a reply that a hole cut, while none is owed, is no reply but a "continuation".  Where one is owed, EHLO's
** keywords tell it: no other command is answered by them, or by 250 in several lines; other lines with its code are a reply or not, and
** answer nothing for sure.
** A 220 that answers STARTTLS is the last message before TLS (RFC 3207 section 4).
**
** It does not look into mail, nor undo the doubling of dots.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { LINE_MOST = 12 << 10, /* RFC 4954 section 4.1; other lines are shorter */ REPLY_MOST = 16 << 10, VERB_MOST = 12, SHOWN = 512 };
enum { TAG_UNKNOWN = 1, TAG_OTHER, TAG_DATA, TAG_STARTTLS };

/* What the client's next bytes are. */
enum mode {
    COMMANDS,
    AUTH_ASKED, /* a line for AUTH, unless it is a command: the reply may be lost */
    AUTH_NEXT,  /* 334 has been said */
    DATA_ASKED, /* as AUTH_ASKED */
    DATA_NEXT,  /* 354 has been said */
    DATA_LOST,  /* and a hole came right then */
    IN_DATA
};
enum { COMMAND, AUTH, DATA, BDAT, REPLY };

struct smtp {
    uint8_t replies; /* 0: not known; else 1 + the direction of the replies */
    uint8_t mode;
    uint8_t last[2]; /* what began last, for describe() */
    bool greeted;    /* a reply has been seen, or its place has passed */
    bool auth;       /* AUTH has been seen: words that are no commands may be secrets */
    uint16_t cut;    /* the code of a reply of which a hole took lines; 0: of none, or commands may be missing since */
};

static const struct {
    const char *text; /* what a line begins with */
    bool whole;       /* and is, to its end */
    uint8_t tag;
} commands[] = {
    {"EHLO ", false, TAG_OTHER},      {"HELO ", false, TAG_OTHER},     {"LHLO ", false, TAG_OTHER}, {"MAIL FROM:", false, TAG_OTHER},
    {"RCPT TO:", false, TAG_OTHER},   {"DATA", true, TAG_DATA},        {"BDAT ", false, TAG_OTHER}, {"AUTH ", false, TAG_OTHER},
    {"STARTTLS", true, TAG_STARTTLS}, {"VRFY ", false, TAG_OTHER},     {"EXPN ", false, TAG_OTHER}, {"ETRN ", false, TAG_OTHER},
    {"XCLIENT ", false, TAG_OTHER},   {"XFORWARD ", false, TAG_OTHER}, {"RSET", true, TAG_OTHER},   {"QUIT", true, TAG_OTHER},
    {"NOOP", true, TAG_OTHER},        {"HELP", true, TAG_OTHER},
};
/* No other protocol has the first five; FTP has AUTH, and the last three. */
enum { COMMANDS_N = sizeof commands / sizeof *commands, SURE = 5, ALSO_FTP = 15 };

/* The command that b begins with: COMMANDS_N: none.  *cut: the bytes end before it is clear. */
static size_t command_in(tl_span b, bool *cut)
{
    *cut = false;
    for (size_t i = 0; i < COMMANDS_N; i++) {
        size_t n = strlen(commands[i].text);
        if (!tl_may_start_word(b, commands[i].text)) continue;
        if (b.n < n + commands[i].whole)
            *cut = true;
        else if (!commands[i].whole || b.p[n] == '\r' || b.p[n] == '\n')
            return i;
    }
    return COMMANDS_N;
}

static bool may_be_command(tl_span b)
{
    bool cut;
    return command_in(b, &cut) < COMMANDS_N || cut;
}

/* ---- probe ---- */

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    bool cut = false, usual = tl_usual_port(d, port);
    tl_span line;
    size_t command = client.n > 0 ? command_in(client, &cut) : COMMANDS_N;
    if (command < SURE) return TL_YES; /* whatever the server begins with */
    if (cut && command == COMMANDS_N) return TL_MAYBE;
    if (server.n > 0 && !tl_may_be_code(server)) return TL_NO;
    if (client.n > 0 && command == COMMANDS_N) return TL_NO;
    if (server.n > 0 && server.n < 4) return TL_MAYBE;
    if (client.n > 0) return usual ? TL_LIKELY : server.n == 0 ? TL_MAYBE : command < ALSO_FTP ? TL_LIKELY : TL_NO;
    if (server.n == 0) return TL_NO;
    /* A greeting need not name the protocol, and FTP's looks the same: then it is for the client to tell. */
    bool whole = tl_line(server, &line) > 0;
    if (tl_begins(server, "220") && (tl_find_word(line, "SMTP") < line.n || tl_find_word(line, "LMTP") < line.n)) return TL_YES;
    return whole && usual && tl_find_word(line, "FTP") == line.n ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

/* Bytes of in before the mark is behind them; *n: how many surely belong to the data.  True: the mark ends them. */
static bool find_mark(tl_span b, bool at_line, size_t *n)
{
    static const char mark[] = "\r\n.\r\n";
    if (at_line && b.n >= 3 && memcmp(b.p, mark + 2, 3) == 0) {
        *n = 3;
        return true;
    }
    for (size_t at = 0; at < b.n;) {
        const uint8_t *cr = memchr(b.p + at, '\r', b.n - at);
        if (cr == NULL) break;
        at = (size_t)(cr - b.p);
        size_t have = b.n - at < 5 ? b.n - at : 5;
        if (memcmp(cr, mark, have) == 0) {
            *n = have == 5 ? at + 5 : at;
            return have == 5;
        }
        at++;
    }
    *n = b.n;
    return false;
}

static tl_verdict measure_data(struct smtp *s, const tl_head *in)
{
    tl_span b = in->bytes;
    bool at_line = s->mode == DATA_NEXT || s->mode == DATA_ASKED, first = s->mode != IN_DATA;
    size_t n;
    if (at_line && b.n < 3 && memcmp(b.p, ".\r\n", b.n) == 0) return tl_more(b.n + 1);
    bool last = find_mark(b, at_line, &n);
    if (n == 0) return tl_more(b.n + 1); /* the front of a mark, perhaps */
    tl_verdict v = tl_as(tl_whole(in, n, 0, "data"), TL_REQUEST, TAG_OTHER);
    v.edge = (first ? TL_FIRST : 0) | (last ? TL_LAST : 0);
    v.elastic = v.strong = true;
    s->mode = last ? COMMANDS : IN_DATA;
    s->last[in->dir] = DATA;
    return v;
}

static bool is_verb(tl_span word)
{
    for (size_t i = 0; i < word.n; i++) {
        uint8_t c = word.p[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (i > 0 && (tl_digit(c) || c == '-')))) return false;
    }
    return word.n <= VERB_MOST;
}

/* Of AUTH only the mechanism, of words that we do not know nothing where they may be secrets. */
static tl_span shown_of(const struct smtp *s, tl_span line, bool known)
{
    tl_span rest = line, verb = tl_take_word(&rest), mechanism = tl_take_word(&rest);
    if (tl_is_word(verb, "AUTH")) return tl_span_of(line.p, (size_t)(mechanism.p + mechanism.n - line.p));
    return known || !s->auth ? line : tl_span_of(line.p, 0);
}

static tl_verdict measure_command(struct smtp *s, const tl_head *in)
{
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    bool cut;
    if (l.length == 0) return l.otherwise;
    size_t which = command_in(in->bytes, &cut);
    tl_verdict v = tl_as(tl_in_line(in, &l, "command"), TL_REQUEST,
                         which < COMMANDS_N ? commands[which].tag
                         : l.cut            ? TAG_UNKNOWN
                                            : TAG_OTHER);
    if (s->mode == AUTH_NEXT || (s->mode == AUTH_ASKED && which == COMMANDS_N)) {
        v.kind = "auth";
        v.summary = tl_span_of(in->bytes.p, 0);
        s->mode = COMMANDS;
        s->last[in->dir] = AUTH;
        return v;
    }
    tl_span rest = l.text, verb = tl_take_word(&rest);
    if (!is_verb(verb)) return tl_reject(0);
    v.summary = shown_of(s, l.text, which < COMMANDS_N);
    s->last[in->dir] = COMMAND;
    s->mode = COMMANDS;
    if (tl_is_word(verb, "AUTH")) {
        s->mode = AUTH_ASKED;
        s->auth = true;
    } else if (v.tag == TAG_DATA) {
        s->mode = DATA_ASKED;
    } else if (tl_is_word(verb, "BDAT")) {
        uint64_t octets;
        if (!l.cut && !tl_decimal(tl_take_word(&rest), &octets)) return v;
        s->last[in->dir] = BDAT;
        v.kind = "data";
        if (!l.cut) v.length += octets;
    }
    return v;
}

static void after_reply(struct smtp *s, unsigned code)
{
    switch (s->mode) {
    case AUTH_ASKED:
    case AUTH_NEXT: s->mode = COMMANDS; break;
    case DATA_ASKED:
        if (code >= 400) s->mode = COMMANDS;
        break;
    /* The end of the data is in a hole, or was not waited for. */
    case DATA_NEXT:
    case DATA_LOST:
    case IN_DATA: s->mode = COMMANDS; break;
    default: break;
    }
    if (code == 354) s->mode = DATA_NEXT;
    if (code == 334) s->mode = AUTH_NEXT;
}

/* A keyword of EHLO's answer (the IANA's registry, and what servers have besides). */
static bool is_extension(tl_span text)
{
    static const char *const names[] = {
        "SIZE",     "PIPELINING", "8BITMIME",    "STARTTLS",     "AUTH", "AUTH=LOGIN", "ENHANCEDSTATUSCODES", "DSN",    "HELP",
        "CHUNKING", "BINARYMIME", "SMTPUTF8",    "ETRN",         "VRFY", "EXPN",       "DELIVERBY",           "LIMITS", "REQUIRETLS",
        "XCLIENT",  "XFORWARD",   "MT-PRIORITY", "NO-SOLICITING"};
    tl_span word = tl_take_word(&text);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (tl_is_word(word, names[i])) return true;
    return false;
}

/* Not a reply, but lines of the one that a hole cut? */
static bool is_rest(const struct smtp *s, const tl_head *in, const tl_code_reply *r)
{
    if (r->code != s->cut) return false;
    if (!in->awaited) return true;
    tl_span text = r->text;
    (void)tl_take(&text, 3);
    bool more = text.n > 0 && text.p[0] == '-';
    (void)tl_take(&text, 1);
    return r->code == 250 && (more || is_extension(text));
}

static tl_verdict measure_reply(struct smtp *s, const tl_head *in)
{
    tl_code_reply r = tl_code_reply_at(in, REPLY_MOST, true);
    if (r.length == 0) return r.otherwise;
    bool rest = is_rest(s, in, &r), doubtful = r.code == s->cut;
    s->cut = (uint16_t)(r.goes_on ? r.code : 0);
    s->last[in->dir] = REPLY;
    if (rest) return tl_rest_of_reply(in, &r);
    bool greeting = !s->greeted && (r.code == 220 || r.code == 554 || r.code == 421);
    tl_verdict v = tl_whole(in, r.length, r.length, greeting ? "greeting" : "reply");
    if (r.cut) v.edge = TL_FIRST;
    if (!greeting) v.role = doubtful ? TL_MAYBE_RESPONSE : TL_RESPONSE;
    v.summary = r.text;
    v.last_of_protocol = !r.cut && !greeting && r.code == 220 && (in->asked == TAG_STARTTLS || in->asked <= TAG_UNKNOWN);
    if (v.last_of_protocol) v.next = &tl_tls;
    s->greeted = true;
    s->replies = (uint8_t)(1 + in->dir);
    after_reply(s, r.code);
    return v;
}

static bool is_reply(const struct smtp *s, const tl_head *in)
{
    return s->replies != 0 ? s->replies == 1u + in->dir : tl_digit(in->bytes.p[0]);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct smtp *s = state, after = *s;
    tl_verdict v;
    bool cut;
    if (is_reply(s, in)) {
        v = measure_reply(&after, in);
    } else if (s->mode >= DATA_NEXT) {
        v = measure_data(&after, in);
    } else if (s->mode == DATA_ASKED && command_in(in->bytes, &cut) == COMMANDS_N) {
        v = cut && !in->ended ? tl_more(in->bytes.n + 1) : measure_data(&after, in);
    } else {
        after.greeted = true;
        after.replies = (uint8_t)(1 + !in->dir);
        v = measure_command(&after, in);
    }
    if (v.answer == TL_FRAME) *s = after;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct smtp *s = state;
    if (s->replies == 0 ? dir == TL_S2C : s->replies == 1u + dir) {
        s->greeted = true;
        return;
    }
    s->cut = 0;
    if (s->mode == DATA_NEXT || s->mode == IN_DATA) {
        s->mode = DATA_LOST;
    } else if (s->mode != DATA_LOST) {
        s->mode = COMMANDS;
    }
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct smtp *s = state;
    bool replies = s->replies != 0 ? s->replies == 1u + in->dir : in->dir == TL_S2C;
    if (replies) return tl_scan_lines(in, tl_may_be_code);
    return s->mode == AUTH_NEXT || s->mode >= DATA_NEXT ? 0 : tl_scan_lines(in, may_be_command);
}

/* ---- describe ---- */

/* MAIL FROM:<path> or RCPT TO:<path>, and the parameters behind it (section 4.1.1.2). */
static void describe_path(tl_text *json, tl_span rest, bool mail)
{
    size_t colon = tl_find_word(rest, ":");
    (void)tl_take(&rest, colon + 1);
    rest = tl_trimmed(rest);
    size_t end = tl_find_word(rest, ">");
    bool angled = rest.n > 0 && rest.p[0] == '<' && end < rest.n;
    tl_span path = angled ? tl_span_of(rest.p + 1, end - 1) : tl_take_word(&rest);
    tl_json_field(json, mail ? "from" : "to", path, SHOWN);
    if (!angled) return;
    (void)tl_take(&rest, end + 1);
    rest = tl_trimmed(rest);
    while (rest.n > 0) {
        tl_span parameter = tl_take_word(&rest);
        uint64_t size;
        if (tl_starts_word(parameter, "SIZE=") && tl_decimal(tl_span_of(parameter.p + 5, parameter.n - 5), &size))
            tl_json_number(json, "size", (int64_t)size);
    }
}

static void describe_command(const struct smtp *s, tl_span b, tl_text *json)
{
    tl_span line, verb;
    bool cut;
    (void)tl_line(b, &line);
    if (command_in(b, &cut) == COMMANDS_N && s->auth) return;
    verb = tl_take_word(&line);
    tl_json_field(json, "command", verb, VERB_MOST);
    if (tl_is_word(verb, "MAIL") || tl_is_word(verb, "RCPT")) {
        describe_path(json, line, tl_is_word(verb, "MAIL"));
    } else if (tl_is_word(verb, "AUTH")) {
        tl_json_field(json, "mechanism", tl_take_word(&line), 64);
    } else if (tl_is_word(verb, "EHLO") || tl_is_word(verb, "HELO") || tl_is_word(verb, "LHLO")) {
        tl_json_field(json, "client", tl_trimmed(line), SHOWN);
    } else if (tl_is_word(verb, "BDAT")) {
        uint64_t octets;
        if (tl_decimal(tl_take_word(&line), &octets)) tl_json_number(json, "octets", (int64_t)octets);
        tl_json_number(json, "last", tl_is_word(tl_trimmed(line), "LAST"));
    } else if (line.n > 0) {
        tl_json_field(json, "argument", line, SHOWN);
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct smtp *s = state;
    switch (s->last[in->dir]) {
    case COMMAND:
    case BDAT: describe_command(s, in->bytes, json); break;
    case REPLY: tl_json_code_reply(json, in->bytes, REPLY_MOST, true); break;
    default: break;
    }
}

const tl_detector tl_smtp = {
    .name = "smtp",
    .head_max = REPLY_MOST,
    .state_size = sizeof(struct smtp),
    .ports = {25, 587, 465, 2525, 24},
    .first = TL_FIRST("15AZaz"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
