/*
** layer.h - the cursor that walks down a frame, and the steps it takes.  Internal to this folder.
**
** Each layer is one function: it checks its header, moves the cursor behind it and names the layer that comes next.  One loop
** (tl_cursor_run) calls them; nothing here recurses, so the stack of a hostile frame costs time but no C stack.
**
** Invariants:
**  1. c->p[0 .. c->n) is inside the frame (or the reassembled datagram), and c->n <= c->wire.
**  2. Every step but a dispatch moves the cursor forward, and the loop is bounded by STEPS_MAX besides.
**  3. A layer is pushed on the stack before its inside is looked at, so depth is checked first.
**
** Bytes are missing for two reasons that must not be mixed: cursor_need() says TRUNCATED where the wire had them, and MALFORMED
** where a length says that they never were.
*/
#ifndef TL_LAYER_H
#define TL_LAYER_H

#include "packet/segment.h"

typedef enum layer {
    LAYER_STOP = 0,  /* c->how says what became of the frame */
    LAYER_LINK,      /* dispatch on c->type: DLT_* */
    LAYER_ETHERTYPE, /* dispatch on c->type */
    LAYER_PROTOCOL,  /* dispatch on c->type: IP protocol or IPv6 next header */
    LAYER_ETHERNET,
    LAYER_LLC,
    LAYER_VLAN,
    LAYER_MPLS,
    LAYER_PPPOE,
    LAYER_PPP, /* with or without address and control */
    LAYER_IP,  /* IPv4 or IPv6 by the version */
    LAYER_IPV4,
    LAYER_IPV6,
    LAYER_IPV6_OPTIONS, /* hop-by-hop, destination options and all others of that shape */
    LAYER_IPV6_FRAGMENT,
    LAYER_AH,
    LAYER_GRE,
    LAYER_L2TPV3, /* directly over IP */
    LAYER_ETHERIP,
    LAYER_UDP,
    LAYER_TCP,
    LAYER_RADIOTAP,
    LAYER_PRISM, /* or AVS by its magic */
    LAYER_WLAN,
    LAYERS
} layer;

/* What a fragment says of itself; its bytes are at the cursor. */
typedef struct fragment_header {
    uint32_t id;
    uint32_t offset; /* bytes */
    uint32_t wire;   /* bytes on the wire, from the IP header: the cursor's own may be clamped to a lying frame */
    bool more;
    uint8_t version; /* 4 or 6 */
} fragment_header;

typedef struct cursor {
    const uint8_t *p; /* what is not decoded yet */
    size_t n;         /* captured bytes at p */
    size_t wire;      /* bytes on the wire from p on, as far as the headers so far say */
    uint32_t type;    /* for the dispatches */
    unsigned steps;
    tl_decoded how;
    bool in_ip;               /* an IP header is behind us: what is not IP inside it is TL_SEG_NOT_TCP */
    bool guessed;             /* a tunnel was taken for one by its UDP port: nonsense in it is TL_SEG_NOT_TCP */
    bool padded;              /* radiotap says that the 802.11 header is padded to four bytes */
    bool routed;              /* the destination in the header is not the one that the TCP checksum covers */
    size_t beyond;            /* bytes that the innermost IP header promises behind the end of the frame on the wire (or of the tunnel) */
    uint8_t version;          /* of the innermost IP header, 0: none yet */
    fragment_header fragment; /* for TL_SEG_FRAGMENT */
    tl_segment *out;
} cursor;

/* A frame from its link layer on. */
void tl_cursor_start(cursor *c, int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out);
/* Until the frame is decided. */
tl_decoded tl_cursor_run(cursor *c, layer first);

static inline layer cursor_stop(cursor *c, tl_decoded how)
{
    c->how = how;
    return LAYER_STOP;
}

/* Are n bytes there?  If not, c->how is set: return LAYER_STOP. */
static inline bool cursor_need(cursor *c, size_t n)
{
    if (c->n >= n) return true;
    c->how = c->wire >= n ? TL_SEG_TRUNCATED : TL_SEG_MALFORMED;
    return false;
}

/* Where the bytes themselves tell what follows: did the snaplen take some of the n that are needed to tell?  Then c->how is set. */
static inline bool cursor_cut(cursor *c, size_t n)
{
    if (c->n >= n || c->n == c->wire) return false;
    c->how = TL_SEG_TRUNCATED;
    return true;
}

/* Only after cursor_need(c, n), or for n <= c->n. */
static inline void cursor_skip(cursor *c, size_t n)
{
    c->p += n;
    c->n -= n;
    c->wire -= n;
}

/* What is behind the first n bytes on the wire is a trailer or padding. */
static inline void cursor_trim(cursor *c, size_t n)
{
    if (c->wire > n) c->wire = n;
    if (c->n > n) c->n = n;
}

/* Skips n bytes and dispatches on an Ethernet type or an IP protocol. */
static inline layer cursor_ethertype(cursor *c, size_t n, uint32_t type)
{
    cursor_skip(c, n);
    c->type = type;
    return LAYER_ETHERTYPE;
}
static inline layer cursor_protocol(cursor *c, size_t n, uint32_t type)
{
    cursor_skip(c, n);
    c->type = type;
    return LAYER_PROTOCOL;
}

/* Skips n bytes to a layer that needs no dispatch. */
static inline layer cursor_to(cursor *c, size_t n, layer next)
{
    cursor_skip(c, n);
    return next;
}

/* false: the stack is full, c->how is set. */
static inline bool cursor_push(cursor *c, tl_layer_kind kind, uint32_t id)
{
    tl_layers *l = &c->out->layers;
    if (l->n == TL_LAYERS_MAX) {
        c->how = TL_SEG_TOO_DEEP;
        return false;
    }
    l->kind[l->n] = (uint8_t)kind;
    l->id[l->n++] = id;
    return true;
}

/* The steps, by file. */
layer tl_link_dispatch(cursor *c); /* link.c */
layer tl_link_ethernet(cursor *c);
layer tl_link_llc(cursor *c);
layer tl_label_ethertype(cursor *c); /* label.c */
layer tl_label_vlan(cursor *c);
layer tl_label_mpls(cursor *c);
layer tl_label_pppoe(cursor *c);
layer tl_label_ppp(cursor *c);
layer tl_ip_either(cursor *c); /* ip.c */
layer tl_ip_v4(cursor *c);
layer tl_ip_v6(cursor *c);
layer tl_ip_protocol(cursor *c);
layer tl_ip_options(cursor *c);
layer tl_ip_fragment(cursor *c);
layer tl_ip_ah(cursor *c);
layer tl_tunnel_gre(cursor *c); /* tunnel.c */
layer tl_tunnel_l2tpv3(cursor *c);
layer tl_tunnel_etherip(cursor *c);
layer tl_udp(cursor *c);               /* udp.c */
layer tl_tcp(cursor *c);               /* tcp.c */
layer tl_wireless_radiotap(cursor *c); /* wireless.c */
layer tl_wireless_prism(cursor *c);
layer tl_wireless_frame(cursor *c);

/* For guesses only, of what lies `at` bytes ahead.  An IP header: version, header length, and a length that fits.
** An Ethernet header: by the type that it would have, and for IP by the version behind it.  They look at IP_LOOK and ETHERNET_LOOK
** bytes. */
enum { IP_LOOK = 20, ETHERNET_LOOK = 15 };
bool tl_ip_plausible(const cursor *c, size_t at);
bool tl_ethernet_plausible(const cursor *c, size_t at);

#endif
