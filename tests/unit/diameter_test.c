/*
** diameter_test.c - Diameter: answers by hop-by-hop id, names and results, both sides asking.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 3868};
    tl_say_hex(&s, TL_C2S, "01 [3+4 80 000101 00000000 00000001 00000101 00000108 40 [3+8 'host.a']000000000128 40 [3+8 'realm.a']00]");
    tl_say_hex(&s, TL_S2C, "01 [3+4 00 000101 00000000 00000001 00000101 0000010c 40 [3+8 000007d1] 00000108 40 [3+8 'host.a']0000]");
    tl_say_hex(&s, TL_C2S, "01 [3+4 c0 000110 00000000 00000002 00000102 00000107 40 [3+8 's;1']0000000108 40 [3+8 'host.a']0000]");
    tl_say_hex(&s, TL_C2S, "01 [3+4 80 000118 00000000 00000003 00000103 00000108 40 [3+8 'host.a']0000]");
    tl_say_hex(&s, TL_S2C, "01 [3+4 00 000118 00000000 00000003 00000103 0000010c 40 [3+8 000007d1] 00000108 40 [3+8 'host.a']0000]");
    tl_say_hex(
        &s, TL_S2C,
        "01 [3+4 40 000110 00000000 00000002 00000102 00000107 40 [3+8 's;1']000000010c 40 [3+8 00001389] 00000108 40 [3+8 'host.a']0000]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_diameter,
               "1 > 0+52 diameter request 'Capabilities-Exchange' start complete\n"
               "2 < 0+48 diameter answer 'Capabilities-Exchange SUCCESS' start complete answers 1 by_id\n"
               "3 > 52+48 diameter request 'Credit-Control' counted complete\n"
               "4 > 100+36 diameter request 'Device-Watchdog' counted complete\n"
               "5 < 48+48 diameter answer 'Device-Watchdog SUCCESS' counted complete answers 4 by_id\n"
               "6 < 96+60 diameter answer 'Credit-Control AVP_UNSUPPORTED' counted complete answers 3 by_id\n");
    tl_says(
        &s, &tl_diameter, 1,
        "{\"command\":\"Capabilities-Exchange\",\"application_id\":0,\"hop_by_hop_id\":1,\"end_to_end_id\":257,\"origin_host\":\"host.a\","
        "\"origin_realm\":\"realm.a\"}");
    tl_says(
        &s, &tl_diameter, 6,
        "{\"command\":\"Credit-Control\",\"application_id\":0,\"hop_by_hop_id\":2,\"end_to_end_id\":258,\"session_id\":\"s;1\",\"result_"
        "code\":5001,\"origin_host\":\"host.a\"}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "01 [3+4 80 000118 00000000 00000009 00000109 00000108 40 [3+8 'host.a']0000]");
    tl_say_hex(&s, TL_C2S, "01 [3+4 00 000118 00000000 00000009 00000109 0000010c 40 [3+8 000007d1] 00000108 40 [3+8 'host.a']0000]");
    tl_say_hex(&s, TL_S2C, "01 000040 80 000118 00000000 0000000a 0000000a 00000108 40 [3+8 'host.a']0000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_diameter,
               "1 < 0+36 diameter request 'Device-Watchdog' start complete\n"
               "2 > 0+48 diameter answer 'Device-Watchdog SUCCESS' start complete answers 1 by_id\n"
               "3 < 36+36 diameter request 'Device-Watchdog' counted cut unanswered\n");
    tl_script_free(&s);
}

/* Version, flags and an AVP that fits are magic enough. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_diameter, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_diameter, 3868);
}

int main(void)
{
    return tl_run_cases("diameter", (const tl_case[]){{"at every split", at_every_split},
                                                      {"a hole at every byte", a_hole_at_every_byte},
                                                      {"picked up midway", picked_up_midway},
                                                      {"what it is not", what_it_is_not},
                                                      {0}});
}
