/*
** line_protocol_test.c - text of unknown protocols: every split, a hole at every byte, long lines, and what is no text.
*/
#include "support/check.h"
#include "support/detecting.h"
#include "support/watched.h"

#include <stdlib.h>
#include <string.h>

static void at_every_split(void)
{
    tl_script s = {.port = 6667};
    tl_say(&s, TL_C2S, "NICK bob\r\n");
    tl_say(&s, TL_S2C, ":irc.example 001 bob :W\xc3\xa4lcome\r\n");
    tl_say(&s, TL_C2S, "USER bob 0 * :Bob\r\nJOIN #a\n\nQUIT\r\n");
    tl_say(&s, TL_S2C, ":bob JOIN #a\r\nERROR :bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_lines,
               "1 > 0+10 lines line 'NICK bob' start complete\n2 < 0+32 lines line ':irc.example 001 bob :W\xc3\xa4lcome' start complete\n"
               "3 > 10+19 lines line 'USER bob 0 * :Bob' counted complete\n4 > 29+8 lines line 'JOIN #a' counted complete\n"
               "5 > 37+1 lines line '' counted complete\n6 > 38+6 lines line 'QUIT' counted complete\n"
               "7 < 32+14 lines line ':bob JOIN #a' counted complete\n8 < 46+12 lines line 'ERROR :bye' counted complete\n");
    tl_script_free(&s);
}

/* A byte lost in a line, once the protocol is known: the others are heard where they were.  (A loss in a first line hides what that is.) */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 6667};
    tl_say(&s, TL_C2S, "one\r\n");
    tl_say(&s, TL_S2C, "ok\r\n");
    tl_say(&s, TL_C2S, "two\r\nthree\r\nfour\r\n");
    tl_end(&s, TL_WHY_FIN);
    for (uint64_t at = 5; at < 10; at++) {
        tl_script cut = tl_script_without(&s, TL_C2S, at, at + 1);
        char *heard = tl_hear(&cut, tl_watch(&tl_lines), 0);
        CU_ASSERT(at == 9 || strstr(heard, " > 10+7 lines line 'three'") != NULL);
        CU_ASSERT_PTR_NOT_NULL(strstr(heard, " > 17+6 lines line 'four'"));
        free(heard);
        tl_script_free(&cut);
    }
    tl_script_free(&s);
}

static void long_and_cut(void)
{
    char text[3000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    tl_script s = {.port = 9};
    tl_say(&s, TL_C2S, "one\n");
    tl_say(&s, TL_S2C, "ok\n");
    tl_say(&s, TL_C2S, text);
    tl_say(&s, TL_C2S, "\ntwo\nthr");
    tl_end(&s, TL_WHY_FIN);
    char *heard = tl_hear(&s, tl_registry_builtin(), 100);
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "3 > 4+3000 lines line 'xxx"));
    CU_ASSERT_PTR_NOT_NULL(strstr(heard, "4 > 3004+4 lines line 'two' counted complete\n5 > 3008+3 lines line 'thr' counted cut\n"));
    free(heard);
    tl_script_free(&s);
}

static void no_text(void)
{
    static const struct {
        const char *client, *server;
    } cases[] = {{"\x01\x02\x03\n", "ok\n"}, {"text\n", "\xff\xfe\n"}, {"no line's end", "nor here"}, {"\x1b[1mbold\n", "x\n"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_script s = {.port = 9};
        tl_say(&s, TL_C2S, cases[i].client);
        tl_say(&s, TL_S2C, cases[i].server);
        tl_end(&s, TL_WHY_FIN);
        char *heard = tl_hear(&s, tl_registry_builtin(), 0);
        CU_ASSERT_PTR_NULL(strstr(heard, "lines"));
        free(heard);
        tl_script_free(&s);
    }
}

int main(void)
{
    return tl_run_cases("line_protocol", (const tl_case[]){{"at every split", at_every_split},
                                                           {"a hole at every byte", a_hole_at_every_byte},
                                                           {"long and cut", long_and_cut},
                                                           {"no text", no_text},
                                                           {0}});
}
