/*
** imap_test.c - IMAP conversations: every split, a hole at every byte, literals, IDLE, secrets, TLS, and what is not IMAP.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script reading(void)
{
    tl_script s = {.port = 143};
    tl_say(&s, TL_S2C, "* OK [CAPABILITY IMAP4rev1] ready\r\n");
    tl_say(&s, TL_C2S, "a1 LOGIN bob secret\r\n");
    tl_say(&s, TL_S2C, "a1 OK in\r\n");
    tl_say(&s, TL_C2S, "a2 SELECT INBOX\r\n");
    tl_say(&s, TL_S2C, "* 2 EXISTS\r\n* FLAGS (\\Seen)\r\na2 OK [READ-WRITE] done\r\n");
    tl_say(&s, TL_C2S, "a3 FETCH 1 (BODY[] UID)\r\na4 NOOP\r\n");
    tl_say(&s, TL_S2C, "* 1 FETCH (BODY[] {20}\r\nSubject: x\r\n\r\na4 OK UID 7)\r\na4 OK noop\r\na3 OK fetched\r\n");
    tl_say(&s, TL_C2S, "a5 APPEND Sent {7}\r\n");
    tl_say(&s, TL_S2C, "+ go on\r\n");
    tl_say(&s, TL_C2S, "a6 NOOP {3+}\r\nabc\r\n");
    tl_say(&s, TL_S2C, "a5 OK appended\r\n");
    tl_say(&s, TL_C2S, "a7 LOGOUT\r\n");
    tl_say(&s, TL_S2C, "* BYE\r\na7 OK bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = reading();
    tl_detects(&s, &tl_imap,
               "1 < 0+35 imap greeting '* OK [CAPABILITY IMAP4rev1] ready' start complete\n"
               "2 > 0+21 imap command 'a1 LOGIN bob' start complete\n3 < 35+10 imap response 'a1 OK in' counted complete answers 2 by_id\n"
               "4 > 21+17 imap command 'a2 SELECT INBOX' counted complete\n5 < 45+12 imap untagged '* 2 EXISTS' counted complete\n"
               "6 < 57+17 imap untagged '* FLAGS (\\\\Seen)' counted complete\n"
               "7 < 74+25 imap response 'a2 OK [READ-WRITE] done' counted complete answers 4 by_id\n"
               "8 > 38+25 imap command 'a3 FETCH 1 (BODY[] UID)' counted complete\n9 > 63+9 imap command 'a4 NOOP' counted complete\n"
               "10 < 99+52 imap untagged '* 1 FETCH (BODY[] {20}' counted complete\n"
               "11 < 151+12 imap response 'a4 OK noop' counted complete answers 9 by_id\n"
               "12 < 163+15 imap response 'a3 OK fetched' counted complete answers 8 by_id\n"
               "13 > 72+39 imap command 'a5 APPEND Sent {7}' counted complete\n"
               "14 < 178+9 imap continue '+ go on' counted complete\n"
               "15 < 187+16 imap response 'a5 OK appended' counted complete answers 13 by_id\n"
               "16 > 111+11 imap command 'a7 LOGOUT' counted complete\n17 < 203+7 imap untagged '* BYE' counted complete\n"
               "18 < 210+11 imap response 'a7 OK bye' counted complete answers 16 by_id\n");
    /* What a lost literal leaves behind may look like a command of its own. */
    tl_survives_gaps(&s, &tl_imap, 1);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = reading();
    tl_says(&s, &tl_imap, 1, "{\"status\":\"OK\",\"text\":\"[CAPABILITY IMAP4rev1] ready\"}");
    tl_says(&s, &tl_imap, 2, "{\"tag\":\"a1\",\"command\":\"LOGIN\",\"user\":\"bob\"}");
    tl_says(&s, &tl_imap, 5, "{\"message\":2,\"data\":\"EXISTS\"}");
    tl_says(&s, &tl_imap, 6, "{\"data\":\"FLAGS\",\"text\":\"(\\\\\\\\Seen)\"}");
    tl_says(&s, &tl_imap, 7, "{\"tag\":\"a2\",\"status\":\"OK\",\"text\":\"[READ-WRITE] done\"}");
    tl_says(&s, &tl_imap, 8, "{\"tag\":\"a3\",\"command\":\"FETCH\",\"arguments\":\"1 (BODY[] UID)\"}");
    tl_script_free(&s);
}

/* A literal that the server refuses, AUTHENTICATE's lines, IDLE, and TLS. */
static void turns_of_talk(void)
{
    tl_script s = {.port = 2000};
    tl_say(&s, TL_S2C, "* OK hi\r\n");
    tl_say(&s, TL_C2S, "1 APPEND x {9}\r\n");
    tl_say(&s, TL_S2C, "1 NO full\r\n");
    tl_say(&s, TL_C2S, "2 AUTHENTICATE PLAIN\r\n");
    tl_say(&s, TL_S2C, "+ \r\n");
    tl_say(&s, TL_C2S, "c2VjcmV0\r\n");
    tl_say(&s, TL_S2C, "2 OK in\r\n");
    tl_say(&s, TL_C2S, "3 IDLE\r\n");
    tl_say(&s, TL_S2C, "+ idling\r\n* 4 EXISTS\r\n");
    tl_say(&s, TL_C2S, "DONE\r\n");
    tl_say(&s, TL_S2C, "3 OK\r\n");
    tl_say(&s, TL_C2S, "4 STARTTLS\r\n");
    tl_say(&s, TL_S2C, "4 OK go\r\n");
    tl_say_hex(&s, TL_C2S, "1603010002 0100");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_imap,
               "1 < 0+9 imap greeting '* OK hi' start complete\n2 > 0+16 imap command '1 APPEND x {9}' start cut\n"
               "3 < 9+11 imap response '1 NO full' counted complete answers 2 by_id\n"
               "4 > 16+22 imap command '2 AUTHENTICATE PLAIN' counted complete\n5 < 20+4 imap continue '+ ' counted complete\n"
               "6 > 38+10 imap continuation '' counted complete\n7 < 24+9 imap response '2 OK in' counted complete answers 4 by_id\n"
               "8 > 48+8 imap command '3 IDLE' counted complete\n9 < 33+10 imap continue '+ idling' counted complete\n"
               "10 < 43+12 imap untagged '* 4 EXISTS' counted complete\n11 > 56+6 imap done 'DONE' counted complete\n"
               "12 < 55+6 imap response '3 OK' counted complete answers 8 by_id\n13 > 62+12 imap command '4 STARTTLS' counted complete\n"
               "14 < 61+9 imap response '4 OK go' counted complete answers 13 by_id\n15 > 74+7 tls handshake '' counted complete\n");
    tl_says(&s, &tl_imap, 4, "{\"tag\":\"2\",\"command\":\"AUTHENTICATE\",\"mechanism\":\"PLAIN\"}");
    tl_says(&s, &tl_imap, 6, "{}");
    tl_script_free(&s);
}

/* Picked up in the middle with the roles swapped, a hole inside a literal, and one that lies about its length. */
static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C, "x7 UID FETCH 9 BODY[]\r\n");
    tl_say(&s, TL_C2S, "* 9 FETCH (BODY[] {12}\r\n12345");
    tl_lose(&s, TL_C2S, 4);
    tl_say(&s, TL_C2S, "abc)\r\nx7 OK\r\n* 10 FETCH (BODY[] {99999999999}\r\n* 11 FETCH (BODY[] {9999999999}\r\nend");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_imap,
               "1 < 0+23 imap command 'x7 UID FETCH 9 BODY[]' start complete\n"
               "2 > 0+39 imap untagged '* 9 FETCH (BODY[] {12}' start missing 4 cut\n"
               "3 > 39+7 imap response 'x7 OK' counted complete answers 1 by_id\n"
               "4 > 46+34 imap untagged '* 10 FETCH (BODY[] {99999999999}' counted complete\n"
               "5 > 80+36 imap untagged '* 11 FETCH (BODY[] {9999999999}' counted cut\n");
    tl_script_free(&s);
}

static void not_imap(void)
{
    tl_refuses(&tl_imap, 143);
    tl_refuses(&tl_imap, 2000);
}

int main(void)
{
    return tl_run_cases("imap", (const tl_case[]){{"at every split", at_every_split},
                                                  {"details", details},
                                                  {"turns of talk", turns_of_talk},
                                                  {"picked up", picked_up},
                                                  {"not IMAP", not_imap},
                                                  {0}});
}
