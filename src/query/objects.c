/*
** objects.c - see objects.h.
**
** Two statements, one in the other: the sessions that pass, and the messages of each in order.  A message that a rule names is looked at
** for its parts; those wait in `part` and are told one by one.
**
** FTP's data connections are sessions of their own that no protocol names.  They are known by port 20 at the client's end (active mode, and
** its conventional port), or by an address that an FTP control session announced before (PASV, EPSV, PORT, EPRT).
*/
#include "query/objects.h"

#include "message/protocol/http1_head.h"
#include "query/handle.h"
#include "query/pieces.h"
#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { PARTS_MOST = 64, ANNOUNCED_MOST = 256, SCANNED_MOST = 64 << 20 /* bytes of a message that are searched for literals */ };

typedef struct part {
    uint64_t offset, length;
    bool plain; /* its length is that of the body */
} part;

struct tl_objects {
    tl_reader *r;
    tl_filter filter;
    int direction;
    sqlite3_stmt *sessions, *session, *messages;
    bool in_session;
    char server[TL_ADDR_TEXT], client[TL_ADDR_TEXT];
    int server_port, client_port;
    tl_object now; /* the message at hand, but for its parts */
    part part[PARTS_MOST];
    size_t parts, told;
    struct {
        char addr[TL_ADDR_TEXT];
        int port;
    } announced[ANNOUNCED_MOST]; /* a ring */
    size_t announced_count;
    uint8_t *head; /* TL_HTTP1_HEAD_MAX bytes */
};

/* ---- the rules ---- */

/* Finds what the message at hand carries: fills now.body, now.media_type and the parts. */
typedef tl_rc (*find_fn)(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);
static tl_rc find_http(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);
static tl_rc find_mail(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);
static tl_rc find_literals(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);
static tl_rc find_ftp_data(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);
static tl_rc hear_ftp(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length);

static const struct rule {
    const char *protocol, *kind; /* kind NULL: any */
    find_fn find;
} rules[] = {
    {"http", "request", find_http}, {"http", "response", find_http}, {"smtp", "data", find_mail},
    {"imap", NULL, find_literals},  {"turn", "turn", find_ftp_data}, {"ftp", NULL, hear_ftp},
};

static const struct rule *rule_of(const char *protocol, const char *kind)
{
    for (size_t i = 0; i < sizeof rules / sizeof rules[0]; i++)
        if (strcmp(rules[i].protocol, protocol) == 0 && (rules[i].kind == NULL || strcmp(rules[i].kind, kind) == 0)) return &rules[i];
    return NULL;
}

static void add_part(tl_objects *o, uint64_t offset, uint64_t length, bool plain)
{
    if (o->parts < PARTS_MOST && length > 0) o->part[o->parts++] = (part){offset, length, plain};
}

/* ---- HTTP ---- */

/* The head's bytes into o->head; *whole: none of them is missing. */
static tl_rc read_head(tl_objects *o, uint64_t offset, uint64_t length, bool *whole)
{
    size_t n = 0;
    tl_stream_piece p;
    tl_pieces *pieces = tl_pieces_open(o->r, o->now.session, o->now.direction, offset, length);
    if (pieces == NULL) return tl_reader_error(o->r)->rc;
    tl_rc rc;
    while ((rc = tl_pieces_next(pieces, &p)) == TL_OK && p.bytes.p != NULL) {
        memcpy(o->head + n, p.bytes.p, p.bytes.n);
        n += p.bytes.n;
    }
    tl_pieces_close(pieces);
    *whole = n == length;
    return rc == TL_END ? TL_OK : rc;
}

static tl_span trimmed(tl_span s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s = tl_span_of(s.p + 1, s.n - 1);
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t')) s.n--;
    return s;
}

/* The last element of a comma-separated list; *rest is what stands before it.  Empty elements are skipped (RFC 9110 section 5.6.1). */
static tl_span last_element(tl_span *rest)
{
    tl_span s = trimmed(*rest);
    while (s.n > 0 && s.p[s.n - 1] == ',') s = trimmed(tl_span_of(s.p, s.n - 1));
    size_t at = s.n;
    while (at > 0 && s.p[at - 1] != ',') at--;
    *rest = tl_span_of(s.p, at);
    return trimmed(tl_span_of(s.p + at, s.n - at));
}

/* Adds the codings of a list, the last one first.  Behind one that we do not know nothing can be undone. */
static void add_codings(tl_body_source *b, tl_span list)
{
    for (tl_span token; !b->unknown && (token = last_element(&list)).n > 0;) {
        tl_coding_kind kind = tl_coding_named(token);
        if (kind == TL_CODING_NONE) continue;
        if (kind == TL_CODING_UNKNOWN || b->coding_count == TL_CODINGS_MOST)
            b->unknown = true;
        else
            b->codings[b->coding_count++] = kind;
    }
}

static bool is_chunked(tl_span *list)
{
    tl_span rest = *list, token = last_element(&rest);
    if (token.n != 7 || strncasecmp((const char *)token.p, "chunked", 7) != 0) return false;
    *list = rest;
    return true;
}

/* "Text/HTML; charset=..." as "text/html"; what does not look like a media type is none. */
static void set_media_type(tl_object *o, tl_span field)
{
    size_t n = 0, slashes = 0;
    field = trimmed(field);
    while (n < field.n && field.p[n] != ';' && field.p[n] != ' ' && field.p[n] != '\t') n++;
    o->media_type[0] = '\0';
    if (n == 0 || n >= sizeof o->media_type) return;
    for (size_t i = 0; i < n; i++) {
        uint8_t c = field.p[i];
        bool token = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || strchr("+-._!#$&^/", c) != NULL;
        if (!token || c == '\0') {
            o->media_type[0] = '\0';
            return;
        }
        slashes += c == '/';
        o->media_type[i] = (char)(c >= 'A' && c <= 'Z' ? c + 'a' - 'A' : c);
    }
    o->media_type[slashes == 1 ? n : 0] = '\0';
}

static tl_rc find_http(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length)
{
    bool whole = false;
    tl_http1_head h = {0};
    tl_body_source *b = &o->now.body;
    if (head_length >= length || head_length > TL_HTTP1_HEAD_MAX) return TL_OK;
    tl_rc rc = read_head(o, offset, head_length, &whole);
    if (rc != TL_OK) return rc;
    bool response = strcmp(o->now.kind, "response") == 0;
    if (whole && tl_http1_head_parse(tl_span_of(o->head, (size_t)head_length), response, &h)) {
        tl_span transfer = h.transfer_encoding;
        if (is_chunked(&transfer)) b->framing = TL_FRAMING_CHUNKED;
        add_codings(b, transfer);
        add_codings(b, h.content_encoding);
        set_media_type(&o->now, h.content_type);
    }
    bool plain = b->framing == TL_FRAMING_NONE && b->coding_count == 0 && !b->unknown;
    add_part(o, offset + head_length, length - head_length, plain);
    return TL_OK;
}

/* ---- mail ---- */

static tl_rc find_mail(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length)
{
    (void)head_length; /* the mail's own head, if any: it is of the mail */
    strcpy(o->now.media_type, "message/rfc822");
    o->now.body.framing = TL_FRAMING_DOTS;
    add_part(o, offset, length, false);
    return TL_OK;
}

/* The end of a line that announces a literal: {123} or {123+} (RFC 3501 section 4.3, RFC 7888).  tail: its last bytes, without LF. */
static bool announces(const char *tail, size_t n, uint64_t *length)
{
    if (n > 0 && tail[n - 1] == '\r') n--;
    if (n < 3 || tail[--n] != '}') return false;
    if (tail[n - 1] == '+') n--;
    uint64_t value = 0, unit = 1;
    size_t digits = 0;
    for (; n > 0 && digits < 10 && tail[n - 1] >= '0' && tail[n - 1] <= '9'; n--, digits++, unit *= 10)
        value += unit * (uint64_t)(tail[n - 1] - '0');
    *length = value;
    return digits > 0 && n > 0 && tail[n - 1] == '{';
}

/* Lines, and literals behind those that announce one.  A line over a hole announces nothing; a hole in a literal is the literal's. */
static tl_rc find_literals(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length)
{
    (void)head_length;
    char tail[16];
    size_t n = 0;
    uint64_t skip_to = offset, end = offset + length;
    tl_stream_piece p;
    strcpy(o->now.media_type, "message/rfc822");
    tl_pieces *pieces = tl_pieces_open(o->r, o->now.session, o->now.direction, offset, length < SCANNED_MOST ? length : SCANNED_MOST);
    if (pieces == NULL) return tl_reader_error(o->r)->rc;
    tl_rc rc = TL_OK;
    while (rc == TL_OK && (rc = tl_pieces_next(pieces, &p)) == TL_OK) {
        if (p.bytes.p == NULL) n = 0;
        for (uint64_t i = skip_to > p.offset ? skip_to - p.offset : 0; p.bytes.p != NULL && i < p.length; i++) {
            uint64_t literal = 0;
            char c = (char)p.bytes.p[i];
            if (c != '\n') {
                if (n == sizeof tail) memmove(tail, tail + 1, --n);
                tail[n++] = c;
                continue;
            }
            bool announced = announces(tail, n, &literal);
            n = 0;
            if (!announced) continue;
            uint64_t from = p.offset + i + 1;
            if (literal > end - from) literal = end - from;
            add_part(o, from, literal, true);
            skip_to = from + literal;
            i += literal; /* beyond the piece: skip_to says where to go on */
        }
        if (rc == TL_OK) rc = tl_reader_look(o->r);
    }
    tl_pieces_close(pieces);
    return rc == TL_END ? TL_OK : rc;
}

/* ---- FTP ---- */

static void announce(tl_objects *o, const char *addr, int port)
{
    size_t i = o->announced_count++ % ANNOUNCED_MOST;
    snprintf(o->announced[i].addr, sizeof o->announced[i].addr, "%s", addr);
    o->announced[i].port = port;
}

/* RFC 959: "227 ... (h1,h2,h3,h4,p1,p2)", "PORT h1,...,p2"; RFC 2428: "229 ... (|||port|)", "EPRT |1|addr|port|".  The host of 227 is
** often a private one behind a translator; the control session's own server stands for it too. */
static tl_rc hear_ftp(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length)
{
    unsigned h[6], port = 0;
    char addr[TL_ADDR_TEXT], family;
    const char *s = o->now.summary, *list = strchr(s, '(');
    (void)offset;
    (void)length;
    (void)head_length;
    bool passive = strncmp(s, "227", 3) == 0 && list != NULL;
    if (passive || strncasecmp(s, "PORT ", 5) == 0) {
        if (sscanf(passive ? list + 1 : s + 5, "%3u,%3u,%3u,%3u,%3u,%3u", &h[0], &h[1], &h[2], &h[3], &h[4], &h[5]) != 6) return TL_OK;
        snprintf(addr, sizeof addr, "%u.%u.%u.%u", h[0], h[1], h[2], h[3]);
        announce(o, addr, (int)(h[4] * 256 + h[5]));
        if (passive) announce(o, o->server, (int)(h[4] * 256 + h[5]));
    } else if (strncmp(s, "229", 3) == 0 && list != NULL && sscanf(list, "(|||%5u|)", &port) == 1) {
        announce(o, o->server, (int)port);
    } else if (strncasecmp(s, "EPRT ", 5) == 0 && sscanf(s + 5, "|%c|%45[0-9a-fA-F.:]|%5u|", &family, addr, &port) == 3) {
        announce(o, addr, (int)port);
    }
    return TL_OK;
}

static bool is_announced(const tl_objects *o)
{
    if (o->client_port == 20) return true;
    size_t n = o->announced_count < ANNOUNCED_MOST ? o->announced_count : ANNOUNCED_MOST;
    for (size_t i = 0; i < n; i++)
        if (o->announced[i].port == o->server_port && strcmp(o->announced[i].addr, o->server) == 0) return true;
    return false;
}

static tl_rc find_ftp_data(tl_objects *o, uint64_t offset, uint64_t length, uint64_t head_length)
{
    (void)head_length;
    if (!is_announced(o)) return TL_OK;
    o->now.protocol = "ftp";
    o->now.kind = "data";
    add_part(o, offset, length, true);
    return TL_OK;
}

/* ---- going through the messages ---- */

static const char session_sql[] = "SELECT client_addr, client_port, server_addr, server_port FROM session WHERE session_id = ?1";
static const char messages_sql[] =
    "SELECT m.message_id & 4294967295, m.direction, m.stream_offset, m.length, m.head_length, m.missing, m.protocol, m.kind, m.summary,"
    " m.first_ns, m.first_capture_id, m.first_frame, (SELECT q.summary FROM message AS q WHERE q.message_id = m.answers_message_id)"
    " FROM message AS m WHERE m.message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 ORDER BY m.message_id";

tl_objects *tl_objects_open(tl_reader *r, const tl_filter *f, int direction)
{
    tl_objects *o = calloc(1, sizeof *o);
    if (o != NULL) o->head = malloc(TL_HTTP1_HEAD_MAX);
    if (o == NULL || o->head == NULL) {
        (void)tl_fail(&r->error, TL_ENOMEM, "no memory");
        free(o);
        return NULL;
    }
    o->r = r;
    o->filter = *f;
    o->filter.limit = -1; /* of objects, and the caller's */
    o->direction = direction;
    tl_reader_start(r);
    tl_rc rc = tl_filter_prepare(r, &o->filter, "SELECT x.session_id FROM session AS x", " ORDER BY x.session_id", &o->sessions);
    if (rc == TL_OK) rc = tl_reader_prepare(r, session_sql, &o->session);
    if (rc == TL_OK) rc = tl_reader_prepare(r, messages_sql, &o->messages);
    if (rc == TL_OK) return o;
    tl_objects_close(o);
    return NULL;
}

void tl_objects_close(tl_objects *o)
{
    if (o == NULL) return;
    sqlite3_finalize(o->sessions);
    sqlite3_finalize(o->session);
    sqlite3_finalize(o->messages);
    free(o->head);
    free(o);
}

static tl_rc step(tl_objects *o, sqlite3_stmt *s)
{
    int sq = sqlite3_step(s);
    return sq == SQLITE_ROW ? TL_OK : sq == SQLITE_DONE ? TL_END : tl_reader_fail(o->r, sq);
}

static const char *column(sqlite3_stmt *s, int i)
{
    const char *text = (const char *)sqlite3_column_text(s, i);
    return text == NULL ? "" : text;
}

static tl_rc next_session(tl_objects *o)
{
    tl_rc rc = step(o, o->sessions);
    if (rc != TL_OK) return rc;
    o->now.session = sqlite3_column_int64(o->sessions, 0);
    sqlite3_reset(o->session);
    sqlite3_reset(o->messages);
    if (sqlite3_bind_int64(o->session, 1, o->now.session) != SQLITE_OK || sqlite3_bind_int64(o->messages, 1, o->now.session) != SQLITE_OK)
        return tl_fail(&o->r->error, TL_ENOMEM, "no memory");
    rc = step(o, o->session);
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    snprintf(o->client, sizeof o->client, "%s", column(o->session, 0));
    snprintf(o->server, sizeof o->server, "%s", column(o->session, 2));
    o->client_port = sqlite3_column_int(o->session, 1);
    o->server_port = sqlite3_column_int(o->session, 3);
    o->in_session = true;
    return TL_OK;
}

static tl_rc next_message(tl_objects *o)
{
    sqlite3_stmt *s = o->messages;
    tl_rc rc = step(o, s);
    if (rc == TL_END) o->in_session = false;
    if (rc != TL_OK) return rc == TL_END ? TL_OK : rc;
    const struct rule *rule = rule_of(column(s, 6), column(s, 7));
    int direction = sqlite3_column_int(s, 1);
    if (rule == NULL) return TL_OK;
    if (o->direction >= 0 && direction != o->direction && rule->find != hear_ftp) return TL_OK;
    int64_t offset = sqlite3_column_int64(s, 2), length = sqlite3_column_int64(s, 3), head = sqlite3_column_int64(s, 4),
            missing = sqlite3_column_int64(s, 5);
    if (offset < 0 || length <= 0 || head < 0 || head > length || missing < 0 || missing > length || length > INT64_MAX - offset)
        return tl_fail(&o->r->error, TL_ESQL, "the database is damaged: a message of session %" PRId64 " (see verify)", o->now.session);
    o->now = (tl_object){.session = o->now.session,
                         .number = (uint32_t)sqlite3_column_int64(s, 0),
                         .direction = direction != 0,
                         .protocol = column(s, 6),
                         .kind = column(s, 7),
                         .summary = column(s, 8),
                         .asked = sqlite3_column_type(s, 12) == SQLITE_NULL ? NULL : column(s, 12),
                         .expected = -1,
                         .missing = (uint64_t)missing,
                         .at = {sqlite3_column_int64(s, 9), (uint64_t)sqlite3_column_int64(s, 11), (uint32_t)sqlite3_column_int64(s, 10)},
                         .body = {.session = o->now.session, .direction = direction != 0}};
    o->parts = o->told = 0;
    return rule->find(o, (uint64_t)offset, (uint64_t)length, (uint64_t)head);
}

tl_rc tl_objects_next(tl_objects *o, tl_object *out)
{
    tl_rc rc = TL_OK;
    while (rc == TL_OK && o->told == o->parts) {
        rc = tl_reader_look(o->r);
        if (rc == TL_OK) rc = o->in_session ? next_message(o) : next_session(o);
    }
    if (rc != TL_OK) return rc;
    const part *p = &o->part[o->told++];
    o->now.part = (unsigned)o->told;
    o->now.body.offset = p->offset;
    o->now.body.length = p->length;
    *out = o->now;
    if (p->plain) out->expected = (int64_t)p->length;
    return TL_OK;
}

void tl_object_name(const tl_object *o, char out[TL_OBJECT_NAME_MOST])
{
    static const char *const endings[][2] = {
        {"application/gzip", "gz"},   {"application/javascript", "js"},
        {"application/json", "json"}, {"application/pdf", "pdf"},
        {"application/xml", "xml"},   {"application/zip", "zip"},
        {"audio/mpeg", "mp3"},        {"font/woff", "woff"},
        {"font/woff2", "woff2"},      {"image/gif", "gif"},
        {"image/jpeg", "jpg"},        {"image/png", "png"},
        {"image/svg+xml", "svg"},     {"image/webp", "webp"},
        {"image/x-icon", "ico"},      {"message/rfc822", "eml"},
        {"text/css", "css"},          {"text/csv", "csv"},
        {"text/html", "html"},        {"text/javascript", "js"},
        {"text/plain", "txt"},        {"text/xml", "xml"},
        {"video/mp4", "mp4"},         {"application/x-javascript", "js"},
    };
    const char *ending = "bin";
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++)
        if (strcmp(endings[i][0], o->media_type) == 0) ending = endings[i][1];
    char part_text[24] = "";
    if (o->part > 1) snprintf(part_text, sizeof part_text, "-%u", o->part);
    snprintf(out, TL_OBJECT_NAME_MOST, "s%" PRId64 "-m%" PRIu32 "%s.%s", o->session, o->number, part_text, ending);
}
