/*
** link_types.h - the link layers that we speak, by libpcap's DLT_* numbers (www.tcpdump.org/linktypes.html).
**
** libpcap's own header belongs to src/capture alone; these numbers are part of the file format and never change.  Where the number
** in a file differs from the one in memory (RAW), both are here.
*/
#ifndef TL_LINK_TYPES_H
#define TL_LINK_TYPES_H

enum {
    LINK_NULL = 0,
    LINK_ETHERNET = 1,
    LINK_TOKEN_RING = 6,
    LINK_PPP = 9,
    LINK_FDDI = 10,
    LINK_ATM_RFC1483 = 11,
    LINK_RAW = 12,
    LINK_RAW_OPENBSD = 14,
    LINK_PPP_SERIAL = 50,
    LINK_PPP_ETHER = 51,
    LINK_RAW_FILE = 101,
    LINK_C_HDLC = 104,
    LINK_IEEE802_11 = 105,
    LINK_FRELAY = 107,
    LINK_LOOP = 108,
    LINK_ENC = 109,
    LINK_LINUX_SLL = 113,
    LINK_PFLOG = 117,
    LINK_PRISM = 119,
    LINK_IP_OVER_FC = 122,
    LINK_SUNATM = 123,
    LINK_RADIOTAP = 127,
    LINK_IEEE1394 = 138,
    LINK_AVS = 163,
    LINK_PPP_PPPD = 166,
    LINK_JUNIPER_ETHERNET = 178,
    LINK_PPI = 192,
    LINK_ERF = 197,
    LINK_PPP_WITH_DIR = 204,
    LINK_IPV4 = 228,
    LINK_IPV6 = 229,
    LINK_NFLOG = 239,
    LINK_NETANALYZER = 240,
    LINK_PKTAP = 258,
    LINK_LINUX_SLL2 = 276
};

#endif
