/*
** redis_test.c - RESP conversations: every split, a hole at every byte, nesting, pushes, lengths that lie, and what is not Redis.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script talk(void)
{
    tl_script s = {.port = 6379};
    tl_say(&s, TL_C2S, "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$11\r\n*1\r\n$4\r\nPIN\r\n");
    tl_say(&s, TL_S2C, "+OK\r\n");
    tl_say(&s, TL_C2S, "*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n");
    tl_say(&s, TL_S2C, "$11\r\n*1\r\n$4\r\nPIN\r\n");
    tl_say(&s, TL_C2S, "*4\r\n$5\r\nRPUSH\r\n$1\r\nl\r\n$1\r\na\r\n$0\r\n\r\n*1\r\n$4\r\nTIME\r\n");
    tl_say(&s, TL_S2C, ":2\r\n*2\r\n$2\r\n17\r\n$1\r\n3\r\n");
    tl_say(&s, TL_C2S, "*1\r\n$4\r\nPING\r\n");
    tl_say(&s, TL_S2C, "-ERR no\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = talk();
    tl_detects(
        &s, &tl_redis,
        "1 > 0+40 redis command 'SET' start complete\n2 < 0+5 redis reply '+OK' start complete answers 1 proved\n"
        "3 > 40+22 redis command 'GET' counted complete\n"
        "4 < 5+18 redis reply '*1\\x0d\\x0a$4\\x0d\\x0aPIN' counted complete answers 3 proved\n"
        "5 > 62+35 redis command 'RPUSH' counted complete\n6 > 97+14 redis command 'TIME' counted complete\n"
        "7 < 23+4 redis reply ':2' counted complete answers 5 ordered\n8 < 27+19 redis reply '*2' counted complete answers 6 ordered\n"
        "9 > 111+14 redis command 'PING' counted complete\n10 < 46+9 redis reply '-ERR no' counted complete answers 9 proved\n");
    tl_survives_gaps(&s, &tl_redis, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = talk();
    tl_says(&s, &tl_redis, 1, "{\"command\":\"SET\",\"key\":\"key\",\"arguments\":2}");
    tl_says(&s, &tl_redis, 2, "{\"type\":\"simple_string\",\"value\":\"OK\"}");
    tl_says(&s, &tl_redis, 4, "{\"type\":\"bulk_string\",\"length\":11}");
    tl_says(&s, &tl_redis, 7, "{\"type\":\"integer\",\"value\":\"2\"}");
    tl_says(&s, &tl_redis, 8, "{\"type\":\"array\",\"elements\":2}");
    tl_says(&s, &tl_redis, 10, "{\"type\":\"error\",\"value\":\"ERR no\"}");
    tl_script_free(&s);
}

/* RESP3: nesting, attributes, pushes; RESP2's messages; secrets; commands as lines. */
static void kinds(void)
{
    tl_script s = {.port = 7000};
    tl_say(&s, TL_C2S, "*3\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n*3\r\n$4\r\nAUTH\r\n$3\r\nbob\r\n$6\r\nsecret\r\n");
    tl_say(&s, TL_S2C, "%2\r\n+proto\r\n:3\r\n+modules\r\n*2\r\n~1\r\n#t\r\n_\r\n|1\r\n+ttl\r\n,1.5\r\n+OK\r\n");
    tl_say(&s, TL_S2C, ">2\r\n+invalidate\r\n*1\r\n$1\r\nk\r\n");
    tl_say(&s, TL_C2S, "*2\r\n$9\r\nSUBSCRIBE\r\n$1\r\nc\r\n");
    tl_say(&s, TL_S2C, "*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n");
    tl_say(&s, TL_C2S, "auth secret\r\nget a b\r\n");
    tl_say(&s, TL_S2C, "$-1\r\n*-1\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_redis,
               "1 > 0+32 redis command 'HELLO' start complete\n2 > 32+35 redis command 'AUTH' counted complete\n"
               "3 < 0+41 redis reply '%2' start complete answers 1 ordered\n4 < 41+21 redis reply '|1' counted complete answers 2 ordered\n"
               "5 < 62+28 redis push '>2' counted complete\n6 > 67+26 redis command 'SUBSCRIBE' counted complete\n"
               "7 < 90+30 redis reply '*3' counted complete answers 6 proved\n8 < 120+32 redis push '*3' counted complete\n"
               "9 > 93+13 redis command 'auth' counted complete\n10 > 106+9 redis command 'get a' counted complete\n"
               "11 < 152+5 redis reply '$-1' counted complete answers 9 ordered\n"
               "12 < 157+5 redis reply '*-1' counted complete answers 10 ordered\n");
    tl_says(&s, &tl_redis, 2, "{\"command\":\"AUTH\",\"arguments\":2}");
    tl_says(&s, &tl_redis, 9, "{\"command\":\"auth\",\"arguments\":1}");
    tl_says(&s, &tl_redis, 10, "{\"command\":\"get\",\"key\":\"a\",\"arguments\":2}");
    tl_script_free(&s);
}

static void lies(void)
{
    tl_script s = {.port = 6379};
    tl_say(&s, TL_C2S, "*2\r\n$3\r\nGET\r\n$999999999999\r\nabc");
    tl_say(&s, TL_S2C, "*1000000000\r\n*1000000000\r\n%1000000000\r\n$99999999999999\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_redis, "1 < 0+39 redis reply '*1000000000' start cut unasked\n2 > 0+31 redis command 'GET' start cut unanswered\n");
    tl_script_free(&s);
}

/* Roles swapped: the first reply tells. */
static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_C2S, "+OK\r\n");
    tl_say(&s, TL_S2C, "*1\r\n$4\r\nPING\r\n");
    tl_say(&s, TL_C2S, "+PONG\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_redis,
               "1 > 0+5 redis reply '+OK' start complete unasked\n2 < 0+14 redis command 'PING' start complete\n"
               "3 > 5+7 redis reply '+PONG' counted complete answers 2 proved\n");
    tl_script_free(&s);
}

static void not_redis(void)
{
    tl_refuses(&tl_redis, 6379);
    tl_refuses(&tl_redis, 80);
}

int main(void)
{
    return tl_run_cases("redis", (const tl_case[]){{"at every split", at_every_split},
                                                   {"details", details},
                                                   {"kinds", kinds},
                                                   {"lies", lies},
                                                   {"picked up", picked_up},
                                                   {"not Redis", not_redis},
                                                   {0}});
}
