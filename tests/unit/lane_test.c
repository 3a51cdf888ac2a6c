/*
** lane_test.c - lanes: what is held back, for how long, and that a session becomes rows when it must not be held any longer.
*/
#include "app/pipeline_lane.h"
#include "stream/session.h"
#include "support/check.h"

#include <stdlib.h>
#include <string.h>

enum { SESSIONS = 3 };

typedef struct world {
    tl_sessions *table;
    tl_session *session[SESSIONS];
    lanes lanes;
    tl_batch *batch;
    uint64_t offset[SESSIONS];
    uint64_t frame;
} world;

static void open_world(world *w, size_t memory)
{
    tl_limits limits = tl_limits_default();
    *w = (world){.table = tl_sessions_new(&limits, 1), .batch = tl_batch_new((size_t)1 << 16)};
    if (w->table == NULL || w->batch == NULL) abort();
    lanes_init(&w->lanes, tl_registry_builtin(), memory);
    for (uint16_t i = 0; i < SESSIONS; i++) {
        tl_segment seg = {.flags = TL_SYN, .window_scale = -1, .at = {.frame = ++w->frame, .capture = 1}};
        tl_event ev;
        seg.src.port = (uint16_t)(1000 + i);
        seg.dst.port = 9;
        if (tl_sessions_push(w->table, &seg, &w->session[i]) != TL_OK || tl_session_pull(w->session[i], &ev)) abort();
        if (lane_new(&w->lanes, w->session[i]) == NULL) abort();
    }
}

static void close_world(world *w)
{
    lanes_clear(&w->lanes);
    CU_ASSERT(w->lanes.tape_bytes == 0 && w->lanes.flows.bytes == 0 && w->lanes.first == NULL && w->lanes.last == &w->lanes.first);
    for (int i = 0; i < SESSIONS; i++) CU_ASSERT_PTR_NULL(*tl_session_slot(w->session[i]));
    tl_batch_free(w->batch);
    tl_sessions_free(w->table);
}

static lane *lane_of(const world *w, int i)
{
    return *tl_session_slot(w->session[i]);
}

/* n bytes of the client of session i. */
static void tells(world *w, int i, size_t n)
{
    static const uint8_t bytes[8192];
    tl_event ev = {
        .kind = TL_EV_BYTES, .offset = w->offset[i], .length = n, .bytes = {bytes, n}, .at = {.frame = ++w->frame, .capture = 1}};
    CU_ASSERT_EQUAL_FATAL(lane_hears(lane_of(w, i), w->batch, &ev), TL_OK);
    w->offset[i] += n;
}

static void short_ones_leave_nothing(void)
{
    world w;
    open_world(&w, (size_t)1 << 20);
    tells(&w, 0, 100);
    CU_ASSERT(w.lanes.tape_bytes >= 100 && w.lanes.flows.bytes == 0 && tl_batch_empty(w.batch));
    CU_ASSERT_EQUAL(lane_last_row(lane_of(&w, 0), w.batch), TL_OK);
    CU_ASSERT_PTR_NOT_NULL(tl_batch_play(w.batch));
    CU_ASSERT_PTR_NULL(tl_batch_session_at(w.batch, 0));
    lane_free(lane_of(&w, 0));
    CU_ASSERT_EQUAL(w.lanes.tape_bytes, 0);
    tells(&w, 1, 5000); /* of more than a tape takes it has rows here */
    CU_ASSERT(w.lanes.tape_bytes == 0 && w.lanes.flows.bytes >= 5000);
    CU_ASSERT_EQUAL(lane_last_row(lane_of(&w, 1), w.batch), TL_OK);
    CU_ASSERT_PTR_NULL(tl_batch_play(w.batch));
    close_world(&w);
}

static void the_oldest_is_due(void)
{
    world w;
    open_world(&w, (size_t)1 << 20);
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, 0));
    tells(&w, 2, 5000);
    tells(&w, 0, 10);
    tells(&w, 1, 10);
    size_t held = w.lanes.tape_bytes + w.lanes.flows.bytes;
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, held));
    const int order[] = {2, 0, 1};
    for (int i = 0; i < SESSIONS; i++) {
        lane *l = lanes_due(&w.lanes, 0);
        CU_ASSERT_PTR_EQUAL_FATAL(l, lane_of(&w, order[i]));
        CU_ASSERT_EQUAL(lane_row(l, w.batch), TL_OK);
        CU_ASSERT_EQUAL(tl_batch_session_at(w.batch, (size_t)i)->info.id, (uint64_t)order[i] + 1);
    }
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, 0));
    tells(&w, 0, 10); /* it has a flow now */
    CU_ASSERT_PTR_EQUAL(lanes_due(&w.lanes, 0), lane_of(&w, 0));
    close_world(&w);
}

/* What a tape held for long must not be held as long again by the flow that it becomes. */
static void a_flow_is_as_old_as_its_tape(void)
{
    world w;
    open_world(&w, (size_t)64 << 20);
    w.lanes.held_payload = 25000;
    tells(&w, 0, 100);
    for (int i = 0; i < 5; i++) tells(&w, 1, 3000);
    CU_ASSERT_EQUAL(lane_row(lane_of(&w, 1), w.batch), TL_OK);
    tells(&w, 0, 4090); /* its tape ends */
    CU_ASSERT_EQUAL(w.lanes.tape_bytes, 0);
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, SIZE_MAX));
    tells(&w, 2, 4000);
    CU_ASSERT_PTR_EQUAL_FATAL(lanes_due(&w.lanes, SIZE_MAX), lane_of(&w, 0));
    CU_ASSERT_EQUAL(lane_row(lane_of(&w, 0), w.batch), TL_OK);
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, SIZE_MAX));
    close_world(&w);
}

/* The clock runs for tapes as it does for flows. */
static void tapes_age(void)
{
    world w;
    open_world(&w, (size_t)64 << 20);
    w.lanes.held_payload = 3000;
    tells(&w, 0, 10);
    tells(&w, 1, 2000);
    CU_ASSERT_PTR_NULL(lanes_due(&w.lanes, SIZE_MAX));
    tells(&w, 1, 1001);
    CU_ASSERT_PTR_EQUAL(lanes_due(&w.lanes, SIZE_MAX), lane_of(&w, 0));
    close_world(&w);
}

int main(void)
{
    return tl_run_cases("lane", (const tl_case[]){{"short sessions leave nothing here", short_ones_leave_nothing},
                                                  {"the oldest is due", the_oldest_is_due},
                                                  {"a flow is as old as its tape", a_flow_is_as_old_as_its_tape},
                                                  {"tapes age", tapes_age},
                                                  {0}});
}
