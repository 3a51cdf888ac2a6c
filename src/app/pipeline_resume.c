/*
** pipeline_resume.c - see the header.
*/
#include "app/pipeline_resume.h"

static tl_rc resume_one(tl_store *store, tl_sessions *t, const tl_stored_state *state, uint32_t captures)
{
    tl_session *s;
    tl_rc rc = state->state.p == NULL ? TL_END : tl_session_restore(t, state->session_id, state->state, captures, &s);
    return rc == TL_END ? tl_store_state_forget(store, state->session_id) : rc;
}

/* The time of the first frame is more than `idle` before that of the state. */
static bool of_later_capture(const tl_stored_state *state, int64_t first_ns, int64_t idle)
{
    return state->clock_ns > first_ns && (uint64_t)state->clock_ns - (uint64_t)first_ns > (uint64_t)idle;
}

tl_rc resume_sessions(tl_store *store, tl_sessions *t, const tl_limits *limits, uint64_t next_id, uint32_t captures, int64_t first_ns)
{
    tl_stored_state state = {.session_id = next_id};
    tl_sessions_stats stats;
    for (;;) {
        tl_rc rc = tl_store_state_before(store, state.session_id, limits->memory_bytes, &state);
        if (rc != TL_OK) return rc;
        if (state.session_id == 0) return tl_sessions_restored(t);
        if (of_later_capture(&state, first_ns, limits->idle_ns)) continue;
        rc = resume_one(store, t, &state, captures);
        if (rc != TL_OK) return rc;
        tl_sessions_look(t, &stats);
        if (stats.memory_bytes > limits->memory_bytes) state.session_id = 1; /* the rest are the oldest */
    }
}
