/*
** adversary.h - captures that somebody made to make us slow, large or wrong, as frame sources: in memory for tests, and written to
** files by bench-adversary.  The same attack of the same size is the same frames, 1 us apart.
**
** Attacks on one stream begin with a handshake; then the client (10.0.0.1:40000) sends n segments to 10.0.0.2:80 and nobody ends the
** connection.  Knows nothing of the library but what a frame source is.
*/
#ifndef TL_ADVERSARY_H
#define TL_ADVERSARY_H

#include "capture/source.h"

typedef enum tl_attack {
    TL_ATTACK_IN_ORDER,       /* no attack: n segments of one byte, as a measure for the others */
    TL_ATTACK_DRIBBLE,        /* the same; the bytes are HTTP requests */
    TL_ATTACK_REVERSE,        /* n segments of one byte, the last one first */
    TL_ATTACK_EVERY_SECOND,   /* the odd bytes first, then the even ones */
    TL_ATTACK_RANDOM,         /* in random order */
    TL_ATTACK_STAIRCASE,      /* behind a hole that the last one fills: each of 8 bytes, one byte further than the one before */
    TL_ATTACK_HOLES,          /* n segments of one byte, each behind a hole of one byte */
    TL_ATTACK_ACKED_HOLES,    /* the same, and then n/2 acknowledgements, two holes each */
    TL_ATTACK_CONFLICTS,      /* n/2 segments of two bytes, each followed by another copy that says something else */
    TL_ATTACK_JUMPS,          /* in order, but every second segment is forged: somewhere within 2 GiB around */
    TL_ATTACK_FAR,            /* one byte, and then one at +2^31 - 1; n does not matter */
    TL_ATTACK_SYN_FLOOD,      /* n SYNs, each of another address and port */
    TL_ATTACK_COLLISIONS,     /* n SYNs between pairs of endpoints of which any unkeyed xor is the same */
    TL_ATTACK_TUPLES,         /* no attack: n SYNs between random pairs of endpoints, as a measure for COLLISIONS */
    TL_ATTACK_FRAGMENTS,      /* n first fragments of datagrams whose rest never comes */
    TL_ATTACK_TINY_FRAGMENTS, /* n fragments of 8 bytes, of datagrams of 1,024 bytes that lack the first fragment, the last one first */
    TL_ATTACKS
} tl_attack;

const char *tl_attack_name(tl_attack a); /* "in_order", ... */
/* false: no such name */
bool tl_attack_find(const char *name, tl_attack *out);
/* n: 1 to 2^30.  NULL: no memory. */
tl_source *tl_attack_open(tl_attack a, uint64_t n);

#endif
