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

enum { CONN_HISTORY_INLINE = 14, CONN_HISTORY_MAX = 250 };

/* What a connection that was only begun does not need. */
typedef struct conn_more {
    uint32_t seq[2][4];   /* sequence number of the last s, h, f, r */
    uint32_t count[2][4]; /* of c, g, t, w: given at the 1st, 10th, 100th, ... */
    uint32_t room;
    char history[]; /* room for so many letters; upper case: side 0 */
} conn_more;

typedef struct conn {
    uint8_t state[2], before[2]; /* conn_endpoint, and the one before it */
    uint8_t once[2];             /* letters given: bits of the four numbered kinds and of a, d, i, q */
    uint8_t history_n;
    uint8_t kind[2];                   /* the numbered kind of each side whose sequence number is in `seq` */
    char history[CONN_HISTORY_INLINE]; /* while there is no `more` */
    uint32_t seq[2];                   /* likewise: of the only s, h, f or r so far */
    conn_more *more;                   /* owned; NULL: nothing of it needed so far */
} conn;

/* One segment of `side`; orig: the side that is the originator; advances: its end is beyond everything the side sent before.
** A failed allocation only stops the history from growing, and its numbers. */
void conn_segment(conn *c, int side, int orig, const tl_segment *seg, bool advances);
/* The peer acknowledged bytes of `side` that the capture does not hold. */
void conn_gap(conn *c, int side);
void conn_free(conn *c);

/* What it costs beside itself. */
size_t conn_cost(const conn *c);
/* Makes room for a history of n letters.  false: no memory, nothing changed. */
bool conn_room(conn *c, size_t n);
/* The sequence number of the last s, h, f, r of a side (0 where there was none), and the number of c, g, t, w. */
uint32_t conn_seq(const conn *c, int side, int kind);
uint32_t conn_count(const conn *c, int side, int kind);
/* The letters as they are kept. */
const char *conn_letters(const conn *c);

const char *conn_state(const conn *c, int orig, bool has_bytes); /* static text: "SF", ... */
/* The history with the originator in upper case, "^" in front where the originator is not side 0; into out[CONN_HISTORY_MAX + 2]. */
char *conn_history(const conn *c, int orig, char *out);

#endif
