/*
** mysql.c - the MySQL and MariaDB client/server protocol (MySQL Internals, "Client/Server Protocol"): packets behind a length in three
** bytes, little-endian, and a number that counts up within an exchange.
**
** A packet is a message; packets of 0xffffff bytes go on in the next.  A command (number 0) is the request, and the first packet from the
** server after it, with number 1, is the response: ok, error, or the head of a result set, whose columns and rows answer nothing.  The
** login is a request, too; commands that are never answered (quit, stmt_close, stmt_send_long_data) are none.
** A request for TLS is a login cut short, and TLS follows it.  With compression packets lie in larger ones, which are not opened.
**
** The numbers must go on, so a packet that is in sync is known by little.  After a hole the inside has to show what it is: an EOF, an
** error, a column ("def"), or lengths that fill the packet.
*/
#include "message/protocol/mysql_packet.h"
#include "message/registry.h"

enum {
    HEADER = 4,
    COMPRESSED_HEADER = 7,
    PART = 0xffffff,
    SHOWN = 2048,
    HEAD_MAX = SHOWN + 1,
    CLOSELY = 2, /* packets after a hole whose inside has to tell */
    CONNECT_WITH_DB = 8,
    COMPRESS = 0x20,
    SSL = 0x800,
    SECURE = 0x8000,
    LENENC_AUTH = 0x200000,
    ZSTD = 0x4000000
};

enum phase { IDLE, LOGIN, COLUMNS, ROWS, UNKNOWN };

struct mysql {
    uint8_t client; /* 0: not known; else 1 + the direction of the client */
    uint8_t phase;  /* enum phase: what the server is saying */
    uint8_t command;
    bool waiting;     /* the server has not answered yet */
    bool columns_end; /* ROWS: an EOF may still end the columns */
    bool compresses, compressed;
    bool has_next[2], goes_on[2]; /* next[] holds; the last packet was a PART */
    uint8_t next[2], closely[2];
    uint32_t columns;
};

static size_t header_of(const struct mysql *s)
{
    return s->compressed ? COMPRESSED_HEADER : HEADER;
}

static bool is_client(const struct mysql *s, tl_dir dir)
{
    return s->client != 0 ? s->client == 1u + dir : dir == TL_C2S;
}

/* The number of a packet is the one that must come; or a new exchange begins. */
static bool number_fits(const struct mysql *s, tl_dir dir, uint8_t number)
{
    if (s->has_next[dir] && number == s->next[dir]) return true;
    if (s->goes_on[dir]) return false;
    if (is_client(s, dir)) return number == 0 || !s->has_next[dir];
    return number <= 1 || s->waiting || s->phase == LOGIN || !s->has_next[dir];
}

/* May a packet begin here, as far as the bytes go? */
static bool plausible(const struct mysql *s, tl_dir dir, tl_span b)
{
    size_t header = header_of(s);
    if (b.n < HEADER) return true;
    size_t length = tl_le32(b.p) & 0xffffff;
    if (length == 0 && !(s->has_next[dir] && b.p[3] == s->next[dir] && s->closely[dir] == 0)) return false;
    if (!number_fits(s, dir, b.p[3])) return false;
    if (s->compressed || s->goes_on[dir] || s->closely[dir] == 0) return true;
    if (header + length > HEAD_MAX) return false; /* cannot be held until what follows tells */
    tl_span body = tl_shown(tl_span_of(b.p + header, b.n - header), length, SHOWN);
    if (is_client(s, dir) && b.p[3] != 0) return b.p[3] == 1 && tl_mysql_is_login(body, length);
    return (is_client(s, dir) ? tl_mysql_client_sort(body, length) : tl_mysql_server_sort(body, length)) != BAD;
}

/* ---- probe ---- */

/* Protocol 10: version, connection, eight bytes of a challenge, and a zero. */
static tl_match probe_greeting(tl_span b)
{
    static const uint8_t begin[] = {0, 10};
    size_t at = HEADER + 1;
    if (b.n >= 3 && (b.p[1] != 0 || b.p[2] != 0 || b.p[0] < 30)) return TL_NO;
    if (b.n > 3 && memcmp(b.p + 3, begin, b.n - 3 < 2 ? b.n - 3 : 2) != 0) return TL_NO;
    while (at < b.n && b.p[at] != 0) {
        if (b.p[at] < ' ' || b.p[at] > '~' || at > 100) return TL_NO;
        at++;
    }
    at += 1 + 4 + 8;
    if (b.n <= at) return TL_MAYBE;
    return b.p[at] == 0 && at > HEADER + 1 + 13 ? TL_YES : TL_NO;
}

/* Picked up midway: packets in a row whose numbers go on, up to one that can be nothing else. */
static tl_match probe_midway(tl_span b, bool client, bool usual)
{
    unsigned packets = 0;
    uint8_t number = 0;
    /* A first packet of 64 KiB or more would be waited for in vain, and text begins with such lengths. */
    if (b.n >= 3 && (b.p[2] != 0 || (b.p[0] | b.p[1]) == 0)) return TL_NO;
    for (tl_span rest = b; rest.n >= HEADER + 1; packets++) {
        size_t length = tl_le32(rest.p) & 0xffffff;
        tl_span body = tl_shown(tl_span_of(rest.p + HEADER, rest.n - HEADER), length, SHOWN);
        tl_mysql_sort sort = client ? tl_mysql_client_sort(body, length) : tl_mysql_server_sort(body, length);
        if (length == 0 || sort == BAD) return TL_NO;
        if (client ? rest.p[3] != 0 : packets > 0 && rest.p[3] != number && rest.p[3] != 1) return TL_NO;
        number = (uint8_t)(rest.p[3] + 1);
        if (sort == STRONG && (usual || client || packets > 0)) return TL_LIKELY;
        if (packets >= 2) return usual ? TL_LIKELY : TL_NO;
        (void)tl_take(&rest, HEADER + length);
    }
    return TL_MAYBE;
}

static tl_match probe_login(tl_span b)
{
    if (b.n < HEADER) return TL_MAYBE;
    size_t length = tl_le32(b.p) & 0xffffff;
    if (b.p[3] != 1 || length > 4096 || !tl_mysql_is_login(tl_span_of(b.p + HEADER, b.n - HEADER), length)) return TL_NO;
    return b.n >= HEADER + 28 ? TL_YES : TL_MAYBE;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    tl_match greeting = probe_greeting(b), login = probe_login(b), midway = probe_midway(b, dir == TL_C2S, usual);
    tl_match best = greeting > login ? greeting : login;
    return best > midway ? best : midway;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    bool usual = tl_usual_port(d, in->server_port);
    return tl_probe_both(in, usual, probe_one);
}

/* ---- measure ---- */

static tl_verdict client_packet(struct mysql *s, const tl_head *in, tl_verdict v, tl_span body, uint8_t number)
{
    if (number != 0) {
        v.kind = "data";
        if (number != 1 || body.n < 32 || !tl_mysql_is_login(body, (size_t)v.length - HEADER) || (s->phase != LOGIN && s->waiting))
            return v;
        s->phase = LOGIN;
        s->client = (uint8_t)(1 + in->dir);
        v.strong = true;
        uint32_t capabilities = tl_le32(body.p);
        if (v.length == HEADER + 32 && (capabilities & SSL)) {
            v.kind = "ssl_request";
            v.last_of_protocol = true;
            v.next = &tl_tls;
            return v;
        }
        v.kind = "login";
        s->compresses = (capabilities & (COMPRESS | ZSTD)) != 0;
        s->waiting = true;
        (void)tl_take(&body, 32);
        v.summary = tl_take_string(&body);
        return tl_as(v, TL_REQUEST, 0);
    }
    const char *command = body.n > 0 ? tl_word_of(tl_mysql_commands, body.p[0]) : NULL;
    if (command == NULL) return tl_reject(0);
    v.kind = command;
    s->command = body.p[0];
    s->phase = s->closely[!in->dir] > 0 ? UNKNOWN : IDLE;
    s->client = (uint8_t)(1 + in->dir);
    if (s->command == COM_QUERY || s->command == COM_PREPARE || s->command == COM_INIT_DB || s->command == COM_CREATE_DB ||
        s->command == COM_DROP_DB)
        v.summary = tl_span_of(body.p + 1, body.n - 1);
    if (s->command == COM_QUIT || s->command == COM_CLOSE || s->command == COM_LONG_DATA) return v;
    s->waiting = true;
    return tl_as(v, TL_REQUEST, 0);
}

static const char *server_kind(struct mysql *s, const tl_head *in, tl_span body, size_t length, uint8_t number)
{
    uint8_t first = body.n > 0 ? body.p[0] : 0;
    if (number == 0 && first == 10) {
        s->phase = LOGIN;
        s->client = (uint8_t)(1 + !in->dir);
        return "greeting";
    }
    if (first == 0xff && length >= 3) {
        s->phase = IDLE;
        return "error";
    }
    switch ((enum phase)s->phase) {
    case LOGIN:
        if (first == 0xfe) return "auth_switch";
        if (first == 1) return "auth_more";
        if (first != 0) return "packet";
        s->phase = IDLE;
        s->compressed = s->compresses;
        return "ok";
    case COLUMNS:
        if (--s->columns == 0) {
            s->phase = ROWS;
            s->columns_end = true;
        }
        return "column";
    case UNKNOWN:
        if (tl_begins(body, "\3def")) return "column";
        if ((s->waiting && number == 1) || (first == 0 && length == OK_MIN)) {
            s->phase = IDLE;
            break;
        }
        /* fall through */
    case ROWS:
        if (first != 0xfe || length >= 64) {
            s->columns_end = false;
            return "row";
        }
        /* After a hole it may end the columns or the rows. */
        if (length != 5 || (!s->columns_end && s->phase == ROWS)) s->phase = IDLE;
        s->columns_end = false;
        return "eof";
    case IDLE: break;
    }
    if (first == 0 && length >= OK_MIN) return "ok";
    if (first == 0xfb) return "local_infile";
    /* The head of a result set is cut, or was lost: what follows it shows itself, or is a row. */
    if (body.n == 0 || first == 0xfe || tl_begins(body, "\3def")) s->phase = UNKNOWN;
    if (first == 0xfe && length == 5) return "eof";
    if (tl_begins(body, "\3def")) return "column";
    uint64_t columns;
    tl_span rest = body;
    if (length <= 9 && tl_mysql_lenenc(&rest, &columns) && columns > 0 && columns <= 4096) {
        s->phase = COLUMNS;
        s->columns = (uint32_t)columns;
        return "result_set";
    }
    return "packet";
}

static tl_span error_text(tl_span body)
{
    (void)tl_take(&body, body.n > 3 && body.p[3] == '#' ? 9 : 3);
    return body;
}

static tl_verdict server_packet(struct mysql *s, const tl_head *in, tl_verdict v, tl_span body, size_t length, uint8_t number)
{
    enum phase before = (enum phase)s->phase;
    v.kind = server_kind(s, in, body, length, number);
    if (body.n > 0 && body.p[0] == 0xff) v.summary = error_text(body);
    bool answers = s->waiting && (before == IDLE || (before == UNKNOWN && number == 1));
    if (before == IDLE && s->phase == LOGIN) { /* a greeting */
        (void)tl_take(&body, 1);
        v.summary = tl_take_string(&body);
        answers = false;
    }
    if (before == LOGIN) answers = s->phase == IDLE; /* ok or error */
    /* A command that was lost.  Number 1 comes again after 255 rows, but then nothing else is expected. */
    bool wrapped = s->has_next[in->dir] && s->next[in->dir] == 1;
    if (!s->waiting && (before == IDLE || before == UNKNOWN) && number == 1 && !wrapped) answers = true;
    if (!answers) return v;
    s->waiting = s->phase == IDLE && body.n > 0 && body.p[0] == 0xfb; /* local_infile: the client sends it, and the answer follows */
    return tl_as(v, s->waiting ? TL_INTERIM : TL_RESPONSE, 0);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct mysql *s = state;
    size_t header = header_of(s);
    if (in->bytes.n < header) return tl_more(header);
    if (!plausible(s, in->dir, tl_span_of(in->bytes.p, header))) return tl_reject(0);
    size_t length = tl_le32(in->bytes.p) & 0xffffff;
    uint8_t number = in->bytes.p[3];
    bool client = is_client(s, in->dir), goes_on = s->goes_on[in->dir];
    if (!goes_on && !s->compressed) {
        size_t want = tl_wanted(in, header + length, SHOWN);
        if (want > 0) return tl_more(want);
        if (!plausible(s, in->dir, in->bytes)) return tl_reject(0);
    }
    tl_span body = tl_shown(in->bytes, header + length, SHOWN);
    (void)tl_take(&body, header);
    tl_verdict v = tl_whole(in, header + length, s->compressed ? header : SHOWN, "packet");
    if (s->compressed) {
        v.kind = "compressed";
        if (client && number == 0) v = tl_as(v, TL_REQUEST, 0);
        s->waiting = client ? number == 0 || s->waiting : s->waiting;
        if (!client && s->waiting) {
            v = tl_as(v, TL_RESPONSE, 0);
            s->waiting = false;
        }
    } else if (!goes_on) {
        v.strong = (client ? tl_mysql_client_sort(body, length) : tl_mysql_server_sort(body, length)) == STRONG;
        v = client ? client_packet(s, in, v, body, number) : server_packet(s, in, v, body, length, number);
        if (v.answer != TL_FRAME) return v;
    }
    v.edge = (goes_on ? 0 : TL_FIRST) | (length == PART && !s->compressed ? 0 : TL_LAST);
    s->goes_on[in->dir] = length == PART && !s->compressed;
    s->has_next[in->dir] = true;
    s->next[in->dir] = (uint8_t)(number + 1);
    /* An exchange counts over both directions. */
    if (s->closely[!in->dir] == 0 && (client || s->phase == LOGIN)) s->has_next[!in->dir] = true;
    if (client || s->phase == LOGIN) s->next[!in->dir] = (uint8_t)(number + 1);
    if (s->closely[in->dir] > 0) s->closely[in->dir]--;
    return v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct mysql *s = state;
    s->has_next[dir] = s->goes_on[dir] = false;
    s->closely[dir] = CLOSELY;
    if (!is_client(s, dir)) s->phase = UNKNOWN;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    for (size_t at = 0; at < in->bytes.n; at++)
        if (plausible(state, in->dir, tl_span_of(in->bytes.p + at, in->bytes.n - at))) return at;
    return in->bytes.n;
}

/* ---- describe ---- */

static void describe_login(tl_span body, tl_text *json)
{
    uint32_t capabilities = tl_le32(body.p);
    (void)tl_take(&body, 32);
    tl_json_some(json, "user", tl_take_string(&body), 128);
    if (capabilities & (SECURE | LENENC_AUTH))
        (void)tl_take_vector(&body, 1); /* what proves the password */
    else
        (void)tl_take_string(&body);
    if (capabilities & CONNECT_WITH_DB) tl_json_some(json, "database", tl_take_string(&body), 256);
}

static void describe_server(const struct mysql *s, tl_span body, size_t length, tl_text *json)
{
    uint64_t v;
    tl_span rest = body;
    if (body.p[0] == 0xff && body.n >= 3) {
        tl_json_number(json, "code", tl_le16(body.p + 1));
        if (body.n >= 9 && body.p[3] == '#') tl_json_field(json, "sqlstate", tl_span_of(body.p + 4, 5), 5);
        tl_json_some(json, "message", error_text(body), 1024);
    } else if (tl_begins(body, "\3def")) {
        for (unsigned i = 0; i < 5; i++) {
            tl_span name = tl_take_vector(&rest, 1);
            if (i == 2) tl_json_some(json, "table", name, 256);
            if (i == 4) tl_json_some(json, "column", name, 256);
        }
    } else if (s->phase == LOGIN && body.p[0] == 10) {
        (void)tl_take(&rest, 1);
        tl_json_some(json, "server_version", tl_take_string(&rest), 100);
    } else if (s->phase == IDLE && body.p[0] == 0 && length >= OK_MIN && s->command != COM_PREPARE) {
        (void)tl_take(&rest, 1);
        if (tl_mysql_lenenc(&rest, &v) && v < INT64_MAX) tl_json_number(json, "affected_rows", (int64_t)v);
    } else if (s->phase == IDLE && body.p[0] == 0 && body.n >= 5 && s->command == COM_PREPARE) {
        tl_json_number(json, "statement", tl_le32(body.p + 1));
    } else if (s->phase == COLUMNS) {
        tl_json_number(json, "columns", s->columns);
    }
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct mysql *s = state;
    if (in->bytes.n < HEADER + 1) return;
    size_t length = tl_le32(in->bytes.p) & 0xffffff;
    uint8_t number = in->bytes.p[3];
    tl_span body = tl_shown(in->bytes, HEADER + length, SHOWN);
    (void)tl_take(&body, HEADER);
    tl_json_number(json, "number", number);
    if (body.n == 0 || s->compressed) return;
    if (!is_client(s, in->dir)) {
        if (s->phase != ROWS || s->columns_end) describe_server(s, body, length, json);
    } else if (number != 0) {
        if (s->phase == LOGIN && number == 1 && body.n > 32) describe_login(body, json);
    } else if (body.p[0] == COM_QUERY || body.p[0] == COM_PREPARE) {
        tl_json_some(json, "query", tl_span_of(body.p + 1, body.n - 1), SHOWN);
    } else if (body.p[0] == COM_INIT_DB || body.p[0] == COM_CREATE_DB || body.p[0] == COM_DROP_DB) {
        tl_json_some(json, "database", tl_span_of(body.p + 1, body.n - 1), 256);
    } else if (body.p[0] >= COM_EXECUTE && body.p[0] <= COM_RESET && body.n >= 5) {
        tl_json_number(json, "statement", tl_le32(body.p + 1));
    }
}

const tl_detector tl_mysql = {
    .name = "mysql",
    .head_max = HEAD_MAX,
    .state_size = sizeof(struct mysql),
    .ports = {3306, 3307, 33060},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
