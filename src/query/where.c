/*
** where.c - see where.h.
*/
#include "query/where.h"

#include "query/handle.h"
#include "query/rows.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const tl_filter tl_filter_all = {.port = -1, .since_ns = INT64_MIN, .until_ns = INT64_MAX, .limit = -1};

bool tl_filter_host(tl_filter *f, const char *text)
{
    tl_addr a = {.port = 0};
    if (!tl_addr_parse(text, &a)) return false;
    tl_addr_text(&a, f->host);
    return true;
}

/* Digits after the point, as nanoseconds; further digits are dropped.  *end is the first byte that is no digit. */
static int64_t fraction_ns(const char *p, const char **end)
{
    int64_t ns = 0, unit = 100000000;
    for (; *p >= '0' && *p <= '9'; p++, unit /= 10) ns += (*p - '0') * unit;
    *end = p;
    return ns;
}

/* "10:17", "10:17:07", "10:17:07.25": seconds of the day into *t.  The end, or NULL: no time. */
static const char *clock_time(const char *p, struct tm *t, int64_t *ns)
{
    int used = 0;
    if (sscanf(p, "%2d:%2d%n", &t->tm_hour, &t->tm_min, &used) < 2 || used < 3) return NULL;
    p += used;
    if (*p == ':') {
        if (sscanf(p, ":%2d%n", &t->tm_sec, &used) < 1) return NULL;
        p += used;
        if (*p == '.') *ns = fraction_ns(p + 1, &p);
    }
    return t->tm_hour >= 0 && t->tm_hour < 24 && t->tm_min >= 0 && t->tm_min < 60 && t->tm_sec >= 0 && t->tm_sec <= 60 ? p : NULL;
}

static bool calendar_time(const char *text, int64_t *ns)
{
    struct tm t = {0};
    int used = 0;
    int64_t part = 0;
    if (sscanf(text, "%4d-%2d-%2d%n", &t.tm_year, &t.tm_mon, &t.tm_mday, &used) < 3 || used < 8) return false;
    if (t.tm_year < 1970 || t.tm_year > 2200 || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31) return false;
    t.tm_year -= 1900;
    t.tm_mon--;
    const char *p = text + used;
    if (*p == 'T' || *p == ' ') {
        p = clock_time(p + 1, &t, &part);
        if (p == NULL) return false;
    }
    if (*p == 'Z') p++;
    if (*p != '\0') return false;
    *ns = (int64_t)timegm(&t) * 1000000000 + part;
    return true;
}

bool tl_filter_time(const char *text, int64_t *ns)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10) return false;
    if (text[digits] != '\0' && text[digits] != '.') return calendar_time(text, ns);
    const char *end = text + digits;
    int64_t part = *end == '.' ? fraction_ns(end + 1, &end) : 0, seconds = strtoll(text, NULL, 10);
    if (*end != '\0' || seconds > 9000000000) return false;
    *ns = seconds * 1000000000 + part;
    return true;
}

static tl_rc try_expression(tl_reader *r, const char *view, const char *before, const char *expr, const char *after)
{
    sqlite3_stmt *s = NULL;
    tl_text sql = {0};
    tl_text_add(&sql, "SELECT 1 FROM ");
    tl_text_add(&sql, view);
    tl_text_add(&sql, before);
    tl_text_add(&sql, expr);
    tl_text_add(&sql, after);
    tl_rc rc = sql.failed ? tl_fail(&r->error, TL_ENOMEM, "no memory") : tl_reader_prepare(r, sql.p, &s);
    if (rc == TL_OK && sqlite3_bind_parameter_count(s) > 0) rc = tl_fail(&r->error, TL_EUSAGE, "no parameters (?) here");
    sqlite3_finalize(s);
    tl_text_free(&sql);
    return rc;
}

tl_rc tl_where_check(tl_reader *r, const char *view, const char *expr)
{
    tl_error why;
    tl_rc rc = try_expression(r, view, " WHERE ", expr, "");
    if (rc == TL_OK) rc = try_expression(r, view, " WHERE (", expr, "\n)");
    if (rc != TL_EUSAGE) return rc;
    why = r->error;
    bool column = strncmp(why.text, "no such column", 14) == 0;
    return tl_fail(&r->error, rc, "--where: %s%s%s%s", why.text, column ? " in the view '" : "", column ? view : "", column ? "'" : "");
}

/* ?1 host, ?2 port, ?3 since, ?4 until, ?5 protocol, ?6 lossy, ?7 and ?8 range of session_id or message_id, ?9 limit.  The host is asked
** only where one is given, by the two indexes of migration 6. */
#define SESSIONS_OF_HOST "SELECT session_id FROM session WHERE client_addr = ?1 UNION SELECT session_id FROM session WHERE server_addr = ?1"
static const char session_of_host[] = "v.session_id IN (" SESSIONS_OF_HOST ") AND ";
/* The messages of a session lie together; CROSS JOIN keeps the order. */
static const char message_of_host[] = "v.message_id IN (SELECT m.message_id FROM (" SESSIONS_OF_HOST ") AS h CROSS JOIN message AS m"
                                      " ON m.message_id BETWEEN (h.session_id << 32) AND (h.session_id << 32) + 4294967295) AND ";
#define SESSION_PASSES(protocol)                                                                                                           \
    "EXISTS (SELECT 1 FROM session AS f WHERE f.session_id = v.session_id"                                                                 \
    " AND (?2 < 0 OR f.client_port = ?2 OR f.server_port = ?2)"                                                                            \
    " AND f.last_ns >= ?3 AND f.first_ns <= ?4 AND (?5 = '' OR " protocol " = ?5)"                                                         \
    " AND (?6 = 0 OR EXISTS (SELECT 1 FROM gap AS g WHERE g.session_id = f.session_id)))"
#define SESSION_PASSES_IN_RANGE SESSION_PASSES("f.protocol") " AND v.session_id BETWEEN ?7 AND ?8 AND ("
/* A message has a protocol and a time of its own. */
#define MESSAGE_PASSES                                                                                                                     \
    SESSION_PASSES("v.protocol")                                                                                                           \
    " AND EXISTS (SELECT 1 FROM message AS m WHERE m.message_id = v.message_id AND m.last_ns >= ?3 AND m.first_ns <= ?4)"                  \
    " AND v.message_id BETWEEN ?7 AND ?8 AND ("

/* head, of_host where there is one, passes, an expression over `view`, tail */
typedef struct question {
    const char *view, *head, *of_host, *passes, *tail;
} question;

static const question sessions = {
    "sessions", "SELECT * FROM sessions AS v WHERE ", session_of_host, SESSION_PASSES_IN_RANGE, "\n) ORDER BY v.session_id LIMIT ?9",
};
static const question messages = {
    "messages",
    "SELECT session_id, number, sender, protocol, kind, summary, length, missing, complete, sync, pairing, answers, time, seconds,"
    " stream_offset, head_length, first_capture_id, first_frame, last_frame, detail"
    " FROM messages AS v WHERE ",
    message_of_host,
    MESSAGE_PASSES,
    "\n) ORDER BY v.message_id LIMIT ?9",
};
/* In the order of the responses, an unanswered request where it was sent. */
static const question exchanges = {
    "exchanges",
    "SELECT session_id, request, response, time, protocol, asked, answered, latency_ms, request_bytes, response_bytes, missing, pairing"
    " FROM exchanges AS v WHERE ",
    message_of_host,
    MESSAGE_PASSES,
    "\n) ORDER BY v.message_id LIMIT ?9",
};
static const question hosts = {
    "sessions",
    "SELECT s.client_addr, s.server_addr, count(*) AS sessions, sum(p.client_bytes) AS client_bytes, sum(p.server_bytes) AS server_bytes,"
    " sum(p.capture_loss) AS capture_loss, sum(p.unknown_loss) AS unknown_loss, min(p.start) AS first, max(p.start) AS last"
    " FROM (SELECT * FROM sessions AS v WHERE ",
    session_of_host,
    SESSION_PASSES_IN_RANGE,
    "\n)) AS p JOIN session AS s ON s.session_id = p.session_id GROUP BY 1, 2"
    " ORDER BY sum(p.client_bytes) + sum(p.server_bytes) DESC, 1, 2 LIMIT ?9",
};
static const question ids = {
    "sessions",
    "SELECT v.session_id FROM sessions AS v WHERE ",
    session_of_host,
    SESSION_PASSES_IN_RANGE,
    "\n) ORDER BY v.session_id LIMIT ?9",
};
/* Behind a SELECT on a table x with a session_id. */
static const question chosen = {
    "sessions",      " WHERE x.session_id IN (SELECT v.session_id FROM sessions AS v WHERE ", session_of_host, SESSION_PASSES_IN_RANGE,
    "\n) LIMIT ?9)",
};

static tl_rc write_question(tl_reader *r, const question *q, const tl_filter *f, tl_text *sql)
{
    tl_rc rc = f->where == NULL ? TL_OK : tl_where_check(r, q->view, f->where);
    tl_text_add(sql, q->head);
    if (f->host[0] != '\0') tl_text_add(sql, q->of_host);
    tl_text_add(sql, q->passes);
    tl_text_add(sql, f->where == NULL ? "1" : f->where);
    tl_text_add(sql, q->tail);
    if (rc == TL_OK && sql->failed) rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    return rc;
}

enum { PARAMS = 9 };

static void set_params(const tl_filter *f, int64_t from, int64_t to, tl_param *params)
{
    const tl_param values[PARAMS] = {
        {.text = f->host},
        {.number = f->port},
        {.number = f->since_ns},
        {.number = f->until_ns},
        {.text = f->protocol ? f->protocol : ""},
        {.number = f->lossy},
        {.number = from},
        {.number = to},
        {.number = f->limit},
    };
    memcpy(params, values, sizeof values);
}

static tl_rc ask(tl_reader *r, const question *q, const tl_filter *f, int64_t from, int64_t to, const tl_output *out, uint64_t *rows)
{
    tl_text sql = {0};
    tl_param params[PARAMS];
    set_params(f, from, to, params);
    tl_rc rc = write_question(r, q, f, &sql);
    if (rc == TL_OK) rc = tl_reader_run(r, sql.p, params, PARAMS, out, rows);
    tl_text_free(&sql);
    return rc;
}

tl_rc tl_filter_session_ids(tl_reader *r, const tl_filter *f, tl_row_fn take, void *to)
{
    tl_text sql = {0};
    tl_param params[PARAMS];
    set_params(f, INT64_MIN, INT64_MAX, params);
    tl_rc rc = write_question(r, &ids, f, &sql);
    if (rc == TL_OK) rc = tl_reader_each(r, sql.p, params, PARAMS, take, to);
    tl_text_free(&sql);
    return rc;
}

/* Messages lie at session_id * 2^32 + number. */
static tl_rc ask_messages(tl_reader *r, const question *q, const tl_filter *f, const tl_output *out, uint64_t *rows)
{
    int64_t from = f->session == 0 ? INT64_MIN : f->session * ((int64_t)1 << 32);
    int64_t to = f->session == 0 ? INT64_MAX : from + UINT32_MAX;
    return ask(r, q, f, from, to, out, rows);
}

tl_rc tl_filter_sessions(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows)
{
    return ask(r, &sessions, f, INT64_MIN, INT64_MAX, out, rows);
}

tl_rc tl_filter_hosts(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows)
{
    return ask(r, &hosts, f, INT64_MIN, INT64_MAX, out, rows);
}

tl_rc tl_filter_messages(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows)
{
    return ask_messages(r, &messages, f, out, rows);
}

tl_rc tl_filter_exchanges(tl_reader *r, const tl_filter *f, const tl_output *out, uint64_t *rows)
{
    return ask_messages(r, &exchanges, f, out, rows);
}

bool tl_filter_is_all(const tl_filter *f)
{
    return f->host[0] == '\0' && f->port < 0 && f->since_ns == INT64_MIN && f->until_ns == INT64_MAX && f->protocol == NULL && !f->lossy &&
           f->where == NULL && f->session == 0;
}

tl_rc tl_filter_prepare(tl_reader *r, const tl_filter *f, const char *select, const char *order, sqlite3_stmt **out)
{
    bool all = tl_filter_is_all(f);
    tl_text sql = {0};
    tl_param params[PARAMS];
    set_params(f, f->session == 0 ? INT64_MIN : f->session, f->session == 0 ? INT64_MAX : f->session, params);
    tl_text_add(&sql, select);
    tl_rc rc = all ? TL_OK : write_question(r, &chosen, f, &sql);
    tl_text_add(&sql, order);
    if (rc == TL_OK && sql.failed) rc = tl_fail(&r->error, TL_ENOMEM, "no memory");
    if (rc == TL_OK) rc = tl_reader_prepare(r, sql.p, out);
    if (rc == TL_OK && !all) rc = tl_reader_bind(r, *out, params, PARAMS);
    tl_text_free(&sql);
    return rc;
}
