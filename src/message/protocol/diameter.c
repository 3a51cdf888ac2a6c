/*
** diameter.c - Diameter (RFC 6733 sections 3 and 4): version, length, flags, command, application, and two ids.
**
** An answer has the hop-by-hop id of its request; both sides ask.  Version, reserved flags, a length of whole words and a first AVP that
** fits leave no doubt.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HEADER = 20,
    BEGIN = HEADER + 8, /* with the head of the first AVP */
    SHOWN = 2048,
    REQUEST = 0x80,
    VENDOR = 0x80,
    USER_NAME = 1,
    SESSION_ID = 263,
    ORIGIN_HOST = 264,
    RESULT_CODE = 268,
    DESTINATION_REALM = 283,
    DESTINATION_HOST = 293,
    ORIGIN_REALM = 296
};

static const tl_word commands[] = {{257, "Capabilities-Exchange"},
                                   {258, "Re-Auth"},
                                   {265, "AA"},
                                   {268, "Diameter-EAP"},
                                   {271, "Accounting"},
                                   {272, "Credit-Control"},
                                   {274, "Abort-Session"},
                                   {275, "Session-Termination"},
                                   {280, "Device-Watchdog"},
                                   {282, "Disconnect-Peer"},
                                   {300, "User-Authorization"},
                                   {301, "Server-Assignment"},
                                   {302, "Location-Info"},
                                   {303, "Multimedia-Auth"},
                                   {304, "Registration-Termination"},
                                   {305, "Push-Profile"},
                                   {306, "User-Data"},
                                   {307, "Profile-Update"},
                                   {308, "Subscribe-Notifications"},
                                   {309, "Push-Notification"},
                                   {316, "Update-Location"},
                                   {317, "Cancel-Location"},
                                   {318, "Authentication-Information"},
                                   {319, "Insert-Subscriber-Data"},
                                   {320, "Delete-Subscriber-Data"},
                                   {321, "Purge-UE"},
                                   {322, "Reset"},
                                   {323, "Notify"},
                                   {324, "ME-Identity-Check"},
                                   {0, NULL}};
static const tl_word results[] = {{1001, "MULTI_ROUND_AUTH"},
                                  {2001, "SUCCESS"},
                                  {2002, "LIMITED_SUCCESS"},
                                  {3001, "COMMAND_UNSUPPORTED"},
                                  {3002, "UNABLE_TO_DELIVER"},
                                  {3003, "REALM_NOT_SERVED"},
                                  {3004, "TOO_BUSY"},
                                  {3005, "LOOP_DETECTED"},
                                  {3007, "APPLICATION_UNSUPPORTED"},
                                  {3010, "UNKNOWN_PEER"},
                                  {4001, "AUTHENTICATION_REJECTED"},
                                  {5001, "AVP_UNSUPPORTED"},
                                  {5002, "UNKNOWN_SESSION_ID"},
                                  {5003, "AUTHORIZATION_REJECTED"},
                                  {5004, "INVALID_AVP_VALUE"},
                                  {5005, "MISSING_AVP"},
                                  {5010, "NO_COMMON_APPLICATION"},
                                  {5012, "UNABLE_TO_COMPLY"},
                                  {5030, "USER_UNKNOWN"},
                                  {0, NULL}};

struct diameter {
    tl_label label;
};

/* Those that were assigned (RFC 6733 section 11.2): the base and its applications, 3GPP's block, the experimental ones. */
static bool is_command(uint32_t code)
{
    return (code >= 257 && code < 1024) || (code >= 8388608 && code < 8388864) || code >= 0xfffffe;
}

/* May a message begin with these bytes?  Looked at: the header, and, where it is there whole, the head of the first AVP. */
static bool begins(tl_span b)
{
    if (b.p[0] != 1) return false;
    if (b.n < HEADER) return true;
    uint32_t length = tl_be24(b.p + 1);
    if (length < HEADER || length % 4 != 0 || (b.p[4] & 0x0f) != 0 || !is_command(tl_be24(b.p + 5))) return false;
    if (length == HEADER || b.n < BEGIN) return length == HEADER || length >= BEGIN;
    uint32_t code = tl_be32(b.p + HEADER), avp = tl_be24(b.p + HEADER + 5);
    return code != 0 && (b.p[HEADER + 4] & 0x1f) == 0 && avp >= 8 && avp <= length - HEADER;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (!begins(b)) return TL_NO;
    if (b.n < BEGIN) return TL_MAYBE;
    uint32_t code = tl_be32(b.p + HEADER);
    bool first = code == SESSION_ID || code == ORIGIN_HOST || code == RESULT_CODE || code == ORIGIN_REALM;
    return first && tl_word_of(commands, tl_be24(b.p + 5)) != NULL ? TL_YES : usual ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    if (in->bytes.n < HEADER) return tl_more(HEADER);
    if (!begins(tl_span_of(in->bytes.p, HEADER))) return tl_reject(0);
    uint32_t length = tl_be24(in->bytes.p + 1);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0 && in->bytes.n < BEGIN) return tl_more(want < BEGIN ? want : BEGIN);
    if (!begins(in->bytes)) return tl_reject(0);
    if (want > 0) return tl_more(want);
    bool request = in->bytes.p[4] & REQUEST;
    tl_verdict v = tl_whole(in, length, SHOWN, request ? "request" : "answer");
    v.strong = true;
    return tl_with_id(tl_as(v, request ? TL_REQUEST : TL_RESPONSE, 0), tl_be32(in->bytes.p + 12));
}

/* The next AVP (section 4.1), as far as it is there. */
static bool next_avp(tl_span *in, uint32_t *code, tl_span *value)
{
    if (in->n < 8) return false;
    *code = (uint32_t)tl_take_be(in, 4);
    bool vendor = tl_take_be(in, 1) & VENDOR;
    size_t length = (size_t)tl_take_be(in, 3), head = vendor ? 12 : 8;
    if (length < head) return false;
    if (vendor && tl_take_be(in, 4) != 0) *code = 0; /* a vendor's own: not one of ours */
    *value = tl_take(in, length - head);
    (void)tl_take(in, (4 - length % 4) % 4);
    return true;
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct diameter *s = state;
    s->label.n = 0;
    tl_label_word(&s->label, commands, tl_be24(in->bytes.p + 5));
    tl_span rest = tl_shown(in->bytes, v->length, SHOWN), value;
    uint32_t code;
    (void)tl_take(&rest, HEADER);
    while (next_avp(&rest, &code, &value))
        if (code == RESULT_CODE && value.n == 4) tl_label_word(&s->label, results, tl_be32(value.p));
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
    uint32_t code;
    if (in->bytes.n < HEADER) return;
    tl_span rest = tl_shown(in->bytes, tl_be24(in->bytes.p + 1), SHOWN), value;
    tl_json_word(json, "command", commands, tl_be24(in->bytes.p + 5));
    tl_json_number(json, "application_id", tl_be32(in->bytes.p + 8));
    tl_json_number(json, "hop_by_hop_id", tl_be32(in->bytes.p + 12));
    tl_json_number(json, "end_to_end_id", tl_be32(in->bytes.p + 16));
    (void)tl_take(&rest, HEADER);
    while (next_avp(&rest, &code, &value)) {
        switch (code) {
        case SESSION_ID: tl_json_some(json, "session_id", value, 256); break;
        case ORIGIN_HOST: tl_json_some(json, "origin_host", value, 256); break;
        case ORIGIN_REALM: tl_json_some(json, "origin_realm", value, 256); break;
        case DESTINATION_HOST: tl_json_some(json, "destination_host", value, 256); break;
        case DESTINATION_REALM: tl_json_some(json, "destination_realm", value, 256); break;
        case USER_NAME: tl_json_some(json, "user", value, 256); break;
        case RESULT_CODE:
            if (value.n == 4) tl_json_number(json, "result_code", tl_be32(value.p));
            break;
        default: break;
        }
    }
}

const tl_detector tl_diameter = {
    .name = "diameter",
    .head_max = SHOWN,
    .state_size = sizeof(struct diameter),
    .ports = {3868},
    .first = TL_FIRST("\x01\x01"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
