/*
** decode_ip_test.c - IPv4 and IPv6: lengths that lie, options, extension headers, fragments that are none, and what is not TCP.
*/
#include "support/check.h"
#include "support/decoding.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

static tl_build b;
static const char text[] = "sixteen bytes...";
enum { TEXT = 16, RAW = 12 };

static const tl_tcp_fields v4 = {.src = "192.0.2.1", .dst = "192.0.2.2", .seq = 1000, .flags = TL_ACK};
static const tl_tcp_fields v6 = {.src = "2001:db8::1", .dst = "2001:db8::2", .seq = 1000, .flags = TL_ACK};

#define FRONT(...) tl_build_front(&b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static tl_decoded decode(tl_segment *s)
{
    tl_span frame = tl_build_bytes(&b);
    return tl_decode_exact(RAW, frame, (uint32_t)frame.n, s);
}

static void expect(const char *name, tl_decoded want, size_t payload)
{
    tl_segment s;
    tl_decoded how = decode(&s);
    if (how != want) printf("\n%s: %s\n", name, tl_decoded_name(how));
    CU_ASSERT_EQUAL(how, want);
    if (how != TL_SEG_OK || want != TL_SEG_OK) return;
    CU_ASSERT(s.payload.n == payload && s.payload_wire == payload && memcmp(s.payload.p, text, payload) == 0);
    CU_ASSERT(s.seq == 1000 && !s.bad_checksum);
    if (payload == TEXT) tl_check_every_cut(name, RAW, tl_build_bytes(&b));
}

static void start(const tl_tcp_fields *f)
{
    tl_build_start(&b, text, TEXT);
    tl_build_tcp(&b, f);
}

static uint8_t *byte_at(size_t i)
{
    return b.bytes + b.at + i;
}

static void v4_options(void)
{
    for (unsigned words = 5; words <= 15; words++) {
        uint8_t header[60] = {0};
        start(&v4);
        tl_span segment = tl_build_bytes(&b);
        header[0] = (uint8_t)(0x40 | words);
        header[3] = (uint8_t)(words * 4 + segment.n);
        header[9] = 6;
        memcpy(header + 12, (const uint8_t[]){192, 0, 2, 1, 192, 0, 2, 2}, 8);
        memset(header + 20, 1, words * 4 - 20);
        tl_build_front(&b, header, words * 4);
        expect("IPv4 options", TL_SEG_OK, TEXT);
    }
}

static void v4_lengths(void)
{
    static const struct {
        const char *name;
        uint8_t version_length;
        uint16_t total;
        tl_decoded how;
        size_t payload;
    } cases[] = {
        {"zero: segmentation offload", 0x45, 0, TL_SEG_OK, TEXT},
        {"all of it", 0x45, 40 + TEXT, TL_SEG_OK, TEXT},
        {"no payload", 0x45, 40, TL_SEG_OK, 0},
        {"less than the TCP header", 0x45, 39, TL_SEG_MALFORMED, 0},
        {"less than its own header", 0x45, 19, TL_SEG_MALFORMED, 0},
        {"header of 16 bytes", 0x44, 40 + TEXT, TL_SEG_MALFORMED, 0},
        {"header longer than the datagram", 0x4f, 40 + TEXT, TL_SEG_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        start(&v4);
        tl_build_ip(&b, v4.src, v4.dst, 6);
        *byte_at(0) = cases[i].version_length;
        *byte_at(2) = (uint8_t)(cases[i].total >> 8);
        *byte_at(3) = (uint8_t)cases[i].total;
        tl_segment s;
        tl_decoded how = decode(&s);
        if (how != cases[i].how) printf("\n%s: %s\n", cases[i].name, tl_decoded_name(how));
        CU_ASSERT_EQUAL(how, cases[i].how);
        if (how == TL_SEG_OK) CU_ASSERT(s.payload.n == cases[i].payload && s.payload_wire == cases[i].payload);
    }
}

/* The datagram promises more than was on the wire: those bytes were never sent, and no checksum can tell anything. */
static void longer_than_the_frame(void)
{
    tl_segment s;
    start(&v4);
    tl_build_ip(&b, v4.src, v4.dst, 6);
    *byte_at(3) = 40 + TEXT + 8;
    CU_ASSERT_FATAL(decode(&s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == TEXT && s.payload_wire == TEXT && !s.bad_checksum);
    start(&v6);
    tl_build_ip(&b, v6.src, v6.dst, 6);
    *byte_at(5) = 20 + TEXT + 8;
    CU_ASSERT_FATAL(decode(&s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == TEXT && s.payload_wire == TEXT && !s.bad_checksum);
}

static void snaplen(void)
{
    tl_segment s;
    start(&v4);
    tl_build_ip(&b, v4.src, v4.dst, 6);
    tl_span frame = tl_build_bytes(&b);
    *byte_at(40) ^= 1; /* the checksum is wrong now, but of a cut segment nobody can tell */
    CU_ASSERT(tl_decode_exact(RAW, tl_span_of(frame.p, 45), (uint32_t)frame.n, &s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == 5 && s.payload_wire == TEXT && !s.bad_checksum);
    CU_ASSERT(tl_decode_exact(RAW, tl_span_of(frame.p, 40), (uint32_t)frame.n, &s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == 0 && s.payload_wire == TEXT);
    CU_ASSERT(tl_decode_exact(RAW, tl_span_of(frame.p, 39), (uint32_t)frame.n, &s) == TL_SEG_TRUNCATED);
    CU_ASSERT(tl_decode_exact(RAW, frame, (uint32_t)frame.n, &s) == TL_SEG_OK && s.bad_checksum);
    /* A wire length below what was captured is a lie of the file. */
    CU_ASSERT(tl_decode_exact(RAW, frame, 1, &s) == TL_SEG_OK && s.payload.n == TEXT);
}

static void v6_extension_headers(void)
{
    start(&v6);
    FRONT(6, 0, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 0);
    expect("hop-by-hop", TL_SEG_OK, TEXT);
    start(&v6);
    FRONT(6, 1, 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 60);
    expect("destination options of 16 bytes", TL_SEG_OK, TEXT);
    start(&v6);
    FRONT(6, 0, 0, 0, 0, 0, 0, 0);
    FRONT(44, 2, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    FRONT(43, 0, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 0);
    expect("hop-by-hop, routing, atomic fragment", TL_SEG_OK, TEXT);
    start(&v6);
    FRONT(6, 2, 0, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16);
    tl_build_ip(&b, v6.src, "2001:db8::99", 43);
    expect("a route that is not at its end: the checksum is of another address", TL_SEG_OK, TEXT);
    start(&v6);
    FRONT(6, 0, 0, 0, 0, 0, 0, 9);
    tl_build_ip(&b, v6.src, v6.dst, 44);
    expect("atomic fragment (RFC 6946)", TL_SEG_OK, TEXT);
    start(&v6);
    for (unsigned i = 0; i < 25; i++) FRONT(i == 0 ? 6 : 60, 0, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 60);
    expect("twenty-five extension headers", TL_SEG_OK, TEXT);
    start(&v6);
    for (unsigned i = 0; i < 100; i++) FRONT(i == 0 ? 6 : 60, 0, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 60);
    expect("a hundred", TL_SEG_TOO_DEEP, 0);
    start(&v6);
    FRONT(6, 255, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 60);
    expect("an extension header beyond the end", TL_SEG_MALFORMED, 0);
    start(&v6);
    tl_build_ip(&b, v6.src, v6.dst, 6);
    *byte_at(4) = *byte_at(5) = 0;
    expect("payload length 0", TL_SEG_OK, TEXT);
    start(&v6);
    FRONT(6, 0, 0xc2, 4, 0, 1, 0, 0);
    tl_build_ip(&b, v6.src, v6.dst, 0);
    *byte_at(4) = *byte_at(5) = 0;
    expect("jumbogram", TL_SEG_OK, TEXT);
}

static void fragments(void)
{
    start(&v4);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 0, false);
    expect("neither offset nor more: no fragment", TL_SEG_OK, TEXT);
    tl_build_start(&b, text, 8);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 0, true);
    expect("first", TL_SEG_FRAGMENT, 0);
    tl_build_start(&b, text, 7);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 8, false);
    expect("last", TL_SEG_FRAGMENT, 0);
    tl_build_start(&b, text, 8);
    tl_build_fragment(&b, v6.src, v6.dst, 6, 7, 16, true);
    expect("IPv6", TL_SEG_FRAGMENT, 0);
    tl_build_start(&b, text, 7);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 8, true);
    expect("not a multiple of 8 in the middle", TL_SEG_MALFORMED, 0);
    tl_build_start(&b, text, 16);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 65528, false);
    expect("beyond 65535 (ping of death)", TL_SEG_MALFORMED, 0);
    tl_build_start(&b, text, 0);
    tl_build_fragment(&b, v4.src, v4.dst, 6, 7, 8, false);
    expect("empty", TL_SEG_MALFORMED, 0);
    start(&v4);
    tl_build_ip(&b, v4.src, v4.dst, 6);
    *byte_at(6) = 0x40;
    expect("don't fragment is no fragment", TL_SEG_OK, TEXT);
}

/* A TCP header that an ICMP error quotes is no session (RFC 792). */
static void not_tcp(void)
{
    static const uint8_t protocols[] = {1, 2, 58, 89, 132, 59};
    for (size_t i = 0; i < sizeof protocols; i++) {
        start(&v4);
        tl_build_ip(&b, v4.src, v4.dst, 6);
        FRONT(3, 3, 0, 0, 0, 0, 0, 0);
        tl_build_ip(&b, "192.0.2.9", "192.0.2.1", protocols[i]);
        expect("IPv4", TL_SEG_NOT_TCP, 0);
        start(&v6);
        tl_build_ip(&b, v6.src, v6.dst, 6);
        FRONT(1, 4, 0, 0, 0, 0, 0, 0);
        tl_build_ip(&b, "2001:db8::9", "2001:db8::1", protocols[i]);
        expect("IPv6", TL_SEG_NOT_TCP, 0);
    }
    start(&v4);
    FRONT(6, 0, 1, 4, 0, 0, 0, 0);
    tl_build_ip(&b, v4.src, v4.dst, 0);
    expect("IPv6's extension headers in IPv4", TL_SEG_NOT_TCP, 0);
}

int main(void)
{
    return tl_run_cases("IP", (const tl_case[]){{"IPv4 options", v4_options},
                                                {"IPv4 lengths", v4_lengths},
                                                {"a length beyond the frame", longer_than_the_frame},
                                                {"cut by the snaplen", snaplen},
                                                {"IPv6 extension headers", v6_extension_headers},
                                                {"fragments", fragments},
                                                {"IP that is not TCP", not_tcp},
                                                {0}});
}
