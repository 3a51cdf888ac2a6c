/*
** registry.c - the built-in detectors, and which of them are asked.  A detector costs a file in protocol/ and a line in registry.h.
*/
#include "message/registry.h"

#include <pthread.h>
#include <string.h>

enum { INDEXED = 64 }; /* bits of an index's words */

#define X(name) &name,
static const tl_detector *const builtin[] = {TL_DETECTORS(X)};
#undef X

static tl_registry_index builtin_index;
static tl_registry builtin_registry;

static void make_builtin(void)
{
    builtin_registry = tl_registry_of(builtin, sizeof builtin / sizeof *builtin, &builtin_index);
}

const tl_registry *tl_registry_builtin(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, make_builtin);
    return &builtin_registry;
}

static void index_one(tl_registry_index *x, const tl_detector *d, uint64_t bit)
{
    for (size_t i = 0; i < sizeof d->ports / sizeof *d->ports && d->ports[i] != 0; i++) x->by_port[d->ports[i] & 0xff] |= bit;
    for (size_t byte = 0; byte < 256; byte++) {
        bool any = d->first.n == 0;
        for (size_t i = 0; i + 1 < d->first.n; i += 2) any |= byte >= d->first.p[i] && byte <= d->first.p[i + 1];
        if (any) x->by_first[byte] |= bit;
    }
}

tl_registry tl_registry_of(const tl_detector *const *items, size_t n, tl_registry_index *index)
{
    memset(index, 0, sizeof *index);
    for (size_t i = 0; i < n && i < INDEXED; i++) index_one(index, items[i], (uint64_t)1 << i);
    return (tl_registry){items, n, index};
}

/* The bits of those that may say more than NO. */
static uint64_t worth_asking(const tl_registry *r, const tl_probe *in)
{
    uint64_t bits = r->n < INDEXED ? ((uint64_t)1 << r->n) - 1 : UINT64_MAX;
    if (r->index == NULL) return bits;
    uint64_t ask = r->index->by_port[in->server_port & 0xff];
    for (int dir = 0; dir < 2; dir++)
        if (in->head[dir].n > 0) ask |= r->index->by_first[in->head[dir].p[0]];
    return bits & ask;
}

/* Asks one, and keeps what it says unless that is NO; true: YES. */
static bool ask(const tl_detector *d, const tl_probe *in, bool *wait, const tl_detector **likely)
{
    tl_match says = d->probe(d, in);
    if (says == TL_NO) return false;
    *wait |= says == TL_MAYBE;
    if (says == TL_LIKELY && *likely == NULL) *likely = d;
    return says == TL_YES;
}

const tl_detector *tl_registry_pick(const tl_registry *r, const tl_probe *in, bool *wait, const tl_detector **likely)
{
    *wait = false;
    *likely = NULL;
    for (uint64_t bits = worth_asking(r, in); bits != 0; bits &= bits - 1) {
        const tl_detector *d = r->items[__builtin_ctzll(bits)];
        if (ask(d, in, wait, likely)) return d;
    }
    for (size_t i = INDEXED; i < r->n; i++)
        if (ask(r->items[i], in, wait, likely)) return r->items[i];
    return NULL;
}

extern inline bool tl_usual_port(const tl_detector *d, uint16_t port); /* for whoever calls it */
