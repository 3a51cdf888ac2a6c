/*
** dnp3.c - DNP3 (IEEE 1815-2012): link frames (clause 9), transport segments (8), application fragments (4).
**
**     05 64  length 1  control 1  destination 2  source 2  CRC 2    then blocks of up to 16 bytes, each with its CRC; little-endian
**
** The length counts from the control byte on, without CRCs.  The header's CRC is checked, so no other bytes pass for a frame.  A message
** is the frames from the first segment of a fragment to its last; a frame without user data is one by itself.
** A response has the sequence number and the two addresses of its request.  Confirmations and unsolicited responses answer nothing.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 10,
    BLOCK = 16,
    LENGTH_MIN = 5,
    FRAME_MAX = 292,
    SHOWN = FRAME_MAX,
    CLEAR_MAX = 250,
    TRANSPORT_LAST = 0x80,
    TRANSPORT_FIRST = 0x40,
    FROM_MASTER = 0x80, /* of the control byte */
    PRIMARY = 0x40,
    FRAGMENT_FIRST = 0x80, /* of the application control byte */
    CONFIRM = 0,
    READ,
    WRITE,
    DIRECT_OPERATE_NO_ACK = 6,
    FREEZE_NO_ACK = 8,
    FREEZE_CLEAR_NO_ACK = 10,
    FREEZE_AT_TIME_NO_ACK = 12,
    AUTH_REQUEST_NO_ACK = 33,
    RESPONSE = 129,
    UNSOLICITED = 130,
    AUTH_RESPONSE = 131
};

static const tl_word primary[] = {{0, "reset link"},          {2, "test link"}, {3, "confirmed user data"}, {4, "unconfirmed user data"},
                                  {9, "request link status"}, {0, NULL}};
static const tl_word secondary[] = {{0, "ack"}, {1, "nack"}, {11, "link status"}, {15, "not supported"}, {0, NULL}};
static const tl_word functions[] = {{CONFIRM, "confirm"},
                                    {READ, "read"},
                                    {WRITE, "write"},
                                    {3, "select"},
                                    {4, "operate"},
                                    {5, "direct operate"},
                                    {DIRECT_OPERATE_NO_ACK, "direct operate, no ack"},
                                    {7, "freeze"},
                                    {FREEZE_NO_ACK, "freeze, no ack"},
                                    {9, "freeze and clear"},
                                    {FREEZE_CLEAR_NO_ACK, "freeze and clear, no ack"},
                                    {11, "freeze at time"},
                                    {FREEZE_AT_TIME_NO_ACK, "freeze at time, no ack"},
                                    {13, "cold restart"},
                                    {14, "warm restart"},
                                    {15, "initialize data"},
                                    {16, "initialize application"},
                                    {17, "start application"},
                                    {18, "stop application"},
                                    {19, "save configuration"},
                                    {20, "enable unsolicited"},
                                    {21, "disable unsolicited"},
                                    {22, "assign class"},
                                    {23, "delay measurement"},
                                    {24, "record current time"},
                                    {25, "open file"},
                                    {26, "close file"},
                                    {27, "delete file"},
                                    {28, "get file info"},
                                    {29, "authenticate file"},
                                    {30, "abort file"},
                                    {31, "activate configuration"},
                                    {32, "authenticate"},
                                    {AUTH_REQUEST_NO_ACK, "authenticate, no ack"},
                                    {RESPONSE, "response"},
                                    {UNSOLICITED, "unsolicited response"},
                                    {AUTH_RESPONSE, "authenticate response"},
                                    {0, NULL}};
/* Internal indications, clause 4.2.2.6, from the first octet's lowest bit on. */
static const char *const indications[16] = {"broadcast",
                                            "class 1",
                                            "class 2",
                                            "class 3",
                                            "need time",
                                            "local control",
                                            "device trouble",
                                            "device restart",
                                            "function not supported",
                                            "object unknown",
                                            "parameter error",
                                            "buffer overflow",
                                            "already executing",
                                            "configuration corrupt",
                                            NULL,
                                            NULL};

struct dnp3 {
    uint8_t goes_on[2]; /* by direction: the last segment was not the last of its fragment */
    tl_label label;
};

/* Clause 9.2.6.2: the polynomial 0x3d65, reflected, of n bytes; sent complemented. */
static unsigned crc(const uint8_t *p, size_t n)
{
    unsigned c = 0;
    for (size_t i = 0; i < n; i++) {
        c ^= p[i];
        for (int bit = 0; bit < 8; bit++) c = c & 1 ? c >> 1 ^ 0xa6bc : c >> 1;
    }
    return ~c & 0xffff;
}

/* May a frame begin with these bytes, as far as they go (HEADER of them are looked at)? */
static bool begins(tl_span b)
{
    if ((b.n >= 1 && b.p[0] != 0x05) || (b.n >= 2 && b.p[1] != 0x64) || (b.n >= 3 && b.p[2] < LENGTH_MIN)) return false;
    return b.n < HEADER || crc(b.p, HEADER - 2) == tl_le16(b.p + HEADER - 2);
}

static size_t frame_length(tl_span b)
{
    size_t user = b.p[2] - (size_t)LENGTH_MIN;
    return HEADER + user + 2 * ((user + BLOCK - 1) / BLOCK);
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_begins(in, HEADER, begins);
}

/* ---- what a frame holds ---- */

struct fragment {
    bool user, first, last;     /* of user data: transport */
    bool begins;                /* the application header is here */
    unsigned control, function; /* application */
    unsigned indications;       /* of responses */
    tl_span objects;
};

/* The user data without the CRCs, as far as it is there, into clear. */
static size_t user_data(tl_span b, uint8_t clear[CLEAR_MAX])
{
    size_t left = b.p[2] - (size_t)LENGTH_MIN, n = 0;
    tl_span rest = b;
    (void)tl_take(&rest, HEADER);
    while (left > 0 && rest.n > 0) {
        size_t block = left < BLOCK ? left : BLOCK;
        tl_span s = tl_take(&rest, block < rest.n ? block : rest.n);
        memcpy(clear + n, s.p, s.n);
        n += s.n;
        left -= block;
        (void)tl_take(&rest, 2);
    }
    return n;
}

static struct fragment read_fragment(tl_span b, uint8_t clear[CLEAR_MAX])
{
    struct fragment f = {.user = b.p[2] > LENGTH_MIN};
    tl_span rest = tl_span_of(clear, user_data(b, clear));
    if (rest.n == 0) return f;
    unsigned transport = (unsigned)tl_take_be(&rest, 1);
    f.first = (transport & TRANSPORT_FIRST) != 0;
    f.last = (transport & TRANSPORT_LAST) != 0;
    f.begins = f.first && rest.n >= 2;
    if (!f.begins) return f;
    f.control = (unsigned)tl_take_be(&rest, 1);
    f.function = (unsigned)tl_take_be(&rest, 1);
    if (f.function >= RESPONSE) f.indications = (unsigned)tl_take_le(&rest, 2);
    f.objects = rest;
    return f;
}

/* ---- measure ---- */

static bool wants_answer(unsigned function)
{
    switch (function) {
    case CONFIRM:
    case DIRECT_OPERATE_NO_ACK:
    case FREEZE_NO_ACK:
    case FREEZE_CLEAR_NO_ACK:
    case FREEZE_AT_TIME_NO_ACK:
    case AUTH_REQUEST_NO_ACK: return false;
    default: return function < RESPONSE;
    }
}

static tl_verdict as_fragment(tl_verdict v, tl_span b, const struct fragment *f)
{
    unsigned to = tl_le16(b.p + 4), from = tl_le16(b.p + 6);
    bool answer = f->function == RESPONSE || f->function == AUTH_RESPONSE;
    if (!f->begins) {
        v.kind = "continuation";
        return v;
    }
    v.kind = f->function == CONFIRM ? "confirm" : answer ? "response" : f->function == UNSOLICITED ? "unsolicited" : "request";
    uint64_t id = (uint64_t)(f->control & 15) << 32 | (answer ? (uint64_t)to << 16 | from : (uint64_t)from << 16 | to);
    if (wants_answer(f->function)) return tl_with_id(tl_as(v, TL_REQUEST, 0), id);
    return answer && f->control & FRAGMENT_FIRST ? tl_with_id(tl_as(v, TL_RESPONSE, 0), id) : v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct dnp3 *s = state;
    uint8_t clear[CLEAR_MAX];
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(b)) return tl_reject(0);
    size_t length = frame_length(b), want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    b = tl_shown(b, length, SHOWN);
    struct fragment f = read_fragment(b, clear);
    tl_verdict v = tl_whole(in, length, SHOWN, "link");
    v.strong = true;
    if (!f.user) return v;
    bool new = f.first || !s->goes_on[in->dir];
    v.edge = (new ? TL_FIRST : 0) | (f.last ? TL_LAST : 0);
    s->goes_on[in->dir] = !f.last;
    return new ? as_fragment(v, b, &f) : v;
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    ((struct dnp3 *)state)->goes_on[dir] = 0;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

static void label_object(tl_label *l, tl_span objects)
{
    if (objects.n < 2) return;
    tl_label_add(l, tl_text_span("g"));
    tl_label_digits(l, objects.p[0]);
    tl_label_more(l, tl_text_span("v"));
    tl_label_digits(l, objects.p[1]);
}

/* Those that say that a request failed. */
static void label_failures(tl_label *l, unsigned bits)
{
    for (unsigned i = 8; i < 14; i++)
        if (bits >> i & 1) tl_label_add(l, tl_text_span(indications[i]));
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct dnp3 *s = state;
    uint8_t clear[CLEAR_MAX];
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    if (!(v->edge & TL_FIRST)) return TL_OK;
    struct fragment f = read_fragment(b, clear);
    s->label.n = 0;
    if (f.begins) {
        tl_label_word(&s->label, functions, f.function);
        label_object(&s->label, f.objects);
        label_failures(&s->label, f.indications);
    } else if (!f.user) {
        tl_label_word(&s->label, b.p[3] & PRIMARY ? primary : secondary, b.p[3] & 15);
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    uint8_t clear[CLEAR_MAX];
    if (in->bytes.n < HEADER) return;
    tl_span b = tl_shown(in->bytes, frame_length(in->bytes), SHOWN);
    struct fragment f = read_fragment(b, clear);
    tl_json_number(json, "source", tl_le16(b.p + 6));
    tl_json_number(json, "destination", tl_le16(b.p + 4));
    tl_json_text(json, "from", b.p[3] & FROM_MASTER ? "master" : "outstation");
    tl_json_word(json, "link_function", b.p[3] & PRIMARY ? primary : secondary, b.p[3] & 15);
    if (!f.begins) return;
    tl_json_word(json, "function", functions, f.function);
    tl_json_number(json, "sequence", f.control & 15);
    if (f.objects.n >= 2) {
        tl_json_number(json, "object_group", f.objects.p[0]);
        tl_json_number(json, "object_variation", f.objects.p[1]);
    }
    if (f.function < RESPONSE) return;
    tl_label set = {.n = 0};
    for (unsigned i = 0; i < 14; i++) {
        if (!(f.indications >> i & 1)) continue;
        if (set.n > 0) tl_label_more(&set, tl_text_span(","));
        tl_label_add(&set, tl_text_span(indications[i]));
    }
    tl_json_some(json, "indications", tl_label_span(&set), 256);
}

const tl_detector tl_dnp3 = {
    .name = "dnp3",
    .head_max = SHOWN,
    .state_size = sizeof(struct dnp3),
    .ports = {20000},
    .first = TL_FIRST("\x05\x05"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
    .accept = accept,
};
