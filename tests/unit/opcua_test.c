/*
** opcua_test.c - OPC UA: hello, channels, services by node id, messages of several chunks, answers by request id.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 4840};
    tl_say_hex(&s, TL_C2S, "'HELF'<4+8 00000000 00000100 00000100 00000000 00000000 <4 'opc.tcp://a:4840'>>");
    tl_say_hex(&s, TL_S2C, "'ACKF'1c000000 00000000 00000100 00000100 00000000 00000000");
    tl_say_hex(&s, TL_C2S,
               "'OPNF'<4+8 00000000 <4 'http://opcfoundation.org/UA/SecurityPolicy#None'> ffffffff ffffffff 01000000 01000000"
               "0100be01 0000 0000000000000000 00000000>");
    tl_say_hex(&s, TL_S2C,
               "'OPNF'<4+8 05000000 <4 'http://opcfoundation.org/UA/SecurityPolicy#None'> ffffffff ffffffff 01000000 01000000"
               "0100c101 0000000000000000 01000000 00000000>");
    tl_say_hex(&s, TL_C2S, "'MSGF'<4+8 05000000 01000000 02000000 02000000 01007702 0000 0000000000000000>");
    tl_say_hex(&s, TL_C2S, "'MSGF'<4+8 05000000 01000000 03000000 03000000 01003a03 0000 0000000000000000>");
    tl_say_hex(&s, TL_S2C,
               "'MSGC'<4+8 05000000 01000000 02000000 02000000 01007a02 0000000000000000 02000000 00000000>"
               "'MSGF'<4+8 05000000 01000000 03000000 02000000 'the rest'>");
    tl_say_hex(&s, TL_S2C, "'MSGF'<4+8 05000000 01000000 04000000 03000000 01008d01 0000000000000000 03000000 00007980>");
    tl_say_hex(&s, TL_C2S, "'CLOF'<4+8 05000000 01000000 04000000 04000000 0100c401 0000>");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_opcua,
               "1 > 0+48 opcua hello 'opc.tcp://a:4840' start complete\n"
               "2 < 0+28 opcua acknowledge '' start complete answers 1 by_id\n"
               "3 > 48+97 opcua open 'OpenSecureChannel' counted complete\n"
               "4 < 28+99 opcua open 'OpenSecureChannel' counted complete answers 3 by_id\n"
               "5 > 145+38 opcua request 'Read' counted complete\n"
               "6 > 183+38 opcua request 'Publish' counted complete\n"
               "7 < 127+76 opcua response 'Read' counted complete answers 5 by_id\n"
               "8 < 203+44 opcua response 'ServiceFault 0x80790000' counted complete answers 6 by_id\n"
               "9 > 221+30 opcua close 'CloseSecureChannel' counted complete\n");
    tl_says(&s, &tl_opcua, 1, "{\"message_type\":\"HEL\",\"endpoint\":\"opc.tcp://a:4840\"}");
    tl_says(
        &s, &tl_opcua, 3,
        "{\"message_type\":\"OPN\",\"channel_id\":0,\"security_policy\":\"http://opcfoundation.org/UA/SecurityPolicy#None\",\"sequence\":"
        "1,\"request_id\":1,\"service\":\"OpenSecureChannel\",\"type_id\":446}");
    tl_says(&s, &tl_opcua, 8,
            "{\"message_type\":\"MSG\",\"channel_id\":5,\"sequence\":4,\"request_id\":3,\"service\":\"ServiceFault\",\"type_id\":397,"
            "\"result\":2155413504}");
    tl_script_free(&s);
}

/* Four letters and a size are magic enough.  One chunk each: what goes on a chunk that was lost is heard as a message of its own. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 4840};
    for (unsigned i = 1; i <= 4; i++) {
        char text[160];
        snprintf(text, sizeof text, "'MSGF'<4+8 05000000 01000000 0%u000000 0%u000000 01007702 0000 0000000000000000>", i, i);
        tl_say_hex(&s, TL_C2S, text);
        snprintf(text, sizeof text, "'MSGF'<4+8 05000000 01000000 0%u000000 0%u000000 01007a02 0000000000000000 02000000 00000000>", i, i);
        tl_say_hex(&s, TL_S2C, text);
    }
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_opcua, 0);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "'MSGF'<4+8 05000000 01000000 02000000 02000000 01007702 0000 0000000000000000>");
    tl_say_hex(&s, TL_C2S, "'MSGF'<4+8 05000000 01000000 02000000 02000000 01007a02 0000000000000000 02000000 00000000>");
    tl_say_hex(&s, TL_C2S, "'ERRF'<4+8 00000280 <4 'bad'>>");
    tl_say_hex(&s, TL_S2C, "'MSGF'00010000 05000000 01000000 03");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_opcua,
               "1 < 0+38 opcua request 'Read' start complete\n"
               "2 > 0+44 opcua response 'Read' start complete answers 1 by_id\n"
               "3 > 44+19 opcua error 'bad' counted complete\n"
               "4 < 38+17 opcua request '' counted cut\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_opcua, 4840);
}

int main(void)
{
    return tl_run_cases("opcua", (const tl_case[]){{"at every split", at_every_split},
                                                   {"a hole at every byte", a_hole_at_every_byte},
                                                   {"picked up midway", picked_up_midway},
                                                   {"what it is not", what_it_is_not},
                                                   {0}});
}
