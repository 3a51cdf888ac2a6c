/*
** amqp.c - AMQP 0-9-1 (specification sections 2.3 and 4.2, and the methods of section 1 of its reference).
**
** A message is a frame: frames of one channel may stand between those of another, so a published message is its method, a content header
** and bodies, each on its own.  Methods that are answered are paired by channel and by the method that answers; publish, deliver, ack
** and their like answer nothing, and with nowait set nothing is answered.
** A frame ends in 0xCE: with a known method or content class before it that leaves no doubt.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER = 7,
    FRAME_END = 0xce,
    SIZE_MAX_BYTES = 128 << 20,
    SHOWN = 1024,
    METHOD = 1,
    CONTENT = 2,
    BODY = 3,
    HEARTBEAT = 8,
    CONTENT_MIN = 14,
    BASIC = 60
};

static const char protocol_header[] = {'A', 'M', 'Q', 'P', 0, 0, 9, 1};

struct amqp {
    tl_label label;
};

/* arguments, in order, as far as they are shown: r two reserved bytes, e exchange, q queue, k routing key, c consumer tag, t type, v
** virtual host, x reply code and text, d delivery tag, b a byte of bits, 0 to 7 such a byte in which that bit is nowait. */
struct method {
    uint16_t class, method, answer; /* answer: the method that answers it; 0: none.  Some are answered by one of two: get */
    const char *kind, *arguments;
};

static const struct method methods[] = {{10, 10, 11, "connection.start", ""},
                                        {10, 11, 0, "connection.start_ok", ""},
                                        {10, 20, 21, "connection.secure", ""},
                                        {10, 21, 0, "connection.secure_ok", ""},
                                        {10, 30, 31, "connection.tune", ""},
                                        {10, 31, 0, "connection.tune_ok", ""},
                                        {10, 40, 41, "connection.open", "v"},
                                        {10, 41, 0, "connection.open_ok", ""},
                                        {10, 50, 51, "connection.close", "x"},
                                        {10, 51, 0, "connection.close_ok", ""},
                                        {10, 60, 0, "connection.blocked", ""},
                                        {10, 61, 0, "connection.unblocked", ""},
                                        {20, 10, 11, "channel.open", ""},
                                        {20, 11, 0, "channel.open_ok", ""},
                                        {20, 20, 21, "channel.flow", ""},
                                        {20, 21, 0, "channel.flow_ok", ""},
                                        {20, 40, 41, "channel.close", "x"},
                                        {20, 41, 0, "channel.close_ok", ""},
                                        {40, 10, 11, "exchange.declare", "ret4"},
                                        {40, 11, 0, "exchange.declare_ok", ""},
                                        {40, 20, 21, "exchange.delete", "re1"},
                                        {40, 21, 0, "exchange.delete_ok", ""},
                                        {40, 30, 31, "exchange.bind", "reek0"},
                                        {40, 31, 0, "exchange.bind_ok", ""},
                                        {40, 40, 51, "exchange.unbind", "reek0"},
                                        {40, 51, 0, "exchange.unbind_ok", ""},
                                        {50, 10, 11, "queue.declare", "rq4"},
                                        {50, 11, 0, "queue.declare_ok", "q"},
                                        {50, 20, 21, "queue.bind", "rqek0"},
                                        {50, 21, 0, "queue.bind_ok", ""},
                                        {50, 30, 31, "queue.purge", "rq0"},
                                        {50, 31, 0, "queue.purge_ok", ""},
                                        {50, 40, 41, "queue.delete", "rq2"},
                                        {50, 41, 0, "queue.delete_ok", ""},
                                        {50, 50, 51, "queue.unbind", "rqek"},
                                        {50, 51, 0, "queue.unbind_ok", ""},
                                        {60, 10, 11, "basic.qos", ""},
                                        {60, 11, 0, "basic.qos_ok", ""},
                                        {60, 20, 21, "basic.consume", "rqc3"},
                                        {60, 21, 0, "basic.consume_ok", "c"},
                                        {60, 30, 31, "basic.cancel", "c0"},
                                        {60, 31, 0, "basic.cancel_ok", "c"},
                                        {60, 40, 0, "basic.publish", "rek"},
                                        {60, 50, 0, "basic.return", "xek"},
                                        {60, 60, 0, "basic.deliver", "cdbek"},
                                        {60, 70, 71, "basic.get", "rq"},
                                        {60, 71, 0, "basic.get_ok", "dbek"},
                                        {60, 72, 0, "basic.get_empty", ""},
                                        {60, 80, 0, "basic.ack", "d"},
                                        {60, 90, 0, "basic.reject", "d"},
                                        {60, 100, 0, "basic.recover_async", ""},
                                        {60, 110, 111, "basic.recover", ""},
                                        {60, 111, 0, "basic.recover_ok", ""},
                                        {60, 120, 0, "basic.nack", "d"},
                                        {85, 10, 11, "confirm.select", "0"},
                                        {85, 11, 0, "confirm.select_ok", ""},
                                        {90, 10, 11, "tx.select", ""},
                                        {90, 11, 0, "tx.select_ok", ""},
                                        {90, 20, 21, "tx.commit", ""},
                                        {90, 21, 0, "tx.commit_ok", ""},
                                        {90, 30, 31, "tx.rollback", ""},
                                        {90, 31, 0, "tx.rollback_ok", ""}};

static const struct method *method_of(tl_span payload)
{
    if (payload.n < 4) return NULL;
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (tl_be16(payload.p) == methods[i].class && tl_be16(payload.p + 2) == methods[i].method) return &methods[i];
    return NULL;
}

/* It answers something: its name ends in ok, or it is get_empty. */
static uint16_t answers(const struct method *m)
{
    size_t n = strlen(m->kind);
    if (m->class == BASIC && m->method == 72) return 71;
    return n > 3 && strcmp(m->kind + n - 3, "_ok") == 0 ? m->method : 0;
}

/* May a frame begin with these bytes, as far as they go?  *sure: and nothing else. */
static bool frame_begins(tl_span b, bool *sure)
{
    *sure = false;
    if (b.p[0] == 'A') {
        size_t n = b.n < sizeof protocol_header ? b.n : sizeof protocol_header;
        *sure = b.n >= sizeof protocol_header;
        return memcmp(b.p, protocol_header, n) == 0;
    }
    if (b.p[0] != METHOD && b.p[0] != CONTENT && b.p[0] != BODY && b.p[0] != HEARTBEAT) return false;
    if (b.n >= 3 && b.p[0] == HEARTBEAT && tl_be16(b.p + 1) != 0) return false;
    if (b.n < HEADER) return true;
    uint32_t size = tl_be32(b.p + 3);
    tl_span payload = tl_shown(tl_span_of(b.p + HEADER, b.n - HEADER), size, SHOWN);
    bool ends = b.n > HEADER + (size_t)size;
    if (size > SIZE_MAX_BYTES || (ends && b.p[HEADER + size] != FRAME_END)) return false;
    switch (b.p[0]) {
    case METHOD:
        if (size < 4) return false;
        *sure = method_of(payload) != NULL;
        return payload.n < 4 || *sure;
    case CONTENT:
        if (size < CONTENT_MIN || (payload.n >= 4 && (tl_be16(payload.p) != BASIC || tl_be16(payload.p + 2) != 0))) return false;
        *sure = payload.n >= 4;
        return true;
    case BODY: return size > 0;
    default: *sure = ends; return size == 0;
    }
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    bool sure;
    if (!frame_begins(b, &sure)) return TL_NO;
    if (sure && b.p[0] == 'A') return TL_YES;
    if (b.n < HEADER) return TL_MAYBE;
    /* A frame to its end, or so much of it. */
    uint32_t size = tl_be32(b.p + 3);
    if (b.n <= HEADER + (size < SHOWN ? (size_t)size : SHOWN)) return TL_MAYBE;
    return sure && (b.p[0] == METHOD || usual) ? TL_YES : usual ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- the arguments of a method ---- */

struct arguments {
    tl_span exchange, queue, routing_key, consumer_tag, virtual_host, reply_text;
    uint64_t delivery_tag, reply_code;
    bool nowait;
};

static struct arguments parse_arguments(const struct method *m, tl_span rest)
{
    struct arguments a = {.delivery_tag = 0};
    tl_span *to;
    (void)tl_take(&rest, 4);
    for (const char *c = m->arguments; *c != '\0'; c++) {
        switch (*c) {
        case 'r': (void)tl_take(&rest, 2); continue;
        case 'b': (void)tl_take(&rest, 1); continue;
        case 'd': a.delivery_tag = tl_take_be(&rest, 8); continue;
        case 'x':
            a.reply_code = tl_take_be(&rest, 2);
            a.reply_text = tl_take_vector(&rest, 1);
            continue;
        case 't': (void)tl_take_vector(&rest, 1); continue;
        case 'e': to = &a.exchange; break;
        case 'q': to = &a.queue; break;
        case 'k': to = &a.routing_key; break;
        case 'c': to = &a.consumer_tag; break;
        case 'v': to = &a.virtual_host; break;
        default: a.nowait = rest.n > 0 && (rest.p[0] >> (*c - '0') & 1); continue;
        }
        *to = tl_take_vector(&rest, 1);
    }
    return a;
}

/* ---- measure ---- */

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    bool sure;
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    if (!frame_begins(tl_span_of(in->bytes.p, HEADER), &sure)) return tl_reject(0);
    bool hello = in->bytes.p[0] == 'A';
    uint64_t length = hello ? sizeof protocol_header : HEADER + (uint64_t)tl_be32(in->bytes.p + 3) + 1;
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_span b = tl_shown(in->bytes, length, SHOWN);
    if (!frame_begins(b, &sure)) return tl_reject(0);
    tl_verdict v = tl_whole(in, length, SHOWN, "protocol_header");
    v.strong = sure;
    if (hello) return v;
    uint64_t channel = tl_be16(b.p + 1);
    (void)tl_take(&b, HEADER);
    const struct method *m = in->bytes.p[0] == METHOD ? method_of(b) : NULL;
    v.kind = in->bytes.p[0] == CONTENT ? "content_header" : in->bytes.p[0] == BODY ? "content_body" : "heartbeat";
    if (m == NULL) return v;
    v.kind = m->kind;
    if (m->answer != 0 && !parse_arguments(m, b).nowait)
        return tl_with_id(tl_as(v, TL_REQUEST, 0), channel << 32 | (uint64_t)m->class << 16 | m->answer);
    if (answers(m) != 0) return tl_with_id(tl_as(v, TL_RESPONSE, 0), channel << 32 | (uint64_t)m->class << 16 | answers(m));
    return v;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct amqp *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    s->label.n = 0;
    if (b.n < HEADER || b.p[0] == 'A') return TL_OK;
    uint8_t type = b.p[0];
    (void)tl_take(&b, HEADER);
    const struct method *m = type == METHOD ? method_of(b) : NULL;
    if (m != NULL) {
        struct arguments a = parse_arguments(m, b);
        tl_label_add(&s->label, a.virtual_host);
        tl_label_add(&s->label, a.exchange);
        tl_label_add(&s->label, a.queue);
        tl_label_add(&s->label, a.routing_key);
        tl_label_add(&s->label, a.reply_text);
        v->summary = tl_label_span(&s->label);
    } else if (type == BODY && b.n > 0) {
        v->summary = tl_span_of(b.p, b.n == v->length - HEADER ? b.n - 1 : b.n);
    }
    return TL_OK;
}

static bool plausible(tl_span from)
{
    bool sure;
    return frame_begins(from, &sure);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe_content(tl_span b, tl_text *json)
{
    (void)tl_take(&b, 4); /* class, weight */
    uint64_t size = tl_take_be(&b, 8), flags = tl_take_be(&b, 2);
    if (size <= INT64_MAX) tl_json_number(json, "body_size", (int64_t)size);
    if (flags & 0x8000) tl_json_some(json, "content_type", tl_take_vector(&b, 1), 255);
    if (flags & 0x4000) tl_json_some(json, "content_encoding", tl_take_vector(&b, 1), 255);
    if (flags & 0x2000) (void)tl_take_vector(&b, 4); /* headers */
    if (flags & 0x1000) tl_json_number(json, "delivery_mode", (int64_t)tl_take_be(&b, 1));
    if (flags & 0x0800) (void)tl_take(&b, 1); /* priority */
    if (flags & 0x0400) tl_json_some(json, "correlation_id", tl_take_vector(&b, 1), 255);
    if (flags & 0x0200) tl_json_some(json, "reply_to", tl_take_vector(&b, 1), 255);
    if (flags & 0x0100) (void)tl_take_vector(&b, 1); /* expiration */
    if (flags & 0x0080) tl_json_some(json, "message_id", tl_take_vector(&b, 1), 255);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER || in->bytes.p[0] == 'A') return;
    tl_span b = tl_shown(in->bytes, HEADER + (uint64_t)tl_be32(in->bytes.p + 3), SHOWN);
    tl_json_number(json, "channel", tl_be16(in->bytes.p + 1));
    (void)tl_take(&b, HEADER);
    if (in->bytes.p[0] == CONTENT && b.n >= CONTENT_MIN) describe_content(b, json);
    const struct method *m = in->bytes.p[0] == METHOD ? method_of(b) : NULL;
    if (m == NULL) return;
    struct arguments a = parse_arguments(m, b);
    tl_json_some(json, "virtual_host", a.virtual_host, 255);
    tl_json_some(json, "exchange", a.exchange, 255);
    tl_json_some(json, "queue", a.queue, 255);
    tl_json_some(json, "routing_key", a.routing_key, 255);
    tl_json_some(json, "consumer_tag", a.consumer_tag, 255);
    if (a.delivery_tag != 0 && a.delivery_tag <= INT64_MAX) tl_json_number(json, "delivery_tag", (int64_t)a.delivery_tag);
    if (a.reply_code != 0) tl_json_number(json, "reply_code", (int64_t)a.reply_code);
    tl_json_some(json, "reply_text", a.reply_text, 255);
}

const tl_detector tl_amqp = {
    .name = "amqp",
    .head_max = SHOWN,
    .state_size = sizeof(struct amqp),
    .ports = {5672},
    .first = TL_FIRST("\x01\x03\x08\x08"
                      "AA"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
