/*
** resume_test.c - sessions saved and restored between two segments: nobody notices; and bytes that are not ours are refused.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/script.h"

#define SHAKE "> syn 1000 | < syn 5000 ack | > ack\n"

/* What a session has in hand when it is saved. */
static const struct {
    const char *name, *script;
} cases[] = {
    {"nothing but a SYN", "> syn 1000 | > syn 1000 | < syn 5000 ack"},
    {"an exchange", SHAKE "> 0 'abc' ack | < 0 'xyz' ack | > 3 'def' ack"},
    {"data behind a hole", SHAKE "> 3 'def' | > 9 'jkl' | > 0 'abc' | < ack 12 | wait 1s | > 6 'ghi'"},
    {"holes that were proved one by one",
     SHAKE "> 6 'g' | < ack 3 sack 6 7 | > 12 'm' | < ack 9 | wait 150ms | > 13 'n' | wait 100ms | > 14 'o'"},
    {"bytes that the snaplen cut off", SHAKE "> 0 'abcdef' cut 2 | > 6 'ghi' cut 0 | > 12 'mno' cut 1 | > 9 'jkl' | > 2 'cdef'"},
    {"a start that is not decided", "isn > 1000 | isn < 5000 | > 5 'fgh' ack 3 | < 3 'xyz' ack 8 | > 2 'cde' ack 3 | wait 1s | > 8 'ijk'"},
    {"data from before the start",
     "isn > 1000 | > 50 'fgh' | wait 1s | > 53 'x' | > 40 'abc' | > 45 'de' | > 54 'yz' | wait 2s | > syn 1000"},
    {"segments set aside", SHAKE "> 0 'abc' | > 90000000 'far' | > 90000003 'out' | > 3 'def' | > 90000006 'believed' | > 6 'ghi'"},
    {"acknowledgements set aside", SHAKE "> 0 'abc' | < ack 90000000 | > 3 'def' | < ack 90000000 | < ack 90000000 | > 6 'ghi'"},
    {"two taps", SHAKE "> 0 'abc' vlan 7 | > 0 'abc' | > 3 'def' vlan 7 | > 3 'def' vlan 9 | < 0 'xyz' vlan 8 ack"},
    {"FINs, and what comes late",
     SHAKE "> 0 'abc' fin | < 0 'xyz' fin ack 4 | > 4 ack 4 | wait 1s | > 0 'abc' | wait 6s | < 0 'xyz' | wait 6s"},
    {"a tail", SHAKE "> 0 'abc' fin | > 20 fin | < ack 11 | wait 1s | < ack 12 | > rst"},
    {"a RST and its cause", SHAKE "> 0 'abc' | < rst ack 3 'why' | wait 6s | > 3 'def' | wait 6s"},
    {"ports used again", SHAKE "> 0 'abc' | > syn 900000 | > 0 'new' | < syn 700000 ack | > 3 'er'"},
    {"silence", SHAKE "> 0 'abc' | wait 4000s | > 3 'def' | wait 4000s"},
    {"keep-alives", SHAKE "> 0 'abc' | < ack 3 | > 2 'c' | > 2 'x' | < ack 3 | > 3 'd'"},
    {"a long history", SHAKE "< syn 5001 ack | < syn 5002 ack | < syn 5003 ack | < syn 5004 ack | < syn 5005 ack | < syn 5006 ack | "
                             "< syn 5007 ack | < syn 5008 ack | < syn 5009 ack | < syn 5010 ack | < syn 5011 ack | < syn 5012 ack | "
                             "< syn 5013 ack | < syn 5014 ack | < syn 5015 ack | < syn 5016 ack | < syn 5017 ack | < syn 5018 ack"},
    {"a number that wraps", "> syn 4294967290 | < syn 4294967295 ack | > 0 'abcdefgh' | > 12 'mno' | < 0 'xyz' ack 8 | > 8 'ijkl'"},
};
enum { CASES = sizeof cases / sizeof *cases };

static tape once, reborn;

/* What a look at the session shows. */
static char *shown(const tl_session_info *i)
{
    tl_text t = {0};
    tl_text_printf(&t, "%d-%d %d%d%d %d %lld-%lld rtt %lld %s %s", i->client.port, i->server.port, (int)i->roles, i->midstream, i->reopened,
                   (int)i->closed, (long long)i->first.ns, (long long)i->last.ns, (long long)i->rtt_ns, i->conn_state, i->history);
    for (int d = 0; d < 2; d++) {
        const tl_stream_info *s = &i->stream[d];
        const uint64_t counts[] = {s->isn,           s->base_seq,      s->length,  s->captured_bytes, s->segments, s->out_of_order,
                                   s->retransmitted, s->other_channel, s->packets, s->wire_bytes,     s->urgent,   s->bad_checksums,
                                   s->mss,           s->fin,           s->rst};
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) tl_text_printf(&t, " %llu", (unsigned long long)counts[k]);
        tl_text_printf(&t, " %d", s->window_scale);
    }
    return t.p;
}

static void nobody_notices(void)
{
    for (size_t i = 0; i < CASES; i++) {
        tl_session_info whole, parts;
        tl_text state = {0};
        script_run(cases[i].script, NULL, &once, &whole);
        char *one = shown(&whole);
        script_run_reborn(cases[i].script, NULL, &reborn, &parts, &state);
        char *other = shown(&parts);
        bool same = strcmp(once.log, reborn.log) == 0 && strcmp(one, other) == 0;
        if (!same) printf("\n%s:\n%s%s\n--- restored:\n%s%s\n", cases[i].name, once.log, one, reborn.log, other);
        CU_ASSERT_TRUE(same);
        free(one);
        free(other);
        CU_ASSERT_STRING_EQUAL(reborn.fault, "");
        tl_text_free(&state);
    }
}

/* The comparison has to find a difference. */
static void the_checker_can_fail(void)
{
    tl_session_info a, b;
    tl_text state = {0};
    script_run(SHAKE "> 0 'abc' | > 6 'ghi'", NULL, &once, &a);
    char *one = shown(&a);
    script_run_reborn(SHAKE "> 0 'abc' | > 6 'ghj' | > 9 'k'", NULL, &reborn, &b, &state);
    char *other = shown(&b);
    CU_ASSERT_STRING_NOT_EQUAL(once.log, reborn.log);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
    free(one);
    free(other);
    tl_text_free(&state);
}

static bool try(const uint8_t *p, size_t n)
{
    uint8_t *exact = tl_exact(p, n);
    bool taken = tl_reborn_from(tl_span_of(exact, n));
    free(exact);
    return taken;
}

/* Cut anywhere it is refused; with any bit turned it is refused, or a sound session, if not the same. */
static void damage(void)
{
    for (size_t i = 0; i < CASES; i++) {
        tl_session_info info;
        tl_text state = {0};
        size_t taken = 0;
        script_run_reborn(cases[i].script, NULL, &reborn, &info, &state);
        uint8_t *p = (uint8_t *)state.p;
        CU_ASSERT_TRUE(try(p, state.n));
        for (size_t n = 0; n < state.n; n++) CU_ASSERT_FALSE(try(p, n));
        for (size_t bit = 0; bit < 8 * state.n; bit++) {
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
            taken += try(p, state.n);
            p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        }
        CU_ASSERT(taken < 8 * state.n);
        tl_text_bytes(&state, "", 1);
        CU_ASSERT_FALSE(try((uint8_t *)state.p, state.n)); /* and nothing may follow */
        tl_text_free(&state);
    }
}

/* A second session on the same ports is refused, and a capture that the database does not have. */
static void what_does_not_fit(void)
{
    tl_session_info info;
    tl_text state = {0};
    tl_limits limits = tl_limits_default();
    tl_session *s;
    script_run_reborn(SHAKE "> 0 'abc' | > 6 'ghi'", NULL, &reborn, &info, &state);
    tl_span saved = tl_span_of(state.p, state.n);
    tl_sessions *t = tl_sessions_new(&limits, 10);
    CU_ASSERT_EQUAL(tl_session_restore(t, 9, saved, 0, &s), TL_END);
    CU_ASSERT_EQUAL(tl_session_restore(t, 9, saved, 1, &s), TL_OK);
    CU_ASSERT_EQUAL(tl_session_restore(t, 8, saved, 1, &s), TL_END);
    CU_ASSERT_PTR_NULL(tl_sessions_end(t)); /* it rests */
    tl_sessions_choose(t, 0);
    CU_ASSERT_EQUAL(tl_session_fate(tl_sessions_next(t, NULL)), TL_FATE_RESTS);
    tl_sessions_free(t);
    tl_text_free(&state);
}

/* Of those without payload the newest are saved; one that was saved before and is too many now is forgotten. */
static void chooses_the_newest(void)
{
    tl_limits limits = tl_limits_default();
    tl_sessions *t = tl_sessions_new(&limits, 1);
    tl_session *s;
    tl_session_info info;
    tl_event ev;
    for (uint16_t port = 1; port <= 9; port++) {
        uint8_t byte = 'x';
        tl_segment seg = {.src.port = port, .dst.port = 80, .window_scale = -1, .at = {.ns = port, .frame = port, .capture = 1}};
        seg.flags = port == 1 ? TL_ACK : TL_SYN;
        seg.payload = tl_span_of(&byte, port == 1);
        seg.payload_wire = port == 1;
        CU_ASSERT_EQUAL_FATAL(tl_sessions_push(t, &seg, &s), TL_OK);
        while (tl_session_pull(s, &ev)) continue;
    }
    tl_sessions_choose(t, 3);
    for (s = tl_sessions_next(t, NULL); s != NULL; s = tl_sessions_next(t, s)) {
        tl_session_look(s, &info);
        CU_ASSERT_EQUAL(tl_session_fate(s), info.id == 1 || info.id > 6 ? TL_FATE_SAVE : TL_FATE_NONE);
    }
    tl_reborn(&t, &limits, NULL);
    tl_sessions_choose(t, 0);
    for (s = tl_sessions_next(t, NULL); s != NULL; s = tl_sessions_next(t, s)) {
        tl_session_look(s, &info);
        CU_ASSERT_EQUAL(tl_session_fate(s), info.id == 1 ? TL_FATE_SAVE : TL_FATE_FORGET);
    }
    tl_sessions_free(t);
}

int main(void)
{
    return tl_run_cases("resume", (const tl_case[]){{"nobody notices", nobody_notices},
                                                    {"the checker can fail", the_checker_can_fail},
                                                    {"damage", damage},
                                                    {"what does not fit", what_does_not_fit},
                                                    {"the newest", chooses_the_newest},
                                                    {0}});
}
