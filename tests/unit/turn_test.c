/*
** turn_test.c - turns of an unknown protocol: who said what until the other one was heard.
*/
#include "support/check.h"
#include "support/events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All steps of a conversation: '>' or '<' and the text, '-' a lost piece of so many bytes ("->5"), 'a' sets what the sender of the
** last step had acknowledged ("a3"). */
struct turns_case {
    const char *name;
    const char *steps[12];
    tl_why why;
    const char *heard;
};

static const struct turns_case cases[] = {
    {"question and answer",
     {">ab", ">c", "<123", "<4", ">d"},
     TL_WHY_FIN,
     "1 > 0+3 turn turn 'abc' start complete\n"
     "2 < 0+4 turn turn '1234' start complete\n"
     "3 > 3+1 turn turn 'd' counted complete\n"},
    {"the last run is complete only by a FIN",
     {">ab", "<12"},
     TL_WHY_RST,
     "1 > 0+2 turn turn 'ab' start complete\n"
     "2 < 0+2 turn turn '12' start cut\n"},
    {"a hole inside a run",
     {">ab", "->10", ">cd", "<12"},
     TL_WHY_FIN,
     "1 > 0+14 turn turn 'abcd' start missing 10 cut\n"
     "2 < 0+2 turn turn '12' start complete\n"},
    {"data that crosses on the wire: the client had not heard it",
     {">ab", "<12", "a0", ">cd", "a0", "<34", "a0", "<56", "a4", ">ef"},
     TL_WHY_FIN,
     "1 > 0+4 turn turn 'abcd' start complete\n"
     "2 < 0+4 turn turn '1234' start complete\n"
     "3 < 4+2 turn turn '56' counted complete\n"
     "4 > 4+2 turn turn 'ef' counted complete\n"},
    {"a hole told after the answer, but the answer had heard of it",
     {">ab", "<12", "a5", "->3", ">cd", "a2"},
     TL_WHY_FIN,
     "1 > 0+5 turn turn 'ab' start missing 3 cut\n"
     "2 < 0+2 turn turn '12' start complete\n"
     "3 > 5+2 turn turn 'cd' counted complete\n"},
    {"a whole turn was lost: no message, and the next is not longer for it",
     {">ab", "<12", "->3", "<34", "a5", ">cd"},
     TL_WHY_FIN,
     "1 > 0+2 turn turn 'ab' start complete\n"
     "2 < 0+4 turn turn '1234' start complete\n"
     "3 > 5+2 turn turn 'cd' resynced complete\n"},
    {"a stream that begins with a hole",
     {"->4", ">ab", "<12"},
     TL_WHY_FIN,
     "1 > 0+6 turn turn 'ab' guessed missing 4 cut\n"
     "2 < 0+2 turn turn '12' start complete\n"},
    {"only holes", {"->4", "-<7"}, TL_WHY_END, ""},
    {"the summary is cut and escaped",
     {">\x1b[2Jxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n"},
     TL_WHY_FIN,
     "1 > 0+111 turn turn '\\x1b[2Jxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...' start complete\n"},
};

static tl_script script_of(const struct turns_case *c)
{
    tl_script s = {0};
    for (size_t i = 0; i < 12 && c->steps[i] != NULL; i++) {
        const char *t = c->steps[i];
        if (t[0] == 'a')
            s.events[s.n - 1].peer_acked = (uint64_t)atoll(t + 1);
        else if (t[0] == '-')
            tl_lose(&s, t[1] == '>' ? TL_C2S : TL_S2C, (uint64_t)atoll(t + 2));
        else
            tl_say(&s, t[0] == '>' ? TL_C2S : TL_S2C, t + 1);
    }
    tl_end(&s, c->why);
    return s;
}

static void conversations(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_script s = script_of(&cases[i]);
        for (size_t split = 0; split < 4; split++) {
            char *heard = tl_hear(&s, tl_registry_builtin(), split);
            if (strcmp(heard, cases[i].heard) != 0) {
                printf("\n%s, split %zu: heard\n%sinstead of\n%s", cases[i].name, split, heard, cases[i].heard);
                CU_FAIL("heard something else");
            }
            free(heard);
        }
        tl_script_free(&s);
    }
}

/* From its first message on, the turns of a direction tile it; a turn grows by counting only. */
static void turns_tile(void)
{
    unsigned long long seed = 7;
    for (int round = 0; round < 300; round++) {
        tl_script s = {0};
        char bytes[50];
        memset(bytes, 'q', sizeof bytes);
        for (int i = 0; i < 30; i++) {
            tl_dir dir = (tl_dir)(tl_random(&seed) >> 20 & 1);
            size_t n = 1 + (size_t)(tl_random(&seed) >> 20) % sizeof bytes;
            if (tl_random(&seed) >> 20 & 7)
                tl_say_bytes(&s, dir, bytes, n);
            else
                tl_lose(&s, dir, n);
            s.events[s.n - 1].peer_acked -= s.events[s.n - 1].peer_acked > 0 && (tl_random(&seed) >> 20 & 3) == 0;
        }
        tl_end(&s, TL_WHY_FIN);
        tl_heard h = tl_listen(&s, tl_registry_builtin(), (size_t)round % 5);
        uint64_t end[2] = {UINT64_MAX, UINT64_MAX}, captured[2] = {0, 0}, said[2] = {0, 0};
        for (size_t i = 0; i < h.n; i++) {
            const tl_message *m = &h.items[i];
            CU_ASSERT(end[m->dir] == UINT64_MAX || m->offset >= end[m->dir]);
            end[m->dir] = m->offset + m->length;
            captured[m->dir] += m->length - m->missing;
            CU_ASSERT(m->missing < m->length);
        }
        for (size_t i = 0; i < s.n; i++) said[s.events[i].dir] += s.events[i].kind == TL_EV_BYTES ? s.events[i].length : 0;
        CU_ASSERT(captured[0] == said[0] && captured[1] == said[1]); /* every captured byte is in one turn */
        tl_heard_free(&h);
        tl_script_free(&s);
    }
}

static void long_turns_cost_no_memory(void)
{
    tl_script s = {0};
    static char bytes[60000];
    for (int i = 0; i < 50; i++) tl_say_bytes(&s, TL_S2C, bytes, sizeof bytes);
    tl_lose(&s, TL_S2C, 5400000000);
    tl_say(&s, TL_S2C, "end");
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL_FATAL(h.n, 1);
    CU_ASSERT(h.items[0].length == 5403000003 && h.items[0].missing == 5400000000);
    CU_ASSERT(h.memory < 3000);
    tl_heard_free(&h);
    tl_script_free(&s);
}

int main(void)
{
    return tl_run_cases("turn", (const tl_case[]){
                                    {"conversations", conversations},
                                    {"turns tile", turns_tile},
                                    {"long turns cost no memory", long_turns_cost_no_memory},
                                    {NULL, NULL},
                                });
}
