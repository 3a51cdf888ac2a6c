/*
** state.h - what resume.c writes and restore.c reads.  Internal to this folder.
**
** Layout: version, then session, side 0, side 1, conn (the order of the functions in both files).  Of the two positions that half.base may
** be, the other one is 0.  All numbers are varints.  Positions are
** written against `ref`, times of the table against its clock, held nodes against the end of the one before: small numbers, and nodes that
** overlap cannot be said.
**
** What is not written is what does not outlive a pull (lent, believed, the segment at hand) or follows from the rest (hash, cost,
** deadline).
*/
#ifndef TL_STATE_H
#define TL_STATE_H

#include "stream/table.h"

enum { STATE_VERSION = 1 };

enum { TOLD = 1, REOPENED = 2, REBASED = 4, SYN_ACK = 8, SESSION_FLAGS = 15 };
/* LANE: it has carried payload, and what only such a direction has follows. */
enum { HAS_ISN = 1, FIXED = 2, EXACT = 4, FIN = 8, RST = 16, FIN_ACKED = 32, LANE = 64, HOLED = 128, HALF_FLAGS = 255 };
enum { NODE_CUT = 1, NODE_FIN = 2, NODE_PROOF = 4, NODE_FLAGS = 7 };

#endif
