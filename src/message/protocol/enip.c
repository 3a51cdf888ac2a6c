/*
** enip.c - EtherNet/IP (CIP volume 2, chapter 2): the encapsulation header, the common packet format, and the first bytes of CIP in it.
**
**     command 2  length 2, of what follows the header    session 4  status 4  sender context 8  options 4, zero; little-endian
**
** A reply has its request's command and sender context.  SendUnitData has no context: its connected item begins with a sequence count,
** which a reply repeats, unless the connection is one of inputs and outputs.  Which direction asks is learned from CIP's answer bit, or
** from RegisterSession, whose request has no session yet, and is then fixed.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 24,
    SHOWN = 256,
    LENGTH_MAX = 65511,
    NOP = 0,
    LIST_SERVICES = 4,
    LIST_IDENTITY = 0x63,
    LIST_INTERFACES = 0x64,
    REGISTER = 0x65,
    UNREGISTER = 0x66,
    SEND_RR = 0x6f,
    SEND_UNIT = 0x70,
    MULTIPLE = 0x0a, /* services of CIP */
    CLOSE_OR_MODIFY = 0x4e,
    SEND_OR_READ = 0x52,
    CONNECTION_MANAGER = 6, /* a class */
    PARTIAL = 6,            /* a status */
    ITEM_CONNECTED = 0xb1,
    ITEM_UNCONNECTED = 0xb2,
    ANSWER = 0x80, /* of CIP's service */
    SEGMENT_SYMBOL = 0x91
};

static const tl_word commands[] = {{NOP, "NOP"},
                                   {LIST_SERVICES, "ListServices"},
                                   {LIST_IDENTITY, "ListIdentity"},
                                   {LIST_INTERFACES, "ListInterfaces"},
                                   {REGISTER, "RegisterSession"},
                                   {UNREGISTER, "UnRegisterSession"},
                                   {SEND_RR, "SendRRData"},
                                   {SEND_UNIT, "SendUnitData"},
                                   {0, NULL}};
static const tl_word statuses[] = {{0, "success"},
                                   {1, "invalid or unsupported command"},
                                   {2, "insufficient memory"},
                                   {3, "incorrect data"},
                                   {0x64, "invalid session handle"},
                                   {0x65, "invalid length"},
                                   {0x69, "unsupported protocol revision"},
                                   {0, NULL}};
static const tl_word services[] = {{0x01, "Get_Attributes_All"},
                                   {0x02, "Set_Attributes_All"},
                                   {0x03, "Get_Attribute_List"},
                                   {0x04, "Set_Attribute_List"},
                                   {0x05, "Reset"},
                                   {0x06, "Start"},
                                   {0x07, "Stop"},
                                   {0x08, "Create"},
                                   {0x09, "Delete"},
                                   {MULTIPLE, "Multiple_Service_Packet"},
                                   {0x0d, "Apply_Attributes"},
                                   {0x0e, "Get_Attribute_Single"},
                                   {0x10, "Set_Attribute_Single"},
                                   {0x4b, "Execute_PCCC"},
                                   {0x4c, "Read_Tag"},
                                   {0x4d, "Write_Tag"},
                                   {CLOSE_OR_MODIFY, "Forward_Close"},
                                   {SEND_OR_READ, "Unconnected_Send"},
                                   {0x53, "Write_Tag_Fragmented"},
                                   {0x54, "Forward_Open"},
                                   {0x55, "Get_Instance_Attribute_List"},
                                   {0x5b, "Large_Forward_Open"},
                                   {0, NULL}};
/* The same numbers, asked of a tag instead of the connection manager. */
static const tl_word tag_services[] = {{CLOSE_OR_MODIFY, "Read_Modify_Write_Tag"}, {SEND_OR_READ, "Read_Tag_Fragmented"}, {0, NULL}};
static const tl_word general[] = {{0x00, "success"},
                                  {0x01, "connection failure"},
                                  {0x02, "resource unavailable"},
                                  {0x03, "invalid parameter value"},
                                  {0x04, "path segment error"},
                                  {0x05, "path destination unknown"},
                                  {0x06, "partial transfer"},
                                  {0x08, "service not supported"},
                                  {0x09, "invalid attribute value"},
                                  {0x0e, "attribute not settable"},
                                  {0x0f, "privilege violation"},
                                  {0x10, "device state conflict"},
                                  {0x13, "not enough data"},
                                  {0x14, "attribute not supported"},
                                  {0x15, "too much data"},
                                  {0x16, "object does not exist"},
                                  {0xff, "general error"},
                                  {0, NULL}};

struct enip {
    uint8_t requests; /* 0: not known; else 1 + the direction of the requests */
    tl_label label;
};

/* Can this command be so long? */
static bool fits(unsigned command, unsigned n)
{
    switch (command) {
    case NOP: return n <= LENGTH_MAX;
    case REGISTER: return n == 4 || n == 0;
    case UNREGISTER: return n == 0;
    case LIST_SERVICES:
    case LIST_IDENTITY:
    case LIST_INTERFACES: return n == 0 || (n >= 2 && n <= LENGTH_MAX);
    case SEND_RR:
    case SEND_UNIT: return n == 0 || (n >= 16 && n <= LENGTH_MAX);
    default: return false;
    }
}

/* May a message begin with these bytes, as far as they go (HEADER of them are looked at)? */
static bool begins(tl_span b)
{
    if (b.n >= 2 && (b.p[1] != 0 || tl_word_of(commands, b.p[0]) == NULL)) return false;
    if (b.n < HEADER) return b.n < 4 || fits(b.p[0], tl_le16(b.p + 2));
    return fits(b.p[0], tl_le16(b.p + 2)) && tl_word_of(statuses, tl_le32(b.p + 8)) != NULL && tl_le32(b.p + 20) == 0;
}

/* Nothing but zeros is no evidence. */
static bool speaks(tl_span b)
{
    return b.n == 0 || (b.p[0] != NOP && begins(b));
}

/* RegisterSession: version 1 and no options behind the header (section 2-4.4). */
static bool registers(tl_span b)
{
    return b.p[0] == REGISTER && tl_le16(b.p + 2) == 4 && tl_le32(b.p + HEADER) == 1;
}

/* ---- probe ---- */

/* RegisterSession, and what must have a session: an interface of 0, a timeout, and one to four items, of which the first is an address. */
static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (!speaks(b)) return TL_NO;
    if (b.n < HEADER) return TL_MAYBE;
    unsigned length = tl_le16(b.p + 2);
    if (b.p[0] == REGISTER && length == 4) return b.n < HEADER + 4 ? TL_MAYBE : registers(b) ? TL_YES : TL_NO;
    if (b.p[0] == LIST_IDENTITY && length == 0) return TL_YES;
    if ((b.p[0] == SEND_RR || b.p[0] == SEND_UNIT) && length > 0) {
        if (b.n < HEADER + 10) return TL_MAYBE;
        unsigned items = tl_le16(b.p + HEADER + 6), type = tl_le16(b.p + HEADER + 8);
        bool address = type == (b.p[0] == SEND_RR ? 0u : 0xa1u);
        return tl_le32(b.p + HEADER) == 0 && items >= 1 && items <= 4 && address ? TL_YES : TL_NO;
    }
    return usual ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_either(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- the common packet format and CIP ---- */

/* One service, asked for or answered. */
struct service {
    bool answer;
    unsigned code, status;
    int class_id, instance, attribute; /* -1: none */
    tl_span symbol;
    unsigned inside; /* Multiple_Service_Packet: how many services */
};
struct cip {
    bool has_sequence, has_service;
    unsigned sequence;
    uint32_t connection;
    struct service s, sent; /* sent: what an Unconnected_Send carries */
    bool has_sent;
};

static const char *name_of(const struct service *s)
{
    bool of_tag = s->answer ? s->code == SEND_OR_READ && (s->status == 0 || s->status == PARTIAL) : s->class_id != CONNECTION_MANAGER;
    const char *tags = of_tag ? tl_word_of(tag_services, s->code) : NULL;
    return tags != NULL ? tags : tl_word_of(services, s->code);
}

/* Logical segments of eight and sixteen bits, and symbols (CIP volume 1, appendix C-1.4), as far as they are there: the last symbol is the
** member that is meant. */
static void read_path(tl_span path, struct service *s)
{
    while (path.n >= 2) {
        unsigned segment = (unsigned)tl_take_be(&path, 1);
        if (segment == SEGMENT_SYMBOL) {
            s->symbol = tl_take_vector(&path, 1);
            if (s->symbol.n % 2 != 0) (void)tl_take(&path, path.n > 0);
            continue;
        }
        bool wide = segment & 1;
        if (wide) (void)tl_take(&path, 1);
        int value = (int)tl_take_le(&path, wide ? 2 : 1);
        switch (segment & 0xfe) {
        case 0x20: s->class_id = value; break;
        case 0x24: s->instance = value; break;
        case 0x30: s->attribute = value; break;
        default: return;
        }
    }
}

/* What follows the path is left in `in`. */
static bool read_service(tl_span *in, struct service *s)
{
    *s = (struct service){.class_id = -1, .instance = -1, .attribute = -1};
    if (in->n < 2) return false;
    unsigned code = (unsigned)tl_take_be(in, 1);
    s->code = code & 0x7f;
    s->answer = (code & ANSWER) != 0;
    if (s->answer) {
        (void)tl_take(in, 1);
        s->status = (unsigned)tl_take_be(in, 1);
        size_t more = 2 * (size_t)tl_take_be(in, 1);
        (void)tl_take(in, more < in->n ? more : in->n);
    } else {
        size_t path = 2 * (size_t)tl_take_be(in, 1);
        read_path(tl_take(in, path < in->n ? path : in->n), s);
    }
    if (s->code == MULTIPLE) s->inside = (unsigned)tl_take_le(in, 2);
    return true;
}

/* Unconnected_Send: a tick, how many, the length of the request that it carries, and that (CIP volume 1, section 3-5.5.4). */
static void read_message(tl_span in, struct cip *c)
{
    c->has_service = read_service(&in, &c->s);
    if (!c->has_service || c->s.answer || c->s.code != SEND_OR_READ || c->s.class_id != CONNECTION_MANAGER || in.n < 4) return;
    (void)tl_take(&in, 2);
    size_t n = (size_t)tl_take_le(&in, 2);
    in = tl_take(&in, n < in.n ? n : in.n);
    c->has_sent = read_service(&in, &c->sent);
}

/* Volume 2, section 2-6: how many items, then each with its type and length. */
static struct cip read_cip(tl_span b)
{
    struct cip c = {0};
    tl_span rest = b;
    (void)tl_take(&rest, HEADER + 6);
    if (b.n < HEADER || (b.p[0] != SEND_RR && b.p[0] != SEND_UNIT)) return c;
    unsigned items = (unsigned)tl_take_le(&rest, 2);
    for (unsigned i = 0; i < items && i < 4 && rest.n >= 4; i++) {
        unsigned type = (unsigned)tl_take_le(&rest, 2);
        size_t n = (size_t)tl_take_le(&rest, 2);
        tl_span item = tl_take(&rest, n < rest.n ? n : rest.n);
        if (type == 0xa1 && item.n == 4) c.connection = tl_le32(item.p);
        if (type == ITEM_CONNECTED && item.n >= 2) {
            c.has_sequence = true;
            c.sequence = (unsigned)tl_take_le(&item, 2);
        }
        if (type == ITEM_CONNECTED || type == ITEM_UNCONNECTED) read_message(item, &c);
    }
    return c;
}

/* ---- measure ---- */

static tl_verdict as_role(struct enip *s, const tl_head *in, tl_verdict v, tl_span b)
{
    struct cip c = read_cip(b);
    unsigned command = b.p[0];
    bool request = s->requests != 0 ? s->requests == 1u + in->dir : in->dir == TL_C2S;
    bool told = c.has_service;
    if (told) request = !c.s.answer;
    if (command == REGISTER) {
        told = true;
        request = tl_le32(b.p + 4) == 0 && tl_le32(b.p + 8) == 0;
    }
    if (told && s->requests == 0) s->requests = (uint8_t)(1 + (request ? in->dir : !in->dir));
    if (command == NOP || command == UNREGISTER) {
        v.kind = command == NOP ? "nop" : "unregister_session";
        return v;
    }
    if (command == SEND_UNIT && !c.has_service) {
        v.kind = "data";
        return v;
    }
    v.kind = request ? "request" : "reply";
    uint64_t id = command == SEND_UNIT ? c.sequence : tl_le64(b.p + 12);
    id ^= (uint64_t)command << 56; /* contexts and sequence counts are not the same numbers */
    return tl_with_id(tl_as(v, request ? TL_REQUEST : TL_RESPONSE, 0), id);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(b)) return tl_reject(0);
    size_t length = HEADER + (size_t)tl_le16(b.p + 2), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, length, SHOWN, "request");
    v.strong = b.p[0] != NOP;
    return as_role(state, in, v, tl_shown(b, length, SHOWN));
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, speaks);
}

/* ---- what it says ---- */

static void label_service(tl_label *l, const struct service *s)
{
    const char *name = name_of(s);
    if (name != NULL)
        tl_label_add(l, tl_text_span(name));
    else
        tl_label_number(l, s->code);
    tl_label_add(l, s->symbol);
    if (s->answer && s->status != 0) tl_label_word(l, general, s->status);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct enip *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    struct cip c = read_cip(b);
    s->label.n = 0;
    tl_label_word(&s->label, commands, b.p[0]);
    if (tl_le32(b.p + 8) != 0) tl_label_word(&s->label, statuses, tl_le32(b.p + 8));
    if (c.has_service) label_service(&s->label, &c.s);
    if (c.has_sent) label_service(&s->label, &c.sent);
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return;
    tl_span b = tl_shown(in->bytes, HEADER + (uint64_t)tl_le16(in->bytes.p + 2), SHOWN);
    struct cip c = read_cip(b);
    tl_json_word(json, "command", commands, b.p[0]);
    tl_json_number(json, "session_handle", tl_le32(b.p + 4));
    tl_json_word(json, "status", statuses, tl_le32(b.p + 8));
    if (c.connection != 0) tl_json_number(json, "connection_id", c.connection);
    if (c.has_sequence) tl_json_number(json, "sequence_count", c.sequence);
    if (!c.has_service) return;
    const struct service *s = c.has_sent ? &c.sent : &c.s;
    const char *name = name_of(s);
    if (name != NULL)
        tl_json_text(json, "cip_service", name);
    else
        tl_json_number(json, "cip_service", s->code);
    if (c.has_sent) tl_json_text(json, "by", "Unconnected_Send");
    if (s->class_id >= 0) tl_json_number(json, "class", s->class_id);
    if (s->instance >= 0) tl_json_number(json, "instance", s->instance);
    if (s->attribute >= 0) tl_json_number(json, "attribute", s->attribute);
    tl_json_some(json, "symbol", s->symbol, 128);
    if (s->code == MULTIPLE) tl_json_number(json, "services", s->inside);
    if (s->answer) tl_json_word(json, "cip_status", general, s->status);
}

const tl_detector tl_enip = {
    .name = "enip",
    .head_max = SHOWN,
    .state_size = sizeof(struct enip),
    .ports = {44818, 2222},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
