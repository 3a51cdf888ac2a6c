/*
** framer_test.c - what the framer makes of holes, closes, late and shuffled events.  HTTP is only the means.
*/
#include "support/check.h"
#include "support/events.h"
#include "support/watched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool hears(const tl_script *s, size_t split, const char *want)
{
    char *heard = tl_hear(s, tl_watch(&tl_http1), split);
    bool same = strcmp(heard, want) == 0;
    if (!same) printf("\nsplit %zu: heard\n%sinstead of\n%s", split, heard, want);
    free(heard);
    return same;
}

/* ---- one hole, everywhere ---- */

static const char three_requests[] = "POST /1 HTTP/1.1\r\nContent-Length: 6\r\n\r\nabcdef"
                                     "POST /2 HTTP/1.1\r\nContent-Length: 4\r\n\r\nwxyz"
                                     "GET /3 HTTP/1.1\r\nHost: h\r\n\r\n";
static const char three_responses[] = "HTTP/1.1 200 A\r\nContent-Length: 8\r\n\r\n01234567"
                                      "HTTP/1.1 200 B\r\nContent-Length: 3\r\n\r\nxyz"
                                      "HTTP/1.1 200 C\r\nContent-Length: 2\r\n\r\nno";

/* The exchange, one at a time. */
static tl_script exchange(void)
{
    tl_script s = {0};
    const char *q = three_requests, *r = three_responses;
    for (int i = 0; i < 3; i++) {
        const char *q_end = i < 2 ? strstr(q + 1, i == 0 ? "POST /2" : "GET /3") : q + strlen(q);
        const char *r_end = i < 2 ? strstr(r + 1, "HTTP/") : r + strlen(r);
        tl_say_bytes(&s, TL_C2S, q, (size_t)(q_end - q));
        tl_say_bytes(&s, TL_S2C, r, (size_t)(r_end - r));
        q = q_end;
        r = r_end;
    }
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static const tl_message *at_offset(const tl_heard *h, tl_dir dir, uint64_t offset)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].dir == dir && h->items[i].offset == offset) return &h->items[i];
    return NULL;
}

/* What the loss of [from, to) may do to a message of its direction. */
static void check_message(const tl_message *whole, const tl_message *m, uint64_t from, uint64_t to)
{
    uint64_t begin = whole->offset, head = begin + whole->head_length, end = begin + whole->length;
    if (to <= begin || from >= end) { /* whole in the capture: found */
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT(m->length == whole->length && m->missing == 0 && m->complete);
        if (from >= end) CU_ASSERT_EQUAL(m->sync, whole->sync);
    } else if (from >= head) { /* a hole in the body: its length is known, so what is missing is, too */
        CU_ASSERT_PTR_NOT_NULL_FATAL(m);
        CU_ASSERT_EQUAL(m->length, whole->length);
        CU_ASSERT_EQUAL(m->missing, (to < end ? to : end) - from);
        CU_ASSERT(!m->complete);
    } else if (m != NULL) { /* a hole in the head: at most what came before it */
        CU_ASSERT(m->offset == begin && m->offset + m->length == from && m->missing == 0 && !m->complete);
    }
}

static void one_hole_everywhere(void)
{
    tl_script s = exchange();
    tl_heard whole = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL_FATAL(whole.n, 6);
    for (int dir = 0; dir < 2; dir++) {
        for (uint64_t from = 0; from < s.length[dir]; from++) {
            for (uint64_t n = 1; from + n <= s.length[dir] && n < 60; n += n < 4 ? 1 : 9) {
                tl_script cut = tl_script_without(&s, (tl_dir)dir, from, from + n);
                tl_heard h = tl_listen(&cut, tl_watch(&tl_http1), from % 3);
                uint64_t last_end[2] = {0, 0}, missing = 0;
                for (size_t i = 0; i < h.n; i++) {
                    const tl_message *m = &h.items[i], *truth = at_offset(&whole, m->dir, m->offset);
                    CU_ASSERT_PTR_NOT_NULL(truth); /* nothing that was not there */
                    CU_ASSERT(m->offset >= last_end[m->dir]);
                    last_end[m->dir] = m->offset + m->length;
                    missing += m->missing;
                    CU_ASSERT(m->missing <= n);
                    if (m->answers != 0) {
                        const tl_message *asked = tl_heard_number(&h, m->answers);
                        CU_ASSERT_PTR_NOT_NULL_FATAL(asked);
                        const tl_message *right = tl_heard_number(&whole, truth->answers);
                        CU_ASSERT_EQUAL(asked->offset, right->offset); /* a loss never shifts the rest */
                        CU_ASSERT_EQUAL(m->pairing, TL_PAIR_PROVED);
                    }
                }
                CU_ASSERT(missing <= n);
                for (size_t i = 0; i < whole.n; i++) {
                    const tl_message *m = &whole.items[i], *found = at_offset(&h, m->dir, m->offset);
                    if (m->dir == (tl_dir)dir)
                        check_message(m, found, from, from + n);
                    else
                        check_message(m, found, UINT64_MAX, UINT64_MAX);
                    if (found != NULL && found->dir == TL_S2C) { /* its request is there: it is found; else: unasked */
                        const tl_message *q = at_offset(&h, TL_C2S, tl_heard_number(&whole, m->answers)->offset);
                        CU_ASSERT_EQUAL(found->answers, q != NULL ? q->number : 0);
                        CU_ASSERT_EQUAL(found->pairing, q != NULL ? TL_PAIR_PROVED : TL_PAIR_UNASKED);
                    }
                    if (found != NULL && found->dir == TL_C2S) {
                        bool answered = false;
                        for (size_t k = 0; k < h.n; k++) answered |= h.items[k].answers == found->number;
                        CU_ASSERT_EQUAL(found->pairing, answered ? TL_PAIR_NONE : TL_PAIR_UNANSWERED);
                    }
                }
                if (CU_get_number_of_failures() > 0) { /* one is enough to read */
                    char *text = tl_heard_text(&h);
                    printf("\ndirection %d without [%llu, %llu):\n%s", dir, (unsigned long long)from, (unsigned long long)(from + n), text);
                    free(text);
                    return;
                }
                tl_heard_free(&h);
                tl_script_free(&cut);
            }
        }
    }
    tl_heard_free(&whole);
    tl_script_free(&s);
}

/* ---- holes, told in words ---- */

static void holes(void)
{
    tl_script s = {0};
    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 5400000000\r\n\r\nbegin");
    tl_lose(&s, TL_S2C, 5400000000 - 8);
    tl_say(&s, TL_S2C, "endHTTP/1.1 100 Continue\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(hears(&s, 0,
                    "1 > 0+18 http request 'GET /' start complete\n"
                    "2 < 0+5400000047 http response '200 OK' start missing 5399999992 cut answers 1 proved\n"
                    "3 < 5400000047+25 http response '100 Continue' counted complete unasked\n"));
    tl_script_free(&s);

    /* A hole to the end of the message and on: the message has its declared length, what follows is found again. */
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345");
    tl_lose(&s, TL_S2C, 100);
    tl_say(&s, TL_S2C, "rest of a lost one, HTTP/1.1 is not a head; HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    tl_end(&s, TL_WHY_END);
    CU_ASSERT(hears(&s, 7,
                    "1 < 0+49 http response '200 OK' start missing 5 cut unasked\n"
                    "2 < 188+38 http response '200 OK' resynced complete unasked\n"));
    tl_script_free(&s);

    /* Chunks: a hole inside one is counted, one over a boundary cuts the message where its known part ends. */
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nab");
    tl_lose(&s, TL_S2C, 3);
    tl_say(&s, TL_S2C, "fgh\r\n5\r\nab");
    tl_lose(&s, TL_S2C, 7);
    tl_say(&s, TL_S2C, "\nabHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(hears(&s, 1,
                    "1 < 0+70 http response '200 OK' start missing 8 cut unasked\n"
                    "2 < 75+38 http response '200 OK' resynced complete unasked\n"));
    tl_script_free(&s);

    /* To the close: all that is lost is missing, and the end is still the end. */
    tl_say(&s, TL_S2C, "HTTP/1.0 200 OK\r\n\r\nab");
    tl_lose(&s, TL_S2C, 1000);
    tl_say(&s, TL_S2C, "HTTP/1.0 200 OK\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(hears(&s, 2, "1 < 0+1040 http response '200 OK' start missing 1000 cut unasked\n"));
    tl_script_free(&s);

    /* Two holes in one head, and one that begins at a boundary: nothing of a head that is not whole is believed while lost. */
    tl_say(&s, TL_C2S, "GET /1 HTTP/1.1\r\n\r\n");
    tl_lose(&s, TL_C2S, 5);
    tl_say(&s, TL_C2S, "GET /2 HTTP/1.1\r\nHost: ");
    tl_lose(&s, TL_C2S, 5);
    tl_say(&s, TL_C2S, "\r\n\r\nGET /3 HTTP/1.1\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    CU_ASSERT(hears(&s, 1,
                    "1 > 0+19 http request 'GET /1' start complete unanswered\n"
                    "2 > 56+19 http request 'GET /3' resynced complete unanswered\n"));
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {0};
    /* The client's next request tells the protocol; the server is in the middle of a body. */
    tl_say(&s, TL_S2C, "...the end of an image");
    tl_say(&s, TL_C2S, "GET /2 HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    tl_end(&s, TL_WHY_END);
    CU_ASSERT(hears(&s, 0,
                    "1 > 0+19 http request 'GET /2' start complete\n"
                    "2 < 22+39 http response '200 OK' resynced complete answers 1 proved\n"));
    tl_script_free(&s);

    /* More than can be held: what came before is a turn, then the protocol is recognised. */
    char body[1500];
    memset(body, 'z', sizeof body);
    for (int i = 0; i < 3; i++) tl_say_bytes(&s, TL_S2C, body, sizeof body);
    tl_say(&s, TL_C2S, "GET /2 HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx");
    tl_end(&s, TL_WHY_END);
    CU_ASSERT(hears(&s, 0,
                    "1 < 0+4500 turn turn 'zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz...' start complete\n"
                    "2 > 0+19 http request 'GET /2' start complete\n"
                    "3 < 4500+39 http response '200 OK' counted complete answers 2 proved\n"));
    tl_script_free(&s);
}

static void events_out_of_causal_order(void)
{
    tl_script s = {0};
    tl_say(&s, TL_C2S, "HEAD /1 HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    tl_say(&s, TL_C2S, "GET /2 HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    static const char want[] = "1 > 0+20 http request 'HEAD /1' start complete\n"
                               "2 < 0+38 http response '200 OK' start complete answers 1 proved\n"
                               "3 > 20+19 http request 'GET /2' counted complete\n"
                               "4 < 38+38 http response '200 OK' counted complete answers 3 proved\n";
    CU_ASSERT(hears(&s, 0, want));
    /* The tap shows every answer before its question: both orders of each pair, and all of one direction first. */
    static const int orders[][4] = {{1, 0, 2, 3}, {0, 1, 3, 2}, {1, 0, 3, 2}, {1, 3, 0, 2}, {0, 2, 1, 3}};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        tl_script shuffled = s;
        tl_event events[6];
        for (size_t k = 0; k < 6; k++) events[k] = s.events[k < 4 ? (size_t)orders[i][k] : k];
        shuffled.events = events;
        for (size_t split = 0; split < 8; split++) CU_ASSERT(hears(&shuffled, split, want));
    }
    tl_script_free(&s);
}

/* The wait for the other direction ends: by the bound, and by a close.  Nothing is lost by it. */
/* In so many pieces of 1,000 bytes; its sender has acknowledged a second request, which is not told. */
static tl_script an_answer_that_waits(int pieces)
{
    tl_script s = {0};
    char body[1000];
    memset(body, 'b', sizeof body);
    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 400000\r\n\r\n");
    for (int i = 0; i < pieces; i++) tl_say_bytes(&s, TL_S2C, body, sizeof body);
    for (size_t i = 1; i < s.n; i++) s.events[i].peer_acked = 1000;
    return s;
}

static void waiting_is_bounded(void)
{
    tl_script s = an_answer_that_waits(400);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL(h.n, 2);
    CU_ASSERT(h.gave_up && h.memory > 250000 && h.memory < 700000);
    tl_heard_free(&h);
    tl_script_free(&s);

    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nthis much");
    s.events[1].peer_acked = 1000;
    tl_end(&s, TL_WHY_RST);
    CU_ASSERT(hears(&s, 5,
                    "1 > 0+18 http request 'GET /' start complete\n"
                    "2 < 0+48 http response '200 OK' start cut answers 1 proved\n"));
    tl_script_free(&s);
}

/* Events until the framer gives up, or `most`. */
static size_t waits_for(tl_framer *f, tl_script *s, size_t most)
{
    tl_message m;
    for (size_t i = 0; i < s->n; i++) {
        CU_ASSERT_EQUAL_FATAL(tl_framer_push(f, &s->events[i]), TL_OK);
        while (tl_framer_pull(f, &m) == TL_OK) continue;
        if (tl_framer_gave_up(f)) return i;
        if (i == most) break;
    }
    return most;
}

/* Each may wait, but all of them together for no more memory than was agreed; what one gives back another may use. */
static void waiting_is_bounded_for_all(void)
{
    enum { FRAMERS = 4, PIECE = 72, MOST = 100 * (1000 + PIECE) + 500 }; /* PIECE: about what a piece costs beside its bytes */
    tl_framers all = {.held_most = MOST};
    tl_framer *f[FRAMERS];
    tl_script s = an_answer_that_waits(150);
    for (int i = 0; i < FRAMERS; i++) {
        f[i] = tl_framer_new(tl_registry_builtin(), 80);
        CU_ASSERT_PTR_NOT_NULL_FATAL(f[i]);
        if (i < FRAMERS - 1) tl_framer_join(f[i], &all);
    }
    CU_ASSERT_EQUAL(waits_for(f[0], &s, 70), 70); /* it holds 69 bodies and a head */
    CU_ASSERT(all.held_bytes > 69 * (size_t)1000 && all.held_bytes < 70 * (size_t)(1000 + 2 * PIECE));
    size_t second = waits_for(f[1], &s, 150);
    CU_ASSERT(second >= 29 && second <= 34);
    CU_ASSERT_FALSE(tl_framer_gave_up(f[0]));
    CU_ASSERT(all.held_bytes <= MOST);
    CU_ASSERT_EQUAL(waits_for(f[3], &s, 150), 150); /* counts nowhere */
    tl_framer_free(f[0]);
    tl_framer_free(f[1]);
    CU_ASSERT_EQUAL(all.held_bytes, 0);
    size_t third = waits_for(f[2], &s, 150);
    CU_ASSERT(third >= 94 && third <= 103);
    tl_framer_free(f[2]);
    tl_framer_free(f[3]);
    CU_ASSERT_EQUAL(all.held_bytes, 0);
    tl_script_free(&s);
}

static void events_that_do_not_tile(void)
{
    tl_script s = {0};
    tl_say(&s, TL_C2S, "GET /1 HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_C2S, "HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n");
    s.events[1].offset = 7; /* begins with bytes that were told */
    tl_say(&s, TL_C2S, "\r\n");
    s.events[2].offset = 3;
    tl_say(&s, TL_C2S, "GET /3 HTTP/1.1\r\n\r\n");
    s.events[3].offset = 1000; /* and leaves a hole nobody spoke of */
    tl_end(&s, TL_WHY_FIN);
    tl_say(&s, TL_C2S, "GET /4 HTTP/1.1\r\n\r\n");
    s.events[6].offset = 1019; /* after the close */
    s.events[4].front = false;
    for (size_t split = 0; split < 30; split++)
        CU_ASSERT(hears(&s, split,
                        "1 > 0+19 http request 'GET /1' start complete unanswered\n"
                        "2 > 19+19 http request 'GET /2' counted complete unanswered\n"
                        "3 > 1000+19 http request 'GET /3' resynced complete unanswered\n"
                        "4 > 1019+19 http request 'GET /4' counted complete unanswered\n"));
    s.events[3].front = true; /* told after a REBASE: passed over */
    s.events[6].kind = TL_EV_STRAY;
    CU_ASSERT(hears(&s, 0,
                    "1 > 0+19 http request 'GET /1' start complete unanswered\n"
                    "2 > 19+19 http request 'GET /2' counted complete unanswered\n"));
    tl_script_free(&s);
}

static void frames_and_times(void)
{
    tl_script s = {0};
    tl_say(&s, TL_C2S, "GET / HT");
    tl_say(&s, TL_C2S, "TP/1.1\r\n\r\nPOST / HTTP/1.1\r\nContent-Length: 4\r\n\r\na");
    tl_say(&s, TL_C2S, "b");
    tl_lose(&s, TL_C2S, 1);
    tl_say(&s, TL_C2S, "dGET /x HTTP/1.1\r\n");
    tl_say(&s, TL_C2S, "\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL_FATAL(h.n, 3);
    CU_ASSERT(h.items[0].first.frame == 1 && h.items[0].last.frame == 2);
    CU_ASSERT(h.items[1].first.frame == 2 && h.items[1].last.frame == 5);
    CU_ASSERT(h.items[2].first.frame == 5 && h.items[2].last.frame == 6 && h.items[2].last.ns == 6000);
    CU_ASSERT(h.items[0].ordinal == 1 && h.items[1].ordinal == 2 && h.items[2].ordinal == 3);
    CU_ASSERT(h.items[0].head_length == 18 && h.items[1].head_length == 38);
    tl_heard_free(&h);
    tl_script_free(&s);
}

/* ---- bounds ---- */

static void memory_is_small(void)
{
    tl_script s = {0};
    static char body[40000];
    tl_framer *f = tl_framer_new(tl_registry_builtin(), 80);
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    CU_ASSERT(tl_framer_memory(f) < 1024);
    tl_framer_free(f);
    tl_say(&s, TL_C2S, "POST / HTTP/1.1\r\nContent-Length: 4000000\r\n\r\n");
    for (int i = 0; i < 100; i++) tl_say_bytes(&s, TL_C2S, body, sizeof body);
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT(h.n == 1 && h.items[0].complete);
    CU_ASSERT(h.memory < 3000);
    tl_heard_free(&h);
    tl_script_free(&s);
    for (int i = 0; i < 2000; i++) tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\n\r\n"); /* nothing answers */
    tl_end(&s, TL_WHY_FIN);
    h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL(h.n, 2000);
    CU_ASSERT(h.memory < 40000);
    for (size_t i = 0; i < h.n; i++) CU_ASSERT_EQUAL(h.items[i].pairing, TL_PAIR_UNANSWERED);
    tl_heard_free(&h);
    tl_script_free(&s);
}

/* Streams made so that a naive search looks at each byte many times: lost in the middle of them, no place is tried twice, and with bytes
** that come one by one each is looked at a few times. */
static void looking_for_a_boundary_is_linear(void)
{
    static const char *const units[2][8] = {
        {"GET ", "GET /", "GET / HTTP/1.1\r\nA: b\r\n", "A:GET / HTTP/1.1\r\n", "GET / HTTP/1.1\r\n no\r\n", "PROPPATCH x", " ",
         "PROPPATC"},
        {"HTTP/1.1 200 ", "HTTP/1.1 200 x\r\n", "A: HTTP/1.1 200 x\r\n", "HTTP/1.1 200 x\r\nA: b\r\n", "HTTP/1.1 200 x\r\nA: b\r\n\r\r",
         "\r\n", "H", "HTTP/1.1 200 x\r\n A\r\n"},
    };
    enum { SIZE = 70000 };
    for (int dir = 0; dir < 2; dir++) {
        for (size_t i = 0; i < 8; i++) {
            for (size_t split = 0; split < 2; split++) {
                tl_script s = {0};
                tl_text t = {0};
                tl_say(&s, dir == TL_S2C ? TL_C2S : TL_S2C, dir == TL_S2C ? "GET / HTTP/1.1\r\n\r\n" : "HTTP/1.1 200 OK\r\n\r\n");
                tl_say(&s, (tl_dir)dir, "zzzz\r\n");
                while (t.n < SIZE) tl_text_add(&t, units[dir][i]);
                tl_say_bytes(&s, (tl_dir)dir, t.p, t.n);
                tl_heard h = tl_listen(&s, tl_watch(&tl_http1), split);
                const tl_watched *work = tl_watched_counts();
                bool linear = split == 0 ? work->calls < SIZE / 2 : work->bytes < SIZE * 100;
                if (!linear)
                    printf("\n%s, split %zu: %llu calls, %llu bytes\n", units[dir][i], split, (unsigned long long)work->calls,
                           (unsigned long long)work->bytes);
                CU_ASSERT(linear);
                tl_heard_free(&h);
                tl_text_free(&t);
                tl_script_free(&s);
            }
        }
    }
}

int main(void)
{
    return tl_run_cases("framer", (const tl_case[]){
                                      {"one hole, everywhere", one_hole_everywhere},
                                      {"holes", holes},
                                      {"picked up midway", picked_up_midway},
                                      {"events out of causal order", events_out_of_causal_order},
                                      {"waiting is bounded", waiting_is_bounded},
                                      {"waiting is bounded for all", waiting_is_bounded_for_all},
                                      {"events that do not tile", events_that_do_not_tile},
                                      {"frames and times", frames_and_times},
                                      {"memory is small", memory_is_small},
                                      {"looking for a boundary is linear", looking_for_a_boundary_is_linear},
                                      {NULL, NULL},
                                  });
}
