/*
** sip.c - SIP over TCP (RFC 3261): requests and responses of both sides, bodies by Content-Length (section 18.3: over streams it must be
** there; a message without it ends with its head).
**
** A response is paired with its request by Call-ID and CSeq (sections 8.1.3 and 17.1.3), whichever side asked; 1xx leave the request open.
** ACK is never answered (section 17.1.1.3).  Empty lines between messages are keep-alives (RFC 5626 section 3.5.1), each one message.
** It does not read SDP.
*/
#include "message/protocol/heads.h"
#include "message/registry.h"

static const char version[] = "SIP/2.0";

/* The start line, as far as it goes: a target of SIP's (sip:, sips:, tel:) or any, behind a method. */
static tl_start start_at(tl_span b, bool *response)
{
    *response = b.n > 1 && b.p[0] == 'S' && tl_may_begin(b, "SIP/");
    tl_start as_response = tl_status_line(b, version);
    if (*response && as_response != TL_START_NO) return as_response;
    *response = false;
    tl_start as_request = tl_request_line(b, version);
    return as_request != TL_START_NO ? as_request : as_response;
}

static bool may_start(tl_span b)
{
    bool response;
    return b.n > 0 && start_at(b, &response) != TL_START_NO;
}

/* Keep-alives may come before anything. */
static tl_span without_blanks(tl_span b)
{
    while (b.n > 0 && (b.p[0] == '\r' || b.p[0] == '\n')) (void)tl_take(&b, 1);
    return b;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match best = TL_NO;
    for (int dir = 0; dir < 2; dir++) {
        tl_span b = without_blanks(in->head[dir]);
        bool response;
        if (b.n == 0 && in->head[dir].n > 0) best = TL_MAYBE;
        if (b.n == 0) continue;
        tl_start start = start_at(b, &response);
        if (start == TL_START_YES) return TL_YES;
        if (start == TL_START_MAYBE) best = TL_MAYBE;
    }
    return best;
}

/* The id of a transaction: Call-ID and CSeq together (the method in CSeq tells CANCEL and ACK from their INVITE). */
static bool transaction(tl_span head, uint64_t *id)
{
    tl_span call = tl_head_field(head, "Call-ID", "i"), sequence = tl_head_field(head, "CSeq", NULL);
    if (call.n == 0 || sequence.n == 0) return false;
    *id = tl_text_id(call) ^ (tl_text_id(sequence) << 1 | 1);
    return true;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    bool response;
    if (b.p[0] == '\r' || b.p[0] == '\n') {
        if (b.p[0] == '\r' && b.n == 1) return tl_more(2);
        if (b.p[0] == '\r' && b.p[1] != '\n') return tl_reject(0);
        size_t n = b.p[0] == '\r' ? 2 : 1;
        return tl_whole(in, n, n, "keep_alive");
    }
    if (start_at(b, &response) == TL_START_NO) return tl_reject(0);
    tl_head_found found = tl_head_at(in);
    if (found.length == 0) return found.otherwise;
    if (start_at(b, &response) != TL_START_YES) return found.cut ? tl_more(b.n + 1) : tl_reject(0);
    tl_span head = tl_span_of(b.p, found.length), line = tl_head_start(head), rest = line, method = tl_take_word(&rest);
    bool ack = tl_is_word(method, "ACK");
    tl_verdict v = tl_whole(in, found.length, found.length, response ? "response" : "request");
    v.summary = response ? rest : tl_span_of(line.p, line.n - (line.n > sizeof version ? sizeof version : 0));
    uint64_t id, body;
    if (response)
        v.role = rest.n > 0 && rest.p[0] == '1' ? TL_INTERIM : TL_RESPONSE;
    else if (!ack)
        v = tl_as(v, TL_REQUEST, 1);
    if (v.role != TL_ROLE_NONE && transaction(head, &id)) v = tl_with_id(v, id);
    if (found.cut) {
        v.edge = TL_FIRST;
        return v;
    }
    v.strong = true;
    if (tl_content_length(head, "l", &body)) v.length += body;
    return v;
}

/* A body need not end in a line's end, so a start line is looked for anywhere: by its first letters. */
static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    for (size_t at = 0; at < b.n; at++) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        if (rest.p[0] >= 'A' && rest.p[0] <= 'Z' && may_start(rest)) return at;
    }
    return b.n;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    static const struct {
        const char *member, *name, *brief;
    } fields[] = {
        {"from", "From", "f"},
        {"to", "To", "t"},
        {"call_id", "Call-ID", "i"},
        {"cseq", "CSeq", NULL},
        {"via", "Via", "v"},
        {"contact", "Contact", "m"},
        {"user_agent", "User-Agent", NULL},
        {"server", "Server", NULL},
        {"content_type", "Content-Type", "c"},
    };
    bool response;
    tl_span line = tl_head_start(in->bytes), head = in->bytes;
    if (start_at(head, &response) != TL_START_YES) return;
    tl_span first = tl_take_word(&line);
    if (response) {
        tl_span code = tl_take_word(&line);
        tl_json_number(json, "status", tl_code_of(code));
        if (line.n > 0) tl_json_field(json, "reason", line, 256);
    } else {
        tl_json_field(json, "method", first, 32);
        tl_json_field(json, "uri", tl_take_word(&line), 1024);
    }
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        tl_json_head_field(json, fields[i].member, head, fields[i].name, fields[i].brief);
    uint64_t body;
    if (tl_content_length(head, "l", &body)) tl_json_number(json, "content_length", (int64_t)body);
}

const tl_detector tl_sip = {
    .name = "sip",
    .head_max = TL_HEADS_MOST,
    .ports = {5060},
    .first = TL_FIRST("\n\n\r\rAZ"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
