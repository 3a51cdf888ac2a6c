/*
** rtmp_test.c - RTMP: the handshake, commands by transaction, chunks in a row and interleaved.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 1935};
    uint8_t hello[1537] = {3, 0, 0, 0, 1}, echo[1536] = {0, 0, 0, 1};
    for (size_t i = 9; i < sizeof hello; i++) hello[i] = echo[i - 1] = (uint8_t)(i * 7 | 0x80);
    tl_say_bytes(&s, TL_C2S, hello, sizeof hello);
    tl_say_bytes(&s, TL_S2C, hello, sizeof hello);
    tl_say_bytes(&s, TL_S2C, echo, sizeof echo);
    tl_say_bytes(&s, TL_C2S, echo, sizeof echo);
    tl_say_hex(&s, TL_C2S, "02 000000 000004 05 00000000 00100000");
    tl_say_hex(&s, TL_S2C,
               "02 000000 000004 05 00000000 00100000 02 000000 000005 06 00000000 00100000 02 02 000000 000004 01 00000000 00000200");
    tl_say_hex(&s, TL_C2S,
               "03 000000 00003a 14 00000000 02 0007 'connect'00 3ff0000000000000 03 0003 'app' 02 0004 'live' 0005 'tcUrl' 02 000d "
               "'rtmp://a/live' 0000 09");
    tl_say_hex(&s, TL_S2C, "03 000000 000014 14 00000000 02 0007 '_result'00 3ff0000000000000 05");
    tl_say_hex(&s, TL_C2S, "03 000000 000019 14 00000000 02 000c 'createStream'00 4000000000000000 05");
    tl_say_hex(&s, TL_S2C, "03 000000 00001d 14 00000000 02 0007 '_result'00 4000000000000000 05 00 3ff0000000000000");
    tl_say_hex(&s, TL_C2S, "04 000000 000018 14 01000000 02 0004 'play'00 0000000000000000 05 02 0004 'news'");
    tl_say_hex(&s, TL_S2C,
               "06 000000 000064 09 01000000 17 "
               "abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababa"
               "bababababababababababababababababababababababababababababababababababababab");
    tl_say_hex(&s, TL_S2C, "04 000000 000002 08 01000000 af 00");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_rtmp,
               "1 > 0+1537 rtmp handshake '' start complete\n"
               "2 < 0+1537 rtmp handshake '' start complete\n"
               "3 < 1537+1536 rtmp handshake '' counted complete\n"
               "4 > 1537+1536 rtmp handshake '' counted complete\n"
               "5 > 3073+16 rtmp window_size '' counted complete\n"
               "6 < 3073+16 rtmp window_size '' counted complete\n"
               "7 < 3089+17 rtmp peer_bandwidth '' counted complete\n"
               "8 < 3106+16 rtmp set_chunk_size '' counted complete\n"
               "9 > 3089+70 rtmp command 'connect' counted complete\n"
               "10 < 3122+32 rtmp command '_result' counted complete answers 9 by_id\n"
               "11 > 3159+37 rtmp command 'createStream' counted complete\n"
               "12 < 3154+41 rtmp command '_result' counted complete answers 11 by_id\n"
               "13 > 3196+36 rtmp command 'play' counted complete\n"
               "14 < 3195+112 rtmp video '' counted complete\n"
               "15 < 3307+14 rtmp audio '' counted complete\n");
    tl_says(&s, &tl_rtmp, 8, "{\"chunk_stream\":2,\"type\":\"set_chunk_size\",\"bytes\":4,\"chunk_size\":512}");
    tl_says(&s, &tl_rtmp, 9,
            "{\"chunk_stream\":3,\"type\":\"command\",\"bytes\":58,\"command\":\"connect\",\"app\":\"live\",\"url\":\"rtmp://a/live\"}");
    tl_says(&s, &tl_rtmp, 13, "{\"chunk_stream\":4,\"type\":\"command\",\"bytes\":24,\"command\":\"play\",\"stream\":\"news\"}");
    tl_script_free(&s);
}

static void chunks(void)
{
    tl_script s = {.port = 1935};
    tl_say_hex(
        &s, TL_S2C,
        "06 000000 000110 09 01000000 17 "
        "ababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab"
        "abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab c6 "
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
        "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd c6 "
        "efefefefefefefefefefefefefefefef");
    tl_say_hex(
        &s, TL_S2C,
        "06 000000 000110 09 01000000 17 "
        "ababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab"
        "abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab");
    tl_say_hex(&s, TL_S2C, "04 000000 000002 08 01000000 af 01");
    tl_say_hex(&s, TL_S2C,
               "c6 "
               "cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdc"
               "dcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"
               "cdcdcdcdcd c6 efefefefefefefefefefefefefefefef");
    tl_say_hex(&s, TL_S2C, "02 000000 000004 03 00000000 00001000");
    tl_say_hex(&s, TL_S2C, "02 000000 000004 01 00000000 00000200");
    tl_say_hex(&s, TL_S2C,
               "06 000000 0000c8 09 01000000 27 "
               "abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababa"
               "bababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababab"
               "abababababababababababababababababababababababababababababababababababababababababababababababababababababababababababababa"
               "babababababababababababababab");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_rtmp,
               "1 < 0+286 rtmp video '' start complete\n"
               "2 < 286+140 rtmp video '' counted cut\n"
               "3 < 426+14 rtmp audio '' counted complete\n"
               "4 < 440+146 rtmp continuation '' counted complete\n"
               "5 < 586+16 rtmp acknowledgement '' counted complete\n"
               "6 < 602+16 rtmp set_chunk_size '' counted complete\n"
               "7 < 618+212 rtmp video '' counted complete\n");
    tl_script_free(&s);
}

/* The second half of the handshake has nothing to be known by, and the last audio or video nothing that follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_rtmp, 1);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_rtmp, 1935);
}

int main(void)
{
    return tl_run_cases("rtmp", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"chunks", chunks},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
