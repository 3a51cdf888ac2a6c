/*
** bgp.c - BGP-4 (RFC 4271 section 4; RFC 2918 ROUTE-REFRESH; RFC 6793 four-octet AS numbers; RFC 8654 long messages).
**
** Each message begins with a marker of sixteen 0xff, which is found again at once after a hole.  Both sides speak for themselves: no
** message answers another.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    MARKER = 16,
    HEADER = 19,
    SHOWN = 4096,
    OPEN = 1,
    UPDATE,
    NOTIFICATION,
    KEEPALIVE,
    ROUTE_REFRESH,
    CAPABILITIES = 2,
    FOUR_OCTET_AS = 65
};

static const struct {
    const char *kind;
    uint16_t least, most;
} types[] = {{NULL, 0, 0},          {"open", 29, UINT16_MAX},         {"update", 23, UINT16_MAX}, {"notification", 21, UINT16_MAX},
             {"keepalive", 19, 19}, {"route_refresh", 23, UINT16_MAX}};
static const tl_word errors[] = {{1, "message_header"}, {2, "open_message"}, {3, "update_message"},        {4, "hold_timer_expired"},
                                 {5, "state_machine"},  {6, "cease"},        {7, "route_refresh_message"}, {0, NULL}};

struct bgp {
    tl_label label;
};

/* May a message begin with these bytes, as far as they go? */
static bool begins(tl_span b)
{
    for (size_t i = 0; i < b.n && i < MARKER; i++)
        if (b.p[i] != 0xff) return false;
    /* A longer run of 0xff begins later. */
    if (b.n > MARKER && b.p[MARKER] == 0xff) return false;
    if (b.n < HEADER) return true;
    unsigned length = tl_be16(b.p + MARKER), type = b.p[HEADER - 1];
    return type >= OPEN && type <= ROUTE_REFRESH && length >= types[type].least && length <= types[type].most;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_begins(in, HEADER, begins);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    if (!begins(in->bytes)) return tl_reject(0);
    size_t length = tl_be16(in->bytes.p + MARKER), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, length, SHOWN, types[in->bytes.p[HEADER - 1]].kind);
    v.strong = true;
    return v;
}

/* The AS of an OPEN: of the capability, where four octets are needed. */
static uint32_t as_number(tl_span body)
{
    uint32_t as = body.n >= 3 ? tl_be16(body.p + 1) : 0;
    (void)tl_take(&body, 9);
    tl_span parameters = tl_take_vector(&body, 1);
    while (parameters.n >= 2) {
        uint64_t type = tl_take_be(&parameters, 1);
        tl_span value = tl_take_vector(&parameters, 1);
        while (type == CAPABILITIES && value.n >= 2) {
            uint64_t code = tl_take_be(&value, 1);
            tl_span capability = tl_take_vector(&value, 1);
            if (code == FOUR_OCTET_AS && capability.n == 4) as = tl_be32(capability.p);
        }
    }
    return as;
}

/* Prefixes, each its bits and as many bytes as they need, as far as they are shown. */
static unsigned count_prefixes(tl_span in)
{
    unsigned n = 0;
    for (; in.n > 0 && in.p[0] <= 128; n++) (void)tl_take(&in, 1 + (in.p[0] + 7u) / 8);
    return n;
}

static void first_prefix(tl_label *l, tl_span in)
{
    uint8_t address[4] = {0};
    if (in.n == 0 || in.p[0] > 32) return;
    size_t n = (in.p[0] + 7u) / 8;
    uint8_t bits = in.p[0];
    (void)tl_take(&in, 1);
    if (n > in.n) return;
    memcpy(address, in.p, n);
    for (size_t i = 0; i < 4; i++) {
        if (i == 0 && l->n > 0) tl_label_more(l, tl_text_span(" "));
        if (i > 0) tl_label_more(l, tl_text_span("."));
        tl_label_digits(l, address[i]);
    }
    tl_label_more(l, tl_text_span("/"));
    tl_label_digits(l, bits);
}

struct update {
    tl_span withdrawn, attributes, announced;
};

/* Lengths that lie leave the later parts empty. */
static struct update parse_update(tl_span body)
{
    struct update u;
    u.withdrawn = tl_take_vector(&body, 2);
    u.attributes = tl_take_vector(&body, 2);
    u.announced = body;
    return u;
}

static tl_span body_of(tl_span b)
{
    tl_span body = tl_shown(b, tl_be16(b.p + MARKER), SHOWN);
    (void)tl_take(&body, HEADER);
    return body;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct bgp *s = state;
    tl_span body = body_of(in->bytes);
    s->label.n = 0;
    switch (in->bytes.p[HEADER - 1]) {
    case OPEN:
        tl_label_add(&s->label, tl_text_span("AS"));
        tl_label_number(&s->label, as_number(body));
        break;
    case UPDATE: {
        struct update u = parse_update(body);
        first_prefix(&s->label, u.announced.n > 0 ? u.announced : u.withdrawn);
        break;
    }
    case NOTIFICATION:
        if (body.n > 0) tl_label_word(&s->label, errors, body.p[0]);
        break;
    default: break;
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return;
    tl_span body = body_of(in->bytes);
    switch (in->bytes.p[HEADER - 1]) {
    case OPEN: {
        if (body.n < 9) return;
        tl_addr id = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 0};
        char text[TL_ADDR_TEXT];
        memcpy(id.ip + 12, body.p + 5, 4);
        tl_json_number(json, "version", body.p[0]);
        tl_json_number(json, "as", as_number(body));
        tl_json_number(json, "hold_time", tl_be16(body.p + 3));
        tl_json_text(json, "router_id", tl_addr_text(&id, text));
        break;
    }
    case UPDATE: {
        struct update u = parse_update(body);
        tl_json_number(json, "withdrawn", count_prefixes(u.withdrawn));
        tl_json_number(json, "announced", count_prefixes(u.announced));
        break;
    }
    case NOTIFICATION:
        if (body.n < 2) return;
        tl_json_word(json, "error", errors, body.p[0]);
        tl_json_number(json, "subcode", body.p[1]);
        break;
    case ROUTE_REFRESH:
        if (body.n < 4) return;
        tl_json_number(json, "afi", tl_be16(body.p));
        tl_json_number(json, "safi", body.p[3]);
        break;
    default: break;
    }
}

const tl_detector tl_bgp = {
    .name = "bgp",
    .head_max = SHOWN,
    .state_size = sizeof(struct bgp),
    .ports = {179},
    .first = TL_FIRST("\xff\xff"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
