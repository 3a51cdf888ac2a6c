/*
** proxy_test.c - the PROXY protocol in front of another one: both versions, what they say, what is none.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE   "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n"
#define BINARY "0d0a0d0a000d0a515549540a 21 11 [2 c0000201 c6336401 dc04 01bb 01 [2 'h2'] 02 [2 'a.example']]"
#define GET    "GET / HTTP/1.1\r\n\r\n"
#define OK     "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void both_versions(void)
{
    tl_script s = {.port = 443};
    tl_say(&s, TL_C2S, LINE);
    tl_say_hex(&s, TL_C2S, BINARY);
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_proxy,
               "1 > 0+45 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' start complete\n"
               "2 > 45+45 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' counted complete\n");
    char *one = tl_detail(&s, &tl_proxy, 1), *two = tl_detail(&s, &tl_proxy, 2);
    CU_ASSERT_STRING_EQUAL(
        one, "{\"version\":1,\"family\":\"TCP4\",\"src\":\"192.0.2.1\",\"src_port\":56324,\"dst\":\"198.51.100.1\",\"dst_port\":443}");
    CU_ASSERT_STRING_EQUAL(two, "{\"version\":2,\"command\":\"proxy\",\"family\":\"TCP4\",\"src\":\"192.0.2.1\",\"src_port\":56324,\"dst\":"
                                "\"198.51.100.1\",\"dst_port\":443,\"alpn\":\"h2\",\"authority\":\"a.example\"}");
    free(one);
    free(two);
    tl_script_free(&s);
}

/* Pairing is as if no header were there. */
static void what_follows(void)
{
    for (int version = 1; version <= 2; version++) {
        tl_script s = {.port = 80};
        if (version == 1)
            tl_say(&s, TL_C2S, LINE GET);
        else
            tl_say_hex(&s, TL_C2S, BINARY "'GET / HTTP/1.1' 0d0a0d0a");
        tl_say(&s, TL_S2C, OK);
        tl_end(&s, TL_WHY_FIN);
        for (size_t split = 0; split < 70; split++) {
            char *heard = tl_hear(&s, tl_registry_builtin(), split);
            CU_ASSERT_STRING_EQUAL(heard, "1 > 0+45 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' start complete\n"
                                          "2 > 45+18 http request 'GET /' counted complete\n"
                                          "3 < 0+38 http response '200 OK' start complete answers 2 proved\n");
            free(heard);
        }
        tl_script_free(&s);
    }
}

static void what_it_is_not(void)
{
    static const char *const none[] = {
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 65536\r\n", "PROXY TCP4 ::1 ::1 1 2\r\n", "PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n",
        "PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\n",     "PROXY TCP4 192.0.2.1\r\n",   "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        tl_script s = {.port = 80};
        tl_say(&s, TL_C2S, none[i]);
        tl_end(&s, TL_WHY_FIN);
        char *heard = tl_hear(&s, tl_registry_builtin(), 0);
        CU_ASSERT(strstr(heard, " proxy ") == NULL);
        free(heard);
        tl_script_free(&s);
    }
    tl_refuses(&tl_proxy, 80);
}

int main(void)
{
    return tl_run_cases(
        "proxy",
        (const tl_case[]){{"both versions", both_versions}, {"what follows", what_follows}, {"what it is not", what_it_is_not}, {0}});
}
