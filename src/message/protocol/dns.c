/*
** dns.c - DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): each message behind its length in two bytes.
**
** A response answers the query with its id.  A zone transfer (RFC 5936) is many responses to one query: the first answers it, the others,
** whose id nobody asks for any more, answer nothing.
** The first question is what a message is known by; a message whose question can be read whole is beyond doubt.  Records are read for
** addresses only (A, AAAA), as far as they lie in the first SHOWN bytes.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    PREFIX = 2,
    HEADER = 12,
    QUESTION_MIN = 5, /* the root, type, class */
    RECORD_MIN = 11,
    NAME_MAX = 255,
    SHOWN = 1024,
    ADDRESSES_SHOWN = 8,
    TYPE_A = 1,
    TYPE_AAAA = 28,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252
};

struct dns {
    bool transfer[2]; /* the direction has answered a zone transfer: */
    uint16_t transfer_id[2];
    tl_label label;
};

static const tl_word types[] = {{1, "A"},      {2, "NS"},     {5, "CNAME"},  {6, "SOA"},    {12, "PTR"},   {13, "HINFO"},
                                {15, "MX"},    {16, "TXT"},   {28, "AAAA"},  {33, "SRV"},   {35, "NAPTR"}, {39, "DNAME"},
                                {41, "OPT"},   {43, "DS"},    {44, "SSHFP"}, {46, "RRSIG"}, {47, "NSEC"},  {48, "DNSKEY"},
                                {50, "NSEC3"}, {52, "TLSA"},  {64, "SVCB"},  {65, "HTTPS"}, {249, "TKEY"}, {250, "TSIG"},
                                {251, "IXFR"}, {252, "AXFR"}, {255, "ANY"},  {257, "CAA"},  {0, NULL}};
static const tl_word classes[] = {{1, "IN"}, {3, "CH"}, {4, "HS"}, {254, "NONE"}, {255, "ANY"}, {0, NULL}};
/* Without IQUERY, which RFC 3425 took away. */
static const tl_word opcodes[] = {{0, "query"}, {2, "status"}, {4, "notify"}, {5, "update"}, {6, "dso"}, {0, NULL}};
static const tl_word rcodes[] = {{0, "NOERROR"},  {1, "FORMERR"},    {2, "SERVFAIL"}, {3, "NXDOMAIN"}, {4, "NOTIMP"},
                                 {5, "REFUSED"},  {6, "YXDOMAIN"},   {7, "YXRRSET"},  {8, "NXRRSET"},  {9, "NOTAUTH"},
                                 {10, "NOTZONE"}, {11, "DSOTYPENI"}, {0, NULL}};

struct header {
    unsigned id, opcode, rcode;
    bool response, truncated;
    unsigned questions, answers, authorities, additionals;
};

/* What the bytes from the prefix on say; false: no message begins with them, as far as they go. */
static bool parse_header(tl_span b, struct header *h)
{
    memset(h, 0, sizeof *h);
    size_t length = b.n >= PREFIX ? tl_be16(b.p) : UINT16_MAX;
    if (length < HEADER) return false;
    if (b.n >= 4) h->id = tl_be16(b.p + 2);
    if (b.n >= 5) {
        h->response = b.p[4] & 0x80;
        h->opcode = b.p[4] >> 3 & 15;
        h->truncated = b.p[4] & 2;
        if (tl_word_of(opcodes, h->opcode) == NULL) return false;
    }
    if (b.n >= 6) {
        h->rcode = b.p[5] & 15;
        if ((b.p[5] & 0x40) || h->rcode > 11 || (!h->response && h->rcode != 0)) return false;
    }
    /* RFC 9619: never more than one question. */
    if (b.n >= 8 && (h->questions = tl_be16(b.p + 6)) > 1) return false;
    if (b.n < PREFIX + HEADER) return true;
    h->answers = tl_be16(b.p + 8);
    h->authorities = tl_be16(b.p + 10);
    h->additionals = tl_be16(b.p + 12);
    size_t records = h->answers + h->authorities + h->additionals;
    if (!h->response && h->questions == 0 && h->opcode != 6) return false;
    return HEADER + h->questions * QUESTION_MIN + records * RECORD_MIN <= length;
}

struct question {
    tl_span name; /* its labels as they are on the wire, without the root */
    unsigned type, class;
    size_t end; /* behind it */
};

enum found { NONE, CUT, GOOD, BAD };

/* The first question of the message in b. */
static enum found parse_question(tl_span b, struct question *q)
{
    struct header h;
    *q = (struct question){.end = PREFIX + HEADER};
    if (!parse_header(b, &h)) return BAD;
    if (b.n < q->end) return CUT;
    if (h.questions == 0) return NONE;
    size_t stop = PREFIX + (size_t)tl_be16(b.p), at = q->end;
    for (;; at += 1 + (size_t)b.p[at]) {
        if (at - q->end >= NAME_MAX || at + QUESTION_MIN > stop) return BAD;
        if (at >= b.n) return CUT;
        if (b.p[at] > 63) return BAD;
        if (b.p[at] == 0) break;
    }
    if (at + QUESTION_MIN > b.n) return CUT;
    q->name = tl_span_of(b.p + q->end, at - q->end);
    q->type = tl_be16(b.p + at + 1);
    q->class = tl_be16(b.p + at + 3) & 0x7fff; /* the top bit is multicast DNS's */
    q->end = at + QUESTION_MIN;
    return q->type != 0 && tl_word_of(classes, q->class) != NULL ? GOOD : BAD;
}

/* The name with dots, in text[NAME_MAX]. */
static tl_span dotted(tl_span labels, uint8_t *text)
{
    size_t n = 0;
    if (labels.n == 0) text[n++] = '.';
    while (labels.n > 0) {
        tl_span label = tl_take_vector(&labels, 1);
        if (n > 0) text[n++] = '.';
        memcpy(text + n, label.p, label.n);
        n += label.n;
    }
    return tl_span_of(text, n);
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    struct header h;
    struct question q;
    if (!parse_header(b, &h)) return TL_NO;
    switch (parse_question(b, &q)) {
    case GOOD: return TL_YES;
    case CUT: return TL_MAYBE;
    case NONE: return usual && h.response ? TL_LIKELY : TL_NO;
    case BAD: break;
    }
    return TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct dns *s = state;
    struct header h;
    struct question q;
    if (in->bytes.n < PREFIX + HEADER) return tl_more(PREFIX + HEADER);
    if (!parse_header(in->bytes, &h)) return tl_reject(0);
    size_t length = PREFIX + (size_t)tl_be16(in->bytes.p), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_span b = tl_shown(in->bytes, length, SHOWN);
    enum found found = parse_question(b, &q);
    if (found == BAD) return tl_reject(0);
    tl_verdict v = tl_whole(in, length, SHOWN, h.response ? "response" : "query");
    v.strong = found == GOOD;
    if (!h.response) return tl_with_id(tl_as(v, TL_REQUEST, found == GOOD ? q.type : 1), h.id);
    uint32_t asked = tl_asked(in, h.id);
    if (asked == 0 && s->transfer[in->dir] && s->transfer_id[in->dir] == h.id) return v;
    s->transfer[in->dir] = asked == TYPE_AXFR || asked == TYPE_IXFR;
    s->transfer_id[in->dir] = (uint16_t)h.id;
    return tl_with_id(tl_as(v, TL_RESPONSE, 0), h.id);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct dns *s = state;
    struct header h;
    struct question q;
    uint8_t name[NAME_MAX];
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    s->label.n = 0;
    if (!parse_header(b, &h)) return TL_OK;
    if (parse_question(b, &q) == GOOD) {
        tl_label_word(&s->label, types, q.type);
        tl_label_add(&s->label, dotted(q.name, name));
    }
    if (h.response) tl_label_word(&s->label, rcodes, h.rcode);
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static bool plausible(tl_span from)
{
    struct question q;
    return parse_question(from, &q) != BAD;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- describe ---- */

/* A name in a record: labels, then the root or a pointer; nothing is followed. */
static void skip_name(tl_span *b)
{
    while (b->n > 0) {
        size_t n = b->p[0];
        if (n >= 0xc0) {
            (void)tl_take(b, 2);
            return;
        }
        (void)tl_take(b, n + 1);
        if (n == 0) return;
    }
}

static void add_address(tl_text *out, unsigned type, tl_span data)
{
    tl_addr a = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 0};
    char text[TL_ADDR_TEXT];
    if (type == TYPE_A && data.n == 4)
        memcpy(a.ip + 12, data.p, 4);
    else if (type == TYPE_AAAA && data.n == 16)
        memcpy(a.ip, data.p, 16);
    else
        return;
    if (out->n > 0) tl_text_add(out, " ");
    tl_text_add(out, type == TYPE_A ? tl_addr_text(&a, text) : tl_addr_text_ipv6(&a, text));
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    struct header h;
    struct question q;
    uint8_t name[NAME_MAX];
    if (!parse_header(in->bytes, &h) || in->bytes.n < PREFIX + HEADER) return;
    tl_span b = tl_shown(in->bytes, PREFIX + (uint64_t)tl_be16(in->bytes.p), SHOWN);
    enum found found = parse_question(b, &q);
    tl_json_number(json, "id", h.id);
    if (h.opcode != 0) tl_json_word(json, "opcode", opcodes, h.opcode);
    if (found == GOOD) {
        tl_json_field(json, "name", dotted(q.name, name), NAME_MAX);
        tl_json_word(json, "type", types, q.type);
        if (q.class != 1) tl_json_word(json, "class", classes, q.class);
    }
    if (!h.response) return;
    tl_json_word(json, "rcode", rcodes, h.rcode);
    tl_json_number(json, "answers", h.answers);
    if (h.truncated) tl_json_number(json, "truncated", 1);
    if (found == CUT) return;
    tl_text addresses = {0};
    unsigned shown = 0;
    (void)tl_take(&b, q.end);
    for (unsigned i = 0; i < h.answers && b.n > 0 && shown < ADDRESSES_SHOWN; i++) {
        skip_name(&b);
        unsigned record = (unsigned)tl_take_be(&b, 2);
        (void)tl_take(&b, 6); /* class, time to live */
        tl_span data = tl_take_vector(&b, 2);
        size_t before = addresses.n;
        add_address(&addresses, record, data);
        if (addresses.n > before) shown++;
    }
    if (addresses.n > 0) tl_json_field(json, "addresses", tl_span_of(addresses.p, addresses.n), addresses.n);
    if (addresses.failed) json->failed = true;
    tl_text_free(&addresses);
}

const tl_detector tl_dns = {
    .name = "dns",
    .head_max = SHOWN,
    .state_size = sizeof(struct dns),
    .ports = {53},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
