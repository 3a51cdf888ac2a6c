/*
** rdp.c - RDP's way in (MS-RDPBCGR section 2.2.1): connection request and confirm in X.224 (tpkt.h), and what follows when no TLS was
** chosen.
**
** The confirm names the protocol: anything but 0 is TLS from the next byte on.  With standard RDP security the session goes on as MCS
** (T.125) in TPKT, and as fast-path PDUs (section 2.2.9.1.2) whose first byte has two zero bits and whose length is one or two bytes: these
** are framed by count and not searched for after a hole, where any byte could be one.  Nothing is decrypted.
*/
#include "message/protocol/tpkt.h"
#include "message/registry.h"

enum {
    SHOWN = 512,
    NEGOTIATION_REQUEST = 1,
    NEGOTIATION_RESPONSE,
    NEGOTIATION_FAILURE,
    CONNECT_INITIAL = 0x7f65,
    CONNECT_RESPONSE = 0x7f66,
    CORE_DATA = 0xc001,
    NAME_AT = 20, /* of the client's name in its core data, behind its header */
    NAME_SIZE = 32
};

static const tl_word protocols[] = {{0, "rdp"}, {1, "ssl"}, {2, "hybrid"}, {4, "rdstls"}, {8, "hybrid_ex"}, {16, "rdsaad"}, {0, NULL}};
static const tl_word failures[] = {{1, "ssl required by server"},
                                   {2, "ssl not allowed by server"},
                                   {3, "ssl certificate not on server"},
                                   {4, "inconsistent flags"},
                                   {5, "hybrid required by server"},
                                   {6, "ssl with user authentication required"},
                                   {0, NULL}};
static const tl_word domain_kinds[] = {{1, "erect_domain_request"},
                                       {8, "disconnect"},
                                       {10, "attach_user_request"},
                                       {11, "attach_user_confirm"},
                                       {14, "channel_join_request"},
                                       {15, "channel_join_confirm"},
                                       {25, "send_data_request"},
                                       {26, "send_data_indication"},
                                       {0, NULL}};

struct rdp {
    uint8_t connected; /* a confirm or what follows one was seen: fast-path PDUs may come */
    tl_label label;
};

struct opening {
    tl_span cookie; /* behind "Cookie: " */
    unsigned type;  /* NEGOTIATION_...; 0: none */
    uint32_t value; /* protocols, or why not */
};

/* The routing token or cookie, a line; then the negotiation, eight bytes. */
static struct opening read_opening(tl_span parameters)
{
    struct opening o = {.type = 0};
    if (tl_begins(parameters, "Cookie: ")) {
        size_t n = tl_line(parameters, &o.cookie);
        (void)tl_take(&o.cookie, 8);
        (void)tl_take(&parameters, n);
    }
    const uint8_t *p = parameters.p;
    bool fits = parameters.n >= 8 && p[0] >= NEGOTIATION_REQUEST && p[0] <= NEGOTIATION_FAILURE && tl_le16(p + 2) == 8;
    if (!fits) return o;
    o.type = p[0];
    o.value = tl_le32(p + 4);
    return o;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (!tl_tpkt_begins(b)) return TL_NO;
    if (b.n < TPKT_LOOK) return TL_MAYBE;
    if (b.p[5] != COTP_CR && b.p[5] != COTP_CC) return TL_NO;
    if (b.p[4] == 6) return usual ? TL_LIKELY : TL_NO;
    if (b.n < 5u + b.p[4]) return TL_MAYBE;
    struct opening o = read_opening(tl_tpkt_read(b).parameters);
    bool cookie = o.cookie.n > 0 && b.p[5] == COTP_CR;
    return cookie || (o.type == NEGOTIATION_REQUEST) == (b.p[5] == COTP_CR) ? (cookie || o.type != 0 ? TL_YES : TL_NO) : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

static tl_verdict as_mcs(tl_verdict v, tl_span user)
{
    v.kind = "data";
    if (user.n >= 2 && tl_be16(user.p) == CONNECT_INITIAL) {
        v.kind = "connect_initial";
        return tl_as(v, TL_REQUEST, 0);
    }
    if (user.n >= 2 && tl_be16(user.p) == CONNECT_RESPONSE) {
        v.kind = "connect_response";
        return tl_as(v, TL_RESPONSE, 0);
    }
    const char *kind = user.n > 0 ? tl_word_of(domain_kinds, user.p[0] >> 2) : NULL;
    if (kind == NULL) return v;
    v.kind = kind;
    unsigned choice = user.p[0] >> 2;
    if (choice == 10 || choice == 14) return tl_as(v, TL_REQUEST, 0);
    return choice == 11 || choice == 15 ? tl_as(v, TL_RESPONSE, 0) : v;
}

static tl_verdict as_opening(tl_verdict v, struct rdp *s, const tl_tpdu *t)
{
    if (t->code == COTP_CR) {
        v.kind = "connection_request";
        return tl_as(v, TL_REQUEST, 0);
    }
    struct opening o = read_opening(t->parameters);
    v.kind = "connection_confirm";
    v.last_of_protocol = o.type == NEGOTIATION_RESPONSE && o.value != 0;
    v.next = v.last_of_protocol ? &tl_tls : NULL;
    s->connected = 1;
    return tl_as(v, TL_RESPONSE, 0);
}

static tl_verdict fast_path(const tl_head *in)
{
    tl_span b = in->bytes;
    if ((b.p[0] & 3) != 0) return tl_reject(0);
    if (b.n < 2) return tl_more(2);
    if (b.p[1] & 0x80 && b.n < 3) return tl_more(3);
    size_t length = b.p[1] & 0x80 ? tl_be16(b.p + 1) & 0x7fff : b.p[1];
    return length < (b.p[1] & 0x80 ? 4u : 3u) ? tl_reject(0) : tl_whole(in, length, 2, "fast_path");
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct rdp *s = state;
    if (in->bytes.p[0] != 3 && s->connected) return fast_path(in);
    if (in->bytes.n < TPKT_LOOK && (!in->ended || tl_tpkt_begins(in->bytes))) return tl_more(TPKT_LOOK);
    if (!tl_tpkt_begins(in->bytes)) return tl_reject(0);
    size_t length = tl_be16(in->bytes.p + 2), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, length, SHOWN));
    tl_verdict v = tl_whole(in, length, SHOWN, "data");
    v.strong = true;
    if (t.code == COTP_CR || t.code == COTP_CC) return as_opening(v, s, &t);
    if (t.code == COTP_DT) {
        s->connected = 1;
        return as_mcs(v, t.user);
    }
    v.kind = t.code == COTP_DR ? "disconnect_request" : "error";
    return v;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, tl_tpkt_begins);
}

/* ---- what it says ---- */

/* The client's name in the core data of the conference request (sections 2.2.1.3 and 2.2.1.3.2), as ASCII; n: 0: there is none. */
static size_t client_name(tl_span user, uint8_t name[NAME_SIZE / 2])
{
    size_t n = 0;
    const size_t size = 4 + NAME_AT + NAME_SIZE;
    for (size_t at = 0; at + 4 + size <= user.n; at++) {
        if (memcmp(user.p + at, "Duca", 4) != 0) continue;
        for (size_t to = at + 4; to + size <= user.n && to < at + 8; to++) {
            if (tl_le16(user.p + to) != CORE_DATA || tl_le16(user.p + to + 2) < size) continue;
            const uint8_t *p = user.p + to + 4 + NAME_AT;
            for (; n < NAME_SIZE / 2 && tl_le16(p + 2 * n) != 0; n++) name[n] = p[2 * n + 1] == 0 ? p[2 * n] : '?';
            return n;
        }
    }
    return 0;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct rdp *s = state;
    s->label.n = 0;
    if (in->bytes.n >= TPKT_LOOK && tl_tpkt_begins(in->bytes)) {
        tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, v->length, SHOWN));
        struct opening o = read_opening(t.parameters);
        uint8_t name[NAME_SIZE / 2];
        tl_label_add(&s->label, o.cookie);
        if (o.type == NEGOTIATION_RESPONSE) tl_label_word(&s->label, protocols, o.value);
        if (o.type == NEGOTIATION_FAILURE) tl_label_word(&s->label, failures, o.value);
        if (t.code == COTP_DT && t.user.n >= 2 && tl_be16(t.user.p) == CONNECT_INITIAL)
            tl_label_add(&s->label, tl_span_of(name, client_name(t.user, name)));
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

/* The bits that are set, by name: "ssl hybrid"; none: standard RDP security. */
static void requested(tl_text *json, uint32_t bits)
{
    tl_label l = {.n = 0};
    for (uint32_t bit = 1; bit <= 16; bit <<= 1)
        if (bits & bit) tl_label_word(&l, protocols, bit);
    if (bits == 0) tl_label_word(&l, protocols, 0);
    tl_json_some(json, "requested_protocols", tl_label_span(&l), 64);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < TPKT_LOOK || !tl_tpkt_begins(in->bytes)) return;
    tl_tpdu t = tl_tpkt_read(tl_shown(in->bytes, tl_be16(in->bytes.p + 2), SHOWN));
    if (t.code == COTP_CR || t.code == COTP_CC) {
        struct opening o = read_opening(t.parameters);
        tl_json_some(json, "cookie", o.cookie, 256);
        if (o.type == NEGOTIATION_REQUEST) requested(json, o.value);
        if (o.type == NEGOTIATION_RESPONSE) tl_json_word(json, "selected_protocol", protocols, o.value);
        if (o.type == NEGOTIATION_FAILURE) tl_json_word(json, "failure", failures, o.value);
    }
    if (t.code == COTP_DT && t.user.n >= 2 && tl_be16(t.user.p) == CONNECT_INITIAL) {
        uint8_t name[NAME_SIZE / 2];
        tl_json_some(json, "client_name", tl_span_of(name, client_name(t.user, name)), NAME_SIZE);
    }
}

const tl_detector tl_rdp = {
    .name = "rdp",
    .head_max = SHOWN,
    .state_size = sizeof(struct rdp),
    .ports = {3389},
    .first = TL_FIRST("\x03\x03"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
