/*
** bittorrent.c - BitTorrent's peer protocol (BEP 3; BEP 5, 6 and 10 for the further messages; BEP 52 for the hashes).
**
** A handshake, then messages behind a length in four bytes; a length of 0 keeps the connection alive.  A piece answers the request for its
** index and offset: those are the id of both.  The other messages answer nothing.  Encrypted sessions are not recognised.
*/
#include "message/protocol/binary.h"
#include "message/registry.h"

enum {
    HANDSHAKE = 68,
    PREFIX = 4,
    BEGIN = PREFIX + 1,
    LENGTH_MAX = 2 << 20,
    PIECE_MAX = 1 << 20,
    BITFIELD = 5,
    REQUEST = 6,
    PIECE = 7,
    CANCEL = 8,
    HAVE = 4,
    EXTENDED = 20,
    LAST = 23,
    SHOWN = 256
};

static const char magic[] = "\x13"
                            "BitTorrent protocol";

/* By number: the least and most bytes behind the length. */
static const struct {
    const char *kind;
    uint32_t least, most;
} messages[LAST + 1] = {{"choke", 1, 1},
                        {"unchoke", 1, 1},
                        {"interested", 1, 1},
                        {"not_interested", 1, 1},
                        {"have", 5, 5},
                        {"bitfield", 2, LENGTH_MAX},
                        {"request", 13, 13},
                        {"piece", 10, PIECE_MAX},
                        {"cancel", 13, 13},
                        {"port", 3, 3},
                        [13] = {"suggest_piece", 5, 5},
                        {"have_all", 1, 1},
                        {"have_none", 1, 1},
                        {"reject_request", 13, 13},
                        {"allowed_fast", 5, 5},
                        [EXTENDED] = {"extended", 2, LENGTH_MAX},
                        {"hash_request", 49, 49},
                        {"hashes", 49, LENGTH_MAX},
                        {"hash_reject", 49, 49}};

struct bittorrent {
    tl_label label;
};

/* May a handshake or a message begin here, as far as the bytes go? */
static bool begins(tl_span b)
{
    if (b.p[0] == 0x13) return tl_may_begin(b, magic);
    if (b.n < PREFIX) return b.p[0] == 0;
    uint32_t n = tl_be32(b.p);
    if (n > LENGTH_MAX) return false;
    if (n == 0 || b.n < BEGIN) return true;
    uint8_t number = b.p[PREFIX];
    return number <= LAST && messages[number].kind != NULL && n >= messages[number].least && n <= messages[number].most;
}

/* Its length is that of few others: a request, a cancel, a have; a piece of the usual size. */
static bool is_sure(tl_span b)
{
    if (b.n < BEGIN) return false;
    uint32_t n = tl_be32(b.p);
    uint8_t number = b.p[PREFIX];
    if (number == PIECE) return n == (1 << 14) + 9;
    return n > 1 && number <= LAST && messages[number].kind != NULL && messages[number].least == messages[number].most && number != 9;
}

/* A peer that is picked up midway: a request for a block of the usual size, or a whole block. */
static tl_match probe_one(tl_span b, tl_dir dir, bool usual)
{
    (void)dir, (void)usual;
    if (!begins(b)) return TL_NO;
    if (b.p[0] == 0x13) return b.n >= sizeof magic - 1 ? TL_YES : TL_MAYBE;
    if (b.n >= PREFIX && tl_be32(b.p) == 0) return TL_NO; /* keep-alives say nothing */
    if (b.n < BEGIN) return TL_MAYBE;
    if (b.p[PREFIX] == PIECE) return is_sure(b) ? TL_LIKELY : TL_NO;
    if (b.p[PREFIX] != REQUEST) return TL_NO;
    return b.n < PREFIX + 13 ? TL_MAYBE : tl_be32(b.p + PREFIX + 9) == 1 << 14 ? TL_LIKELY : TL_NO;
}

static tl_match probe(const tl_detector *d, const tl_probe *in)
{
    return tl_probe_both(in, tl_usual_port(d, in->server_port), probe_one);
}

static tl_verdict measure(const tl_detector *d, void *state, const tl_head *in)
{
    (void)d, (void)state;
    tl_span b = in->bytes;
    if (b.p[0] == 0x13) {
        if (!begins(b)) return tl_reject(0);
        if (b.n < sizeof magic - 1) return tl_more(b.n + 1);
        if (b.n < HANDSHAKE && !in->ended) return tl_more(HANDSHAKE);
        tl_verdict v = tl_whole(in, HANDSHAKE, HANDSHAKE, "handshake");
        v.strong = true;
        return v;
    }
    if (b.n < PREFIX) return tl_more(PREFIX);
    if (!begins(tl_span_of(b.p, PREFIX))) return tl_reject(0);
    uint64_t length = PREFIX + (uint64_t)tl_be32(b.p);
    if (length == PREFIX) return tl_whole(in, PREFIX, PREFIX, "keep_alive");
    if (b.n < BEGIN) return tl_more(BEGIN);
    if (!begins(b)) return tl_reject(0);
    size_t want = tl_wanted(in, length, PREFIX + 13);
    if (want > 0) return tl_more(want);
    uint8_t number = b.p[PREFIX];
    tl_verdict v = tl_whole(in, length, PREFIX + 13, messages[number].kind);
    v.strong = is_sure(b);
    if ((number != REQUEST && number != PIECE) || b.n < PREFIX + 9) return v; /* cut */
    return tl_with_id(tl_as(v, number == REQUEST ? TL_REQUEST : TL_RESPONSE, 0), tl_be64(b.p + BEGIN));
}

static tl_rc accept(const tl_detector *d, void *state, const tl_head *in, tl_verdict *v)
{
    (void)d;
    static const char digits[] = "0123456789abcdef";
    struct bittorrent *s = state;
    tl_span b = tl_shown(in->bytes, v->length, HANDSHAKE);
    s->label.n = 0;
    if (b.p[0] == 0x13 && b.n >= HANDSHAKE) { /* the torrent, as people write it */
        for (size_t i = 28; i < 48; i++) tl_label_more(&s->label, tl_span_of((char[]){digits[b.p[i] >> 4], digits[b.p[i] & 15]}, 2));
    } else if (b.p[0] == 0 && b.n >= BEGIN + 4 && (v->role != TL_ROLE_NONE || b.p[PREFIX] == HAVE)) {
        tl_label_number(&s->label, tl_be32(b.p + BEGIN));
    }
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
    (void)d;
    const struct bittorrent *s = state;
    tl_span b = in->bytes;
    if (b.p[0] == 0x13 && b.n >= HANDSHAKE) {
        tl_json_field(json, "info_hash", tl_label_span(&s->label), 40);
        tl_json_field(json, "peer_id", tl_span_of(b.p + 48, 20), 20);
        return;
    }
    if (b.p[0] != 0 || b.n < BEGIN + 4 || tl_be32(b.p) < 5) return;
    uint8_t number = b.p[PREFIX];
    if (number != HAVE && number != REQUEST && number != PIECE && number != CANCEL) return;
    tl_json_number(json, "piece", tl_be32(b.p + BEGIN));
    if (number == HAVE || b.n < BEGIN + 8) return;
    tl_json_number(json, "offset", tl_be32(b.p + BEGIN + 4));
    if (number == PIECE) tl_json_number(json, "bytes", tl_be32(b.p) - 9);
}

const tl_detector tl_bittorrent = {
    .name = "bittorrent",
    .head_max = HANDSHAKE + SHOWN,
    .state_size = sizeof(struct bittorrent),
    .ports = {6881, 6882, 6883, 51413},
    .first = TL_FIRST("\x00\x00\x13\x13"),
    .probe = probe,
    .measure = measure,
    .resync = resync,
    .describe = describe,
    .accept = accept,
};
