/*
** frames.c - see frames.h.
*/
#include "support/frames.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum { V4_BYTES = 4, V6_BYTES = 16 };

static void put16(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

/* The number of bytes of the address: 4 or 16. */
static size_t parse_ip(const char *text, uint8_t out[16])
{
    if (inet_pton(AF_INET, text, out) == 1) return V4_BYTES;
    if (inet_pton(AF_INET6, text, out) == 1) return V6_BYTES;
    abort();
}

static const char *or_source(const char *text)
{
    return text != NULL ? text : "10.0.0.1";
}

static const char *or_destination(const char *text)
{
    return text != NULL ? text : "10.0.0.2";
}

tl_addr tl_build_addr(const char *text, uint16_t port)
{
    tl_addr a = {.port = port};
    uint8_t ip[16];
    size_t n = parse_ip(text, ip);
    memcpy(a.ip + 16 - n, ip, n);
    if (n == V4_BYTES) a.ip[10] = a.ip[11] = 0xff;
    return a;
}

static uint32_t add_words(const uint8_t *p, size_t n, uint32_t sum)
{
    for (size_t i = 0; i < n; i++) {
        sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
        sum = (sum & 0xffff) + (sum >> 16);
    }
    return sum;
}

uint16_t tl_build_sum(const void *p, size_t n, uint32_t start)
{
    uint32_t sum = add_words(p, n, start);
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)~sum;
}

tl_span tl_build_bytes(const tl_build *b)
{
    return tl_span_of(b->bytes + b->at, TL_BUILD_MAX - b->at);
}

void tl_build_front(tl_build *b, const void *header, size_t n)
{
    if (n > b->at) abort();
    b->at -= n;
    if (n > 0) memcpy(b->bytes + b->at, header, n);
}

void tl_build_start(tl_build *b, const void *payload, size_t n)
{
    b->at = TL_BUILD_MAX;
    tl_build_front(b, payload, n);
}

void tl_build_behind(tl_build *b, const void *trailer, size_t n)
{
    if (n > b->at) abort();
    memmove(b->bytes + b->at - n, b->bytes + b->at, TL_BUILD_MAX - b->at);
    memcpy(b->bytes + TL_BUILD_MAX - n, trailer, n);
    b->at -= n;
}

void tl_build_tcp(tl_build *b, const tl_tcp_fields *f)
{
    size_t options = (f->options_n + 3) / 4 * 4;
    if (options > 40) abort();
    uint8_t h[60] = {0};
    put16(h, f->sport ? f->sport : 40000);
    put16(h + 2, f->dport ? f->dport : 80);
    put32(h + 4, f->seq);
    put32(h + 8, f->ack);
    h[12] = (uint8_t)((20 + options) / 4 << 4);
    h[13] = f->flags;
    put16(h + 14, f->window || f->zero_window ? f->window : 65535);
    put16(h + 18, f->urgent);
    if (f->options_n > 0) memcpy(h + 20, f->options, f->options_n);
    tl_build_front(b, h, 20 + options);

    tl_span segment = tl_build_bytes(b);
    uint8_t ip[16];
    size_t n = parse_ip(or_source(f->src), ip);
    uint32_t pseudo = add_words(ip, n, (uint32_t)(segment.n & 0xffff) + (uint32_t)(segment.n >> 16) + 6);
    if (parse_ip(or_destination(f->dst), ip) != n) abort();
    pseudo = add_words(ip, n, pseudo);
    put16(b->bytes + b->at + 16, tl_build_sum(segment.p, segment.n, pseudo));
}

void tl_build_udp(tl_build *b, uint16_t sport, uint16_t dport)
{
    uint8_t h[8] = {0};
    put16(h, sport);
    put16(h + 2, dport);
    put16(h + 4, tl_build_bytes(b).n + sizeof h);
    tl_build_front(b, h, sizeof h);
}

static void ipv4(tl_build *b, const uint8_t *src, const uint8_t *dst, uint8_t protocol, uint32_t id, size_t offset, bool more)
{
    uint8_t h[20] = {0x45};
    put16(h + 2, tl_build_bytes(b).n + sizeof h);
    put16(h + 4, id & 0xffff);
    put16(h + 6, offset / 8 | (more ? 0x2000u : 0));
    h[8] = 64;
    h[9] = protocol;
    memcpy(h + 12, src, 4);
    memcpy(h + 16, dst, 4);
    put16(h + 10, tl_build_sum(h, sizeof h, 0));
    tl_build_front(b, h, sizeof h);
}

static void ipv6(tl_build *b, const uint8_t *src, const uint8_t *dst, uint8_t protocol)
{
    uint8_t h[40] = {0x60};
    put16(h + 4, tl_build_bytes(b).n);
    h[6] = protocol;
    h[7] = 64;
    memcpy(h + 8, src, 16);
    memcpy(h + 24, dst, 16);
    tl_build_front(b, h, sizeof h);
}

void tl_build_ip(tl_build *b, const char *src, const char *dst, uint8_t protocol)
{
    uint8_t s[16], d[16];
    size_t n = parse_ip(or_source(src), s);
    if (parse_ip(or_destination(dst), d) != n) abort();
    if (n == V4_BYTES)
        ipv4(b, s, d, protocol, 0, 0, false);
    else
        ipv6(b, s, d, protocol);
}

void tl_build_fragment(tl_build *b, const char *src, const char *dst, uint8_t protocol, uint32_t id, size_t offset, bool more)
{
    uint8_t s[16], d[16];
    size_t n = parse_ip(or_source(src), s);
    if (parse_ip(or_destination(dst), d) != n || offset % 8 != 0) abort();
    if (n == V4_BYTES) {
        ipv4(b, s, d, protocol, id, offset, more);
        return;
    }
    uint8_t h[8] = {protocol};
    put16(h + 2, offset | (more ? 1u : 0));
    put32(h + 4, id);
    tl_build_front(b, h, sizeof h);
    ipv6(b, s, d, 44);
}

void tl_build_ether(tl_build *b, uint16_t ethertype)
{
    uint8_t h[14] = {2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1};
    put16(h + 12, ethertype);
    tl_build_front(b, h, sizeof h);
}

void tl_build_vlan(tl_build *b, uint16_t id, uint16_t ethertype_inside)
{
    uint8_t h[4];
    put16(h, id);
    put16(h + 2, ethertype_inside);
    tl_build_front(b, h, sizeof h);
}

tl_span tl_build_frame(tl_build *b, const tl_tcp_fields *f, const void *payload, size_t n)
{
    uint8_t ip[16];
    tl_build_start(b, payload, n);
    tl_build_tcp(b, f);
    tl_build_ip(b, f->src, f->dst, 6);
    tl_build_ether(b, parse_ip(or_source(f->src), ip) == V4_BYTES ? 0x0800 : 0x86dd);
    return tl_build_bytes(b);
}
