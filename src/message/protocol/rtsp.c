/*
** rtsp.c - RTSP 1.0 and 2.0 (RFC 2326, RFC 7826): requests and responses of both sides, bodies by Content-Length, and frames of media
** between them ('$', channel, length in two bytes: RFC 2326 section 10.12).
**
** A response is paired with its request by CSeq, whichever side asked (RFC 2326 section 12.17); 1xx leave the request open.
** A head is beyond doubt; a frame of media is believed after a hole only when something follows it.
** It does not read SDP or RTP, and not RTSP within HTTP tunnels.
*/
#include "message/protocol/heads.h"
#include "message/registry.h"

enum { INTERLEAVED = 4, CHANNELS = 64, HEAD_MOST = (64 << 10) + 8 /* a frame of media and what follows it */ };

static tl_start start_at(tl_span b, bool *response)
{
    static const char *const versions[] = {"RTSP/1.0", "RTSP/2.0"};
    tl_start best = TL_START_NO;
    *response = false;
    for (int i = 0; i < 2; i++) {
        tl_start as_response = tl_status_line(b, versions[i]), as_request = tl_request_line(b, versions[i]);
        tl_start start = as_response > as_request ? as_response : as_request;
        if (start > best) best = start;
        if (start == TL_START_YES) *response = as_response == TL_START_YES;
    }
    return best;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match best = TL_NO;
    for (int dir = 0; dir < 2; dir++) {
        bool response;
        if (in->head[dir].n == 0) continue;
        tl_start start = start_at(in->head[dir], &response);
        if (start == TL_START_YES) return TL_YES;
        if (start == TL_START_MAYBE) best = TL_MAYBE;
    }
    return best;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    bool response;
    if (b.p[0] == '$') {
        if (b.n < INTERLEAVED) return tl_more(INTERLEAVED);
        return tl_whole(in, INTERLEAVED + (uint64_t)tl_be16(b.p + 2), INTERLEAVED, "interleaved");
    }
    if (start_at(b, &response) == TL_START_NO) return tl_reject(0);
    tl_head_found found = tl_head_at(in);
    if (found.length == 0) return found.otherwise;
    if (start_at(b, &response) != TL_START_YES) return found.cut ? tl_more(b.n + 1) : tl_reject(0);
    tl_span head = tl_span_of(b.p, found.length), line = tl_head_start(head), rest = line;
    (void)tl_take_word(&rest);
    tl_verdict v = tl_whole(in, found.length, found.length, response ? "response" : "request");
    v.summary = response ? rest : tl_span_of(line.p, line.n - (line.n > 9 ? 9 : 0));
    v.role = !response ? TL_REQUEST : rest.n > 0 && rest.p[0] == '1' ? TL_INTERIM : TL_RESPONSE;
    v.tag = !response;
    uint64_t body;
    tl_span sequence = tl_head_field(head, "CSeq", NULL);
    if (sequence.n > 0) v = tl_with_id(v, tl_text_id(sequence));
    if (found.cut) {
        v.edge = TL_FIRST;
        return v;
    }
    v.strong = true;
    if (tl_content_length(head, NULL, &body)) v.length += body;
    return v;
}

/* RTP and RTCP have a 2 in their first two bits (RFC 3550 section 5.1). */
static bool may_be_media(tl_span b)
{
    return b.p[0] == '$' && (b.n < 2 || b.p[1] < CHANNELS) && (b.n < 5 || b.p[4] >> 6 == 2);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    for (size_t at = 0; at < b.n; at++) {
        tl_span rest = tl_span_of(b.p + at, b.n - at);
        bool response, letter = b.p[at] >= 'A' && b.p[at] <= 'Z';
        if (may_be_media(rest) || (letter && start_at(rest, &response) != TL_START_NO)) return at;
    }
    return b.n;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    static const struct {
        const char *member, *name;
    } fields[] = {{"cseq", "CSeq"},
                  {"session", "Session"},
                  {"transport", "Transport"},
                  {"user_agent", "User-Agent"},
                  {"server", "Server"},
                  {"public", "Public"},
                  {"range", "Range"},
                  {"content_type", "Content-Type"},
                  {"content_base", "Content-Base"}};
    bool response;
    tl_span line = tl_head_start(in->bytes), head = in->bytes;
    if (head.p[0] == '$' && head.n >= INTERLEAVED) {
        tl_json_number(json, "channel", head.p[1]);
        tl_json_number(json, "length", tl_be16(head.p + 2));
        return;
    }
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
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) tl_json_head_field(json, fields[i].member, head, fields[i].name, NULL);
    uint64_t body;
    if (tl_content_length(head, NULL, &body)) tl_json_number(json, "content_length", (int64_t)body);
}

const tl_detector tl_rtsp = {
    .name = "rtsp",
    .head_max = HEAD_MOST,
    .ports = {554, 8554},
    .first = TL_FIRST("AZ"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
