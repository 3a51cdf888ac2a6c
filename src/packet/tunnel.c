/*
** tunnel.c - tunnels that have an IP protocol number of their own: GRE (RFC 2784, 2890, 1701; version 1: RFC 2637) with ERSPAN and
** what else it carries, L2TPv3 (RFC 3931), EtherIP (RFC 3378).
*/
#include "packet/layer.h"

enum {
    GRE_CHECKSUM = 0x8000,
    GRE_ROUTING = 0x4000,
    GRE_KEY = 0x2000,
    GRE_SEQUENCE = 0x1000,
    GRE_ACK = 0x0080, /* version 1 */
    GRE_VERSION = 0x0007
};

enum {
    GRE_ERSPAN_3 = 0x22eb,
    GRE_MIKROTIK = 0x6400,
    GRE_WLAN_FIRST = 0x8200, /* Aruba: 802.11 frames, the low byte numbers the port */
    GRE_WLAN_LAST = 0x83f0,
    GRE_WCCP = 0x883e,
    GRE_ERSPAN = 0x88be
};

/* Types II and III tell a session (10 bits); type I has no header of its own and is told by GRE's missing sequence number. */
static layer erspan(cursor *c, bool sequence)
{
    enum { VERSION_1 = 0, VERSION_2 = 1, VERSION_3 = 2, HAS_PLATFORM = 1 };
    if (!sequence) return cursor_push(c, TL_LAYER_ERSPAN, 0) ? LAYER_ETHERNET : LAYER_STOP;
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = 8;
    if (p[0] >> 4 == VERSION_3) {
        if (!cursor_need(c, 12)) return LAYER_STOP;
        header = p[11] & HAS_PLATFORM ? 20 : 12;
    } else if (p[0] >> 4 != VERSION_2) {
        return cursor_stop(c, p[0] >> 4 == VERSION_1 ? TL_SEG_NOT_IP : TL_SEG_MALFORMED);
    }
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_ERSPAN, tl_be16(p + 2) & 0x3ff)) return LAYER_STOP;
    return cursor_to(c, header, LAYER_ETHERNET);
}

/* WCCP's redirect header, four bytes, is there or not: an IP version tells. */
static layer wccp(cursor *c)
{
    if (cursor_cut(c, IP_LOOK) || !cursor_need(c, 4)) return LAYER_STOP;
    return tl_ip_plausible(c, 0) ? LAYER_IP : cursor_to(c, 4, LAYER_IP);
}

/* Source route entries (RFC 1701): family, offset, length; all zero ends them. */
static bool skip_routing(cursor *c)
{
    for (;;) {
        if (!cursor_need(c, 4)) return false;
        unsigned af = tl_be16(c->p);
        size_t length = c->p[3];
        cursor_skip(c, 4);
        if (af == 0 && length == 0) return true;
        if (!cursor_need(c, length)) return false;
        cursor_skip(c, length);
    }
}

static layer gre_inside(cursor *c, unsigned type, bool sequence)
{
    if (type == GRE_ERSPAN) return erspan(c, sequence);
    if (type == GRE_ERSPAN_3) return erspan(c, true);
    if (type == GRE_WCCP) return wccp(c);
    if (type >= GRE_WLAN_FIRST && type <= GRE_WLAN_LAST && (type & 15) == 0) return LAYER_WLAN;
    if (type <= 1500) return cursor_stop(c, TL_SEG_NOT_IP);
    return cursor_ethertype(c, 0, type);
}

layer tl_tunnel_gre(cursor *c)
{
    if (!cursor_need(c, 4)) return LAYER_STOP;
    unsigned flags = tl_be16(c->p), type = tl_be16(c->p + 2), version = flags & GRE_VERSION;
    if (version > 1) return cursor_stop(c, TL_SEG_MALFORMED);
    size_t header = 4, key_at = 0;
    if (version == 0 && flags & (GRE_CHECKSUM | GRE_ROUTING)) header += 4;
    if (flags & GRE_KEY) {
        key_at = header;
        header += 4;
    }
    if (flags & GRE_SEQUENCE) header += 4;
    if (version == 1 && flags & GRE_ACK && type != GRE_MIKROTIK) header += 4;
    if (!cursor_need(c, header)) return LAYER_STOP;
    /* Version 1 keys are a length and a call id. */
    uint32_t key = key_at == 0 ? 0 : version == 0 ? tl_be32(c->p + key_at) : tl_be16(c->p + key_at + 2);
    size_t length = key_at == 0 || version == 0 ? SIZE_MAX : tl_be16(c->p + key_at);
    if (!cursor_push(c, TL_LAYER_GRE, key)) return LAYER_STOP;
    cursor_skip(c, header);
    if (version == 0 && flags & GRE_ROUTING && !skip_routing(c)) return LAYER_STOP;
    cursor_trim(c, length);
    if (version == 1 && type == GRE_MIKROTIK) return LAYER_ETHERNET;
    if (c->wire == 0) return cursor_stop(c, TL_SEG_NOT_IP); /* an acknowledgement, a keep-alive */
    return gre_inside(c, type, (flags & GRE_SEQUENCE) != 0);
}

/* A data message says nothing of its cookie (0, 4 or 8 bytes) nor of its sublayer (0 or 4): the first place where an Ethernet
** or IP header makes sense is taken. */
layer tl_tunnel_l2tpv3(cursor *c)
{
    if (!cursor_need(c, 4)) return LAYER_STOP;
    uint32_t session = tl_be32(c->p);
    if (session == 0) return cursor_stop(c, TL_SEG_NOT_TCP); /* control */
    if (!cursor_push(c, TL_LAYER_L2TP, session)) return LAYER_STOP;
    cursor_skip(c, 4);
    if (cursor_cut(c, 12 + IP_LOOK)) return LAYER_STOP;
    for (size_t at = 0; at <= 12; at += 4)
        if (tl_ethernet_plausible(c, at)) return cursor_to(c, at, LAYER_ETHERNET);
    for (size_t at = 0; at <= 12; at += 4)
        if (tl_ip_plausible(c, at)) return cursor_to(c, at, LAYER_IP);
    return cursor_stop(c, TL_SEG_NOT_TCP);
}

layer tl_tunnel_etherip(cursor *c)
{
    if (!cursor_need(c, 2)) return LAYER_STOP;
    if (c->p[0] >> 4 != 3) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_push(c, TL_LAYER_ETHERNET, 0)) return LAYER_STOP;
    return cursor_to(c, 2, LAYER_ETHERNET);
}
