/*
** open.c - the message in progress: begun, grown byte by byte as ranges only, finished into the framer's list.
**
** INVARIANTS: m.offset + m.length == lane->at whenever a step is over; missing <= length; messages of a direction are numbered and
** finished in the order in which they begin.
*/
#include "message/lane.h"

#include <assert.h>

tl_rc tl_open_begin(struct tl_framer *f, tl_lane *l, const char *protocol, const char *kind, uint64_t peer_acked)
{
    assert(l->open == NULL);
    tl_open *o = tl_stock_take_zero(f->stock, sizeof *o);
    if (o == NULL) return TL_ENOMEM;
    o->m.dir = l->dir;
    o->m.offset = l->at;
    o->m.protocol = protocol;
    o->m.kind = kind;
    o->m.sync = l->sync == TL_SYNC_START && l->at > 0 ? TL_SYNC_COUNTED : l->sync;
    o->m.peer_acked = peer_acked;
    l->open = o;
    return TL_OK;
}

void tl_open_number(struct tl_framer *f, tl_lane *l)
{
    l->open->m.number = ++f->number;
    l->open->m.ordinal = ++l->ordinal;
}

void tl_open_bytes(tl_lane *l, uint64_t n, const tl_at *first, const tl_at *last)
{
    tl_open *o = l->open;
    if (o == NULL || n == 0) return;
    if (!o->captured) o->m.first = *first;
    o->captured = true;
    o->m.last = *last;
    o->m.length += n;
}

void tl_open_missing(tl_lane *l, uint64_t n)
{
    if (l->open == NULL) return;
    l->open->m.length += n;
    l->open->m.missing += n;
}

tl_rc tl_open_finish(struct tl_framer *f, tl_lane *l, bool known)
{
    tl_open *o = l->open;
    if (o == NULL) return TL_OK;
    if (!o->captured) {
        l->open = NULL;
        tl_open_free(f, o);
        return TL_OK;
    }
    if (o->shown_n > 0) tl_text_escaped(&o->summary, tl_span_of(o->shown, o->shown_n), TL_TURN_SHOWN);
    if (o->summary.failed || o->detail.failed) return TL_ENOMEM;
    l->open = NULL;
    o->m.complete = known && o->m.missing == 0;
    o->m.summary = tl_span_of(o->summary.p, o->summary.n);
    o->m.detail = tl_span_of(o->detail.p, o->detail.n);
    l->sync = TL_SYNC_COUNTED;
    if (o->role == TL_RESPONSE || o->role == TL_INTERIM)
        tl_pairs_ended(&f->pairs[!l->dir], o->m.offset + o->m.length, o->role == TL_RESPONSE && o->m.answers != 0);
    *f->done_end = o;
    f->done_end = &o->next;
    return TL_OK;
}

void tl_open_free(struct tl_framer *f, tl_open *o)
{
    if (o == NULL) return;
    tl_text_free(&o->summary);
    tl_text_free(&o->detail);
    tl_stock_give(f->stock, o, sizeof *o);
}
