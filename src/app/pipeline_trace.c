#include "app/pipeline_trace.h"

#include <stdlib.h>

#include "app/pipeline_trace_text.h"
#include "packet/fragments.h"

/* A detector that passes everything on to another one, and says what that refuses. */
typedef struct witness {
    tl_detector base; /* first: the framer hands it back */
    const tl_detector *inner;
    tl_text *out;
} witness;

struct tl_trace {
    uint64_t wanted;
    tl_text *out; /* borrowed */
    tl_decoder *decoder;
    tl_sessions *sessions;
    tl_framer *framer; /* of the session; NULL: nothing told yet, or reopened */
    bool found, closed, reopened;
    int64_t first_ns;
    tl_at now;            /* the last frame */
    uint64_t told;        /* bytes of the segment at hand that events have told */
    trace_recent *recent; /* [2], by direction */
    witness *witnesses;
    const tl_detector **detectors;
    tl_registry registry; /* of the witnesses */
};

static tl_match witness_probe(const tl_detector *d, const tl_probe *in)
{
    const witness *w = (const witness *)d;
    return w->inner->probe(w->inner, in);
}

static tl_verdict witness_measure(const tl_detector *d, void *state, const tl_head *in)
{
    const witness *w = (const witness *)d;
    tl_verdict v = w->inner->measure(w->inner, state, in);
    if (v.answer == TL_REJECT) trace_refusal_line(w->out, d->name, in);
    return v;
}

static size_t witness_resync(const tl_detector *d, const void *state, const tl_head *in)
{
    const witness *w = (const witness *)d;
    return w->inner->resync(w->inner, state, in);
}

static void witness_lost(const tl_detector *d, void *state, tl_dir dir)
{
    const witness *w = (const witness *)d;
    w->inner->lost(w->inner, state, dir);
}

static void witness_describe(const tl_detector *d, const void *state, const tl_head *in, tl_text *json)
{
    const witness *w = (const witness *)d;
    w->inner->describe(w->inner, state, in, json);
}

static bool watch(tl_trace *t, const tl_registry *r)
{
    t->witnesses = calloc(r->n + 1, sizeof *t->witnesses);
    t->detectors = calloc(r->n + 1, sizeof *t->detectors);
    if (t->witnesses == NULL || t->detectors == NULL) return false;
    for (size_t i = 0; i < r->n; i++) {
        const tl_detector *inner = r->items[i];
        witness *w = &t->witnesses[i];
        w->base = *inner;
        w->base.probe = witness_probe;
        w->base.measure = witness_measure;
        if (inner->resync != NULL) w->base.resync = witness_resync;
        if (inner->lost != NULL) w->base.lost = witness_lost;
        if (inner->describe != NULL) w->base.describe = witness_describe;
        w->inner = inner;
        w->out = t->out;
        t->detectors[i] = &w->base;
    }
    t->registry = (tl_registry){t->detectors, r->n, NULL}; /* the trace shows what each of them says */
    return true;
}

tl_trace *tl_trace_new(const tl_limits *limits, const tl_registry *registry, uint64_t session, tl_text *out)
{
    tl_trace *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    t->wanted = session;
    t->out = out;
    t->decoder = tl_decoder_new(limits->hash_key);
    t->sessions = tl_sessions_new(limits, 1);
    t->recent = calloc(2, sizeof *t->recent);
    bool good = watch(t, registry != NULL ? registry : tl_registry_builtin());
    if (good && t->decoder != NULL && t->sessions != NULL && t->recent != NULL) return t;
    tl_trace_free(t);
    return NULL;
}

void tl_trace_free(tl_trace *t)
{
    if (t == NULL) return;
    tl_framer_free(t->framer);
    tl_sessions_free(t->sessions);
    tl_decoder_free(t->decoder);
    free(t->recent);
    free(t->witnesses);
    free(t->detectors);
    free(t);
}

bool tl_trace_found(const tl_trace *t)
{
    return t->found;
}

static tl_rc one_event(tl_trace *t, const tl_event *ev)
{
    tl_message msg;
    if (ev->at.frame == t->now.frame && ev->at.capture == t->now.capture) t->told += ev->bytes.n;
    trace_event_line(t->out, ev, &t->recent[ev->dir], t->now);
    if (t->framer == NULL) return TL_OK;
    tl_rc rc = tl_framer_push(t->framer, ev);
    while (rc == TL_OK && (rc = tl_framer_pull(t->framer, &msg)) == TL_OK) trace_message_line(t->out, &msg);
    return rc == TL_END ? TL_OK : rc;
}

/* Made when something is told, as the pipeline does: the roles are settled then. */
static tl_rc need_framer(tl_trace *t, const tl_session *s)
{
    tl_session_info info;
    if (t->framer != NULL || t->reopened) return TL_OK;
    tl_session_look(s, &info);
    t->framer = tl_framer_new(&t->registry, info.server.port);
    return t->framer != NULL ? TL_OK : TL_ENOMEM;
}

static tl_rc drain(tl_trace *t, tl_session *s)
{
    tl_event ev;
    tl_session_info info;
    tl_rc rc = TL_OK;
    tl_session_look(s, &info);
    bool wanted = info.id == t->wanted;
    while (rc == TL_OK && tl_session_pull(s, &ev)) {
        if (wanted && ev.kind != TL_EV_CLOSE) rc = need_framer(t, s);
        if (wanted && rc == TL_OK) rc = one_event(t, &ev);
    }
    if (!wanted || rc != TL_OK || !tl_session_closed(s)) return rc;
    tl_session_look(s, &info);
    trace_closed_line(t->out, &info);
    tl_framer_free(t->framer); /* should it be opened again, its messages are framed from the database: none are told */
    t->framer = NULL;
    t->closed = true;
    return TL_OK;
}

static tl_rc drain_due(tl_trace *t)
{
    tl_rc rc = TL_OK;
    for (tl_session *s; rc == TL_OK && (s = tl_sessions_due(t->sessions, t->now)) != NULL;) rc = drain(t, s);
    return rc;
}

static bool same_addr(const tl_addr *a, const tl_addr *b)
{
    for (size_t i = 0; i < sizeof a->ip; i++)
        if (a->ip[i] != b->ip[i]) return false;
    return a->port == b->port;
}

/* A segment of the session, before its events. */
static void begin(tl_trace *t, const tl_segment *seg, const tl_session_info *info)
{
    if (!t->found) {
        t->found = true;
        t->first_ns = seg->at.ns;
        trace_session_line(t->out, info);
    } else if (t->closed) {
        t->closed = false;
        t->reopened = true;
        tl_text_add(t->out, "opened again by a late segment\n");
    }
    tl_dir dir = same_addr(&seg->src, &info->client) ? TL_C2S : TL_S2C;
    trace_segment_line(t->out, seg, info, dir, t->first_ns, tl_sessions_other_channel(t->sessions));
}

static tl_rc one_segment(tl_trace *t, const tl_segment *seg)
{
    tl_session *s;
    tl_session_info info;
    tl_rc rc = tl_sessions_push(t->sessions, seg, &s);
    if (rc != TL_OK) return rc;
    tl_session_look(s, &info);
    bool wanted = info.id == t->wanted;
    t->told = 0;
    if (wanted) begin(t, seg, &info);
    rc = drain(t, s);
    if (wanted && t->told < seg->payload.n) tl_text_printf(t->out, "  %zu bytes wait\n", (size_t)(seg->payload.n - t->told));
    return rc;
}

tl_rc tl_trace_push(tl_trace *t, const tl_frame *frame, uint32_t capture)
{
    tl_segment seg;
    tl_rc rc = TL_OK;
    t->now = frame->at;
    t->now.capture = capture;
    if (tl_decoder_push(t->decoder, frame->linktype, frame->bytes, frame->wire_len, t->now, &seg) == TL_SEG_OK) rc = one_segment(t, &seg);
    if (rc == TL_OK) rc = drain_due(t);
    return rc == TL_OK && t->out->failed ? TL_ENOMEM : rc;
}

tl_rc tl_trace_end(tl_trace *t)
{
    tl_rc rc = drain_due(t);
    for (tl_session *s; rc == TL_OK && (s = tl_sessions_end(t->sessions)) != NULL;) rc = drain(t, s);
    return rc == TL_OK && t->out->failed ? TL_ENOMEM : rc;
}
