/*
** carry.c - see carry.h.
**
** INVARIANT: the last `fresh` bytes of the carry lie right before piece->bytes in memory, so giving them back is moving a pointer.
** Bytes are taken by moving `start`; they are only moved down when room is needed, so taking many small frames is linear.
*/
#include "message/carry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static tl_carry *grown(tl_carry *old, size_t n)
{
    size_t room = old != NULL ? old->room : 64;
    while (room < n) room *= 2;
    tl_carry *c = malloc(sizeof *c + room);
    if (c == NULL) return NULL;
    if (old != NULL) {
        memcpy(c, old, sizeof *c);
        memcpy(c->bytes, old->bytes + old->start, old->n);
        free(old);
    } else {
        memset(c, 0, sizeof *c);
    }
    c->start = 0;
    c->room = room;
    return c;
}

tl_rc tl_carry_add(tl_carry **where, tl_piece *piece, size_t n)
{
    tl_carry *c = *where;
    assert(piece->kind == TL_EV_BYTES && n <= piece->length);
    if (n == 0) return TL_OK;
    bool begins = c == NULL;
    if (c == NULL || c->n + n > c->room) {
        c = grown(c, (begins ? 0 : c->n) + n);
        if (c == NULL) return TL_ENOMEM;
        *where = c;
    } else if (c->start + c->n + n > c->room) {
        memmove(c->bytes, c->bytes + c->start, c->n);
        c->start = 0;
    }
    if (begins) {
        c->first = piece->at;
        c->peer_acked = piece->peer_acked;
    }
    if (c->fresh == 0) c->settled = c->last;
    c->last = piece->at;
    memcpy(c->bytes + c->start + c->n, piece->bytes, n);
    c->n += n;
    c->fresh += n;
    tl_piece_take(piece, n);
    return TL_OK;
}

void tl_carry_take(tl_carry **where, tl_piece *piece, size_t n)
{
    tl_carry *c = *where;
    assert(n <= c->n);
    size_t left = c->n - n;
    if (left <= c->fresh) {
        if (left > 0) {
            piece->bytes -= left;
            piece->length += left;
        }
        free(c);
        *where = NULL;
        return;
    }
    /* Bytes of older events are left over: whose frame brought them is not kept byte for byte, the latest is taken. */
    c->start += n;
    c->n = left;
    c->first = c->last;
}

void tl_carry_settle(tl_carry *c)
{
    c->fresh = 0;
    c->settled = c->last;
}
