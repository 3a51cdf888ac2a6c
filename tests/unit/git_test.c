/*
** git_test.c - git's transport: every split, a hole at every byte, packs in packets and without, and what is not git.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

#define ID "0123456789abcdef0123456789abcdef01234567"

static tl_script clone(void)
{
    tl_script s = {.port = 9418};
    tl_say_hex(&s, TL_C2S, "'0026git-upload-pack /a.git' 00 'host=h.net' 00");
    tl_say_hex(&s, TL_S2C, "'003e" ID " HEAD' 00 'multi_ack' 0a0a0a '003d" ID " refs/heads/main' 0a '0000'");
    tl_say(&s, TL_C2S, "0032want " ID "\n00000009done\n");
    tl_say_hex(&s, TL_S2C, "'0008NAK' 0a '000a' 02 'hello' '000d' 01 'PACKdata' '0000'");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = clone();
    tl_detects(&s, &tl_git,
               "1 > 0+38 git request 'git-upload-pack /a.git' start complete\n"
               "2 < 0+62 git ref '" ID " HEAD' start complete answers 1 proved\n"
               "3 < 62+61 git ref '" ID " refs/heads/main' counted complete\n4 < 123+4 git flush '' counted complete\n"
               "5 > 38+50 git want 'want " ID "' counted complete\n6 > 88+4 git flush '' counted complete\n"
               "7 > 92+9 git done 'done' counted complete\n8 < 127+8 git nak 'NAK' counted complete\n"
               "9 < 135+10 git progress 'hello' counted complete\n10 < 145+13 git pack '' counted complete\n"
               "11 < 158+4 git flush '' counted complete\n");
    /* Nothing speaks for a packet but its length and what follows it. */
    tl_survives_gaps(&s, &tl_git, 1);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = clone();
    static const struct {
        uint64_t number;
        const char *want;
    } cases[] = {{1, "{\"service\":\"git-upload-pack\",\"path\":\"/a.git\",\"host\":\"h.net\"}"},
                 {3, "{\"object\":\"" ID "\",\"ref\":\"refs/heads/main\"}"},
                 {9, "{\"band\":2}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *detail = tl_detail(&s, &tl_git, cases[i].number);
        if (strcmp(detail, cases[i].want) != 0) printf("\n%s\n", detail);
        CU_ASSERT_STRING_EQUAL(detail, cases[i].want);
        free(detail);
    }
    tl_script_free(&s);
}

/* A push: the pack follows the flush without packets.  And version 2, picked up at the server's first packet. */
static void push_and_version_2(void)
{
    tl_script s = {.port = 9418};
    tl_say_hex(&s, TL_C2S, "'001cgit-receive-pack /b.git' 00 '0000' 'PACK' 00000002 00000003 'data0000'");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_git,
               "1 > 0+28 git request 'git-receive-pack /b.git' start complete unanswered\n2 > 28+4 git flush '' counted complete\n"
               "3 > 32+20 git pack '' counted complete\n");
    char *detail = tl_detail(&s, &tl_git, 3);
    CU_ASSERT_STRING_EQUAL(detail, "{\"version\":2,\"objects\":3}");
    free(detail);
    tl_script_free(&s);
    s = (tl_script){.port = 40000};
    tl_say(&s, TL_S2C, "000eversion 2\n00000014command=ls-refs\n0001fff");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_git,
               "1 < 0+14 git version 'version 2' start complete\n2 < 14+4 git flush '' counted complete\n"
               "3 < 18+20 git command 'command=ls-refs' counted complete\n4 < 38+4 git delimiter '' counted complete\n");
    tl_script_free(&s);
}

static void not_git(void)
{
    tl_refuses(&tl_git, 9418);
}

int main(void)
{
    return tl_run_cases("git", (const tl_case[]){{"at every split", at_every_split},
                                                 {"details", details},
                                                 {"push and version 2", push_and_version_2},
                                                 {"not git", not_git},
                                                 {0}});
}
