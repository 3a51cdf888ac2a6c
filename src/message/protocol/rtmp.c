/*
** rtmp.c - RTMP (Adobe's Real-Time Messaging Protocol 1.0): the handshake, then messages cut into chunks (sections 5.2 and 5.3).
**
** A message is its chunks, as long as no chunk of another message stands between them.  Where messages are interleaved, the one that is
** interrupted ends there, incomplete, and each later part of it is a message of its own, of kind "continuation".
** The chunks' headers leave out what the chunk stream said before, so that up to STREAMS of them are remembered; after a hole only a chunk
** with a whole header is believed: protocol control and commands at once, others with what follows them.  A hole that swallows
** Set Chunk Size leaves the old size: longer messages are then cut at the wrong places, until a whole header comes again.
** Commands that ask (connect, createStream, calls) are answered by their transaction's number.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HELLO = 1 + 1536, /* C0 and C1, S0 and S1 */
    ECHO_SIZE = 1536, /* C2, S2 */
    HELLO_SEEN = 9,
    VERSION = 3,
    CHUNK_DEFAULT = 128,
    CHUNK_MAX = 0xffffff,
    HEADER_MAX = 3 + 11 + 4,
    STREAMS = 7,
    SHOWN = 512,
    NO_STREAM = 0xff,
    SET_CHUNK_SIZE = 1,
    ABORT = 2,
    USER_CONTROL = 4,
    COMMAND_AMF3 = 17,
    COMMAND = 20
};

static const tl_word types[] = {{1, "set_chunk_size"}, {2, "abort"},          {3, "acknowledgement"}, {4, "user_control"},
                                {5, "window_size"},    {6, "peer_bandwidth"}, {8, "audio"},           {9, "video"},
                                {15, "data"},          {16, "shared_object"}, {17, "command"},        {18, "data"},
                                {19, "shared_object"}, {20, "command"},       {22, "aggregate"},      {0, NULL}};

struct stream {  /* a chunk stream: what its last header said */
    uint16_t id; /* 0: none */
    uint8_t type;
    bool extended;         /* a timestamp of four bytes stands behind the header */
    uint32_t length, left; /* of the message; bytes that are still to come */
};

struct rtmp {
    struct side {
        uint8_t stage;   /* 0: before the handshake, 1: within, 2: chunks */
        uint8_t current; /* the stream whose message is being sent; NO_STREAM: none */
        uint8_t next;    /* the entry that a new stream takes */
        uint32_t chunk;  /* bytes of a chunk; 0: CHUNK_DEFAULT */
        uint32_t shown;  /* bytes of the last message in its first chunk; 0: the last chunk began none */
        struct stream streams[STREAMS];
    } side[2];
};

struct chunk {
    uint8_t format, type;
    uint16_t stream;
    size_t header;
    bool extended;
    uint32_t length; /* of its message */
    bool sure;
};

static const struct stream *find_stream(const struct side *s, uint16_t id)
{
    for (size_t i = 0; i < STREAMS; i++)
        if (s->streams[i].id == id) return &s->streams[i];
    return NULL;
}

/* Bytes that a chunk's header needs, as far as the bytes tell; never more than HEADER_MAX. */
static size_t header_needs(const struct side *s, tl_span b, struct chunk *c)
{
    static const uint8_t sizes[] = {11, 7, 3, 0};
    *c = (struct chunk){.format = b.p[0] >> 6, .stream = b.p[0] & 0x3f};
    size_t basic = c->stream == 0 ? 2 : c->stream == 1 ? 3 : 1;
    if (b.n < basic) return basic;
    if (basic > 1) c->stream = (uint16_t)(64 + b.p[1] + (basic == 3 ? 256u * b.p[2] : 0));
    c->header = basic + sizes[c->format];
    if (b.n < c->header) return c->header;
    const struct stream *known = find_stream(s, c->stream);
    c->extended = c->format < 3 ? tl_be24(b.p + basic) == 0xffffff : known != NULL && known->extended;
    c->type = c->format < 2 ? b.p[basic + 6] : known != NULL ? known->type : 0;
    c->length = c->format < 2 ? tl_be24(b.p + basic + 3) : known != NULL ? known->length : 0;
    uint32_t message_stream = c->format == 0 ? tl_le32(b.p + basic + 7) : 0;
    c->sure = c->format == 0 && message_stream < 256;
    if (c->extended) c->header += 4;
    return c->header;
}

/* May it be a chunk's?  The header is there whole. */
static bool is_chunk(const struct side *s, const struct chunk *c)
{
    if (c->format > 0 && find_stream(s, c->stream) == NULL) return false;
    /* Nothing is known: as at the start, a low number comes first.  The longer forms begin with a zero, of which bodies are full. */
    if (s->streams[0].id == 0 && c->stream > 63) return false;
    if (tl_word_of(types, c->type) == NULL || (c->format == 0 && !c->sure)) return false;
    if (c->type <= 6 && c->type != 4 && c->length != (c->type == 6 ? 5 : 4)) return false; /* protocol control */
    return c->type != USER_CONTROL || (c->length >= 4 && c->length <= 64);
}

/* Version, a time, and zeros; or, in place of the zeros, the version of who speaks (its own sort of handshake). */
static bool hello_begins(tl_span b)
{
    if (b.p[0] != VERSION) return false;
    if (b.n < HELLO_SEEN) return true;
    return tl_be32(b.p + 5) == 0 || b.p[5] == 0x80 || b.p[5] <= 0x10;
}

static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    static const struct side none = {.chunk = 0};
    struct chunk c;
    if (b.p[0] == VERSION) {
        if (b.n < HELLO_SEEN) return TL_MAYBE;
        if (!hello_begins(b)) return TL_NO;
        if (usual) return dir == TL_C2S && tl_be32(b.p + 5) == 0 ? TL_YES : TL_LIKELY;
        return dir == TL_C2S && b.n < HELLO ? TL_MAYBE : TL_LIKELY;
    }
    if (!usual) return TL_NO;
    if (header_needs(&none, b, &c) > b.n) return TL_MAYBE;
    return is_chunk(&none, &c) && c.format == 0 ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

/* ---- commands: a name, a transaction's number, an object or null (AMF 0) ---- */

static tl_span take_text(tl_span *in)
{
    if (in->n == 0 || in->p[0] != 2) return tl_span_of(in->p, 0);
    (void)tl_take(in, 1);
    return tl_take_vector(in, 2);
}

struct command {
    tl_span name, app, url, stream;
    uint64_t transaction; /* the bytes of its number */
};

static struct command parse_command(uint8_t type, tl_span body)
{
    struct command c;
    memset(&c, 0, sizeof c);
    if (type == COMMAND_AMF3) (void)tl_take(&body, 1);
    c.name = take_text(&body);
    if (c.name.n == 0 || body.n < 9 || body.p[0] != 0) return c;
    c.transaction = tl_be64(body.p + 1);
    (void)tl_take(&body, 9);
    if (body.n > 0 && body.p[0] == 5) { /* null */
        (void)tl_take(&body, 1);
        c.stream = take_text(&body);
    } else if (body.n > 0 && body.p[0] == 3) {
        (void)tl_take(&body, 1);
        while (body.n > 3) {
            tl_span name = tl_take_vector(&body, 2);
            if (body.n == 0 || body.p[0] > 2) break;
            tl_span value = body.p[0] == 2 ? take_text(&body) : tl_take(&body, body.p[0] == 0 ? 9 : 2);
            if (name.n == 3 && tl_begins(name, "app")) c.app = value;
            if (name.n == 5 && tl_begins(name, "tcUrl")) c.url = value;
        }
    }
    return c;
}

static bool is_word(tl_span name, const char *word)
{
    return name.n == strlen(word) && tl_begins(name, word);
}

static tl_verdict with_role(tl_verdict v, const struct command *c)
{
    static const char *const silent[] = {"play", "play2", "publish", "deleteStream", "closeStream", "pause", "seek", "FCUnpublish"};
    if (is_word(c->name, "_result") || is_word(c->name, "_error")) return tl_with_id(tl_as(v, TL_RESPONSE, 0), c->transaction);
    if (c->transaction == 0 || c->name.n == 0 || tl_begins(c->name, "on")) return v;
    for (size_t i = 0; i < sizeof silent / sizeof *silent; i++)
        if (is_word(c->name, silent[i])) return v;
    return tl_with_id(tl_as(v, TL_REQUEST, 0), c->transaction);
}

/* ---- measure ---- */

static tl_verdict measure_handshake(struct side *s, const tl_head *in)
{
    tl_verdict v;
    if (s->stage == 0) {
        v = tl_whole(in, HELLO, HELLO_SEEN, "handshake");
        v.strong = in->bytes.n >= HELLO_SEEN && tl_be32(in->bytes.p + 5) == 0;
    } else {
        v = tl_whole(in, ECHO_SIZE, 0, "handshake");
    }
    s->stage++;
    return v;
}

/* The chunk becomes what its stream is remembered by. */
static uint8_t remember(struct side *s, const struct chunk *c)
{
    struct stream *t = NULL;
    for (size_t i = 0; i < STREAMS && t == NULL; i++)
        if (s->streams[i].id == c->stream) t = &s->streams[i];
    if (t == NULL) {
        t = &s->streams[s->next];
        s->next = (uint8_t)((s->next + 1) % STREAMS);
        t->left = 0;
    }
    uint32_t left = c->format == 3 ? t->left : 0;
    *t = (struct stream){c->stream, c->type, c->extended, c->length, left};
    return (uint8_t)(t - s->streams);
}

static void control(struct side *s, const struct chunk *c, tl_span payload)
{
    if (payload.n < 4) return;
    uint32_t v = tl_be32(payload.p);
    if (c->type == SET_CHUNK_SIZE && v >= 1 && v <= CHUNK_MAX) s->chunk = v;
    for (size_t i = 0; c->type == ABORT && i < STREAMS; i++)
        if (s->streams[i].id == v) s->streams[i].left = 0;
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d;
    struct side *s = &((struct rtmp *)state)->side[in->dir];
    struct chunk c;
    tl_span b = in->bytes;
    if (s->stage == 0 && b.n < HELLO_SEEN && !in->ended) return tl_more(HELLO_SEEN);
    if ((s->stage == 0 && hello_begins(b)) || s->stage == 1) return measure_handshake(s, in);
    size_t need = header_needs(s, b, &c);
    if (need > b.n) return tl_more(need);
    if (!is_chunk(s, &c)) return tl_reject(0);
    const struct stream *known = find_stream(s, c.stream);
    bool goes_on = c.format == 3 && known != NULL && known->left > 0;
    uint32_t left = goes_on ? known->left : c.length, most = s->chunk != 0 ? s->chunk : CHUNK_DEFAULT, n = left < most ? left : most;
    uint64_t length = c.header + (uint64_t)n;
    size_t want = goes_on ? 0 : tl_wanted(in, length, SHOWN);
    if (want > 0) return tl_more(want);
    bool same = goes_on && s->current == (uint8_t)(known - s->streams);
    tl_verdict v = tl_whole(in, length, goes_on ? c.header : SHOWN, goes_on ? "continuation" : tl_word_of(types, c.type));
    v.strong = c.sure && c.stream == 2 && c.type <= 6; /* protocol control has its own chunk stream and lengths */
    s->stage = 2;
    s->current = remember(s, &c);
    s->streams[s->current].left = left - n;
    v.edge = (same ? 0 : TL_FIRST) | (left == n ? TL_LAST : 0);
    if (left == n) s->current = NO_STREAM;
    s->shown = goes_on ? 0 : n;
    if (goes_on) return v;
    tl_span payload = tl_shown(b, length, SHOWN);
    (void)tl_take(&payload, c.header);
    control(s, &c, payload);
    if (c.type != COMMAND && c.type != COMMAND_AMF3) return v;
    struct command command = parse_command(c.type, payload);
    v.summary = command.name;
    v.strong = c.sure && command.name.n > 3 && tl_is_text(command.name);
    return with_role(v, &command);
}

static void lost(const tl_detector *d, void *state, tl_dir dir)
{
    (void)d;
    struct side *s = &((struct rtmp *)state)->side[dir];
    s->stage = 2;
    s->current = NO_STREAM;
    memset(s->streams, 0, sizeof s->streams);
}

static size_t resync(const tl_detector *d, const void *state, const tl_head *in)
{
    (void)d;
    const struct side *s = &((const struct rtmp *)state)->side[in->dir];
    for (size_t at = 0; at < in->bytes.n; at++) {
        struct chunk c;
        tl_span from = tl_span_of(in->bytes.p + at, in->bytes.n - at);
        if (from.p[0] >> 6 != 0) continue; /* only a whole header */
        if (header_needs(s, from, &c) > from.n || is_chunk(s, &c)) return at;
    }
    return in->bytes.n;
}

/* ---- describe ---- */

static void describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    (void)d;
    const struct side *s = &((const struct rtmp *)state)->side[in->dir];
    struct chunk c;
    if (s->stage < 2 || header_needs(s, in->bytes, &c) > in->bytes.n || !is_chunk(s, &c)) return;
    tl_json_number(json, "chunk_stream", c.stream);
    tl_json_word(json, "type", types, c.type);
    tl_json_number(json, "bytes", c.length);
    if (s->shown == 0) return; /* a continuation says no more */
    tl_span payload = tl_shown(in->bytes, c.header + (uint64_t)s->shown, SHOWN);
    (void)tl_take(&payload, c.header);
    if (c.type == SET_CHUNK_SIZE && payload.n >= 4) tl_json_number(json, "chunk_size", tl_be32(payload.p));
    if (c.type != COMMAND && c.type != COMMAND_AMF3) return;
    struct command command = parse_command(c.type, payload);
    tl_json_some(json, "command", command.name, 128);
    tl_json_some(json, "app", command.app, 256);
    tl_json_some(json, "url", command.url, 512);
    tl_json_some(json, "stream", command.stream, 512);
}

const tl_detector tl_rtmp = {
    .name = "rtmp",
    .head_max = SHOWN + HEADER_MAX,
    .state_size = sizeof(struct rtmp),
    .ports = {1935},
    .first = TL_FIRST("\x03\x03"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .lost = lost,
    .describe = describe,
};
_Static_assert(sizeof(struct rtmp) <= TL_STATE_MAX, "the state of both directions fits");
