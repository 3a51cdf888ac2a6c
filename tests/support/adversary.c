#include "support/adversary.h"

#include <stdlib.h>
#include <string.h>

enum { SYN = 2, ACK = 16 };
enum { ETHERNET = 14, IPV4 = 20, TCP = 20, SCALE_OPTION = 4, FRAME_MOST = 128, HANDSHAKE = 3 };
enum { STAIR = 8, DATAGRAM = 1024, FRAGMENT = 8 };
static const uint32_t client_isn = 4294000000, server_isn = 5000; /* the client's wraps */

typedef struct adversary {
    tl_source base;
    tl_attack attack;
    uint64_t n, at;  /* at: frames told */
    uint32_t *order; /* RANDOM: owned */
    uint8_t frame[FRAME_MOST];
    size_t frame_n;
} adversary;

/* splitmix64 */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
    x = (x ^ x >> 27) * 0x94d049bb133111eb;
    return x ^ x >> 31;
}

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

static unsigned sum16(const uint8_t *p, size_t n, unsigned sum)
{
    for (size_t i = 0; i < n; i++) sum += i % 2 == 0 ? (unsigned)p[i] << 8 : p[i];
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

typedef struct packet {
    uint32_t src, dst, seq, ack;
    uint16_t sport, dport;
    uint8_t flags;
    bool scaled; /* a SYN with window scale 14 */
    size_t n;
    uint8_t payload[STAIR];
} packet;

/* Ethernet and IPv4 in front of n bytes that lie in the frame already. */
static void finish(adversary *a, uint32_t src, uint32_t dst, size_t n, unsigned id, unsigned fragment)
{
    uint8_t *ip = a->frame + ETHERNET;
    memcpy(a->frame, "\x02\0\0\0\0\x02\x02\0\0\0\0\x01\x08\0", ETHERNET);
    memset(ip, 0, IPV4);
    ip[0] = 0x45;
    put16(ip + 2, (unsigned)(IPV4 + n));
    put16(ip + 4, id);
    put16(ip + 6, fragment);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, src);
    put32(ip + 16, dst);
    put16(ip + 10, ~sum16(ip, IPV4, 0) & 0xffff);
    a->frame_n = ETHERNET + IPV4 + n;
}

static void build(adversary *a, const packet *p)
{
    uint8_t *tcp = a->frame + ETHERNET + IPV4;
    size_t header = p->scaled ? TCP + SCALE_OPTION : TCP, n = header + p->n;
    memset(tcp, 0, header);
    put16(tcp, p->sport);
    put16(tcp + 2, p->dport);
    put32(tcp + 4, p->seq);
    put32(tcp + 8, p->ack);
    tcp[12] = (uint8_t)(header / 4 << 4);
    tcp[13] = p->flags;
    put16(tcp + 14, 65535);
    if (p->scaled) put32(tcp + TCP, 0x0103030e); /* no-op, window scale 14 (RFC 7323): a window in which n bytes are plausible */
    memcpy(tcp + header, p->payload, p->n);
    finish(a, p->src, p->dst, n, 0, 0);
    unsigned pseudo = sum16(a->frame + ETHERNET + 12, 8, 6 + (unsigned)n);
    put16(tcp + 16, ~sum16(tcp, n, pseudo) & 0xffff);
}

/* ---- one stream ---- */

static packet of_client(uint64_t offset, size_t n)
{
    packet p = {.src = 0x0a000001, .dst = 0x0a000002, .sport = 40000, .dport = 80, .ack = server_isn + 1, .flags = ACK, .n = n};
    p.seq = client_isn + 1 + (uint32_t)offset;
    for (size_t i = 0; i < n; i++) p.payload[i] = (uint8_t)('a' + (offset + i) % 26);
    return p;
}

static packet of_server(uint64_t acked)
{
    packet p = {.src = 0x0a000002, .dst = 0x0a000001, .sport = 80, .dport = 40000, .seq = server_isn + 1, .flags = ACK};
    p.ack = client_isn + 1 + (uint32_t)acked;
    return p;
}

static packet handshake(const adversary *a)
{
    packet p = a->at == 1 ? of_server(0) : of_client(0, 0);
    p.scaled = a->at < 2 && a->attack != TL_ATTACK_JUMPS && a->attack != TL_ATTACK_FAR;
    if (a->at < 2) p.flags |= SYN;
    if (a->at < 2) p.seq--;
    if (a->at == 0) p.flags = SYN, p.ack = 0;
    return p;
}

static packet dribble(uint64_t i)
{
    static const char request[] = "GET /index.html HTTP/1.1\r\nHost: example\r\n\r\n";
    packet p = of_client(i, 1);
    p.payload[0] = (uint8_t)request[i % (sizeof request - 1)];
    return p;
}

static bool stream_packet(adversary *a, packet *p)
{
    uint64_t n = a->n, i = a->at - HANDSHAKE, odd = n / 2;
    if (a->at < HANDSHAKE) return *p = handshake(a), true;
    if (a->attack == TL_ATTACK_ACKED_HOLES && i >= n && i < n + n / 2) return *p = of_server(4 * (i - n) + 4), true;
    if (a->attack == TL_ATTACK_FAR ? i >= 2 : i >= n) return false;
    switch (a->attack) {
    case TL_ATTACK_DRIBBLE: *p = dribble(i); break;
    case TL_ATTACK_REVERSE: *p = of_client(n - 1 - i, 1); break;
    case TL_ATTACK_EVERY_SECOND: *p = of_client(i < odd ? 2 * i + 1 : 2 * (i - odd), 1); break;
    case TL_ATTACK_RANDOM: *p = of_client(a->order[i], 1); break;
    case TL_ATTACK_STAIRCASE: *p = i + 1 < n ? of_client(1 + i, STAIR) : of_client(0, 1); break;
    case TL_ATTACK_HOLES:
    case TL_ATTACK_ACKED_HOLES: *p = of_client(2 * i + 1, 1); break;
    case TL_ATTACK_CONFLICTS:
        *p = of_client(i / 2 * 2, 2);
        if (i % 2 == 1) p->payload[0] = '!';
        break;
    case TL_ATTACK_JUMPS: *p = of_client(i % 2 == 0 ? i / 2 : mix(i) >> 32, 1); break;
    case TL_ATTACK_FAR: *p = of_client(i * 0x7fffffff, 1); break;
    default: *p = of_client(i, 1); break;
    }
    return true;
}

/* ---- many sessions, many datagrams ---- */

static packet half_open(const adversary *a)
{
    uint32_t i = (uint32_t)a->at, src = i * 2654435761u; /* odd: no two alike */
    packet p = {.src = src, .dst = 0x0a090909, .sport = (uint16_t)(1024 + i % 60000), .dport = 80, .flags = SYN, .seq = src};
    if (a->attack == TL_ATTACK_COLLISIONS) {
        p.dst = src ^ 0x5a5a5a5a;
        p.sport = 40000;
    }
    if (a->attack == TL_ATTACK_TUPLES) p.dst = (uint32_t)mix(i);
    return p;
}

static void fragment(adversary *a)
{
    packet p = of_client(0, 4); /* with the header a multiple of 8 */
    uint64_t i = a->at, parts = DATAGRAM / FRAGMENT - 1;
    if (a->attack == TL_ATTACK_FRAGMENTS) {
        p.src += (uint32_t)(i >> 16);
        build(a, &p);
        finish(a, p.src, p.dst, TCP + 4, (unsigned)i & 0xffff, 0x2000);
        return;
    }
    unsigned part = (unsigned)(parts - i % parts); /* in units of 8 bytes; never 0 */
    uint64_t datagram = i / parts;
    memset(a->frame + ETHERNET + IPV4, 'x', FRAGMENT);
    finish(a, p.src + (uint32_t)(datagram >> 16), p.dst, FRAGMENT, (unsigned)datagram & 0xffff, part == parts ? part : part | 0x2000);
}

static bool next_frame(adversary *a)
{
    packet p;
    switch (a->attack) {
    case TL_ATTACK_SYN_FLOOD:
    case TL_ATTACK_COLLISIONS:
    case TL_ATTACK_TUPLES:
        if (a->at == a->n) return false;
        p = half_open(a);
        break;
    case TL_ATTACK_FRAGMENTS:
    case TL_ATTACK_TINY_FRAGMENTS:
        if (a->at == a->n) return false;
        fragment(a);
        return true;
    default:
        if (!stream_packet(a, &p)) return false;
    }
    build(a, &p);
    return true;
}

/* ---- as a source ---- */

static tl_rc adversary_next(tl_source *s, tl_frame *out)
{
    adversary *a = (adversary *)s;
    if (!next_frame(a)) return TL_END;
    int64_t us = INT64_C(1700000000000000) + (int64_t)a->at++;
    *out = (tl_frame){.at = {.ns = us * 1000, .frame = a->at}, .linktype = 1, .wire_len = (uint32_t)a->frame_n};
    out->bytes = tl_span_of(a->frame, a->frame_n);
    s->facts.bytes_read += a->frame_n;
    return TL_OK;
}

static void adversary_close(tl_source *s)
{
    free(((adversary *)s)->order);
    free(s);
}

static const tl_source_ops ops = {adversary_next, adversary_close};

static bool shuffle(adversary *a)
{
    a->order = malloc(a->n * sizeof *a->order);
    if (a->order == NULL) return false;
    for (uint64_t i = 0; i < a->n; i++) {
        uint64_t k = mix(i) % (i + 1);
        if (k != i) a->order[i] = a->order[k];
        a->order[k] = (uint32_t)i;
    }
    return true;
}

tl_source *tl_attack_open(tl_attack attack, uint64_t n)
{
    adversary *a = calloc(1, sizeof *a);
    if (a == NULL) return NULL;
    a->base.ops = &ops;
    a->base.facts = (tl_source_facts){.format = "memory", .linktype = 1, .drops = -1};
    a->attack = attack;
    a->n = n;
    if (attack != TL_ATTACK_RANDOM || shuffle(a)) return &a->base;
    free(a);
    return NULL;
}

static const char *const names[TL_ATTACKS] = {
    "in_order",  "dribble", "reverse", "every_second", "random",     "staircase",     "holes",     "acked_holes",
    "conflicts", "jumps",   "far",     "syn_flood",    "collisions", "random_tuples", "fragments", "tiny_fragments",
};

const char *tl_attack_name(tl_attack a)
{
    return names[a];
}

bool tl_attack_find(const char *name, tl_attack *out)
{
    for (int i = 0; i < TL_ATTACKS; i++)
        if (strcmp(names[i], name) == 0) return *out = (tl_attack)i, true;
    return false;
}
