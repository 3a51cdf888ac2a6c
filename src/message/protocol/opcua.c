/*
** opcua.c - OPC UA over TCP (OPC 10000-6 sections 6.7 and 7.1): chunks of messages, and the service that the first of them names.
**
**     'HEL' 'ACK' 'ERR' 'RHE' 'OPN' 'MSG' 'CLO'  chunk 'F' 'C' 'A'  size 4, of all
**     channel 4  token 4  sequence 4  request 4  node id ...
**
** A message is its chunks up to the final (or aborting) one.  A response has its request's id; a hello is answered by the acknowledgment.
** Where messages are encrypted the ids are not to be seen: then nothing is said about services, and what is read as a sequence
** and a request is not; the body must begin with the four-byte form of a node id that is known for that.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 8,
    SYMMETRIC = 24, /* up to the sequence header's end */
    SHOWN = 512,
    CHUNK_MAX = 64 << 20,
    NODE_FOUR_BYTE = 1
};
static const uint64_t HELLO_ID = (uint64_t)1 << 40; /* no request has it */

/* Node ids of the binary encodings (namespace 0, OPC 10000-6 annex A), as the request: its response has an id that is 3 higher. */
static const tl_word services[] = {{422, "FindServers"},
                                   {428, "GetEndpoints"},
                                   {437, "RegisterServer"},
                                   {446, "OpenSecureChannel"},
                                   {452, "CloseSecureChannel"},
                                   {461, "CreateSession"},
                                   {467, "ActivateSession"},
                                   {473, "CloseSession"},
                                   {479, "Cancel"},
                                   {488, "AddNodes"},
                                   {494, "AddReferences"},
                                   {500, "DeleteNodes"},
                                   {506, "DeleteReferences"},
                                   {527, "Browse"},
                                   {533, "BrowseNext"},
                                   {554, "TranslateBrowsePathsToNodeIds"},
                                   {560, "RegisterNodes"},
                                   {566, "UnregisterNodes"},
                                   {615, "QueryFirst"},
                                   {621, "QueryNext"},
                                   {631, "Read"},
                                   {664, "HistoryRead"},
                                   {673, "Write"},
                                   {700, "HistoryUpdate"},
                                   {712, "Call"},
                                   {751, "CreateMonitoredItems"},
                                   {763, "ModifyMonitoredItems"},
                                   {769, "SetMonitoringMode"},
                                   {775, "SetTriggering"},
                                   {781, "DeleteMonitoredItems"},
                                   {787, "CreateSubscription"},
                                   {793, "ModifySubscription"},
                                   {799, "SetPublishingMode"},
                                   {826, "Publish"},
                                   {832, "Republish"},
                                   {841, "TransferSubscriptions"},
                                   {847, "DeleteSubscriptions"},
                                   {0, NULL}};
enum { SERVICE_FAULT = 397 };

enum type { NOT_ONE, HEL, ACK, ERR, RHE, OPN, MSG, CLO };
static const char letters[][4] = {"", "HEL", "ACK", "ERR", "RHE", "OPN", "MSG", "CLO"};
static const char *const kinds[] = {"", "hello", "acknowledge", "error", "reverse_hello", "open", "message", "close"};

struct opcua {
    uint8_t goes_on[2]; /* by direction: a final chunk is to come */
    uint8_t clients;    /* 0: not known; else 1 + the direction of the client */
    tl_label label;
};

/* What may begin with these bytes, as far as they go (HEADER of them are looked at)? */
static enum type type_of(tl_span b)
{
    static const uint32_t least[] = {0, 32, 28, 16, 16, 20, SYMMETRIC, SYMMETRIC};
    for (unsigned t = HEL; t <= CLO; t++) {
        if (!tl_may_begin(b, letters[t])) continue;
        bool chunk = b.n < 4 || b.p[3] == 'F' || (t == MSG && (b.p[3] == 'C' || b.p[3] == 'A'));
        if (!chunk) return NOT_ONE;
        uint32_t size = b.n < HEADER ? 0 : tl_le32(b.p + 4);
        return b.n < HEADER || (size >= (t == MSG && b.p[3] == 'A' ? 16 : least[t]) && size <= CHUNK_MAX) ? (enum type)t : NOT_ONE;
    }
    return NOT_ONE;
}

static bool begins(tl_span b)
{
    return type_of(b) != NOT_ONE;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_begins(in, HEADER, begins);
}

/* ---- what a chunk holds ---- */

struct chunk {
    enum type type;
    uint32_t channel, sequence, request;
    bool has_request;
    uint32_t node;  /* of the body; 0: not to be seen */
    tl_span policy; /* OPN */
    tl_span body;   /* behind the node id */
};

/* A string: its length in four bytes, -1 for none. */
static tl_span take_string(tl_span *in)
{
    uint32_t n = (uint32_t)tl_take_le(in, 4);
    if (n == UINT32_MAX) n = 0;
    return tl_take(in, n < in->n ? n : in->n);
}

/* The services' node ids; 0: another. */
static bool known(uint32_t node)
{
    return node == SERVICE_FAULT || tl_word_of(services, node) != NULL || (node > 3 && tl_word_of(services, node - 3) != NULL);
}

static struct chunk read_chunk(tl_span b)
{
    struct chunk c = {.type = type_of(b)};
    tl_span rest = b;
    (void)tl_take(&rest, HEADER);
    if (c.type < OPN) {
        c.body = rest;
        return c;
    }
    c.channel = (uint32_t)tl_take_le(&rest, 4);
    if (c.type == OPN) {
        c.policy = take_string(&rest);
        (void)take_string(&rest); /* certificate */
        (void)take_string(&rest); /* thumbprint */
    } else {
        (void)tl_take(&rest, 4); /* token */
    }
    c.has_request = rest.n >= 8;
    c.sequence = (uint32_t)tl_take_le(&rest, 4);
    c.request = (uint32_t)tl_take_le(&rest, 4);
    if (rest.n >= 4 && rest.p[0] == NODE_FOUR_BYTE && rest.p[1] == 0 && known(tl_le16(rest.p + 2))) {
        c.node = tl_le16(rest.p + 2);
        (void)tl_take(&rest, 4);
    }
    c.body = rest;
    return c;
}

static const char *service_of(uint32_t node, bool *response)
{
    *response = node == SERVICE_FAULT || (node > 3 && tl_word_of(services, node - 3) != NULL);
    if (node == SERVICE_FAULT) return "ServiceFault";
    return tl_word_of(services, *response ? node - 3 : node);
}

/* ---- measure ---- */

static tl_verdict as_role(struct opcua *s, const tl_head *in, tl_verdict v, const struct chunk *c)
{
    bool response = s->clients != 0 ? s->clients != 1u + in->dir : in->dir == TL_S2C;
    if (c->type == HEL || c->type == ACK) {
        response = c->type == ACK;
        s->clients = (uint8_t)(1 + (response ? !in->dir : in->dir));
        return tl_with_id(tl_as(v, response ? TL_RESPONSE : TL_REQUEST, 0), HELLO_ID);
    }
    if (c->type < OPN || c->type == CLO) return v; /* a close is not answered */
    if (c->node != 0) {
        (void)service_of(c->node, &response);
        s->clients = (uint8_t)(1 + (response ? !in->dir : in->dir));
    }
    v.kind = c->type == OPN ? "open" : response ? "response" : "request";
    /* Without a node id that is known the request's id may be encrypted, but then it is another number each time: it answers nothing. */
    return c->has_request ? tl_with_id(tl_as(v, response ? TL_RESPONSE : TL_REQUEST, 0), c->request) : v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct opcua *s = state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(b)) return tl_reject(0);
    uint32_t length = tl_le32(b.p + 4);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    struct chunk c = read_chunk(tl_shown(b, length, SHOWN));
    tl_verdict v = tl_whole(in, length, SHOWN, kinds[c.type]);
    v.strong = true;
    if (c.type != MSG) {
        s->goes_on[in->dir] = 0;
        return as_role(s, in, v, &c);
    }
    bool first = !s->goes_on[in->dir], last = b.p[3] != 'C';
    v.edge = (first ? TL_FIRST : 0) | (last ? TL_LAST : 0);
    s->goes_on[in->dir] = !last;
    return first ? as_role(s, in, v, &c) : v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct opcua *)state)->goes_on[dir] = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

/* HEL: version, three sizes, number of chunks, endpoint; RHE: server, endpoint. */
static tl_span endpoint_of(const struct chunk *c)
{
    tl_span rest = c->body;
    if (c->type == HEL) (void)tl_take(&rest, 20);
    if (c->type == RHE) (void)take_string(&rest);
    return take_string(&rest);
}

/* A response's header: time, handle, result (OPC 10000-4 section 7.33). */
static bool result_of(const struct chunk *c, uint32_t *result)
{
    bool response = false;
    if (c->node == 0 || service_of(c->node, &response) == NULL || !response || c->body.n < 16) return false;
    *result = tl_le32(c->body.p + 12);
    return true;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct opcua *s = state;
    if (!(v->edge & TL_FIRST)) return TL_OK;
    struct chunk c = read_chunk(tl_shown(in->bytes, v->length, SHOWN));
    uint32_t result;
    bool response;
    s->label.n = 0;
    if (c.type == HEL || c.type == RHE) tl_label_add(&s->label, endpoint_of(&c));
    if (c.node != 0) tl_label_add(&s->label, tl_text_span(service_of(c.node, &response)));
    if (result_of(&c, &result) && result != 0) {
        tl_label_add(&s->label, tl_text_span("0x"));
        tl_label_hex(&s->label, result, 8);
    }
    if (c.type == ERR && c.body.n > 4) {
        (void)tl_take(&c.body, 4);
        tl_label_add(&s->label, take_string(&c.body));
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return;
    struct chunk c = read_chunk(tl_shown(in->bytes, tl_le32(in->bytes.p + 4), SHOWN));
    uint32_t result;
    bool response;
    tl_json_text(json, "message_type", letters[c.type]);
    if (c.type == HEL || c.type == RHE) tl_json_some(json, "endpoint", endpoint_of(&c), 256);
    if (c.type == ERR && c.body.n >= 4) {
        tl_json_number(json, "error", (int64_t)tl_take_le(&c.body, 4));
        tl_json_some(json, "reason", take_string(&c.body), 256);
    }
    if (c.type < OPN) return;
    tl_json_number(json, "channel_id", c.channel);
    tl_json_some(json, "security_policy", c.policy, 128);
    if (c.node == 0) return;
    tl_json_number(json, "sequence", c.sequence);
    tl_json_number(json, "request_id", c.request);
    tl_json_text(json, "service", service_of(c.node, &response));
    tl_json_number(json, "type_id", c.node);
    if (result_of(&c, &result)) tl_json_number(json, "result", result);
}

const tl_detector tl_opcua = {
    .name = "opcua",
    .head_max = SHOWN,
    .state_size = sizeof(struct opcua),
    .ports = {4840, 4843},
    .first = TL_FIRST("AZ"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
