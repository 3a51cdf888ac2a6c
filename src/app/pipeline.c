/*
** pipeline.c - the loop that the design draws:
**
**     frame ─decode─▶ segment ─push─▶ session ─pull─▶ event ─┬─▶ batch
**                                                            └─▶ framer ─pull─▶ message ─▶ batch ─▶ writer
**
** Per session that has anything to tell there is a lane (pipeline_lane.h).  Sessions without payload get their row at the close and never
** have one.
**
** Invariants:
** 1. A session is pulled dry before the table is called again.
** 2. A batch is handed over between two events of which none is of a segment half told, after each flow in it got its row: what is stored
**    is balanced.
** 3. A session that was reopened after its close, restored from an earlier run, or whose framer gave up has no framer: its messages are
**    framed again from the database.
** 4. A session that was only asked for, where those are summed up, waits to be forgotten by the table before it is added: a late answer
**    makes it one that has a row.
** 5. A restored session has a row in a batch as soon as anything is asked of it: when the run ends, nothing of an earlier run has to be
**    taken back any more.
*/
#include "app/pipeline.h"

#include "app/pipeline_lane.h"
#include "app/pipeline_parts.h"
#include "app/pipeline_reframe.h"
#include "app/pipeline_resume.h"
#include "app/pipeline_writer.h"
#include "batch/scans.h"
#include "packet/fragments.h"

#include <stdlib.h>
#include <string.h>

struct tl_pipeline {
    tl_decoder *decoder;
    parts parts; /* of the segment at hand */
    tl_sessions *sessions;
    tl_store *store;        /* borrowed; the writer thread's until it ended */
    uint32_t first_capture; /* of this run */
    uint64_t gaps;          /* told */
    writer *writer;
    tl_batch *batch; /* the one that fills; NULL after a failed hand-over */
    lanes lanes;
    tl_flow *brief;         /* owned; of sessions without a lane, one after the other */
    tl_scans *scans;        /* owned; NULL: sessions that were only asked for have rows like others */
    bool ending;            /* no segment comes any more */
    uint64_t first_session; /* of this run */
    tl_limits limits;
    bool separate;
    tl_text state;                 /* of one session */
    tl_at now;                     /* of the last frame; capture 0: none yet */
    tl_pipeline_capture *captures; /* all that were run: fragments are lost later than they are read */
    tl_error error;
};

/* ---- the loop, from the inside out ---- */

static tl_rc hand_over(tl_pipeline *p)
{
    tl_rc rc = TL_OK;
    for (tl_flow *f; rc == TL_OK && (f = tl_batch_touched(p->batch)) != NULL;) rc = lane_row_part(tl_flow_owner(f), p->batch);
    return rc == TL_OK ? writer_hand_over(p->writer, &p->batch) : rc;
}

/* What sessions hold back beyond `most` bytes, or for too long, into batches. */
static tl_rc write_held(tl_pipeline *p, size_t most)
{
    tl_rc rc = TL_OK;
    for (lane *l; rc == TL_OK && (l = lanes_due(&p->lanes, most)) != NULL;) {
        rc = lane_row(l, p->batch);
        if (rc == TL_OK && tl_batch_full(p->batch)) rc = hand_over(p);
    }
    return rc;
}

static tl_rc tell(tl_pipeline *p, lane *l, const tl_event *ev)
{
    tl_event piece;
    tl_rc rc = TL_OK;
    p->gaps += ev->kind == TL_EV_GAP;
    if (!parts_apply(&p->parts, ev)) return lane_hears(l, p->batch, ev);
    for (size_t done = 0; rc == TL_OK && parts_next(&p->parts, ev, &done, &piece);) rc = lane_hears(l, p->batch, &piece);
    return rc;
}

/* One that is summed up instead of written: how it is told. */
static bool summed(const tl_pipeline *p, tl_session *s, tl_unanswered *out)
{
    return p->scans != NULL && *tl_session_slot(s) == NULL && tl_session_unanswered(s, out);
}

/* Its last row, and nothing of it stays here. */
static tl_rc end_session(tl_pipeline *p, tl_session *s)
{
    tl_session_info info;
    tl_unanswered unanswered;
    lane *l = *tl_session_slot(s);
    tl_rc rc;
    if (summed(p, s, &unanswered)) {
        bool last = p->ending || tl_session_forgotten(s); /* invariant 4 */
        tl_session_defer(s, !last);
        if (last) tl_scans_add(p->scans, &unanswered);
        return TL_OK;
    }
    if (l != NULL) {
        rc = lane_last_row(l, p->batch);
        if (rc != TL_OK) return rc;
        lane_free(l);
    } else {
        tl_session_look(s, &info);
        tl_flow_again(p->brief, info.id);
        rc = tl_batch_session(p->batch, p->brief, &info, "");
    }
    tl_session_defer(s, false);
    return rc;
}

/* Everything that a session has to say, into the batch. */
static tl_rc drain(tl_pipeline *p, tl_session *s)
{
    tl_event ev;
    tl_rc rc = TL_OK;
    if (*tl_session_slot(s) == NULL && tl_session_resumed(s)) { /* invariant 5 */
        lane *l = lane_new(&p->lanes, s);
        rc = l == NULL ? TL_ENOMEM : lane_row(l, p->batch);
    }
    while (rc == TL_OK && tl_session_pull(s, &ev)) {
        lane *l = *tl_session_slot(s);
        if (l == NULL && ev.kind == TL_EV_CLOSE) continue;
        if (l == NULL) l = lane_new(&p->lanes, s);
        rc = l == NULL ? TL_ENOMEM : tell(p, l, &ev);
        /* What waited behind a million holes does not fit one batch. */
        if (rc == TL_OK && tl_batch_full(p->batch) && !tl_sessions_busy(p->sessions)) rc = hand_over(p);
    }
    if (rc == TL_OK && tl_session_closed(s)) rc = end_session(p, s);
    if (rc == TL_OK && tl_batch_full(p->batch)) rc = hand_over(p);
    return rc == TL_OK ? write_held(p, p->lanes.held_most) : rc;
}

static tl_rc drain_due(tl_pipeline *p)
{
    tl_rc rc = TL_OK;
    for (tl_session *s; rc == TL_OK && (s = tl_sessions_due(p->sessions, p->now)) != NULL;) rc = drain(p, s);
    return rc;
}

static void count(tl_pipeline_capture *c, tl_decoded how, size_t bytes)
{
    c->facts.outcome[how].frames++;
    c->facts.outcome[how].bytes += bytes;
}

/* Frames that were counted as fragments turn out to be of datagrams that never became whole. */
static void count_lost(tl_pipeline *p)
{
    tl_fragment_lost lost;
    while (tl_decoder_lost(p->decoder, &lost)) {
        tl_pipeline_capture *c = p->captures;
        while (c != NULL && c->id != lost.at.capture) c = c->next;
        if (c == NULL) continue;
        c->facts.outcome[TL_SEG_FRAGMENT].frames--;
        c->facts.outcome[TL_SEG_FRAGMENT].bytes -= lost.captured_bytes;
        count(c, TL_SEG_FRAGMENT_LOST, lost.captured_bytes);
    }
}

static tl_rc one_segment(tl_pipeline *p, const tl_segment *seg, tl_decoded *how)
{
    tl_session *s;
    tl_rc rc = tl_sessions_push(p->sessions, seg, &s);
    if (rc != TL_OK) return rc;
    if (tl_sessions_other_channel(p->sessions)) *how = TL_SEG_OTHER_CHANNEL;
    p->parts.payload = seg->payload;
    p->parts.n = tl_decoder_parts(p->decoder, seg, p->parts.part);
    rc = drain(p, s);
    p->parts.n = 0;
    return rc;
}

static tl_rc one_frame(tl_pipeline *p, const tl_frame *frame, tl_pipeline_capture *c)
{
    tl_segment seg;
    tl_rc rc = TL_OK;
    tl_capture_facts *facts = &c->facts;
    tl_decoded how = tl_decoder_push(p->decoder, frame->linktype, frame->bytes, frame->wire_len, p->now, &seg);
    if (facts->frames == 0 || p->now.ns < facts->first_ns) facts->first_ns = p->now.ns;
    if (facts->frames == 0 || p->now.ns > facts->last_ns) facts->last_ns = p->now.ns;
    facts->frames++;
    if (how == TL_SEG_OK) rc = one_segment(p, &seg, &how);
    count(c, how, frame->bytes.n);
    count_lost(p);
    return rc == TL_OK ? drain_due(p) : rc;
}

/* Out of memory has no text yet; a failed hand-over has the writer's, once it is joined. */
static tl_rc failed(tl_pipeline *p, tl_rc rc)
{
    tl_error err = {0};
    if (rc == TL_OK) return TL_OK;
    tl_rc writers = writer_stop(p->writer, &err);
    p->writer = NULL;
    p->batch = NULL;
    if (writers != TL_OK)
        p->error = err;
    else
        (void)tl_fail(&p->error, rc, "out of memory: lower --memory, or give the machine more");
    return p->error.rc;
}

/* The store says why. */
static tl_rc store_failed(tl_pipeline *p, tl_rc rc)
{
    tl_error err = *tl_store_error(p->store);
    if (rc == TL_OK) return TL_OK;
    rc = failed(p, rc);
    if (err.rc != TL_OK) p->error = err;
    return rc;
}

/* ---- the end of a run ---- */

/* The state from before the end, into p->state. */
static tl_rc save(tl_pipeline *p, const tl_session *s, tl_session_mark *mark, uint64_t *id)
{
    *mark = (tl_session_mark){0};
    tl_text_reset(&p->state);
    if (tl_session_fate(s) == TL_FATE_SAVE) tl_session_save(s, &p->state, mark);
    *id = tl_session_id(s);
    return p->state.failed ? TL_ENOMEM : TL_OK;
}

static tl_rc store_state(tl_pipeline *p, uint64_t id, const tl_session_mark *mark)
{
    return tl_batch_state(p->batch, id, tl_span_of(p->state.p, p->state.n), mark);
}

/* A session's state goes into a batch after its row: it is told of no session that the database does not have. */
static tl_rc end_sessions(tl_pipeline *p)
{
    tl_rc rc = TL_OK;
    tl_session_mark mark;
    uint64_t id;
    tl_unanswered unanswered;
    p->ending = true;
    tl_sessions_choose(p->sessions, RESUME_SESSIONS_MOST);
    for (tl_session *s = NULL; rc == TL_OK && (s = tl_sessions_next(p->sessions, s)) != NULL;) {
        if (tl_session_closed(s) && summed(p, s, &unanswered)) {
            tl_scans_add(p->scans, &unanswered);
            continue;
        }
        tl_fate fate = tl_session_fate(s);
        if (fate != TL_FATE_FORGET && (fate != TL_FATE_SAVE || !tl_session_closed(s))) continue;
        rc = save(p, s, &mark, &id);
        if (rc == TL_OK) rc = store_state(p, id, &mark);
        if (rc == TL_OK && tl_batch_full(p->batch)) rc = hand_over(p);
    }
    for (tl_session *s; rc == TL_OK && (s = tl_sessions_end(p->sessions)) != NULL;) {
        bool saves = tl_session_fate(s) == TL_FATE_SAVE && !summed(p, s, NULL); /* it may be gone when it is drained */
        if (saves) rc = save(p, s, &mark, &id);
        if (rc == TL_OK) rc = drain(p, s);
        if (rc == TL_OK && saves) rc = store_state(p, id, &mark);
    }
    return rc == TL_OK && !tl_batch_empty(p->batch) ? hand_over(p) : rc;
}

/* ---- what the caller sees ---- */

tl_pipeline *tl_pipeline_new(tl_store *store, const tl_pipeline_options *o, tl_error *err)
{
    uint64_t next_id = 1;
    if (tl_store_next_ids(store, &next_id) != TL_OK) {
        if (err != NULL) *err = *tl_store_error(store);
        return NULL;
    }
    tl_pipeline *p = calloc(1, sizeof *p);
    const tl_registry *registry = o->registry != NULL ? o->registry : tl_registry_builtin();
    if (p != NULL) lanes_init(&p->lanes, registry, o->limits.memory_bytes);
    if (p != NULL) p->sessions = tl_sessions_new(&o->limits, next_id);
    if (p != NULL) p->decoder = tl_decoder_new(o->limits.hash_key);
    if (p != NULL) p->brief = tl_flow_new(NULL, 0, NULL);
    if (p == NULL || p->sessions == NULL || p->decoder == NULL || p->brief == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
        tl_pipeline_free(p);
        return NULL;
    }
    if (o->scan_aggregate && (p->scans = tl_scans_new(o->limits.hash_key)) == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
        tl_pipeline_free(p);
        return NULL;
    }
    p->store = store;
    p->first_session = next_id;
    p->limits = o->limits;
    p->separate = o->separate;
    writer_options w = {.registry = registry,
                        .level = o->level,
                        .threads = o->threads,
                        .batches = o->batches == 0  ? TL_PIPELINE_BATCHES
                                   : o->batches < 2 ? 2
                                                    : o->batches,
                        .batch_bytes = o->batch_bytes > 0 ? o->batch_bytes : TL_PIPELINE_BATCH_BYTES};
    p->writer = writer_start(store, &w, &p->batch, err);
    if (p->writer == NULL) {
        tl_pipeline_free(p);
        return NULL;
    }
    return p;
}

void tl_pipeline_free(tl_pipeline *p)
{
    if (p == NULL) return;
    lanes_clear(&p->lanes); /* of sessions that a failure left open */
    tl_flow_free(p->brief); /* a failure may have left it in a batch */
    if (p->writer != NULL) (void)writer_stop(p->writer, NULL);
    tl_decoder_free(p->decoder);
    tl_sessions_free(p->sessions);
    tl_scans_free(p->scans);
    tl_text_free(&p->state);
    free(p);
}

const tl_error *tl_pipeline_error(const tl_pipeline *p)
{
    return &p->error;
}

void tl_pipeline_look(const tl_pipeline *p, tl_pipeline_counts *out)
{
    tl_sessions_stats stats;
    tl_sessions_look(p->sessions, &stats);
    *out = (tl_pipeline_counts){.sessions = stats.total, .gaps = p->gaps};
}

static void source_ended(const tl_source *source, tl_rc rc, tl_pipeline_capture *out)
{
    tl_capture_facts *f = &out->facts;
    const tl_source_facts *s = &source->facts;
    f->format = s->format;
    f->linktype = s->linktype;
    f->snaplen = s->snaplen;
    f->drops = s->drops;
    f->bytes = s->bytes_total > 0 ? s->bytes_total : s->bytes_read;
    if (s->have_sha256) {
        memcpy(out->sha256, s->sha256, sizeof out->sha256);
        f->sha256 = out->sha256;
    }
    f->state = rc == TL_OK ? "complete" : rc == TL_ETRUNCATED ? "truncated" : "failed";
    if (rc != TL_OK) {
        out->error = source->error;
        f->error = out->error.text;
    }
}

tl_rc tl_pipeline_run(tl_pipeline *p, tl_source *source, uint32_t capture_id, tl_pipeline_capture *out)
{
    tl_frame frame;
    const char *path = out->facts.path;
    tl_rc rc = p->writer == NULL ? p->error.rc : TL_OK;
    *out = (tl_pipeline_capture){.next = p->captures, .id = capture_id};
    out->facts = (tl_capture_facts){.path = path, .linktype = -1, .drops = -1, .state = "interrupted", .format = source->facts.format};
    if (rc != TL_OK) return rc;
    p->captures = out;
    if (p->first_capture == 0) p->first_capture = capture_id;
    while ((rc = tl_source_next(source, &frame)) == TL_OK) {
        bool first = p->now.capture == 0;
        p->now = frame.at;
        p->now.capture = capture_id;
        if (first && !p->separate) {
            rc = resume_sessions(p->store, p->sessions, &p->limits, p->first_session, p->first_capture - 1, p->now.ns);
            if (rc != TL_OK) return store_failed(p, rc);
        }
        rc = one_frame(p, &frame, out);
        if (rc != TL_OK) return failed(p, rc);
    }
    if (rc == TL_END) rc = TL_OK;
    if (rc == TL_ENOMEM) return failed(p, rc);
    source_ended(source, rc, out);
    return rc;
}

static tl_rc store_scans(tl_pipeline *p)
{
    size_t n = 0;
    const tl_scan *rows = p->scans != NULL ? tl_scans_rows(p->scans, &n) : NULL;
    tl_rc rc = TL_OK;
    for (size_t i = 0; rc == TL_OK && i < n; i++) rc = tl_store_scan(p->store, &rows[i]);
    if (rc != TL_OK) p->error = *tl_store_error(p->store);
    return rc;
}

tl_rc tl_pipeline_finish(tl_pipeline *p)
{
    if (p->writer == NULL) return p->error.rc;
    tl_rc rc = drain_due(p);
    tl_decoder_flush(p->decoder);
    count_lost(p);
    if (rc == TL_OK) rc = write_held(p, 0);
    if (rc == TL_OK && !tl_batch_empty(p->batch)) rc = hand_over(p);
    if (rc == TL_OK) rc = writer_wait(p->writer);
    if (rc != TL_OK) return failed(p, rc);
    rc = tl_store_mark(p->store);
    if (rc != TL_OK) return store_failed(p, rc);
    rc = end_sessions(p);
    if (rc != TL_OK) return failed(p, rc);
    rc = writer_stop(p->writer, &p->error);
    p->writer = NULL;
    p->batch = NULL;
    if (rc == TL_OK) rc = store_scans(p);
    if (rc == TL_OK) rc = tl_reframe_resumed(p->store, p->lanes.registry, p->first_capture, &p->error);
    if (rc == TL_OK) rc = tl_reframe_these(p->store, p->lanes.registry, p->lanes.again, p->lanes.again_n, &p->error);
    return rc == TL_OK ? tl_reframe_healed(p->store, p->lanes.registry, p->first_capture, &p->error) : rc;
}
