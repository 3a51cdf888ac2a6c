/*
** tape_test.c - sessions played from their tapes against sessions that are heard as they come.
**
** The model is a flow and a framer that hear each event when it is told.  The same events, kept on a tape that a batch takes along, must
** give the same rows and messages, in order and with all they say: bytes, arrivals, gaps, strays, copies, counts.
**
** Seeds are printed on failure; TL_MODEL_SEED runs one, TL_MODEL_ROUNDS another number of them.
*/
#include "app/pipeline_framing.h"
#include "base/text.h"
#include "support/check.h"
#include "support/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 2000 };

static unsigned long long seed;

static unsigned roll(unsigned n)
{
    return (unsigned)(tl_random(&seed) >> 33) % n;
}

/* ---- what is told ---- */

/* The bytes told last, captured once more, perhaps not quite the same; or payload that is no part of the stream. */
static void say_again(tl_script *s, tl_dir dir, char *text, unsigned n)
{
    text[roll(n)] = 'x';
    tl_say_bytes(s, dir, text, n);
    tl_event *ev = &s->events[s->n - 1];
    s->length[dir] -= n;
    ev->offset -= n;
    ev->kind = roll(2) ? TL_EV_COPY : TL_EV_STRAY;
    ev->why = ev->kind == TL_EV_COPY ? TL_WHY_NONE : TL_WHY_RST;
    ev->told = ev->at;
}

static void say(tl_script *s, tl_dir dir, bool http, unsigned i)
{
    char text[700];
    unsigned n = roll(4) == 0 ? roll(600) : roll(40), at = 0;
    if (http && dir == TL_C2S) n = 0;
    if (http)
        at = (unsigned)snprintf(text, sizeof text,
                                dir == TL_C2S ? "GET /%u HTTP/1.1\r\n\r\n" : "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n",
                                dir == TL_C2S ? i : n);
    for (unsigned k = 0; k < n; k++) text[at++] = (char)(roll(20) ? 'a' + (int)roll(26) : (int)roll(256));
    if (at == 0) return;
    for (unsigned from = 0; from < at;) { /* in a few segments */
        unsigned part = roll(2) ? at - from : 1 + roll(at - from);
        tl_say_bytes(s, dir, text + from, part);
        if (roll(20) == 0) say_again(s, dir, text + from, part);
        from += part;
    }
}

static tl_script conversation(void)
{
    tl_script s = {0};
    bool http = roll(3) > 0;
    unsigned n = roll(8) == 0 ? 30 : roll(8);
    for (unsigned i = 0; i < n; i++) {
        say(&s, TL_C2S, http, i);
        if (roll(30) == 0) tl_lose(&s, (tl_dir)roll(2), 1 + roll(50));
        if (roll(6)) say(&s, TL_S2C, http, i);
    }
    tl_end(&s, roll(2) ? TL_WHY_FIN : TL_WHY_RST);
    for (size_t i = 0; i < s.n; i++) { /* acknowledgements late, and another capture from somewhere on */
        tl_event *ev = &s.events[i];
        if (ev->peer_acked > 0 && roll(5) == 0) ev->peer_acked -= roll((unsigned)(ev->peer_acked > 50 ? 50 : ev->peer_acked));
        ev->at.capture = 1;
    }
    for (size_t i = roll(4) == 0 ? roll((unsigned)s.n + 1) : s.n; i < s.n; i++) s.events[i].at.capture = 2;
    return s;
}

/* ---- what is heard ---- */

static void note(tl_text *t, const tl_message *m)
{
    tl_text_printf(t, "%d %llu %d", m->update, (unsigned long long)m->number, (int)m->dir);
    if (!m->update) {
        tl_text_printf(t, " %llu %llu+%llu -%llu head %llu %s %s '%.*s' '%.*s' %d %d", (unsigned long long)m->ordinal,
                       (unsigned long long)m->offset, (unsigned long long)m->length, (unsigned long long)m->missing,
                       (unsigned long long)m->head_length, m->protocol, m->kind, (int)m->summary.n, (const char *)m->summary.p,
                       (int)m->detail.n, (const char *)m->detail.p, m->complete, (int)m->sync);
        tl_text_printf(t, " %u:%llu@%lld %u:%llu@%lld acked %llu answers %llu", m->first.capture, (unsigned long long)m->first.frame,
                       (long long)m->first.ns, m->last.capture, (unsigned long long)m->last.frame, (long long)m->last.ns,
                       (unsigned long long)m->peer_acked, (unsigned long long)m->answers);
    }
    tl_text_printf(t, " %d\n", (int)m->pairing);
}

/* The rows of all but messages, and how often a message came before something that it lies in. */
static void rows(const tl_batch *b, tl_text *out, tl_text *messages)
{
    const tl_row_session *row = tl_batch_session_at(b, 0);
    CU_ASSERT_FATAL(row != NULL);
    CU_ASSERT_PTR_NULL(tl_batch_session_at(b, 1));
    for (int d = 0; d < 2; d++)
        tl_text_printf(out, "%llu %llu %llu %llu %d %d\n", (unsigned long long)row->add[d].stored, (unsigned long long)row->add[d].gap,
                       (unsigned long long)row->add[d].duplicate, (unsigned long long)row->add[d].stray, row->asks[d], row->changed[d]);
    tl_text_printf(out, "%s %d\n", row->protocol, row->exists);
    for (size_t i = 0; tl_batch_op_at(b, i) != NULL; i++) {
        const tl_op *op = tl_batch_op_at(b, i);
        CU_ASSERT(op->session_id == 7);
        if (op->kind == TL_OP_MESSAGE) {
            note(messages, &op->message);
            continue;
        }
        tl_text_printf(out, "%d %d ", (int)op->kind, (int)op->dir);
        if (op->kind == TL_OP_CHUNK) {
            const tl_op_chunk *c = &op->chunk;
            tl_text_printf(out, "%u: %llu ", c->capture, (unsigned long long)c->offset);
            tl_text_bytes(out, (const char *)c->data, c->data_size);
            tl_text_bytes(out, (const char *)c->arrivals, c->arrivals_size);
        } else {
            const tl_op_event *e = &op->event;
            tl_text_printf(out, "%d %llu+%llu %llu %d", (int)e->why, (unsigned long long)e->offset, (unsigned long long)e->length,
                           (unsigned long long)e->told.frame, e->joins);
            if (e->bytes != NULL) tl_text_bytes(out, (const char *)e->bytes, (size_t)e->length);
        }
        tl_text_add(out, "\n");
    }
}

static const tl_session_info info = {.id = 7,
                                     .server.port = 80,
                                     .closed = TL_WHY_FIN,
                                     .conn_state = "SF",
                                     .history = "ShAD",
                                     .layers = &(const tl_layers){.n = 1, .kind = {TL_LAYER_VLAN}, .id = {5}}};

static void as_they_come(const tl_script *s, tl_text *out)
{
    tl_text ignored = {0};
    tl_batch *b = tl_batch_new((size_t)1 << 16);
    tl_flow *flow = tl_flow_new(NULL, 7, NULL);
    tl_framer *f = tl_framer_new(tl_registry_builtin(), 80);
    tl_message m;
    if (b == NULL || flow == NULL || f == NULL) abort();
    for (size_t i = 0; i < s->n; i++) {
        if (tl_batch_event(b, flow, &s->events[i]) != TL_OK || tl_framer_push(f, &s->events[i]) != TL_OK) abort();
        while (tl_framer_pull(f, &m) == TL_OK) note(out, &m);
    }
    if (tl_batch_session(b, flow, &info, tl_framer_protocol(f)) != TL_OK) abort();
    rows(b, out, &ignored);
    tl_framer_free(f);
    tl_flow_free(flow);
    tl_batch_free(b);
    tl_text_free(&ignored);
}

/* false: the tape does not take it all.  spoil: where a byte of the tape is changed; SIZE_MAX: nowhere. */
static bool from_tape(const tl_script *s, tl_text *out, size_t spoil)
{
    tl_text other = {0};
    tl_tape tape = {0};
    tl_batch *b = tl_batch_new((size_t)1 << 16);
    framing *f = framing_new(tl_registry_builtin());
    bool all = true;
    if (b == NULL || f == NULL) abort();
    for (size_t i = 0; i < s->n && all; i++) {
        all = tl_tape_takes(&tape, &s->events[i]);
        if (all && tl_tape_add(&tape, NULL, &s->events[i]) != TL_OK) abort();
    }
    if (all && spoil < tape.n) tape.p[spoil] ^= 0x15;
    if (all && tl_batch_tape(b, &info, tl_span_of(tape.p, tape.n)) != TL_OK) abort();
    tl_tape_free(&tape, NULL); /* the batch has its own */
    if (all) {
        CU_ASSERT(!tl_batch_empty(b));
        if (framing_run(f, b) != TL_OK) abort();
        CU_ASSERT_PTR_NULL(tl_batch_touched(b));
        CU_ASSERT(tl_batch_session_at(b, 0)->info.layers->id[0] == 5 && strcmp(tl_batch_session_at(b, 0)->info.history, "ShAD") == 0);
        rows(b, &other, out);
        tl_text_bytes(out, other.p, other.n);
    }
    framing_free(f);
    tl_batch_free(b);
    tl_text_free(&other);
    return all;
}

static bool same(size_t spoil, bool *taped)
{
    tl_text one = {0}, other = {0};
    tl_script s = conversation();
    as_they_come(&s, &one);
    *taped = from_tape(&s, &other, spoil);
    bool equal = !*taped || (one.n == other.n && memcmp(one.p, other.p, one.n) == 0);
    if (!equal && spoil == SIZE_MAX)
        fprintf(stderr, "as they come:\n%.*s\n--- from the tape:\n%.*s\n", (int)one.n, one.p, (int)other.n, other.p);
    tl_text_free(&one);
    tl_text_free(&other);
    tl_script_free(&s);
    return equal;
}

static unsigned long long number(const char *name, unsigned long long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : otherwise;
}

static void played_alike(void)
{
    unsigned long long first = number("TL_MODEL_SEED", 1), rounds = number("TL_MODEL_ROUNDS", getenv("TL_MODEL_SEED") != NULL ? 1 : ROUNDS);
    unsigned long long whole = 0;
    for (unsigned long long i = 0; i < rounds; i++) {
        bool taped;
        seed = (first + i) * 0x9e3779b97f4a7c15U;
        if (!same(SIZE_MAX, &taped)) {
            fprintf(stderr, "TL_MODEL_SEED=%llu\n", first + i);
            CU_FAIL("a session is another one from its tape");
            return;
        }
        whole += taped;
    }
    CU_ASSERT(rounds < ROUNDS || (whole > rounds / 2 && whole < rounds)); /* both kinds were there */
}

/* What changes on the tape must be seen. */
static void spoiled_is_seen(void)
{
    enum { FIRST_BYTE = 40 };
    unsigned seen = 0, all = 0;
    for (unsigned long long i = 1; i <= 200; i++) {
        bool taped;
        seed = i * 0x9e3779b97f4a7c15U;
        bool equal = same(FIRST_BYTE, &taped);
        all += taped;
        seen += taped && !equal;
    }
    CU_ASSERT(all > 100 && seen > all / 2);
}

int main(void)
{
    return tl_run_cases("tape", (const tl_case[]){{"rows and messages as when they were told", played_alike},
                                                  {"sabotage: what changes on the tape is seen", spoiled_is_seen},
                                                  {0}});
}
