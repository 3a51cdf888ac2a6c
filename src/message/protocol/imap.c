/*
** imap.c - IMAP4 (RFC 3501, RFC 9051): commands, and responses tagged and untagged.
**
** A message is a line, and where that ends in {n} or {n+} the n bytes behind it and the rest of the line, which may do so again
** (RFC 3501 section 4.3, RFC 7888, RFC 3516 for ~{n}).  The bytes of a client's {n} are sent when the server agrees: another answer with
** the command's tag ends the command where it is.
** Tagged responses are paired by their tag.  Untagged ones, "+ ..." and DONE (RFC 2177) answer nothing.
** OK to STARTTLS is the last message before TLS (RFC 3501 section 6.2.1).  What LOGIN and AUTHENTICATE send as passwords is not shown.
**
** COMPRESS (RFC 4978) is not undone: what follows it is in no message.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { LINE_MOST = 16 << 10, TAG_MOST = 32, LITERAL_MOST_DIGITS = 10, SHOWN = 512 };
enum { TAG_OTHER = 1, TAG_STARTTLS };
enum part { WHOLE_NEXT = 0, LITERAL_NEXT, REST_NEXT };

struct imap {
    uint64_t literal; /* LITERAL_NEXT, of the client: its bytes */
    uint64_t id;      /* of the client's command in progress */
    uint8_t server;   /* 0: not known; else 1 + the direction of the responses */
    uint8_t part[2];  /* enum part, by direction */
    bool greeted;     /* a response has been seen, or its place has passed */
    bool auth;        /* AUTHENTICATE is under way: the client's lines without a command are secrets */
    bool idle;        /* IDLE is under way */
    bool untagged[2]; /* the last message begun is a line of the client without a tag */
};

static const char *const commands[] = {
    "CAPABILITY", "NOOP",         "LOGOUT",    "STARTTLS",    "AUTHENTICATE", "LOGIN",       "SELECT",      "EXAMINE",      "CREATE",
    "DELETE",     "RENAME",       "SUBSCRIBE", "UNSUBSCRIBE", "LIST",         "LSUB",        "STATUS",      "APPEND",       "CHECK",
    "CLOSE",      "EXPUNGE",      "SEARCH",    "FETCH",       "STORE",        "COPY",        "MOVE",        "UID",          "IDLE",
    "ENABLE",     "NAMESPACE",    "ID",        "UNSELECT",    "SORT",         "THREAD",      "GETQUOTA",    "GETQUOTAROOT", "SETQUOTA",
    "GETACL",     "SETACL",       "DELETEACL", "MYRIGHTS",    "LISTRIGHTS",   "GETMETADATA", "SETMETADATA", "XLIST",        "COMPRESS",
    "NOTIFY",     "CANCELUPDATE", "RESETKEY",  "GENURLAUTH",  "URLFETCH",
};
static const char *const states[] = {"OK", "NO", "BAD", "PREAUTH", "BYE"};

enum found { NOT, CUT, FOUND };

static enum found word_in(tl_span b, const char *const *words, size_t n)
{
    enum found found = NOT;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(words[i]);
        if (!tl_may_start_word(b, words[i])) continue;
        if (b.n <= length)
            found = CUT;
        else if (b.p[length] == ' ' || b.p[length] == '\r' || b.p[length] == '\n')
            return FOUND;
    }
    return found;
}

/* The length of the tag in front of b and the space behind it (RFC 3501 section 9: any ASTRING-CHAR but "+"); 0: none.  *cut: no space yet.
 */
static size_t tag_in(tl_span b, bool *cut)
{
    size_t n = 0;
    *cut = false;
    while (n < b.n && n <= TAG_MOST && b.p[n] > ' ' && b.p[n] < 0x7f && memchr("(){%*\"\\+", b.p[n], 8) == NULL) n++;
    *cut = n == b.n && n <= TAG_MOST;
    return n > 0 && n < b.n && n <= TAG_MOST && b.p[n] == ' ' ? n + 1 : 0;
}

static enum found command_at(tl_span b)
{
    bool cut;
    size_t tag = tag_in(b, &cut);
    if (tag == 0) return cut ? CUT : NOT;
    return word_in(tl_span_of(b.p + tag, b.n - tag), commands, sizeof commands / sizeof *commands);
}

/* "+ ...", "* ..." or a tag with its state. */
static enum found response_at(tl_span b)
{
    bool cut;
    if (b.n > 0 && (b.p[0] == '*' || b.p[0] == '+'))
        return b.n == 1 ? CUT : b.p[1] == ' ' || (b.p[0] == '+' && b.p[1] == '\r') ? FOUND : NOT;
    size_t tag = tag_in(b, &cut);
    if (tag == 0) return cut ? CUT : NOT;
    return word_in(tl_span_of(b.p + tag, b.n - tag), states, 3);
}

static bool may_be_command(tl_span b)
{
    return command_at(b) != NOT;
}

/* Of untagged ones only what IMAP says: a number or a word of letters. */
static bool may_be_response(tl_span b)
{
    enum found found = response_at(b);
    return found != NOT && (b.p[0] != '*' || b.n < 3 || tl_digit(b.p[2]) || (b.p[2] >= 'A' && b.p[2] <= 'Z'));
}

/* ---- probe ---- */

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    tl_span line;
    if (client.n == 0 && server.n == 0) return TL_NO;
    enum found command = client.n > 0 ? command_at(client) : CUT, response = server.n > 0 ? response_at(server) : CUT;
    if (response == NOT || (server.n > 0 && server.p[0] == '+')) return TL_NO;
    bool usual = tl_usual_port(d, port), whole = tl_line(server, &line) > 0;
    bool greets = whole && tl_begins(line, "* ") && word_in(tl_span_of(server.p + 2, server.n - 2), states, 5) == FOUND;
    if (greets && tl_find_word(line, "IMAP") < line.n) return TL_YES;
    if (command == FOUND && response == FOUND) return TL_YES;
    if (command == NOT && !usual) return TL_NO;
    if ((client.n > 0 && command == CUT) || (server.n > 0 && !whole)) return TL_MAYBE;
    if (command == NOT) return server.n > 0 ? TL_LIKELY : TL_MAYBE;
    return usual && (greets || command == FOUND) ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

/* The n of a {n}, {n+} or ~{n} at the end of a line; false: there is none.  *now: the bytes follow without being asked for. */
static bool literal_of(tl_span line, uint64_t *n, bool *now)
{
    if (line.n < 3 || line.p[line.n - 1] != '}') return false;
    size_t end = line.n - 1, from = end;
    *now = line.p[end - 1] == '+';
    if (*now) from = --end;
    while (from > 0 && tl_digit(line.p[from - 1])) from--;
    return from > 0 && line.p[from - 1] == '{' && end - from <= LITERAL_MOST_DIGITS && tl_decimal(tl_span_of(line.p + from, end - from), n);
}

/* What follows a line that is whole: sets what comes next in this direction and, where the literal's bytes follow at once, the length. */
static void go_on(struct imap *s, const tl_head *in, const tl_text_line *l, tl_verdict *v)
{
    uint64_t n;
    bool now, server = s->server == 1u + in->dir;
    s->part[in->dir] = WHOLE_NEXT;
    if (l->cut || !literal_of(l->text, &n, &now)) return;
    v->edge &= TL_FIRST;
    s->part[in->dir] = REST_NEXT;
    if (server || now) {
        v->length += n;
    } else if (n > 0) {
        s->part[in->dir] = LITERAL_NEXT;
        s->literal = n;
    }
}

static tl_verdict measure_rest(struct imap *s, const tl_head *in)
{
    if (s->part[in->dir] == LITERAL_NEXT) {
        s->part[in->dir] = REST_NEXT;
        return (tl_verdict){.answer = TL_FRAME, .length = s->literal};
    }
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    if (l.length == 0) return l.otherwise;
    tl_verdict v = {.answer = TL_FRAME, .length = l.length, .edge = l.cut ? 0 : TL_LAST};
    go_on(s, in, &l, &v);
    return v;
}

/* Of LOGIN the user's name, of AUTHENTICATE the mechanism, of other commands all. */
static tl_span shown_of(tl_span line)
{
    tl_span rest = line;
    (void)tl_take_word(&rest);
    tl_span verb = tl_take_word(&rest);
    if (!tl_is_word(verb, "LOGIN") && !tl_is_word(verb, "AUTHENTICATE")) return line;
    tl_span first = tl_take_word(&rest);
    return tl_span_of(line.p, (size_t)(first.p + first.n - line.p));
}

static tl_verdict measure_command(struct imap *s, const tl_head *in)
{
    bool cut;
    size_t tag = tag_in(in->bytes, &cut);
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    if (l.length == 0) return l.otherwise;
    s->untagged[in->dir] = tag == 0 || (s->auth && command_at(in->bytes) == NOT);
    if (s->untagged[in->dir]) {
        if (!s->auth && !s->idle && !tl_is_word(l.text, "DONE")) return tl_reject(0);
        tl_verdict v = tl_in_line(in, &l, tl_is_word(l.text, "DONE") ? "done" : "continuation");
        v.summary = tl_span_of(in->bytes.p, tl_is_word(l.text, "DONE") ? 4 : 0);
        s->idle = false;
        return v;
    }
    tl_span rest = tl_span_of(l.text.p + tag, l.text.n > tag ? l.text.n - tag : 0), verb = tl_take_word(&rest);
    for (size_t i = 0; i < verb.n; i++)
        if (!((verb.p[i] | 0x20) >= 'a' && (verb.p[i] | 0x20) <= 'z') && !tl_digit(verb.p[i]) && verb.p[i] != '-') return tl_reject(0);
    if (verb.n == 0) return l.cut ? tl_more(in->bytes.n + 1) : tl_reject(0);
    tl_verdict v = tl_as(tl_in_line(in, &l, "command"), TL_REQUEST, tl_is_word(verb, "STARTTLS") && !l.cut ? TAG_STARTTLS : TAG_OTHER);
    v.summary = shown_of(l.text);
    s->id = tl_text_id(tl_span_of(l.text.p, tag - 1));
    s->auth = tl_is_word(verb, "AUTHENTICATE");
    s->idle = tl_is_word(verb, "IDLE");
    go_on(s, in, &l, &v);
    return tl_with_id(v, s->id);
}

static tl_verdict measure_response(struct imap *s, const tl_head *in)
{
    if (response_at(in->bytes) == NOT) return tl_reject(0);
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    if (l.length == 0) return l.otherwise;
    if (response_at(in->bytes) != FOUND) return l.cut ? tl_more(in->bytes.n + 1) : tl_reject(0);
    tl_span rest = l.text, tag = tl_take_word(&rest), state = tl_take_word(&rest);
    bool star = tl_is_word(tag, "*"), plus = tl_is_word(tag, "+");
    tl_verdict v = tl_in_line(in, &l, plus ? "continue" : star ? "untagged" : "response");
    if (star && !s->greeted) v.kind = "greeting";
    go_on(s, in, &l, &v);
    if (star || plus) return v;
    uint64_t id = tl_text_id(tag);
    v = tl_with_id(tl_as(v, TL_RESPONSE, 0), id);
    v.last_of_protocol = !l.cut && tl_is_word(state, "OK") && tl_asked(in, id) == TAG_STARTTLS;
    if (v.last_of_protocol) v.next = &tl_tls;
    if (id == s->id) {
        s->auth = s->idle = false;
        if (s->part[!in->dir] == LITERAL_NEXT) s->part[!in->dir] = WHOLE_NEXT; /* refused: it will not be sent */
    }
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct imap *s = state, after = *s;
    bool server = s->server == 1u + in->dir;
    if (s->server == 0) {
        enum found response = response_at(in->bytes), command = command_at(in->bytes);
        bool open = response != FOUND && command != FOUND && (response == CUT || command == CUT);
        if (open && !in->ended && in->bytes.n < TAG_MOST + 32) return tl_more(in->bytes.n + 1);
        server = response == FOUND || (command != FOUND && in->dir == TL_S2C);
    }
    after.server = (uint8_t)(1 + (server ? in->dir : !in->dir));
    tl_verdict v = s->part[in->dir] != WHOLE_NEXT ? measure_rest(&after, in)
                   : server                       ? measure_response(&after, in)
                                                  : measure_command(&after, in);
    if (v.answer != TL_FRAME) return v;
    after.greeted = true;
    *s = after;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct imap *s = state;
    s->part[dir] = WHOLE_NEXT;
    if (s->server == 0 ? dir == TL_S2C : s->server == 1u + dir) s->greeted = true;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct imap *s = state;
    bool server = s->server != 0 ? s->server == 1u + in->dir : in->dir == TL_S2C;
    return tl_scan_lines(in, server ? may_be_response : may_be_command);
}

/* ---- describe ---- */

static void describe_response(tl_text *json, tl_span line)
{
    tl_span tag = tl_take_word(&line), rest = line, word = tl_take_word(&rest);
    uint64_t number;
    if (tl_is_word(tag, "+")) {
        return;
    } else if (!tl_is_word(tag, "*")) {
        tl_json_field(json, "tag", tag, TAG_MOST);
    } else if (tl_decimal(word, &number)) {
        tl_json_number(json, "message", (int64_t)number);
        word = tl_take_word(&rest);
        tl_json_field(json, "data", word, 64);
        return;
    }
    bool status = false;
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) status |= tl_is_word(word, states[i]);
    tl_json_field(json, status ? "status" : "data", word, 64);
    if (rest.n > 0) tl_json_field(json, "text", rest, SHOWN);
}

static void describe_command(tl_text *json, tl_span line)
{
    tl_span tag = tl_take_word(&line), verb = tl_take_word(&line);
    tl_json_field(json, "tag", tag, TAG_MOST);
    tl_json_field(json, "command", verb, 32);
    if (line.n == 0) return;
    tl_span first = line;
    first = tl_take_word(&first);
    if (first.n >= 2 && first.p[0] == '"' && first.p[first.n - 1] == '"') first = tl_span_of(first.p + 1, first.n - 2);
    if (tl_is_word(verb, "LOGIN"))
        tl_json_field(json, "user", first, SHOWN);
    else if (tl_is_word(verb, "AUTHENTICATE"))
        tl_json_field(json, "mechanism", first, 64);
    else
        tl_json_field(json, "arguments", line, SHOWN);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct imap *s = state;
    tl_span line;
    (void)tl_line(in->bytes, &line);
    if (s->server == 1u + in->dir)
        describe_response(json, line);
    else if (!s->untagged[in->dir])
        describe_command(json, line);
}

const tl_detector tl_imap = {
    .name = "imap",
    .head_max = LINE_MOST,
    .state_size = sizeof(struct imap),
    .ports = {143},
    .first = TL_FIRST("!~"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
