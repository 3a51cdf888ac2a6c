/*
** wireless.c - IEEE 802.11 data frames, with the headers that capturing drivers put in front: radiotap, Prism, AVS.
**
** Only data frames in the clear have an inside.  Of an aggregate (A-MSDU) the first subframe is read: a frame is at most one segment.
*/
#include "packet/layer.h"

enum { FCS_BYTES = 4 };

/* Radiotap (www.radiotap.org): little-endian; the flags field, if present, comes right behind the time stamp. */
layer tl_wireless_radiotap(cursor *c)
{
    enum { HAS_TSFT = 1, HAS_FLAGS = 2, HAS_MORE_WORDS = 0x80 };
    enum { FLAG_FCS = 0x10, FLAG_PADDED = 0x20 };
    if (!cursor_need(c, 8)) return LAYER_STOP;
    const uint8_t *p = c->p;
    size_t header = tl_le16(p + 2);
    if (p[0] != 0 || header < 8) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, header)) return LAYER_STOP;
    uint8_t flags = 0;
    if (p[4] & HAS_FLAGS) {
        size_t at = 8;
        for (size_t word = 4; p[word + 3] & HAS_MORE_WORDS && at + 4 <= header; word += 4) at += 4;
        if (p[4] & HAS_TSFT) at = ((at + 7) & ~(size_t)7) + 8; /* fields are aligned to their size */
        if (at < header) flags = p[at];
    }
    cursor_skip(c, header);
    if (flags & FLAG_FCS && c->wire >= FCS_BYTES) cursor_trim(c, c->wire - FCS_BYTES);
    c->padded = (flags & FLAG_PADDED) != 0;
    return LAYER_WLAN;
}

/* Prism: message code and length in the driver's byte order.  AVS comes under the same link type, told by its magic, big-endian. */
layer tl_wireless_prism(cursor *c)
{
    if (!cursor_need(c, 8)) return LAYER_STOP;
    uint32_t magic = tl_be32(c->p), length = tl_be32(c->p + 4);
    if ((magic & 0xfffff000u) != 0x80211000u) { /* the last digits are the version */
        uint32_t swapped = tl_le32(c->p + 4);
        if (swapped < length) length = swapped;
    }
    if (length < 8) return cursor_stop(c, TL_SEG_MALFORMED);
    if (!cursor_need(c, length)) return LAYER_STOP;
    return cursor_to(c, length, LAYER_WLAN);
}

/* IEEE 802.11-2020 section 9.2.4.1: the header's length follows from the frame control field. */
layer tl_wireless_frame(cursor *c)
{
    enum { TYPE_DATA = 2, SUBTYPE_NO_DATA = 4, SUBTYPE_QOS = 8 };
    enum { TO_AND_FROM_DS = 0x03, MORE_FRAGMENTS = 0x04, PROTECTED = 0x40, ORDER = 0x80 };
    enum { QOS_AMSDU = 0x80, AMSDU_BYTES = 14 };
    if (!cursor_need(c, 2)) return LAYER_STOP;
    unsigned type = c->p[0] >> 2 & 3, subtype = c->p[0] >> 4, flags = c->p[1];
    if (type != TYPE_DATA || subtype & SUBTYPE_NO_DATA) return cursor_stop(c, TL_SEG_NOT_IP);
    size_t header = 24, qos_at = 0;
    if ((flags & TO_AND_FROM_DS) == TO_AND_FROM_DS) header += 6;
    if (subtype & SUBTYPE_QOS) {
        qos_at = header;
        header += 2;
        if (flags & ORDER) header += 4; /* HT control */
    }
    if (c->padded) header = (header + 3) & ~(size_t)3;
    c->padded = false;
    if (!cursor_need(c, header)) return LAYER_STOP;
    if (flags & PROTECTED) return cursor_stop(c, TL_SEG_ENCRYPTED);
    if (flags & MORE_FRAGMENTS || c->p[22] & 15) return cursor_stop(c, TL_SEG_FRAGMENT);
    bool aggregate = qos_at > 0 && c->p[qos_at] & QOS_AMSDU;
    cursor_skip(c, header);
    if (aggregate) {
        if (!cursor_need(c, AMSDU_BYTES)) return LAYER_STOP;
        size_t length = tl_be16(c->p + 12);
        cursor_skip(c, AMSDU_BYTES);
        cursor_trim(c, length);
    }
    return LAYER_LLC;
}
