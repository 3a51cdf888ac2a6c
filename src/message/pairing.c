/*
** pairing.c - see pairing.h.
**
** What TCP proves.  Let a response begin at offset o of its stream, and let its sender have acknowledged p bytes of the requests'.
** It can answer only requests that began before p (an early answer to a request that is still being sent is allowed), and only ones
** whose sender had acknowledged at most o: nobody has received an answer before it was sent.  Those that are left are the candidates.
**
**   1. No candidate: the response is unasked; its request is not in the capture.
**   2. No response's head was lost since the last certain pairing: answers come in the order of the requests (RFC 9112 section 9.3.2),
**      so it is the first candidate: proved when it was the only one, else ordered.
**   3. After such a loss, or where a request is told of only after a response that its receiver sent later: nobody knows how many answers
** went with it.  A client that sends one request at a time had received all      earlier answers when it sent a request, so the
** candidates with the greatest `acked` are those that still wait; if that is one it is
**      proved, and all older ones are unanswered.  A client known to pipeline, or several such candidates, leave a choice that nothing
**      decides: the response then names no request, and those requests are not called unanswered either.  And where requests may be
**      missing behind the last candidate, it is that one's answer only if it begins where the candidate's sender had heard of
**      everything; else it answers one of those: unasked.
**   4. A request's head was lost: an answer for it is still owed, unless one came that had no candidate.  If the first candidate was sent
**      after the hole, and nothing was answered between, then this response is for the lost one: unasked.
**
** It does not look at bytes, and it holds TL_PAIRS_MAX requests at most.
*/
#include "message/pairing.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void tl_pairs_free(tl_pairs *p)
{
    free(p->asks);
    memset(p, 0, sizeof *p);
}

static tl_ask *nth(const tl_pairs *p, uint32_t i)
{
    return &p->asks[p->first + i];
}

static tl_rc reserve(tl_pairs *p)
{
    if (p->first + p->n < p->room) return TL_OK;
    if (p->first >= p->room / 2 && p->first > 0) {
        memmove(p->asks, p->asks + p->first, p->n * sizeof *p->asks);
        p->first = 0;
        return TL_OK;
    }
    uint32_t room = p->room ? p->room * 2 : 2;
    tl_ask *asks = realloc(p->asks, room * sizeof *asks);
    if (asks == NULL) return TL_ENOMEM;
    p->asks = asks;
    p->room = room;
    return TL_OK;
}

tl_rc tl_pairs_ask(tl_pairs *p, uint64_t number, uint64_t begin, uint64_t acked, uint32_t tag, const uint64_t *id)
{
    tl_rc rc = reserve(p);
    if (rc != TL_OK) return rc;
    if (p->n - p->gone >= TL_PAIRS_MAX) p->gone++;
    p->asks[p->first + p->n++] = (tl_ask){.number = number, .begin = begin, .acked = acked, .tag = tag, .has_id = id != NULL};
    if (id != NULL) {
        nth(p, p->n - 1)->id = *id;
        return TL_OK;
    }
    nth(p, p->n - 1)->after_hole = p->hole_before;
    p->hole_before = false;
    /* A response that was looked at already was sent after this request had come: it may be the answer (rule 3). */
    if (begin < p->heard) p->broken = true;
    if (acked < p->last_end) p->pipelined = true;
    return TL_OK;
}

struct choice {
    uint32_t index; /* of the request that is answered */
    tl_pairing pairing;
    bool doubtful; /* candidates there are, but none can be named: those from `index` on */
    bool owed;     /* unasked by rule 4 */
};

/* The four rules.  Pure. */
static struct choice choose(const tl_pairs *p, uint64_t offset, uint64_t acked)
{
    struct choice c = {.pairing = TL_PAIR_UNASKED};
    uint32_t first = 0, candidates = 0, best = 0, among_best = 0;
    for (uint32_t i = p->gone; i < p->n; i++) {
        const tl_ask *a = nth(p, i);
        if (a->has_id || a->begin >= acked || a->acked > offset) continue;
        if (candidates++ == 0) first = i;
        if (among_best == 0 || a->acked > nth(p, best)->acked) {
            best = i;
            among_best = 0;
        }
        if (a->acked == nth(p, best)->acked) among_best++;
    }
    if (candidates == 0) return c;
    if (!p->broken) {
        const tl_ask *a = nth(p, first);
        c.index = first;
        c.owed = a->after_hole && a->acked == p->last_end;
        if (!c.owed) c.pairing = candidates == 1 && !a->by_order ? TL_PAIR_PROVED : TL_PAIR_ORDERED;
        return c;
    }
    c.index = best;
    if (nth(p, best + among_best - 1)->before_hole && nth(p, best)->acked != offset) return c;
    c.pairing = TL_PAIR_PROVED;
    if (among_best > 1 || (candidates > 1 && p->pipelined)) {
        c.pairing = TL_PAIR_NONE;
        c.doubtful = true;
        c.index = p->pipelined ? first : best;
    }
    return c;
}

uint32_t tl_pairs_tag(const tl_pairs *p, uint64_t offset, uint64_t acked, bool *any)
{
    struct choice c = choose(p, offset, acked);
    *any = c.pairing != TL_PAIR_UNASKED;
    if (!*any) return 0;
    uint32_t tag = nth(p, c.index)->tag;
    if (c.doubtful) /* all that are possible must agree */
        for (uint32_t i = c.index; i < p->n; i++)
            if (nth(p, i)->tag != tag) return 0;
    return tag;
}

/* All before asks[i] are unanswered for good, but those in doubt, which are only forgotten. */
static void give_up(tl_pairs *p, uint32_t i)
{
    uint32_t to = p->gone;
    for (uint32_t k = p->gone; k < i; k++)
        if (!nth(p, k)->doubtful) *nth(p, to++) = *nth(p, k);
    memmove(nth(p, to), nth(p, i), (p->n - i) * sizeof *p->asks);
    p->n -= i - to;
    p->gone = to;
}

static void forget(tl_pairs *p, uint32_t i)
{
    if (i == 0) {
        p->first++;
    } else {
        memmove(nth(p, i), nth(p, i + 1), (p->n - i - 1) * sizeof *p->asks);
    }
    if (--p->n == 0) {
        /* The array stays: the next request will want it. */
        p->first = 0;
    }
}

/* An answer to a lost request was found: the oldest hole owes none any more. */
static void settle_hole(tl_pairs *p)
{
    for (uint32_t i = p->gone; i < p->n; i++) {
        if (!nth(p, i)->after_hole) continue;
        nth(p, i)->after_hole = false;
        return;
    }
    p->hole_before = false;
}

tl_reply tl_pairs_answer(tl_pairs *p, uint64_t offset, uint64_t acked, bool interim)
{
    struct choice c = choose(p, offset, acked);
    tl_reply r = {0, c.pairing};
    if (acked > p->heard) p->heard = acked;
    if (c.pairing == TL_PAIR_UNASKED) {
        if (!interim && !p->broken) settle_hole(p);
        return r;
    }
    if (c.doubtful) {
        for (uint32_t i = c.index; i < p->n; i++)
            if (nth(p, i)->begin < acked) nth(p, i)->doubtful = true;
        return r;
    }
    r.number = nth(p, c.index)->number;
    if (c.pairing == TL_PAIR_ORDERED)
        for (uint32_t i = c.index; i < p->n && nth(p, i)->begin < acked && nth(p, i)->acked <= offset; i++) nth(p, i)->by_order = true;
    if (p->broken) {
        give_up(p, c.index);
        c.index = p->gone;
        p->broken = false;
    }
    if (!interim) forget(p, c.index);
    return r;
}

void tl_pairs_doubt(tl_pairs *p, uint64_t acked)
{
    for (uint32_t i = p->gone; i < p->n; i++)
        if (nth(p, i)->begin < acked) nth(p, i)->doubtful = true;
}

void tl_pairs_ended(tl_pairs *p, uint64_t end, bool answered)
{
    p->last_end = end;
    /* The request after the answered one had been sent before this answer had arrived whole. */
    if (answered && p->n > p->gone && nth(p, p->gone)->acked < end) p->pipelined = true;
}

void tl_pairs_hole(tl_pairs *p, bool of_request, bool cut)
{
    if (!of_request) {
        p->broken = true;
        return;
    }
    if (p->n > p->gone) nth(p, p->n - 1)->before_hole = true;
    if (!cut) p->hole_before = true;
}

/* The latest: an id that is used again is the later request's.  p->n: none. */
static uint32_t find_id(const tl_pairs *p, uint64_t id)
{
    for (uint32_t i = p->n; i > p->gone; i--)
        if (nth(p, i - 1)->has_id && nth(p, i - 1)->id == id) return i - 1;
    return p->n;
}

tl_reply tl_pairs_answer_id(tl_pairs *p, uint64_t id, bool interim)
{
    tl_reply r = {0, TL_PAIR_UNASKED};
    uint32_t i = find_id(p, id);
    if (i == p->n) return r;
    r = (tl_reply){nth(p, i)->number, TL_PAIR_BY_ID};
    if (!interim) forget(p, i);
    return r;
}

uint32_t tl_asked(const tl_head *in, uint64_t id)
{
    uint32_t i = in->asks != NULL ? find_id(in->asks, id) : 0;
    return in->asks == NULL || i == in->asks->n ? 0 : nth(in->asks, i)->tag;
}

bool tl_pairs_report(tl_pairs *p, uint64_t *number)
{
    while (p->gone > 0) {
        bool doubtful = nth(p, 0)->doubtful;
        *number = nth(p, 0)->number;
        p->gone--;
        forget(p, 0);
        if (!doubtful) return true;
    }
    return false;
}

void tl_pairs_close(tl_pairs *p)
{
    p->gone = p->n;
}

uint64_t tl_pairs_tagged(const tl_pairs *p, uint32_t bits)
{
    for (uint32_t i = p->n; i > p->gone; i--)
        if (nth(p, i - 1)->tag & bits) return nth(p, i - 1)->number;
    return 0;
}

void tl_pairs_switch(tl_pairs *p, uint64_t number, uint64_t id)
{
    uint32_t i = p->gone;
    while (i < p->n && (number == 0 || nth(p, i)->number != number)) i++;
    if (i < p->n) {
        tl_ask ask = {
            .number = number, .begin = nth(p, i)->begin, .acked = nth(p, i)->acked, .tag = nth(p, i)->tag, .has_id = true, .id = id};
        memmove(nth(p, i), nth(p, i + 1), (p->n - i - 1) * sizeof *p->asks);
        *nth(p, p->n - 1) = ask;
        p->gone = p->n - 1;
    } else {
        p->gone = p->n;
    }
    p->broken = p->hole_before = p->pipelined = false;
}
