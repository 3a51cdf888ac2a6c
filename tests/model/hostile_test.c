/*
** hostile_test.c - attacks (support/adversary.h) cost memory and work in proportion to what was sent, within the limits given, and what
** pressure did is in the database.  Nothing is timed: bytes and events are counted.  bench/HOSTILE.md has the times.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/fragments.h"
#include "support/adversary.h"
#include "support/check.h"
#include "support/dump.h"
#include "support/ledger.h"
#include "support/stage.h"

/* ---- the session table alone ---- */

typedef struct load {
    tl_sessions_stats stats;
    size_t begun_bytes; /* after the handshake and the first segment */
    size_t most_bytes;  /* the largest ever left between two segments */
    uint64_t most_live;
    uint64_t frames, events, holes;
} load;

static void drain(tl_session *s, load *l)
{
    tl_event ev;
    while (tl_session_pull(s, &ev)) {
        l->events++;
        l->holes += ev.kind == TL_EV_GAP;
    }
}

/* The attack, without its end: what is held then is still held. */
static load run(tl_attack attack, uint64_t n, uint64_t frames, const tl_limits *limits)
{
    load l = {0};
    tl_frame f;
    tl_segment seg;
    tl_session *s;
    tl_source *source = tl_attack_open(attack, n);
    tl_sessions *t = tl_sessions_new(limits, 1);
    if (source == NULL || t == NULL) abort();
    while (l.frames < frames && tl_source_next(source, &f) == TL_OK) {
        l.frames++;
        if (tl_decode(f.linktype, f.bytes, f.wire_len, f.at, &seg) != TL_SEG_OK || tl_sessions_push(t, &seg, &s) != TL_OK) abort();
        drain(s, &l);
        while ((s = tl_sessions_due(t, f.at)) != NULL) drain(s, &l);
        tl_sessions_look(t, &l.stats);
        if (l.frames == 4) l.begun_bytes = l.stats.memory_bytes;
        if (l.stats.memory_bytes > l.most_bytes) l.most_bytes = l.stats.memory_bytes;
        if (l.stats.live > l.most_live) l.most_live = l.stats.live;
    }
    tl_source_close(source);
    tl_sessions_free(t);
    return l;
}

enum { BOOKKEEPING_MOST = 128, HANDSHAKE = 3, N = 4000 };

static void held_segments_cost_little(void)
{
    static const struct {
        tl_attack attack;
        unsigned payload; /* new bytes of a segment */
        unsigned held_of; /* one segment of so many is held when all but the last are there */
    } cases[] = {
        {TL_ATTACK_REVERSE, 1, 1},
        {TL_ATTACK_EVERY_SECOND, 1, 2},
        {TL_ATTACK_STAIRCASE, 1, 1},
        {TL_ATTACK_HOLES, 1, 1},
    };
    tl_limits limits = tl_limits_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t segments = cases[i].held_of == 1 ? N - 1 : N / 2;
        load l = run(cases[i].attack, N, HANDSHAKE + segments, &limits);
        uint64_t cost = (l.stats.memory_bytes - l.begun_bytes) / (segments - 1);
        CU_ASSERT(l.frames == HANDSHAKE + segments);
        CU_ASSERT(cost >= cases[i].payload && cost <= BOOKKEEPING_MOST + cases[i].payload);
        CU_ASSERT_EQUAL(l.holes, 0);
    }
}

/* Twice the attack is twice the events and twice the memory at most, and the happy path's measure holds nothing. */
static void work_is_linear(void)
{
    tl_limits limits = tl_limits_default();
    for (int a = 0; a < TL_ATTACKS; a++) {
        if (a == TL_ATTACK_FRAGMENTS || a == TL_ATTACK_TINY_FRAGMENTS || a == TL_ATTACK_FAR) continue;
        load one = run((tl_attack)a, N, UINT64_MAX, &limits), two = run((tl_attack)a, (uint64_t)2 * N, UINT64_MAX, &limits);
        uint64_t pieces = a == TL_ATTACK_STAIRCASE ? 8 : 2; /* of a segment */
        CU_ASSERT(one.frames >= N && two.frames <= 2 * one.frames);
        CU_ASSERT(two.events <= pieces * two.frames && 10 * two.events <= 22 * one.events);
        CU_ASSERT(10 * two.most_bytes <= 22 * one.most_bytes);
        if (a == TL_ATTACK_IN_ORDER) CU_ASSERT_EQUAL(one.most_bytes, two.most_bytes);
    }
}

static void one_far_segment_allocates_nothing_in_proportion(void)
{
    tl_limits limits = tl_limits_default();
    load l = run(TL_ATTACK_FAR, 1, UINT64_MAX, &limits);
    CU_ASSERT_EQUAL(l.frames, HANDSHAKE + 2);
    CU_ASSERT_EQUAL(l.holes, 0);
    CU_ASSERT(l.stats.memory_bytes < l.begun_bytes + 1024);
}

/* Of what is forged only a few wait for something that supports them. */
static void forged_jumps_are_not_collected(void)
{
    tl_limits limits = tl_limits_default();
    load l = run(TL_ATTACK_JUMPS, N, UINT64_MAX, &limits);
    CU_ASSERT(l.most_bytes < l.begun_bytes + (size_t)64 * BOOKKEEPING_MOST);
}

static void holes_stay_within_their_limit(void)
{
    static const tl_attack attacks[] = {TL_ATTACK_REVERSE, TL_ATTACK_RANDOM, TL_ATTACK_STAIRCASE, TL_ATTACK_HOLES};
    tl_limits limits = tl_limits_default();
    limits.hole_bytes = 32 << 10;
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        load l = run(attacks[i], N, UINT64_MAX, &limits);
        CU_ASSERT(l.holes > 0);
        CU_ASSERT(l.most_bytes > limits.hole_bytes && l.most_bytes < l.begun_bytes + limits.hole_bytes + 1024);
    }
}

static void half_open_sessions_cost_little(void)
{
    enum { SESSION_MOST = 400 };
    tl_limits limits = tl_limits_default();
    load l = run(TL_ATTACK_SYN_FLOOD, (uint64_t)4 * N, UINT64_MAX, &limits);
    CU_ASSERT(l.stats.live == (uint64_t)4 * N && l.stats.memory_bytes < (size_t)SESSION_MOST * 4 * N);
}

static void half_open_sessions_stay_within_the_memory(void)
{
    tl_limits limits = tl_limits_default();
    limits.memory_bytes = 512 << 10;
    load l = run(TL_ATTACK_SYN_FLOOD, N, UINT64_MAX, &limits);
    CU_ASSERT(l.most_bytes <= limits.memory_bytes && l.stats.total == N && l.stats.live < N);
    limits = tl_limits_default();
    limits.max_sessions = 100;
    l = run(TL_ATTACK_COLLISIONS, N, UINT64_MAX, &limits);
    CU_ASSERT(l.most_live == 100 && l.stats.total == N);
}

/* A flood, and once more its SYNs of [from, to).  Returns the number of sessions that the table made of it.  They end in order. */
static uint64_t told_twice(uint64_t n, uint64_t from, uint64_t to, const tl_limits *limits)
{
    load l = {0};
    tl_session_info info;
    uint64_t ended = 0;
    tl_frame f;
    tl_segment seg;
    tl_session *s;
    tl_sessions *t = tl_sessions_new(limits, 1);
    if (t == NULL) abort();
    for (int round = 0; round < 2; round++) {
        tl_source *source = tl_attack_open(TL_ATTACK_SYN_FLOOD, n);
        if (source == NULL) abort();
        for (uint64_t i = 0; tl_source_next(source, &f) == TL_OK; i++) {
            if (round > 0 && (i < from || i >= to)) continue;
            if (tl_decode(f.linktype, f.bytes, f.wire_len, f.at, &seg) != TL_SEG_OK || tl_sessions_push(t, &seg, &s) != TL_OK) abort();
            drain(s, &l);
            while ((s = tl_sessions_due(t, f.at)) != NULL) drain(s, &l);
        }
        tl_source_close(source);
    }
    tl_sessions_look(t, &l.stats);
    while ((s = tl_sessions_end(t)) != NULL) {
        tl_session_look(s, &info);
        CU_ASSERT(info.id > ended);
        ended = info.id;
        drain(s, &l);
    }
    tl_sessions_free(t);
    return l.stats.total;
}

/* Open or closed, however often the table grew and whoever left it meanwhile. */
static void a_session_is_found_among_many(void)
{
    tl_limits limits = tl_limits_default();
    CU_ASSERT_EQUAL(told_twice(5000, 0, 3000, &limits), 5000);
    limits.max_sessions = 1500;
    CU_ASSERT_EQUAL(told_twice(5000, 0, 5000, &limits), 5000);
    limits = tl_limits_default();
    limits.memory_bytes = 2 << 20; /* for about that many */
    CU_ASSERT_EQUAL(told_twice(20000, 17000, 20000, &limits), 20000);
    CU_ASSERT(told_twice(20000, 0, 20000, &limits) > 30000); /* so most were forgotten, and left the table */
}

static void fragments_stay_within_their_memory(void)
{
    static const uint8_t key[16];
    static const tl_attack attacks[] = {TL_ATTACK_FRAGMENTS, TL_ATTACK_TINY_FRAGMENTS};
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++) {
        enum { FRAGMENTS = 60000, ROOM = 4 << 20 };
        tl_frame f;
        tl_segment seg;
        tl_fragment_lost lost;
        uint64_t waits = 0, refused = 0, gone = 0;
        size_t most = 0;
        tl_source *source = tl_attack_open(attacks[i], FRAGMENTS);
        tl_decoder *d = tl_decoder_new(key);
        if (source == NULL || d == NULL) abort();
        while (tl_source_next(source, &f) == TL_OK) {
            tl_decoded how = tl_decoder_push(d, f.linktype, f.bytes, f.wire_len, f.at, &seg);
            waits += how == TL_SEG_FRAGMENT;
            refused += how == TL_SEG_FRAGMENT_LOST;
            while (tl_decoder_lost(d, &lost)) gone++;
            if (tl_decoder_used(d) > most) most = tl_decoder_used(d);
        }
        CU_ASSERT(gone > 0 && most > ROOM / 2 && most <= ROOM);
        tl_decoder_flush(d);
        while (tl_decoder_lost(d, &lost)) gone++;
        CU_ASSERT(waits + refused == FRAGMENTS && gone == waits); /* each is lost once */
        tl_decoder_free(d);
        tl_source_close(source);
    }
}

/* ---- the whole way ---- */

static char *ingest(tl_attack attack, uint64_t n, const tl_limits *limits)
{
    tl_error err = {0};
    char *db = tl_scratch("hostile"), *rows = NULL;
    tl_source *source = tl_attack_open(attack, n);
    tl_ledger_options o = {.batch_bytes = 1 << 16, .level = 1, .limits = *limits};
    if (tl_ledger_make(db, &source, 1, &o, &err) != TL_OK) {
        fprintf(stderr, "%s: %s\n", tl_attack_name(attack), err.text);
        abort();
    }
    const char *check = tl_ledger_check(db, &rows);
    CU_ASSERT_PTR_NULL(check);
    if (check != NULL) fprintf(stderr, "%s: %s: %s\n", tl_attack_name(attack), check, rows);
    free(rows);
    return db;
}

static tl_limits tight(uint8_t key)
{
    tl_limits limits = tl_limits_default();
    limits.hole_bytes = 16 << 10;
    limits.memory_bytes = 256 << 10;
    memset(limits.hash_key, key, sizeof limits.hash_key);
    return limits;
}

static bool says(const char *db, const char *sql, const char *rows)
{
    char *got = tl_rows(db, sql);
    bool same = strcmp(got, rows) == 0;
    if (!same) fprintf(stderr, "%s\n  gives: %s\n", sql, got);
    free(got);
    return same;
}

static void what_pressure_did_is_recorded(void)
{
    static const struct {
        tl_attack attack;
        const char *sql, *rows;
    } cases[] = {
        {TL_ATTACK_SYN_FLOOD, "SELECT count(*), sum(conn_state = 'S0'), count(DISTINCT client_addr) FROM session", "2000|2000|2000"},
        {TL_ATTACK_SYN_FLOOD, "SELECT DISTINCT close_reason FROM session ORDER BY 1", "end\nevicted"},
        {TL_ATTACK_SYN_FLOOD, "SELECT count(*) > 1000 FROM session WHERE close_reason = 'evicted'", "1"},
        {TL_ATTACK_HOLES, "SELECT DISTINCT reason FROM gap ORDER BY 1", "end\nlimit"},
        {TL_ATTACK_HOLES, "SELECT count(*), sum(length) FROM gap", "2000|2000"},
        {TL_ATTACK_ACKED_HOLES, "SELECT sum(gap_bytes), sum(stored_bytes) FROM stream", "2000|2000"},
        {TL_ATTACK_REVERSE, "SELECT healed, sum(gap_bytes), sum(stored_bytes) FROM session JOIN stream USING (session_id)", "1|0|2000"},
        {TL_ATTACK_RANDOM, "SELECT healed, sum(gap_bytes), sum(stored_bytes) FROM session JOIN stream USING (session_id)", "1|0|2000"},
        {TL_ATTACK_CONFLICTS, "SELECT reason, count(*), sum(length) FROM stray", "conflict|1000|1000"},
        {TL_ATTACK_FAR, "SELECT reason, length, (SELECT count(*) FROM gap) FROM stray", "out_of_window|1|0"},
        {TL_ATTACK_FRAGMENTS, "SELECT outcome, frames FROM frame_count WHERE frames > 0", "fragment_lost|2000"},
        {TL_ATTACK_TINY_FRAGMENTS, "SELECT outcome, frames FROM frame_count WHERE frames > 0", "fragment_lost|2000"},
    };
    tl_limits limits = tight(0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *db = ingest(cases[i].attack, 2000, &limits);
        CU_ASSERT(says(db, cases[i].sql, cases[i].rows));
        tl_scratch_done(db);
    }
}

static char *dumped(tl_attack attack, uint8_t key)
{
    tl_limits limits = tight(key);
    char *db = ingest(attack, 1500, &limits), *text = tl_ledger_dump(db, true);
    tl_scratch_done(db);
    return text;
}

static void neither_the_key_nor_the_run_shows(void)
{
    for (int a = 0; a < TL_ATTACKS; a++) {
        char *first = dumped((tl_attack)a, 1), *again = dumped((tl_attack)a, 1), *other_key = dumped((tl_attack)a, 200);
        CU_ASSERT_STRING_EQUAL(first, again);
        CU_ASSERT_STRING_EQUAL(first, other_key);
        free(first);
        free(again);
        free(other_key);
    }
}

static void the_checker_can_fail(void)
{
    char *one = dumped(TL_ATTACK_IN_ORDER, 1), *other = dumped(TL_ATTACK_DRIBBLE, 1);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
    free(one);
    free(other);
}

int main(void)
{
    return tl_run_cases(
        "hostile", (const tl_case[]){{"held segments cost little", held_segments_cost_little},
                                     {"work is linear", work_is_linear},
                                     {"one far segment allocates nothing in proportion", one_far_segment_allocates_nothing_in_proportion},
                                     {"forged jumps are not collected", forged_jumps_are_not_collected},
                                     {"holes stay within their limit", holes_stay_within_their_limit},
                                     {"half-open sessions cost little", half_open_sessions_cost_little},
                                     {"half-open sessions stay within the memory", half_open_sessions_stay_within_the_memory},
                                     {"a session is found among many", a_session_is_found_among_many},
                                     {"fragments stay within their memory", fragments_stay_within_their_memory},
                                     {"what pressure did is recorded", what_pressure_did_is_recorded},
                                     {"neither the key nor the run shows", neither_the_key_nor_the_run_shows},
                                     {"the checker can fail", the_checker_can_fail},
                                     {0}});
}
