/*
** pipeline_reframe.c - stored session ─replay─▶ event ─▶ framer ─pull─▶ message ─▶ batch ─▶ store.
*/
#include "app/pipeline_reframe.h"

#include "message/framer.h"
#include "query/replay.h"

typedef struct reframe {
    tl_store *store;
    tl_batch *batch;
    tl_flow *flow;
    tl_framer *framer;
    tl_replay *replay;
    tl_error *err;
} reframe;

static tl_rc store_said(const reframe *f, tl_rc rc)
{
    if (rc != TL_OK) *f->err = *tl_store_error(f->store);
    return rc;
}

static tl_rc hand_over(reframe *f)
{
    tl_rc rc = store_said(f, tl_store_write(f->store, f->batch));
    tl_batch_reset(f->batch);
    return rc;
}

static tl_rc one_event(reframe *f, const tl_event *ev)
{
    tl_message msg;
    tl_rc rc = tl_framer_push(f->framer, ev);
    while (rc == TL_OK && (rc = tl_framer_pull(f->framer, &msg)) == TL_OK) {
        rc = tl_batch_message(f->batch, f->flow, &msg);
        if (rc == TL_OK && tl_batch_full(f->batch)) rc = hand_over(f);
    }
    return rc == TL_END ? TL_OK : rc;
}

static tl_rc all_events(reframe *f)
{
    tl_event ev;
    tl_rc rc;
    while ((rc = tl_replay_next(f->replay, &ev, f->err)) == TL_OK) {
        rc = one_event(f, &ev);
        if (rc != TL_OK) return rc;
    }
    return rc == TL_END ? TL_OK : rc;
}

/* END: the framer gave up. */
static tl_rc frame_once(reframe *f, const tl_registry *r, uint64_t session_id, bool causal)
{
    f->replay = tl_replay_open(tl_store_connection(f->store), (int64_t)session_id, causal, f->err);
    if (f->replay == NULL) return f->err->rc;
    f->flow = tl_flow_new(NULL, session_id, NULL);
    f->framer = tl_framer_new(r, tl_replay_server_port(f->replay));
    tl_rc rc = f->flow == NULL || f->framer == NULL ? TL_ENOMEM : store_said(f, tl_store_messages_forget(f->store, session_id));
    if (rc == TL_OK) rc = all_events(f);
    bool again = rc == TL_OK && !causal && tl_framer_gave_up(f->framer);
    if (rc == TL_OK && !again && !tl_batch_empty(f->batch)) rc = hand_over(f);
    if (rc == TL_OK && !again) rc = store_said(f, tl_store_protocol(f->store, session_id, tl_framer_protocol(f->framer)));
    tl_batch_reset(f->batch);
    tl_framer_free(f->framer);
    tl_flow_free(f->flow);
    tl_replay_close(f->replay);
    return again ? TL_END : rc;
}

/* In the order in which the ingest told it; where that makes the framer give up, as it did then, in causal order. */
tl_rc tl_reframe_session(tl_store *store, const tl_registry *r, tl_batch *batch, uint64_t session_id, tl_error *err)
{
    reframe f = {.store = store, .batch = batch, .err = err};
    *err = (tl_error){0};
    tl_rc rc = frame_once(&f, r, session_id, false);
    if (rc == TL_END) rc = frame_once(&f, r, session_id, true);
    if (rc != TL_OK && err->text[0] == '\0')
        (void)tl_fail(err, rc, "out of memory while framing session %llu again", (unsigned long long)session_id);
    return rc;
}

tl_rc tl_reframe_these(tl_store *store, const tl_registry *r, const uint64_t *sessions, size_t n, tl_error *err)
{
    tl_batch *batch = n > 0 ? tl_batch_new((size_t)1 << 20) : NULL;
    tl_rc rc = n > 0 && batch == NULL ? tl_fail(err, TL_ENOMEM, "out of memory") : TL_OK;
    for (size_t i = 0; rc == TL_OK && i < n; i++) rc = tl_reframe_session(store, r, batch, sessions[i], err);
    tl_batch_free(batch);
    return rc;
}

typedef tl_rc next_session(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id);

static tl_rc reframe_each(tl_store *store, const tl_registry *r, uint32_t capture_id, next_session *next, tl_error *err)
{
    tl_batch *batch = NULL;
    uint64_t id = 0, last = 0;
    tl_rc rc;
    for (; (rc = next(store, last, capture_id, &id)) == TL_OK && id != 0; last = id) {
        if (id <= last) { /* or it would go round for ever */
            rc = tl_fail(err, TL_ESQL, "the database is damaged: session %llu comes after %llu (see verify)", (unsigned long long)id,
                         (unsigned long long)last);
            break;
        }
        if (batch == NULL && (batch = tl_batch_new((size_t)1 << 20)) == NULL) {
            rc = tl_fail(err, TL_ENOMEM, "out of memory");
            break;
        }
        rc = tl_reframe_session(store, r, batch, id, err);
        if (rc != TL_OK) break;
    }
    if (rc != TL_OK && err->text[0] == '\0') *err = *tl_store_error(store);
    tl_batch_free(batch);
    return rc;
}

static tl_rc every_session(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id)
{
    (void)capture_id;
    return tl_store_session_after(s, after, session_id);
}

tl_rc tl_reframe_all(tl_store *store, const tl_registry *r, tl_error *err)
{
    return reframe_each(store, r, 0, every_session, err);
}

tl_rc tl_reframe_healed(tl_store *store, const tl_registry *r, uint32_t capture_id, tl_error *err)
{
    return reframe_each(store, r, capture_id, tl_store_healed_after, err);
}

tl_rc tl_reframe_resumed(tl_store *store, const tl_registry *r, uint32_t capture_id, tl_error *err)
{
    tl_rc rc = reframe_each(store, r, capture_id, tl_store_unframed_after, err);
    if (rc == TL_OK && (rc = tl_store_unframed_done(store)) != TL_OK) *err = *tl_store_error(store);
    return rc;
}
