/*
** scan.c - see scan.h.
**
** The window holds the bytes [base, base + n) of the run, of which all before `from` are decided; they stay as long as a match or the
** context may look back at them.  A match whose context has not come yet is left where it is and found again when it has: nothing is
** kept of it, and a match is never told twice because `from` moves past it only when it is told.
*/
#include "query/scan.h"

#include <stdlib.h>
#include <string.h>

struct tl_scan {
    tl_pattern *pattern; /* borrowed */
    size_t context, batch, behind;
    uint8_t *bytes;             /* owned */
    size_t n, room, from, seen; /* seen: of the n bytes were there at the last look */
    uint64_t base;
    bool gap_before, gap_after, last;
    bool begins; /* the window still holds the run's first byte */
    uint64_t given_up;
};

tl_scan *tl_scan_new(tl_pattern *p, size_t context, size_t batch)
{
    tl_scan *s = calloc(1, sizeof *s);
    if (s == NULL) return NULL;
    s->pattern = p;
    s->context = context < TL_CONTEXT_MOST ? context : TL_CONTEXT_MOST;
    s->batch = batch;
    s->behind = tl_pattern_before(p) > s->context ? tl_pattern_before(p) : s->context;
    return s;
}

void tl_scan_free(tl_scan *s)
{
    if (s == NULL) return;
    free(s->bytes);
    free(s);
}

void tl_scan_start(tl_scan *s, uint64_t offset, bool gap)
{
    s->n = s->from = s->seen = 0;
    s->base = offset;
    s->gap_before = gap;
    s->begins = true;
    s->last = s->gap_after = false;
}

/* Forgets what nothing looks back at any more. */
static void compact(tl_scan *s)
{
    size_t drop = s->from > s->behind ? s->from - s->behind : 0;
    if (drop == 0) return;
    memmove(s->bytes, s->bytes + drop, s->n - drop);
    s->n -= drop;
    s->from -= drop;
    s->seen = s->seen > drop ? s->seen - drop : 0;
    s->base += drop;
    s->begins = false;
}

uint8_t *tl_scan_room(tl_scan *s, size_t n)
{
    if (s->room - s->n < n) compact(s);
    if (s->bytes == NULL || s->room - s->n < n) {
        size_t room = s->n + n + (s->n + n) / 2 + 1;
        uint8_t *bytes = realloc(s->bytes, room);
        if (bytes == NULL) return NULL;
        s->bytes = bytes;
        s->room = room;
    }
    return s->bytes + s->n;
}

void tl_scan_push(tl_scan *s, size_t n)
{
    s->n += n;
}

void tl_scan_finish(tl_scan *s, bool gap)
{
    s->last = true;
    s->gap_after = gap;
}

uint64_t tl_scan_given_up(const tl_scan *s)
{
    return s->given_up;
}

static void tell(const tl_scan *s, size_t at, size_t length, tl_scan_hit *hit)
{
    size_t end = at + length, left = s->n - end, back = at < s->context ? at : s->context, on = left < s->context ? left : s->context;
    hit->offset = s->base + at;
    hit->before = tl_span_of(s->bytes + at - back, back);
    hit->match = tl_span_of(s->bytes + at, length);
    hit->after = tl_span_of(s->bytes + end, on);
    hit->gap_before = s->begins && s->gap_before && at <= s->context;
    hit->gap_after = s->last && s->gap_after && left <= s->context;
}

bool tl_scan_pull(tl_scan *s, tl_scan_hit *hit)
{
    size_t at = 0, length = 0;
    if (s->from >= s->n || (!s->last && s->n - s->seen < s->batch)) return false;
    const tl_window w = {.bytes = {s->bytes, s->n}, .first = s->begins && !s->gap_before, .last = s->last, .end = s->last && !s->gap_after};
    switch (tl_pattern_find(s->pattern, &w, s->from, &at, &length)) {
    case TL_FOUND:
        if (!s->last && s->n - at - length < s->context) {
            s->from = at;
            break;
        }
        tell(s, at, length, hit);
        s->from = at + length;
        return true;
    case TL_FOUND_MORE: s->from = at; break;
    case TL_FOUND_NONE: s->from = s->n; break;
    case TL_FOUND_COSTLY:
        s->given_up += s->n - s->from;
        s->from = s->n;
        break;
    }
    s->seen = s->n;
    return false;
}
