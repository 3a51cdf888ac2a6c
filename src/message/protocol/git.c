/*
** git.c - git's own transport (gitprotocol-pack(5), gitprotocol-v2(5), gitprotocol-common(5)): packets with their length before them in
** four hexadecimal digits; 0000, 0001 and 0002 are marks.  One packet, one message.
**
** The client's first packet names the service and the repository; the server's packets follow.  A pack that is not in packets ("PACK" where
** a packet would begin) goes on to the end of the stream: how long it is can only be told by inflating it.
** Nothing has ids, and many packets answer many: only the first request has an answer, the server's first packet.
*/
#include "message/protocol/lines.h"
#include "message/registry.h"

enum { PREFIX = 4, PACKET_MOST = 65520, SHOWN = 512 };

struct git {
    bool asked;    /* the request has been seen */
    bool answered; /* and the server's first packet */
};

static int hex(uint8_t c)
{
    return tl_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The length in front of b; -1: that is none. */
static int length_at(tl_span b)
{
    int n = 0;
    for (size_t i = 0; i < PREFIX && i < b.n; i++) {
        if (hex(b.p[i]) < 0) return -1;
        n = n * 16 + hex(b.p[i]);
    }
    return b.n < PREFIX || (n <= PACKET_MOST && n != 3) ? n : -1;
}

static tl_span payload_of(tl_span b)
{
    int n = length_at(b);
    size_t most = n > PREFIX ? (size_t)n - PREFIX : 0;
    if (b.n < PREFIX) return tl_span_of(b.p, 0);
    return tl_span_of(b.p + PREFIX, b.n - PREFIX < most ? b.n - PREFIX : most);
}

static bool is_object_id(tl_span s, size_t n)
{
    if (s.n < n) return false;
    for (size_t i = 0; i < n; i++)
        if (hex(s.p[i]) < 0) return false;
    return true;
}

static const char *const services[] = {"git-upload-pack ", "git-receive-pack ", "git-upload-archive "};

static bool is_request(tl_span payload)
{
    for (int i = 0; i < 3; i++)
        if (tl_begins(payload, services[i])) return true;
    return false;
}

static bool may_be_request(tl_span payload)
{
    for (int i = 0; i < 3; i++)
        if (tl_may_begin(payload, services[i])) return true;
    return false;
}

static tl_match probe_one(tl_span b)
{
    if (b.n == 0 || length_at(b) < 0) return TL_NO;
    if (b.n <= PREFIX) return TL_MAYBE;
    tl_span payload = payload_of(b);
    bool version = tl_may_begin(payload, "version 1") || tl_may_begin(payload, "version 2");
    if (is_request(payload) || (version && payload.n >= 9)) return TL_YES;
    if (payload.n > 0 && (version || may_be_request(payload))) return TL_MAYBE;
    /* The first reference: an object id, a space, a name. */
    if (payload.n >= 41 && is_object_id(payload, 40) && payload.p[40] == ' ') return TL_YES;
    return payload.n > 0 && payload.n < 41 && is_object_id(payload, payload.n) ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    tl_match client = probe_one(in->head[TL_C2S]), server = probe_one(in->head[TL_S2C]);
    return client > server ? client : server;
}

static const struct {
    const char *front, *kind;
} kinds[] = {{"want ", "want"},
             {"have ", "have"},
             {"done", "done"},
             {"ACK ", "ack"},
             {"NAK", "nak"},
             {"ERR ", "error"},
             {"shallow ", "shallow"},
             {"deepen", "deepen"},
             {"unshallow ", "shallow"},
             {"command=", "command"},
             {"version ", "version"},
             {"unpack ", "status"},
             {"ok ", "status"},
             {"ng ", "status"},
             {"packfile", "section"},
             {"acknowledgments", "section"},
             {"wanted-refs", "section"},
             {"shallow-info", "section"}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const char *kind_of(tl_span payload, int length)
{
    if (length == 0) return "flush";
    if (length == 1) return "delimiter";
    if (length == 2) return "response_end";
    if (is_request(payload)) return "request";
    if (payload.n > 0 && payload.p[0] >= 1 && payload.p[0] <= 3)
        return payload.p[0] == 1 ? "pack" : payload.p[0] == 2 ? "progress" : "error";
    for (size_t i = 0; i < KINDS; i++)
        if (tl_begins(payload, kinds[i].front)) return kinds[i].kind;
    if (is_object_id(payload, 40)) return "ref";
    return "packet";
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct git *s = state;
    tl_span b = in->bytes;
    int n = length_at(b);
    if (b.p[0] == 'P') {
        if (b.n < 12 && (!in->ended || tl_may_begin(b, "PACK"))) return tl_more(12);
        if (!tl_begins(b, "PACK") || (tl_be32(b.p + 4) != 2 && tl_be32(b.p + 4) != 3)) return tl_reject(0);
        return tl_whole(in, TL_TO_CLOSE, 12, "pack");
    }
    if (b.n < PREFIX && (!in->ended || n >= 0)) return tl_more(PREFIX);
    if (n < 0) return tl_reject(0);
    size_t length = n < PREFIX ? PREFIX : (size_t)n, head = length < PREFIX + SHOWN ? length : PREFIX + SHOWN;
    if (b.n < head && !in->ended) return tl_more(head);
    tl_span payload = payload_of(tl_span_of(b.p, b.n < head ? b.n : head));
    tl_verdict v = tl_whole(in, length, head, kind_of(payload, n));
    bool binary = payload.n > 0 && payload.p[0] == 1;
    tl_span line;
    (void)tl_line(payload, &line);
    const uint8_t *nul = line.n > 0 ? memchr(line.p, 0, line.n) : NULL; /* capabilities or the host are behind it */
    if (nul != NULL) line.n = (size_t)(nul - line.p);
    if (payload.n > 1 && payload.p[0] <= 3 && !binary) (void)tl_take(&line, 1);
    if (!binary) v.summary = line;
    v.strong = is_request(payload);
    if (v.strong && !s->asked) v = tl_as(v, TL_REQUEST, 1);
    if (!v.strong && s->asked && !s->answered && in->asked != 0) {
        v.role = TL_RESPONSE;
        s->answered = true;
    }
    s->asked |= v.strong;
    return v;
}

/* After a hole: a packet that says what it is.  Marks do not, zeros are everywhere. */
static bool plausible(tl_span b)
{
    int n = length_at(b);
    if (n < 0) return tl_may_begin(b, "PACK");
    if (b.n < PREFIX) return true;
    if (n <= PREFIX) return false;
    tl_span payload = payload_of(b);
    if (payload.n == 0 || payload.p[0] <= 3 || is_object_id(payload, payload.n < 40 ? payload.n : 40)) return true;
    for (size_t i = 0; i < KINDS; i++)
        if (tl_may_begin(payload, kinds[i].front)) return true;
    return may_be_request(payload);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span payload = payload_of(in->bytes), line;
    if (payload.n > SHOWN) payload.n = SHOWN;
    if (tl_begins(in->bytes, "PACK") && in->bytes.n >= 12) {
        tl_json_number(json, "version", tl_be32(in->bytes.p + 4));
        tl_json_number(json, "objects", tl_be32(in->bytes.p + 8));
    } else if (is_request(payload)) {
        tl_json_field(json, "service", tl_take_word(&payload), 32);
        tl_json_field(json, "path", tl_take_string(&payload), SHOWN);
        tl_span host = tl_take_string(&payload);
        if (tl_begins(host, "host=")) tl_json_field(json, "host", tl_span_of(host.p + 5, host.n - 5), 256);
    } else if (is_object_id(payload, 40) && payload.n > 41) {
        (void)tl_line(payload, &line);
        const uint8_t *nul = memchr(line.p, 0, line.n);
        if (nul != NULL) line.n = (size_t)(nul - line.p);
        tl_json_field(json, "object", tl_span_of(line.p, 40), 40);
        if (line.n > 41) tl_json_field(json, "ref", tl_span_of(line.p + 41, line.n - 41), 256);
    } else if (payload.n > 1 && payload.p[0] >= 1 && payload.p[0] <= 3) {
        tl_json_number(json, "band", payload.p[0]);
    }
}

const tl_detector tl_git = {
    .name = "git",
    .head_max = PREFIX + SHOWN,
    .state_size = sizeof(struct git),
    .ports = {9418},
    .first = TL_FIRST("09AFaf"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
