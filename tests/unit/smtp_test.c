/*
** smtp_test.c - SMTP conversations: every split, a hole at every byte, what is said of them, and what is not taken for SMTP.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script mailing(void)
{
    tl_script s = {.port = 25};
    tl_say(&s, TL_S2C, "220 mail.example ESMTP Postfix\r\n");
    tl_say(&s, TL_C2S, "EHLO client.example\r\n");
    tl_say(&s, TL_S2C, "250-mail.example\r\n250-PIPELINING\r\n250 SIZE 10240000\r\n");
    tl_say(&s, TL_C2S, "MAIL FROM:<a@client.example> SIZE=100\r\nRCPT TO:<b@mail.example>\r\nDATA\r\n");
    tl_say(&s, TL_S2C, "250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n");
    tl_say(&s, TL_C2S, "Subject: hello\r\n\r\n..QUIT\r\n\r\n.x\r\nRSET or not\r\n.\r\n");
    tl_say(&s, TL_S2C, "250 2.0.0 Ok: queued\r\n");
    tl_say(&s, TL_C2S, "RSET\r\n");
    tl_say(&s, TL_S2C, "250 2.0.0 Ok\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "221 2.0.0 Bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = mailing();
    tl_detects(&s, &tl_smtp,
               "1 < 0+32 smtp greeting '220 mail.example ESMTP Postfix' start complete\n"
               "2 > 0+21 smtp command 'EHLO client.example' start complete\n"
               "3 < 32+53 smtp reply '250-mail.example' counted complete answers 2 proved\n"
               "4 > 21+39 smtp command 'MAIL FROM:<a@client.example> SIZE=100' counted complete\n"
               "5 > 60+26 smtp command 'RCPT TO:<b@mail.example>' counted complete\n"
               "6 > 86+6 smtp command 'DATA' counted complete\n"
               "7 < 85+14 smtp reply '250 2.1.0 Ok' counted complete answers 4 ordered\n"
               "8 < 99+14 smtp reply '250 2.1.5 Ok' counted complete answers 5 ordered\n"
               "9 < 113+37 smtp reply '354 End data with <CR><LF>.<CR><LF>' counted complete answers 6 ordered\n"
               "10 > 92+48 smtp data '' counted complete\n"
               "11 < 150+22 smtp reply '250 2.0.0 Ok: queued' counted complete answers 10 proved\n"
               "12 > 140+6 smtp command 'RSET' counted complete\n"
               "13 < 172+14 smtp reply '250 2.0.0 Ok' counted complete answers 12 proved\n"
               "14 > 146+6 smtp command 'QUIT' counted complete\n"
               "15 < 186+15 smtp reply '221 2.0.0 Bye' counted complete answers 14 proved\n");
    tl_survives_gaps(&s, &tl_smtp, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = mailing();
    tl_says(&s, &tl_smtp, 1, "{\"code\":220,\"text\":\"mail.example ESMTP Postfix\"}");
    tl_says(&s, &tl_smtp, 2, "{\"command\":\"EHLO\",\"client\":\"client.example\"}");
    tl_says(&s, &tl_smtp, 3, "{\"code\":250,\"text\":\"mail.example\",\"more\":\"PIPELINING, SIZE 10240000\"}");
    tl_says(&s, &tl_smtp, 4, "{\"command\":\"MAIL\",\"from\":\"a@client.example\",\"size\":100}");
    tl_says(&s, &tl_smtp, 5, "{\"command\":\"RCPT\",\"to\":\"b@mail.example\"}");
    tl_says(&s, &tl_smtp, 10, "{}");
    tl_script_free(&s);
}

/* What AUTH sends is never shown, whichever way it goes. */
static void secrets(void)
{
    tl_script s = {.port = 587};
    tl_say(&s, TL_S2C, "220 m\r\n");
    tl_say(&s, TL_C2S, "EHLO c\r\n");
    tl_say(&s, TL_S2C, "250 m\r\n");
    tl_say(&s, TL_C2S, "AUTH PLAIN c2VjcmV0\r\n");
    tl_say(&s, TL_S2C, "535 5.7.8 no\r\n");
    tl_say(&s, TL_C2S, "AUTH LOGIN\r\n");
    tl_say(&s, TL_S2C, "334 VXNlcm5hbWU6\r\n");
    tl_say(&s, TL_C2S, "c2VjcmV0\r\n");
    tl_lose(&s, TL_S2C, 18);
    tl_say(&s, TL_C2S, "c2VjcmV0\r\n");
    tl_say(&s, TL_S2C, "235 2.7.0 ok\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(
        &s, &tl_smtp,
        "1 < 0+7 smtp greeting '220 m' start complete\n2 > 0+8 smtp command 'EHLO c' start complete\n"
        "3 < 7+7 smtp reply '250 m' counted complete answers 2 proved\n"
        "4 > 8+21 smtp command 'AUTH PLAIN' counted complete\n5 < 14+14 smtp reply '535 5.7.8 no' counted complete answers 4 proved\n"
        "6 > 29+12 smtp command 'AUTH LOGIN' counted complete\n"
        "7 < 28+18 smtp reply '334 VXNlcm5hbWU6' counted complete answers 6 proved\n"
        "8 > 41+10 smtp auth '' counted complete unanswered\n9 > 51+10 smtp command '' counted complete\n"
        "10 < 64+14 smtp reply '235 2.7.0 ok' guessed complete answers 9 proved\n");
    tl_says(&s, &tl_smtp, 4, "{\"command\":\"AUTH\",\"mechanism\":\"PLAIN\"}");
    tl_says(&s, &tl_smtp, 8, "{}");
    tl_says(&s, &tl_smtp, 9, "{}");
    tl_script_free(&s);
}

static void chunks_and_tls(void)
{
    tl_script s = {.port = 2000};
    tl_say(&s, TL_S2C, "220 m\r\n");
    tl_say(&s, TL_C2S, "EHLO c\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n250-CHUNKING\r\n250 STARTTLS\r\n");
    tl_say(&s, TL_C2S, "MAIL FROM:<>\r\nRCPT TO:b\r\nBDAT 8\r\nQUIT\r\n\r\nBDAT 3 LAST\r\nabc");
    tl_say(&s, TL_S2C, "250 ok\r\n250 ok\r\n250 8 octets\r\n250 done\r\n");
    tl_say(&s, TL_C2S, "STARTTLS\r\n");
    tl_say(&s, TL_S2C, "220 go\r\n");
    tl_say_hex(&s, TL_C2S, "1603010002 0100");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 < 0+7 smtp greeting '220 m' start complete\n2 > 0+8 smtp command 'EHLO c' start complete\n"
               "3 < 7+35 smtp reply '250-m' counted complete answers 2 proved\n"
               "4 > 8+14 smtp command 'MAIL FROM:<>' counted complete\n5 > 22+11 smtp command 'RCPT TO:b' counted complete\n"
               "6 > 33+16 smtp data 'BDAT 8' counted complete\n7 > 49+16 smtp data 'BDAT 3 LAST' counted complete\n"
               "8 < 42+8 smtp reply '250 ok' counted complete answers 4 ordered\n"
               "9 < 50+8 smtp reply '250 ok' counted complete answers 5 ordered\n"
               "10 < 58+14 smtp reply '250 8 octets' counted complete answers 6 ordered\n"
               "11 < 72+10 smtp reply '250 done' counted complete answers 7 ordered\n"
               "12 > 65+10 smtp command 'STARTTLS' counted complete\n13 < 82+8 smtp reply '220 go' counted complete answers 12 proved\n"
               "14 > 75+7 tls handshake '' counted complete\n");
    tl_says(&s, &tl_smtp, 6, "{\"command\":\"BDAT\",\"octets\":8,\"last\":0}");
    tl_script_free(&s);
}

/* The end of the mail is lost: the reply to it ends it.  And a pick-up in the middle, with the roles swapped. */
static void after_losses(void)
{
    tl_script s = {.port = 25};
    tl_say(&s, TL_C2S, "250 2.1.5 Ok\r\n");
    tl_say(&s, TL_S2C, "DATA\r\n");
    tl_say(&s, TL_C2S, "354 go\r\n");
    tl_say(&s, TL_S2C, "one\r\n");
    tl_lose(&s, TL_S2C, 10);
    tl_say(&s, TL_S2C, "two\r");
    tl_lose(&s, TL_S2C, 4);
    tl_say(&s, TL_C2S, "250 queued\r\n");
    tl_say(&s, TL_S2C, "quit\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 > 0+14 smtp reply '250 2.1.5 Ok' start complete unasked\n2 < 0+6 smtp command 'DATA' start complete\n"
               "3 > 14+8 smtp reply '354 go' counted complete answers 2 proved\n4 < 6+23 smtp data '' counted missing 14 cut\n"
               "5 > 22+12 smtp reply '250 queued' counted complete answers 4 proved\n"
               "6 < 29+6 smtp command 'quit' counted complete unanswered\n");
    tl_script_free(&s);
    s = (tl_script){.port = 25};
    tl_say(&s, TL_S2C, "220 m ESMTP\r\n");
    tl_say(&s, TL_C2S, "HELO c\r\nMAIL FROM:<a@b");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 < 0+13 smtp greeting '220 m ESMTP' start complete\n2 > 0+8 smtp command 'HELO c' start complete unanswered\n"
               "3 > 8+14 smtp command 'MAIL FROM:<a@b' counted cut unanswered\n");
    tl_script_free(&s);
}

/* A hole in a reply: its other lines are no reply of their own.  A reply that is owed is one, and so is one whose command may be lost. */
static void replies_with_holes(void)
{
    tl_script s = {.port = 25};
    tl_say(&s, TL_C2S, "EHLO c\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n250-SIZ");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "250-DSN\r\n250 HELP\r\n");
    tl_say(&s, TL_C2S, "EHLO d\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_lose(&s, TL_C2S, 10);
    tl_say(&s, TL_S2C, "250 ok\r\n");
    tl_say(&s, TL_C2S, "EHLO e\r\n");
    tl_say(&s, TL_S2C, "250 o");
    tl_lose(&s, TL_S2C, 4);
    tl_say(&s, TL_S2C, "250 once more\r\n");
    tl_say(&s, TL_C2S, "EHLO f\r\nNOOP\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "250 owed\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 > 0+8 smtp command 'EHLO c' start complete\n2 < 0+14 smtp reply '250-m' start cut answers 1 proved\n"
               "3 < 34+19 smtp continuation '250-DSN' resynced complete\n4 > 8+8 smtp command 'EHLO d' counted complete\n"
               "5 < 53+7 smtp reply '250-m' counted cut answers 4 proved\n6 < 80+8 smtp reply '250 ok' resynced complete unasked\n"
               "7 > 26+8 smtp command 'EHLO e' resynced complete\n8 < 88+5 smtp reply '250 o' counted cut answers 7 proved\n"
               "9 < 97+15 smtp reply '250 once more' resynced complete unasked\n10 > 34+8 smtp command 'EHLO f' counted complete\n"
               "11 > 42+6 smtp command 'NOOP' counted complete\n12 < 112+7 smtp reply '250-m' counted cut\n"
               "13 < 139+10 smtp reply '250 owed' guessed complete\n");
    tl_script_free(&s);
}

/* EHLO's keywords are its answer's, whatever else is owed: the reply behind them is the next command's, and is not taken for it. */
static void keywords_behind_a_hole(void)
{
    tl_script s = {.port = 25};
    tl_say(&s, TL_C2S, "EHLO c\r\nNOOP\r\nVRFY a\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n250-SIZ");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "250-X-OWN\r\n250 8BITMIME\r\n250 ok\r\n252 a\r\n");
    tl_say(&s, TL_C2S, "EHLO d\r\nNOOP\r\n");
    tl_say(&s, TL_S2C, "250-m\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "250 DSN\r\n250 ok\r\n");
    tl_say(&s, TL_C2S, "QUIT\r\n");
    tl_say(&s, TL_S2C, "221 bye\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 > 0+8 smtp command 'EHLO c' start complete\n"
               "2 > 8+6 smtp command 'NOOP' counted complete\n"
               "3 > 14+8 smtp command 'VRFY a' counted complete\n"
               "4 < 0+14 smtp reply '250-m' start cut answers 1 ordered\n"
               "5 < 34+25 smtp continuation '250-X-OWN' resynced complete\n"
               "6 < 59+8 smtp reply '250 ok' counted complete\n"
               "7 < 67+7 smtp reply '252 a' counted complete\n"
               "8 > 22+8 smtp command 'EHLO d' counted complete\n"
               "9 > 30+6 smtp command 'NOOP' counted complete\n"
               "10 < 74+7 smtp reply '250-m' counted cut\n"
               "11 < 101+9 smtp continuation '250 DSN' resynced complete\n"
               "12 < 110+8 smtp reply '250 ok' counted complete\n"
               "13 > 36+6 smtp command 'QUIT' counted complete\n"
               "14 < 118+9 smtp reply '221 bye' counted complete\n");
    tl_script_free(&s);
    /* Lines that may be either: nobody is said to be answered by them, nor to be left without an answer. */
    s = (tl_script){.port = 25};
    tl_say(&s, TL_C2S, "RCPT TO:<a>\r\nRCPT TO:<b>\r\n");
    tl_say(&s, TL_S2C, "550-no such\r\n");
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, "550 mailbox\r\n");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_smtp,
               "1 > 0+13 smtp command 'RCPT TO:<a>' start complete\n"
               "2 > 13+13 smtp command 'RCPT TO:<b>' counted complete\n"
               "3 < 0+13 smtp reply '550-no such' start cut answers 1 ordered\n"
               "4 < 33+13 smtp reply '550 mailbox' guessed complete\n");
    tl_script_free(&s);
}

static void not_smtp(void)
{
    tl_refuses(&tl_smtp, 25);
    tl_refuses(&tl_smtp, 8025);
}

int main(void)
{
    return tl_run_cases("smtp", (const tl_case[]){{"keywords behind a hole", keywords_behind_a_hole},
                                                  {"at every split", at_every_split},
                                                  {"details", details},
                                                  {"secrets", secrets},
                                                  {"chunks and TLS", chunks_and_tls},
                                                  {"after losses", after_losses},
                                                  {"replies with holes", replies_with_holes},
                                                  {"not SMTP", not_smtp},
                                                  {0}});
}
