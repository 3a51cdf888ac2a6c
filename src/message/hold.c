/*
** hold.c - see hold.h.
**
** Each direction keeps its pieces in an array and all their bytes in one buffer, one behind the other: that is what makes the first
** bytes of a direction contiguous however they were cut.  Both are bounded by the framer, which lets go when there is too much.
*/
#include "message/hold.h"

#include <assert.h>
#include <string.h>

struct line {
    tl_piece *pieces;
    size_t first, n, room; /* pieces[first .. first + n) */
    uint8_t *bytes;
    size_t from, to, bytes_room; /* bytes[from .. to) belong to pieces that wait; moved down when room is needed */
};

struct tl_hold {
    tl_stock *stock; /* borrowed; may be NULL */
    struct line line[2];
};

tl_hold *tl_hold_new(tl_stock *stock)
{
    tl_hold *h = tl_stock_take_zero(stock, sizeof *h);
    if (h != NULL) h->stock = stock;
    return h;
}

static void line_free(tl_stock *stock, struct line *l)
{
    tl_stock_give(stock, l->pieces, l->room * sizeof *l->pieces);
    tl_stock_give(stock, l->bytes, l->bytes_room);
    memset(l, 0, sizeof *l);
}

void tl_hold_free(tl_hold *h)
{
    if (h == NULL) return;
    line_free(h->stock, &h->line[0]);
    line_free(h->stock, &h->line[1]);
    tl_stock_give(h->stock, h, sizeof *h);
}

static void repoint(struct line *l, const uint8_t *before, const uint8_t *now)
{
    for (size_t i = l->first; i < l->first + l->n; i++)
        if (l->pieces[i].kind == TL_EV_BYTES) l->pieces[i].bytes = now + (l->pieces[i].bytes - before);
}

static tl_rc reserve_piece(tl_stock *stock, struct line *l)
{
    if (l->first + l->n < l->room) return TL_OK;
    if (l->first > l->n) {
        memmove(l->pieces, l->pieces + l->first, l->n * sizeof *l->pieces);
        l->first = 0;
        return TL_OK;
    }
    size_t room = l->room ? l->room * 2 : 1; /* mostly one waits */
    tl_piece *pieces = tl_stock_resize(stock, l->pieces, l->room * sizeof *pieces, room * sizeof *pieces);
    if (pieces == NULL) return TL_ENOMEM;
    l->pieces = pieces;
    l->room = room;
    return TL_OK;
}

/* Room for n more bytes.  Pieces that wait keep pointing at their bytes. */
static tl_rc reserve_bytes(tl_stock *stock, struct line *l, size_t n)
{
    size_t used = l->to - l->from;
    if (n <= l->bytes_room - l->to) return TL_OK;
    if (used + n <= l->bytes_room && l->from >= l->bytes_room / 2) {
        memmove(l->bytes, l->bytes + l->from, used);
        repoint(l, l->bytes + l->from, l->bytes);
    } else {
        size_t room = l->bytes_room ? l->bytes_room : 64;
        while (room < used + n) room *= 2;
        uint8_t *bytes = tl_stock_take(stock, room);
        if (bytes == NULL) return TL_ENOMEM;
        if (used > 0) memcpy(bytes, l->bytes + l->from, used);
        if (used > 0) repoint(l, l->bytes + l->from, bytes);
        tl_stock_give(stock, l->bytes, l->bytes_room);
        l->bytes = bytes;
        l->bytes_room = room;
    }
    l->from = 0;
    l->to = used;
    return TL_OK;
}

tl_rc tl_hold_push(tl_hold *h, const tl_piece *p)
{
    struct line *l = &h->line[p->dir];
    size_t n = p->kind == TL_EV_BYTES ? (size_t)p->length : 0;
    tl_rc rc = reserve_piece(h->stock, l);
    if (rc == TL_OK) rc = reserve_bytes(h->stock, l, n);
    if (rc != TL_OK) return rc;
    tl_piece *kept = &l->pieces[l->first + l->n++];
    *kept = *p;
    if (p->kind == TL_EV_BYTES) {
        kept->bytes = l->bytes + l->to;
        if (n > 0) memcpy(l->bytes + l->to, p->bytes, n);
        l->to += n;
    }
    return TL_OK;
}

tl_rc tl_hold_unshift(tl_hold *h, const tl_piece *p)
{
    struct line *l = &h->line[p->dir];
    struct tl_hold all = {.stock = h->stock};
    tl_rc rc = TL_OK;
    /* Rare (a protocol switch with bytes waiting), so simply built anew. */
    rc = tl_hold_push(&all, p);
    for (size_t i = l->first; rc == TL_OK && i < l->first + l->n; i++) rc = tl_hold_push(&all, &l->pieces[i]);
    if (rc != TL_OK) {
        line_free(h->stock, &all.line[p->dir]);
        return rc;
    }
    line_free(h->stock, l);
    *l = all.line[p->dir];
    return TL_OK;
}

tl_piece *tl_hold_front(tl_hold *h, tl_dir dir)
{
    if (h == NULL || h->line[dir].n == 0) return NULL;
    return &h->line[dir].pieces[h->line[dir].first];
}

void tl_hold_pop(tl_hold *h, tl_dir dir)
{
    struct line *l = &h->line[dir];
    assert(l->n > 0);
    const tl_piece *p = &l->pieces[l->first];
    if (p->kind == TL_EV_BYTES) l->from = (size_t)(p->bytes - l->bytes) + (size_t)p->length;
    l->first++;
    l->n--;
    if (l->n == 0) line_free(h->stock, l);
}

tl_span tl_hold_first_bytes(const tl_hold *h, tl_dir dir)
{
    tl_span out = {NULL, 0};
    if (h == NULL) return out;
    const struct line *l = &h->line[dir];
    for (size_t i = l->first; i < l->first + l->n; i++) {
        const tl_piece *p = &l->pieces[i];
        if (p->kind == TL_EV_BYTES) {
            if (out.n == 0) out.p = p->bytes;
            out.n += (size_t)p->length;
        } else if (out.n > 0) {
            break;
        }
    }
    return out;
}

static size_t waiting(const struct line *l)
{
    if (l->n == 0) return 0;
    const tl_piece *front = &l->pieces[l->first];
    size_t from = front->kind == TL_EV_BYTES ? (size_t)(front->bytes - l->bytes) : l->from; /* some of it may be taken */
    return l->to - from;
}

size_t tl_hold_bytes_of(const tl_hold *h, tl_dir dir)
{
    return h == NULL ? 0 : waiting(&h->line[dir]);
}

size_t tl_hold_bytes(const tl_hold *h)
{
    return tl_hold_bytes_of(h, TL_C2S) + tl_hold_bytes_of(h, TL_S2C);
}

size_t tl_hold_pieces(const tl_hold *h)
{
    return h == NULL ? 0 : h->line[0].n + h->line[1].n;
}

size_t tl_hold_memory(const tl_hold *h)
{
    if (h == NULL) return 0;
    size_t n = sizeof *h;
    for (int dir = 0; dir < 2; dir++) n += h->line[dir].room * sizeof(tl_piece) + h->line[dir].bytes_room;
    return n;
}
