/*
** iec104.c - IEC 60870-5-104 (2006): APDUs with U, S and I formats, and the ASDU of an I format (IEC 60870-5-101 with the lengths that -104
** fixes: cause 2 bytes, common address 2, object address 3; little-endian).
**
**     68  length 1, of what follows    control 4    type 1  count 1  cause 1  originator 1  common address 2  object address 3 ...
**
** U formats are six fixed bytes and beyond doubt.  S and I formats are believed after a hole when another follows.  A confirmation has its
** request's type, common address and object address; where the request went to all stations, the first one to confirm it answers with its
** own common address.  A termination closes nothing that is still open.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 6,
    ASDU = 9, /* bytes of an ASDU up to its first object address */
    LENGTH_MAX = 253,
    SHOWN = 2 + LENGTH_MAX,
    REQUESTED = 5,
    ACTIVATION,
    ACTIVATION_CON,
    DEACTIVATION,
    DEACTIVATION_CON,
    TERMINATION,
    READ_COMMAND = 102,
    ALL_STATIONS = 0xffff,
    NEGATIVE = 0x40,
    TEST = 0x80,
    SEQUENCE = 0x80 /* of the count: one address, elements in a row */
};

static const tl_word controls[] = {{0x07, "STARTDT act"},
                                   {0x0b, "STARTDT con"},
                                   {0x13, "STOPDT act"},
                                   {0x23, "STOPDT con"},
                                   {0x43, "TESTFR act"},
                                   {0x83, "TESTFR con"},
                                   {0, NULL}};
static const tl_word causes[] = {{1, "periodic"},
                                 {2, "background scan"},
                                 {3, "spontaneous"},
                                 {4, "initialized"},
                                 {REQUESTED, "requested"},
                                 {ACTIVATION, "activation"},
                                 {ACTIVATION_CON, "activation confirmation"},
                                 {DEACTIVATION, "deactivation"},
                                 {DEACTIVATION_CON, "deactivation confirmation"},
                                 {TERMINATION, "activation termination"},
                                 {11, "return information, remote"},
                                 {12, "return information, local"},
                                 {13, "file transfer"},
                                 {20, "interrogated by station"},
                                 {37, "requested by general counter"},
                                 {44, "unknown type"},
                                 {45, "unknown cause"},
                                 {46, "unknown common address"},
                                 {47, "unknown object address"},
                                 {0, NULL}};

/* Type identifications (IEC 60870-5-101 clause 7.2.1, -104 clause 6), and the bytes of an element behind its address; 0: they vary. */
static const struct type {
    uint8_t id, size;
    const char *name;
} types[] = {
    {1, 1, "M_SP_NA_1"},   {3, 1, "M_DP_NA_1"},   {5, 2, "M_ST_NA_1"},   {7, 5, "M_BO_NA_1"},   {9, 3, "M_ME_NA_1"},
    {11, 3, "M_ME_NB_1"},  {13, 5, "M_ME_NC_1"},  {15, 5, "M_IT_NA_1"},  {20, 5, "M_PS_NA_1"},  {21, 2, "M_ME_ND_1"},
    {30, 8, "M_SP_TB_1"},  {31, 8, "M_DP_TB_1"},  {32, 9, "M_ST_TB_1"},  {33, 12, "M_BO_TB_1"}, {34, 10, "M_ME_TD_1"},
    {35, 10, "M_ME_TE_1"}, {36, 12, "M_ME_TF_1"}, {37, 12, "M_IT_TB_1"}, {38, 10, "M_EP_TD_1"}, {39, 11, "M_EP_TE_1"},
    {40, 11, "M_EP_TF_1"}, {45, 1, "C_SC_NA_1"},  {46, 1, "C_DC_NA_1"},  {47, 1, "C_RC_NA_1"},  {48, 3, "C_SE_NA_1"},
    {49, 3, "C_SE_NB_1"},  {50, 5, "C_SE_NC_1"},  {51, 4, "C_BO_NA_1"},  {58, 8, "C_SC_TA_1"},  {59, 8, "C_DC_TA_1"},
    {60, 8, "C_RC_TA_1"},  {61, 10, "C_SE_TA_1"}, {62, 10, "C_SE_TB_1"}, {63, 12, "C_SE_TC_1"}, {64, 11, "C_BO_TA_1"},
    {70, 1, "M_EI_NA_1"},  {100, 1, "C_IC_NA_1"}, {101, 1, "C_CI_NA_1"}, {102, 0, "C_RD_NA_1"}, {103, 7, "C_CS_NA_1"},
    {105, 1, "C_RP_NA_1"}, {107, 9, "C_TS_TA_1"}, {110, 3, "P_ME_NA_1"}, {111, 3, "P_ME_NB_1"}, {112, 5, "P_ME_NC_1"},
    {113, 1, "P_AC_NA_1"}, {120, 0, "F_FR_NA_1"}, {121, 0, "F_SR_NA_1"}, {122, 0, "F_SC_NA_1"}, {123, 0, "F_LS_NA_1"},
    {124, 0, "F_AF_NA_1"}, {125, 0, "F_SG_NA_1"}, {126, 0, "F_DR_TA_1"}, {127, 0, "F_SC_NB_1"},
};

static const struct type *type_of(unsigned id)
{
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (types[i].id == id) return &types[i];
    return NULL;
}

struct iec104 {
    tl_label label;
};

enum format { NOT_ONE, U_FORMAT, S_FORMAT, I_FORMAT };

/* Is there room for so many elements, exactly?  length: of the APDU without its first two bytes. */
static bool fits(const struct type *t, unsigned length, unsigned count)
{
    unsigned n = count & 0x7f, objects = length - 4 - (ASDU - 3);
    if (n == 0 || t->size == 0) return n > 0 || t->id >= 120;
    return objects == (count & SEQUENCE ? 3 + n * t->size : n * (3u + t->size));
}

/* What begins here?  Looks at the header, and of an I format at type, count and cause, where they are there. */
static enum format format_of(tl_span b)
{
    if (b.p[0] != 0x68) return NOT_ONE;
    if (b.n >= 2 && (b.p[1] < 4 || b.p[1] > LENGTH_MAX)) return NOT_ONE;
    if (b.n < HEADER) return I_FORMAT;
    unsigned length = b.p[1];
    if ((b.p[2] & 3) == 3) {
        bool zero = b.p[3] == 0 && b.p[4] == 0 && b.p[5] == 0;
        return length == 4 && zero && tl_word_of(controls, b.p[2]) != NULL ? U_FORMAT : NOT_ONE;
    }
    if (b.p[4] & 1) return NOT_ONE;
    if (b.p[2] & 1) return b.p[2] == 1 && b.p[3] == 0 && length == 4 ? S_FORMAT : NOT_ONE;
    if (length < 4 + ASDU) return NOT_ONE;
    if (b.n < HEADER + 3) return I_FORMAT;
    const struct type *t = type_of(b.p[6]);
    unsigned cause = b.p[8] & 0x3f;
    return t != NULL && cause > 0 && cause <= 47 && fits(t, length, b.p[7]) ? I_FORMAT : NOT_ONE;
}

static bool begins(tl_span b)
{
    return format_of(b) != NOT_ONE;
}

/* ---- probe ---- */

/* A U format, or two APDUs in a row: off the usual port nothing is settled before. */
static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    enum format f = format_of(b);
    if (f == NOT_ONE) return TL_NO;
    if (b.n < HEADER) return TL_MAYBE;
    if (f == U_FORMAT) return TL_YES;
    if (f == I_FORMAT && b.n < HEADER + 3) return TL_MAYBE;
    size_t length = 2u + b.p[1];
    if (b.n < length + HEADER + 3) return usual ? TL_LIKELY : TL_MAYBE;
    return begins(tl_span_of(b.p + length, b.n - length)) ? TL_YES : TL_LIKELY;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_either(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

static uint64_t object_id(tl_span b, unsigned type, unsigned station)
{
    return (uint64_t)type << 48 | (uint64_t)station << 24 | tl_le16(b.p + 12) | (uint64_t)b.p[14] << 16;
}

static tl_verdict as_request(tl_verdict v, tl_span b)
{
    return tl_with_id(tl_as(v, TL_REQUEST, 1), object_id(b, b.p[6], tl_le16(b.p + 10)));
}

/* type: of the request. */
static tl_verdict as_answer(const tl_head *in, tl_verdict v, tl_span b, unsigned type)
{
    uint64_t id = object_id(b, type, tl_le16(b.p + 10)), to_all = object_id(b, type, ALL_STATIONS);
    return tl_with_id(tl_as(v, TL_RESPONSE, 0), tl_asked(in, id) == 0 && tl_asked(in, to_all) != 0 ? to_all : id);
}

static tl_verdict as_asdu(const tl_head *in, tl_verdict v, tl_span b)
{
    if (b.n < HEADER + ASDU) return v;
    unsigned type = b.p[6], cause = b.p[8] & 0x3f;
    bool refused = cause >= 44;
    if (type == READ_COMMAND && cause == REQUESTED) return as_request(v, b);
    if (type < 45 && cause == REQUESTED) return as_answer(in, v, b, READ_COMMAND);
    if (type < 45) return v;
    if ((cause == ACTIVATION || cause == DEACTIVATION) && type < 120) return as_request(v, b);
    if (cause == ACTIVATION_CON || cause == DEACTIVATION_CON || refused) return as_answer(in, v, b, type);
    return v;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (b.n < HEADER) return tl_reject(0);
    size_t length = 2u + b.p[1];
    enum format f = format_of(tl_span_of(b.p, HEADER));
    if (f == NOT_ONE) return tl_reject(0);
    if (f == I_FORMAT && b.n < HEADER + 3 && !in->ended) return tl_more(HEADER + 3);
    f = format_of(b);
    if (f == NOT_ONE) return tl_reject(0);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    b = tl_shown(b, length, SHOWN);
    tl_verdict v = tl_whole(in, length, SHOWN, f == U_FORMAT ? "u" : f == S_FORMAT ? "s" : "i");
    v.strong = f == U_FORMAT;
    if (f == I_FORMAT) return as_asdu(in, v, b);
    if (f == S_FORMAT) return v;
    bool asks = b.p[2] & 0x54; /* the bits of "act", of the three pairs */
    unsigned pair = b.p[2] & 0x0c ? 1 : b.p[2] & 0x30 ? 2 : 3;
    return tl_with_id(tl_as(v, asks ? TL_REQUEST : TL_RESPONSE, 0), pair);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct iec104 *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    enum format f = format_of(b);
    s->label.n = 0;
    if (f == U_FORMAT) tl_label_word(&s->label, controls, b.p[2]);
    if (f == I_FORMAT && b.n >= HEADER + 3) {
        tl_label_add(&s->label, tl_text_span(type_of(b.p[6])->name));
        tl_label_word(&s->label, causes, b.p[8] & 0x3f);
        if (b.p[8] & NEGATIVE) tl_label_add(&s->label, tl_text_span("negative"));
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return;
    tl_span b = tl_shown(in->bytes, 2u + in->bytes.p[1], SHOWN);
    enum format f = format_of(b);
    if (f == U_FORMAT) {
        tl_json_word(json, "control", controls, b.p[2]);
        return;
    }
    if (f == I_FORMAT) tl_json_number(json, "send_sequence", tl_le16(b.p + 2) >> 1);
    tl_json_number(json, "receive_sequence", tl_le16(b.p + 4) >> 1);
    if (f != I_FORMAT || b.n < HEADER + ASDU) return;
    tl_json_text(json, "type", type_of(b.p[6])->name);
    tl_json_number(json, "type_id", b.p[6]);
    tl_json_word(json, "cause", causes, b.p[8] & 0x3f);
    if (b.p[8] & NEGATIVE) tl_json_text(json, "confirmation", "negative");
    if (b.p[8] & TEST) tl_json_number(json, "test", 1);
    tl_json_number(json, "asdu_address", tl_le16(b.p + 10));
    tl_json_number(json, "object_address", tl_le16(b.p + 12) | (int64_t)b.p[14] << 16);
    tl_json_number(json, "objects", b.p[7] & 0x7f);
}

const tl_detector tl_iec104 = {
    .name = "iec104",
    .head_max = SHOWN,
    .state_size = sizeof(struct iec104),
    .ports = {2404},
    .first = TL_FIRST("hh"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
