/*
** memcached_test.c - memcached's text protocol: every split, a hole at every byte, values, quiet commands, and what is not memcached.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script talk(void)
{
    tl_script s = {.port = 11211};
    tl_say(&s, TL_C2S, "set k 0 0 12\r\nget a\r\nget b\r\n");
    tl_say(&s, TL_S2C, "STORED\r\n");
    tl_say(&s, TL_C2S, "gets k l\r\n");
    tl_say(&s, TL_S2C, "VALUE k 0 12 7\r\nget a\r\nEND\r\n\r\nVALUE l 1 0 8\r\n\r\nEND\r\n");
    tl_say(&s, TL_C2S, "get m\r\nincr n 1\r\n");
    tl_say(&s, TL_S2C, "END\r\n2\r\n");
    tl_say(&s, TL_C2S, "stats\r\n");
    tl_say(&s, TL_S2C, "STAT pid 1\r\nSTAT uptime 2\r\nEND\r\n");
    tl_say(&s, TL_C2S, "delete k\r\n");
    tl_say(&s, TL_S2C, "DELETED\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = talk();
    tl_detects(&s, &tl_memcached,
               "1 > 0+28 memcached command 'set k 0 0 12' start complete\n"
               "2 < 0+8 memcached response 'STORED' start complete answers 1 proved\n"
               "3 > 28+10 memcached command 'gets k l' counted complete\n"
               "4 < 8+52 memcached response 'VALUE k 0 12 7' counted complete answers 3 proved\n"
               "5 > 38+7 memcached command 'get m' counted complete\n6 > 45+10 memcached command 'incr n 1' counted complete\n"
               "7 < 60+5 memcached response 'END' counted complete answers 5 ordered\n"
               "8 < 65+3 memcached response '2' counted complete answers 6 ordered\n"
               "9 > 55+7 memcached command 'stats' counted complete\n"
               "10 < 68+32 memcached response 'STAT pid 1' counted complete answers 9 proved\n"
               "11 > 62+10 memcached command 'delete k' counted complete\n"
               "12 < 100+9 memcached response 'DELETED' counted complete answers 11 proved\n");
    tl_survives_gaps(&s, &tl_memcached, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = talk();
    tl_says(&s, &tl_memcached, 1, "{\"command\":\"set\",\"key\":\"k\",\"bytes\":12}");
    tl_says(&s, &tl_memcached, 3, "{\"command\":\"gets\",\"key\":\"k\"}");
    tl_says(&s, &tl_memcached, 4, "{\"status\":\"VALUE\",\"key\":\"k\",\"bytes\":12}");
    tl_says(&s, &tl_memcached, 9, "{\"command\":\"stats\"}");
    tl_says(&s, &tl_memcached, 12, "{\"status\":\"DELETED\"}");
    tl_script_free(&s);
}

static void quiet_and_meta(void)
{
    tl_script s = {.port = 11211};
    tl_say(&s, TL_C2S, "set k 0 0 1 noreply\r\nx\r\nmg k v q\r\nmg k v O1\r\nms l 2 O2\r\nab\r\nmn\r\n");
    tl_say(&s, TL_S2C, "HD O2\r\nVA 1 O1\r\nx\r\nMN\r\n");
    tl_say(&s, TL_C2S, "set k 0 0 99999999999\r\nabc");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_memcached,
               "1 > 0+24 memcached command 'set k 0 0 1 noreply' start complete\n2 > 24+10 memcached command 'mg k v q' counted complete\n"
               "3 > 34+11 memcached command 'mg k v O1' counted complete\n4 > 45+15 memcached command 'ms l 2 O2' counted complete\n"
               "5 > 60+4 memcached command 'mn' counted complete\n"
               "6 < 0+7 memcached response 'HD O2' start complete answers 4 by_id\n"
               "7 < 7+12 memcached response 'VA 1 O1' counted complete answers 3 by_id\n"
               "8 < 19+4 memcached response 'MN' counted complete answers 5 proved\n"
               "9 > 64+26 memcached command 'set k 0 0 99999999999' counted cut unanswered\n");
    tl_script_free(&s);
}

static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C, "get k\r\n"); /* roles swapped */
    tl_say(&s, TL_C2S, "VALUE k 0 1\r\nx\r\nEND\r\n");
    tl_say(&s, TL_S2C, "get");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_memcached,
               "1 < 0+7 memcached command 'get k' start complete\n"
               "2 > 0+21 memcached response 'VALUE k 0 1' start complete answers 1 proved\n");
    tl_script_free(&s);
}

static void not_memcached(void)
{
    tl_refuses(&tl_memcached, 11211);
    tl_refuses(&tl_memcached, 80);
}

int main(void)
{
    return tl_run_cases("memcached", (const tl_case[]){{"at every split", at_every_split},
                                                       {"details", details},
                                                       {"quiet and meta", quiet_and_meta},
                                                       {"picked up", picked_up},
                                                       {"not memcached", not_memcached},
                                                       {0}});
}
