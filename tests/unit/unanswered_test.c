/*
** unanswered_test.c - sessions that were only asked for: which they are, and that each is given out once when nothing late can find it.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stream/resume.h"
#include "stream/session.h"
#include "support/check.h"

enum { SECOND = 1000000000, MANY = 300 };

typedef struct desk {
    tl_sessions *table;
    tl_at at;
    unsigned given[MANY + 2], written[MANY + 2]; /* by session: how often */
    tl_unanswered last;                          /* that was given */
    tl_session_info info;                        /* that was written last */
} desk;

static void end_of(desk *k, tl_session *s, bool ending)
{
    tl_unanswered u;
    if (!tl_session_unanswered(s, &u)) {
        tl_session_look(s, &k->info);
        k->written[k->info.id]++;
        tl_session_defer(s, false);
    } else if (ending || tl_session_forgotten(s)) {
        k->given[u.id]++;
        k->last = u;
    } else {
        tl_session_defer(s, true);
    }
}

static void drain(desk *k, tl_session *s, bool ending)
{
    tl_event ev;
    while (tl_session_pull(s, &ev)) continue;
    if (tl_session_closed(s)) end_of(k, s, ending);
}

static void pass(desk *k, int64_t ns)
{
    k->at.ns += ns;
    for (tl_session *s; (s = tl_sessions_due(k->table, k->at)) != NULL;) drain(k, s, false);
}

/* One segment from or to the server; client: its port. */
static void segment(desk *k, unsigned client, bool answer, uint8_t flags, uint32_t seq, uint32_t payload)
{
    static const uint8_t bytes[4];
    tl_segment seg = {.window = 512, .window_scale = -1, .seq = seq, .flags = flags, .wire_bytes = 40 + payload, .payload_wire = payload};
    tl_addr ends[2] = {{.ip = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1}, .port = (uint16_t)client},
                       {.ip = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 2}, .port = 80}};
    tl_session *s;
    seg.src = ends[answer];
    seg.dst = ends[!answer];
    if (flags & TL_ACK) seg.ack = answer ? 1001 : 5001;
    seg.payload = tl_span_of(bytes, payload > 2 ? 2 : payload); /* the rest is cut */
    k->at.frame++;
    k->at.ns += 1000;
    seg.at = k->at;
    CU_ASSERT_EQUAL_FATAL(tl_sessions_push(k->table, &seg, &s), TL_OK);
    drain(k, s, false);
    pass(k, 0);
}

static desk begin(const tl_limits *limits)
{
    desk k = {.at = {.capture = 1}};
    k.table = tl_sessions_new(limits, 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(k.table);
    return k;
}

static void end(desk *k)
{
    for (tl_session *s = NULL; (s = tl_sessions_next(k->table, s)) != NULL;)
        if (tl_session_closed(s) && tl_session_unanswered(s, NULL)) end_of(k, s, true);
    for (tl_session *s; (s = tl_sessions_end(k->table)) != NULL;) drain(k, s, true);
    tl_sessions_free(k->table);
}

static void which_they_are(void)
{
    static const struct {
        const char *name;
        struct {
            bool answer;
            uint8_t flags;
            uint32_t seq, payload;
        } then[2]; /* after a SYN; flags 0xff: none */
        bool unanswered;
    } cases[] = {
        {"a SYN", {{.flags = 0xff}, {.flags = 0xff}}, true},
        {"tried again", {{false, TL_SYN, 1000, 0}, {false, TL_SYN, 1000, 0}}, true},
        {"asks for ECN", {{false, TL_SYN | 0xc0, 1000, 0}, {.flags = 0xff}}, true},
        {"answered", {{true, TL_SYN | TL_ACK, 5000, 0}, {.flags = 0xff}}, false},
        {"refused", {{true, TL_RST | TL_ACK, 0, 0}, {.flags = 0xff}}, false},
        {"asked from both sides", {{true, TL_SYN, 5000, 0}, {.flags = 0xff}}, false},
        {"with payload", {{false, TL_SYN, 1000, 2}, {.flags = 0xff}}, false},
        {"with payload that was cut", {{false, TL_SYN, 1000, 4}, {.flags = 0xff}}, false},
        {"goes on", {{false, TL_ACK, 1001, 0}, {.flags = 0xff}}, false},
        {"says nothing more", {{false, 0, 1001, 0}, {.flags = 0xff}}, false},
        {"with urgent data", {{false, TL_SYN | TL_URG, 1000, 0}, {.flags = 0xff}}, false},
        {"gives up", {{false, TL_RST, 1001, 0}, {.flags = 0xff}}, false},
        {"SYN and FIN", {{false, TL_SYN | TL_FIN, 1000, 0}, {.flags = 0xff}}, false},
    };
    tl_limits limits = tl_limits_default();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        desk k = begin(&limits);
        uint64_t n = 1;
        segment(&k, 40000, false, TL_SYN, 1000, 0);
        for (int j = 0; j < 2 && cases[i].then[j].flags != 0xff; j++, n++)
            segment(&k, 40000, cases[i].then[j].answer, cases[i].then[j].flags, cases[i].then[j].seq, cases[i].then[j].payload);
        end(&k);
        if (k.given[1] != cases[i].unanswered) printf("\n%s\n", cases[i].name);
        CU_ASSERT_EQUAL(k.given[1], cases[i].unanswered);
        CU_ASSERT_EQUAL(k.written[1], !cases[i].unanswered);
        if (!cases[i].unanswered) continue;
        CU_ASSERT(k.last.id == 1 && k.last.packets == n && k.last.wire_bytes == 40 * n && k.last.client.port == 40000 &&
                  k.last.server.port == 80);
        CU_ASSERT(k.last.first.frame == 1 && k.last.last.frame == n && k.last.first.ns == 1000 && k.last.last.ns == 1000 * (int64_t)n);
    }
}

/* It was closed and waits; what comes late makes it one with a row, which does not exist yet. */
static void a_late_answer_takes_it_back(void)
{
    tl_limits limits = tl_limits_default();
    desk k = begin(&limits);
    segment(&k, 40000, false, TL_SYN, 1000, 0);
    pass(&k, INT64_C(4000) * SECOND);
    CU_ASSERT(k.given[1] == 0 && k.written[1] == 0);
    segment(&k, 40000, true, TL_SYN | TL_ACK, 5000, 0);
    pass(&k, INT64_C(4000) * SECOND);
    CU_ASSERT(k.given[1] == 0 && k.written[1] == 1);
    CU_ASSERT(k.info.reopened && k.info.deferred && k.info.stream[0].packets == 1 && k.info.stream[1].packets == 1);
    segment(&k, 40000, true, TL_ACK, 5001, 0);
    end(&k);
    CU_ASSERT(k.given[1] == 0 && k.written[1] == 2);
    CU_ASSERT(k.info.reopened && !k.info.deferred); /* the second row is an update */
}

static void a_late_repetition_is_of_the_same(void)
{
    tl_limits limits = tl_limits_default();
    desk k = begin(&limits);
    for (int i = 0; i < 3; i++) {
        segment(&k, 40000, false, TL_SYN, 1000, 0);
        pass(&k, INT64_C(4000) * SECOND);
    }
    CU_ASSERT_EQUAL(k.given[1], 0);
    end(&k);
    CU_ASSERT(k.given[1] == 1 && k.written[1] == 0 && k.last.packets == 3);
}

/* Ports used again, of one that is open, and of one that waits. */
static void another_one_takes_its_ports(void)
{
    tl_limits limits = tl_limits_default();
    desk k = begin(&limits);
    segment(&k, 40000, false, TL_SYN, 1000, 0);
    segment(&k, 40000, false, TL_SYN, 900000, 0);
    CU_ASSERT_EQUAL(k.given[1], 1);
    pass(&k, INT64_C(4000) * SECOND);
    CU_ASSERT_EQUAL(k.given[2], 0);
    segment(&k, 40000, false, TL_SYN, 1800000, 0);
    CU_ASSERT_EQUAL(k.given[2], 1);
    segment(&k, 40000, true, TL_SYN | TL_ACK, 5000, 0);
    end(&k);
    CU_ASSERT(k.given[1] == 1 && k.given[2] == 1 && k.given[3] == 0);
    CU_ASSERT(k.written[1] == 0 && k.written[2] == 0 && k.written[3] == 1);
}

/* Limits evict, and what is closed is forgotten: all are given once, in order. */
static void the_table_forgets(void)
{
    tl_limits limits = tl_limits_default();
    limits.max_sessions = 4;
    limits.memory_bytes = 128 << 10;
    desk k = begin(&limits);
    for (unsigned i = 0; i < MANY; i++) segment(&k, 1000 + i, false, TL_SYN, 1000, 0);
    unsigned early = 0;
    while (k.given[1 + early] == 1) early++;
    CU_ASSERT(early > MANY / 2 && early < MANY - 4);
    for (unsigned i = early; i < MANY; i++) CU_ASSERT_EQUAL(k.given[1 + i], 0);
    end(&k);
    for (unsigned i = 1; i <= MANY; i++) CU_ASSERT(k.given[i] == 1 && k.written[i] == 0);
}

int main(void)
{
    return tl_run_cases("unanswered", (const tl_case[]){{"which they are", which_they_are},
                                                        {"a late answer takes it back", a_late_answer_takes_it_back},
                                                        {"a late repetition is of the same", a_late_repetition_is_of_the_same},
                                                        {"another one takes its ports", another_one_takes_its_ports},
                                                        {"the table forgets", the_table_forgets},
                                                        {0}});
}
