/*
** segment.h - one frame in, at most one TCP segment out.  Pure: no state, no allocation.
*/
#ifndef TL_SEGMENT_H
#define TL_SEGMENT_H

#include "base/base.h"

/* RFC 9293 section 3.1, control bits. */
enum { TL_FIN = 1, TL_SYN = 2, TL_RST = 4, TL_PSH = 8, TL_ACK = 16, TL_URG = 32 };

/* The stack of tags and tunnels that a segment came in, outermost first: kind and id of each. */
typedef enum tl_layer_kind {
    TL_LAYER_VLAN = 1, /* 802.1Q or 802.1ad; id: the VLAN id (12 bits, priority left out) */
    TL_LAYER_MPLS,     /* id: label */
    TL_LAYER_PPPOE,    /* id: session id */
    TL_LAYER_IP,       /* IP in IP, 6in4, ...; id: 4 or 6, the OUTER version */
    TL_LAYER_GRE,
    TL_LAYER_ERSPAN,
    TL_LAYER_VXLAN,
    TL_LAYER_GENEVE,
    TL_LAYER_GTP,
    TL_LAYER_TEREDO,
    TL_LAYER_L2TP,
    TL_LAYER_AH,
    TL_LAYER_ETHERNET, /* Ethernet in IP without more (EtherIP, protocol 143) or behind a provider's tag (802.1ah; id: the I-SID) */
    TL_LAYER_LISP,
    TL_LAYER_NSH /* id: service path << 8 | index */
} tl_layer_kind;
enum { TL_LAYERS_MAX = 8 };
typedef struct tl_layers {
    uint8_t n;
    uint8_t kind[TL_LAYERS_MAX];
    uint32_t id[TL_LAYERS_MAX];
} tl_layers;

enum { TL_SACK_MAX = 4 };
typedef struct tl_segment {
    tl_addr src, dst;
    uint32_t seq, ack;
    uint8_t flags;
    uint16_t window;     /* as in the header, not scaled */
    uint16_t urgent;     /* the urgent pointer where TL_URG is set, else 0 */
    uint16_t mss;        /* option; 0: none */
    int8_t window_scale; /* option; -1: none */
    uint8_t sack_n;      /* blocks in sack[] (RFC 2018) */
    uint32_t sack[TL_SACK_MAX][2];
    bool bad_checksum;     /* TCP checksum wrong; only computed where the whole segment was captured */
    tl_span payload;       /* borrowed from the frame; captured bytes only, no Ethernet padding */
    uint32_t payload_wire; /* payload bytes on the wire; payload.n of them were captured */
    uint32_t wire_bytes;   /* of the innermost IP datagram, headers included */
    tl_layers layers;
    tl_at at;
} tl_segment;

/* Each frame has exactly one outcome: a row of frame_count.  TL_SEG_OK is the one that fills *out. */
typedef enum tl_decoded {
    TL_SEG_OK = 0,
    TL_SEG_LINKTYPE,      /* a link layer that we do not speak */
    TL_SEG_NOT_IP,        /* ARP, STP, ... */
    TL_SEG_NOT_TCP,       /* IP, but UDP, ICMP (with what it quotes), ... */
    TL_SEG_FRAGMENT,      /* an IP fragment, not reassembled */
    TL_SEG_TRUNCATED,     /* the snaplen cut a header */
    TL_SEG_MALFORMED,     /* lengths contradict each other */
    TL_SEG_TOO_DEEP,      /* more than TL_LAYERS_MAX layers */
    TL_SEG_ENCRYPTED,     /* a layer that hides what is inside: protected 802.11, ESP */
    TL_SEG_OTHER_CHANNEL, /* set by the stream layer: the copy of another tap */
    TL_SEG_FRAGMENT_LOST, /* told later by tl_decoder_lost(): a fragment whose datagram was never completed */
    TL_SEG_OUTCOMES
} tl_decoded;

/* The word for frame_count.outcome: "tcp", "unknown_link", "not_ip", "not_tcp", "fragment", "truncated", "malformed",
** "too_deep", "encrypted", "other_channel", "fragment_lost". */
const char *tl_decoded_name(tl_decoded how);

/* linktype: DLT_* value; frame: what was captured; wire_len: its length on the wire; at: copied into *out.
** *out is filled only for TL_SEG_OK; its payload borrows from frame. */
tl_decoded tl_decode(int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out);

/* VLAN tags as "100" or "100.200", outermost first; "" for none.  out has TL_LAYERS_TEXT bytes. */
enum { TL_LAYERS_TEXT = 200 };
char *tl_layers_vlan_text(const tl_layers *l, char *out);
/* All other layers as "gre/vxlan:7/ip4"; "" for none. */
char *tl_layers_tunnel_text(const tl_layers *l, char *out);

#endif
