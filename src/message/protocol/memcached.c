/*
** memcached.c - memcached's text protocol (its doc/protocol.txt): commands and responses.
**
** A command is a line; those that store are followed by as many bytes as their fifth word says (meta: the third) and CRLF.  A response is a
** line, or values ("VALUE key flags bytes", the bytes, CRLF) and statistics up to END, which are frames of one message.
** Responses come in order.  A command with "noreply", or a quiet meta command, asks for none; meta commands with an opaque token
** (flag O) are paired by that.
** After a hole in a response the rest of it is believed to be one only when some command waits for an answer.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { LINE_MOST = 8 << 10, KEY_MOST = 250, META_KEY_MOST = 340, WORDS = 8 };

struct memcached {
    uint8_t client;    /* 0: not known; else 1 + the direction of the commands */
    bool in_values[2]; /* a response goes on */
    bool lost[2];      /* no message has begun since a hole */
};

enum shape { PLAIN, STORES, KEYED, META, META_STORES };

static const struct {
    const char *word; /* and a space, but for PLAIN ones without words behind them */
    enum shape shape;
} commands[] = {
    {"get", KEYED},
    {"gets", KEYED},
    {"gat", KEYED},
    {"gats", KEYED},
    {"set", STORES},
    {"add", STORES},
    {"cas", STORES},
    {"replace", STORES},
    {"append", STORES},
    {"prepend", STORES},
    {"delete", KEYED},
    {"incr", KEYED},
    {"decr", KEYED},
    {"touch", KEYED},
    {"mg", META},
    {"ms", META_STORES},
    {"md", META},
    {"ma", META},
    {"me", META},
    {"mn", PLAIN},
    {"stats", PLAIN},
    {"version", PLAIN},
    {"flush_all", PLAIN},
    {"verbosity", PLAIN},
    {"quit", PLAIN},
    {"slabs", PLAIN},
    {"lru", PLAIN},
    {"watch", PLAIN},
    {"cache_memlimit", PLAIN},
};
enum { COMMANDS_N = sizeof commands / sizeof *commands };

static size_t command_in(tl_span b, bool *cut)
{
    *cut = false;
    for (size_t i = 0; i < COMMANDS_N; i++) {
        size_t n = strlen(commands[i].word);
        if (!tl_may_begin(b, commands[i].word)) continue;
        if (b.n <= n)
            *cut = true;
        else if (b.p[n] == ' ' || (commands[i].shape == PLAIN && (b.p[n] == '\r' || b.p[n] == '\n')))
            return i;
    }
    return COMMANDS_N;
}

/* Responses: words of capitals, and numbers alone (of incr and decr). */
static const char *const responses[] = {"VALUE ",
                                        "END\r\n",
                                        "STORED\r\n",
                                        "NOT_STORED\r\n",
                                        "EXISTS\r\n",
                                        "NOT_FOUND\r\n",
                                        "DELETED\r\n",
                                        "TOUCHED\r\n",
                                        "OK\r\n",
                                        "ERROR\r\n",
                                        "CLIENT_ERROR ",
                                        "SERVER_ERROR ",
                                        "VERSION ",
                                        "STAT ",
                                        "HD",
                                        "VA ",
                                        "EN\r\n",
                                        "NF",
                                        "NS",
                                        "EX",
                                        "MN\r\n",
                                        "ME ",
                                        "RESET\r\n",
                                        "BUSY "};
enum { RESPONSES_N = sizeof responses / sizeof *responses };

static bool may_be_response(tl_span b)
{
    for (size_t i = 0; i < RESPONSES_N; i++) {
        size_t n = strlen(responses[i]);
        if (!tl_may_begin(b, responses[i])) continue;
        if (n > 2 || b.n <= 2 || b.p[2] == ' ' || b.p[2] == '\r') return true;
    }
    size_t digits = 0;
    while (digits < b.n && digits < 21 && tl_digit(b.p[digits])) digits++;
    if (digits == 0 || digits >= 21) return false;
    while (digits < b.n && b.p[digits] == ' ') digits++;
    return digits == b.n || b.p[digits] == '\r';
}

static bool may_be_command(tl_span b)
{
    bool cut;
    return command_in(b, &cut) < COMMANDS_N || cut;
}

/* The words of a line, at most WORDS of them; returns how many. */
static size_t split(tl_span line, tl_span *words)
{
    size_t n = 0;
    while (n < WORDS && line.n > 0) {
        tl_span word = tl_take_word(&line);
        if (word.n == 0) continue;
        words[n++] = word;
    }
    return n;
}

/* The last word of a line. */
static tl_span last_word(tl_span line)
{
    line = tl_trimmed(line);
    size_t from = line.n;
    while (from > 0 && line.p[from - 1] != ' ') from--;
    return tl_span_of(line.p + from, line.n - from);
}

/* The bytes behind a storing command's line; false: that is no such line. */
static bool stored_bytes(enum shape shape, tl_span line, uint64_t *n)
{
    tl_span words[WORDS];
    size_t count = split(line, words), at = shape == STORES ? 4 : 2;
    uint64_t flags;
    if (count <= at || words[1].n > META_KEY_MOST || !tl_decimal(words[at], n)) return false;
    return shape != STORES || tl_decimal(words[2], &flags);
}

/* ---- probe ---- */

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    bool cut = false, usual = tl_usual_port(d, port);
    tl_span line, answer;
    uint64_t n;
    if (client.n == 0 && server.n == 0) return TL_NO;
    if (server.n > 0 && !may_be_response(server)) return TL_NO;
    size_t which = client.n > 0 ? command_in(client, &cut) : COMMANDS_N;
    if (client.n > 0 && which == COMMANDS_N) return cut ? TL_MAYBE : TL_NO;
    bool asks = tl_line(client, &line) > 0, answers = tl_line(server, &answer) > 0;
    if (asks && commands[which].shape == STORES) return stored_bytes(STORES, line, &n) ? TL_YES : TL_NO;
    if (asks && answers && !tl_digit(server.p[0])) return TL_YES;
    if (client.n == 0 && answers && tl_begins(answer, "VALUE ")) {
        tl_span words[WORDS];
        size_t count = split(answer, words);
        if (count >= 4 && count <= 5 && tl_decimal(words[2], &n) && tl_decimal(words[3], &n)) return TL_YES;
    }
    return usual && (asks || client.n == 0) && (answers || server.n == 0) ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

/* A meta line's flag that begins with that letter; n 0: none. */
static tl_span meta_flag(tl_span line, char letter)
{
    (void)tl_take_word(&line);
    while (line.n > 0) {
        tl_span word = tl_take_word(&line);
        if (word.n > 0 && word.p[0] == (uint8_t)letter) return word;
    }
    return tl_span_of(line.p, 0);
}

static tl_verdict measure_command(const tl_head *in)
{
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    bool cut;
    uint64_t bytes = 0;
    size_t which = command_in(in->bytes, &cut);
    if (which == COMMANDS_N && !cut) return tl_reject(0);
    if (l.length == 0) return l.otherwise;
    if (which == COMMANDS_N) return l.cut ? tl_more(in->bytes.n + 1) : tl_reject(0);
    enum shape shape = commands[which].shape;
    tl_verdict v = tl_as(tl_in_line(in, &l, "command"), TL_REQUEST, 1);
    if (l.cut) return v;
    bool meta = shape == META || shape == META_STORES, stores = shape == STORES || shape == META_STORES;
    if (stores && !stored_bytes(shape, l.text, &bytes)) return tl_reject(0);
    if (stores) v.length += bytes + 2;
    tl_span opaque = meta ? meta_flag(l.text, 'O') : tl_span_of(l.text.p, 0);
    if (opaque.n > 1) v = tl_with_id(v, tl_text_id(opaque));
    bool quiet = meta ? opaque.n == 0 && meta_flag(l.text, 'q').n == 1 : tl_is_word(last_word(l.text), "noreply");
    if (quiet || tl_is_word(l.text, "quit")) v.role = TL_ROLE_NONE;
    return v;
}

static tl_verdict measure_response(struct memcached *s, const tl_head *in)
{
    bool first = !s->in_values[in->dir];
    if (!may_be_response(in->bytes)) return tl_reject(0);
    if (first && s->lost[in->dir] && in->asked == 0) return tl_reject(0);
    tl_text_line l = tl_text_line_at(in, LINE_MOST);
    if (l.length == 0) return l.otherwise;
    tl_span words[WORDS];
    size_t n = split(l.text, words);
    if (n == 0) return tl_reject(0);
    tl_verdict v = tl_as(tl_in_line(in, &l, "response"), TL_RESPONSE, 0);
    bool value = tl_is_word(words[0], "VALUE"), stat = tl_is_word(words[0], "STAT"), meta = tl_is_word(words[0], "VA");
    uint64_t bytes = 0;
    if (!l.cut && ((value && (n < 4 || !tl_decimal(words[3], &bytes))) || (meta && (n < 2 || !tl_decimal(words[1], &bytes)))))
        return tl_reject(0);
    if (!l.cut && (value || meta)) v.length += bytes + 2;
    bool more = value || stat, last = !more || l.cut;
    /* Whatever else comes between values ends them: an error, or the answer to the next command where END was lost. */
    if (!first && !more && !tl_is_word(words[0], "END") && !tl_is_word(words[0], "SERVER_ERROR")) first = true;
    v.edge = (first ? TL_FIRST : 0) | (last && !l.cut ? TL_LAST : 0);
    s->in_values[in->dir] = more && !l.cut;
    tl_span opaque = words[0].n == 2 ? meta_flag(l.text, 'O') : tl_span_of(l.text.p, 0);
    if (first && opaque.n > 1) v = tl_with_id(v, tl_text_id(opaque));
    return v;
}

static bool is_client(const struct memcached *s, const tl_head *in)
{
    bool cut;
    if (s->client != 0) return s->client == 1u + in->dir;
    return in->bytes.p[0] >= 'a' && (command_in(in->bytes, &cut) < COMMANDS_N || cut);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct memcached *s = state, after = *s;
    bool client = is_client(s, in);
    tl_verdict v = client ? measure_command(in) : measure_response(&after, in);
    if (v.answer != TL_FRAME) return v;
    after.client = (uint8_t)(1 + (client ? in->dir : !in->dir));
    after.lost[in->dir] = false;
    *s = after;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct memcached *s = state;
    s->in_values[dir] = false;
    s->lost[dir] = true;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct memcached *s = state;
    bool client = s->client != 0 ? s->client == 1u + in->dir : in->dir == TL_C2S;
    return tl_scan_lines(in, client ? may_be_command : may_be_response);
}

/* ---- describe ---- */

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct memcached *s = state;
    tl_span line, words[WORDS];
    uint64_t v;
    (void)tl_line(in->bytes, &line);
    size_t n = split(line, words);
    if (n == 0) return;
    if (s->client != 1u + in->dir) {
        bool value = tl_is_word(words[0], "VALUE"), meta = tl_is_word(words[0], "VA");
        tl_json_field(json, "status", words[0], 64);
        if (value && n > 1) tl_json_field(json, "key", words[1], META_KEY_MOST);
        if ((value || meta) && n > (value ? 3 : 1) && tl_decimal(words[value ? 3 : 1], &v)) tl_json_number(json, "bytes", (int64_t)v);
        return;
    }
    bool cut;
    size_t which = command_in(in->bytes, &cut);
    tl_json_field(json, "command", words[0], 32);
    if (which == COMMANDS_N || n < 2 || commands[which].shape == PLAIN) return;
    bool touch = tl_is_word(words[0], "gat") || tl_is_word(words[0], "gats");
    if (n > (touch ? 2 : 1)) tl_json_field(json, "key", words[touch ? 2 : 1], META_KEY_MOST);
    size_t at = commands[which].shape == STORES ? 4 : 2;
    bool stores = commands[which].shape == STORES || commands[which].shape == META_STORES;
    if (stores && n > at && tl_decimal(words[at], &v)) tl_json_number(json, "bytes", (int64_t)v);
}

const tl_detector tl_memcached = {
    .name = "memcached",
    .head_max = LINE_MOST,
    .state_size = sizeof(struct memcached),
    .ports = {11211},
    .first = TL_FIRST("09AZaz"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
