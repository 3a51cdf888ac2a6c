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

static void heard_by_all(const tl_script *s, const char *want)
{
    for (size_t split = 0; split < 70; split++) {
        char *heard = tl_hear(s, tl_registry_builtin(), split);
        CU_ASSERT_STRING_EQUAL(heard, want);
        free(heard);
    }
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
        heard_by_all(&s, "1 > 0+45 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' start complete\n"
                         "2 > 45+18 http request 'GET /' counted complete\n"
                         "3 < 0+38 http response '200 OK' start complete answers 2 proved\n");
        tl_script_free(&s);
    }
}

#define SIGNATURE "0d0a0d0a000d0a515549540a "

static void every_family(void)
{
    tl_script s = {.port = 443};
    uint8_t local[16 + 216] = {0};
    memcpy(local, "\r\n\r\n\0\r\nQUIT\n\x21\x31\0\xd8", 16);
    memcpy(local + 16, "/run/client", 11);
    memcpy(local + 16 + 108, "/run/server", 11);
    tl_say_hex(&s, TL_C2S, SIGNATURE "21 21 [2 20010db8000000000000000000000001 20010db8000000000000000000000002 dc04 01bb]");
    tl_say_bytes(&s, TL_C2S, local, sizeof local);
    tl_say_hex(&s, TL_C2S, SIGNATURE "20 00 [2 ]");
    tl_say_hex(&s, TL_C2S,
               SIGNATURE "21 11 [2 c0000201 c6336401 dc04 01bb 20 [2 01 00000000 21 [2 'TLSv1.3'] 22 [2 'client.example'] 23 [2 'AES']] ea "
                         "[2 01 'vpce-1']]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_proxy,
               "1 > 0+52 proxy header 'PROXY TCP6 2001:db8::1 2001:db8::2 56324 443' start complete\n"
               "2 > 52+232 proxy header 'PROXY UNIX /run/client /run/server' counted complete\n"
               "3 > 284+16 proxy header 'LOCAL' counted complete\n"
               "4 > 300+79 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' counted complete\n");
    tl_says(&s, &tl_proxy, 1,
            "{\"version\":2,\"command\":\"proxy\",\"family\":\"TCP6\",\"src\":\"2001:db8::1\",\"src_port\":56324,\"dst\":\"2001:db8::2\","
            "\"dst_port\":443}");
    tl_says(&s, &tl_proxy, 2, "{\"version\":2,\"command\":\"proxy\",\"family\":\"UNIX\",\"src\":\"/run/client\",\"dst\":\"/run/server\"}");
    tl_says(&s, &tl_proxy, 3, "{\"version\":2,\"command\":\"local\",\"family\":\"UNKNOWN\"}");
    tl_says(&s, &tl_proxy, 4,
            "{\"version\":2,\"command\":\"proxy\",\"family\":\"TCP4\",\"src\":\"192.0.2.1\",\"src_port\":56324,\"dst\":\"198.51.100.1\","
            "\"dst_port\":443,\"tls\":1,\"tls_verify\":0,\"tls_version\":\"TLSv1.3\",\"tls_client_name\":\"client.example\","
            "\"tls_cipher\":\"AES\",\"vpc_endpoint\":\"vpce-1\"}");
    tl_script_free(&s);
}

/* What a header is followed by is found behind one that a hole is in, too, unless the hole took what tells it is one. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 80};
    tl_say_hex(&s, TL_C2S, BINARY);
    tl_say(&s, TL_C2S, GET);
    tl_say(&s, TL_S2C, OK);
    tl_end(&s, TL_WHY_FIN);
    for (uint64_t at = 0; at < 45; at++) {
        tl_script holed = tl_script_without(&s, TL_C2S, at, at + 1);
        char *whole = tl_hear(&holed, tl_registry_builtin(), 0);
        heard_by_all(&holed, whole);
        if (at >= 16) {
            CU_ASSERT_PTR_NOT_NULL(strstr(whole, "> 0+45 proxy header "));
            CU_ASSERT_PTR_NOT_NULL(strstr(whole, " missing 1 cut"));
        }
        CU_ASSERT_PTR_NOT_NULL(strstr(whole, "> 45+18 http request 'GET /'"));
        CU_ASSERT_PTR_NOT_NULL(strstr(whole, "< 0+38 http response '200 OK'"));
        free(whole);
        tl_script_free(&holed);
    }
    tl_script_free(&s);
}

/* The server's bytes belong to what follows, also behind a hole that comes before the header is whole. */
static void a_hole_before_what_follows(void)
{
    tl_script s = {.port = 22};
    tl_say_hex(&s, TL_C2S, SIGNATURE "21 11 001d c0000201");
    tl_lose(&s, TL_S2C, 7);
    tl_say(&s, TL_S2C, "SSH-2.0-server\r\n");
    tl_say_hex(&s, TL_C2S, "c6336401 dc04 01bb 01 [2 'h2'] 02 [2 'a.example'] 'SSH-2.0-client' 0d0a");
    tl_end(&s, TL_WHY_FIN);
    heard_by_all(&s, "1 > 0+45 proxy header 'PROXY TCP4 192.0.2.1 198.51.100.1 56324 443' start complete\n"
                     "2 < 7+16 ssh banner 'SSH-2.0-server' resynced complete\n"
                     "3 > 45+16 ssh banner 'SSH-2.0-client' counted complete\n");
    tl_script_free(&s);
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
    return tl_run_cases("proxy", (const tl_case[]){{"both versions", both_versions},
                                                   {"what follows", what_follows},
                                                   {"every family", every_family},
                                                   {"a hole at every byte", a_hole_at_every_byte},
                                                   {"a hole before what follows", a_hole_before_what_follows},
                                                   {"what it is not", what_it_is_not},
                                                   {0}});
}
