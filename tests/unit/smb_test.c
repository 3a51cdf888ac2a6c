/*
** smb_test.c - SMB 1 and 2: answers by MessageId, names, pending and compounded requests, NetBIOS keep-alives.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 445};
    tl_say_hex(&s, TL_C2S, "[4 ff'SMB' 72 00000000 18 01c8 000000000000000000000000 ffff fffe 0000 0000 00 0c00 02'NT LM 0.12'00]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 00000000 0000 0100 01000000 00000000 0000000000000000 00000000 00000000 0000000000000000 "
               "00000000000000000000000000000000 4100 0000]");
    tl_say_hex(&s, TL_C2S,
               "[4 fe'SMB' 4000 0000 00000000 0300 0100 00000000 00000000 0100000000000000 00000000 00000000 0000000000000000 "
               "00000000000000000000000000000000 0900 0000 4800 1400 5c005c00's'00'r'00'v'005c00'd'00'a'00't'00'a'00]");
    tl_say_hex(&s, TL_C2S,
               "[4 fe'SMB' 4000 0000 00000000 0500 0100 00000000 00000000 0200000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 3900 00 00 00000000 00000000000000000000000000000000 00000000 00000000 00000000 00000000 "
               "00000000 7800 0a00 00000000 00000000 'a'00'.'00't'00'x'00't'00]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 00000000 0300 0100 01000000 00000000 0100000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 1000 0100]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 03010000 0500 0100 03000000 00000000 0200000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 0900 0000]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 340000c0 0500 0100 01000000 00000000 0200000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 0900 0000 00000000 00]");
    tl_say_hex(&s, TL_C2S,
               "[4 fe'SMB' 4000 0000 00000000 0600 0100 00000000 58000000 0300000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 1800 0000 0000000000000000000000000000000000000000fe'SMB' 4000 0000 00000000 0e00 0100 "
               "00000000 00000000 0400000000000000 00000000 01000000 0000000000000000 00000000000000000000000000000000 2100]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 00000000 0600 0100 01000000 00000000 0300000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 3c00]");
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 00000000 1200 0100 01000000 00000000 ffffffffffffffff 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 1800]");
    tl_say_hex(&s, TL_S2C, "85 000000");
    tl_say_hex(&s, TL_C2S, "[4 fd'SMB' 000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_smb,
               "1 > 0+51 smb request 'negotiate' start complete\n"
               "2 < 0+72 smb response 'negotiate SUCCESS' start complete answers 1 by_id\n"
               "3 > 51+96 smb request 'tree_connect \\\\\\\\srv\\\\data' counted complete\n"
               "4 > 147+134 smb request 'create a.txt' counted complete\n"
               "5 < 72+72 smb response 'tree_connect SUCCESS' counted complete answers 3 by_id\n"
               "6 < 144+72 smb response 'create PENDING' counted complete answers 4 by_id\n"
               "7 < 216+77 smb response 'create OBJECT_NAME_NOT_FOUND' counted complete answers 4 by_id\n"
               "8 > 281+158 smb request 'close' counted complete\n"
               "9 < 293+70 smb response 'close SUCCESS' counted complete answers 8 by_id\n"
               "10 < 363+70 smb response 'oplock_break SUCCESS' counted complete\n"
               "11 < 433+4 smb keep_alive '' counted complete\n"
               "12 > 439+56 smb encrypted '' counted complete\n");
    tl_says(&s, &tl_smb, 1, "{\"version\":1,\"command\":\"negotiate\",\"tree_id\":65535,\"multiplex_id\":0}");
    tl_says(&s, &tl_smb, 4, "{\"version\":2,\"command\":\"create\",\"message_id\":2,\"tree_id\":1,\"file\":\"a.txt\"}");
    tl_says(&s, &tl_smb, 7, "{\"version\":2,\"command\":\"create\",\"status\":\"OBJECT_NAME_NOT_FOUND\",\"message_id\":2,\"tree_id\":1}");
    tl_says(&s, &tl_smb, 8, "{\"version\":2,\"command\":\"close\",\"message_id\":3,\"tree_id\":1,\"compounded\":\"query_directory\"}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C,
               "[4 fe'SMB' 4000 0000 00000000 0500 0100 00000000 00000000 0700000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 3900 00 00 00000000 00000000000000000000000000000000 00000000 00000000 00000000 00000000 "
               "00000000 7800 0200 00000000 00000000 'b'00]");
    tl_say_hex(&s, TL_C2S,
               "[4 fe'SMB' 4000 0000 00000000 0500 0100 01000000 00000000 0700000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000 5900]");
    tl_say_hex(&s, TL_S2C,
               "00000080 fe'SMB' 4000 0000 00000000 0800 0100 00000000 00000000 0800000000000000 00000000 01000000 0000000000000000 "
               "00000000000000000000000000000000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_smb,
               "1 < 0+126 smb request 'create b' start complete\n"
               "2 > 0+70 smb response 'create SUCCESS' start complete answers 1 by_id\n"
               "3 < 126+68 smb request 'read' counted cut unanswered\n");
    tl_script_free(&s);
}

/* Prefix and magic are found at once; a keep-alive of four bytes is believed only with what follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_smb, 1);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_smb, 445);
}

int main(void)
{
    return tl_run_cases("smb", (const tl_case[]){{"at every split", at_every_split},
                                                 {"a hole at every byte", a_hole_at_every_byte},
                                                 {"picked up midway", picked_up_midway},
                                                 {"what it is not", what_it_is_not},
                                                 {0}});
}
