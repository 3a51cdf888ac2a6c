/*
** decode_tcp_test.c - the TCP header, its options, its checksum; and the words for outcomes and layers.
*/
#include "support/check.h"
#include "support/decoding.h"
#include "support/frames.h"

#include "packet/checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static tl_build b;

static tl_decoded decode(const tl_tcp_fields *f, const void *payload, size_t n, tl_segment *s)
{
    tl_span frame = tl_build_frame(&b, f, payload, n);
    return tl_decode_exact(1, frame, (uint32_t)frame.n, s);
}

static void fields(void)
{
    tl_segment s;
    tl_tcp_fields f = {.seq = 0xfffffffe, .ack = 0x80000000, .flags = TL_ACK | TL_URG | TL_PSH, .window = 512, .urgent = 3};
    CU_ASSERT_FATAL(decode(&f, "abc", 3, &s) == TL_SEG_OK);
    CU_ASSERT(s.src.port == 40000 && s.dst.port == 80 && s.seq == 0xfffffffe && s.ack == 0x80000000);
    CU_ASSERT(s.flags == (TL_ACK | TL_URG | TL_PSH) && s.window == 512 && s.urgent == 3 && s.wire_bytes == 43);
    CU_ASSERT(s.mss == 0 && s.window_scale == -1 && s.sack_n == 0 && s.layers.n == 0 && !s.bad_checksum);
    f.flags = TL_ACK;
    CU_ASSERT(decode(&f, "abc", 3, &s) == TL_SEG_OK && s.urgent == 0);
    f.flags = 0xff; /* ECN's bits are not ours */
    CU_ASSERT(decode(&f, "abc", 3, &s) == TL_SEG_OK && s.flags == 0x3f);
}

static void options(void)
{
    static const struct {
        const char *name;
        uint8_t n, bytes[40];
        uint16_t mss;
        int8_t scale;
        uint8_t sacks;
    } cases[] = {
        {"a Linux SYN", 20, {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7}, 1460, 7, 0},
        {"a shift above 14 counts as 14", 3, {3, 3, 200}, 0, 14, 0},
        {"nothing behind the end counts", 8, {0, 2, 4, 5, 0xb4, 3, 3, 7}, 0, -1, 0},
        {"one SACK block", 12, {1, 1, 5, 10, 0, 0, 0, 10, 0, 0, 0, 20}, 0, -1, 1},
        {"four", 36, {1, 1, 5, 34, 0, 0, 0, 10, 0, 0, 0, 20}, 0, -1, 4},
        {"a SACK of 7 bytes", 12, {5, 9, 0, 0, 0, 10, 0, 0, 0}, 0, -1, 0},
        {"MSS of a wrong length", 8, {2, 3, 5, 3, 3, 7}, 0, 7, 0},
        {"length 0", 8, {2, 0, 5, 0xb4, 3, 3, 7}, 0, -1, 0},
        {"length 1", 8, {3, 3, 2, 8, 1, 2, 4, 9}, 0, 2, 0},
        {"length beyond the header", 8, {3, 3, 2, 2, 9, 1, 1, 1}, 0, 2, 0},
        {"a kind without a length", 4, {1, 1, 1, 2}, 0, -1, 0},
        {"the last of two counts", 8, {2, 4, 0, 1, 2, 4, 0, 2}, 2, -1, 0},
        {"unknown ones are skipped", 12, {30, 8, 0, 0, 0, 0, 0, 0, 2, 4, 0, 9}, 9, -1, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_segment s;
        tl_tcp_fields f = {.flags = TL_SYN, .options = cases[i].bytes, .options_n = cases[i].n};
        CU_ASSERT_FATAL(decode(&f, "x", 1, &s) == TL_SEG_OK);
        bool same = s.mss == cases[i].mss && s.window_scale == cases[i].scale && s.sack_n == cases[i].sacks;
        if (!same) printf("\n%s: mss %u, scale %d, %u blocks\n", cases[i].name, s.mss, s.window_scale, s.sack_n);
        CU_ASSERT(same);
        if (s.sack_n > 0) CU_ASSERT(s.sack[0][0] == 10 && s.sack[0][1] == 20);
        CU_ASSERT(s.payload.n == 1 && s.payload.p[0] == 'x');
        tl_check_every_cut(cases[i].name, 1, tl_build_bytes(&b));
    }
}

/* Options count as far as they were captured: the fixed header is enough for a segment. */
static void cut_options(void)
{
    tl_segment s;
    tl_tcp_fields f = {.flags = TL_SYN, .options = (const uint8_t[]){2, 4, 5, 0xb4, 3, 3, 7, 1}, .options_n = 8};
    tl_span frame = tl_build_frame(&b, &f, "0123456789", 10);
    CU_ASSERT(tl_decode_exact(1, tl_span_of(frame.p, 34 + 19), (uint32_t)frame.n, &s) == TL_SEG_TRUNCATED);
    CU_ASSERT(tl_decode_exact(1, tl_span_of(frame.p, 34 + 25), (uint32_t)frame.n, &s) == TL_SEG_OK);
    CU_ASSERT(s.mss == 1460 && s.window_scale == -1 && s.payload.n == 0 && s.payload_wire == 10);
}

static void header_lengths(void)
{
    for (unsigned words = 0; words < 16; words++) {
        tl_segment s;
        tl_tcp_fields f = {.flags = TL_ACK};
        tl_span frame = tl_build_frame(&b, &f, "0123456789", 10);
        b.bytes[b.at + 34 + 12] = (uint8_t)(words << 4);
        tl_decoded how = tl_decode_exact(1, frame, (uint32_t)frame.n, &s);
        bool possible = words >= 5 && words * 4 <= 30;
        CU_ASSERT_EQUAL(how, possible ? TL_SEG_OK : TL_SEG_MALFORMED);
        if (possible) CU_ASSERT_EQUAL(s.payload_wire, 30 - words * 4);
    }
}

/* Against the slow sum of the frame builder: every length, every alignment, bytes of all ones and of noise. */
static void sums(void)
{
    uint8_t noise[600];
    unsigned long long seed = 11;
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof noise; i++) noise[i] = (uint8_t)(round == 0 ? 0xff : round == 1 ? 0 : tl_random(&seed));
        for (size_t n = 0; n <= 300; n++)
            for (size_t at = 0; at < 8; at++) {
                uint16_t sum = tl_checksum_sum(noise + at, n, 0), slow = (uint16_t)~tl_build_sum(noise + at, n, 0);
                uint8_t wire[2];
                memcpy(wire, &sum, 2);
                CU_ASSERT_EQUAL(tl_be16(wire), slow);
            }
    }
    uint8_t *big = malloc(65535);
    CU_ASSERT_PTR_NOT_NULL_FATAL(big);
    memset(big, 0xff, 65535);
    CU_ASSERT_EQUAL(tl_checksum_sum(big, 65534, 0), 0xffff);
    free(big);
}

static void checksums(void)
{
    static const tl_tcp_fields f4 = {.src = "192.0.2.1", .dst = "203.0.113.255", .flags = TL_ACK};
    static const tl_tcp_fields f6 = {.src = "2001:db8::ffff", .dst = "fe80::1", .flags = TL_ACK};
    uint8_t payload[1460];
    unsigned long long seed = 5;
    for (size_t i = 0; i < sizeof payload; i++) payload[i] = (uint8_t)tl_random(&seed);
    for (size_t n = 0; n < sizeof payload; n += n < 70 ? 1 : 139) {
        tl_segment s;
        CU_ASSERT(decode(&f4, payload, n, &s) == TL_SEG_OK && !s.bad_checksum);
        CU_ASSERT(decode(&f6, payload, n, &s) == TL_SEG_OK && !s.bad_checksum);
        tl_span frame = tl_build_bytes(&b);
        for (size_t at = 54; at < frame.n; at += n < 40 ? 1 : 31) {
            if (at == 54 + 12) continue; /* the header's length is not for us to change */
            b.bytes[b.at + at] ^= 0x10;
            CU_ASSERT(tl_decode_exact(1, frame, (uint32_t)frame.n, &s) == TL_SEG_OK && s.bad_checksum);
            b.bytes[b.at + at] ^= 0x10;
        }
    }
}

static void words(void)
{
    char out[TL_LAYERS_TEXT];
    static const char *const names[] = {"tcp",       "unknown_link", "not_ip",    "not_tcp",       "fragment",     "truncated",
                                        "malformed", "too_deep",     "encrypted", "other_channel", "fragment_lost"};
    for (unsigned i = 0; i < TL_SEG_OUTCOMES; i++) CU_ASSERT_STRING_EQUAL(tl_decoded_name((tl_decoded)i), names[i]);
    tl_layers none = {0}, longest = {.n = TL_LAYERS_MAX};
    CU_ASSERT_STRING_EQUAL(tl_layers_vlan_text(&none, out), "");
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&none, out), "");
    for (unsigned kind = TL_LAYER_VLAN; kind <= TL_LAYER_NSH; kind++) {
        for (unsigned i = 0; i < TL_LAYERS_MAX; i++) {
            longest.kind[i] = (uint8_t)kind;
            longest.id[i] = UINT32_MAX;
        }
        CU_ASSERT(strlen(tl_layers_tunnel_text(&longest, out)) < TL_LAYERS_TEXT - 1);
        CU_ASSERT((out[0] == '\0') == (kind == TL_LAYER_VLAN));
        CU_ASSERT(strlen(tl_layers_vlan_text(&longest, out)) < TL_LAYERS_TEXT - 1);
        CU_ASSERT((out[0] == '\0') == (kind != TL_LAYER_VLAN));
    }
    tl_layers some = {.n = 5, .kind = {TL_LAYER_VLAN, TL_LAYER_GRE, TL_LAYER_VXLAN, TL_LAYER_VLAN, TL_LAYER_IP}, .id = {100, 0, 7, 200, 4}};
    CU_ASSERT_STRING_EQUAL(tl_layers_vlan_text(&some, out), "100.200");
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&some, out), "gre/vxlan:7/ip4");
}

int main(void)
{
    return tl_run_cases("TCP", (const tl_case[]){{"fields", fields},
                                                 {"options", options},
                                                 {"options cut by the snaplen", cut_options},
                                                 {"header lengths", header_lengths},
                                                 {"sums against a slow one", sums},
                                                 {"checksums", checksums},
                                                 {"words", words},
                                                 {0}});
}
