/*
** enip_test.c - EtherNet/IP: sessions, replies by sender context or sequence count, CIP services and paths.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 44818};
    tl_say_hex(&s, TL_C2S, "6500 0400 00000000 00000000 0000000000000001 00000000 01000000");
    tl_say_hex(&s, TL_S2C, "6500 0400 07000000 00000000 0000000000000001 00000000 01000000");
    tl_say_hex(&s, TL_C2S, "6f00 1600 07000000 00000000 0000000000000002 00000000 00000000 0a00 0200 0000 0000 b200 0600 0e02 2001 2401");
    tl_say_hex(&s, TL_C2S,
               "6f00 1a00 07000000 00000000 0000000000000003 00000000 00000000 0a00 0200 0000 0000 b200 0a00 4c03 9104'Tank' 0100");
    tl_say_hex(&s, TL_S2C, "6f00 1400 07000000 00000000 0000000000000003 00000000 00000000 0000 0200 0000 0000 b200 0400 cc00 0500");
    tl_say_hex(&s, TL_S2C, "6f00 1600 07000000 00000000 0000000000000002 00000000 00000000 0000 0200 0000 0000 b200 0600 8e00 0000 0c00");
    tl_say_hex(&s, TL_C2S,
               "7000 1c00 07000000 00000000 0000000000000000 00000000 00000000 0000 0200 a100 0400 11223344 b100 0800 0100"
               "0302 2001 2401");
    tl_say_hex(&s, TL_S2C,
               "7000 1a00 07000000 00000000 0000000000000000 00000000 00000000 0000 0200 a100 0400 55667788 b100 0600 0100"
               "8300 0000");
    tl_say_hex(&s, TL_C2S, "6600 0000 07000000 00000000 0000000000000000 00000000");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_enip,
               "1 > 0+28 enip request 'RegisterSession' start complete\n"
               "2 < 0+28 enip reply 'RegisterSession' start complete answers 1 by_id\n"
               "3 > 28+46 enip request 'SendRRData Get_Attribute_Single' counted complete\n"
               "4 > 74+50 enip request 'SendRRData Read_Tag Tank' counted complete\n"
               "5 < 28+44 enip reply 'SendRRData Read_Tag path destination unknown' counted complete answers 4 by_id\n"
               "6 < 72+46 enip reply 'SendRRData Get_Attribute_Single' counted complete answers 3 by_id\n"
               "7 > 124+52 enip request 'SendUnitData Get_Attribute_List' counted complete\n"
               "8 < 118+50 enip reply 'SendUnitData Get_Attribute_List' counted complete answers 7 by_id\n"
               "9 > 176+24 enip unregister_session 'UnRegisterSession' counted complete\n");
    tl_says(&s, &tl_enip, 2, "{\"command\":\"RegisterSession\",\"session_handle\":7,\"status\":\"success\"}");
    tl_says(&s, &tl_enip, 3,
            "{\"command\":\"SendRRData\",\"session_handle\":7,\"status\":\"success\",\"cip_service\":\"Get_Attribute_Single\",\"class\":1,"
            "\"instance\":1}");
    tl_says(&s, &tl_enip, 4,
            "{\"command\":\"SendRRData\",\"session_handle\":7,\"status\":\"success\",\"cip_service\":\"Read_Tag\",\"symbol\":\"Tank\"}");
    tl_says(&s, &tl_enip, 5,
            "{\"command\":\"SendRRData\",\"session_handle\":7,\"status\":\"success\",\"cip_service\":\"Read_Tag\",\"cip_status\":\"path "
            "destination unknown\"}");
    tl_says(&s, &tl_enip, 7,
            "{\"command\":\"SendUnitData\",\"session_handle\":7,\"status\":\"success\",\"connection_id\":1144201745,\"sequence_count\":1,"
            "\"cip_service\":\"Get_Attribute_List\",\"class\":1,\"instance\":1}");
    tl_script_free(&s);
}

/* What an Unconnected_Send carries is what people look for; 4e and 52 mean another service where a tag is asked. */
static void services_inside_others(void)
{
    tl_script s = {.port = 44818};
    tl_say_hex(&s, TL_C2S,
               "6f00 2e00 07000000 00000000 0000000000000001 00000000 00000000 0a00 0200 0000 0000 b200 1e00"
               "52 02 2006 2401 0a 05 1000 52 06 9104'Main' 9103'Run'00 0100 0100 0100");
    tl_say_hex(&s, TL_S2C, "6f00 1600 07000000 00000000 0000000000000001 00000000 00000000 0000 0200 0000 0000 b200 0600 d200 0600 c100");
    tl_say_hex(&s, TL_C2S,
               "6f00 2200 07000000 00000000 0000000000000002 00000000 00000000 0a00 0200 0000 0000 b200 1200"
               "4e 02 2006 2401 0a05 0100 0100 01000000 0000");
    tl_say_hex(&s, TL_S2C,
               "6f00 2200 07000000 00000000 0000000000000002 00000000 00000000 0000 0200 0000 0000 b200 1200"
               "ce 00 01 01 0701 0100 0100 01000000 00000000");
    tl_say_hex(&s, TL_C2S,
               "7000 2000 07000000 00000000 0000000000000000 00000000 00000000 0000 0200 a100 0400 11223344 b100 0c00 0100"
               "0a 02 2002 2401 0200 0000");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_enip,
               "1 > 0+70 enip request 'SendRRData Unconnected_Send Read_Tag_Fragmented Run' start complete\n"
               "2 < 0+46 enip reply 'SendRRData Read_Tag_Fragmented partial transfer' start complete answers 1 by_id\n"
               "3 > 70+58 enip request 'SendRRData Forward_Close' counted complete\n"
               "4 < 46+58 enip reply 'SendRRData Forward_Close connection failure' counted complete answers 3 by_id\n"
               "5 > 128+56 enip request 'SendUnitData Multiple_Service_Packet' counted complete unanswered\n");
    tl_says(&s, &tl_enip, 1,
            "{\"command\":\"SendRRData\",\"session_handle\":7,\"status\":\"success\",\"cip_service\":\"Read_Tag_Fragmented\","
            "\"by\":\"Unconnected_Send\",\"symbol\":\"Run\"}");
    tl_says(&s, &tl_enip, 5,
            "{\"command\":\"SendUnitData\",\"session_handle\":7,\"status\":\"success\",\"connection_id\":1144201745,"
            "\"sequence_count\":1,\"cip_service\":\"Multiple_Service_Packet\",\"class\":2,\"instance\":1,\"services\":2}");
    tl_script_free(&s);
}

/* A command that fits its length, a status and options of zeros are magic enough. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_enip, 0);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "6f00 1600 07000000 00000000 0000000000000002 00000000 00000000 0a00 0200 0000 0000 b200 0600 0e02 2001 2401");
    tl_say_hex(&s, TL_C2S, "6f00 1600 07000000 00000000 0000000000000002 00000000 00000000 0000 0200 0000 0000 b200 0600 8e00 0000 0c00");
    tl_say_hex(&s, TL_S2C, "6f00 1600 07000000 00000000 0000000000000003 00000000 0000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_enip,
               "1 < 0+46 enip request 'SendRRData Get_Attribute_Single' start complete\n"
               "2 > 0+46 enip reply 'SendRRData Get_Attribute_Single' start complete answers 1 by_id\n"
               "3 < 46+26 enip request 'SendRRData' counted cut unanswered\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_enip, 44818);
}

int main(void)
{
    return tl_run_cases("enip", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"services inside others", services_inside_others},
                                                  {"picked up midway", picked_up_midway},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
