/*
** memcached_binary_test.c - memcached's binary protocol: every split, a hole at every byte, quiet commands and statistics, what is not it.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script talk(void)
{
    tl_script s = {.port = 11211};
    tl_say_hex(&s, TL_C2S, "80 01 0003 08 00 0000 00000010 00000001 0000000000000000 0000000000000000 'keyvalue'");
    tl_say_hex(&s, TL_S2C, "81 01 0000 00 00 0000 00000000 00000001 0000000000000007");
    tl_say_hex(&s, TL_C2S,
               "80 09 0001 00 00 0000 00000001 00000002 0000000000000000 'x' 80 00 0003 00 00 0000 00000003 00000003 "
               "0000000000000000 'key'");
    tl_say_hex(&s, TL_S2C, "81 00 0000 04 00 0000 00000009 00000003 0000000000000007 00000000 'value'");
    tl_say_hex(&s, TL_C2S, "80 10 0000 00 00 0000 00000000 00000004 0000000000000000");
    tl_say_hex(&s, TL_S2C,
               "81 10 0003 00 00 0000 00000004 00000004 0000000000000000 'pid7' 81 10 0000 00 00 0000 00000000 00000004 "
               "0000000000000000");
    tl_say_hex(&s, TL_C2S, "80 04 0001 00 00 0000 00000001 00000005 0000000000000000 'q'");
    tl_say_hex(&s, TL_S2C, "81 04 0000 00 00 0001 00000009 00000005 0000000000000000 'Not found'");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = talk();
    tl_detects(&s, &tl_memcached_binary,
               "1 > 0+40 memcached-binary request 'key' start complete\n"
               "2 < 0+24 memcached-binary response '' start complete answers 1 by_id\n"
               "3 > 40+25 memcached-binary request 'x' counted complete\n4 > 65+27 memcached-binary request 'key' counted complete\n"
               "5 < 24+33 memcached-binary response '' counted complete answers 4 by_id\n"
               "6 > 92+24 memcached-binary request '' counted complete\n"
               "7 < 57+28 memcached-binary response 'pid' counted complete answers 6 by_id\n"
               "8 < 85+24 memcached-binary response '' counted complete answers 6 by_id\n"
               "9 > 116+25 memcached-binary request 'q' counted complete\n"
               "10 < 109+33 memcached-binary response '' counted complete answers 9 by_id\n");
    tl_survives_gaps(&s, &tl_memcached_binary, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = talk();
    tl_says(&s, &tl_memcached_binary, 1, "{\"opcode\":\"set\",\"key\":\"key\",\"bytes\":5,\"opaque\":1}");
    tl_says(&s, &tl_memcached_binary, 5, "{\"opcode\":\"get\",\"status\":0,\"status_name\":\"no_error\",\"bytes\":5,\"opaque\":3}");
    tl_says(&s, &tl_memcached_binary, 10,
            "{\"opcode\":\"delete\",\"status\":1,\"status_name\":\"key_not_found\",\"bytes\":9,\"opaque\":5}");
    tl_script_free(&s);
}

static void cut_and_lying(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "80 00 00fb 00 00 0000 3fffffff 00000003 0000000000000000 'key'");
    tl_say_hex(&s, TL_C2S, "81 00 0003 00 00 0000 00000002 00000003 0000000000000000 'key'");
    tl_end(&s, TL_WHY_FIN);
    char *heard = tl_hear(&s, tl_registry_builtin(), 0);
    CU_ASSERT_PTR_NULL(strstr(heard, "memcached"));
    free(heard);
    tl_script_free(&s);
    s = (tl_script){.port = 40000};
    tl_say_hex(&s, TL_S2C, "80 00 0003 00 00 0000 3fffffff 00000003 0000000000000000 'ke'");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_memcached_binary, "1 < 0+26 memcached-binary request '' start cut unanswered\n");
    tl_script_free(&s);
}

static void not_memcached(void)
{
    tl_refuses(&tl_memcached_binary, 11211);
}

int main(void)
{
    return tl_run_cases("memcached_binary", (const tl_case[]){{"at every split", at_every_split},
                                                              {"details", details},
                                                              {"cut and lying", cut_and_lying},
                                                              {"not memcached", not_memcached},
                                                              {0}});
}
