/*
** tpkt.h - TPKT (RFC 1006 section 6) around class 0 of COTP (ISO 8073, X.224): what S7comm, RDP and others are wrapped in.
**
**     03 00  length of all, 2 bytes, big-endian    indicator length, TPDU code, ...    user data
**
** A head of TPKT_LOOK bytes tells what it is; nothing behind it is looked at here but by tl_tpkt_read().
*/
#ifndef TL_TPKT_H
#define TL_TPKT_H

#include "message/protocol/binary.h"

enum {
    TPKT_LOOK = 7, /* no TPDU is shorter */
    COTP_CR = 0xe0,
    COTP_CC = 0xd0,
    COTP_DR = 0x80,
    COTP_DT = 0xf0,
    COTP_ED = 0x10,
    COTP_ER = 0x70
};

typedef struct tl_tpdu {
    unsigned code;      /* COTP_... */
    bool last;          /* DT: the end of what the user sends */
    uint16_t to, from;  /* CR, CC, DR: references */
    tl_span parameters; /* CR, CC: behind the fixed part */
    tl_span user;       /* behind the TPDU's header */
} tl_tpdu;

/* May a frame begin with these bytes, as far as they go (TPKT_LOOK of them are looked at)? */
static inline bool tl_tpkt_begins(tl_span b)
{
    if ((b.n >= 1 && b.p[0] != 3) || (b.n >= 2 && b.p[1] != 0)) return false;
    if (b.n < TPKT_LOOK) return true;
    unsigned length = tl_be16(b.p + 2), indicator = b.p[4];
    if (length < TPKT_LOOK || indicator + 5 > length) return false;
    switch (b.p[5]) {
    case COTP_DT:
    case COTP_ED: return indicator == 2 && (b.p[6] & 0x7f) == 0;
    case COTP_CR: return indicator >= 6 && indicator + 5 == length && b.p[6] == 0;
    case COTP_CC:
    case COTP_DR: return indicator >= 6 && indicator + 5 == length;
    case COTP_ER: return indicator >= 4 && indicator + 5 == length;
    default: return false;
    }
}

/* The frame that begins with b, which holds TPKT_LOOK bytes and passed tl_tpkt_begins(), as far as it is there. */
static inline tl_tpdu tl_tpkt_read(tl_span b)
{
    size_t length = tl_be16(b.p + 2), header = 5u + b.p[4];
    tl_tpdu t = {.code = b.p[5], .last = (b.p[6] & 0x80) != 0};
    tl_span rest = tl_span_of(b.p, b.n < length ? b.n : length), fixed = tl_take(&rest, header < b.n ? header : b.n);
    t.user = rest;
    if (t.code != COTP_DT && t.code != COTP_ED && t.code != COTP_ER) {
        (void)tl_take(&fixed, 6);
        t.to = (uint16_t)tl_take_be(&fixed, 2);
        t.from = (uint16_t)tl_take_be(&fixed, 2);
        (void)tl_take(&fixed, 1);
        t.parameters = fixed;
    }
    return t;
}

/* Where the TPDUs of a picked-up session lead: the first one of user data among the first few.  TL_YES: *user is what is there of it;
** TL_MAYBE: the bytes end before it; TL_NO: this is no TPKT. */
static inline tl_match tl_tpkt_first_user_data(tl_span b, tl_span *user)
{
    for (int i = 0; i < 4; i++) {
        if (!tl_tpkt_begins(b)) return TL_NO;
        if (b.n < TPKT_LOOK) return TL_MAYBE;
        *user = tl_tpkt_read(b).user;
        if (b.p[5] == COTP_DT) return TL_YES;
        (void)tl_take(&b, tl_be16(b.p + 2));
    }
    return TL_NO;
}

#endif
