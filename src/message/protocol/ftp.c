/*
** ftp.c - the control connection of FTP (RFC 959, 2228, 2428, 3659): commands and replies.
**
** A command is a line.  A reply is a line, or the lines from "ddd-" to "ddd " with the same code (RFC 959 section 4.2); what stands
** between may be anything.  A reply of 100 to 199 is preliminary, the one after it is the command's (section 4.2.1).  What is left behind
** the hole of a reply that a hole cut is a "continuation": its last line, and while no other reply is owed, all others.
** The addresses of data connections are read: PORT, EPRT, and the replies 227 and 229.
** 234 is the last message before TLS (RFC 4217 section 4.1).  What follows PASS or ACCT is a secret and not shown.
**
** It does not look for the data connections themselves.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

#include <stdio.h>

enum { LINE_MOST = 4 << 10, REPLY_MOST = 32 << 10, VERB_MOST = 8, SHOWN = 1024 };
enum { TAG_OTHER = 1 };

struct ftp {
    uint8_t replies; /* 0: not known; else 1 + the direction of the replies */
    bool greeted;    /* a reply has been seen, or its place has passed */
    uint16_t cut;    /* the code of a reply of which a hole took lines; 0: of none, or commands may be missing since */
};

/* RFC 959 section 4.1, RFC 2228, 2389, 2428, 3659, 7151, and what servers and clients have besides. */
static const char *const verbs[] = {"USER", "PASS", "FEAT", "SYST", "PASV", "EPSV", "PORT", "EPRT", "RETR", "STOR", "STOU", "APPE", "CWD",
                                    "XCWD", "PWD",  "XPWD", "CDUP", "TYPE", "STRU", "MODE", "SIZE", "MDTM", "MFMT", "MLSD", "MLST", "NLST",
                                    "LIST", "SITE", "REST", "RNFR", "RNTO", "DELE", "MKD",  "XMKD", "RMD",  "XRMD", "ABOR", "ALLO", "ACCT",
                                    "REIN", "SMNT", "PBSZ", "PROT", "CCC",  "ADAT", "OPTS", "CLNT", "LANG", "HOST", "LPRT", "LPSV", "AVBL",
                                    "COMB", "MFCT", "MFF",  "HASH", "AUTH", "STAT", "QUIT", "NOOP", "HELP"};
enum { VERBS = sizeof verbs / sizeof *verbs, ONLY_FTP = VERBS - 5 }; /* the others are SMTP's, too */

/* The command that b begins with: VERBS: none.  *cut: the bytes end before it is clear. */
static size_t verb_in(tl_span b, bool *cut)
{
    *cut = false;
    for (size_t i = 0; i < VERBS; i++) {
        size_t n = strlen(verbs[i]);
        if (!tl_may_start_word(b, verbs[i])) continue;
        if (b.n <= n)
            *cut = true;
        else if (b.p[n] == ' ' || b.p[n] == '\r' || b.p[n] == '\n')
            return i;
    }
    return VERBS;
}

static bool may_be_command(tl_span b)
{
    bool cut;
    return verb_in(b, &cut) < VERBS || cut;
}

/* ---- probe ---- */

/* AUTH is SMTP's, too, but not with these (RFC 4217 section 4). */
static bool may_ask_tls(tl_span client)
{
    return tl_may_start_word(client, "AUTH TLS") || tl_may_start_word(client, "AUTH SSL");
}

static tl_match probe_as(const tl_detector *d, tl_span client, tl_span server, uint16_t port)
{
    bool cut = false, usual = tl_usual_port(d, port);
    tl_span line;
    if (client.n == 0 && server.n == 0) return TL_NO;
    if (server.n > 0 && !tl_may_be_code(server)) return TL_NO;
    bool whole = tl_line(server, &line) > 0, smtp = whole && tl_find_word(line, "SMTP") < line.n;
    size_t verb = client.n > 0 ? verb_in(client, &cut) : VERBS;
    if (cut && verb == VERBS) return TL_MAYBE;
    if (client.n > 0 && verb == VERBS) /* a command that begins in a hole? */
        return !usual || smtp || !tl_is_text(tl_span_of(client.p, 1)) ? TL_NO : whole ? TL_LIKELY : TL_MAYBE;
    if (verb < ONLY_FTP && server.n >= 4) return TL_YES;
    if (verb < VERBS && server.n < 4) return usual && server.n == 0 ? TL_LIKELY : TL_MAYBE;
    if (verb < VERBS && may_ask_tls(client)) return client.n >= strlen("AUTH TLS") ? TL_YES : TL_MAYBE;
    if (whole && (tl_begins(line, "227 ") || tl_begins(line, "229 ")) && tl_find_word(line, "Passive Mode (") < line.n) return TL_YES;
    if (client.n > 0) return !whole ? TL_MAYBE : usual && !smtp ? TL_LIKELY : TL_NO;
    if (whole && tl_begins(server, "220") && !smtp && tl_find_word(server, "FTP") < server.n) return TL_YES;
    return whole && usual && !smtp ? TL_LIKELY : TL_MAYBE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    tl_match as_is = probe_as(d, in->head[TL_C2S], in->head[TL_S2C], in->server_port);
    return as_is != TL_NO ? as_is : probe_as(d, in->head[TL_S2C], in->head[TL_C2S], in->server_port);
}

/* ---- measure ---- */

/* Telnet's "interrupt process" and "data mark" may come before a command (RFC 959 section 4.1.3, ABOR). */
static size_t telnet_front(tl_span b)
{
    size_t n = 0;
    while (n < b.n && n < 4 && (b.p[n] == 0xff || b.p[n] == 0xf4 || b.p[n] == 0xf2)) n++;
    return n;
}

static tl_verdict measure_command(const tl_head *in)
{
    size_t front = telnet_front(in->bytes);
    tl_head text = *in;
    if (front == in->bytes.n) return tl_more(front + 1);
    text.bytes = tl_span_of(in->bytes.p + front, in->bytes.n - front);
    text.seen = in->seen > front ? in->seen - front : 0;
    tl_text_line l = tl_text_line_at(&text, LINE_MOST);
    if (l.length == 0) {
        if (l.otherwise.answer == TL_MORE) {
            l.otherwise.need += front;
            l.otherwise.seen += front;
        }
        return l.otherwise;
    }
    tl_span rest = l.text, verb = tl_take_word(&rest);
    bool good = verb.n > 0 && verb.n <= VERB_MOST;
    for (size_t i = 0; i < verb.n; i++) good &= (verb.p[i] | 0x20) >= 'a' && (verb.p[i] | 0x20) <= 'z';
    if (!good) return tl_reject(0);
    tl_verdict v = tl_as(tl_in_line(&text, &l, "command"), TL_REQUEST, TAG_OTHER);
    v.length += front;
    v.head_length += (uint32_t)front;
    if (tl_starts_word(verb, "PASS") || tl_starts_word(verb, "ACCT") || tl_starts_word(verb, "ADAT")) v.summary = verb;
    return v;
}

/* Not a reply, but lines of the one that a hole cut?  A last line with its code would be another's only if the hole took all that was left
** of the cut one, and no more.  After a preliminary one a reply is owed, but none with its code. */
static bool is_rest(const struct ftp *s, const tl_head *in, const tl_code_reply *r)
{
    return r->code == s->cut && (!in->awaited || r->code < 200 || r->text.n < 4 || r->text.p[3] != '-');
}

static tl_verdict measure_reply(struct ftp *s, const tl_head *in)
{
    tl_code_reply r = tl_code_reply_at(in, REPLY_MOST, false);
    if (r.length == 0) return r.otherwise;
    bool rest = is_rest(s, in, &r), doubtful = r.code == s->cut;
    s->cut = (uint16_t)(r.goes_on ? r.code : 0);
    if (rest) return tl_rest_of_reply(in, &r);
    bool greeting = !s->greeted && (r.code == 120 || r.code == 220 || r.code == 421);
    tl_verdict v = tl_whole(in, r.length, r.length, greeting ? "greeting" : "reply");
    if (r.cut) v.edge = TL_FIRST;
    if (!greeting) v.role = doubtful ? TL_MAYBE_RESPONSE : r.code < 200 ? TL_INTERIM : TL_RESPONSE;
    v.summary = r.text;
    v.last_of_protocol = !r.cut && r.code == 234;
    if (v.last_of_protocol) v.next = &tl_tls;
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct ftp *s = state;
    bool reply = s->replies != 0 ? s->replies == 1u + in->dir : tl_digit(in->bytes.p[0]);
    tl_verdict v = reply ? measure_reply(s, in) : measure_command(in);
    if (v.answer != TL_FRAME) return v;
    s->replies = (uint8_t)(1 + (reply ? in->dir : !in->dir));
    s->greeted = true;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct ftp *s = state;
    if (s->replies == 0 ? dir == TL_S2C : s->replies == 1u + dir)
        s->greeted = true;
    else
        s->cut = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct ftp *s = state;
    bool replies = s->replies != 0 ? s->replies == 1u + in->dir : in->dir == TL_S2C;
    return tl_scan_lines(in, replies ? tl_may_be_code : may_be_command);
}

/* ---- describe ---- */

/* h1,h2,h3,h4,p1,p2 (RFC 959 section 4.1.2). */
static void describe_host_port(tl_text *json, tl_span in)
{
    unsigned v[6] = {0};
    for (int i = 0; i < 6; i++) {
        size_t digits = 0;
        if (i > 0 && tl_take_be(&in, 1) != ',') return;
        for (; in.n > 0 && tl_digit(in.p[0]) && digits < 3; digits++) v[i] = v[i] * 10 + (unsigned)tl_take_be(&in, 1) - '0';
        if (digits == 0 || v[i] > 255) return;
    }
    char address[16];
    int n = snprintf(address, sizeof address, "%u.%u.%u.%u", v[0], v[1], v[2], v[3]);
    tl_json_field(json, "address", tl_span_of(address, (size_t)n), sizeof address);
    tl_json_number(json, "port", (int64_t)(v[4] << 8 | v[5]));
}

/* <d>protocol<d>address<d>port<d> (RFC 2428 section 2); a 229 has only the port (section 3). */
static void describe_extended(tl_text *json, tl_span in)
{
    if (in.n == 0) return;
    uint8_t mark = in.p[0];
    tl_span field[4] = {{0}};
    (void)tl_take(&in, 1);
    for (int i = 0; i < 3; i++) {
        const uint8_t *end = in.n > 0 ? memchr(in.p, mark, in.n) : NULL;
        if (end == NULL) return;
        field[i] = tl_take(&in, (size_t)(end - in.p));
        (void)tl_take(&in, 1);
    }
    uint64_t port;
    if (!tl_decimal(field[2], &port) || port > UINT16_MAX) return;
    if (field[1].n > 0) tl_json_field(json, "address", field[1], 64);
    tl_json_number(json, "port", (int64_t)port);
}

static void describe_command(tl_text *json, tl_span b)
{
    tl_span line;
    (void)tl_take(&b, telnet_front(b));
    (void)tl_line(b, &line);
    tl_span verb = tl_take_word(&line);
    tl_json_field(json, "command", verb, VERB_MOST);
    if (line.n == 0 || tl_starts_word(verb, "PASS") || tl_starts_word(verb, "ACCT") || tl_starts_word(verb, "ADAT")) return;
    tl_json_field(json, "argument", line, SHOWN);
    if (tl_is_word(verb, "PORT")) describe_host_port(json, line);
    if (tl_is_word(verb, "EPRT")) describe_extended(json, line);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct ftp *s = state;
    if (s->replies != 1u + in->dir) {
        describe_command(json, in->bytes);
        return;
    }
    tl_span line;
    (void)tl_line(in->bytes, &line);
    tl_json_code_reply(json, in->bytes, REPLY_MOST, false);
    bool passive = tl_begins(line, "227 "), extended = tl_begins(line, "229 ");
    if (!passive && !extended) return;
    /* RFC 1123 section 4.1.2.6: the parentheses are not to be relied on, the digits are. */
    size_t from = passive ? 4 : tl_find_word(line, "(") + 1;
    (void)tl_take(&line, from);
    while (passive && line.n > 0 && !tl_digit(line.p[0])) (void)tl_take(&line, 1);
    if (passive) describe_host_port(json, line);
    if (extended) describe_extended(json, line);
}

const tl_detector tl_ftp = {
    .name = "ftp",
    .head_max = REPLY_MOST,
    .state_size = sizeof(struct ftp),
    .ports = {21, 2121},
    .first = TL_FIRST("15AZaz"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
