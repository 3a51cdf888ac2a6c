/*
** http2_test.c - HTTP/2 frames; header blocks of RFC 7541 appendix C, and what becomes of them when one is lost.
*/
#include "support/check.h"
#include "support/detecting.h"
#include "support/watched.h"

#include <stdlib.h>
#include <string.h>

#define PREFACE "'PRI * HTTP/2.0' 0d0a0d0a 'SM' 0d0a0d0a"
/* C.4.1 and C.4.2: the second names the authority by the entry that the first added. */
#define FIRST  "82 86 84 418cf1e3c2e5f23a6ba0ab90f4ff"
#define SECOND "82 86 84 be 5886a8eb10649cbf"

/* A frame whose payload is written in hexadecimal. */
static void say_frame(tl_script *s, tl_dir dir, unsigned type, unsigned flags, unsigned stream, const char *hex)
{
    tl_script payload = {0};
    uint8_t bytes[2048] = {0};
    size_t n = 0;
    if (hex[0] != '\0') {
        tl_say_hex(&payload, dir, hex);
        n = payload.events[0].bytes.n;
        memcpy(bytes + 9, payload.events[0].bytes.p, n);
    }
    bytes[1] = (uint8_t)(n >> 8);
    bytes[2] = (uint8_t)n;
    bytes[3] = (uint8_t)type;
    bytes[4] = (uint8_t)flags;
    bytes[8] = (uint8_t)stream;
    tl_say_bytes(s, dir, bytes, n + 9);
    tl_script_free(&payload);
}

static void say_start(tl_script *s)
{
    tl_say_hex(s, TL_C2S, PREFACE);
    say_frame(s, TL_C2S, 4, 0, 0, "000100001000");
    say_frame(s, TL_S2C, 4, 0, 0, "");
    say_frame(s, TL_S2C, 4, 1, 0, "");
}

/* Two requests; the second is answered first, the first with data and gRPC's trailers. */
static tl_script session(void)
{
    tl_script s = {.port = 8080};
    say_start(&s);
    say_frame(&s, TL_C2S, 1, 5, 1, FIRST);
    say_frame(&s, TL_C2S, 1, 5, 3, SECOND);
    say_frame(&s, TL_S2C, 1, 5, 3, "88");
    say_frame(&s, TL_S2C, 1, 4, 1, "88 0f10 10 'application/grpc'");
    say_frame(&s, TL_S2C, 0, 0, 1, "00 00000003 'abc'");
    say_frame(&s, TL_S2C, 1, 5, 1, "00 0b'grpc-status' 01'5' 00 0c'grpc-message' 04'none'");
    say_frame(&s, TL_C2S, 8, 0, 0, "00001000");
    say_frame(&s, TL_C2S, 6, 0, 0, "0102030405060708");
    say_frame(&s, TL_S2C, 6, 1, 0, "0102030405060708");
    say_frame(&s, TL_C2S, 7, 0, 0, "00000000 00000002 'bye'");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void a_session(void)
{
    tl_script s = session();
    tl_detects(&s, &tl_http2,
               "1 > 0+24 http2 preface 'PRI * HTTP/2.0' start complete\n"
               "2 > 24+15 http2 settings '' counted complete\n"
               "3 < 0+9 http2 settings '' start complete\n"
               "4 < 9+9 http2 settings '' counted complete\n"
               "5 > 39+26 http2 headers 'GET /' counted complete\n"
               "6 > 65+21 http2 headers 'GET /' counted complete\n"
               "7 < 18+10 http2 headers '200' counted complete answers 6 by_id\n"
               "8 < 28+29 http2 headers '200' counted complete answers 5 by_id\n"
               "9 < 57+17 http2 data '' counted complete\n"
               "10 < 74+43 http2 headers 'grpc-status 5' counted complete\n"
               "11 > 86+13 http2 window_update '' counted complete\n"
               "12 > 99+17 http2 ping '' counted complete\n"
               "13 < 117+17 http2 ping '' counted complete\n"
               "14 > 116+20 http2 goaway '' counted complete\n");
    tl_says(&s, &tl_http2, 2, "{\"stream_id\":0,\"payload_length\":6,\"header_table_size\":4096}");
    tl_says(&s, &tl_http2, 6,
            "{\"stream_id\":3,\"payload_length\":12,\"flags\":\"end_stream,end_headers\",\"method\":\"GET\",\"scheme\":\"http\","
            "\"authority\":\"www.example.com\",\"path\":\"/\"}");
    tl_says(&s, &tl_http2, 8,
            "{\"stream_id\":1,\"payload_length\":20,\"flags\":\"end_headers\",\"status\":200,\"content_type\":\"application/grpc\"}");
    tl_says(&s, &tl_http2, 10,
            "{\"stream_id\":1,\"payload_length\":34,\"flags\":\"end_stream,end_headers\",\"grpc_status\":5,\"grpc_message\":\"none\"}");
    tl_says(&s, &tl_http2, 14,
            "{\"stream_id\":0,\"payload_length\":11,\"last_stream_id\":0,\"error\":\"internal_error\",\"debug\":\"bye\"}");
    tl_survives_gaps(&s, &tl_http2, 1); /* a weak frame whose neighbour is lost */
    tl_refuses(&tl_http2, 8080);
    tl_script_free(&s);
}

/* Padding, priority, CONTINUATION: one message; a gRPC method; push. */
static void header_blocks(void)
{
    tl_script s = {.port = 8080};
    say_start(&s);
    say_frame(&s, TL_C2S, 1, 0x28, 1, "02 80000000 0f 83 86 44 0a '/a' 0000");
    say_frame(&s, TL_C2S, 9, 0, 1, "'.B/' 'Call'");
    say_frame(&s, TL_C2S, 9, 4, 1, "'1' 0f10 10 'application/grpc'");
    say_frame(&s, TL_S2C, 5, 4, 1, "00000002" FIRST);
    say_frame(&s, TL_S2C, 1, 4, 1, "48 03 '103'");
    say_frame(&s, TL_S2C, 1, 5, 2, "88");
    say_frame(&s, TL_S2C, 1, 5, 1, "8d");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_http2,
               "1 > 0+24 http2 preface 'PRI * HTTP/2.0' start complete\n"
               "2 > 24+15 http2 settings '' counted complete\n"
               "3 < 0+9 http2 settings '' start complete\n"
               "4 < 9+9 http2 settings '' counted complete\n"
               "5 > 39+68 http2 headers 'POST /a.B/Call1' counted complete\n"
               "6 < 18+30 http2 push_promise 'GET /' counted complete\n"
               "7 < 48+14 http2 headers '103' counted complete answers 5 by_id\n"
               "8 < 62+10 http2 headers '200' counted complete\n"
               "9 < 72+10 http2 headers '404' counted complete answers 5 by_id\n");
    tl_says(&s, &tl_http2, 5,
            "{\"stream_id\":1,\"payload_length\":14,\"flags\":\"padded,priority\",\"method\":\"POST\",\"scheme\":\"http\",\"path\":"
            "\"/a.B/Call1\",\"content_type\":\"application/grpc\",\"grpc_service\":\"a.B\",\"grpc_method\":\"Call1\"}");
    tl_script_free(&s);
}

/* A lost block: dynamic entries are not used any more, whatever comes. */
static void lost_tables(void)
{
    tl_script s = session();
    uint64_t first = 24 + 15;
    for (uint64_t at = first; at < first + 26; at++) {
        tl_script cut = tl_script_without(&s, TL_C2S, at, at + 1);
        tl_heard h = tl_listen(&cut, tl_watch(&tl_http2), 0);
        size_t seen = 0;
        for (size_t i = 0; i < h.n; i++) {
            const tl_message *m = &h.items[i];
            if (m->dir != TL_C2S || m->offset != first + 26) continue;
            char *text = strndup((const char *)m->detail.p, m->detail.n);
            CU_ASSERT(strstr(text, "authority") == NULL && strstr(text, "\"method\":\"GET\"") != NULL);
            CU_ASSERT(strstr(text, "\"hpack\":\"lost\",\"unknown_fields\":1") != NULL);
            free(text);
            seen++;
        }
        CU_ASSERT_EQUAL(seen, 1);
        tl_heard_free(&h);
        tl_script_free(&cut);
    }
    tl_script_free(&s);
}

/* What is not HPACK; a table that is larger than ever needed; a CONTINUATION alone.  Later blocks lose the table, not the frames. */
static void bad_blocks(void)
{
    static const char *const bad[] = {"80", "ff8080808001", "bf", "418cf1", "3fe1ffff0f", "0001", "00ffffffffff7f"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        tl_script s = {.port = 8080};
        say_start(&s);
        say_frame(&s, TL_C2S, 1, 5, 1, bad[i]);
        say_frame(&s, TL_C2S, 1, 5, 3, FIRST);
        say_frame(&s, TL_C2S, 1, 5, 5, SECOND);
        tl_end(&s, TL_WHY_FIN);
        tl_says(&s, &tl_http2, 6,
                "{\"stream_id\":3,\"payload_length\":17,\"flags\":\"end_stream,end_headers\",\"method\":\"GET\",\"scheme\":\"http\","
                "\"authority\":\"www.example.com\",\"path\":\"/\",\"hpack\":\"lost\"}");
        tl_says(&s, &tl_http2, 7,
                "{\"stream_id\":5,\"payload_length\":12,\"flags\":\"end_stream,end_headers\",\"method\":\"GET\",\"scheme\":\"http\","
                "\"path\":\"/\",\"hpack\":\"lost\",\"unknown_fields\":1}");
        tl_script_free(&s);
    }
    tl_script s = {.port = 8080};
    say_start(&s);
    say_frame(&s, TL_C2S, 9, 4, 1, "82");
    say_frame(&s, TL_C2S, 1, 0, 1, "82");
    say_frame(&s, TL_C2S, 8, 0, 0, "00001000");
    tl_end(&s, TL_WHY_FIN);
    char *heard = tl_hear(&s, tl_registry_builtin(), 0);
    CU_ASSERT_STRING_EQUAL(
        heard, "1 > 0+24 http2 preface 'PRI * HTTP/2.0' start complete\n2 > 24+15 http2 settings '' counted complete\n"
               "3 < 0+9 http2 settings '' start complete\n4 < 9+9 http2 settings '' counted complete\n5 > 39+10 http2 continuation '' "
               "counted complete\n"
               "6 > 49+10 http2 headers 'GET' counted complete unanswered\n7 > 59+13 http2 window_update '' counted complete\n");
    free(heard);
    tl_script_free(&s);
}

/* No preface: the tables are lost from the start, and the sides are told apart all the same. */
static void midway(void)
{
    tl_script s = {.port = 4000};
    say_frame(&s, TL_C2S, 1, 5, 7, SECOND);
    say_frame(&s, TL_C2S, 8, 0, 0, "00001000");
    say_frame(&s, TL_S2C, 1, 4, 7, "be");
    say_frame(&s, TL_S2C, 0, 1, 7, "'x'");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_http2,
               "1 > 0+21 http2 headers 'GET /' start complete\n"
               "2 > 21+13 http2 window_update '' counted complete\n"
               "3 < 0+10 http2 headers '' start complete answers 1 by_id\n"
               "4 < 10+10 http2 data '' counted complete\n");
    tl_says(&s, &tl_http2, 3, "{\"stream_id\":7,\"payload_length\":1,\"flags\":\"end_headers\",\"hpack\":\"lost\",\"unknown_fields\":1}");
    tl_script_free(&s);
}

/* RFC 7540 section 3.2: HTTP/1's 101 names what follows, and stream 1 answers the request that asked for it; what else waited for an answer
** does not get one. */
static void upgraded(void)
{
    static const char want[] = "1 > 0+23 http request 'GET /first' start complete\n"
                               "2 < 0+18 http response '204 N' start complete answers 1 proved\n"
                               "3 > 23+32 http request 'GET /' counted complete\n"
                               "4 > 55+27 http request 'GET /pipelined' counted complete unanswered\n"
                               "5 < 18+32 http response '101 S' counted complete answers 3 ordered\n"
                               "6 < 50+9 http2 settings '' counted complete\n"
                               "7 > 82+24 http2 preface 'PRI * HTTP/2.0' counted complete\n"
                               "8 > 106+21 http2 headers 'GET /' counted complete\n"
                               "9 < 59+10 http2 headers '200' counted complete answers 8 by_id\n"
                               "10 < 69+10 http2 headers '200' counted complete answers 3 by_id\n"
                               "11 < 79+12 http2 data '' counted complete\n"
                               "12 < 91+10 http2 headers '200' counted complete unasked\n";
    tl_script s = {.port = 80};
    tl_say(&s, TL_C2S, "GET /first HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 204 N\r\n\r\n");
    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\nGET /pipelined HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 101 S\r\nUpgrade: h2c\r\n\r\n");
    say_frame(&s, TL_S2C, 4, 0, 0, "");
    tl_say_hex(&s, TL_C2S, PREFACE);
    say_frame(&s, TL_C2S, 1, 5, 3, SECOND);
    say_frame(&s, TL_S2C, 1, 5, 3, "88");
    say_frame(&s, TL_S2C, 1, 4, 1, "88");
    say_frame(&s, TL_S2C, 0, 1, 1, "'abc'");
    say_frame(&s, TL_S2C, 1, 5, 1, "88");
    tl_end(&s, TL_WHY_FIN);
    for (size_t split = 0; split < 70; split++) {
        char *heard = tl_hear(&s, tl_registry_builtin(), split);
        CU_ASSERT_STRING_EQUAL(heard, want);
        free(heard);
    }
    tl_script_free(&s);
}

/* The same, but the 101 is lost: what follows it tells, on either side. */
static tl_script with_101_lost(unsigned lost)
{
    tl_script s = {.port = 80};
    tl_say(&s, TL_C2S, "GET /first HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 204 N\r\n\r\n");
    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
    tl_lose(&s, TL_S2C, lost);
    return s;
}

static void hears(tl_script *s, const char *want)
{
    tl_end(s, TL_WHY_FIN);
    for (size_t split = 0; split < 70; split++) {
        char *heard = tl_hear(s, tl_registry_builtin(), split);
        CU_ASSERT_STRING_EQUAL(heard, want);
        free(heard);
    }
    tl_script_free(s);
}

static void behind_a_lost_101(void)
{
    tl_script s = with_101_lost(32); /* the server's SETTINGS tell */
    say_frame(&s, TL_S2C, 4, 0, 0, "0003 00000064");
    tl_say_hex(&s, TL_C2S, PREFACE);
    say_frame(&s, TL_C2S, 1, 5, 3, SECOND);
    say_frame(&s, TL_S2C, 1, 5, 3, "88");
    say_frame(&s, TL_S2C, 1, 5, 1, "88");
    hears(&s, "1 > 0+23 http request 'GET /first' start complete\n"
              "2 < 0+18 http response '204 N' start complete answers 1 proved\n"
              "3 > 23+32 http request 'GET /' counted complete\n"
              "4 < 50+15 http2 settings '' resynced complete\n"
              "5 > 55+24 http2 preface 'PRI * HTTP/2.0' counted complete\n"
              "6 > 79+21 http2 headers 'GET /' counted complete\n"
              "7 < 65+10 http2 headers '200' counted complete answers 6 by_id\n"
              "8 < 75+10 http2 headers '200' counted complete answers 3 by_id\n");

    s = with_101_lost(41); /* the SETTINGS are lost, too: two frames tell, before the client says anything */
    say_frame(&s, TL_S2C, 1, 4, 1, "88");
    say_frame(&s, TL_S2C, 0, 1, 1, "'abc'");
    tl_say_hex(&s, TL_C2S, PREFACE);
    say_frame(&s, TL_C2S, 1, 5, 3, SECOND);
    say_frame(&s, TL_S2C, 1, 5, 3, "88");
    hears(&s, "1 > 0+23 http request 'GET /first' start complete\n"
              "2 < 0+18 http response '204 N' start complete answers 1 proved\n"
              "3 > 23+32 http request 'GET /' counted complete\n"
              "4 < 59+10 http2 headers '200' resynced complete answers 3 by_id\n"
              "5 < 69+12 http2 data '' counted complete\n"
              "6 > 55+24 http2 preface 'PRI * HTTP/2.0' counted complete\n"
              "7 > 79+21 http2 headers 'GET /' counted complete\n"
              "8 < 81+10 http2 headers '200' counted complete answers 7 by_id\n");

    s = with_101_lost(80); /* all that the server said is lost: the preface tells; its tables are not trusted */
    tl_say_hex(&s, TL_C2S, PREFACE);
    say_frame(&s, TL_C2S, 1, 5, 3, SECOND);
    say_frame(&s, TL_S2C, 1, 5, 3, "88");
    say_frame(&s, TL_S2C, 6, 1, 0, "0102030405060708");
    hears(&s, "1 > 0+23 http request 'GET /first' start complete\n"
              "2 < 0+18 http response '204 N' start complete answers 1 proved\n"
              "3 > 23+32 http request 'GET /' counted complete unanswered\n"
              "4 > 55+24 http2 preface 'PRI * HTTP/2.0' counted complete\n"
              "5 > 79+21 http2 headers 'GET /' counted complete\n"
              "6 < 98+10 http2 headers '200' resynced complete answers 5 by_id\n"
              "7 < 108+17 http2 ping '' counted complete\n");
}

/* A server that did not switch: a body of frames behind a lost head is no switch unless the frames hold, and HTTP/1 goes on. */
static void refused_upgrade(void)
{
    tl_script s = with_101_lost(60);
    tl_say_hex(&s, TL_S2C, "00000004 00000000 00000000 00000000 000004 0000 00000000 00ff");
    tl_say(&s, TL_C2S, "GET /next HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 204 N\r\n\r\n");
    hears(&s, "1 > 0+23 http request 'GET /first' start complete\n"
              "2 < 0+18 http response '204 N' start complete answers 1 proved\n"
              "3 > 23+32 http request 'GET /' counted complete unanswered\n"
              "4 > 55+22 http request 'GET /next' counted complete\n"
              "5 < 105+18 http response '204 N' resynced complete answers 4 proved\n");
    s = (tl_script){.port = 80}; /* refused in so many words: a hole behind them, and a body of frames */
    tl_say(&s, TL_C2S, "GET / HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    tl_lose(&s, TL_S2C, 10);
    say_frame(&s, TL_S2C, 4, 0, 0, "0003 00000064");
    tl_say(&s, TL_C2S, "GET /next HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 204 N\r\n\r\n");
    hears(&s, "1 > 0+32 http request 'GET /' start complete\n"
              "2 < 0+47 http response '200 OK' start cut answers 1 proved\n"
              "3 > 32+22 http request 'GET /next' counted complete\n"
              "4 < 72+18 http response '204 N' resynced complete answers 3 proved\n");
}

int main(void)
{
    return tl_run_cases("http2", (const tl_case[]){{"a session", a_session},
                                                   {"header blocks", header_blocks},
                                                   {"lost tables", lost_tables},
                                                   {"bad blocks", bad_blocks},
                                                   {"midway", midway},
                                                   {"upgraded", upgraded},
                                                   {"behind a lost 101", behind_a_lost_101},
                                                   {"refused upgrade", refused_upgrade},
                                                   {0}});
}
