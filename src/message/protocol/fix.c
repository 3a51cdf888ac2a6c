/*
** fix.c - FIX, tag=value encoding (FIX Session Layer, FIX TagValue Encoding): fields "tag=value" that end in SOH.
**
** A message is 8=FIX..., 9=length, as many bytes as that says, and 10=checksum: seven bytes.  Messages of up to HEAD_MOST bytes are wanted
** whole, and their checksum is looked at: a wrong one is told, but moves no boundary.
** Pairs: a TestRequest and the Heartbeat with its TestReqID; an order and the first ExecutionReport that accepts, rejects, cancels or
** replaces it (by ClOrdID); a Logon and the other side's, a Logout and the other side's, which either may begin.  A Logon
** answers one where a hole took what the other side said before.  Whatever else is said answers nothing.
** Passwords (554, 925) are not shown.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { SOH = 1, HEAD_MOST = 8 << 10, TRAILER = 7, VERSION_MOST = 10, DIGITS_MOST = 8, SHOWN = 128 };
enum { LOGON_ID = 1, LOGOUT_ID }; /* the others are hashes */

struct fix {
    bool spoke[2], lost[2]; /* messages, holes of a direction were seen */
};

static const struct {
    const char *code, *name;
} types[] = {{"0", "heartbeat"},
             {"1", "test_request"},
             {"2", "resend_request"},
             {"3", "reject"},
             {"4", "sequence_reset"},
             {"5", "logout"},
             {"6", "indication_of_interest"},
             {"8", "execution_report"},
             {"9", "order_cancel_reject"},
             {"A", "logon"},
             {"B", "news"},
             {"D", "new_order_single"},
             {"E", "new_order_list"},
             {"F", "order_cancel_request"},
             {"G", "order_cancel_replace_request"},
             {"H", "order_status_request"},
             {"R", "quote_request"},
             {"S", "quote"},
             {"V", "market_data_request"},
             {"W", "market_data_snapshot"},
             {"X", "market_data_incremental_refresh"},
             {"Y", "market_data_request_reject"},
             {"c", "security_definition_request"},
             {"d", "security_definition"},
             {"j", "business_message_reject"},
             {"x", "security_list_request"},
             {"y", "security_list"},
             {"AE", "trade_capture_report"},
             {"AD", "trade_capture_report_request"},
             {"AF", "order_mass_status_request"}};

static const char *type_name(tl_span code)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (code.n == strlen(types[i].code) && memcmp(code.p, types[i].code, code.n) == 0) return types[i].name;
    return "message";
}

enum got { BAD, SHORT, GOOD };

/* 8=FIX.4.2 SOH 9=123 SOH: *head is behind them. */
static enum got front(tl_span b, size_t *head, uint64_t *length)
{
    size_t at = 6, digits = 0;
    if (!tl_may_begin(b, "8=FIX.") && !tl_may_begin(b, "8=FIXT")) return BAD;
    if (b.n < at) return SHORT;
    while (at < b.n && b.p[at] != SOH && at < 2 + VERSION_MOST) {
        if (b.p[at] != '.' && !tl_digit(b.p[at])) return BAD;
        at++;
    }
    if (at == b.n) return SHORT;
    if (b.p[at] != SOH) return BAD;
    at++;
    if (!tl_may_begin(tl_span_of(b.p + at, b.n - at), "9=")) return BAD;
    at += 2;
    *length = 0;
    for (; at < b.n && tl_digit(b.p[at]) && digits < DIGITS_MOST; at++, digits++) *length = *length * 10 + (uint64_t)(b.p[at] - '0');
    if (at >= b.n) return SHORT;
    *head = at + 1;
    return b.p[at] == SOH && digits > 0 && *length >= 5 ? GOOD : BAD;
}

static bool plausible(tl_span b)
{
    size_t head;
    uint64_t length;
    return front(b, &head, &length) != BAD;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match best = TL_NO;
    for (int dir = 0; dir < 2; dir++) {
        size_t head;
        uint64_t length;
        if (in->head[dir].n == 0) continue;
        enum got got = front(in->head[dir], &head, &length);
        if (got == GOOD) return TL_YES;
        if (got == SHORT) best = TL_MAYBE;
    }
    return best;
}

/* The value of the first field with that tag ("35=") behind `from`; n 0: none. */
static tl_span field(tl_span b, size_t from, const char *tag)
{
    while (from < b.n) {
        tl_span rest = tl_span_of(b.p + from, b.n - from);
        const uint8_t *end = memchr(rest.p, SOH, rest.n);
        size_t n = end != NULL ? (size_t)(end - rest.p) : rest.n, t = strlen(tag);
        if (tl_begins(rest, tag) && end != NULL) return tl_span_of(rest.p + t, n - t);
        from += n + 1;
    }
    return tl_span_of(b.p, 0);
}

/* Said by both, one after the other. */
static tl_verdict returned(tl_verdict v, const tl_head *in, uint64_t id, bool answers)
{
    bool answer = answers || tl_asked(in, id) != 0;
    return tl_with_id(tl_as(v, answer ? TL_RESPONSE : TL_REQUEST, 0), id);
}

/* What answers what; see the top. */
static tl_verdict paired(const struct fix *s, tl_verdict v, const tl_head *in, tl_span b, size_t head)
{
    tl_span type = field(b, head, "35="), order = field(b, head, "11="), test = field(b, head, "112="), status = field(b, head, "39=");
    uint8_t t = type.n == 1 ? type.p[0] : 0;
    if (t == '1' && test.n > 0) return tl_with_id(tl_as(v, TL_REQUEST, 1), tl_text_id(test));
    if (t == '0' && test.n > 0) return tl_with_id(tl_as(v, TL_RESPONSE, 0), tl_text_id(test));
    if (t == 'A') return returned(v, in, LOGON_ID, s->lost[!in->dir] && !s->spoke[!in->dir]);
    if (t == '5') return returned(v, in, LOGOUT_ID, false);
    if (order.n == 0) return v;
    if (t == 'D' || t == 'F' || t == 'G') return tl_with_id(tl_as(v, TL_REQUEST, 1), tl_text_id(order) + 1);
    bool settles = t == '9' || (t == '8' && status.n == 1 && strchr("0458", status.p[0]) != NULL);
    return settles ? tl_with_id(tl_as(v, TL_RESPONSE, 0), tl_text_id(order) + 1) : v;
}

static bool good_checksum(tl_span message)
{
    unsigned sum = 0;
    for (size_t i = 0; i + TRAILER < message.n; i++) sum += message.p[i];
    const uint8_t *t = message.p + message.n - TRAILER;
    return tl_digit(t[3]) && tl_digit(t[4]) && tl_digit(t[5]) && tl_code_of(tl_span_of(t + 3, 3)) == (sum & 255);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct fix *s = state;
    tl_span b = in->bytes;
    size_t head = 0;
    uint64_t length;
    enum got got = front(b, &head, &length);
    if (got == BAD) return tl_reject(0);
    if (got == SHORT) return tl_more(b.n + 1);
    length += head + TRAILER;
    size_t want = length < HEAD_MOST ? (size_t)length : HEAD_MOST;
    if (b.n < want && !in->ended) return tl_more(want);
    bool whole = b.n >= length;
    if (whole) {
        tl_span trailer = tl_span_of(b.p + length - TRAILER, TRAILER);
        if (!tl_begins(trailer, "10=") || trailer.p[6] != SOH || trailer.p[-1] != SOH) return tl_reject(0);
    }
    tl_verdict v = tl_whole(in, length, want, "message");
    tl_span shown = tl_span_of(b.p, v.head_length), type = field(shown, head, "35=");
    v.kind = type_name(type);
    v.summary = field(shown, head, "55=");
    v.strong = true;
    s->spoke[in->dir] = true;
    return paired(s, v, in, shown, head);
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct fix *)state)->lost[dir] = true;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    static const struct {
        const char *member, *tag;
    } fields[] = {{"msg_type", "35="},   {"sender_comp_id", "49="}, {"target_comp_id", "56="}, {"cl_ord_id", "11="}, {"order_id", "37="},
                  {"exec_type", "150="}, {"ord_status", "39="},     {"symbol", "55="},         {"side", "54="},      {"order_qty", "38="},
                  {"price", "44="},      {"test_req_id", "112="},   {"sending_time", "52="},   {"username", "553="}, {"text", "58="}};
    size_t head = 0;
    uint64_t length, number;
    if (front(in->bytes, &head, &length) != GOOD) return;
    length += head + TRAILER;
    tl_span b = tl_span_of(in->bytes.p, in->bytes.n < length ? in->bytes.n : (size_t)length);
    const uint8_t *version_end = memchr(b.p, SOH, b.n);
    tl_json_field(json, "version", tl_span_of(b.p + 2, (size_t)(version_end - b.p) - 2), 16);
    if (tl_decimal(field(b, head, "34="), &number)) tl_json_number(json, "msg_seq_num", (int64_t)number);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        tl_span value = field(b, head, fields[i].tag);
        if (value.n > 0) tl_json_field(json, fields[i].member, value, SHOWN);
    }
    if (b.n == length) tl_json_number(json, "checksum_good", good_checksum(b));
}

const tl_detector tl_fix = {
    .name = "fix",
    .head_max = HEAD_MOST,
    .state_size = sizeof(struct fix),
    .first = TL_FIRST("88"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
