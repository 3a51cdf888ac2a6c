/*
** bgp_test.c - BGP-4: messages by their marker, what an OPEN and an UPDATE say.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 179};
    tl_say_hex(&s, TL_C2S, "ffffffff ffffffff ffffffff ffffffff 001d 01 04 fde9 00b4 c0000201 00");
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 0025 01 04 5ba0 00b4 c0000202 08 02 06 41 04 00010000");
    tl_say_hex(&s, TL_C2S, "ffffffff ffffffff ffffffff ffffffff 0013 04");
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 0013 04");
    tl_say_hex(&s, TL_C2S, "ffffffff ffffffff ffffffff ffffffff 0025 02 0000 0007 400101 00 400200 18c00002 10c633");
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 001b 02 0004 18c00002 0000");
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 0017 05 0001 0001");
    tl_say_hex(&s, TL_C2S, "ffffffff ffffffff ffffffff ffffffff 0015 03 06 04");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_bgp,
               "1 > 0+29 bgp open 'AS 65001' start complete\n"
               "2 < 0+37 bgp open 'AS 65536' start complete\n"
               "3 > 29+19 bgp keepalive '' counted complete\n"
               "4 < 37+19 bgp keepalive '' counted complete\n"
               "5 > 48+37 bgp update '192.0.2.0/24' counted complete\n"
               "6 < 56+27 bgp update '192.0.2.0/24' counted complete\n"
               "7 < 83+23 bgp route_refresh '' counted complete\n"
               "8 > 85+21 bgp notification 'cease' counted complete\n");
    tl_says(&s, &tl_bgp, 1, "{\"version\":4,\"as\":65001,\"hold_time\":180,\"router_id\":\"192.0.2.1\"}");
    tl_says(&s, &tl_bgp, 2, "{\"version\":4,\"as\":65536,\"hold_time\":180,\"router_id\":\"192.0.2.2\"}");
    tl_says(&s, &tl_bgp, 5, "{\"withdrawn\":0,\"announced\":2}");
    tl_says(&s, &tl_bgp, 6, "{\"withdrawn\":1,\"announced\":0}");
    tl_says(&s, &tl_bgp, 7, "{\"afi\":1,\"safi\":1}");
    tl_says(&s, &tl_bgp, 8, "{\"error\":\"cease\",\"subcode\":4}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 0013 04");
    tl_say_hex(&s, TL_C2S, "aa ffffffff ffffffff ffffffff ffffffff 0013 04");
    tl_say_hex(&s, TL_S2C, "ffffffff ffffffff ffffffff ffffffff 0040 02 0000 0000 18c000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_bgp,
               "1 < 0+19 bgp keepalive '' start complete\n"
               "2 > 1+19 bgp keepalive '' resynced complete\n"
               "3 < 19+26 bgp update '' counted cut\n");
    tl_script_free(&s);
}

/* The marker is found at once. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_bgp, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_bgp, 179);
}

int main(void)
{
    return tl_run_cases("bgp", (const tl_case[]){{"at every split", at_every_split},
                                                 {"a hole at every byte", a_hole_at_every_byte},
                                                 {"picked up midway", picked_up_midway},
                                                 {"what it is not", what_it_is_not},
                                                 {0}});
}
