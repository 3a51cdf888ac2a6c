/*
** ip.c - IPv4 (RFC 791), IPv6 (RFC 8200) with its extension headers, AH (RFC 4302), and what an IP protocol number leads to.
**
** Lengths: what follows an IP header is as long as that header says, so Ethernet padding and trailers never count.  Three cases bend this:
**  - Total length 0 (IPv6: payload length 0) is how segmentation offload leaves packets of more than 64 KiB, and how jumbograms
**    look: they go on to the end of the frame.
**  - A length beyond the end of the frame on the wire is cut there, as those bytes were never sent; c->beyond keeps the difference.
**  - The snaplen cuts c->n only: the length on the wire stays.
*/
#include "packet/layer.h"

#include <string.h>

enum { V4_BYTES = 20, V6_BYTES = 40, FRAGMENT_BYTES = 8, DATAGRAM_MAX = 65535 };

enum {
    IP_HOP_BY_HOP = 0,
    IP_IPV4 = 4,
    IP_TCP = 6,
    IP_UDP = 17,
    IP_IPV6 = 41,
    IP_ROUTING = 43,
    IP_FRAGMENT = 44,
    IP_GRE = 47,
    IP_ESP = 50,
    IP_AH = 51,
    IP_DESTINATION = 60,
    IP_IPIP = 94,
    IP_ETHERIP = 97,
    IP_IPCOMP = 108,
    IP_L2TP = 115,
    IP_MOBILITY = 135,
    IP_MPLS = 137,
    IP_HIP = 139,
    IP_SHIM6 = 140,
    IP_ETHERNET = 143
};

bool tl_ip_plausible(const cursor *c, size_t at)
{
    if (c->n < at + IP_LOOK) return false;
    const uint8_t *p = c->p + at;
    size_t wire = c->wire - at;
    if (p[0] >> 4 == 4) {
        size_t header = (size_t)(p[0] & 15) * 4, total = tl_be16(p + 2);
        return header >= V4_BYTES && (total == 0 || (total >= header && total <= wire));
    }
    return p[0] >> 4 == 6 && wire >= V6_BYTES && tl_be16(p + 4) <= wire - V6_BYTES;
}

layer tl_ip_either(cursor *c)
{
    if (!cursor_need(c, 1)) return LAYER_STOP;
    switch (c->p[0] >> 4) {
    case 4: return LAYER_IPV4;
    case 6: return LAYER_IPV6;
    default: return cursor_stop(c, TL_SEG_NOT_IP);
    }
}

/* A new innermost IP header, header bytes included in total; 0: to the end. */
static void begin_datagram(cursor *c, uint8_t version, size_t total)
{
    c->in_ip = true;
    c->routed = false;
    c->version = version;
    c->beyond = total > c->wire ? total - c->wire : 0;
    if (total > 0) cursor_trim(c, total);
    c->out->wire_bytes = (uint32_t)c->wire;
}

/* The cursor is at a fragment's bytes; the fragment table takes it from here. */
static layer stop_fragment(cursor *c, uint32_t id, uint32_t offset, bool more)
{
    size_t wire = c->wire + c->beyond;
    if (wire == 0 || offset + wire > DATAGRAM_MAX || (more && wire % 8 != 0)) return cursor_stop(c, TL_SEG_MALFORMED);
    c->fragment = (fragment_header){.id = id, .offset = offset, .wire = (uint32_t)wire, .more = more, .version = c->version};
    return cursor_stop(c, TL_SEG_FRAGMENT);
}

static void set_ipv4(tl_addr *a, const uint8_t *p)
{
    memset(a->ip, 0, 10);
    a->ip[10] = a->ip[11] = 0xff;
    memcpy(a->ip + 12, p, 4);
}

layer tl_ip_v4(cursor *c)
{
    if (!cursor_need(c, V4_BYTES)) return LAYER_STOP;
    const uint8_t *p = c->p;
    if (p[0] >> 4 == 6) return LAYER_IPV6; /* announced as IPv4 by a careless sender */
    size_t header = (size_t)(p[0] & 15) * 4, total = tl_be16(p + 2);
    if (p[0] >> 4 != 4 || header < V4_BYTES || (total > 0 && total < header)) return cursor_stop(c, TL_SEG_MALFORMED);
    begin_datagram(c, 4, total);
    if (!cursor_need(c, header)) return LAYER_STOP;
    set_ipv4(&c->out->src, p + 12);
    set_ipv4(&c->out->dst, p + 16);
    unsigned flags = tl_be16(p + 6);
    layer next = cursor_protocol(c, header, p[9]);
    if (flags & 0x3fff) return stop_fragment(c, tl_be16(p + 4), (flags & 0x1fff) * 8, (flags & 0x2000) != 0);
    return next;
}

layer tl_ip_v6(cursor *c)
{
    if (!cursor_need(c, V6_BYTES)) return LAYER_STOP;
    const uint8_t *p = c->p;
    if (p[0] >> 4 != 6) return cursor_stop(c, TL_SEG_MALFORMED);
    size_t payload = tl_be16(p + 4);
    begin_datagram(c, 6, payload > 0 ? V6_BYTES + payload : 0);
    memcpy(c->out->src.ip, p + 8, 16);
    memcpy(c->out->dst.ip, p + 24, 16);
    return cursor_protocol(c, V6_BYTES, p[6]);
}

layer tl_ip_protocol(cursor *c)
{
    switch (c->type) {
    case IP_TCP: return LAYER_TCP;
    case IP_UDP: return LAYER_UDP;
    case IP_IPV4:
    case IP_IPV6:
    case IP_IPIP: return cursor_push(c, TL_LAYER_IP, c->version) ? LAYER_IP : LAYER_STOP;
    case IP_GRE: return LAYER_GRE;
    case IP_AH: return LAYER_AH;
    case IP_ESP:
    case IP_IPCOMP: return cursor_stop(c, TL_SEG_ENCRYPTED);
    case IP_ETHERIP: return LAYER_ETHERIP;
    case IP_L2TP: return LAYER_L2TPV3;
    case IP_MPLS: return LAYER_MPLS;
    case IP_ETHERNET: return cursor_push(c, TL_LAYER_ETHERNET, 0) ? LAYER_ETHERNET : LAYER_STOP;
    default: break;
    }
    if (c->version == 6) {
        switch (c->type) {
        case IP_HOP_BY_HOP:
        case IP_ROUTING:
        case IP_DESTINATION:
        case IP_MOBILITY:
        case IP_HIP:
        case IP_SHIM6: return LAYER_IPV6_OPTIONS;
        case IP_FRAGMENT: return LAYER_IPV6_FRAGMENT;
        default: break;
        }
    }
    return cursor_stop(c, TL_SEG_NOT_TCP);
}

/* All extension headers of RFC 8200's shape: next header, length in 8 bytes without the first 8. */
layer tl_ip_options(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    size_t header = ((size_t)c->p[1] + 1) * 8;
    if (!cursor_need(c, header)) return LAYER_STOP;
    /* Segments left: the checksum covers the last address of the route (RFC 8200 section 8.1). */
    if (c->type == IP_ROUTING && c->p[3] > 0) c->routed = true;
    return cursor_protocol(c, header, c->p[0]);
}

layer tl_ip_fragment(cursor *c)
{
    if (!cursor_need(c, FRAGMENT_BYTES)) return LAYER_STOP;
    const uint8_t *p = c->p;
    uint32_t offset = tl_be16(p + 2) & 0xfff8u;
    bool more = (p[3] & 1) != 0;
    layer next = cursor_protocol(c, FRAGMENT_BYTES, p[0]);
    /* An atomic fragment is a whole datagram (RFC 6946). */
    if (offset == 0 && !more) return next;
    return stop_fragment(c, tl_be32(p + 4), offset, more);
}

layer tl_ip_ah(cursor *c)
{
    if (!cursor_need(c, 12)) return LAYER_STOP;
    size_t header = ((size_t)c->p[1] + 2) * 4;
    if (header < 12) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_AH, tl_be32(c->p + 4))) return LAYER_STOP;
    return cursor_protocol(c, header, c->p[0]);
}
