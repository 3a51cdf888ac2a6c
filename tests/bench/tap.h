/*
** tap.h - the network and the tap on it: segments become Ethernet frames of a pcap file, some of them late, twice, or not at all.
*/
#ifndef BENCH_TAP_H
#define BENCH_TAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct tap_options {
    double loss_percent;       /* frames that the tap did not see; the receiver did */
    double reorder_percent;    /* frames that come one place late */
    double retransmit_percent; /* frames that come a second time, a few places later */
    unsigned frame_us;         /* from one frame to the next */
    uint64_t seed;
} tap_options;

typedef struct endpoint {
    uint8_t ip[16]; /* IPv4: the first four bytes */
    uint16_t port;
} endpoint;

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_PSH = 8, TCP_ACK = 16 };

typedef struct segment {
    const endpoint *from, *to;
    bool ipv6;
    uint32_t seq, ack;
    uint8_t flags;
    const uint8_t *parts[2]; /* the payload, in two pieces; both together at most one frame's */
    size_t part_n[2];
} segment;

enum { PAYLOAD_MOST = 1440 }; /* fits a 1,500-byte packet of either IP version */

typedef struct tap tap;

/* NULL: no memory.  The file is the caller's. */
tap *tap_new(int fd, const tap_options *options);
/* True when the tap saw at least one copy. */
bool tap_send(tap *t, const segment *s);
/* Writes what is left.  False when any write failed (errno).  Then gives everything back. */
bool tap_finish(tap *t);
uint64_t tap_frames(const tap *t);

#endif
