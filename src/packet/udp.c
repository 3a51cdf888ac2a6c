/*
** udp.c - tunnels in UDP, told by their port (either side).  A port is only a guess: each header is checked for what its RFC fixes, and
** when it or anything behind it does not parse, the frame is plain UDP (TL_SEG_NOT_TCP; see decode.c).
*/
#include "packet/layer.h"

enum {
    PORT_L2TP = 1701,
    PORT_GTP_U = 2152,
    PORT_GTP_OLD = 3386,
    PORT_TEREDO = 3544,
    PORT_LISP = 4341,
    PORT_GRE = 4754,
    PORT_VXLAN = 4789,
    PORT_VXLAN_GPE = 4790,
    PORT_AYIYA = 5072,
    PORT_CAPWAP = 5247,
    PORT_GENEVE = 6081,
    PORT_MPLS = 6635,
    PORT_VXLAN_LINUX = 8472,
    PORT_TZSP = 37008
};

static layer plain(cursor *c)
{
    return cursor_stop(c, TL_SEG_NOT_TCP);
}

/* RFC 7348: the I flag must be set. */
static layer vxlan(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    if (!(c->p[0] & 0x08)) return plain(c);
    if (!cursor_push(c, TL_LAYER_VXLAN, tl_be24(c->p + 4))) return LAYER_STOP;
    return cursor_to(c, 8, LAYER_ETHERNET);
}

/* draft-ietf-nvo3-vxlan-gpe: version 0, flags I and P; byte 3 names what follows. */
static layer vxlan_gpe(cursor *c)
{
    enum { VERSION = 0x30, INSTANCE = 0x08, NEXT_PROTOCOL = 0x04 };
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    if (p[0] & VERSION || !(p[0] & INSTANCE)) return plain(c);
    if (!cursor_push(c, TL_LAYER_VXLAN, tl_be24(p + 4))) return LAYER_STOP;
    unsigned next = p[0] & NEXT_PROTOCOL ? p[3] : 3;
    switch (next) {
    case 1: return cursor_to(c, 8, LAYER_IPV4);
    case 2: return cursor_to(c, 8, LAYER_IPV6);
    case 3: return cursor_to(c, 8, LAYER_ETHERNET);
    case 4: return cursor_ethertype(c, 8, 0x894f);
    case 5: return cursor_to(c, 8, LAYER_MPLS);
    default: return plain(c);
    }
}

/* RFC 8926: version 0, options counted in four bytes, an Ethernet type. */
static layer geneve(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = 8 + (size_t)(p[0] & 0x3f) * 4;
    if (p[0] >> 6 != 0 || tl_be16(p + 2) <= 1500) return plain(c);
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_GENEVE, tl_be24(p + 4))) return LAYER_STOP;
    return cursor_ethertype(c, header, tl_be16(p + 2));
}

/* What a G-PDU carries is told by the tunnel's setup, which we have not seen: IP, PPP, or an Ethernet frame (TS 29.281). */
static layer gtp_inside(cursor *c)
{
    if (cursor_cut(c, 2) || !cursor_need(c, 1)) return LAYER_STOP;
    if (c->p[0] >> 4 == 4 || c->p[0] >> 4 == 6) return LAYER_IP;
    if (c->n >= 2 && c->p[0] == 0xff && c->p[1] == 0x03) return LAYER_PPP;
    if (cursor_cut(c, ETHERNET_LOOK)) return LAYER_STOP;
    return tl_ethernet_plausible(c, 0) ? LAYER_ETHERNET : plain(c);
}

/* GTP-U, version 1 (3GPP TS 29.281 section 5.1) and 0 (GSM 09.60 section 6).  Only message type 255 carries user data. */
static layer gtp(cursor *c)
{
    enum { PROTOCOL_GTP = 0x10, EXTENSION = 0x04, OPTIONAL_FIELDS = 0x07, G_PDU = 255 };
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    unsigned version = p[0] >> 5;
    size_t length = tl_be16(p + 2);
    if (version > 1 || !(p[0] & PROTOCOL_GTP) || p[1] != G_PDU) return plain(c);
    if (version == 0) {
        if (!cursor_need(c, 20)) return LAYER_STOP;
        if (length > c->wire - 20) return plain(c);
        if (!cursor_push(c, TL_LAYER_GTP, tl_be16(p + 6))) return LAYER_STOP; /* the flow label */
        cursor_skip(c, 20);
        cursor_trim(c, length);
        return gtp_inside(c);
    }
    if (length > c->wire - 8) return plain(c);
    if (!cursor_push(c, TL_LAYER_GTP, tl_be32(p + 4))) return LAYER_STOP;
    unsigned flags = p[0];
    cursor_skip(c, 8);
    cursor_trim(c, length);
    if (!(flags & OPTIONAL_FIELDS)) return gtp_inside(c);
    if (!cursor_need(c, 4)) return LAYER_STOP;
    unsigned next = flags & EXTENSION ? c->p[3] : 0;
    cursor_skip(c, 4);
    while (next != 0) {
        if (!cursor_need(c, 1)) return LAYER_STOP;
        size_t extension = (size_t)c->p[0] * 4;
        if (extension == 0) return plain(c);
        if (!cursor_need(c, extension)) return LAYER_STOP;
        next = c->p[extension - 1];
        cursor_skip(c, extension);
    }
    return gtp_inside(c);
}

/* RFC 4380 section 5.1.1: authentication and origin in front of an IPv6 header, or nothing. */
static layer teredo(cursor *c)
{
    if (!cursor_need(c, 2)) return LAYER_STOP;
    if (c->p[0] == 0 && c->p[1] == 1) {
        if (!cursor_need(c, 4)) return LAYER_STOP;
        size_t header = 4 + (size_t)c->p[2] + c->p[3] + 8 + 1; /* client id, value, nonce, confirmation */
        if (!cursor_need(c, header)) return LAYER_STOP;
        cursor_skip(c, header);
        if (!cursor_need(c, 2)) return LAYER_STOP;
    }
    if (c->p[0] == 0 && c->p[1] == 0) {
        if (!cursor_need(c, 8)) return LAYER_STOP;
        cursor_skip(c, 8);
    }
    if (!cursor_need(c, 1)) return LAYER_STOP;
    if (c->p[0] >> 4 != 6) return plain(c);
    return cursor_push(c, TL_LAYER_TEREDO, 0) ? LAYER_IPV6 : LAYER_STOP;
}

/* RFC 2661 section 3.1; version 3 (RFC 3931 section 4.1.2.1) has the session alone, as directly over IP. */
static layer l2tp(cursor *c)
{
    enum { CONTROL = 0x8000, LENGTH = 0x4000, SEQUENCE = 0x0800, OFFSET = 0x0200, VERSION = 0x000f };
    if (!cursor_need(c, 6)) return LAYER_STOP;
    unsigned flags = tl_be16(c->p);
    if (flags & CONTROL) return plain(c);
    if ((flags & VERSION) == 3) return cursor_to(c, 4, LAYER_L2TPV3);
    if ((flags & VERSION) != 2) return plain(c);
    size_t at = 2;
    if (flags & LENGTH) {
        size_t length = tl_be16(c->p + 2);
        if (length < 8 || length > c->wire) return plain(c);
        cursor_trim(c, length);
        at += 2;
    }
    if (!cursor_need(c, at + 4)) return LAYER_STOP;
    if (!cursor_push(c, TL_LAYER_L2TP, tl_be32(c->p + at))) return LAYER_STOP; /* tunnel << 16 | session */
    at += flags & SEQUENCE ? 8 : 4;
    if (flags & OFFSET) {
        if (!cursor_need(c, at + 2)) return LAYER_STOP;
        at += 2 + (size_t)tl_be16(c->p + at);
    }
    if (!cursor_need(c, at)) return LAYER_STOP;
    return cursor_to(c, at, LAYER_PPP);
}

/* RFC 9300 section 5.1: flags, nonce or versions, locators; then IP. */
static layer lisp(cursor *c)
{
    enum { INSTANCE = 0x08 };
    if (cursor_cut(c, 8 + IP_LOOK)) return LAYER_STOP;
    if (!tl_ip_plausible(c, 8)) return plain(c);
    uint32_t id = c->p[0] & INSTANCE ? tl_be24(c->p + 4) : 0;
    return cursor_push(c, TL_LAYER_LISP, id) ? cursor_to(c, 8, LAYER_IP) : LAYER_STOP;
}

/* TaZmen sniffer protocol: a mirrored frame behind tagged fields. */
static layer tzsp(cursor *c)
{
    enum { TAG_PADDING = 0, TAG_END = 1, CARRIES_ETHERNET = 1, CARRIES_WLAN = 18 };
    if (!cursor_need(c, 4)) return LAYER_STOP;
    unsigned carries = tl_be16(c->p + 2);
    if (c->p[0] != 1 || c->p[1] > 1) return plain(c);
    cursor_skip(c, 4);
    for (;;) {
        if (!cursor_need(c, 1)) return LAYER_STOP;
        unsigned tag = c->p[0];
        cursor_skip(c, 1);
        if (tag == TAG_END) break;
        if (tag == TAG_PADDING) continue;
        if (!cursor_need(c, 1) || !cursor_need(c, 1 + (size_t)c->p[0])) return LAYER_STOP;
        cursor_skip(c, 1 + (size_t)c->p[0]);
    }
    if (carries != CARRIES_ETHERNET && carries != CARRIES_WLAN) return plain(c);
    if (!cursor_push(c, TL_LAYER_ETHERNET, 0)) return LAYER_STOP;
    return carries == CARRIES_ETHERNET ? LAYER_ETHERNET : LAYER_WLAN;
}

/* RFC 5415 section 4.3: version and type 0 (not DTLS), five bits of header length in four bytes; 802.11 or, bit T clear, 802.3. */
static layer capwap(cursor *c)
{
    enum { FRAGMENT = 0x80, KEEP_ALIVE = 0x08 };
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = (size_t)(p[1] >> 3) * 4;
    if (p[0] == 1) return cursor_stop(c, TL_SEG_ENCRYPTED);
    if (p[0] != 0 || header < 8 || p[3] & KEEP_ALIVE) return plain(c);
    if (p[3] & FRAGMENT) return cursor_stop(c, TL_SEG_FRAGMENT);
    bool native = (p[2] & 1) != 0;
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_ETHERNET, 0)) return LAYER_STOP;
    return cursor_to(c, header, native ? LAYER_WLAN : LAYER_ETHERNET);
}

/* draft-massar-v6ops-ayiya: identity (a power of two), signature (counted in four bytes), then IP by protocol number. */
static layer ayiya(cursor *c)
{
    enum { FORWARD = 1, NEXT_IPV4 = 4, NEXT_IPV6 = 41 };
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = 8 + ((size_t)1 << (p[0] >> 4)) + (size_t)(p[1] >> 4) * 4;
    if ((p[2] & 15) != FORWARD || (p[3] != NEXT_IPV4 && p[3] != NEXT_IPV6)) return plain(c);
    if (!cursor_need(c, header) || !cursor_push(c, TL_LAYER_IP, c->version)) return LAYER_STOP;
    return cursor_to(c, header, LAYER_IP);
}

static layer by_port(cursor *c, unsigned port)
{
    switch (port) {
    case PORT_L2TP: return l2tp(c);
    case PORT_GTP_U:
    case PORT_GTP_OLD: return gtp(c);
    case PORT_TEREDO: return teredo(c);
    case PORT_LISP: return lisp(c);
    case PORT_GRE: return LAYER_GRE;
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX: return vxlan(c);
    case PORT_VXLAN_GPE: return vxlan_gpe(c);
    case PORT_AYIYA: return ayiya(c);
    case PORT_CAPWAP: return capwap(c);
    case PORT_GENEVE: return geneve(c);
    case PORT_MPLS: return LAYER_MPLS;
    case PORT_TZSP: return tzsp(c);
    default: return plain(c);
    }
}

static bool is_tunnel(unsigned port)
{
    switch (port) {
    case PORT_L2TP:
    case PORT_GTP_U:
    case PORT_GTP_OLD:
    case PORT_TEREDO:
    case PORT_LISP:
    case PORT_GRE:
    case PORT_VXLAN:
    case PORT_VXLAN_LINUX:
    case PORT_VXLAN_GPE:
    case PORT_AYIYA:
    case PORT_CAPWAP:
    case PORT_GENEVE:
    case PORT_MPLS:
    case PORT_TZSP: return true;
    default: return false;
    }
}

layer tl_udp(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    unsigned source = tl_be16(c->p), destination = tl_be16(c->p + 2);
    size_t length = tl_be16(c->p + 4);
    unsigned port = is_tunnel(destination) ? destination : source;
    if (!is_tunnel(port)) return plain(c);
    if (length != 0 && length < 8) return plain(c);
    if (length != 0) cursor_trim(c, length);
    c->guessed = true;
    cursor_skip(c, 8);
    return by_port(c, port);
}
