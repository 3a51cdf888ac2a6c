/*
** decode_link_test.c - every link layer and every tag between it and IP, from bytes.
*/
#include "support/check.h"
#include "support/decoding.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

static tl_build b;
static const char text[] = "GET / HTTP/1.0\r\n\r\n";
enum { TEXT = sizeof text - 1 };

static const tl_tcp_fields v4 = {
    .src = "192.0.2.1", .dst = "192.0.2.2", .sport = 1234, .dport = 80, .seq = 1000, .ack = 77, .flags = TL_ACK};
static const tl_tcp_fields v6 = {
    .src = "2001:db8::1", .dst = "2001:db8::2", .sport = 1234, .dport = 80, .seq = 1000, .ack = 77, .flags = TL_ACK};

static void start(const tl_tcp_fields *f)
{
    tl_build_start(&b, text, TEXT);
    tl_build_tcp(&b, f);
    tl_build_ip(&b, f->src, f->dst, 6);
}

#define FRONT(...) tl_build_front(&b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void expect(const char *name, int linktype, const tl_tcp_fields *f, const char *vlan, const char *tunnel)
{
    char out[TL_LAYERS_TEXT];
    tl_span frame = tl_build_bytes(&b);
    tl_segment s;
    tl_decoded how = tl_decode_exact(linktype, frame, (uint32_t)frame.n, &s);
    if (how != TL_SEG_OK) {
        printf("\n%s: %s\n", name, tl_decoded_name(how));
        CU_FAIL("not decoded");
        return;
    }
    tl_addr src = tl_build_addr(f->src, 1234), dst = tl_build_addr(f->dst, 80);
    CU_ASSERT(memcmp(src.ip, s.src.ip, 16) == 0 && memcmp(dst.ip, s.dst.ip, 16) == 0);
    CU_ASSERT(s.src.port == 1234 && s.dst.port == 80 && s.seq == 1000 && s.ack == 77 && s.flags == TL_ACK);
    CU_ASSERT(s.payload.n == TEXT && s.payload_wire == TEXT && memcmp(s.payload.p, text, TEXT) == 0);
    CU_ASSERT_FALSE(s.bad_checksum);
    CU_ASSERT_STRING_EQUAL(tl_layers_vlan_text(&s.layers, out), vlan);
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&s.layers, out), tunnel);
    tl_check_every_cut(name, linktype, frame);
}

static void pad(size_t n)
{
    static const uint8_t zeros[64];
    tl_build_behind(&b, zeros, n);
}

static void ethernet(void)
{
    start(&v4);
    tl_build_ether(&b, 0x0800);
    expect("IPv4", 1, &v4, "", "");
    start(&v6);
    tl_build_ether(&b, 0x86dd);
    expect("IPv6", 1, &v6, "", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    pad(20);
    tl_segment s;
    CU_ASSERT(tl_decode_exact(1, tl_build_bytes(&b), (uint32_t)tl_build_bytes(&b).n, &s) == TL_SEG_OK);
    CU_ASSERT(s.payload.n == TEXT && s.payload_wire == TEXT && !s.bad_checksum && s.wire_bytes == 40 + TEXT);
}

static void vlan_stacks(void)
{
    static const uint16_t types[] = {0x8100, 0x88a8, 0x9100};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        start(&v4);
        tl_build_vlan(&b, 0xe064, 0x0800); /* priority 7 and 100 */
        tl_build_ether(&b, types[i]);
        expect("VLAN", 1, &v4, "100", "");
    }
    start(&v6);
    tl_build_vlan(&b, 200, 0x86dd);
    tl_build_vlan(&b, 100, 0x8100);
    tl_build_ether(&b, 0x88a8);
    expect("QinQ", 1, &v6, "100.200", "");
    start(&v4);
    tl_build_vlan(&b, 3, 0x0800);
    for (unsigned i = 0; i < 7; i++) tl_build_vlan(&b, 4095, 0x8100);
    tl_build_ether(&b, 0x8100);
    expect("eight tags", 1, &v4, "4095.4095.4095.4095.4095.4095.4095.3", "");
    start(&v4);
    tl_build_vlan(&b, 3, 0x0800);
    for (unsigned i = 0; i < 8; i++) tl_build_vlan(&b, 4095, 0x8100);
    tl_build_ether(&b, 0x8100);
    tl_segment s;
    CU_ASSERT(tl_decode_exact(1, tl_build_bytes(&b), (uint32_t)tl_build_bytes(&b).n, &s) == TL_SEG_TOO_DEEP);
}

static void null_and_loop(void)
{
    static const uint8_t v6_families[] = {10, 24, 28, 30};
    for (size_t i = 0; i < sizeof v6_families; i++) {
        start(&v6);
        FRONT(v6_families[i], 0, 0, 0);
        expect("NULL, little-endian", 0, &v6, "", "");
        start(&v6);
        FRONT(0, 0, 0, v6_families[i]);
        expect("NULL, big-endian", 0, &v6, "", "");
    }
    start(&v4);
    FRONT(2, 0, 0, 0);
    expect("NULL", 0, &v4, "", "");
    start(&v4);
    FRONT(0, 0, 0, 2);
    expect("LOOP", 108, &v4, "", "");
    start(&v4);
    FRONT(2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    expect("ENC", 109, &v4, "", "");
}

static void raw(void)
{
    static const int types[] = {12, 14, 101};
    for (size_t i = 0; i < 3; i++) {
        start(&v4);
        expect("RAW", types[i], &v4, "", "");
        start(&v6);
        expect("RAW", types[i], &v6, "", "");
    }
    start(&v4);
    expect("IPV4", 228, &v4, "", "");
    start(&v6);
    expect("IPV6", 229, &v6, "", "");
}

static void cooked(void)
{
    start(&v4);
    FRONT(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 8, 0);
    expect("SLL", 113, &v4, "", "");
    start(&v6);
    FRONT(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x86, 0xdd);
    expect("SLL", 113, &v6, "", "");
    start(&v4);
    tl_build_vlan(&b, 9, 0x0800);
    FRONT(0, 0, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0, 0x81, 0);
    expect("SLL, VLAN", 113, &v4, "9", "");
    start(&v4);
    FRONT(8, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 1, 2, 3, 4, 5, 6, 0, 0);
    expect("SLL2", 276, &v4, "", "");
}

static void mpls(void)
{
    start(&v4);
    FRONT(0x00, 0x01, 0xd1, 64); /* label 29, bottom */
    tl_build_ether(&b, 0x8847);
    expect("MPLS", 1, &v4, "", "mpls:29");
    start(&v6);
    FRONT(0x00, 0x02, 0x00, 64, 0x00, 0x00, 0x21, 64);
    tl_build_ether(&b, 0x8847);
    expect("two labels", 1, &v6, "", "mpls:32/mpls:2");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0x00, 0x01, 0xd1, 64);
    tl_build_ether(&b, 0x8848);
    expect("pseudo-wire", 1, &v4, "", "mpls:29");
    start(&v4);
    tl_build_vlan(&b, 5, 0x0800);
    tl_build_ether(&b, 0x8100);
    FRONT(0x00, 0x01, 0xd1, 64, 0, 0, 0, 0);
    tl_build_ether(&b, 0x8847);
    expect("pseudo-wire with control word", 1, &v4, "5", "mpls:29");
}

static void pppoe_and_ppp(void)
{
    enum { V4 = 40 + TEXT, V6 = 60 + TEXT };
    start(&v4);
    FRONT(0x11, 0, 0x3b, 0x1a, 0, V4 + 2, 0x00, 0x21);
    tl_build_ether(&b, 0x8864);
    expect("PPPoE", 1, &v4, "", "pppoe:15130");
    start(&v6);
    FRONT(0x11, 0, 0, 1, 0, V6 + 2, 0x00, 0x57);
    tl_build_vlan(&b, 7, 0x8864);
    tl_build_ether(&b, 0x8100);
    expect("PPPoE in VLAN", 1, &v6, "7", "pppoe:1");
    start(&v4);
    FRONT(0xff, 0x03, 0x00, 0x21);
    expect("PPP", 9, &v4, "", "");
    start(&v4);
    FRONT(0x21);
    expect("PPP, compressed", 9, &v4, "", "");
    start(&v4);
    FRONT(0xff, 0x03, 0x00, 0x3d, 0xc0, 0, 0, 1, 0x21);
    expect("PPP multilink, whole", 50, &v4, "", "");
    start(&v4);
    FRONT(0x0f, 0x00, 0x08, 0x00);
    expect("Cisco HDLC", 104, &v4, "", "");
    start(&v6);
    FRONT(0x8f, 0x00, 0x86, 0xdd);
    expect("Cisco HDLC as PPP", 50, &v6, "", "");
    start(&v4);
    FRONT(0x01, 0xff, 0x03, 0x00, 0x21);
    expect("PPP with direction", 204, &v4, "", "");
    start(&v4);
    FRONT(0x00, 0x03, 0x00, 0x21);
    expect("pppd", 166, &v4, "", "");
}

static void llc_snap(void)
{
    enum { V4 = 40 + TEXT };
    start(&v4);
    FRONT(0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00);
    tl_build_ether(&b, V4 + 8);
    expect("802.3, LLC/SNAP", 1, &v4, "", "");
    start(&v4);
    FRONT(0x06, 0x06, 0x03);
    tl_build_ether(&b, V4 + 3);
    expect("802.3, LLC", 1, &v4, "", "");
    start(&v4);
    FRONT(0xaa, 0xaa, 0x03, 0, 0, 0xf8, 0x08, 0x00);
    tl_build_vlan(&b, 8, V4 + 8);
    tl_build_ether(&b, 0x8100);
    expect("length in a VLAN tag", 1, &v4, "8", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0xaa, 0xaa, 0x03, 0, 0x80, 0xc2, 0, 7, 0, 0);
    expect("bridged over ATM", 11, &v4, "", "");
    start(&v4);
    FRONT(0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00);
    FRONT(0x50, 1, 2, 3, 4, 5, 6, 1, 2, 3, 4, 5, 7);
    expect("FDDI", 10, &v4, "", "");
    start(&v4);
    FRONT(0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00);
    FRONT(0x10, 0x40, 1, 2, 3, 4, 5, 6, 0x81, 2, 3, 4, 5, 7, 0x04, 0x30, 0x00, 0x12);
    expect("token ring with a source route", 6, &v4, "", "");
}

static void frame_relay(void)
{
    start(&v4);
    FRONT(0x18, 0x41, 0x03, 0xcc);
    expect("frame relay", 107, &v4, "", "");
    start(&v6);
    FRONT(0x18, 0x41, 0x03, 0x00, 0x80, 0, 0, 0, 0x86, 0xdd);
    expect("frame relay, SNAP", 107, &v6, "", "");
    start(&v4);
    FRONT(0x18, 0x41, 0x08, 0x00);
    expect("frame relay, Cisco", 107, &v4, "", "");
}

static void nflog_ppi_pflog(void)
{
    enum { V4 = 40 + TEXT };
    start(&v4);
    FRONT(2, 0, 0, 0,                /* family, version, group */
          5, 0, 10, 0, 'x', 0, 0, 0, /* a prefix, padded to 4 */
          V4 + 4, 0, 9, 0);
    expect("NFLOG, little-endian", 239, &v4, "", "");
    start(&v4);
    FRONT(2, 0, 0, 0, 0, 8, 0, 1, 8, 0, 1, 0, 0, V4 + 4, 0, 9);
    expect("NFLOG, big-endian", 239, &v4, "", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0, 0, 12, 0, 1, 0, 0, 0, 1, 2, 3, 4);
    expect("PPI with Ethernet", 192, &v4, "", "");
    start(&v6);
    FRONT(5, 24, 0, 0, 0, 0, 0, 0);
    expect("PFLOG", 117, &v6, "", "");
}

static void provider_and_fabric_tags(void)
{
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0, 0, 0x12, 0x34);
    tl_build_ether(&b, 0x88e7);
    expect("802.1ah", 1, &v4, "", "ethernet:4660");
    start(&v4);
    FRONT(0x0f, 0xc2, 2, 1, 0, 0, 5, 255);
    tl_build_ether(&b, 0x894f);
    expect("NSH", 1, &v4, "", "nsh:1535");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0, 0, 0, 1, 0, 2);
    tl_build_ether(&b, 0x22f3);
    expect("TRILL", 1, &v4, "", "ethernet");
    start(&v4);
    FRONT(0x80, 0, 0, 1, 0x08, 0x00);
    tl_build_ether(&b, 0x8926);
    expect("VN-Tag", 1, &v4, "", "");
    start(&v4);
    FRONT(1, 1, 0, 1, 0, 20, 0x08, 0x00);
    tl_build_ether(&b, 0x8909);
    expect("Cisco metadata", 1, &v4, "", "");
    start(&v4);
    pad(16);
    FRONT(0x20, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 0x08, 0x00);
    tl_build_ether(&b, 0x88e5);
    expect("MACsec, integrity only", 1, &v4, "", "");
}

static void redundancy_and_extension_tags(void)
{
    start(&v4);
    FRONT(0x10, 60, 0, 1, 0x08, 0x00);
    tl_build_ether(&b, 0x892f);
    expect("HSR", 1, &v4, "", "");
    start(&v6);
    FRONT(0, 1, 0, 2, 0, 0, 0x86, 0xdd);
    tl_build_ether(&b, 0x893f);
    expect("E-TAG", 1, &v6, "", "");
    start(&v4);
    FRONT(0, 0, 0, 9, 0x08, 0x00);
    tl_build_ether(&b, 0xf1c1);
    expect("R-TAG", 1, &v4, "", "");
    start(&v6);
    tl_build_ether(&b, 0x0800);
    expect("IPv6 announced as IPv4", 1, &v6, "", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0x01, 0x00, 0x0c, 0, 0, 0, 1, 2, 3, 4, 5, 6, 0, 90, 0xaa, 0xaa, 3, 0, 0, 0x0c, 0, 14, 0, 0, 0, 0);
    expect("ISL", 1, &v4, "7", "");
}

static void appliances(void)
{
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 'e', 'n', '0', 0);
    expect("PKTAP", 258, &v4, "", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(1, 2, 3, 4, 5, 6, 7, 8, 0x82, 4, 0, 100, 0, 0, 0, 90, 0x83, 1, 2, 3, 4, 5, 6, 7, 0x03, 1, 2, 3, 4, 5, 6, 7, 0, 0);
    expect("ERF with two extension headers", 197, &v4, "", "");
    start(&v4);
    tl_build_ether(&b, 0x0800);
    FRONT(0x4d, 0x47, 0x43, 0x81, 0, 4, 1, 2, 3, 4);
    expect("Juniper Ethernet", 178, &v4, "", "");
    start(&v6);
    FRONT(0x4d, 0x47, 0x43, 0x02, 0, 0, 0, 6);
    expect("Juniper without a link header", 178, &v6, "", "");
    start(&v4);
    FRONT(0x02, 1, 0, 33, 0xfe, 0xfe, 3, 0xcc);
    expect("routed over ATM", 123, &v4, "", "");
    start(&v4);
    FRONT(1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 0x08, 0x00);
    expect("IEEE 1394", 138, &v4, "", "");
}

static void wlan(void)
{
#define SNAP_IPV4       0xaa, 0xaa, 0x03, 0, 0, 0, 0x08, 0x00
#define THREE_ADDRESSES 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0x10, 0
    start(&v4);
    FRONT(0x08, 0x01, 0, 0, THREE_ADDRESSES, SNAP_IPV4);
    expect("802.11 data", 105, &v4, "", "");
    start(&v4);
    FRONT(0x88, 0x02, 0, 0, THREE_ADDRESSES, 0, 0, SNAP_IPV4);
    expect("802.11 QoS data", 105, &v4, "", "");
    start(&v4);
    FRONT(0x88, 0x83, 0, 0, THREE_ADDRESSES, 4, 4, 4, 4, 4, 4, 0, 0, 9, 9, 9, 9, SNAP_IPV4);
    expect("four addresses, QoS, HT control", 105, &v4, "", "");
    start(&v4);
    FRONT(0x88, 0x01, 0, 0, THREE_ADDRESSES, 0x80, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 0, 40 + TEXT + 8, SNAP_IPV4);
    pad(6);
    expect("A-MSDU", 105, &v4, "", "");
    start(&v4);
    pad(4);
    FRONT(0x08, 0x01, 0, 0, THREE_ADDRESSES, SNAP_IPV4);
    FRONT(0, 0, 25, 0, 0x03, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 0x10);
    expect("radiotap with time, two words of flags and an FCS", 127, &v4, "", "");
    start(&v4);
    FRONT(0x88, 0x01, 0, 0, THREE_ADDRESSES, 0, 0, 0, 0, SNAP_IPV4);
    FRONT(0, 0, 9, 0, 0x02, 0, 0, 0, 0x20);
    expect("radiotap, padded header", 127, &v4, "", "");
    start(&v4);
    FRONT(0x08, 0x01, 0, 0, THREE_ADDRESSES, SNAP_IPV4);
    FRONT(0x44, 0, 0, 0, 12, 0, 0, 0, 'w', 'l', 'a', 'n');
    expect("Prism", 119, &v4, "", "");
    start(&v4);
    FRONT(0x08, 0x01, 0, 0, THREE_ADDRESSES, SNAP_IPV4);
    FRONT(0x80, 0x21, 0x10, 0x01, 0, 0, 0, 12, 0, 0, 0, 0);
    expect("AVS", 163, &v4, "", "");
    start(&v4);
    FRONT(0x08, 0x01, 0, 0, THREE_ADDRESSES, SNAP_IPV4);
    FRONT(0, 0, 8, 0, 105, 0, 0, 0);
    expect("PPI with 802.11", 192, &v4, "", "");
}

static void outcomes(void)
{
    static const struct {
        const char *name;
        int linktype;
        size_t n;
        uint8_t bytes[64];
        tl_decoded how;
    } cases[] = {
        {"unknown link type", 9999, 4, {0}, TL_SEG_LINKTYPE},
        {"nothing at all", 1, 0, {0}, TL_SEG_MALFORMED},
        {"ARP", 1, 14, {[12] = 8, [13] = 6}, TL_SEG_NOT_IP},
        {"spanning tree", 1, 17, {[13] = 3, [14] = 0x42, [15] = 0x42, [16] = 3}, TL_SEG_NOT_IP},
        {"Novell's raw 802.3", 1, 17, {[13] = 3, [14] = 0xff, [15] = 0xff}, TL_SEG_NOT_IP},
        {"PPPoE discovery", 1, 20, {[12] = 0x88, [13] = 0x63, [14] = 0x11, [15] = 9}, TL_SEG_NOT_IP},
        {"encrypted 802.11", 105, 26, {0x08, 0x41}, TL_SEG_ENCRYPTED},
        {"802.11 beacon", 105, 24, {0x80, 0}, TL_SEG_NOT_IP},
        {"802.11 null data", 105, 24, {0x48, 1}, TL_SEG_NOT_IP},
        {"802.11 fragment", 105, 26, {0x08, 0x05}, TL_SEG_FRAGMENT},
        {"encrypted MACsec", 1, 30, {[12] = 0x88, [13] = 0xe5, [14] = 0x0c}, TL_SEG_ENCRYPTED},
        {"PPP, compressed or MPPE", 9, 3, {0x00, 0xfd, 1}, TL_SEG_ENCRYPTED},
        {"part of a multilink datagram", 9, 8, {0xff, 3, 0, 0x3d, 0x80, 0, 0, 1}, TL_SEG_FRAGMENT},
        {"RAW of no IP version", 12, 20, {0x15}, TL_SEG_NOT_IP},
        {"PPI in PPI", 192, 8, {0, 0, 8, 0, 192}, TL_SEG_MALFORMED},
        {"NFLOG record shorter than its head", 239, 8, {2, 0, 0, 0, 3, 0, 1, 0}, TL_SEG_MALFORMED},
        {"PPI around an unknown link", 192, 8, {0, 0, 8, 0, 255}, TL_SEG_LINKTYPE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_segment s;
        tl_decoded how = tl_decode_exact(cases[i].linktype, tl_span_of(cases[i].bytes, cases[i].n), (uint32_t)cases[i].n, &s);
        if (how != cases[i].how) printf("\n%s: %s\n", cases[i].name, tl_decoded_name(how));
        CU_ASSERT_EQUAL(how, cases[i].how);
    }
}

int main(void)
{
    return tl_run_cases("link layers", (const tl_case[]){{"Ethernet, and its padding", ethernet},
                                                         {"VLAN stacks", vlan_stacks},
                                                         {"NULL, LOOP, ENC", null_and_loop},
                                                         {"RAW", raw},
                                                         {"Linux cooked", cooked},
                                                         {"MPLS and pseudo-wires", mpls},
                                                         {"PPPoE, PPP, Cisco HDLC", pppoe_and_ppp},
                                                         {"802.3, LLC, SNAP", llc_snap},
                                                         {"frame relay", frame_relay},
                                                         {"NFLOG, PPI, PFLOG", nflog_ppi_pflog},
                                                         {"provider and fabric tags", provider_and_fabric_tags},
                                                         {"802.11", wlan},
                                                         {"redundancy and extension tags", redundancy_and_extension_tags},
                                                         {"appliances and other links", appliances},
                                                         {"outcomes that are no segment", outcomes},
                                                         {0}});
}
