/*
** label.c - what lies between a link layer and IP: Ethernet types, VLAN tags, MPLS, PPPoE, PPP, and the tags of providers and fabrics.
*/
#include "packet/layer.h"

enum {
    TYPE_LENGTH_MAX = 1500, /* IEEE 802.3: up to here the field is a length */
    TYPE_IPV4 = 0x0800,
    TYPE_TRILL = 0x22f3,
    TYPE_BRIDGED = 0x6558, /* transparent Ethernet bridging (GRE, Geneve) */
    TYPE_VLAN = 0x8100,
    TYPE_IPV6 = 0x86dd,
    TYPE_PPP = 0x880b,
    TYPE_MPLS = 0x8847,
    TYPE_MPLS_MULTICAST = 0x8848,
    TYPE_PPPOE = 0x8864,
    TYPE_JUMBO_LLC = 0x8870,
    TYPE_VLAN_PROVIDER = 0x88a8,
    TYPE_MACSEC = 0x88e5,
    TYPE_BACKBONE = 0x88e7,
    TYPE_CISCO_META = 0x8909,
    TYPE_VN_TAG = 0x8926,
    TYPE_HSR = 0x892f,   /* ring redundancy (IEC 62439-3) */
    TYPE_E_TAG = 0x893f, /* bridge port extension (802.1BR) */
    TYPE_NSH = 0x894f,
    TYPE_VLAN_OLD = 0x9100,
    TYPE_VLAN_OLDER = 0x9200,
    TYPE_R_TAG = 0xf1c1 /* frame replication (802.1CB) */
};

/* MACsec (IEEE 802.1AE): readable only where it protects integrity alone; then a type follows, and 16 bytes of check value end it. */
static layer macsec(cursor *c)
{
    enum { HAS_SCI = 0x20, ENCRYPTED = 0x08, CHANGED = 0x04, ICV_BYTES = 16 };
    if (!cursor_need(c, 6)) return LAYER_STOP;
    if (c->p[0] & (ENCRYPTED | CHANGED)) return cursor_stop(c, TL_SEG_ENCRYPTED);
    size_t header = c->p[0] & HAS_SCI ? 14 : 6;
    if (!cursor_need(c, header + 2)) return LAYER_STOP;
    if (c->wire < header + 2 + ICV_BYTES) return cursor_stop(c, TL_SEG_MALFORMED);
    cursor_trim(c, c->wire - ICV_BYTES);
    return cursor_ethertype(c, header + 2, tl_be16(c->p + header));
}

/* Network service header (RFC 8300). */
static layer nsh(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = (size_t)(p[1] & 0x3f) * 4;
    if (p[0] >> 6 != 0 || header < 8) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_NSH, tl_be32(p + 4))) return LAYER_STOP;
    switch (p[3]) {
    case 1:
    case 2: return cursor_to(c, header, LAYER_IP);
    case 3: return cursor_to(c, header, LAYER_ETHERNET);
    case 4: return cursor_ethertype(c, header, TYPE_NSH);
    case 5: return cursor_to(c, header, LAYER_MPLS);
    default: return cursor_stop(c, TL_SEG_NOT_IP);
    }
}

/* A whole Ethernet frame behind a header. */
static layer ethernet_behind(cursor *c, size_t header, uint32_t id)
{
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_ETHERNET, id)) return LAYER_STOP;
    return cursor_to(c, header, LAYER_ETHERNET);
}

/* A tag that ends with the type of what follows. */
static layer skip_tag(cursor *c, size_t header)
{
    if (!cursor_need(c, header)) return LAYER_STOP;
    return cursor_ethertype(c, header, tl_be16(c->p + header - 2));
}

layer tl_label_ethertype(cursor *c)
{
    if (c->type <= TYPE_LENGTH_MAX) {
        cursor_trim(c, c->type);
        return LAYER_LLC;
    }
    switch (c->type) {
    case TYPE_IPV4: return LAYER_IPV4;
    case TYPE_IPV6: return LAYER_IPV6;
    case TYPE_VLAN:
    case TYPE_VLAN_PROVIDER:
    case TYPE_VLAN_OLD:
    case TYPE_VLAN_OLDER: return LAYER_VLAN;
    case TYPE_MPLS:
    case TYPE_MPLS_MULTICAST: return LAYER_MPLS;
    case TYPE_PPPOE: return LAYER_PPPOE;
    case TYPE_PPP: return LAYER_PPP;
    case TYPE_BRIDGED: return LAYER_ETHERNET;
    case TYPE_JUMBO_LLC: return LAYER_LLC;
    case TYPE_NSH: return nsh(c);
    case TYPE_MACSEC: return macsec(c);
    case TYPE_BACKBONE: /* 802.1ah: flags and a 24-bit service id */
        if (!cursor_need(c, 4)) return LAYER_STOP;
        return ethernet_behind(c, 4, tl_be24(c->p + 1));
    case TYPE_TRILL: /* RFC 6325 section 3: options are counted in 4 bytes, five bits over two bytes */
        if (!cursor_need(c, 6)) return LAYER_STOP;
        return ethernet_behind(c, 6 + (size_t)(tl_be16(c->p) >> 6 & 31) * 4, 0);
    case TYPE_VN_TAG:
    case TYPE_HSR:
    case TYPE_R_TAG: return skip_tag(c, 6);
    case TYPE_E_TAG:
    case TYPE_CISCO_META: return skip_tag(c, 8);
    default: return cursor_stop(c, TL_SEG_NOT_IP);
    }
}

layer tl_label_vlan(cursor *c)
{
    if (!cursor_need(c, 4) || !cursor_push(c, TL_LAYER_VLAN, tl_be16(c->p) & 0xfff)) return LAYER_STOP;
    return cursor_ethertype(c, 4, tl_be16(c->p + 2));
}

bool tl_ethernet_plausible(const cursor *c, size_t at)
{
    if (c->n < at + ETHERNET_LOOK) return false;
    unsigned type = tl_be16(c->p + at + 12), version = c->p[at + 14] >> 4;
    return (type == TYPE_IPV4 && version == 4) || (type == TYPE_IPV6 && version == 6) || type == TYPE_VLAN || type == TYPE_VLAN_PROVIDER ||
           type == TYPE_MPLS || type == TYPE_PPPOE;
}

/* One label.  Behind the last one nothing says what follows (RFC 3032, RFC 4928): IP by its version, else a pseudo-wire's
** Ethernet frame, with or without a control word (RFC 4448). */
layer tl_label_mpls(cursor *c)
{
    if (!cursor_need(c, 4) || !cursor_push(c, TL_LAYER_MPLS, tl_be24(c->p) >> 4)) return LAYER_STOP;
    bool last = (c->p[2] & 1) != 0;
    cursor_skip(c, 4);
    if (!last) return LAYER_MPLS;
    if (cursor_cut(c, IP_LOOK) || !cursor_need(c, 1)) return LAYER_STOP;
    if (tl_ip_plausible(c, 0)) return LAYER_IP;
    if (c->p[0] >> 4 == 0 && tl_ethernet_plausible(c, 4)) return cursor_to(c, 4, LAYER_ETHERNET);
    if (tl_ethernet_plausible(c, 0)) return LAYER_ETHERNET;
    return LAYER_IP;
}

/* RFC 2516.  The length trims Ethernet padding. */
layer tl_label_pppoe(cursor *c)
{
    if (!cursor_need(c, 6)) return LAYER_STOP;
    const uint8_t *p = c->p;
    if (p[0] != 0x11) return cursor_stop(c, TL_SEG_MALFORMED);
    if (p[1] != 0) return cursor_stop(c, TL_SEG_NOT_IP); /* not session data */
    if (!cursor_push(c, TL_LAYER_PPPOE, tl_be16(p + 2))) return LAYER_STOP;
    size_t length = tl_be16(p + 4);
    cursor_skip(c, 6);
    cursor_trim(c, length);
    return LAYER_PPP;
}

/* Multilink (RFC 1990), long sequence numbers: only a datagram that is whole in one piece can be looked into. */
static layer multilink(cursor *c)
{
    enum { WHOLE = 0xc0 };
    if (!cursor_need(c, 4)) return LAYER_STOP;
    if ((c->p[0] & WHOLE) != WHOLE) return cursor_stop(c, TL_SEG_FRAGMENT);
    return cursor_to(c, 4, LAYER_PPP);
}

/* RFC 1661: address and control (FF 03) may be left out, and the protocol may be one byte (an odd one). */
layer tl_label_ppp(cursor *c)
{
    enum {
        PPP_IPV4 = 0x0021,
        PPP_BRIDGED = 0x0031,
        PPP_MULTILINK = 0x003d,
        PPP_ENCRYPTED_LINK = 0x0055,
        PPP_ENCRYPTED = 0x0053,
        PPP_IPV6 = 0x0057,
        PPP_COMPRESSED_LINK = 0x00fb,
        PPP_COMPRESSED = 0x00fd,
        PPP_MPLS = 0x0281,
        PPP_MPLS_MULTICAST = 0x0283
    };
    if (cursor_cut(c, 2) || !cursor_need(c, 1)) return LAYER_STOP;
    if (c->n >= 2 && c->p[0] == 0xff && c->p[1] == 0x03) cursor_skip(c, 2);
    if (!cursor_need(c, 1)) return LAYER_STOP;
    size_t header = c->p[0] & 1 ? 1 : 2;
    if (!cursor_need(c, header)) return LAYER_STOP;
    unsigned protocol = header == 1 ? c->p[0] : tl_be16(c->p);
    cursor_skip(c, header);
    switch (protocol) {
    case PPP_IPV4: return LAYER_IPV4;
    case PPP_IPV6: return LAYER_IPV6;
    case PPP_MPLS:
    case PPP_MPLS_MULTICAST: return LAYER_MPLS;
    case PPP_MULTILINK: return multilink(c);
    case PPP_BRIDGED: /* RFC 3518: flags, MAC type 1 is Ethernet */
        if (!cursor_need(c, 2)) return LAYER_STOP;
        return c->p[1] == 1 ? cursor_to(c, 2, LAYER_ETHERNET) : cursor_stop(c, TL_SEG_NOT_IP);
    case PPP_ENCRYPTED:
    case PPP_ENCRYPTED_LINK:
    case PPP_COMPRESSED: /* MPPE (RFC 3078) uses the number of compression */
    case PPP_COMPRESSED_LINK: return cursor_stop(c, TL_SEG_ENCRYPTED);
    default: return cursor_stop(c, TL_SEG_NOT_IP);
    }
}
