/*
** registry.c - the built-in detectors.  A detector costs a file in protocol/ and a line in registry.h.
*/
#include "message/registry.h"

#define X(name) &name,
static const tl_detector *const builtin[] = {TL_DETECTORS(X)};
#undef X

const tl_registry *tl_registry_builtin(void)
{
    static const tl_registry r = {builtin, sizeof builtin / sizeof *builtin};
    return &r;
}

const tl_detector *tl_registry_pick(const tl_registry *r, const tl_probe *in, bool *wait, const tl_detector **likely)
{
    *wait = false;
    *likely = NULL;
    for (size_t i = 0; i < r->n; i++) {
        switch (r->items[i]->probe(r->items[i], in)) {
        case TL_YES: return r->items[i];
        case TL_LIKELY:
            if (*likely == NULL) *likely = r->items[i];
            break;
        case TL_MAYBE: *wait = true; break;
        case TL_NO: break;
        }
    }
    return NULL;
}

bool tl_usual_port(const tl_detector *d, uint16_t port)
{
    for (size_t i = 0; i < sizeof d->ports / sizeof *d->ports && d->ports[i] != 0; i++)
        if (d->ports[i] == port) return true;
    return false;
}
