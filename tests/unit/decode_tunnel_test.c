/*
** decode_tunnel_test.c - every tunnel, from bytes, and what UDP on a tunnel's port is when it is no tunnel.
*/
#include "support/check.h"
#include "support/decoding.h"
#include "support/frames.h"

#include <stdio.h>
#include <string.h>

static tl_build b;
static const char text[] = "GET / HTTP/1.0\r\n\r\n";
enum { TEXT = sizeof text - 1, V4 = 40 + TEXT, V6 = 60 + TEXT, ETHERNET = 1 };
enum { IPIP = 4, IPV6 = 41, GRE = 47, AH = 51, ETHERIP = 97, L2TP = 115, MPLS = 137, ETHER_IN_IP = 143 };

static const tl_tcp_fields v4 = {
    .src = "192.0.2.1", .dst = "192.0.2.2", .sport = 1234, .dport = 80, .seq = 1000, .ack = 77, .flags = TL_ACK};
static const tl_tcp_fields v6 = {
    .src = "2001:db8::1", .dst = "2001:db8::2", .sport = 1234, .dport = 80, .seq = 1000, .ack = 77, .flags = TL_ACK};

#define FRONT(...) tl_build_front(&b, (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

static void start(const tl_tcp_fields *f)
{
    tl_build_start(&b, text, TEXT);
    tl_build_tcp(&b, f);
    tl_build_ip(&b, f->src, f->dst, 6);
}

static void start_ethernet(void)
{
    start(&v4);
    tl_build_ether(&b, 0x0800);
}

static void over_ip4(uint8_t protocol)
{
    tl_build_ip(&b, "198.51.100.1", "198.51.100.2", protocol);
    tl_build_ether(&b, 0x0800);
}

static void over_ip6(uint8_t protocol)
{
    tl_build_ip(&b, "2001:db8:1::1", "2001:db8:1::2", protocol);
    tl_build_ether(&b, 0x86dd);
}

static void over_udp(uint16_t port)
{
    tl_build_udp(&b, 50000, port);
    over_ip4(17);
}

static tl_decoded decode(tl_segment *s)
{
    tl_span frame = tl_build_bytes(&b);
    return tl_decode_exact(ETHERNET, frame, (uint32_t)frame.n, s);
}

static void expect_on(const char *name, const tl_tcp_fields *f, const char *vlan, const char *tunnel)
{
    char out[TL_LAYERS_TEXT];
    tl_segment s;
    tl_decoded how = decode(&s);
    if (how != TL_SEG_OK) {
        printf("\n%s: %s\n", name, tl_decoded_name(how));
        CU_FAIL("not decoded");
        return;
    }
    tl_addr src = tl_build_addr(f->src, 1234), dst = tl_build_addr(f->dst, 80);
    CU_ASSERT(memcmp(src.ip, s.src.ip, 16) == 0 && memcmp(dst.ip, s.dst.ip, 16) == 0);
    CU_ASSERT(s.src.port == 1234 && s.dst.port == 80 && s.seq == 1000 && s.ack == 77 && s.flags == TL_ACK);
    CU_ASSERT(s.payload.n == TEXT && s.payload_wire == TEXT && memcmp(s.payload.p, text, TEXT) == 0);
    CU_ASSERT(s.wire_bytes == (f == &v4 ? V4 : V6));
    CU_ASSERT_FALSE(s.bad_checksum);
    CU_ASSERT_STRING_EQUAL(tl_layers_vlan_text(&s.layers, out), vlan);
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&s.layers, out), tunnel);
    tl_check_every_cut(name, ETHERNET, tl_build_bytes(&b));
}

static void expect(const char *name, const tl_tcp_fields *f, const char *tunnel)
{
    expect_on(name, f, "", tunnel);
}

static void expect_outcome(const char *name, tl_decoded want)
{
    tl_segment s;
    tl_decoded how = decode(&s);
    if (how != want) printf("\n%s: %s\n", name, tl_decoded_name(how));
    CU_ASSERT_EQUAL(how, want);
}

static void ip_in_ip(void)
{
    start(&v4);
    over_ip4(IPIP);
    expect("4 in 4", &v4, "ip4");
    start(&v6);
    over_ip4(IPV6);
    expect("6 in 4", &v6, "ip4");
    start(&v4);
    over_ip6(IPIP);
    expect("4 in 6", &v4, "ip6");
    start(&v6);
    over_ip6(IPV6);
    expect("6 in 6", &v6, "ip6");
    start(&v4);
    for (unsigned i = 0; i < TL_LAYERS_MAX; i++) tl_build_ip(&b, "198.51.100.1", "198.51.100.2", IPIP);
    tl_build_ether(&b, 0x0800);
    expect("eight deep", &v4, "ip4/ip4/ip4/ip4/ip4/ip4/ip4/ip4");
    start(&v4);
    for (unsigned i = 0; i <= TL_LAYERS_MAX; i++) tl_build_ip(&b, "198.51.100.1", "198.51.100.2", IPIP);
    tl_build_ether(&b, 0x0800);
    expect_outcome("nine deep", TL_SEG_TOO_DEEP);
}

static void gre(void)
{
    start(&v4);
    FRONT(0, 0, 0x08, 0x00);
    over_ip4(GRE);
    expect("GRE", &v4, "gre");
    start(&v6);
    FRONT(0, 0, 0x86, 0xdd);
    over_ip6(GRE);
    expect("GRE, 6 in 6", &v6, "gre");
    start(&v4);
    FRONT(0xb0, 0, 0x08, 0x00, 1, 2, 0, 0, 0, 0, 0, 7, 0, 0, 0, 9);
    over_ip4(GRE);
    expect("checksum, key, sequence", &v4, "gre:7");
    start(&v4);
    FRONT(0x40, 0, 0x08, 0x00, 0, 0, 0, 0, 0x08, 0x00, 0, 4, 10, 0, 0, 1, 0, 0, 0, 0);
    over_ip4(GRE);
    expect("source route", &v4, "gre");
    start_ethernet();
    FRONT(0x20, 0, 0x65, 0x58, 0, 0x12, 0x34, 0);
    over_ip4(GRE);
    expect("transparent bridging (NVGRE)", &v4, "gre:1192960");
    start(&v4);
    tl_build_vlan(&b, 42, 0x0800);
    tl_build_ether(&b, 0x8100);
    FRONT(0, 0, 0x65, 0x58);
    over_ip4(GRE);
    expect_on("VLAN inside", &v4, "42", "gre");
    start(&v4);
    FRONT(0xff, 0x03, 0x00, 0x21);
    FRONT(0x30, 0x81, 0x88, 0x0b, 0, V4 + 4, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2);
    over_ip4(GRE);
    expect("PPP in enhanced GRE", &v4, "gre:5");
    start(&v4);
    FRONT(0x00, 0x01, 0xd1, 64);
    FRONT(0, 0, 0x88, 0x47);
    over_ip4(GRE);
    expect("MPLS in GRE", &v4, "gre/mpls:29");
    start(&v4);
    FRONT(0, 0, 0x88, 0x3e, 0, 1, 2, 3);
    over_ip4(GRE);
    expect("WCCP with a redirect header", &v4, "gre");
    start(&v4);
    FRONT(0, 0, 0x88, 0x3e);
    over_ip4(GRE);
    expect("WCCP without", &v4, "gre");
    start_ethernet();
    FRONT(0x20, 0x01, 0x64, 0x00, 0, V4 + 14, 5, 0);
    over_ip4(GRE);
    expect("Ethernet over IP by MikroTik", &v4, "gre:1280");
    start(&v4);
    FRONT(0x08, 0x01, 0, 0, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 0x10, 0, 0xaa, 0xaa, 3, 0, 0, 0, 8, 0);
    FRONT(0, 0, 0x82, 0x00);
    over_ip4(GRE);
    expect("802.11 in GRE", &v4, "gre");
    start(&v4);
    FRONT(0, 0, 0x08, 0x00);
    tl_build_udp(&b, 50000, 4754);
    over_ip4(17);
    expect("GRE in UDP", &v4, "gre");
    tl_build_start(&b, "", 0);
    FRONT(0x30, 0x81, 0x88, 0x0b, 0, 0, 0, 5, 0, 0, 0, 1, 0, 0, 0, 2);
    over_ip4(GRE);
    expect_outcome("an acknowledgement alone", TL_SEG_NOT_TCP);
    start(&v4);
    FRONT(0, 2, 0x08, 0x00);
    over_ip4(GRE);
    expect_outcome("version 2", TL_SEG_MALFORMED);
}

static void erspan(void)
{
    start_ethernet();
    FRONT(0, 0, 0x88, 0xbe);
    over_ip4(GRE);
    expect("type I", &v4, "gre/erspan:0");
    start_ethernet();
    FRONT(0x10, 0, 0x88, 0xbe, 0, 0, 0, 1, 0x10, 0x05, 0x60, 20, 0, 0, 0, 3);
    over_ip4(GRE);
    expect("type II", &v4, "gre/erspan:20");
    start_ethernet();
    FRONT(0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0x05, 0x03, 0xff, 0, 0, 0, 3, 0, 0, 0, 0);
    over_ip4(GRE);
    expect("type III", &v4, "gre/erspan:1023");
    start_ethernet();
    FRONT(0x10, 0, 0x22, 0xeb, 0, 0, 0, 1, 0x20, 0x05, 0x03, 0xff, 0, 0, 0, 3, 0, 0, 0, 1, 9, 9, 9, 9, 9, 9, 9, 9);
    over_ip4(GRE);
    expect("type III with a platform header", &v4, "gre/erspan:1023");
}

static void vxlan(void)
{
    start_ethernet();
    FRONT(8, 0, 0, 0, 0, 0x12, 0x34, 0);
    over_udp(4789);
    expect("VXLAN", &v4, "vxlan:4660");
    start(&v6);
    tl_build_vlan(&b, 30, 0x86dd);
    tl_build_ether(&b, 0x8100);
    FRONT(8, 0, 0, 0, 0, 0, 5, 0);
    tl_build_udp(&b, 50000, 8472);
    tl_build_ip(&b, "198.51.100.1", "198.51.100.2", 17);
    tl_build_vlan(&b, 10, 0x0800);
    tl_build_ether(&b, 0x8100);
    expect_on("tags outside and inside", &v6, "10.30", "vxlan:5");
    start(&v4);
    FRONT(0x0c, 0, 0, 1, 0, 0, 7, 0);
    over_udp(4790);
    expect("VXLAN-GPE, IPv4", &v4, "vxlan:7");
    start_ethernet();
    FRONT(0x08, 0, 0, 0, 0, 0, 7, 0);
    over_udp(4790);
    expect("VXLAN-GPE without a next protocol", &v4, "vxlan:7");
    start(&v4);
    FRONT(0x0f, 0xc2, 2, 1, 0, 0, 5, 255);
    FRONT(0x0c, 0, 0, 4, 0, 0, 7, 0);
    over_udp(4790);
    expect("NSH in VXLAN-GPE", &v4, "vxlan:7/nsh:1535");
    start_ethernet();
    FRONT(0, 0, 0, 0, 0, 0x12, 0x34, 0);
    over_udp(4789);
    expect_outcome("no I flag", TL_SEG_NOT_TCP);
}

static void geneve(void)
{
    start_ethernet();
    FRONT(0, 0, 0x65, 0x58, 0, 0, 9, 0);
    over_udp(6081);
    expect("Geneve", &v4, "geneve:9");
    start(&v6);
    FRONT(2, 0, 0x86, 0xdd, 0, 0, 9, 0, 1, 2, 3, 1, 0, 0, 0, 0);
    over_udp(6081);
    expect("Geneve with options, IPv6", &v6, "geneve:9");
    start(&v4);
    FRONT(0, 0, 0x08, 0x00);
    tl_build_ip(&b, "198.51.100.1", "198.51.100.2", GRE);
    FRONT(0, 0, 0x08, 0x00, 0, 0, 0, 0);
    over_udp(6081);
    expect("GRE in Geneve", &v4, "geneve:0/gre");
    start(&v4);
    FRONT(0x40, 0, 0x08, 0x00, 0, 0, 9, 0);
    over_udp(6081);
    expect_outcome("version 1", TL_SEG_NOT_TCP);
}

static void gtp(void)
{
    start(&v4);
    FRONT(0x30, 0xff, 0, V4, 0, 0, 1, 0);
    over_udp(2152);
    expect("GTP-U", &v4, "gtp:256");
    start(&v6);
    FRONT(0x32, 0xff, 0, V6 + 4, 0, 0, 1, 0, 0, 1, 0, 0);
    over_udp(2152);
    expect("sequence number", &v6, "gtp:256");
    start(&v4);
    FRONT(0x36, 0xff, 0, V4 + 12, 0, 0, 1, 0, 0, 1, 0, 0x85, 1, 0, 9, 0xc0, 1, 0x12, 0x34, 0);
    over_udp(2152);
    expect("two extension headers", &v4, "gtp:256");
    start_ethernet();
    FRONT(0x30, 0xff, 0, V4 + 14, 0, 0, 1, 0);
    over_udp(2152);
    expect("an Ethernet PDU", &v4, "gtp:256");
    start(&v4);
    FRONT(0xff, 0x03, 0, 0x21);
    FRONT(0x30, 0xff, 0, V4 + 4, 0, 0, 1, 0);
    over_udp(2152);
    expect("a PPP PDU", &v4, "gtp:256");
    start(&v4);
    FRONT(0x1e, 0xff, 0, V4, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    over_udp(3386);
    expect("version 0", &v4, "gtp:8");
    start(&v4);
    FRONT(0x36, 0xff, 0, V4 + 8, 0, 0, 1, 0, 0, 1, 0, 0x85, 0, 0, 0, 0);
    over_udp(2152);
    expect_outcome("an extension header of no length", TL_SEG_NOT_TCP);
    start(&v4);
    FRONT(0x30, 0x01, 0, V4, 0, 0, 1, 0);
    over_udp(2152);
    expect_outcome("an echo request", TL_SEG_NOT_TCP);
}

static void teredo(void)
{
    start(&v6);
    over_udp(3544);
    expect("Teredo", &v6, "teredo");
    start(&v6);
    FRONT(0, 0, 1, 2, 3, 4, 5, 6);
    over_udp(3544);
    expect("origin", &v6, "teredo");
    start(&v6);
    FRONT(0, 1, 1, 2, 'i', 'v', 'v', 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 1, 2, 3, 4, 5, 6);
    over_udp(3544);
    expect("authentication and origin", &v6, "teredo");
    start(&v4);
    over_udp(3544);
    expect_outcome("IPv4", TL_SEG_NOT_TCP);
}

static void l2tp(void)
{
    start(&v4);
    FRONT(0xff, 0x03, 0x00, 0x21);
    FRONT(0x00, 0x02, 0, 1, 0, 2);
    over_udp(1701);
    expect("version 2", &v4, "l2tp:65538");
    start(&v4);
    FRONT(0x21);
    FRONT(0x4a, 0x02, 0, V4 + 17, 0, 1, 0, 2, 0, 0, 0, 0, 0, 2, 9, 9);
    over_udp(1701);
    expect("length, sequence, offset", &v4, "l2tp:65538");
    start_ethernet();
    FRONT(0, 3, 0, 0, 0, 0, 0, 9);
    over_udp(1701);
    expect("version 3 in UDP", &v4, "l2tp:9");
    start_ethernet();
    FRONT(0, 0, 0, 9);
    over_ip4(L2TP);
    expect("version 3", &v4, "l2tp:9");
    start_ethernet();
    FRONT(0, 0, 0, 9, 1, 2, 3, 4, 5, 6, 7, 8, 0x40, 0, 0, 1);
    over_ip4(L2TP);
    expect("version 3 with cookie and sublayer", &v4, "l2tp:9");
    start_ethernet();
    FRONT(0, 0, 0, 0);
    over_ip4(L2TP);
    expect_outcome("control", TL_SEG_NOT_TCP);
    start(&v4);
    FRONT(0xc8, 0x02, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0);
    over_udp(1701);
    expect_outcome("control in UDP", TL_SEG_NOT_TCP);
}

static void others(void)
{
    tl_build_start(&b, text, TEXT);
    tl_build_tcp(&b, &v4);
    FRONT(6, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    tl_build_ip(&b, v4.src, v4.dst, AH);
    tl_build_ether(&b, 0x0800);
    tl_segment s;
    char out[TL_LAYERS_TEXT];
    CU_ASSERT_FATAL(decode(&s) == TL_SEG_OK);
    CU_ASSERT(s.payload_wire == TEXT && !s.bad_checksum && s.wire_bytes == V4 + 24);
    CU_ASSERT_STRING_EQUAL(tl_layers_tunnel_text(&s.layers, out), "ah:256");
    tl_check_every_cut("AH", ETHERNET, tl_build_bytes(&b));
    start(&v6);
    FRONT(41, 4, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    over_ip6(AH);
    expect("AH in tunnel mode", &v6, "ah:256/ip6");
    start_ethernet();
    FRONT(0x30, 0);
    over_ip4(ETHERIP);
    expect("EtherIP", &v4, "ethernet");
    start_ethernet();
    over_ip6(ETHER_IN_IP);
    expect("Ethernet in IPv6", &v4, "ethernet");
    start(&v4);
    FRONT(0x00, 0x01, 0xd1, 64);
    over_ip4(MPLS);
    expect("MPLS in IP", &v4, "mpls:29");
    start(&v4);
    FRONT(0x00, 0x01, 0xd1, 64);
    over_udp(6635);
    expect("MPLS in UDP", &v4, "mpls:29");
    start(&v6);
    FRONT(0x08, 0, 0, 0, 0, 0, 7, 0);
    over_udp(4341);
    expect("LISP", &v6, "lisp:7");
    start(&v6);
    FRONT(0x41, 0x52, 0x11, 41, 1, 2, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, /* identity; then a SHA-1 */
          1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20);
    over_udp(5072);
    expect("AYIYA", &v6, "ip4");
    start_ethernet();
    FRONT(1, 0, 0, 1, 0, 10, 1, 0x80, 1);
    over_udp(37008);
    expect("TZSP", &v4, "ethernet");
    start_ethernet();
    FRONT(0, 0x10, 0, 0, 0, 0, 0, 0);
    over_udp(5247);
    expect("CAPWAP, 802.3", &v4, "ethernet");
}

/* Whatever lies on a tunnel's port and is no such tunnel is UDP, and a tunnel by protocol number that breaks off is malformed. */
static void no_tunnels(void)
{
    static const uint16_t ports[] = {1701, 2152, 3386, 3544, 4341, 4754, 4789, 4790, 5072, 5247, 6081, 6635, 8472, 37008};
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        unsigned long long seed = 1 + i;
        for (unsigned round = 0; round < 2000; round++) {
            uint8_t noise[60];
            size_t n = tl_random(&seed) % sizeof noise;
            for (size_t k = 0; k < n; k++) noise[k] = (uint8_t)tl_random(&seed);
            tl_build_start(&b, noise, n);
            over_udp(ports[i]);
            tl_segment s;
            tl_decoded how = decode(&s);
            CU_ASSERT(how == TL_SEG_NOT_TCP || how == TL_SEG_ENCRYPTED || how == TL_SEG_FRAGMENT || how == TL_SEG_TOO_DEEP);
        }
    }
    start_ethernet();
    FRONT(8, 0, 0, 0, 0, 0x12, 0x34, 0);
    tl_build_udp(&b, 4789, 50000);
    over_ip4(17);
    expect("the tunnel's port as the source", &v4, "vxlan:4660");
    tl_build_start(&b, (const uint8_t[]){0x45, 0, 0, 10}, 4);
    FRONT(0, 0, 0x08, 0x00);
    over_ip4(GRE);
    expect_outcome("a broken datagram in GRE", TL_SEG_MALFORMED);
    tl_build_start(&b, (const uint8_t[64]){0}, 64);
    tl_build_ether(&b, 0x0806);
    FRONT(0, 0, 0x65, 0x58);
    over_ip4(GRE);
    expect_outcome("ARP in GRE", TL_SEG_NOT_TCP);
    tl_build_start(&b, (const uint8_t[64]){0}, 64);
    over_ip4(50);
    expect_outcome("ESP", TL_SEG_ENCRYPTED);
    start(&v4);
    over_udp(53);
    expect_outcome("some other port", TL_SEG_NOT_TCP);
}

int main(void)
{
    return tl_run_cases("tunnels", (const tl_case[]){{"IP in IP", ip_in_ip},
                                                     {"GRE", gre},
                                                     {"ERSPAN", erspan},
                                                     {"VXLAN", vxlan},
                                                     {"Geneve", geneve},
                                                     {"GTP-U", gtp},
                                                     {"Teredo", teredo},
                                                     {"L2TP", l2tp},
                                                     {"AH and the rest", others},
                                                     {"no tunnels", no_tunnels},
                                                     {0}});
}
