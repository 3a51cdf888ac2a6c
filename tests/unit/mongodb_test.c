/*
** mongodb_test.c - MongoDB: commands and replies by number, the old opcodes, exhaust replies, compressed messages.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static const char *const find_orders = "<4+4 01000000 00000000 dd070000 00000000 00"
                                       "<4+4 02'find'00 <4 'orders'00> 10'limit'00 01000000 02'$db'00 <4 'shop'00> 00>>";
static const char *const answer_1 = "<4+4 0a000000 01000000 dd070000 00000000 00 <4+4 01'ok'00 000000000000f03f 00>>";
static const char *const insert_2 = "<4+4 02000000 00000000 dd070000 00000000 01 <4+4 'documents'00 <4+4 00>>"
                                    "00 <4+4 02'insert'00 <4 'orders'00> 02'$db'00 <4 'shop'00> 00>>";
static const char *const answer_2 = "<4+4 0b000000 02000000 dd070000 00000000 00"
                                    "<4+4 01'ok'00 0000000000000000 02'errmsg'00 <4 'no'00> 10'code'00 0d000000 00>>";

static tl_script conversation(void)
{
    tl_script s = {.port = 27017};
    tl_say_hex(&s, TL_C2S, find_orders);
    tl_say_hex(&s, TL_C2S, insert_2);
    tl_say_hex(&s, TL_S2C, answer_2);
    tl_say_hex(&s, TL_S2C, answer_1);
    tl_say_hex(&s, TL_C2S, "<4+4 03000000 00000000 d4070000 00000000 'shop.$cmd'00 00000000 ffffffff <4+4 10'ping'00 01000000 00>>");
    tl_say_hex(&s, TL_S2C,
               "<4+4 0c000000 03000000 01000000 08000000 0000000000000000 00000000 01000000 <4+4 01'ok'00 000000000000f03f 00>>");
    tl_say_hex(&s, TL_C2S, "<4+4 04000000 00000000 dc070000 dd070000 30000000 02 '1234567890'>");
    tl_say_hex(&s, TL_S2C, "<4+4 0d000000 04000000 dc070000 dd070000 20000000 02 '123456'>");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_mongodb,
               "1 > 0+68 mongodb command 'find orders' start complete\n"
               "2 > 68+79 mongodb command 'insert orders' counted complete\n"
               "3 < 0+63 mongodb reply 'no' start complete answers 2 by_id\n"
               "4 < 63+38 mongodb reply '' counted complete answers 1 by_id\n"
               "5 > 147+53 mongodb query 'ping shop.$cmd' counted complete\n"
               "6 < 101+53 mongodb reply '' counted complete answers 5 by_id\n"
               "7 > 200+35 mongodb compressed '' counted complete\n"
               "8 < 154+31 mongodb compressed '' counted complete answers 7 by_id\n");
    tl_says(&s, &tl_mongodb, 1,
            "{\"opcode\":\"msg\",\"request_id\":1,\"command\":\"find\",\"collection\":\"orders\",\"database\":\"shop\"}");
    tl_says(&s, &tl_mongodb, 2,
            "{\"opcode\":\"msg\",\"request_id\":2,\"command\":\"insert\",\"collection\":\"orders\",\"database\":\"shop\"}");
    tl_says(&s, &tl_mongodb, 3, "{\"opcode\":\"msg\",\"request_id\":11,\"response_to\":2,\"ok\":0,\"error\":\"no\",\"code\":13}");
    tl_says(&s, &tl_mongodb, 5, "{\"opcode\":\"query\",\"request_id\":3,\"collection\":\"shop.$cmd\",\"command\":\"ping\"}");
    tl_says(&s, &tl_mongodb, 6, "{\"opcode\":\"reply\",\"request_id\":12,\"response_to\":3,\"documents\":1,\"ok\":1}");
    tl_says(&s, &tl_mongodb, 7,
            "{\"opcode\":\"compressed\",\"request_id\":4,\"original_opcode\":\"msg\",\"uncompressed_size\":48,\"compressor\":\"zlib\"}");
    tl_script_free(&s);
}

/* The opcode and two lengths that agree are magic enough. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_mongodb, 0);
    tl_script_free(&s);
}

/* moreToCome: a command that is not answered, and an answer that is followed by others. */
static void more_to_come(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "<4+4 05000000 00000000 dd070000 02000000 00 <4+4 10'insert'00 01000000 00>>");
    tl_say_hex(&s, TL_S2C, "<4+4 06000000 00000000 dd070000 00000100 00 <4+4 10'hello'00 01000000 00>>");
    tl_say_hex(&s, TL_C2S, "<4+4 20000000 06000000 dd070000 02000000 00 <4+4 10'ok'00 01000000 00>>");
    tl_say_hex(&s, TL_C2S, "<4+4 21000000 20000000 dd070000 00000000 00 <4+4 10'ok'00 01000000 00>>");
    tl_say_hex(&s, TL_C2S, "23000000 22000000 06000000 dd070000 00000000 00 0e000000 10'ok'00 01");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_mongodb,
               "1 < 0+38 mongodb command 'insert' start complete\n"
               "2 < 38+37 mongodb command 'hello' counted complete\n"
               "3 > 0+34 mongodb reply '' start complete answers 2 by_id\n"
               "4 > 34+34 mongodb reply '' counted complete\n"
               "5 > 68+30 mongodb reply '' counted cut unasked\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_mongodb, 27017);
}

int main(void)
{
    return tl_run_cases("mongodb", (const tl_case[]){{"at every split", at_every_split},
                                                     {"a hole at every byte", a_hole_at_every_byte},
                                                     {"more to come", more_to_come},
                                                     {"what it is not", what_it_is_not},
                                                     {0}});
}
