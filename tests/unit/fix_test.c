/*
** fix_test.c - FIX: every split, a hole at every byte, pairs, checksums, lengths that lie, and what is not FIX.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Says a message with this body ('|' stands for SOH), with its length and checksum. */
static void say(tl_script *s, tl_dir dir, const char *body)
{
    char text[600];
    unsigned sum = 0;
    int n = snprintf(text, sizeof text, "8=FIX.4.4|9=%zu|%s", strlen(body), body);
    for (int i = 0; i < n; i++) {
        if (text[i] == '|') text[i] = 1;
        sum += (uint8_t)text[i];
    }
    snprintf(text + n, sizeof text - (size_t)n, "10=%03u\x01", sum & 255);
    tl_say(s, dir, text);
}

static tl_script trade(void)
{
    tl_script s = {.port = 9876};
    say(&s, TL_C2S, "35=A|49=BUY|56=SELL|34=1|553=bob|554=secret|");
    say(&s, TL_S2C, "35=A|49=SELL|56=BUY|34=1|");
    say(&s, TL_C2S, "35=D|49=BUY|56=SELL|34=2|11=o1|55=IBM|54=1|38=100|");
    say(&s, TL_C2S, "35=1|49=BUY|56=SELL|34=3|112=t|");
    say(&s, TL_S2C, "35=8|49=SELL|56=BUY|34=2|11=o1|39=0|55=IBM|150=0|");
    say(&s, TL_S2C, "35=0|49=SELL|56=BUY|34=3|112=t|");
    say(&s, TL_S2C, "35=8|49=SELL|56=BUY|34=4|11=o1|39=2|55=IBM|150=F|58=8=FIX.4.4|");
    say(&s, TL_C2S, "35=5|49=BUY|56=SELL|34=4|");
    say(&s, TL_S2C, "35=5|49=SELL|56=BUY|34=5|");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = trade();
    tl_detects(&s, &tl_fix,
               "1 > 0+66 fix logon '' start complete\n2 < 0+47 fix logon '' start complete answers 1 by_id\n"
               "3 > 66+72 fix new_order_single 'IBM' counted complete\n4 > 138+53 fix test_request '' counted complete\n"
               "5 < 47+71 fix execution_report 'IBM' counted complete answers 3 by_id\n"
               "6 < 118+53 fix heartbeat '' counted complete answers 4 by_id\n"
               "7 < 171+84 fix execution_report 'IBM' counted complete\n8 > 191+47 fix logout '' counted complete\n"
               "9 < 255+47 fix logout '' counted complete answers 8 by_id\n");
    tl_survives_gaps(&s, &tl_fix, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = trade();
    static const struct {
        uint64_t number;
        const char *want;
    } cases[] = {{1, "{\"version\":\"FIX.4.4\",\"msg_seq_num\":1,\"msg_type\":\"A\",\"sender_comp_id\":\"BUY\",\"target_comp_id\":\"SELL\","
                     "\"username\":\"bob\",\"checksum_good\":1}"},
                 {3, "{\"version\":\"FIX.4.4\",\"msg_seq_num\":2,\"msg_type\":\"D\",\"sender_comp_id\":\"BUY\",\"target_comp_id\":\"SELL\","
                     "\"cl_ord_id\":\"o1\",\"symbol\":\"IBM\",\"side\":\"1\",\"order_qty\":\"100\",\"checksum_good\":1}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *detail = tl_detail(&s, &tl_fix, cases[i].number);
        if (strcmp(detail, cases[i].want) != 0) printf("\n%s\n", detail);
        CU_ASSERT_STRING_EQUAL(detail, cases[i].want);
        free(detail);
    }
    tl_script_free(&s);
}

static void odd_ones(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C,
           "8=FIX.4.2\x01"
           "9=5\x01"
           "35=0\x01"
           "10=999\x01"
           "8=FIXT.1.1\x01"
           "9=99999\x01"
           "35=A\x01");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_fix, "1 < 0+26 fix heartbeat '' start complete\n2 < 26+24 fix logon '' counted cut unanswered\n");
    char *detail = tl_detail(&s, &tl_fix, 1);
    CU_ASSERT_STRING_EQUAL(detail, "{\"version\":\"FIX.4.2\",\"msg_type\":\"0\",\"checksum_good\":0}");
    free(detail);
    tl_script_free(&s);
}

/* Either side may log out, or begin anew; which one is taken for the client does not matter. */
static void logons(void)
{
    tl_script s = {.port = 9876};
    say(&s, TL_C2S, "35=A|34=2|141=Y|");
    say(&s, TL_S2C, "35=A|34=2|141=Y|");
    say(&s, TL_S2C, "35=5|34=3|");
    say(&s, TL_C2S, "35=5|34=3|");
    say(&s, TL_C2S, "35=5|34=4|");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_fix,
               "1 > 0+38 fix logon '' start complete\n"
               "2 < 0+38 fix logon '' start complete answers 1 by_id\n"
               "3 < 38+32 fix logout '' counted complete\n"
               "4 > 38+32 fix logout '' counted complete answers 3 by_id\n"
               "5 > 70+32 fix logout '' counted complete unanswered\n");
    tl_script_free(&s);
    s = (tl_script){.port = 9876}; /* the acceptor is taken for the client */
    say(&s, TL_S2C, "35=A|34=1|");
    say(&s, TL_C2S, "35=A|34=1|");
    say(&s, TL_C2S, "35=1|34=2|112=t|");
    say(&s, TL_S2C, "35=0|34=2|112=t|");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_fix,
               "1 < 0+32 fix logon '' start complete\n"
               "2 > 0+32 fix logon '' start complete answers 1 by_id\n"
               "3 > 32+38 fix test_request '' counted complete\n"
               "4 < 32+38 fix heartbeat '' counted complete answers 3 by_id\n");
    tl_script_free(&s);
    s = (tl_script){.port = 9876}; /* the hole took the logon that is answered */
    tl_lose(&s, TL_C2S, 66);
    say(&s, TL_S2C, "35=A|34=1|");
    say(&s, TL_C2S, "35=5|34=2|");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_fix,
               "1 < 0+32 fix logon '' start complete unasked\n"
               "2 > 66+32 fix logout '' resynced complete unanswered\n");
    tl_script_free(&s);
}

static void not_fix(void)
{
    tl_refuses(&tl_fix, 9876);
}

int main(void)
{
    return tl_run_cases("fix", (const tl_case[]){{"at every split", at_every_split},
                                                 {"details", details},
                                                 {"odd ones", odd_ones},
                                                 {"logons", logons},
                                                 {"not FIX", not_fix},
                                                 {0}});
}
