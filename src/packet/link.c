/*
** link.c - link layers of a capture file: from the first byte of a frame to an Ethernet type or to IP.
**
** Formats: www.tcpdump.org/linktypes.html.  Where a header is in the byte order of the machine that captured (NULL, ENC, NFLOG), both
** orders are told apart by their values, as the file's own order need not be that of the machine.
*/
#include "packet/layer.h"
#include "packet/link_types.h"

/* Address families: AF_INET is 2 everywhere, AF_INET6 is 10 on Linux, 24, 28 and 30 on the BSDs and macOS. */
static layer family(cursor *c, size_t header, uint32_t af)
{
    cursor_skip(c, header);
    switch (af) {
    case 2: return LAYER_IPV4;
    case 10:
    case 24:
    case 28:
    case 30: return LAYER_IPV6;
    default: break;
    }
    /* Some writers put an Ethernet type there. */
    if (af > 1500 && af <= 0xffff) return cursor_ethertype(c, 0, af);
    return cursor_stop(c, TL_SEG_NOT_IP);
}

/* The family in the first four bytes, in either byte order. */
static layer null_loop(cursor *c, size_t header)
{
    if (!cursor_need(c, header)) return LAYER_STOP;
    uint32_t be = tl_be32(c->p), le = tl_le32(c->p);
    return family(c, header, be < le ? be : le);
}

/* Linux cooked capture: `protocol` is an Ethernet type, or one of Linux's own small numbers (linux/if_ether.h). */
static layer cooked(cursor *c, size_t header, uint32_t hardware, uint32_t protocol)
{
    enum { ETH_P_ETHERNET = 3, ETH_P_802_2 = 4, ETH_P_PPP_HDLC = 7 };
    enum { HARDWARE_RADIOTAP = 803 };
    if (hardware == HARDWARE_RADIOTAP) return cursor_to(c, header, LAYER_RADIOTAP);
    switch (protocol) {
    case ETH_P_ETHERNET: return cursor_to(c, header, LAYER_ETHERNET);
    case ETH_P_802_2: return cursor_to(c, header, LAYER_LLC);
    case ETH_P_PPP_HDLC: return cursor_to(c, header, LAYER_PPP);
    default: break;
    }
    if (protocol <= 1500) return cursor_stop(c, TL_SEG_NOT_IP);
    return cursor_ethertype(c, header, protocol);
}

/* Netfilter log: a header, then type-length-value records in the byte order of the machine that captured; type 9 is the packet. */
static layer nflog(cursor *c)
{
    enum { PAYLOAD = 9 };
    if (!cursor_need(c, 4)) return LAYER_STOP;
    uint32_t af = c->p[0];
    if (c->p[1] != 0) return cursor_stop(c, TL_SEG_MALFORMED);
    cursor_skip(c, 4);
    while (cursor_need(c, 4)) {
        uint32_t length = tl_le16(c->p), type = tl_le16(c->p + 2);
        if (type > 0xff) { /* known types are small: the other byte order */
            length = tl_be16(c->p);
            type = tl_be16(c->p + 2);
        }
        if (length < 4) return cursor_stop(c, TL_SEG_MALFORMED);
        if (type == PAYLOAD) {
            cursor_trim(c, length);
            return family(c, 4, af);
        }
        length = (length + 3) & ~3u;
        if (!cursor_need(c, length)) break;
        cursor_skip(c, length);
    }
    return LAYER_STOP;
}

/* Per-packet information: a little-endian length and the link type of what follows it. */
static layer ppi(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    size_t header = tl_le16(c->p + 2);
    uint32_t inner = tl_le32(c->p + 4);
    if (header < 8 || inner == LINK_PPI) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header)) return LAYER_STOP;
    c->type = inner;
    return cursor_to(c, header, LAYER_LINK);
}

/* macOS: little-endian length and link type of what follows, then the interface and the process. */
static layer pktap(cursor *c)
{
    if (!cursor_need(c, 12)) return LAYER_STOP;
    size_t header = tl_le32(c->p);
    uint32_t inner = tl_le32(c->p + 8);
    if (header < 12 || inner == LINK_PKTAP) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header)) return LAYER_STOP;
    c->type = inner;
    return cursor_to(c, header, LAYER_LINK);
}

/* Endace: a record header of 16 bytes, extension headers of 8 while bit 7 says so, for Ethernet two bytes of offset and padding. */
static layer endace(cursor *c)
{
    enum { ERF_ETHERNET = 2, ERF_COLOR_ETHERNET = 11, ERF_DSM_ETHERNET = 16, MORE = 0x80 };
    size_t at = 16;
    if (!cursor_need(c, at)) return LAYER_STOP;
    unsigned type = c->p[8] & 0x7f;
    for (bool more = (c->p[8] & MORE) != 0; more; at += 8) {
        if (!cursor_need(c, at + 8)) return LAYER_STOP;
        more = (c->p[at] & MORE) != 0;
    }
    if (type != ERF_ETHERNET && type != ERF_COLOR_ETHERNET && type != ERF_DSM_ETHERNET) return cursor_stop(c, TL_SEG_LINKTYPE);
    if (!cursor_need(c, at + 2)) return LAYER_STOP;
    return cursor_to(c, at + 2, LAYER_ETHERNET);
}

/* Juniper's cookie "MGC", flags, and extensions with a length of their own. */
static layer juniper_ethernet(cursor *c)
{
    enum { NO_LINK_HEADER = 0x02, EXTENSIONS = 0x80 };
    if (!cursor_need(c, 6)) return LAYER_STOP;
    if (tl_be24(c->p) != 0x4d4743) return cursor_stop(c, TL_SEG_MALFORMED);
    unsigned flags = c->p[3];
    size_t header = flags & EXTENSIONS ? 6 + (size_t)tl_be16(c->p + 4) : 4;
    if (flags & NO_LINK_HEADER) header += 4; /* a protocol number */
    if (!cursor_need(c, header)) return LAYER_STOP;
    return cursor_to(c, header, flags & NO_LINK_HEADER ? LAYER_IP : LAYER_ETHERNET);
}

/* Cisco HDLC: address, control, Ethernet type. */
static layer c_hdlc(cursor *c)
{
    if (!cursor_need(c, 4)) return LAYER_STOP;
    return cursor_ethertype(c, 4, tl_be16(c->p + 2));
}

/* PPP in HDLC framing; Cisco's framing is told by its address byte (RFC 1547 section 4.3.1). */
static layer ppp_serial(cursor *c)
{
    if (!cursor_need(c, 2)) return LAYER_STOP;
    return (c->p[0] == 0x0f || c->p[0] == 0x8f) && c->p[1] == 0 ? c_hdlc(c) : LAYER_PPP;
}

/* A network layer protocol id (RFC 2427 section 4, ISO/IEC TR 9577) at this place. */
static layer nlpid(cursor *c, size_t at)
{
    enum { NLPID_SNAP = 0x80, NLPID_IPV6 = 0x8e, NLPID_IPV4 = 0xcc, NLPID_PPP = 0xcf };
    if (!cursor_need(c, at + 1)) return LAYER_STOP;
    switch (c->p[at++]) {
    case NLPID_IPV4: return cursor_to(c, at, LAYER_IPV4);
    case NLPID_IPV6: return cursor_to(c, at, LAYER_IPV6);
    case NLPID_PPP: return cursor_to(c, at, LAYER_PPP);
    case NLPID_SNAP:
        if (!cursor_need(c, at + 5)) return LAYER_STOP;
        return cursor_ethertype(c, at + 5, tl_be16(c->p + at + 3));
    default: return cursor_stop(c, TL_SEG_NOT_IP);
    }
}

/* Frame relay: a Q.922 address that ends at a byte with bit 0 set, then RFC 2427 (control and NLPID) or Cisco's Ethernet type. */
static layer frame_relay(cursor *c)
{
    size_t at = 0;
    do {
        if (!cursor_need(c, at + 1)) return LAYER_STOP;
    } while (!(c->p[at++] & 1) && at < 4);
    if (!cursor_need(c, at + 3)) return LAYER_STOP;
    if (c->p[at] != 3) return cursor_ethertype(c, at + 2, tl_be16(c->p + at));
    at++;
    if (c->p[at] == 0) at++;
    return nlpid(c, at);
}

/* OpenBSD's packet filter log: length, family, ...; padded to four bytes. */
static layer pflog(cursor *c)
{
    if (!cursor_need(c, 4)) return LAYER_STOP;
    size_t header = ((size_t)c->p[0] + 3) & ~(size_t)3;
    uint32_t af = c->p[1];
    if (header < 4) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header)) return LAYER_STOP;
    return family(c, header, af);
}

/* Access control, frame control, two addresses, and a source route when the source address says so (IEEE 802.5). */
static layer token_ring(cursor *c)
{
    size_t header = 14;
    if (!cursor_need(c, header)) return LAYER_STOP;
    if (c->p[8] & 0x80) {
        if (!cursor_need(c, header + 2)) return LAYER_STOP;
        header += c->p[14] & 0x1f;
    }
    if (!cursor_need(c, header)) return LAYER_STOP;
    return cursor_to(c, header, LAYER_LLC);
}

/* A header of fixed length in front of something that we know. */
static layer behind(cursor *c, size_t header, layer next)
{
    if (!cursor_need(c, header)) return LAYER_STOP;
    return cursor_to(c, header, next);
}

layer tl_link_dispatch(cursor *c)
{
    enum { SLL_BYTES = 16, SLL2_BYTES = 20 };
    switch (c->type) {
    case LINK_ETHERNET: return LAYER_ETHERNET;
    case LINK_NULL:
    case LINK_LOOP: return null_loop(c, 4);
    case LINK_ENC: return null_loop(c, 12);
    case LINK_RAW:
    case LINK_RAW_OPENBSD:
    case LINK_RAW_FILE:
    case LINK_IPV4:
    case LINK_IPV6: return LAYER_IP;
    case LINK_LINUX_SLL:
        if (!cursor_need(c, SLL_BYTES)) return LAYER_STOP;
        return cooked(c, SLL_BYTES, tl_be16(c->p + 2), tl_be16(c->p + 14));
    case LINK_LINUX_SLL2:
        if (!cursor_need(c, SLL2_BYTES)) return LAYER_STOP;
        return cooked(c, SLL2_BYTES, tl_be16(c->p + 8), tl_be16(c->p));
    case LINK_PPP:
    case LINK_PPP_SERIAL: return ppp_serial(c);
    case LINK_PPP_ETHER: return LAYER_PPPOE;
    case LINK_PPP_WITH_DIR: return behind(c, 1, LAYER_PPP);
    case LINK_PPP_PPPD: return behind(c, 2, LAYER_PPP); /* direction in place of the address, control */
    case LINK_C_HDLC: return c_hdlc(c);
    case LINK_FRELAY: return frame_relay(c);
    case LINK_IEEE802_11: return LAYER_WLAN;
    case LINK_RADIOTAP: return LAYER_RADIOTAP;
    case LINK_PRISM:
    case LINK_AVS: return LAYER_PRISM;
    case LINK_PPI: return ppi(c);
    case LINK_NFLOG: return nflog(c);
    case LINK_PKTAP: return pktap(c);
    case LINK_ERF: return endace(c);
    case LINK_JUNIPER_ETHERNET: return juniper_ethernet(c);
    case LINK_SUNATM: return behind(c, 4, LAYER_LLC);
    case LINK_IEEE1394:
        if (!cursor_need(c, 18)) return LAYER_STOP;
        return cursor_ethertype(c, 18, tl_be16(c->p + 16));
    case LINK_PFLOG: return pflog(c);
    case LINK_TOKEN_RING: return token_ring(c);
    case LINK_FDDI: return behind(c, 13, LAYER_LLC);
    case LINK_IP_OVER_FC: return behind(c, 16, LAYER_LLC);
    case LINK_ATM_RFC1483: return LAYER_LLC;
    case LINK_NETANALYZER: return behind(c, 4, LAYER_ETHERNET);
    default: return cursor_stop(c, TL_SEG_LINKTYPE);
    }
}

/* Cisco's inter-switch link: a multicast address of its own, 26 bytes with a VLAN id (15 bits), then the whole Ethernet frame. */
static layer isl(cursor *c)
{
    if (!cursor_need(c, 26) || !cursor_push(c, TL_LAYER_VLAN, tl_be16(c->p + 20) >> 1)) return LAYER_STOP;
    return cursor_to(c, 26, LAYER_ETHERNET);
}

layer tl_link_ethernet(cursor *c)
{
    if (!cursor_need(c, 14)) return LAYER_STOP;
    if (c->n >= 17 && (tl_be32(c->p) == 0x01000c00 || tl_be32(c->p) == 0x03000c00) && c->p[4] == 0 && tl_be24(c->p + 14) == 0xaaaa03)
        return isl(c);
    return cursor_ethertype(c, 14, tl_be16(c->p + 12));
}

/* IEEE 802.2, with SNAP (RFC 1042).  Everything that is not IP inside is just not IP, however short. */
layer tl_link_llc(cursor *c)
{
    enum { LSAP_IP = 0x06, LSAP_SNAP = 0xaa, LSAP_OSI = 0xfe, OUI_BRIDGED = 0x0080c2, OUI_APPLE_TUNNEL = 0x0000f8 };
    if (c->wire < 3) return cursor_stop(c, TL_SEG_NOT_IP);
    if (!cursor_need(c, 3)) return LAYER_STOP;
    const uint8_t *p = c->p;
    if ((p[2] & 3) != 3) return cursor_stop(c, TL_SEG_NOT_IP); /* only unnumbered frames carry datagrams */
    if (p[0] == LSAP_OSI && p[1] == LSAP_OSI) return nlpid(c, 3);
    if (p[0] == LSAP_IP && p[1] == LSAP_IP) return cursor_to(c, 3, LAYER_IP);
    if (p[0] != LSAP_SNAP || p[1] != LSAP_SNAP) return cursor_stop(c, TL_SEG_NOT_IP);
    if (!cursor_need(c, 8)) return LAYER_STOP;
    uint32_t oui = tl_be24(p + 3), pid = tl_be16(p + 6);
    if (oui == OUI_BRIDGED) {
        /* RFC 2684 section 5.2: bridged Ethernet, with and without FCS; two bytes of padding on ATM. */
        if (pid != 1 && pid != 7) return cursor_stop(c, TL_SEG_NOT_IP);
        return behind(c, 10, LAYER_ETHERNET);
    }
    if (oui != 0 && oui != OUI_APPLE_TUNNEL) return cursor_stop(c, TL_SEG_NOT_IP);
    if (pid <= 1500) return cursor_stop(c, TL_SEG_NOT_IP);
    return cursor_ethertype(c, 8, pid);
}
