/*
** rtsp_test.c - RTSP: every split, a hole at every byte, media between messages, requests of the server, and what is not RTSP.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script play(void)
{
    tl_script s = {.port = 554};
    tl_say(&s, TL_C2S, "DESCRIBE rtsp://h/a RTSP/1.0\r\nCSeq: 1\r\n\r\n");
    tl_say(&s, TL_S2C, "RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n");
    tl_say(&s, TL_C2S, "SETUP rtsp://h/a/1 RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP/TCP;interleaved=0-1\r\n\r\n");
    tl_say(&s, TL_S2C, "RTSP/1.0 200 OK\r\nCSeq: 2\r\nSession: 77\r\n\r\n");
    tl_say(&s, TL_C2S, "PLAY rtsp://h/a RTSP/1.0\r\nCSeq: 3\r\nSession: 77\r\n\r\nTEARDOWN rtsp://h/a RTSP/1.0\r\nCSeq: 4\r\n\r\n");
    tl_say(&s, TL_S2C, "RTSP/1.0 200 OK\r\nCSeq: 3\r\n\r\n");
    tl_say_hex(&s, TL_S2C, "24 00 000c 8060 0001 00000000 00000007 24 01 0008 80c8 0001 00000000 24 00 000c 8060 0002 00000010 00000007");
    tl_say(&s, TL_S2C, "RTSP/1.0 455 No\r\nCSeq: 4\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = play();
    tl_detects(&s, &tl_rtsp,
               "1 > 0+41 rtsp request 'DESCRIBE rtsp://h/a' start complete\n"
               "2 < 0+83 rtsp response '200 OK' start complete answers 1 by_id\n"
               "3 > 41+80 rtsp request 'SETUP rtsp://h/a/1' counted complete\n"
               "4 < 83+41 rtsp response '200 OK' counted complete answers 3 by_id\n"
               "5 > 121+50 rtsp request 'PLAY rtsp://h/a' counted complete\n"
               "6 > 171+41 rtsp request 'TEARDOWN rtsp://h/a' counted complete\n"
               "7 < 124+28 rtsp response '200 OK' counted complete answers 5 by_id\n"
               "8 < 152+16 rtsp interleaved '' counted complete\n9 < 168+12 rtsp interleaved '' counted complete\n"
               "10 < 180+16 rtsp interleaved '' counted complete\n"
               "11 < 196+28 rtsp response '455 No' counted complete answers 6 by_id\n");
    tl_survives_gaps(&s, &tl_rtsp, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = play();
    tl_says(&s, &tl_rtsp, 2, "{\"status\":200,\"reason\":\"OK\",\"cseq\":\"1\",\"content_type\":\"application/sdp\",\"content_length\":5}");
    tl_says(&s, &tl_rtsp, 3,
            "{\"method\":\"SETUP\",\"uri\":\"rtsp://h/a/1\",\"cseq\":\"2\",\"transport\":\"RTP/AVP/TCP;interleaved=0-1\"}");
    tl_says(&s, &tl_rtsp, 9, "{\"channel\":1,\"length\":8}");
    tl_script_free(&s);
}

static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_C2S, "OPTIONS * RTSP/2.0\r\nCSeq: 9\r\n\r\n"); /* the server asks: roles swapped */
    tl_say(&s, TL_S2C, "RTSP/2.0 200 OK\r\nCSeq: 9\r\n\r\n$\x01\x10");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_rtsp,
               "1 > 0+31 rtsp request 'OPTIONS *' start complete\n2 < 0+28 rtsp response '200 OK' start complete answers 1 by_id\n");
    tl_script_free(&s);
}

static void not_rtsp(void)
{
    tl_refuses(&tl_rtsp, 554);
}

int main(void)
{
    return tl_run_cases(
        "rtsp",
        (const tl_case[]){{"at every split", at_every_split}, {"details", details}, {"picked up", picked_up}, {"not RTSP", not_rtsp}, {0}});
}
