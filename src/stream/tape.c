/*
** tape.c - see tape.h.
**
** A note, then the bytes of the event, padded so that the next note is aligned.  What nearly all events are, BYTES and CLOSE, has a short
** note; of others the whole event is kept.
*/
#include "stream/tape.h"

#include <assert.h>
#include <string.h>

enum { TAPE_MOST = 4096, ALIGN = 8 };

/* What a tape grows through: sizes of the stock, the last one malloc's. */
static const uint16_t rooms[] = {256, 512, 768, 1024, 1536, TL_STOCK_MOST, 3072, TAPE_MOST};

typedef struct note {
    uint64_t frame;
    int64_t ns;
    uint64_t peer_acked;
    uint32_t capture, offset;
    uint16_t n; /* bytes of the event; they follow this note, or with `whole` the event */
    uint8_t kind, why;
    uint8_t dir;
    bool whole;
} note;
_Static_assert(sizeof(note) == 40 && sizeof(tl_event) % ALIGN == 0, "what is on a tape stays aligned");

static bool whole(const tl_event *ev)
{
    return ev->front || (ev->kind != TL_EV_BYTES && ev->kind != TL_EV_CLOSE) || ev->offset > UINT32_MAX;
}

static size_t padded(size_t n)
{
    return (n + ALIGN - 1) / ALIGN * ALIGN;
}

/* Of an event with at most TAPE_MOST bytes. */
static size_t size_of(const tl_event *ev)
{
    return sizeof(note) + (whole(ev) ? sizeof(tl_event) : 0) + padded(ev->bytes.n);
}

bool tl_tape_takes(const tl_tape *t, const tl_event *ev)
{
    /* What the session holds of a COPY's range is gone later. */
    return ev->kept == NULL && ev->bytes.n <= TAPE_MOST && size_of(ev) <= TAPE_MOST - t->n;
}

static bool reserve(tl_tape *t, tl_stock *stock, size_t n)
{
    size_t i = 0;
    if (n <= t->room - t->n) return true;
    while (rooms[i] < t->n + n) i++;
    uint8_t *p = tl_stock_resize(stock, t->p, t->room, rooms[i]);
    if (p == NULL) return false;
    t->p = p;
    t->room = rooms[i];
    return true;
}

tl_rc tl_tape_add(tl_tape *t, tl_stock *stock, const tl_event *ev)
{
    assert(tl_tape_takes(t, ev));
    size_t n = size_of(ev);
    if (!reserve(t, stock, n)) return TL_ENOMEM;
    uint8_t *at = t->p + t->n;
    note *v = (note *)(void *)at;
    *v = (note){.frame = ev->at.frame,
                .ns = ev->at.ns,
                .peer_acked = ev->peer_acked,
                .capture = ev->at.capture,
                .offset = (uint32_t)ev->offset,
                .n = (uint16_t)ev->bytes.n,
                .kind = (uint8_t)ev->kind,
                .why = (uint8_t)ev->why,
                .dir = (uint8_t)ev->dir,
                .whole = whole(ev)};
    at += sizeof *v;
    if (v->whole) {
        memcpy(at, ev, sizeof *ev);
        at += sizeof *ev;
    }
    if (ev->bytes.n > 0) memcpy(at, ev->bytes.p, ev->bytes.n);
    t->n += (uint32_t)n;
    return TL_OK;
}

void tl_tape_free(tl_tape *t, tl_stock *stock)
{
    tl_stock_give(stock, t->p, t->room);
    *t = (tl_tape){0};
}

bool tl_tape_next(tl_span *rest, tl_event *out)
{
    if (rest->n == 0) return false;
    const note *v = (const note *)(const void *)rest->p;
    const uint8_t *at = rest->p + sizeof *v;
    if (v->whole) {
        memcpy(out, at, sizeof *out);
        at += sizeof *out;
    } else {
        *out = (tl_event){.kind = (tl_event_kind)v->kind,
                          .dir = (tl_dir)v->dir,
                          .why = (tl_why)v->why,
                          .offset = v->offset,
                          .length = v->n,
                          .peer_acked = v->peer_acked,
                          .at = {.ns = v->ns, .frame = v->frame, .capture = v->capture}};
        out->told = out->at;
    }
    out->bytes = tl_span_of(v->n > 0 ? at : NULL, v->n);
    size_t n = (size_t)(at - rest->p) + padded(v->n);
    *rest = tl_span_of(rest->p + n, rest->n - n);
    return true;
}
