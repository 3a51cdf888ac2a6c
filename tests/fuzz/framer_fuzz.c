/*
** framer_fuzz.c - the framer on any sequence of events that tile two streams, in any order of the two, with any acknowledgements.
**
** Input: events one after the other: a byte of kind (bits 0-1: BYTES three times in four, else GAP or CLOSE; bit 2: direction; bits
** 3-7: size or reason), a byte of how much is acknowledged, then the bytes.  Asserted, beside what tests/support/watched.c holds the
** detector and the framer to: messages of a direction are disjoint, in order and within the stream; their missing bytes are exactly
** those of the GAPs in their range; numbers are unique, answers name an earlier message of the other side; memory stays in bounds.
*/
#include "support/check.h"
#include "support/events.h"
#include "support/watched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t gap_bytes(const tl_script *s, tl_dir dir, uint64_t from, uint64_t to)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        const tl_event *ev = &s->events[i];
        if (ev->kind != TL_EV_GAP || ev->dir != dir) continue;
        uint64_t a = ev->offset > from ? ev->offset : from, b = ev->offset + ev->length < to ? ev->offset + ev->length : to;
        if (a < b) sum += b - a;
    }
    return sum;
}

static void check(const tl_script *s, const tl_heard *h)
{
    uint64_t end[2] = {0, 0}, ordinal[2] = {0, 0};
    for (size_t i = 0; i < h->n; i++) {
        const tl_message *m = &h->items[i];
        assert(m->offset >= end[m->dir] && m->length > 0 && m->missing < m->length && m->head_length <= m->length);
        end[m->dir] = m->offset + m->length;
        assert(end[m->dir] <= s->length[m->dir]);
        assert(m->missing == gap_bytes(s, m->dir, m->offset, end[m->dir]));
        assert(!m->complete || m->missing == 0);
        assert(m->ordinal > ordinal[m->dir] && m->number > 0);
        ordinal[m->dir] = m->ordinal;
        assert(m->first.frame > 0 && m->last.frame > 0);
        for (size_t k = 0; k < i; k++) assert(h->items[k].number != m->number);
        if (m->answers != 0) assert(m->answers < m->number && (m->pairing == TL_PAIR_PROVED || m->pairing == TL_PAIR_ORDERED));
    }
    assert(h->memory < (size_t)1 << 20);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_script s = {0};
    if (size > 1 << 14) return 0;
    for (size_t at = 0; at + 2 <= size && s.n < 400;) {
        uint8_t what = data[at], acked = data[at + 1];
        tl_dir dir = (tl_dir)(what >> 2 & 1);
        size_t n = what >> 3;
        at += 2;
        if ((what & 3) < 2) {
            n = n < 16 ? n + 1 : (n - 15) * 24;
            if (n > size - at) n = size - at;
            if (n == 0) continue;
            tl_say_bytes(&s, dir, data + at, n);
            at += n;
        } else if ((what & 3) == 2) {
            tl_lose(&s, dir, n < 28 ? n + 1 : (uint64_t)1 << (n + 2));
        } else if (n >= 28) {
            tl_end_one(&s, dir, n == 28 ? TL_WHY_FIN : n == 29 ? TL_WHY_RST : TL_WHY_END);
        } else {
            continue;
        }
        /* Mostly all that was said, else less, or more than there is yet. */
        tl_event *ev = &s.events[s.n - 1];
        if (acked >= 0xf0)
            ev->peer_acked += acked - 0xf0u;
        else if (acked >= 0x80)
            ev->peer_acked = ev->peer_acked * (acked - 0x80u) / 0x80;
    }
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_watch(&tl_http1), 0);
    check(&s, &h);
    tl_heard_free(&h);
    h = tl_listen(&s, tl_watch(&tl_http1), 1);
    check(&s, &h);
    tl_heard_free(&h);
    tl_script_free(&s);
    return 0;
}
