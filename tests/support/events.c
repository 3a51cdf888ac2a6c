#include "support/events.h"

#include "support/check.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static tl_event *add(tl_script *s, tl_event_kind kind, tl_dir dir)
{
    if (s->n == s->room) {
        s->room = s->room ? s->room * 2 : 16;
        s->events = realloc(s->events, s->room * sizeof *s->events);
        assert(s->events != NULL);
    }
    tl_event *ev = &s->events[s->n++];
    memset(ev, 0, sizeof *ev);
    ev->kind = kind;
    ev->dir = dir;
    ev->offset = s->length[dir];
    ev->peer_acked = s->length[!dir];
    ev->at = (tl_at){.ns = (int64_t)s->n * 1000, .frame = s->n, .capture = 1};
    return ev;
}

void tl_say_bytes(tl_script *s, tl_dir dir, const void *p, size_t n)
{
    tl_event *ev = add(s, TL_EV_BYTES, dir);
    ev->bytes = tl_span_of(tl_exact(p, n), n);
    ev->length = n;
    s->length[dir] += n;
}

void tl_say(tl_script *s, tl_dir dir, const char *text)
{
    tl_say_bytes(s, dir, text, strlen(text));
}

void tl_lose(tl_script *s, tl_dir dir, uint64_t n)
{
    tl_event *ev = add(s, TL_EV_GAP, dir);
    ev->why = TL_WHY_ACKED;
    ev->length = n;
    s->length[dir] += n;
}

void tl_end_one(tl_script *s, tl_dir dir, tl_why why)
{
    add(s, TL_EV_CLOSE, dir)->why = why;
}

void tl_end(tl_script *s, tl_why why)
{
    tl_end_one(s, TL_C2S, why);
    tl_end_one(s, TL_S2C, why);
}

/* One part of an event: its bytes from `from` on, n of them; or, lost, a GAP of that size. */
static void part(tl_script *to, const tl_event *ev, uint64_t from, uint64_t n, bool lost)
{
    if (n == 0) return;
    tl_event *copy = add(to, lost ? TL_EV_GAP : ev->kind, ev->dir);
    tl_event_kind kind = copy->kind;
    *copy = *ev;
    copy->kind = kind;
    copy->offset = ev->offset + from;
    copy->length = n;
    copy->bytes = kind == TL_EV_BYTES ? tl_span_of(tl_exact(ev->bytes.p + from, (size_t)n), (size_t)n) : tl_span_of(NULL, 0);
    if (lost) copy->why = TL_WHY_ACKED;
    to->length[ev->dir] = copy->offset + n;
}

tl_script tl_script_without(const tl_script *s, tl_dir dir, uint64_t from, uint64_t to)
{
    tl_script out = {.port = s->port};
    for (size_t i = 0; i < s->n; i++) {
        const tl_event *ev = &s->events[i];
        if (ev->kind == TL_EV_CLOSE) {
            *add(&out, TL_EV_CLOSE, ev->dir) = *ev;
            continue;
        }
        uint64_t a = ev->offset, b = ev->offset + ev->length;
        uint64_t lost_from = from > a ? (from < b ? from : b) : a, lost_to = to < b ? (to > a ? to : a) : b;
        if (ev->dir != dir || lost_to <= lost_from) lost_from = lost_to = b;
        part(&out, ev, 0, lost_from - a, false);
        part(&out, ev, lost_from - a, lost_to - lost_from, true);
        part(&out, ev, lost_to - a, b - lost_to, false);
    }
    return out;
}

void tl_script_free(tl_script *s)
{
    for (size_t i = 0; i < s->n; i++) free((void *)(uintptr_t)s->events[i].bytes.p);
    free(s->events);
    memset(s, 0, sizeof *s);
}

static void pull(tl_framer *f, tl_heard *h)
{
    tl_message m;
    tl_rc rc;
    while ((rc = tl_framer_pull(f, &m)) == TL_OK) {
        if (m.update) {
            bool found = false;
            for (size_t i = 0; i < h->n; i++)
                if (h->items[i].number == m.number) {
                    assert(!found && h->items[i].pairing == TL_PAIR_NONE && h->items[i].dir == m.dir);
                    h->items[i].pairing = m.pairing;
                    found = true;
                }
            assert(found);
            continue;
        }
        if (h->n == h->room) {
            h->room = h->room ? h->room * 2 : 16;
            h->items = realloc(h->items, h->room * sizeof *h->items);
            assert(h->items != NULL);
        }
        m.summary.p = tl_exact(m.summary.p, m.summary.n);
        m.detail.p = tl_exact(m.detail.p, m.detail.n);
        h->items[h->n++] = m;
    }
    assert(rc == TL_END);
    if (tl_framer_memory(f) > h->memory) h->memory = tl_framer_memory(f);
}

tl_heard tl_listen(const tl_script *s, const tl_registry *r, size_t split)
{
    tl_heard h = {0};
    tl_framer *f = tl_framer_new(r, s->port != 0 ? s->port : 80);
    assert(f != NULL);
    for (size_t i = 0; i < s->n; i++) {
        tl_event ev = s->events[i];
        size_t step = ev.kind == TL_EV_BYTES && split > 0 ? split : SIZE_MAX;
        for (size_t at = 0; at == 0 || at < ev.bytes.n;) {
            tl_event piece = ev;
            size_t n = ev.bytes.n - at < step ? ev.bytes.n - at : step;
            if (ev.kind == TL_EV_BYTES) {
                piece.offset = ev.offset + at;
                piece.length = n;
                piece.bytes = tl_span_of(tl_exact(ev.bytes.p + at, n), n);
            }
            tl_rc rc = tl_framer_push(f, &piece);
            assert(rc == TL_OK);
            pull(f, &h);
            if (ev.kind == TL_EV_BYTES) free((void *)(uintptr_t)piece.bytes.p);
            at += n;
            if (n == 0) break;
        }
    }
    h.protocol = tl_framer_protocol(f);
    h.gave_up = tl_framer_gave_up(f);
    tl_framer_free(f);
    return h;
}

void tl_heard_free(tl_heard *h)
{
    for (size_t i = 0; i < h->n; i++) {
        free((void *)(uintptr_t)h->items[i].summary.p);
        free((void *)(uintptr_t)h->items[i].detail.p);
    }
    free(h->items);
    memset(h, 0, sizeof *h);
}

const tl_message *tl_heard_number(const tl_heard *h, uint64_t number)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].number == number) return &h->items[i];
    return NULL;
}

char *tl_heard_text(const tl_heard *h)
{
    tl_text t = {0};
    uint64_t last = 0;
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].number > last) last = h->items[i].number;
    for (uint64_t number = 1; number <= last; number++) {
        const tl_message *m = tl_heard_number(h, number);
        if (m == NULL) continue;
        tl_text_printf(&t, "%llu %c %llu+%llu %s %s '%.*s' %s", (unsigned long long)number, m->dir == TL_C2S ? '>' : '<',
                       (unsigned long long)m->offset, (unsigned long long)m->length, m->protocol, m->kind, (int)m->summary.n,
                       (const char *)m->summary.p, tl_sync_name(m->sync));
        if (m->missing > 0) tl_text_printf(&t, " missing %llu", (unsigned long long)m->missing);
        tl_text_add(&t, m->complete ? " complete" : " cut");
        if (m->answers > 0) tl_text_printf(&t, " answers %llu", (unsigned long long)m->answers);
        if (m->pairing != TL_PAIR_NONE) tl_text_printf(&t, " %s", tl_pairing_name(m->pairing));
        tl_text_add(&t, "\n");
    }
    if (t.p == NULL) tl_text_add(&t, "");
    return t.p != NULL ? t.p : strdup("");
}

char *tl_hear(const tl_script *s, const tl_registry *r, size_t split)
{
    tl_heard h = tl_listen(s, r, split);
    char *text = tl_heard_text(&h);
    tl_heard_free(&h);
    return text;
}
