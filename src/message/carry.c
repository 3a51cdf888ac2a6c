/*
** carry.c - see carry.h.
**
** INVARIANT: the last `fresh` bytes of the carry lie right before piece->bytes in memory, so giving them back is moving a pointer.
** Bytes are taken by moving `start`; they are only moved down when room is needed, so taking many small frames is linear.
**
** Marks: one a piece.  From MARKS_MAX on a piece is told as brought by the frame before it: segments of a few bytes must not cost more in
** marks than a carry may hold in bytes.
*/
#include "message/carry.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MARKS_MAX = 4096 };

void tl_carry_free(tl_carry *c)
{
    if (c == NULL) return;
    free(c->marks);
    free(c);
}

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

static bool reserve_mark(tl_carry *c)
{
    if (c->mark_first + c->marks_n < c->marks_room) return true;
    if (c->mark_first > c->marks_n) {
        memmove(c->marks, c->marks + c->mark_first, c->marks_n * sizeof *c->marks);
        c->mark_first = 0;
        return true;
    }
    size_t room = c->marks_room > 0 ? c->marks_room * 2 : 2;
    tl_carry_mark *marks = realloc(c->marks, room * sizeof *marks);
    if (marks == NULL) return false;
    c->marks = marks;
    c->marks_room = room;
    return true;
}

static bool same(const tl_carry_mark *m, const tl_piece *p)
{
    return m->at.frame == p->at.frame && m->at.capture == p->at.capture && m->peer_acked == p->peer_acked;
}

/* The last n bytes came with the piece. */
static bool mark(tl_carry *c, const tl_piece *piece, size_t n)
{
    tl_carry_mark *last = c->marks_n > 0 ? &c->marks[c->mark_first + c->marks_n - 1] : NULL;
    if (last != NULL && (same(last, piece) || c->marks_n >= MARKS_MAX)) {
        last->end += n;
        return true;
    }
    if (!reserve_mark(c)) return false;
    c->marks[c->mark_first + c->marks_n++] = (tl_carry_mark){c->taken + c->n + n, piece->peer_acked, piece->at};
    return true;
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
        if (!begins) *where = c;
    } else if (c->start + c->n + n > c->room) {
        memmove(c->bytes, c->bytes + c->start, c->n);
        c->start = 0;
    }
    if (!mark(c, piece, n)) {
        if (begins) tl_carry_free(c);
        return TL_ENOMEM;
    }
    *where = c;
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
        tl_carry_free(c);
        *where = NULL;
        return;
    }
    c->start += n;
    c->n = left;
    c->taken += n;
    while (c->marks[c->mark_first].end <= c->taken) {
        c->mark_first++;
        c->marks_n--;
    }
}

void tl_carry_settle(tl_carry *c)
{
    c->fresh = 0;
}

const tl_carry_mark *tl_carry_look(const tl_carry *c, size_t offset)
{
    assert(offset < c->n);
    uint64_t place = c->taken + offset;
    size_t low = c->mark_first, high = c->mark_first + c->marks_n - 1; /* the first one whose end lies beyond the place */
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (c->marks[middle].end > place)
            high = middle;
        else
            low = middle + 1;
    }
    return &c->marks[low];
}

size_t tl_carry_memory(const tl_carry *c)
{
    return c == NULL ? 0 : sizeof *c + c->room + c->marks_room * sizeof *c->marks;
}
