/*
** telnet_test.c - Telnet: every split, a hole at every byte, what negotiations say, and what is not Telnet.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script login(void)
{
    tl_script s = {.port = 23};
    tl_say_hex(&s, TL_S2C, "fffd18 fffb01");
    tl_say_hex(&s, TL_C2S, "fffb18 fffd01");
    tl_say_hex(&s, TL_S2C, "fffa1801fff0 'hello' 0d0a 'login: '");
    tl_say_hex(&s, TL_C2S, "fffa1800 'XTERM' fff0 'bob' 0d00");
    tl_say_hex(&s, TL_S2C, "'bob' 0d0a 'a' ffff 'b' 0d0a '$ '");
    tl_say_hex(&s, TL_C2S, "fff4 'exit' 0d0a fff1");
    tl_say_hex(&s, TL_S2C, "fff2 'bye' 0d0a");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = login();
    tl_detects(&s, &tl_telnet,
               "1 < 0+3 telnet negotiation '' start complete\n2 < 3+3 telnet negotiation '' counted complete\n"
               "3 > 0+3 telnet negotiation '' start complete\n4 > 3+3 telnet negotiation '' counted complete\n"
               "5 < 6+6 telnet subnegotiation '' counted complete\n6 < 12+7 telnet line 'hello' counted complete\n"
               "7 > 6+11 telnet subnegotiation '' counted complete\n8 > 17+5 telnet line '' counted complete\n"
               "9 < 19+12 telnet line 'login: bob' counted complete\n10 < 31+6 telnet line 'a\\xff\\xffb' counted complete\n"
               "11 > 22+2 telnet command '' counted complete\n12 > 24+6 telnet line '' counted complete\n"
               "13 > 30+2 telnet command '' counted complete\n14 < 37+2 telnet line '$ ' counted complete\n"
               "15 < 39+2 telnet command '' counted complete\n16 < 41+5 telnet line 'bye' counted complete\n");
    /* Text right behind a loss is no line of its own: the next line or command is. */
    tl_survives_gaps(&s, &tl_telnet, 1);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = login();
    static const struct {
        uint64_t number;
        const char *want;
    } cases[] = {{1, "{\"command\":\"do\",\"option\":\"terminal_type\"}"},
                 {2, "{\"command\":\"will\",\"option\":\"echo\"}"},
                 {7, "{\"command\":\"sb\",\"option\":\"terminal_type\"}"},
                 {8, "{}"},
                 {11, "{\"command\":\"interrupt_process\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *detail = tl_detail(&s, &tl_telnet, cases[i].number);
        CU_ASSERT_STRING_EQUAL(detail, cases[i].want);
        free(detail);
    }
    tl_script_free(&s);
}

static void not_telnet(void)
{
    tl_refuses(&tl_telnet, 23);
    tl_refuses(&tl_telnet, 80);
}

int main(void)
{
    return tl_run_cases("telnet",
                        (const tl_case[]){{"at every split", at_every_split}, {"details", details}, {"not Telnet", not_telnet}, {0}});
}
