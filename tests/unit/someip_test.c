/*
** someip_test.c - SOME/IP: pairs by the two ids, notifications, magic cookies, service discovery.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 30501};
    tl_say_hex(&s, TL_C2S, "1234 0421 [4 0001 0001 01 01 00 00 'ping one']");
    tl_say_hex(&s, TL_C2S, "1234 0422 [4 0001 0002 01 01 00 00 'ping two']");
    tl_say_hex(&s, TL_S2C, "1234 0422 [4 0001 0002 01 01 81 03]");
    tl_say_hex(&s, TL_S2C, "1234 0421 [4 0001 0001 01 01 80 00 'pong']");
    tl_say_hex(&s, TL_S2C, "ffff 8000 [4 dead beef 01 01 02 00] 1234 8001 [4 0000 0007 01 01 02 00 'event']");
    tl_say_hex(&s, TL_C2S, "ffff 0000 [4 dead beef 01 01 01 00] 1234 0423 [4 0001 0003 01 01 01 00 'fire and forget']");
    tl_say_hex(&s, TL_C2S, "1234 0424 [4 0001 0004 01 01 20 00 00000001 'a segment of 16!']");
    tl_say_hex(&s, TL_S2C, "1234 0424 [4 0001 0004 01 01 80 00]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_someip,
               "1 > 0+24 someip request '1234.0421' start complete\n"
               "2 > 24+24 someip request '1234.0422' counted complete\n"
               "3 < 0+16 someip error '1234.0422 unknown_method' start complete answers 2 by_id\n"
               "4 < 16+20 someip response '1234.0421' counted complete answers 1 by_id\n"
               "5 < 36+16 someip magic_cookie '' counted complete\n"
               "6 < 52+21 someip notification '1234.8001' counted complete\n"
               "7 > 48+16 someip magic_cookie '' counted complete\n"
               "8 > 64+31 someip request_no_return '1234.0423' counted complete\n"
               "9 > 95+36 someip request '1234.0424' counted complete\n"
               "10 < 73+16 someip response '1234.0424' counted complete answers 9 by_id\n");
    tl_says(
        &s, &tl_someip, 1,
        "{\"service_id\":4660,\"method_id\":1057,\"client_id\":1,\"session_id\":1,\"interface_version\":1,\"message_type\":\"request\"}");
    tl_says(&s, &tl_someip, 3,
            "{\"service_id\":4660,\"method_id\":1058,\"client_id\":1,\"session_id\":2,\"interface_version\":1,\"message_type\":\"error\","
            "\"return_code\":\"unknown_method\"}");
    tl_says(&s, &tl_someip, 9,
            "{\"service_id\":4660,\"method_id\":1060,\"client_id\":1,\"session_id\":4,\"interface_version\":1,\"message_type\":\"request\","
            "\"segment_offset\":0}");
    tl_script_free(&s);
}

/* Without a cookie a header is believed when another follows, or the other side speaks. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_someip, 1);
    tl_script_free(&s);
}

static void discovery_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "ffff 8100 [4 0000 0001 01 01 02 00 c0000000 [4 01 00 00 10 1234 0001 01000003 00000000] 00000000]");
    tl_say_hex(&s, TL_C2S, "ffff 8100 [4 0000 0002 01 01 02 00 c0000000 [4 06 00 00 10 1234 0001 01000003 00000001] 00000000]");
    tl_say_hex(&s, TL_S2C, "ffff 8100 00000030 0000 0002 01 01 02 00 c000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_someip,
               "1 < 0+44 someip notification 'offer_service 1234' start complete\n"
               "2 > 0+44 someip notification 'subscribe_eventgroup 1234' start complete\n"
               "3 < 44+18 someip notification 'ffff.8100' counted cut\n");
    tl_says(&s, &tl_someip, 1,
            "{\"service_id\":65535,\"method_id\":33024,\"client_id\":0,\"session_id\":1,\"interface_version\":1,\"message_type\":"
            "\"notification\",\"entry\":\"offer_service\",\"entry_service_id\":4660}");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_someip, 30501);
}

int main(void)
{
    return tl_run_cases("someip", (const tl_case[]){{"at every split", at_every_split},
                                                    {"a hole at every byte", a_hole_at_every_byte},
                                                    {"discovery, midway", discovery_midway},
                                                    {"what it is not", what_it_is_not},
                                                    {0}});
}
