/*
** doip.c - DoIP (ISO 13400-2:2019): diagnosis of vehicles over IP, with the first bytes of UDS (ISO 14229-1) in it.
**
**     version 1    its complement 1    payload type 2    length 4    payload
**
** Pairs.  Questions about the entity (routing activation, alive check, status) are answered by the next type.  A diagnostic message with a
** UDS request is taken over by an acknowledgment of the same two addresses, which is interim, and answered by a diagnostic message with the
** addresses changed over; "response pending" is interim, too.  A negative acknowledgment is final; so is the positive one where no answer
** is to come: the request suppressed it, or its target is a functional address (table 13), for which many may answer under
** addresses of their own.  Addresses are the id: several control units may be asked at a time, each one thing at a time.
*/
#include "message/protocol/machine.h"
#include "message/registry.h"

enum {
    HEADER = 8,
    SHOWN = 64,
    LENGTH_MAX = 16 << 20,
    NACK = 0,
    IDENTIFY = 1,
    IDENTIFY_EID,
    IDENTIFY_VIN,
    ANNOUNCEMENT,
    ACTIVATION,
    ACTIVATED,
    ALIVE_CHECK,
    ALIVE,
    STATUS_ASKED = 0x4001,
    STATUS,
    POWER_ASKED,
    POWER,
    DIAGNOSTIC = 0x8001,
    DIAGNOSTIC_ACK,
    DIAGNOSTIC_NACK,
    UDS_NEGATIVE = 0x7f,
    UDS_PENDING = 0x78,
    READ_DATA = 0x22,
    WRITE_DATA = 0x2e,
    TAG_ANSWERED = 1, /* by a diagnostic message */
    TAG_TAKEN         /* by the acknowledgment alone */
};

static const tl_word types[] = {{NACK, "header_nack"},
                                {IDENTIFY, "vehicle_identification_request"},
                                {IDENTIFY_EID, "vehicle_identification_request"},
                                {IDENTIFY_VIN, "vehicle_identification_request"},
                                {ANNOUNCEMENT, "vehicle_announcement"},
                                {ACTIVATION, "routing_activation_request"},
                                {ACTIVATED, "routing_activation_response"},
                                {ALIVE_CHECK, "alive_check_request"},
                                {ALIVE, "alive_check_response"},
                                {STATUS_ASKED, "entity_status_request"},
                                {STATUS, "entity_status_response"},
                                {POWER_ASKED, "power_mode_request"},
                                {POWER, "power_mode_response"},
                                {DIAGNOSTIC, "diagnostic_message"},
                                {DIAGNOSTIC_ACK, "diagnostic_ack"},
                                {DIAGNOSTIC_NACK, "diagnostic_nack"},
                                {0, NULL}};
static const tl_word services[] = {{0x10, "DiagnosticSessionControl"},
                                   {0x11, "ECUReset"},
                                   {0x14, "ClearDiagnosticInformation"},
                                   {0x19, "ReadDTCInformation"},
                                   {READ_DATA, "ReadDataByIdentifier"},
                                   {0x23, "ReadMemoryByAddress"},
                                   {0x24, "ReadScalingDataByIdentifier"},
                                   {0x27, "SecurityAccess"},
                                   {0x28, "CommunicationControl"},
                                   {0x29, "Authentication"},
                                   {0x2a, "ReadDataByPeriodicIdentifier"},
                                   {0x2c, "DynamicallyDefineDataIdentifier"},
                                   {WRITE_DATA, "WriteDataByIdentifier"},
                                   {0x2f, "InputOutputControlByIdentifier"},
                                   {0x31, "RoutineControl"},
                                   {0x34, "RequestDownload"},
                                   {0x35, "RequestUpload"},
                                   {0x36, "TransferData"},
                                   {0x37, "RequestTransferExit"},
                                   {0x38, "RequestFileTransfer"},
                                   {0x3d, "WriteMemoryByAddress"},
                                   {0x3e, "TesterPresent"},
                                   {0x83, "AccessTimingParameter"},
                                   {0x84, "SecuredDataTransmission"},
                                   {0x85, "ControlDTCSetting"},
                                   {0x86, "ResponseOnEvent"},
                                   {0x87, "LinkControl"},
                                   {0, NULL}};
static const tl_word negatives[] = {{0x10, "general reject"},
                                    {0x11, "service not supported"},
                                    {0x12, "subfunction not supported"},
                                    {0x13, "incorrect message length or format"},
                                    {0x14, "response too long"},
                                    {0x21, "busy, repeat request"},
                                    {0x22, "conditions not correct"},
                                    {0x24, "request sequence error"},
                                    {0x31, "request out of range"},
                                    {0x33, "security access denied"},
                                    {0x34, "authentication required"},
                                    {0x35, "invalid key"},
                                    {0x36, "exceeded number of attempts"},
                                    {0x37, "required time delay not expired"},
                                    {0x70, "upload download not accepted"},
                                    {0x71, "transfer data suspended"},
                                    {0x72, "general programming failure"},
                                    {0x73, "wrong block sequence counter"},
                                    {UDS_PENDING, "response pending"},
                                    {0x7e, "subfunction not supported in active session"},
                                    {0x7f, "service not supported in active session"},
                                    {0, NULL}};
static const tl_word activations[] = {{0x00, "denied: unknown source address"},
                                      {0x01, "denied: all sockets in use"},
                                      {0x02, "denied: different source address"},
                                      {0x03, "denied: source address in use"},
                                      {0x04, "denied: authentication missing"},
                                      {0x05, "denied: confirmation rejected"},
                                      {0x06, "denied: unsupported activation type"},
                                      {0x07, "denied: encrypted connection required"},
                                      {0x10, "activated"},
                                      {0x11, "confirmation required"},
                                      {0, NULL}};
static const tl_word refusals[] = {
    {2, "invalid source address"}, {3, "unknown target address"}, {4, "message too large"},        {5, "out of memory"},
    {6, "target unreachable"},     {7, "unknown network"},        {8, "transport protocol error"}, {0, NULL}};

struct doip {
    tl_label label;
};

/* Can a payload of this type be so long? */
static bool fits(unsigned type, uint32_t n)
{
    switch (type) {
    case NACK: return n == 1;
    case IDENTIFY:
    case ALIVE_CHECK:
    case STATUS_ASKED:
    case POWER_ASKED: return n == 0;
    case IDENTIFY_EID: return n == 6;
    case IDENTIFY_VIN: return n == 17;
    case ANNOUNCEMENT: return n == 32 || n == 33;
    case ACTIVATION: return n == 7 || n == 11;
    case ACTIVATED: return n == 9 || n == 13;
    case ALIVE: return n == 2;
    case STATUS: return n == 3 || n == 7;
    case POWER: return n == 1;
    case DIAGNOSTIC: return n > 4 && n <= LENGTH_MAX;
    case DIAGNOSTIC_ACK:
    case DIAGNOSTIC_NACK: return n >= 5 && n <= LENGTH_MAX;
    default: return type >= 0xf000 && n <= LENGTH_MAX; /* a maker's own */
    }
}

/* May a message begin with these bytes, as far as they go (HEADER of them are looked at)? */
static bool begins(tl_span b)
{
    if (b.n >= 1 && (b.p[0] == 0 || (b.p[0] > 4 && b.p[0] != 0xff))) return false;
    if (b.n >= 2 && (b.p[0] ^ b.p[1]) != 0xff) return false;
    return b.n < HEADER || fits(tl_be16(b.p + 2), tl_be32(b.p + 4));
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    if (!begins(b)) return TL_NO;
    return b.n < HEADER ? TL_MAYBE : tl_be16(b.p + 2) < 0xf000 ? TL_YES : TL_LIKELY;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- measure ---- */

/* Of a diagnostic message. */
static uint64_t addresses(tl_span b, bool turned)
{
    uint64_t source = tl_be16(b.p + HEADER), target = tl_be16(b.p + HEADER + 2);
    return (uint64_t)1 << 40 | (turned ? target << 16 | source : source << 16 | target);
}

static bool functional(unsigned address)
{
    return address >= 0xe000 && address <= 0xefff;
}

/* Those whose second byte says, with its first bit, that a positive answer is not wanted. */
static bool suppressed(tl_span uds)
{
    static const uint8_t with_subfunction[] = {0x10, 0x11, 0x19, 0x27, 0x28, 0x29, 0x2c, 0x31, 0x3e, 0x83, 0x85, 0x86, 0x87};
    return uds.n >= 2 && uds.p[1] & 0x80 && memchr(with_subfunction, uds.p[0], sizeof with_subfunction) != NULL;
}

static tl_verdict as_diagnostic(tl_verdict v, tl_span b)
{
    if (b.n < HEADER + 5) return v; /* cut: no telling */
    tl_span uds = tl_span_of(b.p + HEADER + 4, b.n - HEADER - 4);
    if (!(uds.p[0] & 0x40)) {
        bool taken = functional(tl_be16(b.p + HEADER + 2)) || suppressed(uds);
        return tl_with_id(tl_as(v, TL_REQUEST, taken ? TAG_TAKEN : TAG_ANSWERED), addresses(b, false));
    }
    bool pending = uds.n >= 3 && uds.p[0] == UDS_NEGATIVE && uds.p[2] == UDS_PENDING;
    return tl_with_id(tl_as(v, pending ? TL_INTERIM : TL_RESPONSE, 0), addresses(b, true));
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || begins(b))) return tl_more(HEADER);
    if (!begins(b)) return tl_reject(0);
    uint64_t length = HEADER + (uint64_t)tl_be32(b.p + 4);
    unsigned type = tl_be16(b.p + 2);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    b = tl_shown(b, length, SHOWN);
    const char *kind = tl_word_of(types, type);
    tl_verdict v = tl_whole(in, length, SHOWN, kind != NULL ? kind : "manufacturer_specific");
    v.strong = kind != NULL;
    switch (type) {
    case IDENTIFY:
    case IDENTIFY_EID:
    case IDENTIFY_VIN: return tl_with_id(tl_as(v, TL_REQUEST, 0), ANNOUNCEMENT);
    case ACTIVATION:
    case ALIVE_CHECK:
    case STATUS_ASKED:
    case POWER_ASKED: return tl_with_id(tl_as(v, TL_REQUEST, 0), type + 1);
    case ANNOUNCEMENT:
    case ACTIVATED:
    case ALIVE:
    case STATUS:
    case POWER: return tl_with_id(tl_as(v, TL_RESPONSE, 0), type);
    case DIAGNOSTIC: return as_diagnostic(v, b);
    case DIAGNOSTIC_ACK:
    case DIAGNOSTIC_NACK: {
        if (b.n < HEADER + 4) return v;
        uint64_t id = addresses(b, true);
        bool final = type == DIAGNOSTIC_NACK || tl_asked(in, id) == TAG_TAKEN;
        return tl_with_id(tl_as(v, final ? TL_RESPONSE : TL_INTERIM, 0), id);
    }
    default: return v;
    }
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, begins);
}

/* ---- what it says ---- */

struct uds {
    int service;    /* without the bit of an answer; -1: none */
    int negative;   /* why not; -1: not refused */
    int identifier; /* of data; -1: none */
};

static struct uds read_uds(tl_span in)
{
    struct uds u = {-1, -1, -1};
    if (in.n == 0) return u;
    bool refused = in.p[0] == UDS_NEGATIVE;
    if (refused && in.n >= 2) u.service = in.p[1];
    if (refused && in.n >= 3) u.negative = in.p[2];
    if (refused) return u;
    u.service = in.p[0] & 0xbf;
    bool data = u.service == READ_DATA || u.service == WRITE_DATA;
    if (data && in.n >= 3) u.identifier = tl_be16(in.p + 1);
    return u;
}

static void label_diagnostic(tl_label *l, tl_span b)
{
    struct uds u = read_uds(tl_span_of(b.p + HEADER + 4, b.n - HEADER - 4));
    tl_label_hex16(l, tl_be16(b.p + HEADER));
    tl_label_add(l, tl_text_span(">"));
    tl_label_hex16(l, tl_be16(b.p + HEADER + 2));
    if (tl_be16(b.p + 2) == DIAGNOSTIC_NACK && b.n > HEADER + 4) tl_label_word(l, refusals, b.p[HEADER + 4]);
    if (tl_be16(b.p + 2) != DIAGNOSTIC) return;
    if (u.service >= 0) tl_label_word(l, services, (uint32_t)u.service);
    if (u.identifier >= 0) tl_label_hex16(l, (unsigned)u.identifier);
    if (u.negative >= 0) {
        tl_label_more(l, tl_text_span(":"));
        tl_label_word(l, negatives, (uint32_t)u.negative);
    }
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct doip *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    unsigned type = tl_be16(b.p + 2);
    s->label.n = 0;
    if (type == ANNOUNCEMENT || type == IDENTIFY_VIN) tl_label_add(&s->label, tl_span_of(b.p + HEADER, b.n < HEADER + 17 ? 0 : 17));
    if (type == ACTIVATION && b.n >= HEADER + 2) tl_label_hex16(&s->label, tl_be16(b.p + HEADER));
    if (type == ACTIVATED && b.n >= HEADER + 5) tl_label_word(&s->label, activations, b.p[HEADER + 4]);
    if (type >= DIAGNOSTIC && type <= DIAGNOSTIC_NACK && b.n >= HEADER + 4) label_diagnostic(&s->label, b);
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static void describe_diagnostic(unsigned type, tl_span rest, tl_text *json)
{
    tl_json_number(json, "source_address", (int64_t)tl_take_be(&rest, 2));
    tl_json_number(json, "target_address", (int64_t)tl_take_be(&rest, 2));
    if (rest.n == 0) return;
    if (type == DIAGNOSTIC_ACK) tl_json_number(json, "ack_code", rest.p[0]);
    if (type == DIAGNOSTIC_NACK) tl_json_word(json, "nack_code", refusals, rest.p[0]);
    if (type != DIAGNOSTIC) return;
    struct uds u = read_uds(rest);
    if (u.service >= 0) tl_json_word(json, "uds_service", services, (uint32_t)u.service);
    if (u.identifier >= 0) tl_json_number(json, "data_identifier", u.identifier);
    if (u.negative >= 0) tl_json_word(json, "negative_response", negatives, (uint32_t)u.negative);
    if (u.service == READ_DATA && rest.n == 20 && u.identifier == 0xf190) tl_json_field(json, "vin", tl_span_of(rest.p + 3, 17), 17);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span rest = in->bytes;
    if (rest.n < HEADER) return;
    rest = tl_shown(rest, HEADER + (uint64_t)tl_be32(rest.p + 4), SHOWN);
    unsigned type = tl_be16(rest.p + 2);
    tl_json_number(json, "version", rest.p[0]);
    tl_json_number(json, "payload_type", type);
    (void)tl_take(&rest, HEADER);
    if (type == NACK && rest.n > 0) tl_json_number(json, "nack_code", rest.p[0]);
    if (type == IDENTIFY_VIN || type == ANNOUNCEMENT) tl_json_some(json, "vin", tl_take(&rest, 17), 17);
    if (type == ANNOUNCEMENT && rest.n >= 2) tl_json_number(json, "logical_address", (int64_t)tl_take_be(&rest, 2));
    if ((type == ACTIVATION || type == ACTIVATED || type == ALIVE) && rest.n >= 2)
        tl_json_number(json, "source_address", (int64_t)tl_take_be(&rest, 2));
    if (type == ACTIVATION && rest.n >= 1) tl_json_number(json, "activation_type", rest.p[0]);
    if (type == ACTIVATED && rest.n >= 3) {
        tl_json_number(json, "logical_address", (int64_t)tl_take_be(&rest, 2));
        tl_json_word(json, "activation_code", activations, rest.p[0]);
    }
    if (type >= DIAGNOSTIC && type <= DIAGNOSTIC_NACK && rest.n >= 4) describe_diagnostic(type, rest, json);
}

const tl_detector tl_doip = {
    .name = "doip",
    .head_max = SHOWN,
    .state_size = sizeof(struct doip),
    .ports = {13400, 3496},
    .first = TL_FIRST("\x01\x04\xff\xff"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
