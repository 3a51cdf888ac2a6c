#include "support/reborn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"

static void die(const char *why)
{
    fprintf(stderr, "reborn: %s\n", why);
    abort();
}

static void save(const tl_session *s, tl_text *out)
{
    tl_session_mark mark;
    tl_text_reset(out);
    tl_session_save(s, out, &mark);
    if (out->failed) die("out of memory");
}

static tl_session *restore(tl_sessions *t, uint64_t id, const tl_text *saved)
{
    tl_session *s = NULL;
    uint8_t *exact = tl_exact(saved->p, saved->n);
    tl_rc rc = tl_session_restore(t, id, tl_span_of(exact, saved->n), 3, &s);
    free(exact);
    return rc == TL_OK ? s : NULL;
}

/* Nothing to say; and it does not rest any more, so that tl_sessions_end closes it. */
static void wake(tl_session *s)
{
    tl_event ev;
    if (tl_session_pull(s, &ev)) die("a restored session has something to say");
}

void tl_reborn(tl_sessions **t, const tl_limits *limits, tl_text *text)
{
    tl_session_info info;
    tl_text bytes = {0}, again = {0};
    uint64_t last = 0; /* the highest number */
    for (tl_session *s = tl_sessions_next(*t, NULL); s != NULL; s = tl_sessions_next(*t, s)) {
        tl_session_look(s, &info);
        if (info.id > last) last = info.id;
    }
    tl_sessions *next = tl_sessions_new(limits, last + 1);
    if (next == NULL) die("out of memory");
    for (tl_session *s = tl_sessions_next(*t, NULL); s != NULL; s = tl_sessions_next(*t, s)) {
        tl_session_look(s, &info);
        save(s, &bytes);
        tl_session *twin = restore(next, info.id, &bytes);
        if (twin == NULL) die("refused what was saved");
        save(twin, &again);
        if (again.n != bytes.n || memcmp(again.p, bytes.p, bytes.n) != 0) die("saved again, it is different");
    }
    if (tl_sessions_restored(next) != TL_OK) die("out of memory");
    for (tl_session *s = tl_sessions_next(next, NULL); s != NULL; s = tl_sessions_next(next, s)) wake(s);
    if (text != NULL && last != 0) {
        tl_text_reset(text);
        tl_text_bytes(text, bytes.p, bytes.n);
    }
    tl_text_free(&bytes);
    tl_text_free(&again);
    tl_sessions_free(*t);
    *t = next;
}

/* ---- from any bytes ---- */

typedef struct walk {
    tl_sessions *table;
    uint64_t id, told[2]; /* of the restored one */
    tl_at at;
} walk;

static void drain(walk *w, tl_session *s)
{
    tl_event ev;
    tl_session_info info;
    tl_session_look(s, &info);
    while (tl_session_pull(s, &ev)) {
        /* A sanitizer sees bytes that are not there when they are read. */
        uint8_t *copy = tl_exact(ev.bytes.p, ev.bytes.n);
        free(copy);
        if (info.id != w->id) continue;
        if (ev.kind == TL_EV_REBASE) w->told[ev.dir] += ev.length;
        if ((ev.kind != TL_EV_BYTES && ev.kind != TL_EV_GAP) || ev.front) continue;
        if (ev.offset != w->told[ev.dir] || ev.length == 0) die("tiles do not touch");
        w->told[ev.dir] += ev.length;
    }
}

static void pass(walk *w, int64_t ns)
{
    w->at.ns += ns;
    for (tl_session *s; (s = tl_sessions_due(w->table, w->at)) != NULL;) drain(w, s);
}

static void push(walk *w, const tl_session_info *info, int dir, uint8_t flags, int64_t offset, size_t n)
{
    const tl_stream_info *own = &info->stream[dir], *peer = &info->stream[!dir];
    uint8_t *bytes = calloc(1, n + 1);
    tl_session *s;
    if (bytes == NULL) die("out of memory");
    w->at.frame++;
    tl_segment seg = {.src = dir == 0 ? info->client : info->server, .dst = dir == 0 ? info->server : info->client, .flags = flags};
    seg.seq = own->base_seq + (uint32_t)own->length + (uint32_t)offset;
    seg.ack = peer->base_seq + (uint32_t)peer->length;
    seg.window = 8192;
    seg.window_scale = -1;
    seg.payload = tl_span_of(bytes, n);
    seg.payload_wire = (uint32_t)n;
    seg.wire_bytes = 40 + (uint32_t)n;
    seg.layers = *info->layers;
    seg.at = w->at;
    if (tl_sessions_push(w->table, &seg, &s) != TL_OK) die("out of memory");
    drain(w, s);
    free(bytes);
    pass(w, 1000);
}

bool tl_reborn_from(tl_span state)
{
    tl_limits limits = tl_limits_default();
    tl_text first = {0}, second = {0};
    walk w = {.table = tl_sessions_new(&limits, 100), .id = 7, .at = {.ns = INT64_C(1700000000) * 1000000000, .capture = 4}};
    tl_session *s = NULL;
    tl_session_info info;
    bool good = w.table != NULL && tl_session_restore(w.table, w.id, state, 3, &s) == TL_OK;
    if (good) {
        /* What is restored can be saved and restored: after one round the bytes stay the same, however the first ones were written. */
        tl_sessions *other = tl_sessions_new(&limits, 100);
        save(s, &first);
        tl_session *twin = restore(other, w.id, &first);
        if (twin == NULL) die("refused what was saved");
        save(twin, &second);
        if (first.n != second.n || memcmp(first.p, second.p, first.n) != 0) die("saved again, it is different");
        tl_sessions_free(other);
        tl_session_look(s, &info);
        const tl_layers layers = *info.layers; /* the session may go before we do */
        info.layers = &layers;
        for (int d = 0; d < 2; d++) w.told[d] = info.stream[d].length;
        if (tl_sessions_restored(w.table) != TL_OK) die("out of memory");
        push(&w, &info, 0, TL_ACK, 0, 100);
        push(&w, &info, 1, TL_ACK, 300, 50);
        push(&w, &info, 0, TL_ACK, -70, 120);
        push(&w, &info, 1, TL_ACK | TL_FIN, 0, 200);
        pass(&w, INT64_C(3000000000));
        push(&w, &info, 0, TL_ACK, 5000, 10);
        push(&w, &info, 1, TL_ACK, 250, 20);
        push(&w, &info, 0, TL_SYN, -1, 0);
        pass(&w, INT64_C(4000000000000));
        push(&w, &info, 0, TL_ACK, 60, 1000);
    }
    while (w.table != NULL && (s = tl_sessions_end(w.table)) != NULL) drain(&w, s);
    tl_sessions_free(w.table);
    tl_text_free(&first);
    tl_text_free(&second);
    return good;
}
