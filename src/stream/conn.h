/*
** conn.h - a session's life in Zeek's words: conn_state and history of conn.log.
**
** Source: Zeek's TCP_Endpoint.h, TCPSessionAdapter.cc (Update*State), scripts/base/protocols/conn/main.zeek (conn_state()).
** Sides are 0 and 1, the sender of the first segment being 0; who of them is the originator is told at each call.
*/
#ifndef TL_CONN_H
#define TL_CONN_H

#include "packet/segment.h"

typedef enum conn_endpoint {
    CONN_INACTIVE, /* nothing seen */
    CONN_SYN_SENT,
    CONN_SYN_ACK_SENT, /* SYN-ACK seen, no SYN */
    CONN_PARTIAL,      /* data without SYN */
    CONN_ESTABLISHED,
    CONN_CLOSED, /* FIN seen */
    CONN_RESET
} conn_endpoint;

enum { CONN_HISTORY_INLINE = 20, CONN_HISTORY_MAX = 250 };

typedef struct conn {
    uint8_t state[2], before[2]; /* conn_endpoint, and the one before it */
    uint8_t once[2];             /* letters given: bits of the four numbered kinds and of a, d, i, q */
    uint8_t history_n, history_room;
    uint32_t seq[2][4];                /* sequence number of the last s, h, f, r */
    uint32_t count[2][4];              /* of c, g, t, w: given at the 1st, 10th, 100th, ... */
    char history[CONN_HISTORY_INLINE]; /* upper case: side 0 */
    char *long_history;                /* owned; NULL while the inline one is enough */
} conn;

/* One segment of `side`; orig: the side that is the originator; advances: its end is beyond everything the side sent before.
** A failed allocation only stops the history from growing. */
void conn_segment(conn *c, int side, int orig, const tl_segment *seg, bool advances);
/* The peer acknowledged bytes of `side` that the capture does not hold. */
void conn_gap(conn *c, int side);
void conn_free(conn *c);

const char *conn_state(const conn *c, int orig, bool has_bytes); /* static text: "SF", ... */
/* The history with the originator in upper case, "^" in front where the originator is not side 0; into out[CONN_HISTORY_MAX + 2]. */
char *conn_history(const conn *c, int orig, char *out);

#endif
