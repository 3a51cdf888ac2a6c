/*
** pairing_test.c - what acknowledgements prove about requests and responses.  The numbers of the rules are those of pairing.c.
**
** A case is a list of steps; in the text of a step:
**     q N@B a A      request N begins at B, its sender had acknowledged A bytes
**     r O a P : W    a response begins at O, its sender had acknowledged P bytes of the requests; W: what it answers, and how
**     i O a P : W    an interim one
**     e O            a response ends at O         h q, h c, h r   a request's head, the end of a request, a response's head was lost
**     u N            the next that is reported unanswered is N (0: none)                       c   nothing can answer any more
*/
#include "message/pairing.h"
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct pairing_case {
    const char *name;
    const char *steps[20];
};

static const struct pairing_case cases[] = {
    {"one after the other (2)", {"q 1@0 a 0", "r 0 a 10 : 1 proved", "e 100", "q 2@10 a 100", "r 100 a 20 : 2 proved", "c", "u 0"}},
    {"no request, or one that the sender had not heard of (1)",
     {"r 0 a 10 : 0 unasked", "q 1@10 a 5", "r 5 a 10 : 0 unasked", "r 5 a 11 : 1 proved"}},
    {"a request that had already heard of it (1)", {"q 1@0 a 50", "r 0 a 10 : 0 unasked", "r 50 a 10 : 1 proved"}},
    {"pipelined: by order (2)",
     {"q 1@0 a 0", "q 2@10 a 0", "q 3@20 a 0", "r 0 a 30 : 1 ordered", "e 9", "r 9 a 30 : 2 ordered", "e 19", "r 19 a 30 : 3 ordered", "c",
      "u 0"}},
    {"pipelined, but the sender had heard of one only (2)",
     {"q 1@0 a 0", "q 2@10 a 0", "r 0 a 10 : 1 proved", "e 9", "r 9 a 20 : 2 proved"}},
    {"a window of two in flight: order holds although later requests had heard more (2)",
     {"q 1@0 a 0", "q 2@10 a 0", "r 0 a 20 : 1 ordered", "e 50", "q 3@20 a 50", "r 50 a 30 : 2 ordered", "e 60", "r 60 a 30 : 3 ordered",
      "c", "u 0"}},
    {"100 Continue leaves the request open",
     {"q 1@0 a 0", "i 0 a 10 : 1 proved", "e 20", "i 20 a 10 : 1 proved", "r 40 a 10 : 1 proved", "c", "u 0"}},
    {"a lost response: the next pairs with its own request, the lost one's is unanswered (3)",
     {"q 1@0 a 0", "h r", "q 2@10 a 100", "r 100 a 20 : 2 proved", "u 1", "u 0", "e 200", "q 3@20 a 200", "r 200 a 30 : 3 proved", "c",
      "u 0"}},
    {"three lost responses (3)",
     {"q 1@0 a 0", "q 2@10 a 100", "q 3@20 a 200", "q 4@30 a 300", "h r", "r 300 a 40 : 4 proved", "u 1", "u 2", "u 3", "u 0"}},
    {"a lost response among pipelined ones: nobody knows (3)",
     {"q 1@0 a 0", "q 2@10 a 0", "q 3@20 a 0", "r 0 a 30 : 1 ordered", "e 40", "h r", "r 50 a 30 : 0 none", "e 60", "q 4@30 a 60",
      "r 60 a 40 : 0 none", "c", "u 0"}},
    {"after that, one request at a time is certain again (3)",
     {"q 1@0 a 0", "q 2@10 a 0", "h r", "r 50 a 20 : 0 none", "q 3@20 a 60", "r 60 a 30 : 3 proved", "u 0", "q 4@30 a 70",
      "r 70 a 40 : 4 proved"}},
    {"a lost request, and its response (4)",
     {"q 1@0 a 0", "r 0 a 10 : 1 proved", "e 100", "h q", "r 100 a 20 : 0 unasked", "e 150", "q 2@20 a 150", "r 150 a 30 : 2 proved", "c",
      "u 0"}},
    {"a lost request among pipelined ones: its answer is still owed (4)",
     {"h q", "q 2@20 a 0", "r 0 a 30 : 0 unasked", "e 50", "r 50 a 30 : 2 proved", "c", "u 0"}},
    {"two holes: each owes its own (4)",
     {"h q", "r 0 a 20 : 0 unasked", "e 50", "q 2@20 a 50", "h q", "r 50 a 40 : 2 proved", "e 60", "r 60 a 50 : 0 unasked", "e 70",
      "q 4@60 a 70", "r 70 a 80 : 4 proved"}},
    {"a lost request whose response was lost, too", {"h q", "h r", "q 2@20 a 100", "r 100 a 30 : 2 proved", "c", "u 0"}},
    {"both lost, the first answer in part: the next answers a lost request, not the one that is left (3)",
     {"q 1@0 a 0", "h q", "h r", "r 100 a 30 : 0 unasked", "e 150", "r 150 a 40 : 0 unasked", "e 200", "q 4@40 a 200",
      "r 200 a 50 : 4 proved", "u 1", "u 0"}},
    {"likewise, when the request is cut (3)", {"q 1@0 a 0", "h c", "h r", "r 100 a 30 : 0 unasked"}},
    {"but it is that one's where it begins right behind all that its sender had heard (3)",
     {"q 1@0 a 100", "h q", "h r", "r 100 a 30 : 1 proved"}},
    {"a lost 100 Continue leaves no other request (3)", {"q 1@0 a 0", "h r", "r 25 a 10 : 1 proved"}},
    {"nothing answers", {"q 1@0 a 0", "q 2@10 a 0", "u 0", "c", "u 1", "u 2", "u 0"}},
};

static tl_pairing pairing_of(const char *word)
{
    for (int p = TL_PAIR_PROVED; p <= TL_PAIR_UNASKED; p++)
        if (strcmp(word, tl_pairing_name((tl_pairing)p)) == 0) return (tl_pairing)p;
    return TL_PAIR_NONE;
}

/* *answered: the last response named its request. */
static bool step(tl_pairs *p, const char *text, bool *answered)
{
    unsigned long long n = 0, at = 0, acked = 0;
    char word[20] = "", side = 0;
    uint64_t number = 0;
    switch (text[0]) {
    case 'q':
        CU_ASSERT_EQUAL_FATAL(sscanf(text, "q %llu@%llu a %llu", &n, &at, &acked), 3);
        return tl_pairs_ask(p, n, at, acked, 1, NULL) == TL_OK;
    case 'r':
    case 'i': {
        CU_ASSERT_EQUAL_FATAL(sscanf(text + 1, " %llu a %llu : %llu %19s", &at, &acked, &n, word), 4);
        bool any;
        uint32_t tag = tl_pairs_tag(p, at, acked, &any);
        tl_reply r = tl_pairs_answer(p, at, acked, text[0] == 'i');
        *answered = text[0] == 'r' && r.number != 0;
        return r.number == n && r.pairing == pairing_of(word) && any == (tag != 0) && (tag != 0) == (n != 0 || strcmp(word, "none") == 0);
    }
    case 'e':
        CU_ASSERT_EQUAL_FATAL(sscanf(text, "e %llu", &at), 1);
        tl_pairs_ended(p, at, *answered);
        return true;
    case 'h':
        CU_ASSERT_EQUAL_FATAL(sscanf(text, "h %c", &side), 1);
        tl_pairs_hole(p, side != 'r', side == 'c');
        return true;
    case 'u': CU_ASSERT_EQUAL_FATAL(sscanf(text, "u %llu", &n), 1); return tl_pairs_report(p, &number) ? number == n : n == 0;
    case 'c': tl_pairs_close(p); return true;
    default: return false;
    }
}

static void rules(void)
{
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_pairs p = {0};
        bool answered = false;
        for (size_t k = 0; k < 20 && cases[i].steps[k] != NULL; k++) {
            if (step(&p, cases[i].steps[k], &answered)) continue;
            printf("\n%s: %s\n", cases[i].name, cases[i].steps[k]);
            CU_FAIL("not so");
            break;
        }
        tl_pairs_free(&p);
    }
}

/* A checker that accepts everything proves nothing. */
static void a_wrong_step_is_noticed(void)
{
    tl_pairs p = {0};
    bool answered = false;
    CU_ASSERT(step(&p, "q 1@0 a 0", &answered));
    CU_ASSERT(!step(&p, "r 0 a 10 : 1 ordered", &answered));
    CU_ASSERT(!step(&p, "r 0 a 10 : 1 proved", &answered));
    CU_ASSERT(!step(&p, "u 1", &answered));
    tl_pairs_free(&p);
}

static void the_oldest_gives_way(void)
{
    tl_pairs p = {0};
    uint64_t number, next = 1;
    for (uint64_t n = 1; n <= 1000; n++) {
        CU_ASSERT_EQUAL(tl_pairs_ask(&p, n, n * 10, 0, 1, NULL), TL_OK);
        while (tl_pairs_report(&p, &number)) CU_ASSERT_EQUAL(number, next++);
        CU_ASSERT(p.n <= TL_PAIRS_MAX && p.room <= 4 * TL_PAIRS_MAX);
    }
    CU_ASSERT_EQUAL(next, 1000 - TL_PAIRS_MAX + 1);
    tl_reply r = tl_pairs_answer(&p, 5, 20000, false);
    CU_ASSERT(r.number == next && r.pairing == TL_PAIR_ORDERED);
    tl_pairs_free(&p);
}

/* HEAD or not: what the response's length depends on is only said when it is sure. */
static void tags(void)
{
    tl_pairs p = {0};
    bool any;
    CU_ASSERT(tl_pairs_tag(&p, 0, 100, &any) == 0 && !any);
    CU_ASSERT_EQUAL(tl_pairs_ask(&p, 1, 0, 0, 7, NULL), TL_OK);
    CU_ASSERT_EQUAL(tl_pairs_ask(&p, 2, 10, 0, 8, NULL), TL_OK);
    CU_ASSERT(tl_pairs_tag(&p, 0, 20, &any) == 7 && any);
    tl_pairs_hole(&p, false, false);
    CU_ASSERT(tl_pairs_tag(&p, 0, 20, &any) == 0 && any);
    tl_pairs_free(&p);
}

int main(void)
{
    return tl_run_cases("pairing", (const tl_case[]){
                                       {"the rules", rules},
                                       {"a wrong step is noticed", a_wrong_step_is_noticed},
                                       {"the oldest gives way", the_oldest_gives_way},
                                       {"tags", tags},
                                       {NULL, NULL},
                                   });
}
