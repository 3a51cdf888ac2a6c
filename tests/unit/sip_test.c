/*
** sip_test.c - SIP over TCP: every split, a hole at every byte, transactions, keep-alives, and what is not SIP.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS(n, method) "Via: SIP/2.0/TCP h\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@y>\r\nCall-ID: c1@h\r\nCSeq: " n " " method "\r\n"

static tl_script call(void)
{
    tl_script s = {.port = 5060};
    tl_say(&s, TL_C2S,
           "INVITE sip:b@y SIP/2.0\r\n" FIELDS("1", "INVITE") "Content-Type: application/sdp\r\nContent-Length: 29\r\n\r\n"
                                                              "v=0\r\nBYE sip:b@y SIP/2.0\r\nx\r\n");
    tl_say(&s, TL_S2C, "SIP/2.0 100 Trying\r\n" FIELDS("1", "INVITE") "Content-Length: 0\r\n\r\n");
    tl_say(&s, TL_S2C, "SIP/2.0 200 OK\r\n" FIELDS("1", "INVITE") "l: 4\r\n\r\nabcd");
    tl_say(&s, TL_C2S, "ACK sip:b@y SIP/2.0\r\n" FIELDS("1", "ACK") "Content-Length: 0\r\n\r\n\r\n\r\n");
    tl_say(&s, TL_S2C, "BYE sip:a@x SIP/2.0\r\n" FIELDS("2", "BYE") "Content-Length: 0\r\n\r\n");
    tl_say(&s, TL_C2S, "SIP/2.0 200 OK\r\n" FIELDS("2", "BYE") "Content-Length: 0\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = call();
    tl_detects(&s, &tl_sip,
               "1 > 0+195 sip request 'INVITE sip:b@y' start complete\n"
               "2 < 0+130 sip response '100 Trying' start complete answers 1 by_id\n"
               "3 < 130+117 sip response '200 OK' counted complete answers 1 by_id\n"
               "4 > 195+128 sip request 'ACK sip:b@y' counted complete\n5 > 323+2 sip keep_alive '' counted complete\n"
               "6 > 325+2 sip keep_alive '' counted complete\n7 < 247+128 sip request 'BYE sip:a@x' counted complete\n"
               "8 > 327+123 sip response '200 OK' counted complete answers 7 by_id\n");
    /* Keep-alives right behind a loss are passed over. */
    tl_survives_gaps(&s, &tl_sip, 2);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = call();
    tl_says(
        &s, &tl_sip, 1,
        "{\"method\":\"INVITE\",\"uri\":\"sip:b@y\",\"from\":\"<sip:a@x>;tag=1\",\"to\":\"<sip:b@y>\",\"call_id\":\"c1@h\",\"cseq\":\"1 "
        "INVITE\","
        "\"via\":\"SIP/2.0/TCP h\",\"content_type\":\"application/sdp\",\"content_length\":29}");
    tl_says(
        &s, &tl_sip, 3,
        "{\"status\":200,\"reason\":\"OK\",\"from\":\"<sip:a@x>;tag=1\",\"to\":\"<sip:b@y>\",\"call_id\":\"c1@h\",\"cseq\":\"1 INVITE\","
        "\"via\":\"SIP/2.0/TCP h\",\"content_length\":4}");
    tl_says(&s, &tl_sip, 6, "{}");
    tl_script_free(&s);
}

/* Two transactions at once, answered the other way round; a body that is cut; a length that is none; roles swapped. */
static void odd_ones(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C,
           "OPTIONS sip:b SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
           "OPTIONS sip:b SIP/2.0\r\ni: 1\r\nCSeq: 2 OPTIONS\r\nContent-Length: x\r\n\r\n");
    tl_say(&s, TL_C2S,
           "SIP/2.0 404 Not Found\r\nCall-ID: 1\r\nCSeq: 2 OPTIONS\r\nl: 0\r\n\r\n"
           "SIP/2.0 200\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\nl: 99999999999\r\n\r\nSIP/2.0 200 OK\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_sip,
               "1 < 0+73 sip request 'OPTIONS sip:b' start complete\n2 < 73+67 sip request 'OPTIONS sip:b' counted complete\n"
               "3 > 0+60 sip response '404 Not Found' start complete answers 2 by_id\n"
               "4 > 60+76 sip response '200' counted cut answers 1 by_id\n");
    tl_script_free(&s);
    s = (tl_script){.port = 5060};
    tl_say(&s, TL_C2S, "\r\n\r\nREGISTER sip:b SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 REG");
    tl_end(&s, TL_WHY_RST);
    tl_detects(&s, &tl_sip,
               "1 > 0+2 sip keep_alive '' start complete\n2 > 2+2 sip keep_alive '' counted complete\n"
               "3 > 4+47 sip request 'REGISTER sip:b' counted cut unanswered\n");
    tl_script_free(&s);
}

static void not_sip(void)
{
    tl_refuses(&tl_sip, 5060);
}

int main(void)
{
    return tl_run_cases(
        "sip",
        (const tl_case[]){{"at every split", at_every_split}, {"details", details}, {"odd ones", odd_ones}, {"not SIP", not_sip}, {0}});
}
