/*
** pipeline_reframe.h - the messages of stored sessions, framed anew from the database.
*/
#ifndef TL_PIPELINE_REFRAME_H
#define TL_PIPELINE_REFRAME_H

#include "message/registry.h"
#include "store/store.h"

/* One session: its messages are replaced, in the store's open transaction.  batch: an empty one, empty again afterwards. */
TL_MUST_USE tl_rc tl_reframe_session(tl_store *store, const tl_registry *r, tl_batch *batch, uint64_t session_id, tl_error *err);
/* Those whose framer gave up (framer.h). */
TL_MUST_USE tl_rc tl_reframe_these(tl_store *store, const tl_registry *r, const uint64_t *sessions, size_t n, tl_error *err);
/* Every session of the database. */
TL_MUST_USE tl_rc tl_reframe_all(tl_store *store, const tl_registry *r, tl_error *err);
/* All sessions that late bytes healed, or whose offset 0 moved, among those that reach into capture_id or a later one. */
TL_MUST_USE tl_rc tl_reframe_healed(tl_store *store, const tl_registry *r, uint32_t capture_id, tl_error *err);
/* All others that this run went on with, and those that a run which was killed left without messages. */
TL_MUST_USE tl_rc tl_reframe_resumed(tl_store *store, const tl_registry *r, uint32_t capture_id, tl_error *err);

#endif
