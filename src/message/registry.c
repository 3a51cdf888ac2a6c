/*
** registry.c - the built-in detectors.  A detector costs a file and a line here.
*/
#include "message/registry.h"

static const tl_detector *const builtin[] = {
    &tl_http1,
    &tl_tls,
};

const tl_registry *tl_registry_builtin(void)
{
    static const tl_registry r = {builtin, sizeof builtin / sizeof *builtin};
    return &r;
}

const tl_detector *tl_registry_pick(const tl_registry *r, const tl_probe *in, bool *wait)
{
    *wait = false;
    for (size_t i = 0; i < r->n; i++) {
        tl_match m = r->items[i]->probe(r->items[i], in);
        if (m == TL_YES) return r->items[i];
        if (m == TL_MAYBE) *wait = true;
    }
    return NULL;
}
