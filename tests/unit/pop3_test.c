/*
** pop3_test.c - POP3 conversations: every split, a hole at every byte, responses of many lines, TLS, and what is not POP3.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script reading(void)
{
    tl_script s = {.port = 110};
    tl_say(&s, TL_S2C, "+OK POP3 ready <1@example>\r\n");
    tl_say(&s, TL_C2S, "USER bob\r\n");
    tl_say(&s, TL_S2C, "+OK\r\n");
    tl_say(&s, TL_C2S, "PASS secret\r\n");
    tl_say(&s, TL_S2C, "+OK 2 messages\r\n");
    tl_say(&s, TL_C2S, "LIST\r\n");
    tl_say(&s, TL_S2C, "+OK 2 messages\r\n1 120\r\n2 200\r\n.\r\n");
    tl_say(&s, TL_C2S, "LIST 2\r\n");
    tl_say(&s, TL_S2C, "+OK 2 200\r\n");
    tl_say(&s, TL_C2S, "RETR 1\r\n");
    tl_say(&s, TL_S2C, "+OK 120 octets\r\nSubject: x.\r\n\r\n..dots\r\nends in a dot.\r\n.\r\n");
    tl_say(&s, TL_C2S, "DELE 9\r\n");
    tl_say(&s, TL_S2C, "-ERR no such message\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "+OK bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = reading();
    tl_detects(&s, &tl_pop3,
               "1 < 0+28 pop3 greeting '+OK POP3 ready <1@example>' start complete\n2 > 0+10 pop3 command 'USER bob' start complete\n"
               "3 < 28+5 pop3 response '+OK' counted complete answers 2 proved\n4 > 10+13 pop3 command 'PASS' counted complete\n"
               "5 < 33+16 pop3 response '+OK 2 messages' counted complete answers 4 proved\n"
               "6 > 23+6 pop3 command 'LIST' counted complete\n"
               "7 < 49+33 pop3 response '+OK 2 messages' counted complete answers 6 proved\n"
               "8 > 29+8 pop3 command 'LIST 2' counted complete\n9 < 82+11 pop3 response '+OK 2 200' counted complete answers 8 proved\n"
               "10 > 37+8 pop3 command 'RETR 1' counted complete\n"
               "11 < 93+58 pop3 response '+OK 120 octets' counted complete answers 10 proved\n"
               "12 > 45+8 pop3 command 'DELE 9' counted complete\n"
               "13 < 151+22 pop3 response '-ERR no such message' counted complete answers 12 proved\n"
               "14 > 53+6 pop3 command 'QUIT' counted complete\n15 < 173+9 pop3 response '+OK bye' counted complete answers 14 proved\n");
    tl_survives_gaps(&s, &tl_pop3, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = reading();
    tl_says(&s, &tl_pop3, 2, "{\"command\":\"USER\",\"user\":\"bob\"}");
    tl_says(&s, &tl_pop3, 4, "{\"command\":\"PASS\"}");
    tl_says(&s, &tl_pop3, 5, "{\"status\":\"+OK\",\"text\":\"2 messages\"}");
    tl_says(&s, &tl_pop3, 8, "{\"command\":\"LIST\",\"message\":2}");
    tl_says(&s, &tl_pop3, 13, "{\"status\":\"-ERR\",\"text\":\"no such message\"}");
    tl_script_free(&s);
}

static void secrets_and_tls(void)
{
    tl_script s = {.port = 2000};
    tl_say(&s, TL_S2C, "+OK hi\r\n");
    tl_say(&s, TL_C2S, "CAPA\r\n");
    tl_say(&s, TL_S2C, "-ERR no\r\n");
    tl_say(&s, TL_C2S, "AUTH LOGIN\r\n");
    tl_say(&s, TL_S2C, "+ VXNlcm5hbWU6\r\n");
    tl_say(&s, TL_C2S, "c2VjcmV0\r\n");
    tl_say(&s, TL_S2C, "-ERR no\r\n");
    tl_say(&s, TL_C2S, "APOP bob c4c9334bac560ecc979e58001b3e22fb\r\n");
    tl_say(&s, TL_S2C, "-ERR no\r\n");
    tl_say(&s, TL_C2S, "STLS\r\n");
    tl_say(&s, TL_S2C, "+OK go\r\n");
    tl_say_hex(&s, TL_C2S, "1603010002 0100");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_pop3,
               "1 < 0+8 pop3 greeting '+OK hi' start complete\n2 > 0+6 pop3 command 'CAPA' start complete\n"
               "3 < 8+9 pop3 response '-ERR no' counted complete answers 2 proved\n"
               "4 > 6+12 pop3 command 'AUTH LOGIN' counted complete\n"
               "5 < 17+16 pop3 challenge '+ VXNlcm5hbWU6' counted complete answers 4 proved\n6 > 18+10 pop3 auth '' counted complete\n"
               "7 < 33+9 pop3 response '-ERR no' counted complete answers 6 proved\n8 > 28+43 pop3 command 'APOP bob' counted complete\n"
               "9 < 42+9 pop3 response '-ERR no' counted complete answers 8 proved\n10 > 71+6 pop3 command 'STLS' counted complete\n"
               "11 < 51+8 pop3 response '+OK go' counted complete answers 10 proved\n12 > 77+7 tls handshake '' counted complete\n");
    tl_says(&s, &tl_pop3, 6, "{}");
    tl_says(&s, &tl_pop3, 8, "{\"command\":\"APOP\",\"user\":\"bob\"}");
    tl_script_free(&s);
}

/* Picked up midway, the roles swapped, holes in a mail, and the last response cut. */
static void picked_up(void)
{
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C, "RETR 7\r\n");
    tl_say(&s, TL_C2S, "+OK\r\nsome\r\nli");
    tl_lose(&s, TL_C2S, 5);
    tl_say(&s, TL_C2S, ".\r\n");
    tl_lose(&s, TL_C2S, 100);
    tl_say(&s, TL_C2S, "x\r\n.\r\n");
    tl_say(&s, TL_S2C, "UIDL\r\n");
    tl_say(&s, TL_C2S, "+OK\r\n1 a\r\n2");
    tl_end(&s, TL_WHY_RST);
    tl_detects(&s, &tl_pop3,
               "1 < 0+8 pop3 command 'RETR 7' start complete\n"
               "2 > 0+127 pop3 response '+OK' start missing 105 cut answers 1 proved\n"
               "3 < 8+6 pop3 command 'UIDL' counted complete\n4 > 127+11 pop3 response '+OK' counted cut answers 3 proved\n");
    tl_script_free(&s);
}

static void not_pop3(void)
{
    tl_refuses(&tl_pop3, 110);
    tl_refuses(&tl_pop3, 2000);
}

int main(void)
{
    return tl_run_cases("pop3", (const tl_case[]){{"at every split", at_every_split},
                                                  {"details", details},
                                                  {"secrets and TLS", secrets_and_tls},
                                                  {"picked up", picked_up},
                                                  {"not POP3", not_pop3},
                                                  {0}});
}
