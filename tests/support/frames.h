/*
** frames.h - frames built from bytes, inside out: start with the payload, then put one header after another in front.
**
**     static tl_build b;                                     (128 KiB: not on a small stack)
**     tl_tcp_fields f = {.src = "10.0.0.1", .dst = "10.0.0.2", .sport = 1234, .dport = 80, .seq = 100, .flags = TL_SYN};
**     tl_span frame = tl_build_frame(&b, &f, "payload", 7);  Ethernet + IPv4 or IPv6 + TCP, right checksums
**
** or piece by piece, as tunnels need it:
**
**     tl_build_start(&b, "payload", 7);
**     tl_build_tcp(&b, &f);
**     tl_build_ip(&b, f.src, f.dst, 6);
**     tl_build_front(&b, (uint8_t[]){0, 0, 8, 0}, 4);        GRE
**     tl_build_ip(&b, "192.0.2.1", "192.0.2.2", 47);
**     tl_build_ether(&b, 0x0800);
**     tl_span frame = tl_build_bytes(&b);
**
** Lengths are those of what lies behind, checksums are right; wrong ones are made by writing into b->bytes + b->at afterwards.
** A frame that does not fit, or an address that is none, aborts: these are bugs of the test.
*/
#ifndef TL_FRAMES_H
#define TL_FRAMES_H

#include "packet/segment.h"

enum { TL_BUILD_MAX = 128 * 1024 };
typedef struct tl_build {
    size_t at; /* the frame so far is bytes[at .. TL_BUILD_MAX) */
    uint8_t bytes[TL_BUILD_MAX];
} tl_build;

typedef struct tl_tcp_fields {
    const char *src, *dst; /* "10.0.0.1" or "2001:db8::1", both of one family; NULL: 10.0.0.1 and 10.0.0.2 */
    uint16_t sport, dport; /* 0: 40000 and 80 */
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window; /* 0: 65535, unless zero_window */
    bool zero_window;
    uint16_t urgent;
    const void *options; /* raw bytes; padded to a multiple of 4 with zeros */
    size_t options_n;
} tl_tcp_fields;

void tl_build_start(tl_build *b, const void *payload, size_t n);
/* Any header in front. */
void tl_build_front(tl_build *b, const void *header, size_t n);
/* Any bytes behind what is there (Ethernet padding, an FCS). */
void tl_build_behind(tl_build *b, const void *trailer, size_t n);
void tl_build_tcp(tl_build *b, const tl_tcp_fields *f);
void tl_build_udp(tl_build *b, uint16_t sport, uint16_t dport); /* checksum 0: none */
/* IPv4 (20 bytes) or IPv6 (40) by the look of src; NULLs as above. */
void tl_build_ip(tl_build *b, const char *src, const char *dst, uint8_t protocol);
/* One fragment of an IPv4 datagram or, by a fragment header, of an IPv6 one.  offset: in bytes, a multiple of 8. */
void tl_build_fragment(tl_build *b, const char *src, const char *dst, uint8_t protocol, uint32_t id, size_t offset, bool more);
void tl_build_ether(tl_build *b, uint16_t ethertype);
void tl_build_vlan(tl_build *b, uint16_t id, uint16_t ethertype_inside);
tl_span tl_build_bytes(const tl_build *b); /* borrowed until b changes */

/* All of it: Ethernet, IP, TCP, payload. */
tl_span tl_build_frame(tl_build *b, const tl_tcp_fields *f, const void *payload, size_t n);

/* A tl_addr from text ("10.0.0.1", "2001:db8::1") and a port. */
tl_addr tl_build_addr(const char *text, uint16_t port);

/* Internet checksum (RFC 1071) of n bytes, added to a start value; bytewise and slow, as an oracle should be. */
uint16_t tl_build_sum(const void *p, size_t n, uint32_t start);

#endif
