/*
** doip_test.c - DoIP: activation, diagnosis with its acknowledgments, answers that are pending, addresses.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 13400};
    tl_say_hex(&s, TL_C2S, "02fd 0005 [4 0e80 00 00000000]");
    tl_say_hex(&s, TL_S2C, "02fd 0006 [4 0e80 1000 10 00000000]");
    tl_say_hex(&s, TL_C2S, "02fd 8001 [4 0e80 1001 22f190] 02fd 8001 [4 0e80 1002 2701]");
    tl_say_hex(&s, TL_S2C, "02fd 8002 [4 1001 0e80 00] 02fd 8002 [4 1002 0e80 00] 02fd 8001 [4 1002 0e80 7f2778]");
    tl_say_hex(&s, TL_S2C, "02fd 8001 [4 1002 0e80 7f2733] 02fd 8001 [4 1001 0e80 62f190 'WVWZZZ1JZXW000001']");
    tl_say_hex(&s, TL_C2S, "02fd 8001 [4 0e80 1001 3e80] 02fd 8001 [4 0e80 1003 1003]");
    tl_say_hex(&s, TL_S2C, "02fd 8002 [4 1001 0e80 00] 02fd 8003 [4 1003 0e80 03]");
    tl_say_hex(&s, TL_S2C, "02fd 0007 00000000");
    tl_say_hex(&s, TL_C2S, "02fd 0008 [4 0e80]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_doip,
               "1 > 0+15 doip routing_activation_request '0e80' start complete\n"
               "2 < 0+17 doip routing_activation_response 'activated' start complete answers 1 by_id\n"
               "3 > 15+15 doip diagnostic_message '0e80 > 1001 ReadDataByIdentifier f190' counted complete\n"
               "4 > 30+14 doip diagnostic_message '0e80 > 1002 SecurityAccess' counted complete\n"
               "5 < 17+13 doip diagnostic_ack '1001 > 0e80' counted complete answers 3 by_id\n"
               "6 < 30+13 doip diagnostic_ack '1002 > 0e80' counted complete answers 4 by_id\n"
               "7 < 43+15 doip diagnostic_message '1002 > 0e80 SecurityAccess: response pending' counted complete answers 4 by_id\n"
               "8 < 58+15 doip diagnostic_message '1002 > 0e80 SecurityAccess: security access denied' counted complete answers 4 by_id\n"
               "9 < 73+32 doip diagnostic_message '1001 > 0e80 ReadDataByIdentifier f190' counted complete answers 3 by_id\n"
               "10 > 44+14 doip diagnostic_message '0e80 > 1001 TesterPresent' counted complete\n"
               "11 > 58+14 doip diagnostic_message '0e80 > 1003 DiagnosticSessionControl' counted complete\n"
               "12 < 105+13 doip diagnostic_ack '1001 > 0e80' counted complete answers 10 by_id\n"
               "13 < 118+13 doip diagnostic_nack '1003 > 0e80 unknown target address' counted complete answers 11 by_id\n"
               "14 < 131+8 doip alive_check_request '' counted complete\n"
               "15 > 72+10 doip alive_check_response '' counted complete answers 14 by_id\n");
    tl_says(&s, &tl_doip, 1, "{\"version\":2,\"payload_type\":5,\"source_address\":3712,\"activation_type\":0}");
    tl_says(&s, &tl_doip, 2,
            "{\"version\":2,\"payload_type\":6,\"source_address\":3712,\"logical_address\":4096,\"activation_code\":\"activated\"}");
    tl_says(&s, &tl_doip, 8,
            "{\"version\":2,\"payload_type\":32769,\"source_address\":4098,\"target_address\":3712,\"uds_service\":\"SecurityAccess\","
            "\"negative_response\":\"security access denied\"}");
    tl_says(
        &s, &tl_doip, 9,
        "{\"version\":2,\"payload_type\":32769,\"source_address\":4097,\"target_address\":3712,\"uds_service\":\"ReadDataByIdentifier\","
        "\"data_identifier\":61840,\"vin\":\"WVWZZZ1JZXW000001\"}");
    tl_says(
        &s, &tl_doip, 13,
        "{\"version\":2,\"payload_type\":32771,\"source_address\":4099,\"target_address\":3712,\"nack_code\":\"unknown target address\"}");
    tl_script_free(&s);
}

/* The version, its complement and a type that fits its length are magic enough. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_doip, 0);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "02fd 8001 [4 0e80 e400 1003]");
    tl_say_hex(&s, TL_C2S, "02fd 8002 [4 e400 0e80 00] 02fd 8001 [4 1001 0e80 5003]");
    tl_say_hex(&s, TL_C2S, "02fd 0004 [4 'WVWZZZ1JZXW000001' 1000 000102030405 060708090a0b 00] 02fd f123 [4 01]");
    tl_say_hex(&s, TL_S2C, "02fd 8001 00000010 0e80 1001");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_doip,
               "1 < 0+14 doip diagnostic_message '0e80 > e400 DiagnosticSessionControl' start complete\n"
               "2 > 0+13 doip diagnostic_ack 'e400 > 0e80' start complete answers 1 by_id\n"
               "3 > 13+14 doip diagnostic_message '1001 > 0e80 DiagnosticSessionControl' counted complete unasked\n"
               "4 > 27+40 doip vehicle_announcement 'WVWZZZ1JZXW000001' counted complete unasked\n"
               "5 > 67+9 doip manufacturer_specific '' counted complete\n"
               "6 < 14+12 doip diagnostic_message '0e80 > 1001' counted cut\n");
    tl_says(&s, &tl_doip, 4, "{\"version\":2,\"payload_type\":4,\"vin\":\"WVWZZZ1JZXW000001\",\"logical_address\":4096}");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_doip, 13400);
}

int main(void)
{
    return tl_run_cases("doip", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"picked up midway", picked_up_midway},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
