/*
** iec104_test.c - IEC 60870-5-104: the three formats, confirmations by object, ASDUs that fit their length.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 2404};
    tl_say_hex(&s, TL_C2S, "68 04 07000000");
    tl_say_hex(&s, TL_S2C, "68 04 0b000000");
    tl_say_hex(&s, TL_C2S, "68 [1 00000000 64 01 0600 0100 000000 14]");
    tl_say_hex(&s, TL_S2C,
               "68 [1 00000200 64 01 0700 0100 000000 14]"
               "68 [1 02000200 01 83 1400 0100 640000 010001]"
               "68 [1 04000200 0d 01 0300 0100 c80000 0000803f 00]"
               "68 [1 06000200 64 01 0a00 0100 000000 14]");
    tl_say_hex(&s, TL_C2S, "68 04 01000800");
    tl_say_hex(&s, TL_C2S, "68 [1 02000800 2d 01 0600 0100 881300 01]");
    tl_say_hex(&s, TL_S2C, "68 [1 08000400 2d 01 4700 0100 881300 01]");
    tl_say_hex(&s, TL_C2S, "68 [1 04000a00 66 01 0500 0100 c80000]");
    tl_say_hex(&s, TL_S2C, "68 [1 0a000600 0d 01 0500 0100 c80000 0000803f 00]");
    tl_say_hex(&s, TL_S2C, "68 04 43000000");
    tl_say_hex(&s, TL_C2S, "68 04 83000000");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_iec104,
               "1 > 0+6 iec104 u 'STARTDT act' start complete\n"
               "2 < 0+6 iec104 u 'STARTDT con' start complete answers 1 by_id\n"
               "3 > 6+16 iec104 i 'C_IC_NA_1 activation' counted complete\n"
               "4 < 6+16 iec104 i 'C_IC_NA_1 activation confirmation' counted complete answers 3 by_id\n"
               "5 < 22+18 iec104 i 'M_SP_NA_1 interrogated by station' counted complete\n"
               "6 < 40+20 iec104 i 'M_ME_NC_1 spontaneous' counted complete\n"
               "7 < 60+16 iec104 i 'C_IC_NA_1 activation termination' counted complete\n"
               "8 > 22+6 iec104 s '' counted complete\n"
               "9 > 28+16 iec104 i 'C_SC_NA_1 activation' counted complete\n"
               "10 < 76+16 iec104 i 'C_SC_NA_1 activation confirmation negative' counted complete answers 9 by_id\n"
               "11 > 44+15 iec104 i 'C_RD_NA_1 requested' counted complete\n"
               "12 < 92+20 iec104 i 'M_ME_NC_1 requested' counted complete answers 11 by_id\n"
               "13 < 112+6 iec104 u 'TESTFR act' counted complete\n"
               "14 > 59+6 iec104 u 'TESTFR con' counted complete answers 13 by_id\n");
    tl_says(&s, &tl_iec104, 1, "{\"control\":\"STARTDT act\"}");
    tl_says(&s, &tl_iec104, 5,
            "{\"send_sequence\":1,\"receive_sequence\":1,\"type\":\"M_SP_NA_1\",\"type_id\":1,\"cause\":\"interrogated by station\","
            "\"asdu_address\":1,\"object_address\":100,\"objects\":3}");
    tl_says(&s, &tl_iec104, 8, "{\"receive_sequence\":4}");
    tl_says(&s, &tl_iec104, 10,
            "{\"send_sequence\":4,\"receive_sequence\":2,\"type\":\"C_SC_NA_1\",\"type_id\":45,\"cause\":\"activation confirmation\","
            "\"confirmation\":\"negative\",\"asdu_address\":1,\"object_address\":5000,\"objects\":1}");
    tl_script_free(&s);
}

/* Two bytes of 68 and a length that fits are believed when another APDU follows, or the other side speaks. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_iec104, 1);
    tl_script_free(&s);
}

/* The station's own address stands in the answer to what went to all stations; one that was asked for itself is answered first. */
static void asked_of_all_stations(void)
{
    tl_script s = {.port = 2404};
    tl_say_hex(&s, TL_C2S, "68 [1 00000000 64 01 0600 ffff 000000 14] 68 [1 02000000 64 01 0600 0700 000000 14]");
    tl_say_hex(&s, TL_S2C, "68 [1 00000400 64 01 0700 0700 000000 14] 68 [1 02000400 64 01 0700 0900 000000 14]");
    tl_say_hex(&s, TL_S2C, "68 [1 04000400 64 01 0700 0b00 000000 14]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_iec104,
               "1 > 0+16 iec104 i 'C_IC_NA_1 activation' start complete\n"
               "2 > 16+16 iec104 i 'C_IC_NA_1 activation' counted complete\n"
               "3 < 0+16 iec104 i 'C_IC_NA_1 activation confirmation' start complete answers 2 by_id\n"
               "4 < 16+16 iec104 i 'C_IC_NA_1 activation confirmation' counted complete answers 1 by_id\n"
               "5 < 32+16 iec104 i 'C_IC_NA_1 activation confirmation' counted complete unasked\n");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_C2S, "68 [1 04000200 0d 01 0300 0100 c80000 0000803f 00] 68 04 01000800");
    tl_say_hex(&s, TL_S2C, "68 [1 02000800 2d 01 0600 0100 881300 01]");
    tl_say_hex(&s, TL_C2S, "68 10 04000200 0d 01 0300 01");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_iec104,
               "1 > 0+20 iec104 i 'M_ME_NC_1 spontaneous' start complete\n"
               "2 > 20+6 iec104 s '' counted complete\n"
               "3 < 0+16 iec104 i 'C_SC_NA_1 activation' start complete unanswered\n");
    tl_script_free(&s);
}

/* Off the usual port, whatever the client says: a NO that became YES with more bytes depended on what they came in. */
static void a_probe_keeps_its_word(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "68 [1 00000200 64 01 0700 0100 000000 14] 68 [1 02000200 64 01 0a00 0100 000000 14]");
    for (size_t client = 0; client < 2; client++) {
        tl_match said = TL_MAYBE;
        for (size_t n = 1; n <= s.events[0].bytes.n; n++) {
            tl_probe p = {.server_port = 40000, .head = {tl_span_of("\x03", client), tl_span_of(s.events[0].bytes.p, n)}};
            tl_match now = tl_iec104.probe(&tl_iec104, &p);
            CU_ASSERT(said == TL_MAYBE || now == said || (said == TL_LIKELY && now == TL_YES));
            said = now;
        }
        CU_ASSERT_EQUAL(said, TL_YES);
    }
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_script s = {.port = 2404};
    tl_say_hex(&s, TL_C2S, "68 0f 00000000 64 01 0600 0100 000000 1400");
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_STRING_NOT_EQUAL(h.protocol, "iec104");
    tl_heard_free(&h);
    tl_script_free(&s);
    tl_refuses(&tl_iec104, 2404);
}

int main(void)
{
    return tl_run_cases("iec104", (const tl_case[]){{"at every split", at_every_split},
                                                    {"a hole at every byte", a_hole_at_every_byte},
                                                    {"asked of all stations", asked_of_all_stations},
                                                    {"picked up midway", picked_up_midway},
                                                    {"a probe keeps its word", a_probe_keeps_its_word},
                                                    {"what it is not", what_it_is_not},
                                                    {0}});
}
