/*
** pipeline_framing.c - see the header.
**
** Framed as it comes, each packet of a session among thousands finds all that chunks and framing need of it, two kilobytes in a dozen
** places, outside every cache.  Here a session is all there is at a time: one flow, emptied by each, and a framer that lies where the one
** before it did.  They hear the same events in the same order as they would have then, so the rows are the same.
*/
#include "app/pipeline_framing.h"

#include <assert.h>
#include <stdlib.h>

struct framing {
    const tl_registry *registry;
    tl_flow *flow;
    tl_stock stock; /* of the flow and the framers */
};

framing *framing_new(const tl_registry *r)
{
    framing *f = calloc(1, sizeof *f);
    if (f == NULL) return NULL;
    f->registry = r;
    tl_stock_init(&f->stock);
    f->flow = tl_flow_new(&f->stock, 0, NULL);
    if (f->flow != NULL) return f;
    framing_free(f);
    return NULL;
}

void framing_free(framing *f)
{
    if (f == NULL) return;
    tl_flow_free(f->flow);
    tl_stock_clear(&f->stock);
    free(f);
}

tl_rc framing_event(tl_batch *b, tl_flow *f, tl_framer *framer, const tl_event *ev)
{
    tl_message msg;
    tl_rc rc = tl_batch_event(b, f, ev);
    if (rc != TL_OK || framer == NULL) return rc;
    rc = tl_framer_push(framer, ev);
    while (rc == TL_OK && (rc = tl_framer_pull(framer, &msg)) == TL_OK) rc = tl_batch_message(b, f, &msg);
    return rc == TL_END ? TL_OK : rc;
}

static tl_rc one_session(framing *f, tl_batch *b, const tl_taped *t)
{
    tl_event ev;
    tl_framer *framer = tl_framer_new_from(&f->stock, f->registry, t->info.server.port);
    tl_rc rc = framer == NULL ? TL_ENOMEM : TL_OK;
    tl_flow_again(f->flow, t->info.id);
    for (tl_span rest = t->tape; rc == TL_OK && tl_tape_next(&rest, &ev);) rc = framing_event(b, f->flow, framer, &ev);
    assert(rc != TL_OK || !tl_framer_gave_up(framer)); /* a tape holds less than may wait */
    if (rc == TL_OK) rc = tl_batch_session(b, f->flow, &t->info, tl_framer_protocol(framer));
    tl_framer_free(framer);
    return rc;
}

tl_rc framing_run(framing *f, tl_batch *b)
{
    tl_rc rc = TL_OK;
    for (const tl_taped *t = tl_batch_play(b); rc == TL_OK && t != NULL; t = t->next) rc = one_session(f, b, t);
    tl_rc played = tl_batch_played(b);
    return rc == TL_OK ? played : rc;
}
