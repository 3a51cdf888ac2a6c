/*
** fragments_test.c - the fragment table against an array of bytes that is obviously right.
**
** A program is a run of fragments of a few datagrams, in any order, cut anywhere, overlapping with other content, with copies and
** pauses.  The model keeps, for each datagram, one cell per byte: who brought it first.  After each fragment both must agree on
** whether the datagram is complete and, byte for byte, on what it holds.  The sabotage case runs the same programs against a model that
** lets the last copy win: it must be caught.
*/
#include "support/check.h"
#include "support/frames.h"

#include "packet/fragments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATAGRAMS = 6, BYTES_MAX = 640, RAW = 12, TIMEOUT_S = 30 };

typedef struct model {
    bool there[BYTES_MAX];
    uint8_t bytes[BYTES_MAX];
    size_t total, end; /* total 0: not known */
    size_t fragments;
    int64_t first_ns;
    uint64_t born; /* the frame that began it */
    bool lives;
} model;

typedef struct random_source {
    unsigned long long state;
} random_source;

static size_t below(random_source *r, size_t n)
{
    return (size_t)(tl_random(&r->state) >> 11) % n;
}

static tl_build b;

static bool too_old(const model *m, int64_t now)
{
    int64_t apart = now > m->first_ns ? now - m->first_ns : m->first_ns - now;
    return apart > TIMEOUT_S * INT64_C(1000000000);
}

/* The one that began first goes when it is too old, then the next one; time may run backwards. */
static void model_expire(model models[DATAGRAMS], int64_t now)
{
    for (;;) {
        model *oldest = NULL;
        for (size_t i = 0; i < DATAGRAMS; i++)
            if (models[i].lives && (oldest == NULL || models[i].born < oldest->born)) oldest = &models[i];
        if (oldest == NULL || !too_old(oldest, now)) return;
        oldest->lives = false;
    }
}

/* What the table must say of a fragment; TL_SEG_OK: complete, and m->bytes[0 .. m->total) is the datagram. */
static tl_decoded model_add(model *m, size_t offset, const uint8_t *data, size_t n, bool more, tl_at at, bool last_wins)
{
    if (!m->lives || too_old(m, at.ns)) *m = (model){.lives = true, .first_ns = at.ns, .born = at.frame};
    size_t end = offset + n;
    if ((m->total > 0 && (end > m->total || (!more && end != m->total))) || (!more && end < m->end)) return TL_SEG_MALFORMED;
    if (m->fragments == TL_FRAGMENTS_MAX) {
        m->lives = false;
        return TL_SEG_FRAGMENT_LOST;
    }
    m->fragments++;
    if (end > m->end) m->end = end;
    if (!more) m->total = end;
    for (size_t i = 0; i < n; i++) {
        if (m->there[offset + i] && !last_wins) continue;
        m->there[offset + i] = true;
        m->bytes[offset + i] = data[i];
    }
    if (m->total == 0) return TL_SEG_FRAGMENT;
    for (size_t i = 0; i < m->total; i++)
        if (!m->there[i]) return TL_SEG_FRAGMENT;
    m->lives = false;
    return TL_SEG_OK;
}

/* A TCP header with nothing in the options and data offset 5 begins each datagram, so that a complete one is a segment. */
static void fill(uint8_t *data, size_t offset, size_t n, random_source *r)
{
    bool other = below(r, 4) == 0;
    for (size_t i = 0; i < n; i++) {
        size_t at = offset + i;
        data[i] = (uint8_t)(other ? tl_random(&r->state) : at * 7 + 1);
        if (at == 12) data[i] = 0x50;
    }
}

/* false: the table and the model differ. */
static bool run_program(unsigned long long seed, bool last_wins, size_t *completed)
{
    static const uint8_t key[16] = {9};
    random_source r = {seed};
    model models[DATAGRAMS] = {0};
    tl_decoder *d = tl_decoder_new(key);
    if (d == NULL) abort();
    tl_at at = {.ns = 1000, .capture = 1};
    bool same = true;
    size_t steps = 20 + below(&r, 200), span = 24 + 8 * below(&r, (BYTES_MAX - 24) / 8);
    for (size_t i = 0; same && i < steps; i++) {
        size_t id = below(&r, DATAGRAMS), offset = 8 * below(&r, span / 8), n = 8 * (1 + below(&r, 12));
        bool more = below(&r, 5) != 0 || offset < 24;
        if (!more) n -= below(&r, 8);
        if (below(&r, 3) == 0) { /* pieces that fit make datagrams that complete */
            offset = below(&r, 3) * 200;
            n = offset == 400 ? 37 : 200;
            more = offset != 400;
        }
        if (offset + n > BYTES_MAX) continue;
        uint8_t data[BYTES_MAX];
        fill(data, offset, n, &r);
        if (below(&r, 40) == 0) at.ns += (int64_t)below(&r, 40) * 1000000000;
        if (below(&r, 200) == 0) at.ns -= (int64_t)below(&r, 40) * 1000000000;
        at.frame++;

        tl_build_start(&b, data, n);
        if (id % 2 == 0)
            tl_build_fragment(&b, "192.0.2.1", "192.0.2.2", 6, (uint32_t)id, offset, more);
        else
            tl_build_fragment(&b, "2001:db8::1", "2001:db8::2", 6, (uint32_t)id, offset, more);
        tl_span frame = tl_build_bytes(&b);
        uint8_t *exact = tl_exact(frame.p, frame.n);
        tl_segment s;
        tl_decoded how = tl_decoder_push(d, RAW, tl_span_of(exact, frame.n), (uint32_t)frame.n, at, &s);
        model *m = &models[id];
        model_expire(models, at.ns);
        tl_decoded want = model_add(m, offset, data, n, more, at, last_wins);
        same = how == want;
        if (same && how == TL_SEG_OK) {
            same = s.payload.n == m->total - 20 && memcmp(s.payload.p, m->bytes + 20, s.payload.n) == 0 && s.seq == tl_be32(m->bytes + 4);
            ++*completed;
        }
        free(exact);
    }
    tl_decoder_free(d);
    return same;
}

static void agrees_with_the_model(void)
{
    size_t completed = 0;
    for (unsigned long long seed = 1; seed <= 5000; seed++)
        if (!run_program(seed, false, &completed)) {
            printf("\nprogram %llu differs\n", seed);
            CU_FAIL("the table and the model differ");
            return;
        }
    /* The programs must reach what they are for. */
    CU_ASSERT(completed > 5000);
}

static void sabotage_is_caught(void)
{
    size_t completed = 0, caught = 0;
    for (unsigned long long seed = 1; seed <= 100; seed++) caught += !run_program(seed, true, &completed);
    CU_ASSERT(caught > 50);
}

int main(void)
{
    return tl_run_cases("fragments model", (const tl_case[]){{"agrees with an array of bytes", agrees_with_the_model},
                                                             {"a model that is wrong is caught", sabotage_is_caught},
                                                             {0}});
}
