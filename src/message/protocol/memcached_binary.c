/*
** memcached_binary.c - memcached's binary protocol (its doc/protocol-binary.txt): a header of 24 bytes, extras, key, value.
**
** Requests and responses are paired by the opaque that the client chose.  Quiet commands ask for no answer unless there is something to
** say. A statistic is an interim response; the one without a key ends them.
** The value of SASL's commands is a secret; no values are shown.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum { HEADER = 24, REQUEST = 0x80, RESPONSE = 0x81, KEY_MOST = 250, EXTRAS_MOST = 32, STAT = 0x10 };
static const uint32_t body_most = 1u << 30;

static const char *const opcodes[] = {"get",       "set",       "add",       "replace",   "delete",  "increment",  "decrement",  "quit",
                                      "flush",     "getq",      "noop",      "version",   "getk",    "getkq",      "append",     "prepend",
                                      "stat",      "setq",      "addq",      "replaceq",  "deleteq", "incrementq", "decrementq", "quitq",
                                      "flushq",    "appendq",   "prependq",  "verbosity", "touch",   "gat",        "gatq",       NULL,
                                      "sasl_list", "sasl_auth", "sasl_step", "gatk",      "gatkq"};
enum { OPCODES = sizeof opcodes / sizeof *opcodes };

static const char *opcode_name(unsigned code)
{
    return code < OPCODES ? opcodes[code] : NULL;
}

static const struct {
    unsigned code;
    const char *name;
} statuses[] = {{0, "no_error"},
                {1, "key_not_found"},
                {2, "key_exists"},
                {3, "value_too_large"},
                {4, "invalid_arguments"},
                {5, "item_not_stored"},
                {6, "non_numeric"},
                {7, "wrong_vbucket"},
                {0x20, "auth_error"},
                {0x21, "auth_continue"},
                {0x81, "unknown_command"},
                {0x82, "out_of_memory"},
                {0x83, "not_supported"},
                {0x84, "internal_error"},
                {0x85, "busy"},
                {0x86, "temporary_failure"}};

/* May a message begin with these bytes, as far as they go? */
static bool plausible(tl_span b)
{
    if (b.n >= 1 && b.p[0] != REQUEST && b.p[0] != RESPONSE) return false;
    if (b.n >= 2 && opcode_name(b.p[1]) == NULL) return false;
    if (b.n >= 4 && tl_be16(b.p + 2) > KEY_MOST) return false;
    if (b.n >= 5 && b.p[4] > EXTRAS_MOST) return false;
    if (b.n >= 6 && b.p[5] != 0) return false;
    if (b.n >= 8 && b.p[0] == RESPONSE && tl_be16(b.p + 6) > 0xff) return false;
    if (b.n < 12) return true;
    uint32_t body = tl_be32(b.p + 8);
    return body <= body_most && body >= (uint32_t)tl_be16(b.p + 2) + b.p[4];
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    (void)d;
    return tl_probe_begins(in, HEADER, plausible);
}

static bool is_quiet(unsigned code)
{
    const char *name = opcode_name(code);
    return name != NULL && name[strlen(name) - 1] == 'q';
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < HEADER && (!in->ended || plausible(b))) return tl_more(HEADER);
    if (!plausible(b)) return tl_reject(0);
    size_t extras = b.p[4], key = tl_be16(b.p + 2), head = HEADER + extras + key;
    if (b.n < head && !in->ended) return tl_more(head);
    bool request = b.p[0] == REQUEST;
    tl_verdict v = tl_whole(in, HEADER + (uint64_t)tl_be32(b.p + 8), head, request ? "request" : "response");
    v.strong = true;
    if (b.n >= head) v.summary = tl_span_of(b.p + HEADER + extras, key);
    if (request && !is_quiet(b.p[1])) v = tl_as(v, TL_REQUEST, 1);
    if (!request && !is_quiet(b.p[1])) v.role = b.p[1] == STAT && key > 0 ? TL_INTERIM : TL_RESPONSE;
    return v.role != TL_ROLE_NONE ? tl_with_id(v, tl_be32(b.p + 12)) : v;
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < HEADER) return;
    const char *name = opcode_name(b.p[1]), *status = NULL;
    size_t extras = b.p[4], key = tl_be16(b.p + 2);
    if (name != NULL) tl_json_field(json, "opcode", tl_span_of(name, strlen(name)), 32);
    if (b.p[0] == RESPONSE) {
        unsigned code = tl_be16(b.p + 6);
        for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
            if (statuses[i].code == code) status = statuses[i].name;
        tl_json_number(json, "status", code);
        if (status != NULL) tl_json_field(json, "status_name", tl_span_of(status, strlen(status)), 32);
    }
    if (key > 0 && b.n >= HEADER + extras + key) tl_json_field(json, "key", tl_span_of(b.p + HEADER + extras, key), KEY_MOST);
    tl_json_number(json, "bytes", (int64_t)tl_be32(b.p + 8) - (int64_t)(extras + key));
    tl_json_number(json, "opaque", tl_be32(b.p + 12));
}

const tl_detector tl_memcached_binary = {
    .name = "memcached-binary",
    .head_max = HEADER + EXTRAS_MOST + KEY_MOST,
    .ports = {11211},
    .first = TL_FIRST("\x80\x81"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
};
