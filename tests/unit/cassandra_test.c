/*
** cassandra_test.c - CQL: responses by stream, events, an old version, swapped roles, the frames of version 5.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_C2S, "04 00 0000 05 00000000");
    tl_say_hex(&s, TL_S2C, "84 00 0000 06 [4 0001 [2 'CQL_VERSION'] 0001 [2 '3.4.5']]");
    tl_say_hex(&s, TL_C2S, "04 00 0001 01 [4 0001 [2 'CQL_VERSION'] [2 '3.4.5']]");
    tl_say_hex(&s, TL_S2C, "84 00 0001 02 00000000");
    tl_say_hex(&s, TL_C2S, "04 00 0002 07 [4 [4 'select * from t'] 0001 00]");
    tl_say_hex(&s, TL_C2S, "04 00 0003 09 [4 [4 'insert']]");
    tl_say_hex(&s, TL_S2C, "84 00 0003 00 [4 00002000 [2 'bad syntax']]");
    tl_say_hex(&s, TL_S2C, "84 00 ffff 0c [4 [2 'TOPOLOGY_CHANGE'] [2 'NEW_NODE']]");
    tl_say_hex(&s, TL_S2C, "84 00 0002 08 [4 00000002 00000001 00000000 00000000]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

#define SET_KEYSPACE "130002eeaba785000001080000000a00000003000473686f70abb1babd"
#define TWO_QUERIES                                                                                                                        \
    "360002ce30d80500000207000000120000000873656c65637420610006000000000500000307000000120000000873656c65"                                 \
    "63742062000600000000e93ead15"
#define TWO_RESULTS                                                                                                                        \
    "450002bff1d885000003080000002f000000020000000100000001000473686f700001740002696400090000000200000004"                                 \
    "00000001000000040000000185000002080000000400000001305ad793"

/* Version 5, with true checksums: messages in frames, two in one of them, one in two of them. */
static tl_script framed(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_C2S, "0500000001000000160001000b43514c5f56455253494f4e0005332e342e35");
    tl_say_hex(&s, TL_S2C, "850000000200000000");
    tl_say_hex(&s, TL_C2S, "1b00023835ca050000010700000012000000087573652073686f700006000000005296ac0d");
    tl_say_hex(&s, TL_S2C, SET_KEYSPACE);
    tl_say_hex(&s, TL_C2S, TWO_QUERIES);
    tl_say_hex(&s, TL_S2C, TWO_RESULTS);
    tl_say_hex(&s, TL_C2S,
               "140000b0159005000004070000001d0000001373656c65637420f103dfde120000eb1a762761206c6f6e67206f6e65270006"
               "00000000e5bc99f5");
    tl_say_hex(&s, TL_S2C, "0a00500004848ec1303132333435363738392822123c");
    tl_say_hex(&s, TL_S2C, "1200000004c2fd6e8500000400000000090000200000036261641504ca6c");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void in_frames(void)
{
    tl_script s = framed();
    tl_detects(&s, &tl_cassandra,
               "1 > 0+31 cassandra startup '' start complete\n"
               "2 < 0+9 cassandra ready '' start complete answers 1 by_id\n"
               "3 > 31+37 cassandra query 'use shop' counted complete\n"
               "4 < 9+29 cassandra result 'set_keyspace shop' counted complete answers 3 by_id\n"
               "5 > 68+33 cassandra query 'select a' counted complete\n"
               "6 > 101+31 cassandra query 'select b' counted complete\n"
               "7 < 38+62 cassandra result 'rows shop.t' counted complete answers 6 by_id\n"
               "8 < 100+17 cassandra result 'void' counted complete answers 5 by_id\n"
               "9 > 132+58 cassandra query 'select ' counted complete\n"
               "10 < 117+22 cassandra compressed '' counted complete\n"
               "11 < 139+30 cassandra error 'bad' counted complete answers 9 by_id\n");
    tl_says(&s, &tl_cassandra, 1, "{\"version\":5,\"stream\":0,\"cql_version\":\"3.4.5\"}");
    tl_says(&s, &tl_cassandra, 7, "{\"version\":5,\"stream\":3,\"result\":\"rows\",\"keyspace\":\"shop\",\"table\":\"t\"}");
    tl_says(&s, &tl_cassandra, 9, "{\"version\":5,\"stream\":4,\"query\":\"select \"}");
    tl_script_free(&s);
}

/* A frame whose header was lost takes its second message with it; the next frame is found by its checksum. */
static void in_frames_with_holes(void)
{
    tl_script s = framed();
    tl_survives_gaps(&s, &tl_cassandra, 1);
    tl_script_free(&s);
}

/* From midway: a frame's checksum tells it on the usual port. */
static void in_frames_from_midway(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_S2C, SET_KEYSPACE);
    tl_say_hex(&s, TL_C2S, TWO_QUERIES);
    tl_say_hex(&s, TL_S2C, TWO_RESULTS);
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_cassandra,
               "1 < 0+29 cassandra result 'set_keyspace shop' start complete unasked\n"
               "2 > 0+33 cassandra query 'select a' start complete\n"
               "3 > 33+31 cassandra query 'select b' counted complete\n"
               "4 < 29+62 cassandra result 'rows shop.t' counted complete answers 3 by_id\n"
               "5 < 91+17 cassandra result 'void' counted complete answers 2 by_id\n");
    tl_script_free(&s);
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_cassandra,
               "1 > 0+9 cassandra options '' start complete\n"
               "2 < 0+33 cassandra supported '' start complete answers 1 by_id\n"
               "3 > 9+31 cassandra startup '' counted complete\n"
               "4 < 33+9 cassandra ready '' counted complete answers 3 by_id\n"
               "5 > 40+31 cassandra query 'select * from t' counted complete\n"
               "6 > 71+19 cassandra prepare 'insert' counted complete\n"
               "7 < 42+25 cassandra error 'bad syntax' counted complete answers 6 by_id\n"
               "8 < 67+36 cassandra event 'TOPOLOGY_CHANGE' counted complete\n"
               "9 < 103+25 cassandra result 'rows' counted complete answers 5 by_id\n");
    tl_says(&s, &tl_cassandra, 5, "{\"version\":4,\"stream\":2,\"query\":\"select * from t\",\"consistency\":\"ONE\"}");
    tl_says(&s, &tl_cassandra, 7, "{\"version\":4,\"stream\":3,\"code\":8192,\"message\":\"bad syntax\"}");
    tl_says(&s, &tl_cassandra, 8, "{\"version\":4,\"stream\":-1,\"event\":\"TOPOLOGY_CHANGE\"}");
    tl_says(&s, &tl_cassandra, 9, "{\"version\":4,\"stream\":2,\"result\":\"rows\"}");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 9042};
    tl_say_hex(&s, TL_S2C, "02 00 05 07 [4 [4 'select 1'] 0001]");
    tl_say_hex(&s, TL_C2S, "82 00 05 08 [4 00000001]");
    tl_say_hex(&s, TL_S2C, "02 00 06 07 00000040 [4 'select 2']");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_cassandra,
               "1 < 0+22 cassandra query 'select 1' start complete\n"
               "2 > 0+12 cassandra result 'void' start complete answers 1 by_id\n"
               "3 < 22+20 cassandra query 'select 2' counted cut unanswered\n");
    tl_script_free(&s);
}

/* Version, opcode and direction agree, and the length is sound: nothing but the damaged message is missed. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_cassandra, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_cassandra, 9042);
}

int main(void)
{
    return tl_run_cases("cassandra", (const tl_case[]){{"at every split", at_every_split},
                                                       {"a hole at every byte", a_hole_at_every_byte},
                                                       {"in frames", in_frames},
                                                       {"in frames with holes", in_frames_with_holes},
                                                       {"in frames from midway", in_frames_from_midway},
                                                       {"picked up midway", picked_up_midway},
                                                       {"what it is not", what_it_is_not},
                                                       {0}});
}
