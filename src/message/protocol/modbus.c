/*
** modbus.c - Modbus/TCP (Modbus Messaging on TCP/IP 1.0b section 3.1; Modbus Application Protocol 1.1b3 section 6).
**
**     transaction  2    protocol  2, zero    length  2, of what follows    unit  1    function  1    ...
**
** A response has its request's transaction id.  Requests and responses of most functions differ in their length; which direction asks is
** learned from the first that can be only one of the two, and is then fixed.  A function whose layout is known must fit its length; what a
** vendor added (any other number below 128) is believed where it is counted, never where it is searched for.
** Nothing in a frame is a magic, so a frame found after a hole is believed when another follows it.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER = 8, /* with unit and function */
    LENGTH_MAX = 254,
    SHOWN = 6 + LENGTH_MAX,
    EXCEPTION = 0x80,
    READ_COILS = 1,
    READ_DISCRETE,
    READ_HOLDING,
    READ_INPUT,
    WRITE_COIL,
    WRITE_REGISTER,
    READ_STATUS,
    DIAGNOSTICS,
    EVENT_COUNTER = 11,
    EVENT_LOG,
    WRITE_COILS = 15,
    WRITE_REGISTERS,
    SERVER_ID,
    READ_FILE = 20,
    WRITE_FILE,
    MASK_WRITE,
    READ_WRITE,
    READ_FIFO,
    ENCAPSULATED = 43,
    DEVICE_ID = 14
};

static const tl_word functions[] = {{READ_COILS, "read coils"},
                                    {READ_DISCRETE, "read discrete inputs"},
                                    {READ_HOLDING, "read holding registers"},
                                    {READ_INPUT, "read input registers"},
                                    {WRITE_COIL, "write single coil"},
                                    {WRITE_REGISTER, "write single register"},
                                    {READ_STATUS, "read exception status"},
                                    {DIAGNOSTICS, "diagnostics"},
                                    {EVENT_COUNTER, "get comm event counter"},
                                    {EVENT_LOG, "get comm event log"},
                                    {WRITE_COILS, "write multiple coils"},
                                    {WRITE_REGISTERS, "write multiple registers"},
                                    {SERVER_ID, "report server id"},
                                    {READ_FILE, "read file record"},
                                    {WRITE_FILE, "write file record"},
                                    {MASK_WRITE, "mask write register"},
                                    {READ_WRITE, "read/write multiple registers"},
                                    {READ_FIFO, "read fifo queue"},
                                    {ENCAPSULATED, "encapsulated interface transport"},
                                    {0, NULL}};
static const tl_word exceptions[] = {{1, "illegal function"},
                                     {2, "illegal data address"},
                                     {3, "illegal data value"},
                                     {4, "server device failure"},
                                     {5, "acknowledge"},
                                     {6, "server device busy"},
                                     {8, "memory parity error"},
                                     {10, "gateway path unavailable"},
                                     {11, "gateway target failed to respond"},
                                     {0, NULL}};

struct modbus {
    uint8_t requests; /* 0: not known; else 1 + the direction of the requests */
    tl_label label;
};

enum may { NEITHER = 0, MAY_ASK = 1, MAY_ANSWER = 2, EITHER = 3 };

/* What a frame whose function has no layout that is known here may be: -1. */
static int unknown(unsigned function)
{
    return function > 0 && function < EXCEPTION ? -1 : NEITHER;
}

/* What may a frame with this function be, whose PDU (function and all that follows) has n bytes and `count` behind the function?
** count: -1: not there yet. */
static int shapes(unsigned function, size_t n, int count)
{
    bool counted = count < 0 || (size_t)count + 2 == n;
    if (function > EXCEPTION) return n == 2 && count != 0 && count <= 11 ? MAY_ANSWER : NEITHER;
    switch (function) {
    case READ_COILS:
    case READ_DISCRETE: return (n == 5 ? MAY_ASK : 0) | (n > 2 && counted ? MAY_ANSWER : 0);
    case READ_HOLDING:
    case READ_INPUT:
    case READ_WRITE:
        if (function == READ_WRITE && n >= 12 && n % 2 == 0 && counted) return EITHER;
        if (function == READ_WRITE && n >= 12 && n % 2 == 0) return MAY_ASK;
        return (n == 5 && function != READ_WRITE ? MAY_ASK : 0) | (n > 2 && n % 2 == 0 && counted ? MAY_ANSWER : 0);
    case WRITE_COIL:
    case WRITE_REGISTER: return n == 5 ? EITHER : NEITHER;
    case READ_STATUS: return n == 1 ? MAY_ASK : n == 2 ? MAY_ANSWER : NEITHER;
    case DIAGNOSTICS: return n >= 5 && n % 2 == 1 ? EITHER : NEITHER;
    case EVENT_COUNTER: return n == 1 ? MAY_ASK : n == 5 ? MAY_ANSWER : NEITHER;
    case EVENT_LOG:
    case SERVER_ID: return n == 1 ? MAY_ASK : n > 2 && counted ? MAY_ANSWER : NEITHER;
    case WRITE_COILS:
    case WRITE_REGISTERS: return n == 5 ? MAY_ANSWER : n > 6 ? MAY_ASK : NEITHER;
    case READ_FILE:
    case WRITE_FILE: return n > 2 && counted ? EITHER : NEITHER;
    case MASK_WRITE: return n == 7 ? EITHER : NEITHER;
    case READ_FIFO: return n == 3 ? MAY_ASK : n >= 5 && n % 2 == 1 ? MAY_ANSWER : NEITHER;
    case ENCAPSULATED: return n == 4 && (count < 0 || count == DEVICE_ID) ? MAY_ASK : n > 4 ? EITHER : NEITHER;
    default: return unknown(function);
    }
}

/* What may begin here: enum may; -1: a function that is not known.  Looks at HEADER bytes and the one behind them, where there is one. */
static int begins(tl_span b)
{
    if ((b.n >= 3 && b.p[2] != 0) || (b.n >= 4 && b.p[3] != 0) || (b.n >= 5 && b.p[4] != 0)) return NEITHER;
    if (b.n < HEADER) return EITHER;
    unsigned length = b.p[5];
    if (length < 2 || length > LENGTH_MAX) return NEITHER;
    return shapes(b.p[7], length - 1, length == 2 ? 0 : b.n > HEADER ? b.p[8] : -1);
}

/* The bytes that begins() looks at: the one behind the function is part of every frame that has one. */
static size_t look(tl_span b)
{
    return b.n >= 6 && b.p[5] == 2 ? HEADER : HEADER + 1;
}

static bool plausible(tl_span b)
{
    return begins(b) > NEITHER;
}

/* ---- probe ---- */

enum side { SILENT, CUT, FITS, WRONG };

static enum side side_of(tl_span b)
{
    if (b.n == 0) return SILENT;
    if (!plausible(b)) return WRONG;
    return b.n < HEADER || b.n < look(b) ? CUT : FITS;
}

/* Nothing but two sides that agree leaves no doubt: the same transaction and function, once asked and once answered.  On the usual port
** one side is enough: what the other one began with may be lost. */
static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    bool usual = tl_usual_port(d, in->server_port);
    enum side client = side_of(in->head[TL_C2S]), server = side_of(in->head[TL_S2C]);
    if ((client == WRONG && server == WRONG) || ((client == WRONG || server == WRONG) && !usual)) return TL_NO;
    if (client != FITS || server != FITS) return usual && (client == FITS || server == FITS) ? TL_LIKELY : TL_MAYBE;
    const uint8_t *c = in->head[TL_C2S].p, *s = in->head[TL_S2C].p;
    int from_client = begins(in->head[TL_C2S]), from_server = begins(in->head[TL_S2C]);
    bool asks = (from_client & MAY_ASK && from_server & MAY_ANSWER) || (from_client & MAY_ANSWER && from_server & MAY_ASK);
    bool agree = tl_be16(c) == tl_be16(s) && (c[7] & 0x7f) == (s[7] & 0x7f);
    return asks && agree ? TL_YES : usual ? TL_LIKELY : TL_NO;
}

/* ---- measure ---- */

static bool is_request(const struct modbus *s, tl_dir dir, int may)
{
    if (s->requests != 0) return s->requests == 1u + dir;
    return may == MAY_ASK || (may != MAY_ANSWER && dir == TL_C2S);
}

/* Address and quantity of what is read, to be told again with the answer; 1 where there is none. */
static uint32_t asked_for(tl_span b)
{
    return b.n >= 12 && b.p[7] >= READ_COILS && b.p[7] <= READ_INPUT ? tl_be32(b.p + 8) : 1;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct modbus *s = state;
    tl_span b = in->bytes;
    if (b.n < HEADER) return tl_more(HEADER);
    if (b.n < look(b) && !in->ended) return tl_more(look(b));
    int may = begins(tl_span_of(b.p, b.n < look(b) ? b.n : look(b)));
    if (may == NEITHER) return tl_reject(0);
    size_t length = 6u + b.p[5], want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    b = tl_shown(b, length, SHOWN);
    if (s->requests != 0 && may > NEITHER && !(may & (s->requests == 1u + in->dir ? MAY_ASK : MAY_ANSWER))) return tl_reject(0);
    bool request = is_request(s, in->dir, may);
    if (may == MAY_ASK || may == MAY_ANSWER) s->requests = (uint8_t)(1 + (request ? in->dir : !in->dir));
    const char *kind = b.p[7] & EXCEPTION ? "exception" : request ? "request" : "response";
    tl_verdict v = tl_as(tl_whole(in, length, SHOWN, kind), request ? TL_REQUEST : TL_RESPONSE, asked_for(b));
    return tl_with_id(v, tl_be16(b.p));
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- what it says ---- */

struct access {
    bool known;
    unsigned address, count;
    int value; /* that is written to one place; -1: none */
};

static struct access read_access(tl_span b, bool request)
{
    struct access a = {.value = -1};
    if (b.n < 12 || b.p[7] & EXCEPTION) return a;
    a.address = tl_be16(b.p + 8);
    a.count = tl_be16(b.p + 10);
    switch (b.p[7]) {
    case READ_COILS:
    case READ_DISCRETE:
    case READ_HOLDING:
    case READ_INPUT:
    case READ_WRITE: a.known = request; break;
    case WRITE_COILS:
    case WRITE_REGISTERS: a.known = true; break;
    case WRITE_COIL:
    case WRITE_REGISTER:
        a.known = true;
        a.value = (int)a.count;
        a.count = 1;
        break;
    default: break;
    }
    return a;
}

static bool request_here(const struct modbus *s, const tl_head *in)
{
    return is_request(s, in->dir, begins(in->bytes));
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct modbus *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    s->label.n = 0;
    tl_label_word(&s->label, functions, b.p[7] & 0x7f);
    struct access a = read_access(b, v->role == TL_REQUEST);
    if (a.known) {
        tl_label_number(&s->label, a.address);
        if (a.count > 1) {
            tl_label_add(&s->label, tl_text_span("x"));
            tl_label_number(&s->label, a.count);
        }
    }
    if (a.value >= 0) {
        tl_label_add(&s->label, tl_text_span("="));
        tl_label_number(&s->label, (uint64_t)a.value);
    }
    if (b.p[7] & EXCEPTION && b.n > HEADER) {
        tl_label_more(&s->label, tl_text_span(":"));
        tl_label_word(&s->label, exceptions, b.p[8]);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    tl_span b = in->bytes;
    if (b.n < HEADER) return;
    b = tl_shown(b, 6u + b.p[5], SHOWN);
    bool request = request_here(state, in);
    tl_json_number(json, "transaction_id", tl_be16(b.p));
    tl_json_number(json, "unit", b.p[6]);
    tl_json_word(json, "function", functions, b.p[7] & 0x7f);
    tl_json_number(json, "function_code", b.p[7] & 0x7f);
    if (b.p[7] & EXCEPTION) {
        if (b.n > HEADER) tl_json_word(json, "exception", exceptions, b.p[8]);
        return;
    }
    struct access a = read_access(b, request);
    uint32_t asked = request ? 0 : tl_asked(in, tl_be16(b.p));
    if (!a.known && asked > 1 && b.p[7] <= READ_INPUT) a = (struct access){true, asked >> 16, asked & 0xffff, -1};
    if (a.known) {
        tl_json_number(json, "address", a.address);
        tl_json_number(json, "quantity", a.count);
    }
    if (a.value >= 0) tl_json_number(json, "value", a.value);
    if (b.p[7] == ENCAPSULATED && b.n > HEADER) tl_json_number(json, "mei_type", b.p[8]);
    if (b.p[7] == DIAGNOSTICS && b.n >= 10) tl_json_number(json, "subfunction", tl_be16(b.p + 8));
}

const tl_detector tl_modbus = {
    .name = "modbus",
    .head_max = SHOWN,
    .state_size = sizeof(struct modbus),
    .ports = {502},
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
