/*
** pipeline_parts.c - see the header.
*/
#include "app/pipeline_parts.h"

bool parts_apply(const parts *p, const tl_event *ev)
{
    if (p->n == 0 || ev->kind != TL_EV_BYTES) return false;
    /* Held bytes lie elsewhere: compared as numbers, because the pointers may be of two blocks. */
    uintptr_t from = (uintptr_t)p->payload.p, at = (uintptr_t)ev->bytes.p;
    return at >= from && at - from < p->payload.n;
}

bool parts_next(const parts *p, const tl_event *ev, size_t *done, tl_event *out)
{
    if (*done >= ev->bytes.n) return false;
    size_t at = (size_t)(ev->bytes.p - p->payload.p) + *done, end = at + (ev->bytes.n - *done);
    *out = *ev;
    /* The first part in the list that holds the byte has brought it; the piece ends with that part, or where an earlier one begins. */
    for (size_t i = 0; i < p->n; i++) {
        const tl_fragment_part *f = &p->part[i];
        size_t to = (size_t)f->offset + f->n;
        if (f->offset > at) {
            if (f->offset < end) end = f->offset;
        } else if (at < to) {
            if (to < end) end = to;
            out->at = f->at;
            break;
        }
    }
    size_t n = end - at;
    out->offset = ev->offset + *done;
    out->length = n;
    out->bytes = tl_span_of(ev->bytes.p + *done, n);
    *done += n;
    return true;
}
