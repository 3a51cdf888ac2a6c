/*
** websocket_test.c - WebSocket: frames behind HTTP's 101 and without it, fragments, masks, what a hole leaves, decoys.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A frame with a length of its shortest form; masked where dir is the client's. */
static void say_frame(tl_script *s, tl_dir dir, unsigned first, const void *payload, size_t n, bool masked)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d}; /* RFC 6455 section 5.7 */
    uint8_t *b = malloc(n + 14);
    size_t at = 0;
    unsigned mask = masked ? 0x80 : 0;
    b[at++] = (uint8_t)first;
    b[at++] = (uint8_t)(mask | (n < 126 ? n : n < 65536 ? 126 : 127));
    for (unsigned width = n < 126 ? 0 : n < 65536 ? 2 : 8; width > 0; width--) b[at++] = (uint8_t)((uint64_t)n >> 8 * (width - 1));
    if (masked) memcpy(b + at, key, 4);
    if (masked) at += 4;
    for (size_t i = 0; i < n; i++) b[at + i] = ((const uint8_t *)payload)[i] ^ (masked ? key[i % 4] : 0);
    tl_say_bytes(s, dir, b, at + n);
    free(b);
}

static void say(tl_script *s, tl_dir dir, unsigned first, const char *payload)
{
    say_frame(s, dir, first, payload, strlen(payload), dir == TL_C2S);
}

static void say_upgrade(tl_script *s)
{
    tl_say(s, TL_C2S, "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    tl_say(s, TL_S2C, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: WebSocket\r\n\r\n");
}

static tl_script conversation(void)
{
    tl_script s = {.port = 9000};
    say(&s, TL_C2S, 0x81, "{\"hello\": \"world\"}");
    say(&s, TL_C2S, 0x81, "{\"and\": \"again\"}");
    say(&s, TL_S2C, 0x81, "{\"welcome\": 1}");
    say(&s, TL_C2S, 0x82, "\x01\x02\x03");
    say(&s, TL_S2C, 0x01, "caf\xc3");
    say(&s, TL_S2C, 0x89, "beat");
    say(&s, TL_C2S, 0x8a, "beat");
    say(&s, TL_S2C, 0x00, "\xa9, ");
    say(&s, TL_S2C, 0x80, "fin");
    say(&s, TL_C2S, 0xc1, "\xf2\x48\xcd\xc9\xc9\x07");
    say(&s, TL_C2S, 0x88, "\x03\xe9leaving");
    say(&s, TL_S2C, 0x88, "\x03\xe9");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_websocket,
               "1 > 0+24 websocket text '{\"hello\": \"world\"}' start complete\n"
               "2 > 24+22 websocket text '{\"and\": \"again\"}' counted complete\n"
               "3 < 0+16 websocket text '{\"welcome\": 1}' start complete\n"
               "4 > 46+9 websocket binary '' counted complete\n"
               "5 < 16+6 websocket text 'caf\\xc3' counted complete\n"
               "6 < 22+6 websocket ping 'beat' counted complete\n"
               "7 > 55+10 websocket pong 'beat' counted complete\n"
               "8 < 28+5 websocket continuation '\\xa9, ' counted complete\n"
               "9 < 33+5 websocket continuation 'fin' counted complete\n"
               "10 > 65+12 websocket text '' counted complete\n"
               "11 > 77+15 websocket close '1001 leaving' counted complete\n"
               "12 < 38+4 websocket close '1001' counted complete\n");
    tl_says(&s, &tl_websocket, 1, "{\"opcode\":\"text\",\"payload_length\":18,\"masked\":1,\"text\":\"{\\\"hello\\\": \\\"world\\\"}\"}");
    tl_says(&s, &tl_websocket, 4, "{\"opcode\":\"binary\",\"payload_length\":3,\"masked\":1}");
    tl_says(&s, &tl_websocket, 5, "{\"opcode\":\"text\",\"payload_length\":4,\"masked\":0,\"fragment\":\"first\",\"text\":\"caf\\\\xc3\"}");
    tl_says(&s, &tl_websocket, 6, "{\"opcode\":\"ping\",\"payload_length\":4,\"masked\":0,\"payload\":\"beat\"}");
    tl_says(
        &s, &tl_websocket, 8,
        "{\"opcode\":\"continuation\",\"payload_length\":3,\"masked\":0,\"fragment\":\"middle\",\"continues\":\"text\",\"text\":\"\\\\xa9, "
        "\"}");
    tl_says(
        &s, &tl_websocket, 9,
        "{\"opcode\":\"continuation\",\"payload_length\":3,\"masked\":0,\"fragment\":\"last\",\"continues\":\"text\",\"text\":\"fin\"}");
    tl_says(&s, &tl_websocket, 10, "{\"opcode\":\"text\",\"payload_length\":6,\"masked\":1,\"compression\":\"permessage-deflate\"}");
    tl_says(&s, &tl_websocket, 11,
            "{\"opcode\":\"close\",\"payload_length\":9,\"masked\":1,\"close_code\":1001,\"close\":\"going_away\",\"reason\":\"leaving\"}");
    tl_script_free(&s);
}

static const tl_message *same(const tl_heard *h, const tl_message *m)
{
    for (size_t i = 0; i < h->n; i++)
        if (h->items[i].dir == m->dir && h->items[i].offset == m->offset && h->items[i].length == m->length &&
            strcmp(h->items[i].kind, m->kind) == 0 && strcmp(h->items[i].protocol, m->protocol) == 0)
            return &h->items[i];
    return NULL;
}

/* Behind a 101.  The frame after a damaged head is believed with the one behind it, or where the other side had it: two that are close to
** each other may be missed, and nothing that was not sent is heard. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 80}, frames = conversation();
    say_upgrade(&s);
    uint64_t begin[2] = {s.length[0], s.length[1]};
    for (size_t i = 0; i < frames.n; i++)
        if (frames.events[i].kind == TL_EV_BYTES)
            tl_say_bytes(&s, frames.events[i].dir, frames.events[i].bytes.p, frames.events[i].bytes.n);
    tl_end(&s, TL_WHY_FIN);
    tl_heard whole = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_EQUAL(whole.n, 14);
    for (unsigned dir = 0; dir < 2; dir++) {
        for (uint64_t at = begin[dir]; at < s.length[dir]; at++) {
            tl_script lossy = tl_script_without(&s, (tl_dir)dir, at, at + 1);
            tl_heard cut = tl_listen(&lossy, tl_registry_builtin(), 0);
            unsigned missed = 0, added = 0;
            for (size_t i = 0; i < whole.n; i++) {
                const tl_message *m = &whole.items[i];
                bool damaged = m->dir == (tl_dir)dir && m->offset <= at && at < m->offset + m->length;
                if (damaged || same(&cut, m) != NULL) continue;
                CU_ASSERT(m->dir == (tl_dir)dir && m->offset > at);
                missed++;
            }
            for (size_t i = 0; i < cut.n; i++)
                if (same(&whole, &cut.items[i]) == NULL) added++;
            CU_ASSERT(missed <= 2 && added == 0);
            if (missed > 2 || added > 0) {
                char *text = tl_heard_text(&cut);
                printf("\nbyte %llu of %u lost:\n%s", (unsigned long long)at, dir, text);
                free(text);
            }
            tl_heard_free(&cut);
            tl_script_free(&lossy);
        }
    }
    tl_heard_free(&whole);
    tl_script_free(&frames);
    tl_script_free(&s);
}

static void behind_a_101(void)
{
    tl_script s = {.port = 80};
    say_upgrade(&s);
    say(&s, TL_S2C, 0x81, "hi");
    say(&s, TL_C2S, 0x81, "yo");
    tl_end(&s, TL_WHY_FIN);
    for (size_t split = 0; split < 80; split++) {
        char *heard = tl_hear(&s, tl_registry_builtin(), split);
        CU_ASSERT_STRING_EQUAL(heard, "1 > 0+72 http request 'GET /chat' start complete\n"
                                      "2 < 0+77 http response '101 Switching Protocols' start complete answers 1 proved\n"
                                      "3 < 77+4 websocket text 'hi' counted complete\n"
                                      "4 > 72+8 websocket text 'yo' counted complete\n");
        free(heard);
    }
    tl_script_free(&s);
}

/* The client, which lost nothing, asked for it and masks what it sends. */
static void behind_a_lost_101(void)
{
    tl_script s = {.port = 80};
    tl_say(&s, TL_C2S, "GET /chat HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
    tl_lose(&s, TL_S2C, 77);
    say(&s, TL_S2C, 0x81, "welcome");
    say(&s, TL_C2S, 0x81, "hello");
    say(&s, TL_S2C, 0x81, "and so on");
    say(&s, TL_S2C, 0x81, "and on");
    say(&s, TL_S2C, 0x81, "and on");
    tl_end(&s, TL_WHY_FIN);
    for (size_t split = 0; split < 70; split++) {
        char *heard = tl_hear(&s, tl_registry_builtin(), split);
        CU_ASSERT_STRING_EQUAL(heard, "1 > 0+72 http request 'GET /chat' start complete unanswered\n"
                                      "2 > 72+11 websocket text 'hello' counted complete\n"
                                      "3 < 86+11 websocket text 'and so on' resynced complete\n"
                                      "4 < 97+8 websocket text 'and on' counted complete\n"
                                      "5 < 105+8 websocket text 'and on' counted complete\n");
        free(heard);
    }
    tl_script_free(&s);
}

/* Three frames may be chance, where no 101 was seen; five are taken for what they look like, and two of which one is text.  The model test
** measures it. */
static void without_a_101(void)
{
    static const struct {
        const char *frames[5];
        bool taken;
    } cases[] = {{{"\x01", "\x02", "\x03"}, false},
                 {{"\x01", "\x02", "\x03", "\x04", "\x05"}, true},
                 {{"so", "\x02"}, false},
                 {{"some text"}, false},
                 {{"some text", "and more of it"}, true}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_script s = {.port = 9000};
        for (int k = 0; k < 5 && cases[i].frames[k] != NULL; k++) {
            const char *payload = cases[i].frames[k];
            say(&s, TL_C2S, strlen(payload) > 1 ? 0x81 : 0x82, payload);
        }
        say(&s, TL_S2C, 0x81, "welcome");
        tl_end(&s, TL_WHY_FIN);
        tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
        CU_ASSERT_EQUAL(strcmp(h.protocol, "websocket") == 0, cases[i].taken);
        tl_heard_free(&h);
        tl_script_free(&s);
    }
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_websocket, 80);
}

int main(void)
{
    return tl_run_cases("websocket", (const tl_case[]){{"at every split", at_every_split},
                                                       {"a hole at every byte", a_hole_at_every_byte},
                                                       {"behind a 101", behind_a_101},
                                                       {"behind a lost 101", behind_a_lost_101},
                                                       {"without a 101", without_a_101},
                                                       {"what it is not", what_it_is_not},
                                                       {0}});
}
