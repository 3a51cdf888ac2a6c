/*
** mqtt.c - MQTT 3.1, 3.1.1 and 5 (OASIS MQTT Version 3.1.1 and 5.0, section 2): a type and flags, and a length of up to four bytes.
**
** Packets are paired by type and packet id: CONNECT and CONNACK, PUBLISH with QoS 1 and PUBACK, with QoS 2 and PUBREC, PUBREL and PUBCOMP,
** SUBSCRIBE and SUBACK, UNSUBSCRIBE and UNSUBACK, PINGREQ and PINGRESP.  Both sides publish.  A PUBLISH with QoS 0 is not answered.
** A CONNECT is beyond doubt, and a PUBLISH whose topic can be read; other packets are believed after a hole only with what follows them.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER_MIN = 2,
    HEADER_MAX = 5,
    SHOWN = 1024,
    TOPIC_MIN = 3, /* bytes that are told from chance */
    CONNECT = 1,
    CONNACK,
    PUBLISH,
    PUBACK,
    PUBREC,
    PUBREL,
    PUBCOMP,
    SUBSCRIBE,
    SUBACK,
    UNSUBSCRIBE,
    UNSUBACK,
    PINGREQ,
    PINGRESP,
    DISCONNECT,
    AUTH
};

struct mqtt {
    uint8_t level; /* of the CONNECT: 3, 4, 5; 0: not seen */
};

/* Kind, the type that answers it, least and most bytes behind the length. */
static const struct {
    const char *kind;
    uint8_t answer;
    uint32_t least, most;
} packets[] = {{NULL, 0, 0, 0},
               {"connect", CONNACK, 10, UINT32_MAX},
               {"connack", 0, 2, 1 << 16},
               {"publish", 0, 2, UINT32_MAX},
               {"puback", 0, 2, 1 << 16},
               {"pubrec", 0, 2, 1 << 16},
               {"pubrel", PUBCOMP, 2, 1 << 16},
               {"pubcomp", 0, 2, 1 << 16},
               {"subscribe", SUBACK, 5, UINT32_MAX},
               {"suback", 0, 3, 1 << 16},
               {"unsubscribe", UNSUBACK, 4, UINT32_MAX},
               {"unsuback", 0, 2, 1 << 16},
               {"pingreq", PINGRESP, 0, 0},
               {"pingresp", 0, 0, 0},
               {"disconnect", 0, 0, 1 << 16},
               {"auth", 0, 0, 1 << 16}};

struct packet {
    uint8_t type, flags;
    size_t header; /* 0: its length is cut */
    uint32_t rest;
};

/* May a packet begin here, as far as the bytes of its header go? */
static bool parse_header(tl_span b, struct packet *p)
{
    *p = (struct packet){.type = b.p[0] >> 4, .flags = b.p[0] & 15};
    if (p->type == 0) return false;
    uint8_t flags = p->type == PUBREL || p->type == SUBSCRIBE || p->type == UNSUBSCRIBE ? 2 : 0;
    if (p->type == PUBLISH ? (p->flags & 6) == 6 : p->flags != flags) return false;
    for (size_t i = 1; i < b.n; i++) {
        p->rest |= (uint32_t)(b.p[i] & 0x7f) << 7 * (i - 1);
        if (b.p[i] & 0x80) {
            if (i == HEADER_MAX - 1) return false;
            continue;
        }
        if (i > 1 && b.p[i] == 0) return false; /* longer than it need be */
        p->header = i + 1;
        return p->rest >= packets[p->type].least && p->rest <= packets[p->type].most;
    }
    return true;
}

/* What stands behind the header, as far as it is there; false: that type does not look like this.  *sure: and nothing else does. */
static bool check_body(const struct packet *p, tl_span body, bool *sure)
{
    *sure = false;
    if (body.n < 2) return true;
    size_t n = tl_be16(body.p);
    switch (p->type) {
    case CONNECT:
        if (n != 4 && n != 6) return false;
        *sure = body.n >= 3 + n;
        (void)tl_take(&body, 2);
        if (!(n == 4 ? tl_may_begin(body, "MQTT") : tl_may_begin(body, "MQIsdp"))) return false;
        return !*sure || (body.p[n] >= 3 && body.p[n] <= 5) || body.p[n] == 0x83 || body.p[n] == 0x84; /* a bridge sets the top bit */
    case PUBLISH: {
        if (2 + n + (p->flags & 6 ? 2 : 0) > p->rest) return false;
        (void)tl_take(&body, 2);
        tl_span topic = tl_span_of(body.p, body.n < n ? body.n : n);
        for (tl_span rest = topic; rest.n > 0;) {
            size_t one = tl_text_readable(rest);
            if (rest.p[0] == '#' || rest.p[0] == '+') return false;
            if (one == 0 && (topic.n == n || rest.n > 3)) return false;
            (void)tl_take(&rest, one > 0 ? one : rest.n);
        }
        *sure = topic.n == n && n >= TOPIC_MIN;
        return true;
    }
    case CONNACK: return body.p[0] <= 1;
    case SUBSCRIBE:
    case UNSUBSCRIBE:
    case SUBACK:
    case UNSUBACK:
    case PUBACK:
    case PUBREC:
    case PUBREL:
    case PUBCOMP: return n != 0;
    default: return true;
    }
}

static bool begins(tl_span b, struct packet *p, bool *sure)
{
    *sure = false;
    if (!parse_header(b, p)) return false;
    if (p->header == 0) return true;
    tl_span body = tl_shown(b, p->header + (uint64_t)p->rest, SHOWN);
    (void)tl_take(&body, p->header);
    return check_body(p, body, sure);
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    struct packet p;
    bool sure;
    if (!begins(b, &p, &sure)) return TL_NO;
    if (sure && p.type == CONNECT) return TL_YES;
    if (p.type == CONNECT) return TL_MAYBE;
    if (!usual) return TL_NO;
    if (p.type == CONNACK && p.rest == 2 && b.n >= 4 && b.p[2] <= 1 && b.p[3] <= 5) return TL_YES; /* all four bytes of version 3 */
    if (sure || (p.header > 0 && p.rest <= 4 && b.n >= p.header + p.rest)) return TL_LIKELY;
    return p.header == 0 || b.n < p.header + (p.rest < SHOWN ? p.rest : SHOWN) ? TL_MAYBE : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

static tl_verdict with_pairing(tl_verdict v, const struct packet *p, tl_span body)
{
    uint32_t number = 0;
    uint8_t answer = packets[p->type].answer;
    if (p->type == PUBLISH) {
        answer = p->flags & 4 ? PUBREC : p->flags & 2 ? PUBACK : 0;
        (void)tl_take_vector(&body, 2);
    }
    if (p->type >= PUBLISH && p->type <= UNSUBACK) number = (uint32_t)tl_take_be(&body, 2);
    if (answer != 0) return tl_with_id(tl_as(v, TL_REQUEST, 0), (uint32_t)answer << 16 | number);
    bool answers = p->type == CONNACK || p->type == PUBACK || p->type == PUBREC || p->type == PUBCOMP || p->type == SUBACK ||
                   p->type == UNSUBACK || p->type == PINGRESP;
    return answers ? tl_with_id(tl_as(v, TL_RESPONSE, 0), (uint32_t)p->type << 16 | number) : v;
}

/* Behind the name and level of a CONNECT: its flags. */
static tl_span behind_level(tl_span body)
{
    (void)tl_take_vector(&body, 2);
    (void)tl_take(&body, 1);
    return body;
}

/* MQTT 5: properties behind a length like that of the packet. */
static void skip_properties(tl_span *body)
{
    size_t n = 0;
    for (unsigned i = 0; i < 4 && body->n > 0; i++) {
        uint8_t byte = (uint8_t)tl_take_be(body, 1);
        n |= (size_t)(byte & 0x7f) << 7 * i;
        if (!(byte & 0x80)) break;
    }
    (void)tl_take(body, n);
}

static tl_span client_id(tl_span body, uint8_t level)
{
    body = behind_level(body);
    (void)tl_take(&body, 3); /* flags, keep alive */
    if (level == 5) skip_properties(&body);
    return tl_take_vector(&body, 2);
}

/* The first topic of a SUBSCRIBE or UNSUBSCRIBE. */
static tl_span first_topic(tl_span body, uint8_t level)
{
    (void)tl_take(&body, 2);
    if (level == 5) skip_properties(&body);
    return tl_take_vector(&body, 2);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct mqtt *s = state;
    struct packet p;
    bool sure;
    if (in->bytes.n < HEADER_MIN) return tl_more(HEADER_MIN);
    for (size_t n = HEADER_MIN;; n++) {
        if (!parse_header(tl_span_of(in->bytes.p, n), &p)) return tl_reject(0);
        if (p.header != 0) break;
        if (in->bytes.n <= n) return tl_more(n + 1);
    }
    uint64_t length = p.header + (uint64_t)p.rest;
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_span body = tl_shown(in->bytes, length, SHOWN);
    (void)tl_take(&body, p.header);
    if (!check_body(&p, body, &sure)) return tl_reject(0);
    tl_verdict v = tl_whole(in, length, SHOWN, packets[p.type].kind);
    v.strong = sure;
    if (p.type == CONNECT && sure) {
        tl_span rest = body;
        (void)tl_take_vector(&rest, 2);
        s->level = rest.n > 0 ? rest.p[0] & 0x7f : 0;
        v.summary = client_id(body, s->level);
    } else if (p.type == PUBLISH) {
        tl_span rest = body;
        v.summary = tl_take_vector(&rest, 2);
    } else if (p.type == SUBSCRIBE || p.type == UNSUBSCRIBE) {
        v.summary = first_topic(body, s->level);
    }
    return with_pairing(v, &p, body);
}

static bool plausible(tl_span from)
{
    struct packet p;
    bool sure;
    return begins(from, &p, &sure);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe_connect(tl_span body, uint8_t level, tl_text *json)
{
    tl_span rest = behind_level(body);
    if (level == 0 || rest.n < 3) return;
    uint8_t flags = rest.p[0];
    tl_json_number(json, "version", level);
    tl_json_some(json, "client_id", client_id(body, level), 256);
    tl_json_number(json, "keep_alive", tl_be16(rest.p + 1));
    (void)tl_take(&rest, 3);
    if (level == 5) skip_properties(&rest);
    (void)tl_take_vector(&rest, 2);
    if (flags & 4) { /* the will */
        if (level == 5) skip_properties(&rest);
        tl_json_some(json, "will_topic", tl_take_vector(&rest, 2), 256);
        (void)tl_take_vector(&rest, 2);
    }
    if (flags & 0x80) tl_json_some(json, "user", tl_take_vector(&rest, 2), 256);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct mqtt *s = state;
    struct packet p;
    if (!parse_header(in->bytes, &p) || p.header == 0) return;
    tl_span body = tl_shown(in->bytes, p.header + (uint64_t)p.rest, SHOWN), rest;
    (void)tl_take(&body, p.header);
    rest = body;
    switch (p.type) {
    case CONNECT: describe_connect(body, s->level, json); return;
    case CONNACK:
        if (body.n >= 2) tl_json_number(json, "session_present", body.p[0] & 1);
        if (body.n >= 2) tl_json_number(json, "reason_code", body.p[1]);
        return;
    case PUBLISH: {
        tl_span topic = tl_take_vector(&rest, 2);
        tl_json_some(json, "topic", topic, 512);
        tl_json_number(json, "qos", p.flags >> 1 & 3);
        if (p.flags & 1) tl_json_number(json, "retain", 1);
        if ((p.flags & 6) && rest.n >= 2) tl_json_number(json, "packet_id", tl_be16(rest.p));
        return;
    }
    case SUBSCRIBE:
    case UNSUBSCRIBE: tl_json_some(json, "topic", first_topic(body, s->level), 512); break;
    case PINGREQ:
    case PINGRESP:
    case DISCONNECT:
    case AUTH: return;
    default: break;
    }
    if (body.n >= 2) tl_json_number(json, "packet_id", tl_be16(body.p));
}

const tl_detector tl_mqtt = {
    .name = "mqtt",
    .head_max = SHOWN,
    .state_size = sizeof(struct mqtt),
    .ports = {1883},
    .first = TL_FIRST("\x10\x1f"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
