/*
** http1_test.c - HTTP/1 conversations as people write them, each at every split size; and the head parser on its own.
**
** A conversation is lines of what is said, '>' by the client, '<' by the server.  '~' at the end of a line's text stands for nothing
** more than that: strings are exact.
*/
#include "message/protocol/http1_head.h"
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct talk {
    const char *name;
    const char *say[10];
    tl_why why;
    const char *heard;
};

static const struct talk talks[] = {
    {"a request and its response",
     {">GET /a HTTP/1.1\r\nHost: h\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"},
     TL_WHY_FIN,
     "1 > 0+28 http request 'GET /a' start complete\n"
     "2 < 0+43 http response '200 OK' start complete answers 1 proved\n"},
    {"a request body is counted",
     {">POST /f HTTP/1.1\r\nContent-Length: 3\r\n\r\na=b", "<HTTP/1.1 204 No Content\r\n\r\n", ">GET /g HTTP/1.1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+42 http request 'POST /f' start complete\n"
     "2 < 0+27 http response '204 No Content' start complete answers 1 proved\n"
     "3 > 42+19 http request 'GET /g' counted complete unanswered\n"},
    {"HEAD has no body, whatever its length says",
     {">HEAD / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", ">GET / HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
     TL_WHY_FIN,
     "1 > 0+19 http request 'HEAD /' start complete\n"
     "2 < 0+40 http response '200 OK' start complete answers 1 proved\n"
     "3 > 19+18 http request 'GET /' counted complete\n"
     "4 < 40+39 http response '200 OK' counted complete answers 3 proved\n"},
    {"304 has no body",
     {">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 304 Not Modified\r\nContent-Length: 77\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+49 http response '304 Not Modified' start complete answers 1 proved\n"
     "3 < 49+38 http response '200 OK' counted complete unasked\n"},
    {"chunks with extensions and trailers",
     {">GET / HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, Chunked\r\n\r\n4;a=\"b\"\r\n\r\n\r\n\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\n",
      "<HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+94 http response '200 OK' start complete answers 1 proved\n"
     "3 < 94+38 http response '404 No' counted complete unasked\n"},
    {"Transfer-Encoding goes over Content-Length",
     {">POST / HTTP/1.1\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET /2 HTTP/1.1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+77 http request 'POST /' start complete unanswered\n"
     "2 > 77+19 http request 'GET /2' counted complete unanswered\n"},
    {"a last coding that is not chunked ends with the stream",
     {">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\nab", "<cd"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+57 http response '200 OK' start complete answers 1 proved\n"},
    {"read to close, by FIN",
     {">GET / HTTP/1.0\r\n\r\n", "<HTTP/1.0 200 OK\r\n\r\nab", "<HTTP/1.0 is what it says\r\n"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+47 http response '200 OK' start complete answers 1 proved\n"},
    {"read to close, by RST",
     {">GET / HTTP/1.0\r\n\r\n", "<HTTP/1.0 200 OK\r\n\r\nab"},
     TL_WHY_RST,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+21 http response '200 OK' start cut answers 1 proved\n"},
    {"a body that the close cuts",
     {">PUT / HTTP/1.0\r\nContent-Length: 10\r\n\r\n1234"},
     TL_WHY_FIN,
     "1 > 0+42 http request 'PUT /' start cut unanswered\n"},
    {"100 leaves the request open",
     {">PUT / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", "<HTTP/1.1 100 Continue\r\n\r\n", ">ok",
      "<HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+61 http request 'PUT /' start complete\n"
     "2 < 0+25 http response '100 Continue' start complete answers 1 proved\n"
     "3 < 25+43 http response '201 Created' counted complete answers 1 proved\n"},
    {"an early final answer",
     {">PUT / HTTP/1.1\r\nContent-Length: 4\r\n\r\nab", "<HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n", ">cd"},
     TL_WHY_FIN,
     "1 > 0+41 http request 'PUT /' start complete\n"
     "2 < 0+45 http response '413 Too Large' start complete answers 1 proved\n"},
    {"pipelined",
     {">GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n", ">HEAD /3 HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 200 A\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 B\r\nContent-Length: 1\r\n\r\nb",
      "<HTTP/1.1 200 C\r\nContent-Length: 1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+19 http request 'GET /1' start complete\n"
     "2 > 19+19 http request 'GET /2' counted complete\n"
     "3 > 38+20 http request 'HEAD /3' counted complete\n"
     "4 < 0+38 http response '200 A' start complete answers 1 ordered\n"
     "5 < 38+38 http response '200 B' counted complete answers 2 ordered\n"
     "6 < 76+37 http response '200 C' counted complete answers 3 ordered\n"},
    {"bare LF and empty lines before a request",
     {">\r\n\nGET / HTTP/1.1\nHost: h\n\n", "<HTTP/1.1 200 OK\nContent-Length: 1\n\nx"},
     TL_WHY_FIN,
     "1 > 0+27 http request 'GET /' start complete\n"
     "2 < 0+36 http response '200 OK' start complete answers 1 proved\n"},
    {"chunks with bare LF",
     {">GET / HTTP/1.1\n\n", "<HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n2\nab\n0\n\n"},
     TL_WHY_FIN,
     "1 > 0+16 http request 'GET /' start complete\n"
     "2 < 0+52 http response '200 OK' start complete answers 1 proved\n"},
    {"CONNECT, refused, then accepted; what follows is another protocol",
     {">CONNECT h:1 HTTP/1.1\r\n\r\n", "<HTTP/1.1 407 No\r\nContent-Length: 2\r\n\r\nno", ">CONNECT h:1 HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 200 OK\r\n\r\n", ">\x01tunnel", "<\x02lennut", ">\x03"},
     TL_WHY_FIN,
     "1 > 0+24 http request 'CONNECT h:1' start complete\n"
     "2 < 0+40 http response '407 No' start complete answers 1 proved\n"
     "3 > 24+24 http request 'CONNECT h:1' counted complete\n"
     "4 < 40+19 http response '200 OK' counted complete answers 3 proved\n"
     "5 > 48+7 turn turn '\\x01tunnel' counted complete\n"
     "6 < 59+7 turn turn '\\x02lennut' counted complete\n"
     "7 > 55+1 turn turn '\\x03' counted complete\n"},
    {"a tunnel in which HTTP is spoken again",
     {">CONNECT h:80 HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\n\r\n", ">GET /in HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+25 http request 'CONNECT h:80' start complete\n"
     "2 < 0+19 http response '200 OK' start complete answers 1 proved\n"
     "3 > 25+20 http request 'GET /in' counted complete\n"
     "4 < 19+38 http response '200 OK' counted complete answers 3 proved\n"},
    {"Upgrade, both sides in one segment with the head",
     {">GET /ws HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", "<HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x01z", ">\x81\x81mask!"},
     TL_WHY_FIN,
     "1 > 0+40 http request 'GET /ws' start complete\n"
     "2 < 0+36 http response '101 Switching Protocols' start complete answers 1 proved\n"
     "3 < 36+3 turn turn '\\x81\\x01z' counted complete\n"
     "4 > 40+7 turn turn '\\x81\\x81mask!' counted complete\n"},
    {"a Content-Length list of equal lengths, and spaces before a colon",
     {">POST / HTTP/1.1\r\nContent-Length : 2, 2\r\nContent-Length: 2\r\n\r\nxyGET / HTTP/1.1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+63 http request 'POST /' start complete unanswered\n"
     "2 > 63+18 http request 'GET /' counted complete unanswered\n"},
    {"a request whose lengths differ: its end is not known, the next one is found",
     {">POST / HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nxyGET /next HTTP/1.1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+57 http request 'POST /' start cut unanswered\n"
     "2 > 59+22 http request 'GET /next' resynced complete unanswered\n"},
    {"a response with a length that is none",
     {">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nab"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+41 http response '200 OK' start complete answers 1 proved\n"},
    {"a length that does not fit",
     {">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\nab"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+59 http response '200 OK' start complete answers 1 proved\n"},
    {"a method nobody knows, once HTTP is known",
     {">GET / HTTP/1.1\r\n\r\n", "<HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ">FROBNICATE /x HTTP/1.1\r\n\r\n",
      "<HTTP/1.1 501\r\nContent-Length: 0\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete\n"
     "2 < 0+38 http response '200 OK' start complete answers 1 proved\n"
     "3 > 18+26 http request 'FROBNICATE /x' counted complete\n"
     "4 < 38+35 http response '501' counted complete answers 3 proved\n"},
    {"an aborted head is in no message",
     {">GET / HTTP/1.1\r\n\r\nGET /half HTT"},
     TL_WHY_FIN,
     "1 > 0+18 http request 'GET /' start complete unanswered\n"},
    {"a head of which only the end is cut",
     {">GET / HTTP/1.1\r\nHost: h\r\nAcc"},
     TL_WHY_RST,
     "1 > 0+28 http request 'GET /' start cut unanswered\n"},
    {"SHOUTcast",
     {">GET /s HTTP/1.0\r\n\r\n", "<ICY 200 OK\r\nicy-name: x\r\n\r\n\xff\xfb"},
     TL_WHY_FIN,
     "1 > 0+19 http request 'GET /s' start complete\n"
     "2 < 0+29 http response '200 OK' start complete answers 1 proved\n"},
    {"the server speaks first, and it is HTTP",
     {"<HTTP/1.0 503 Busy\r\n\r\nno"},
     TL_WHY_FIN,
     "1 < 0+23 http response '503 Busy' start complete unasked\n"},
    {"roles that were guessed wrong",
     {"<GET / HTTP/1.1\r\n\r\n", ">HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"},
     TL_WHY_FIN,
     "1 < 0+18 http request 'GET /' start complete\n"
     "2 > 0+39 http response '200 OK' start complete answers 1 proved\n"},
    {"RTSP is not HTTP",
     {">OPTIONS rtsp://h/s RTSP/1.0\r\nCSeq: 1\r\n\r\n", "<RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"},
     TL_WHY_FIN,
     "1 > 0+40 rtsp request 'OPTIONS rtsp://h/s' start complete\n"
     "2 < 0+28 rtsp response '200 OK' start complete answers 1 by_id\n"},
};

static size_t longest(const struct talk *t)
{
    size_t n = 1;
    for (size_t i = 0; i < 10 && t->say[i] != NULL; i++)
        if (strlen(t->say[i]) > n) n = strlen(t->say[i]);
    return n;
}

static void at_every_split(void)
{
    for (size_t i = 0; i < sizeof talks / sizeof *talks; i++) {
        const struct talk *t = &talks[i];
        tl_script s = {0};
        for (size_t k = 0; k < 10 && t->say[k] != NULL; k++) tl_say(&s, t->say[k][0] == '>' ? TL_C2S : TL_S2C, t->say[k] + 1);
        tl_end(&s, t->why);
        for (size_t split = 0; split <= longest(t); split++) {
            char *heard = tl_hear(&s, tl_registry_builtin(), split);
            bool same = strcmp(heard, t->heard) == 0;
            if (!same) {
                printf("\n%s, split %zu: heard\n%sinstead of\n%s", t->name, split, heard, t->heard);
                CU_FAIL("heard something else");
            }
            free(heard);
            if (!same) break;
        }
        tl_script_free(&s);
    }
}

/* Counted and chunked bodies, a HEAD, and none. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 80};
    tl_say(&s, TL_C2S, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
    tl_say(&s, TL_C2S, "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nxyz");
    tl_say(&s, TL_S2C, "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n");
    tl_say(&s, TL_C2S, "HEAD /c HTTP/1.1\r\nHost: h\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 204 None\r\n\r\n");
    tl_say(&s, TL_C2S, "GET /d HTTP/1.1\r\n\r\n");
    tl_say(&s, TL_S2C, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_http1, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_http1, 80);
}

static void details(void)
{
    static const struct {
        const char *client, *server, *request, *response;
    } cases[] = {
        {"GET /p?q=\"1\" HTTP/1.1\r\nhost: example.org:81\r\nUSER-AGENT: \tcurl/7 \r\nReferer: http://a/\r\n\r\n",
         "HTTP/1.1 301 Moved\r\nLocation: /b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Encoding: gzip\r\nContent-Length: "
         "0\r\n\r\n",
         "{\"method\":\"GET\",\"target\":\"/p?q=\\\"1\\\"\",\"host\":\"example.org:81\",\"version\":\"1.1\",\"user_agent\":\"curl/"
         "7\",\"referer\":\"http://a/\"}",
         "{\"version\":\"1.1\",\"status\":301,\"reason\":\"Moved\",\"content_type\":\"text/html; charset=utf-8\",\"content_length\":0,"
         "\"content_encoding\":\"gzip\",\"location\":\"/b\"}"},
        {"GET / HTTP/1.0\r\nX: y\r\n folded: no\r\n\r\n", "HTTP/1.0 200\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "{\"method\":\"GET\",\"target\":\"/\",\"version\":\"1.0\"}",
         "{\"version\":\"1.0\",\"status\":200,\"transfer_encoding\":\"chunked\"}"},
        {"GET /\xff\x1b HTTP/1.1\r\n\r\n", "HTTP/1.1 200 \x1b[31m\r\nContent-Length: 0\r\n\r\n", NULL,
         "{\"version\":\"1.1\",\"status\":200,\"reason\":\"\\\\x1b[31m\",\"content_length\":0}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (size_t split = 0; split < 40; split += 3) {
            tl_script s = {0};
            tl_say(&s, TL_C2S, cases[i].client);
            tl_say(&s, TL_S2C, cases[i].server);
            tl_end(&s, TL_WHY_FIN);
            tl_heard h = tl_listen(&s, tl_registry_builtin(), split);
            for (size_t k = 0; k < h.n; k++) {
                const char *want = h.items[k].dir == TL_C2S ? cases[i].request : cases[i].response;
                CU_ASSERT_PTR_NOT_NULL_FATAL(want);
                bool same = h.items[k].detail.n == strlen(want) && memcmp(h.items[k].detail.p, want, strlen(want)) == 0;
                if (!same) printf("\n%.*s\ninstead of\n%s\n", (int)h.items[k].detail.n, (const char *)h.items[k].detail.p, want);
                CU_ASSERT(same);
            }
            CU_ASSERT_EQUAL(h.n, cases[i].request != NULL ? 2 : 1);
            tl_heard_free(&h);
            tl_script_free(&s);
        }
    }
}

/* A head that comes byte by byte: measured once a byte, and only the new bytes are looked at. */
static void long_heads_are_scanned_once(void)
{
    tl_text t = {0};
    tl_text_add(&t, "GET / HTTP/1.1\r\n");
    while (t.n < 60000) tl_text_add(&t, "A-Header-Field: with a value of some length\r\n");
    tl_text_add(&t, "\r\n");
    for (size_t scanned = 0, n = 1; n <= t.n; n++) {
        tl_http1_end e = tl_http1_head_end(tl_span_of(t.p, n), false, scanned);
        CU_ASSERT_EQUAL_FATAL(e.found, n < t.n ? TL_HTTP1_PART : TL_HTTP1_WHOLE);
        if (n < t.n) CU_ASSERT_EQUAL_FATAL(e.scanned, n);
        if (n == t.n) CU_ASSERT_EQUAL(e.length, n);
        scanned = e.scanned;
    }
    tl_text_free(&t);
}

static void heads_are_bounded(void)
{
    tl_text t = {0};
    tl_text_add(&t, "GET / HTTP/1.1\r\n");
    while (t.n < TL_HTTP1_HEAD_MAX) tl_text_add(&t, "a: b\r\n");
    tl_http1_end e = tl_http1_head_end(tl_span_of(t.p, t.n), false, 0);
    CU_ASSERT_EQUAL(e.found, TL_HTTP1_BAD);
    CU_ASSERT(e.skip > TL_HTTP1_HEAD_MAX - 100); /* or a line that looks like a status line, in each header, is measured each time */
    tl_text_reset(&t);
    tl_text_add(&t, "HTTP/1.1 200 ");
    while (t.n < TL_HTTP1_STATUS_LINE_MAX + 100) tl_text_add(&t, "x");
    CU_ASSERT_EQUAL(tl_http1_head_end(tl_span_of(t.p, TL_HTTP1_STATUS_LINE_MAX), true, 0).found, TL_HTTP1_PART);
    CU_ASSERT_EQUAL(tl_http1_head_end(tl_span_of(t.p, t.n), true, 0).found, TL_HTTP1_BAD);
    tl_text_free(&t);
}

static void heads_that_are_none(void)
{
    static const struct {
        const char *text;
        bool response;
        size_t skip;
    } cases[] = {
        {"HTTP/1.1 20 OK\r\n", true, 0},
        {"HTTP/2.0 200 OK\r\n", true, 0},
        {"HTTP/1.1 200OK\r\n", true, 0},
        {"HTTP/1.1 099 OK\r\n\r\n", true, 0},
        {"GET /\r\n\r\n", false, 0},
        {"GET  HTTP/1.1\r\n\r\n", false, 0},
        {"PRI * HTTP/2.0\r\n\r\n", false, 0},
        {"GET / HTTP/1.1 \r\n\r\n", false, 0},
        {"G(T / HTTP/1.1\r\n\r\n", false, 0},
        {"INVITE sip:a@b HTTP/1.1\r\n", false, 0},
        {"GET / HTTP/1.1\r\nno colon\r\n", false, 16},
        {"HTTP/1.1 200 OK\r\nA: b\r\nHTTP/1.1 200 OK\r\n", true, 23},
        {"GET / HTTP/1.1\r\n: no name\r\n", false, 16},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = strlen(cases[i].text);
        uint8_t *p = tl_exact(cases[i].text, n);
        tl_http1_end e = tl_http1_head_end(tl_span_of(p, n), cases[i].response, 0);
        if (e.found != TL_HTTP1_BAD || e.skip != cases[i].skip) printf("\n%s: %d, skip %zu\n", cases[i].text, (int)e.found, e.skip);
        CU_ASSERT_EQUAL(e.found, TL_HTTP1_BAD);
        CU_ASSERT_EQUAL(e.skip, cases[i].skip);
        free(p);
    }
}

static void methods_before_a_space(void)
{
    static const struct {
        const char *text;
        size_t method;
    } cases[] = {{"xGET", 3}, {"PROPPATCH", 9}, {"UNLOCK", 6}, {"a=bPOST", 4}, {"get", 0}, {"ET", 0}, {"M-SEARCH", 8}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CU_ASSERT_EQUAL(tl_http1_method_before((const uint8_t *)cases[i].text, strlen(cases[i].text)), cases[i].method);
}

int main(void)
{
    return tl_run_cases("http1", (const tl_case[]){
                                     {"conversations at every split size", at_every_split},
                                     {"a hole at every byte", a_hole_at_every_byte},
                                     {"what it is not", what_it_is_not},
                                     {"details", details},
                                     {"long heads are scanned once", long_heads_are_scanned_once},
                                     {"heads are bounded", heads_are_bounded},
                                     {"heads that are none", heads_that_are_none},
                                     {"methods before a space", methods_before_a_space},
                                     {NULL, NULL},
                                 });
}
