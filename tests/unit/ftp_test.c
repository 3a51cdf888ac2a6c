/*
** ftp_test.c - FTP control connections: every split, a hole at every byte, addresses, TLS, and what is not FTP.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script transfer(void)
{
    tl_script s = {.port = 21};
    tl_say(&s, TL_S2C, "220-welcome\r\n  150 files\r\n220 (vsFTPd 3.0.3)\r\n");
    tl_say(&s, TL_C2S, "USER bob\r\n");
    tl_say(&s, TL_S2C, "331 Please specify the password.\r\n");
    tl_say(&s, TL_C2S, "PASS hidden\r\n");
    tl_say(&s, TL_S2C, "230 Login successful.\r\n");
    tl_say(&s, TL_C2S, "PASV\r\n");
    tl_say(&s, TL_S2C, "227 Entering Passive Mode (10,0,0,1,195,80).\r\n");
    tl_say(&s, TL_C2S, "RETR a.txt\r\n");
    tl_say(&s, TL_S2C, "150 Opening BINARY mode\r\n");
    tl_say(&s, TL_S2C, "226 Transfer complete.\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "221 Goodbye.\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = transfer();
    tl_detects(&s, &tl_ftp,
               "1 < 0+46 ftp greeting '220-welcome' start complete\n2 > 0+10 ftp command 'USER bob' start complete\n"
               "3 < 46+34 ftp reply '331 Please specify the password.' counted complete answers 2 proved\n"
               "4 > 10+13 ftp command 'PASS' counted complete\n"
               "5 < 80+23 ftp reply '230 Login successful.' counted complete answers 4 proved\n"
               "6 > 23+6 ftp command 'PASV' counted complete\n"
               "7 < 103+46 ftp reply '227 Entering Passive Mode (10,0,0,1,195,80).' counted complete answers 6 proved\n"
               "8 > 29+12 ftp command 'RETR a.txt' counted complete\n"
               "9 < 149+25 ftp reply '150 Opening BINARY mode' counted complete answers 8 proved\n"
               "10 < 174+24 ftp reply '226 Transfer complete.' counted complete answers 8 proved\n"
               "11 > 41+6 ftp command 'QUIT' counted complete\n12 < 198+14 ftp reply '221 Goodbye.' counted complete answers 11 proved\n");
    tl_survives_gaps(&s, &tl_ftp, 0);
    tl_script_free(&s);
}

/* What is said of one message, alone in its direction behind a greeting or a command. */
static void details(void)
{
    static const struct {
        tl_dir dir;
        const char *text, *want;
    } cases[] = {
        {TL_C2S, "PORT 192,168,1,2,7,138\r\n",
         "{\"command\":\"PORT\",\"argument\":\"192,168,1,2,7,138\",\"address\":\"192.168.1.2\",\"port\":1930}"},
        {TL_C2S, "EPRT |2|1080::8:800:200C:417A|5282|\r\n",
         "{\"command\":\"EPRT\",\"argument\":\"|2|1080::8:800:200C:417A|5282|\",\"address\":\"1080::8:800:200C:417A\",\"port\":5282}"},
        {TL_C2S, "PORT 1,2,3,400,5,6\r\n", "{\"command\":\"PORT\",\"argument\":\"1,2,3,400,5,6\"}"},
        {TL_C2S, "PASS my secret\r\n", "{\"command\":\"PASS\"}"},
        {TL_C2S, "cwd /a b\r\n", "{\"command\":\"cwd\",\"argument\":\"/a b\"}"},
        {TL_S2C, "229 Entering Extended Passive Mode (|||6446|)\r\n",
         "{\"code\":229,\"text\":\"Entering Extended Passive Mode (|||6446|)\",\"port\":6446}"},
        {TL_S2C, "227 =10,0,0,1,4,0\r\n", "{\"code\":227,\"text\":\"=10,0,0,1,4,0\",\"address\":\"10.0.0.1\",\"port\":1024}"},
        {TL_S2C, "211-Features:\r\n EPSV\r\n SIZE\r\n211 End\r\n", "{\"code\":211,\"text\":\"Features:\",\"more\":\"EPSV, SIZE, End\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tl_script s = {.port = 21};
        tl_say(&s, TL_S2C, "220 FTP\r\n");
        tl_say(&s, TL_C2S, "NOOP\r\n");
        tl_say(&s, cases[i].dir, cases[i].text);
        tl_end(&s, TL_WHY_FIN);
        char *detail = tl_detail(&s, &tl_ftp, 3);
        if (strcmp(detail, cases[i].want) != 0) printf("\n%s\ninstead of\n%s\n", detail, cases[i].want);
        CU_ASSERT_STRING_EQUAL(detail, cases[i].want);
        free(detail);
        tl_script_free(&s);
    }
}

static void turns_to_tls(void)
{
    tl_script s = {.port = 2100};
    tl_say(&s, TL_S2C, "220 ready\r\n");
    tl_say(&s, TL_C2S, "AUTH TLS\r\n");
    tl_say(&s, TL_S2C, "502 no\r\n");
    tl_say(&s, TL_C2S, "FEAT\r\n");
    tl_say(&s, TL_S2C, "211 end\r\n");
    tl_say(&s, TL_C2S, "AUTH TLS\r\n");
    tl_say(&s, TL_S2C, "234 go\r\n");
    tl_say_hex(&s, TL_C2S, "1603010002 0100");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ftp,
               "1 < 0+11 ftp greeting '220 ready' start complete\n2 > 0+10 ftp command 'AUTH TLS' start complete\n"
               "3 < 11+8 ftp reply '502 no' counted complete answers 2 proved\n4 > 10+6 ftp command 'FEAT' counted complete\n"
               "5 < 19+9 ftp reply '211 end' counted complete answers 4 proved\n6 > 16+10 ftp command 'AUTH TLS' counted complete\n"
               "7 < 28+8 ftp reply '234 go' counted complete answers 6 proved\n8 > 26+7 tls handshake '' counted complete\n");
    tl_script_free(&s);
}

static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C, "PASV\r\n");
    tl_say(&s, TL_C2S, "227 Entering Passive Mode (10,0,0,1,195,80).\r\n");
    tl_say_hex(&s, TL_S2C, "fff4fff2 'ABOR' 0d0a");
    tl_say(&s, TL_C2S, "225 ok\r\n226-par");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ftp,
               "1 < 0+6 ftp command 'PASV' start complete\n"
               "2 > 0+46 ftp reply '227 Entering Passive Mode (10,0,0,1,195,80).' start complete answers 1 proved\n"
               "3 < 6+10 ftp command 'ABOR' counted complete\n4 > 46+8 ftp reply '225 ok' counted complete answers 3 proved\n"
               "5 > 54+7 ftp reply '226-par' counted cut unasked\n");
    tl_script_free(&s);
}

/* A hole in a reply: its other lines are no reply of their own. */
static void replies_with_holes(void)
{
    tl_script s = {.port = 21};
    tl_say(&s, TL_S2C, "220 hi\r\n");
    tl_say(&s, TL_C2S, "FEAT\r\n");
    tl_say(&s, TL_S2C, "211-Features:\r\n MDTM\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, " UTF8\r\n211 End\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "221 bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ftp,
               "1 < 0+8 ftp greeting '220 hi' start complete\n2 > 0+6 ftp command 'FEAT' start complete\n"
               "3 < 8+22 ftp reply '211-Features:' counted cut answers 2 proved\n"
               "4 < 57+9 ftp continuation '211 End' resynced complete\n5 > 6+6 ftp command 'QUIT' counted complete\n"
               "6 < 66+9 ftp reply '221 bye' counted complete answers 5 proved\n");
    tl_script_free(&s);
}

/* A reply is still owed: the last line of the cut one is told by its code, others may be either, and answer nothing for sure. */
static void replies_with_holes_while_some_are_owed(void)
{
    tl_script s = {.port = 21};
    tl_say(&s, TL_S2C, "220 hi\r\n");
    tl_say(&s, TL_C2S, "LIST\r\n");
    tl_say(&s, TL_S2C, "150-Here it\r\n comes\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "150 now\r\n226 done\r\n");
    tl_say(&s, TL_C2S, "FEAT\r\nPWD\r\n");
    tl_say(&s, TL_S2C, "211-Features:\r\n MDTM\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "211 End\r\n257 \"/\"\r\n");
    tl_say(&s, TL_C2S, "FEAT\r\nSTAT\r\n");
    tl_say(&s, TL_S2C, "211-Features:\r\n MDTM\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "211 End\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "221 bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ftp,
               "1 < 0+8 ftp greeting '220 hi' start complete\n"
               "2 > 0+6 ftp command 'LIST' start complete\n"
               "3 < 8+21 ftp reply '150-Here it' counted cut answers 2 proved\n"
               "4 < 49+9 ftp continuation '150 now' resynced complete\n"
               "5 < 58+10 ftp reply '226 done' counted complete answers 2 proved\n"
               "6 > 6+6 ftp command 'FEAT' counted complete\n"
               "7 > 12+5 ftp command 'PWD' counted complete\n"
               "8 < 68+22 ftp reply '211-Features:' counted cut answers 6 ordered\n"
               "9 < 110+9 ftp continuation '211 End' resynced complete\n"
               "10 < 119+9 ftp reply '257 \"/\"' counted complete answers 7 proved\n"
               "11 > 17+6 ftp command 'FEAT' counted complete\n"
               "12 > 23+6 ftp command 'STAT' counted complete\n"
               "13 < 128+22 ftp reply '211-Features:' counted cut answers 11 ordered\n"
               "14 < 170+9 ftp continuation '211 End' resynced complete\n"
               "15 > 29+6 ftp command 'QUIT' counted complete\n"
               "16 < 179+9 ftp reply '221 bye' counted complete\n");
    tl_script_free(&s);
    s = (tl_script){.port = 21};
    tl_say(&s, TL_C2S, "FEAT\r\nSTAT\r\n");
    tl_say(&s, TL_S2C, "211-Features:\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "211-either\r\n211 End\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_ftp,
               "1 > 0+6 ftp command 'FEAT' start complete\n"
               "2 > 6+6 ftp command 'STAT' counted complete\n"
               "3 < 0+15 ftp reply '211-Features:' start cut answers 1 ordered\n"
               "4 < 35+21 ftp reply '211-either' guessed complete\n");
    tl_script_free(&s);
}

static void not_ftp(void)
{
    tl_refuses(&tl_ftp, 21);
    tl_refuses(&tl_ftp, 2000);
}

int main(void)
{
    return tl_run_cases("ftp", (const tl_case[]){{"at every split", at_every_split},
                                                 {"details", details},
                                                 {"turns to TLS", turns_to_tls},
                                                 {"picked up midway, roles swapped", picked_up},
                                                 {"replies with holes", replies_with_holes},
                                                 {"replies with holes while some are owed", replies_with_holes_while_some_are_owed},
                                                 {"not FTP", not_ftp},
                                                 {0}});
}
