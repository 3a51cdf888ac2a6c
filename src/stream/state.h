/*
** state.h - what resume.c writes and restore.c reads.  Internal to this folder.
**
** Layout: version, then session, side 0, side 1, conn (the order of the functions in both files).  All numbers are varints.  Positions are
** written against `ref`, times of the table against its clock, held nodes against the end of the one before: small numbers, and nodes that
** overlap cannot be said.
**
** What is not written is what does not outlive a pull (lent, believed, the segment at hand) or follows from the rest (hash, cost,
*deadline).
*/
#ifndef TL_STATE_H
#define TL_STATE_H

#include "stream/table.h"

enum { STATE_VERSION = 1 };

enum { TOLD = 1, REOPENED = 2, REBASED = 4, SYN_ACK = 8, SESSION_FLAGS = 15 };
enum { HAS_ISN = 1, FIXED = 2, EXACT = 4, FIN = 8, RST = 16, FIN_ACKED = 32, LANE = 64, HALF_FLAGS = 127 };
enum { NODE_CUT = 1, NODE_FIN = 2, NODE_PROOF = 4, NODE_FLAGS = 7 };

/* The positions of a direction but ref. */
enum { HALF_POSITIONS = 8 };
static inline void half_positions(half *h, uint64_t *out[HALF_POSITIONS])
{
    out[0] = &h->base;
    out[1] = &h->next;
    out[2] = &h->top;
    out[3] = &h->first;
    out[4] = &h->syn_base;
    out[5] = &h->acked;
    out[6] = &h->fin_pos;
    out[7] = &h->wild_ack;
}

#endif
