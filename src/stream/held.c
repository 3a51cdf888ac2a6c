#include "stream/held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MALLOC_OVERHEAD = 16 };

static int by_pos(const held *a, const held *b)
{
    return a->pos < b->pos ? -1 : a->pos > b->pos;
}

RB_GENERATE_INTERNAL(held_root, held, link, by_pos, static __attribute__((unused)))

size_t held_cost(const held *h)
{
    return sizeof *h + MALLOC_OVERHEAD + (h->cut ? 0 : h->n);
}

held *held_new(uint64_t pos, const uint8_t *bytes, uint32_t n, tl_at at)
{
    assert(n > 0);
    held *h = malloc(sizeof *h + (bytes != NULL ? n : 0));
    if (h == NULL) return NULL;
    memset(h, 0, sizeof *h);
    h->pos = pos;
    h->n = n;
    h->cut = bytes == NULL;
    h->ns = at.ns;
    h->frame = at.frame;
    h->capture = at.capture;
    if (bytes != NULL) memcpy(h->bytes, bytes, n);
    return h;
}

void held_insert(held_tree *t, held *h)
{
    held *twin = RB_INSERT(held_root, &t->root, h);
    assert(twin == NULL);
    (void)twin;
    if (t->first == NULL || h->pos < t->first->pos) t->first = h;
    t->bytes += held_cost(h);
    t->nodes++;
    if (!h->cut) t->data += h->n;
}

void held_remove(held_tree *t, held *h)
{
    if (t->first == h) t->first = held_next(h);
    RB_REMOVE(held_root, &t->root, h);
    t->bytes -= held_cost(h);
    t->nodes--;
    if (!h->cut) t->data -= h->n;
}

held *held_first(const held_tree *t)
{
    return t->first;
}

held *held_next(held *h)
{
    return RB_NEXT(held_root, , h);
}

held *held_at(const held_tree *t, uint64_t pos)
{
    held *at = t->root.rbh_root, *after = NULL;
    while (at != NULL) {
        if (pos < at->pos) {
            after = at;
            at = RB_LEFT(at, link);
        } else if (pos - at->pos < at->n) {
            return at;
        } else {
            at = RB_RIGHT(at, link);
        }
    }
    return after;
}

bool held_punch(held_tree *t, uint64_t from, uint64_t to)
{
    for (held *h = held_at(t, from); h != NULL && h->pos < to;) {
        held *next = held_next(h);
        uint64_t end = h->pos + h->n;
        if (h->cut) {
            held *tail = NULL;
            if (end > to) { /* the part after the hole that we punch */
                tail = held_new(to, NULL, (uint32_t)(end - to), (tl_at){h->ns, h->frame, h->capture});
                if (tail == NULL) return false;
                tail->ack_pos = h->ack_pos;
                tail->clock = h->clock;
                tail->proof_frame = h->proof_frame;
                tail->proof_clock = h->proof_clock;
                tail->proof_capture = h->proof_capture;
            }
            if (h->pos < from) {
                h->n = (uint32_t)(from - h->pos);
            } else {
                held_remove(t, h);
                free(h);
            }
            if (tail != NULL) held_insert(t, tail);
        }
        h = next;
    }
    return true;
}

void held_clear(held_tree *t)
{
    for (held *h; (h = held_first(t)) != NULL;) {
        held_remove(t, h);
        free(h);
    }
}
