/*
** cassandra_test.c - CQL: responses by stream, events, an old version, swapped roles.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_C2S, "04 00 0000 05 00000000");
    tl_say_hex(&s, TL_S2C, "84 00 0000 06 [4 0001 [2 'CQL_VERSION'] 0001 [2 '3.4.5']]");
    tl_say_hex(&s, TL_C2S, "04 00 0001 01 [4 0001 [2 'CQL_VERSION'] [2 '3.4.5']]");
    tl_say_hex(&s, TL_S2C, "84 00 0001 02 00000000");
    tl_say_hex(&s, TL_C2S, "04 00 0002 07 [4 [4 'select * from t'] 0001 00]");
    tl_say_hex(&s, TL_C2S, "04 00 0003 09 [4 [4 'insert']]");
    tl_say_hex(&s, TL_S2C, "84 00 0003 00 [4 00002000 [2 'bad syntax']]");
    tl_say_hex(&s, TL_S2C, "84 00 ffff 0c [4 [2 'TOPOLOGY_CHANGE'] [2 'NEW_NODE']]");
    tl_say_hex(&s, TL_S2C, "84 00 0002 08 [4 00000002 00000001 00000000 00000000]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_cassandra,
               "1 > 0+9 cassandra options '' start complete\n"
               "2 < 0+33 cassandra supported '' start complete answers 1 by_id\n"
               "3 > 9+31 cassandra startup '' counted complete\n"
               "4 < 33+9 cassandra ready '' counted complete answers 3 by_id\n"
               "5 > 40+31 cassandra query 'select * from t' counted complete\n"
               "6 > 71+19 cassandra prepare 'insert' counted complete\n"
               "7 < 42+25 cassandra error 'bad syntax' counted complete answers 6 by_id\n"
               "8 < 67+36 cassandra event '' counted complete\n"
               "9 < 103+25 cassandra result '' counted complete answers 5 by_id\n");
    tl_says(&s, &tl_cassandra, 5, "{\"version\":4,\"stream\":2,\"query\":\"select * from t\"}");
    tl_says(&s, &tl_cassandra, 7, "{\"version\":4,\"stream\":3,\"code\":8192,\"message\":\"bad syntax\"}");
    tl_says(&s, &tl_cassandra, 8, "{\"version\":4,\"stream\":-1,\"event\":\"TOPOLOGY_CHANGE\"}");
    tl_says(&s, &tl_cassandra, 9, "{\"version\":4,\"stream\":2,\"result\":\"rows\"}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_S2C, "02 00 05 07 [4 [4 'select 1'] 0001]");
    tl_say_hex(&s, TL_C2S, "82 00 05 08 [4 00000001]");
    tl_say_hex(&s, TL_S2C, "02 00 06 07 00000040 [4 'select 2']");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_cassandra,
               "1 < 0+22 cassandra query 'select 1' start complete\n"
               "2 > 0+12 cassandra result '' start complete answers 1 by_id\n"
               "3 < 22+20 cassandra query 'select 2' counted cut unanswered\n");
    tl_script_free(&s);
}

/* Version, opcode and direction agree, and the length is sound: nothing but the damaged message is missed. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_cassandra, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_cassandra, 9042);
}

int main(void)
{
    return tl_run_cases("cassandra", (const tl_case[]){{"at every split", at_every_split},
                                                       {"a hole at every byte", a_hole_at_every_byte},
                                                       {"picked up midway", picked_up_midway},
                                                       {"what it is not", what_it_is_not},
                                                       {0}});
}
