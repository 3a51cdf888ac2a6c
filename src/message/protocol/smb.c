/*
** smb.c - SMB 1, 2 and 3 over TCP, with or without NetBIOS sessions (RFC 1002 section 4.3; MS-CIFS, MS-SMB2 section 2).
**
** A message is a type and a length in three bytes, then one or more SMB headers: those of a compound count as one message, which is known
** by its first.  SMB 2 pairs by MessageId, SMB 1 by process and multiplex id; the first negotiation may ask in SMB 1 and be answered
** in SMB 2. STATUS_PENDING is an interim answer; a cancel is not answered.  Encrypted and compressed messages are counted, not opened.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    PREFIX = 4,
    BEGIN = PREFIX + 4,
    HEADER1 = 32,
    HEADER2 = 64,
    LENGTH_MIN = 16,
    SHOWN = 1024,
    SESSION_MESSAGE = 0,
    SESSION_REQUEST = 0x81,
    KEEP_ALIVE = 0x85,
    NEGOTIATE1 = 0x72,
    TREE_CONNECT1 = 0x75,
    CREATE1 = 0xa2,
    LOCKING1 = 0x24,
    CANCEL1 = 0xa4,
    TREE_CONNECT2 = 3,
    CREATE2 = 5,
    CANCEL2 = 12,
    COMPOUND_SHOWN = 8
};
#define STATUS_PENDING 0x103u
#define NOTIFICATION   UINT64_MAX /* MessageId of what no request asked for: an oplock break */

static const tl_word commands1[] = {{0x00, "create_directory"},
                                    {0x04, "close"},
                                    {0x06, "delete"},
                                    {0x07, "rename"},
                                    {0x08, "query_information"},
                                    {0x24, "locking_andx"},
                                    {0x25, "transaction"},
                                    {0x2b, "echo"},
                                    {0x2d, "open_andx"},
                                    {0x2e, "read_andx"},
                                    {0x2f, "write_andx"},
                                    {0x32, "transaction2"},
                                    {0x34, "find_close2"},
                                    {0x71, "tree_disconnect"},
                                    {0x72, "negotiate"},
                                    {0x73, "session_setup_andx"},
                                    {0x74, "logoff_andx"},
                                    {0x75, "tree_connect_andx"},
                                    {0xa0, "nt_transact"},
                                    {0xa2, "nt_create_andx"},
                                    {0xa4, "nt_cancel"},
                                    {0, NULL}};
static const tl_word commands2[] = {
    {0, "negotiate"},      {1, "session_setup"}, {2, "logoff"},    {3, "tree_connect"},  {4, "tree_disconnect"},
    {5, "create"},         {6, "close"},         {7, "flush"},     {8, "read"},          {9, "write"},
    {10, "lock"},          {11, "ioctl"},        {12, "cancel"},   {13, "echo"},         {14, "query_directory"},
    {15, "change_notify"}, {16, "query_info"},   {17, "set_info"}, {18, "oplock_break"}, {0, NULL}};
static const tl_word session_types[] = {{0x81, "session_request"},  {0x82, "session_granted"}, {0x83, "session_refused"},
                                        {0x84, "session_retarget"}, {0x85, "keep_alive"},      {0, NULL}};
static const tl_word statuses[] = {{0, "SUCCESS"},
                                   {0x103, "PENDING"},
                                   {0x80000005, "BUFFER_OVERFLOW"},
                                   {0x80000006, "NO_MORE_FILES"},
                                   {0xc000000d, "INVALID_PARAMETER"},
                                   {0xc000000f, "NO_SUCH_FILE"},
                                   {0xc0000016, "MORE_PROCESSING_REQUIRED"},
                                   {0xc0000022, "ACCESS_DENIED"},
                                   {0xc0000034, "OBJECT_NAME_NOT_FOUND"},
                                   {0xc0000035, "OBJECT_NAME_COLLISION"},
                                   {0xc000003a, "OBJECT_PATH_NOT_FOUND"},
                                   {0xc0000043, "SHARING_VIOLATION"},
                                   {0xc000006d, "LOGON_FAILURE"},
                                   {0xc00000ba, "FILE_IS_A_DIRECTORY"},
                                   {0xc00000bb, "NOT_SUPPORTED"},
                                   {0xc00000cc, "BAD_NETWORK_NAME"},
                                   {0xc0000120, "CANCELLED"},
                                   {0xc0000128, "FILE_CLOSED"},
                                   {0xc0000203, "USER_SESSION_DELETED"},
                                   {0xc0000225, "NOT_FOUND"},
                                   {0, NULL}};

struct smb {
    tl_label label;
};

/* May a message begin here, as far as the first BEGIN bytes go? */
static bool begins(tl_span b)
{
    if (b.p[0] != SESSION_MESSAGE) {
        if (b.p[0] < SESSION_REQUEST || b.p[0] > KEEP_ALIVE) return false;
        return b.n < PREFIX || (tl_be24(b.p + 1) <= 72 && (tl_be24(b.p + 1) == 0) == (b.p[0] == 0x82 || b.p[0] == KEEP_ALIVE));
    }
    if (b.n >= PREFIX && tl_be24(b.p + 1) < LENGTH_MIN) return false;
    if (b.n < BEGIN) return b.n < PREFIX + 1 || b.p[PREFIX] >= 0xfc;
    uint8_t version = b.p[PREFIX];
    if (version < 0xfc || memcmp(b.p + PREFIX + 1, "SMB", 3) != 0) return false;
    return tl_be24(b.p + 1) >= (version == 0xff ? HEADER1 : version == 0xfe ? HEADER2 : LENGTH_MIN);
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir;
    if (!begins(b)) return TL_NO;
    if (b.p[0] == SESSION_MESSAGE) return b.n < BEGIN ? TL_MAYBE : TL_YES;
    return !usual ? TL_NO : b.n < PREFIX ? TL_MAYBE : TL_LIKELY;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* The SMB headers that are shown of a message. */
static tl_span inside(tl_span b)
{
    tl_span smb = tl_shown(b, PREFIX + (uint64_t)tl_be24(b.p + 1), SHOWN);
    (void)tl_take(&smb, PREFIX);
    return smb;
}

/* ---- measure ---- */

static tl_verdict with_role1(tl_verdict v, tl_span smb)
{
    bool response = smb.p[9] & 0x80;
    uint64_t id = (uint64_t)1 << 48 | (uint64_t)tl_le16(smb.p + 26) << 16 | tl_le16(smb.p + 30);
    if (smb.p[4] == NEGOTIATE1) id = 0; /* which SMB 2 may answer */
    v.kind = response ? "response" : "request";
    if (smb.p[4] == CANCEL1) return v;
    if (smb.p[4] == LOCKING1 && !response && tl_le16(smb.p + 30) == UINT16_MAX) return v; /* an oplock break */
    return tl_with_id(tl_as(v, response ? TL_RESPONSE : TL_REQUEST, 0), id);
}

static tl_verdict with_role2(tl_verdict v, tl_span smb)
{
    bool response = smb.p[16] & 1;
    uint64_t id = tl_le64(smb.p + 24);
    v.kind = response ? "response" : "request";
    if (id == NOTIFICATION || tl_le16(smb.p + 12) == CANCEL2) return v;
    bool pending = response && tl_le32(smb.p + 8) == STATUS_PENDING;
    return tl_with_id(tl_as(v, pending ? TL_INTERIM : response ? TL_RESPONSE : TL_REQUEST, 0), id);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.n < PREFIX) return tl_more(PREFIX);
    if (!begins(tl_span_of(b.p, PREFIX))) return tl_reject(0);
    uint64_t length = PREFIX + (uint64_t)tl_be24(b.p + 1);
    if (b.p[0] != SESSION_MESSAGE) return tl_whole(in, length, PREFIX, tl_word_of(session_types, b.p[0]));
    if (b.n < BEGIN) return tl_more(BEGIN);
    if (!begins(tl_span_of(b.p, BEGIN))) return tl_reject(0);
    size_t want = tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    tl_verdict v = tl_whole(in, length, SHOWN, b.p[PREFIX] == 0xfd ? "encrypted" : "compressed");
    v.strong = true;
    tl_span smb = inside(b);
    if (smb.p[0] < 0xfe) return v;
    v.kind = "message"; /* cut before it says which */
    if (smb.p[0] == 0xff) return smb.n >= HEADER1 ? with_role1(v, smb) : v;
    return smb.n >= HEADER2 ? with_role2(v, smb) : v;
}

/* ---- names ---- */

/* UTF-16, little-endian; what is no character becomes a question mark. */
static void add_utf16(tl_label *l, tl_span in)
{
    if (in.n >= 2 && l->n > 0) tl_label_more(l, tl_text_span(" "));
    while (in.n >= 2) {
        uint32_t c = (uint32_t)tl_take_le(&in, 2);
        if (c >= 0xd800 && c < 0xdc00 && in.n >= 2) {
            uint32_t low = (uint32_t)tl_take_le(&in, 2);
            c = low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff)) : '?';
        } else if (c >= 0xd800 && c < 0xe000) {
            c = '?';
        }
        uint8_t out[4];
        size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
        for (size_t i = n - 1; i > 0; i--, c >>= 6) out[i] = (uint8_t)(0x80 | (c & 0x3f));
        out[0] = (uint8_t)(n == 1 ? c : (0xf00u >> n & 0xff) | c);
        tl_label_more(l, tl_span_of(out, n));
    }
}

/* The share or file that an SMB 2 request names: offset and length stand at `at`, the offset counted from the header. */
static tl_span name2(tl_span smb)
{
    unsigned command = tl_le16(smb.p + 12);
    size_t at = command == TREE_CONNECT2 ? HEADER2 + 4 : command == CREATE2 ? HEADER2 + 44 : 0;
    if (at == 0 || (smb.p[16] & 1) || smb.n < at + 4) return tl_span_of(smb.p, 0);
    size_t offset = tl_le16(smb.p + at), n = tl_le16(smb.p + at + 2);
    return offset + n <= smb.n ? tl_span_of(smb.p + offset, n) : tl_span_of(smb.p, 0);
}

/* The same of SMB 1, where names are in Unicode: behind the password of a tree connect, or aligned behind the words of a create. */
static tl_span name1(tl_span smb)
{
    bool unicode = tl_le16(smb.p + 10) & 0x8000;
    tl_span rest = smb, none = tl_span_of(smb.p, 0);
    if (!unicode || (smb.p[9] & 0x80) || (smb.p[4] != TREE_CONNECT1 && smb.p[4] != CREATE1)) return none;
    (void)tl_take(&rest, HEADER1);
    size_t words = (size_t)tl_take_be(&rest, 1);
    tl_span parameters = tl_take(&rest, words * 2);
    (void)tl_take(&rest, 2); /* how many bytes follow */
    if (smb.p[4] == TREE_CONNECT1 && parameters.n >= 8) (void)tl_take(&rest, tl_le16(parameters.p + 6));
    if ((rest.p - smb.p) % 2 != 0) (void)tl_take(&rest, 1);
    size_t n = 0;
    while (n + 1 < rest.n && (rest.p[n] != 0 || rest.p[n + 1] != 0)) n += 2;
    return tl_span_of(rest.p, n + 1 < rest.n ? n : 0);
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    struct smb *s = state;
    tl_span b = tl_shown(in->bytes, v->length, SHOWN);
    s->label.n = 0;
    if (b.n <= PREFIX || b.p[0] != SESSION_MESSAGE) return TL_OK;
    tl_span smb = inside(b);
    if (smb.p[0] == 0xff && smb.n >= HEADER1) {
        tl_label_word(&s->label, commands1, smb.p[4]);
        if (smb.p[9] & 0x80)
            tl_label_word(&s->label, statuses, tl_le32(smb.p + 5));
        else
            add_utf16(&s->label, name1(smb));
    } else if (smb.p[0] == 0xfe && smb.n >= HEADER2) {
        tl_label_word(&s->label, commands2, tl_le16(smb.p + 12));
        if (smb.p[16] & 1)
            tl_label_word(&s->label, statuses, tl_le32(smb.p + 8));
        else
            add_utf16(&s->label, name2(smb));
    }
    v->summary = tl_label_span(&s->label);
    return TL_OK;
}

static bool plausible(tl_span from)
{
    return begins(from);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d, (void)state;
    return tl_scan(in->bytes, plausible);
}

/* ---- describe ---- */

static void add_name(tl_text *json, const char *member, tl_span utf16)
{
    tl_label name = {0};
    add_utf16(&name, utf16);
    tl_json_some(json, member, tl_label_span(&name), sizeof name.text);
}

/* The commands of a compound behind the first, as far as they are shown. */
static void describe_compound(tl_span smb, tl_text *json)
{
    tl_label all = {0};
    for (unsigned i = 0; i < COMPOUND_SHOWN && smb.n >= HEADER2 && smb.p[0] == 0xfe; i++) {
        uint32_t next = tl_le32(smb.p + 20);
        if (i > 0) tl_label_word(&all, commands2, tl_le16(smb.p + 12));
        if (next < HEADER2) break;
        (void)tl_take(&smb, next);
    }
    tl_json_some(json, "compounded", tl_label_span(&all), sizeof all.text);
}

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d, (void)state;
    if (in->bytes.n < BEGIN || in->bytes.p[0] != SESSION_MESSAGE) return;
    tl_span smb = inside(in->bytes);
    if (smb.p[0] == 0xff && smb.n >= HEADER1) {
        tl_json_number(json, "version", 1);
        tl_json_word(json, "command", commands1, smb.p[4]);
        if (smb.p[9] & 0x80) tl_json_word(json, "status", statuses, tl_le32(smb.p + 5));
        tl_json_number(json, "tree_id", tl_le16(smb.p + 24));
        tl_json_number(json, "multiplex_id", tl_le16(smb.p + 30));
        add_name(json, smb.p[4] == TREE_CONNECT1 ? "share" : "file", name1(smb));
    } else if (smb.p[0] == 0xfe && smb.n >= HEADER2) {
        tl_json_number(json, "version", 2);
        tl_json_word(json, "command", commands2, tl_le16(smb.p + 12));
        if (smb.p[16] & 1) tl_json_word(json, "status", statuses, tl_le32(smb.p + 8));
        if (tl_le64(smb.p + 24) <= INT64_MAX) tl_json_number(json, "message_id", (int64_t)tl_le64(smb.p + 24));
        if (!(smb.p[16] & 2)) tl_json_number(json, "tree_id", tl_le32(smb.p + 36));
        add_name(json, tl_le16(smb.p + 12) == TREE_CONNECT2 ? "share" : "file", name2(smb));
        describe_compound(smb, json);
    }
}

const tl_detector tl_smb = {
    .name = "smb",
    .head_max = SHOWN,
    .state_size = sizeof(struct smb),
    .ports = {445, 139},
    .first = TL_FIRST("\x00\x00"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
