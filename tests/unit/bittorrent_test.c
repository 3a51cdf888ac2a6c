/*
** bittorrent_test.c - BitTorrent: the handshake, pieces by index and offset, small messages after a hole.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 6881};
    tl_say_hex(&s, TL_C2S, "13 'BitTorrent protocol' 0000000000100005 0102030405060708090a0b0c0d0e0f1011121314 '-TR0001-abcdefghijkl'");
    tl_say_hex(&s, TL_S2C, "13 'BitTorrent protocol' 0000000000100005 0102030405060708090a0b0c0d0e0f1011121314 '-TR0001-abcdefghijkl'");
    tl_say_hex(&s, TL_S2C, "[4 05 'ab']");
    tl_say_hex(&s, TL_C2S, "[4 02]");
    tl_say_hex(&s, TL_S2C, "[4 01]");
    tl_say_hex(&s, TL_C2S, "[4 06 00000007 00000000 00000004] [4 06 00000007 00000004 00000004]");
    tl_say_hex(&s, TL_S2C, "[4 07 00000007 00000004 'wxyz']");
    tl_say_hex(&s, TL_S2C, "[4 07 00000007 00000000 'abcd']");
    tl_say_hex(&s, TL_C2S, "[4 04 00000007] [4]");
    tl_say_hex(&s, TL_S2C, "[4 04 00000009]");
    tl_say_hex(&s, TL_C2S, "[4 08 00000008 00000000 00000004]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_bittorrent,
               "1 > 0+68 bittorrent handshake '0102030405060708090a0b0c0d0e0f1011121314' start complete\n"
               "2 < 0+68 bittorrent handshake '0102030405060708090a0b0c0d0e0f1011121314' start complete\n"
               "3 < 68+7 bittorrent bitfield '' counted complete\n"
               "4 > 68+5 bittorrent interested '' counted complete\n"
               "5 < 75+5 bittorrent unchoke '' counted complete\n"
               "6 > 73+17 bittorrent request '7' counted complete\n"
               "7 > 90+17 bittorrent request '7' counted complete\n"
               "8 < 80+17 bittorrent piece '7' counted complete answers 7 by_id\n"
               "9 < 97+17 bittorrent piece '7' counted complete answers 6 by_id\n"
               "10 > 107+9 bittorrent have '7' counted complete\n"
               "11 > 116+4 bittorrent keep_alive '' counted complete\n"
               "12 < 114+9 bittorrent have '9' counted complete\n"
               "13 > 120+17 bittorrent cancel '' counted complete\n");
    tl_says(&s, &tl_bittorrent, 1, "{\"info_hash\":\"0102030405060708090a0b0c0d0e0f1011121314\",\"peer_id\":\"-TR0001-abcdefghijkl\"}");
    tl_says(&s, &tl_bittorrent, 7, "{\"piece\":7,\"offset\":4}");
    tl_says(&s, &tl_bittorrent, 8, "{\"piece\":7,\"offset\":4,\"bytes\":4}");
    tl_says(&s, &tl_bittorrent, 10, "{\"piece\":7}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "[4 06 00000007 00000000 00004000]");
    tl_say_hex(&s, TL_S2C, "[4 06 00000007 00004000 00004000]");
    tl_say_hex(&s, TL_C2S, "00004009 07 00000007 00000000 'abc'");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_bittorrent,
               "1 < 0+17 bittorrent request '7' start complete\n"
               "2 < 17+17 bittorrent request '7' counted complete unanswered\n"
               "3 > 0+16 bittorrent piece '7' start cut answers 1 by_id\n");
    tl_script_free(&s);
}

/* A message of five bytes is believed only with what follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_bittorrent, 1);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_bittorrent, 6881);
}

int main(void)
{
    return tl_run_cases("bittorrent", (const tl_case[]){{"at every split", at_every_split},
                                                        {"a hole at every byte", a_hole_at_every_byte},
                                                        {"picked up midway", picked_up_midway},
                                                        {"what it is not", what_it_is_not},
                                                        {0}});
}
