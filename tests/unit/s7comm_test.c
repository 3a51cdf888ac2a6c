/*
** s7comm_test.c - TPKT and COTP with S7comm in them: jobs by reference, user data, TPDUs put together; and what COTP carries besides.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 102};
    tl_say_hex(&s, TL_C2S, "0300 [2+4 [1 e0 0000 0001 00 c0010a c1020100 c2020102]]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 [1 d0 0001 0007 00 c0010a c1020100 c2020102]]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 3201 0000 0500 0008 0000 f0000001000101e0]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 3203 0000 0500 0008 0000 0000 f0000001000100f0]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 3201 0000 0600 000e 0000 0401 120a10 02 0004 0001 84 000050]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 3203 0000 0600 0002 0008 0000 0401 ff040020 01020304]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 3207 0000 0700 0008 0008 000112 04 11 44 01 00 ff090004 001c 0000]");
    tl_say_hex(&s, TL_S2C,
               "0300 [2+4 02f000 3207 0000 0700 000c 0020 000112 08 12 84 01 01 00000000 ff09001c 001c 0000 0011]"
               "0300 [2+4 02f080 0102030405060708090a0b0c0d0e0f10]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 3201 0000 0800 000a 0000 1d000000000000000000]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 3202 0000 0800 0000 0000 d241]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_s7comm,
               "1 > 0+22 s7comm connection_request '' start complete\n"
               "2 < 0+22 s7comm connection_confirm '' start complete answers 1 by_id\n"
               "3 > 22+25 s7comm job 'setup communication' counted complete\n"
               "4 < 22+27 s7comm ack_data 'setup communication' counted complete answers 3 by_id\n"
               "5 > 47+31 s7comm job 'read var DB1 10.0' counted complete\n"
               "6 < 49+29 s7comm ack_data 'read var' counted complete answers 5 by_id\n"
               "7 > 78+33 s7comm userdata 'CPU functions' counted complete\n"
               "8 < 78+62 s7comm userdata 'CPU functions' counted complete answers 7 by_id\n"
               "9 > 111+27 s7comm job 'start upload' counted complete\n"
               "10 < 140+19 s7comm ack 'error 210 65' counted complete answers 9 by_id\n");
    tl_says(&s, &tl_s7comm, 1,
            "{\"source_reference\":1,\"destination_reference\":0,\"tpdu_size\":\"1024\",\"source_tsap\":\"\\\\x01\\\\x00\","
            "\"destination_tsap\":\"\\\\x01\\\\x02\"}");
    tl_says(
        &s, &tl_s7comm, 4,
        "{\"pdu_reference\":1280,\"function\":\"setup communication\",\"error_class\":\"no error\",\"error_code\":0,\"pdu_length\":240}");
    tl_says(&s, &tl_s7comm, 5,
            "{\"pdu_reference\":1536,\"function\":\"read var\",\"items\":1,\"area\":\"DB\",\"db\":1,\"byte_address\":10,\"count\":4}");
    tl_says(&s, &tl_s7comm, 7, "{\"pdu_reference\":1792,\"function_group\":\"CPU functions\",\"subfunction\":1,\"szl_id\":28}");
    tl_says(&s, &tl_s7comm, 10, "{\"pdu_reference\":2048,\"error_class\":210,\"error_code\":65}");
    tl_script_free(&s);
}

/* Version, indicator, code and two lengths are magic enough.  A TPDU that goes on one that was lost is heard as a message of its own. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 102};
    for (unsigned i = 1; i <= 4; i++) {
        char text[160];
        snprintf(text, sizeof text, "0300 [2+4 02f080 3201 0000 0%u00 000e 0000 0401 120a10 02 0004 0001 84 000050]", i);
        tl_say_hex(&s, TL_C2S, text);
        snprintf(text, sizeof text, "0300 [2+4 02f080 3203 0000 0%u00 0002 0008 0000 0401 ff040020 01020304]", i);
        tl_say_hex(&s, TL_S2C, text);
    }
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_s7comm, 0);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 3201 0000 0600 000e 0000 0501 120a10 02 0004 0001 81 000009]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 3203 0000 0600 0002 0000 8104 0501]");
    tl_say_hex(&s, TL_S2C, "0300 0040 02f080 3201 0000 0700 00");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_s7comm,
               "1 < 0+31 s7comm job 'write var input 1.1' start complete\n"
               "2 > 0+21 s7comm ack_data 'write var error application relationship 4' start complete answers 1 by_id\n"
               "3 < 31+14 s7comm data '' counted cut\n");
    tl_script_free(&s);
}

static void anything_else_in_cotp(void)
{
    tl_script s = {.port = 102};
    tl_say_hex(&s, TL_C2S, "0300 [2+4 [1 e0 0000 0001 00 c0010a c1020001 c2020001]]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 [1 d0 0001 0002 00 c0010a c1020001 c2020001]]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 0db20506130100160102140200023302]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f000 0eb20506] 0300 [2+4 02f080 130100160102]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_cotp,
               "1 > 0+22 cotp connection_request '' start complete\n"
               "2 < 0+22 cotp connection_confirm '' start complete answers 1 by_id\n"
               "3 > 22+23 cotp data '' counted complete\n"
               "4 < 22+24 cotp data '' counted complete\n");
    tl_script_free(&s);
}

/* A length behind two fixed bytes, and a length inside that fits. */
static void a_hole_at_every_byte_of_anything_else(void)
{
    tl_script s = {.port = 102};
    tl_say_hex(&s, TL_C2S, "0300 [2+4 [1 e0 0000 0001 00 c0010a c1020001 c2020001]]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 [1 d0 0001 0002 00 c0010a c1020001 c2020001]]");
    for (int i = 0; i < 2; i++) {
        tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 0db20506130100160102140200023302]");
        tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 0eb20506130100160102]");
        tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 0eb20506]");
    }
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_cotp, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_s7comm, 102);
    tl_refuses(&tl_cotp, 102);
}

int main(void)
{
    return tl_run_cases("s7comm", (const tl_case[]){{"at every split", at_every_split},
                                                    {"a hole at every byte", a_hole_at_every_byte},
                                                    {"picked up midway", picked_up_midway},
                                                    {"anything else in COTP", anything_else_in_cotp},
                                                    {"a hole at every byte of anything else", a_hole_at_every_byte_of_anything_else},
                                                    {"what it is not", what_it_is_not},
                                                    {0}});
}
