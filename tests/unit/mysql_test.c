/*
** mysql_test.c - MySQL: a login, result sets, statements, errors, TLS, and packets found again after a hole.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static const char *const greeting = "0a '8.0.36'00 08000000 '12345678' 00 ffff ff 0200 ffdf 15 00000000000000000000 'abcdefghijkl'00"
                                    "'caching_sha2_passwd'";

/* Packets: the number stands behind the length and is not counted by it. */
static void packet(tl_script *s, tl_dir dir, unsigned number, const char *inside)
{
    tl_script only = {0};
    tl_say_hex(&only, dir, inside);
    size_t n = only.events[0].bytes.n;
    uint8_t all[2000] = {(uint8_t)n, (uint8_t)(n >> 8), 0, (uint8_t)number};
    memcpy(all + 4, only.events[0].bytes.p, n);
    tl_say_bytes(s, dir, all, n + 4);
    tl_script_free(&only);
}

static void login(tl_script *s)
{
    packet(s, TL_S2C, 0, greeting);
    packet(s, TL_C2S, 1, "0da68500 00000001 21 0000000000000000000000 000000000000000000000000 'bob'00 [1 'proof'] 'shop'00");
    packet(s, TL_S2C, 2, "00 00 00 0200 0000");
}

static void query(tl_script *s)
{
    packet(s, TL_C2S, 0, "03'select a from t'");
    packet(s, TL_S2C, 1, "01");
    packet(s, TL_S2C, 2, "03'def' [1 'shop'] [1 't'] [1 't'] [1 'a'] [1 'a'] 0c 2100 ff000000 fd 0000 00 0000");
    packet(s, TL_S2C, 3, "fe 0000 2200");
    packet(s, TL_S2C, 4, "[1 'one'] [1 'first']");
    packet(s, TL_S2C, 5, "[1 'two'] fb");
    packet(s, TL_S2C, 6, "fe 0000 2200");
}

static void at_every_split(void)
{
    tl_script s = {.port = 3306};
    login(&s);
    query(&s);
    packet(&s, TL_C2S, 0, "03'selekt'");
    packet(&s, TL_S2C, 1, "ff 2804 '#42000' 'syntax'");
    packet(&s, TL_C2S, 0, "19 01000000");
    packet(&s, TL_C2S, 0, "03'insert into t'");
    packet(&s, TL_S2C, 1, "00 03 00 0200 0000");
    packet(&s, TL_C2S, 0, "01");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_mysql,
               "1 < 0+75 mysql greeting '8.0.36' start complete\n"
               "2 > 0+51 mysql login 'bob' start complete\n"
               "3 < 75+11 mysql ok '' counted complete answers 2 proved\n"
               "4 > 51+20 mysql query 'select a from t' counted complete\n"
               "5 < 86+5 mysql result_set '' counted complete answers 4 proved\n"
               "6 < 91+34 mysql column '' counted complete\n"
               "7 < 125+9 mysql eof '' counted complete\n"
               "8 < 134+14 mysql row '' counted complete\n"
               "9 < 148+9 mysql row '' counted complete\n"
               "10 < 157+9 mysql eof '' counted complete\n"
               "11 > 71+11 mysql query 'selekt' counted complete\n"
               "12 < 166+19 mysql error 'syntax' counted complete answers 11 proved\n"
               "13 > 82+9 mysql stmt_close '' counted complete\n"
               "14 > 91+18 mysql query 'insert into t' counted complete\n"
               "15 < 185+11 mysql ok '' counted complete answers 14 proved\n"
               "16 > 109+5 mysql quit '' counted complete\n");
    tl_says(&s, &tl_mysql, 1, "{\"number\":0,\"server_version\":\"8.0.36\"}");
    tl_says(&s, &tl_mysql, 2, "{\"number\":1,\"user\":\"bob\",\"database\":\"shop\"}");
    tl_says(&s, &tl_mysql, 4, "{\"number\":0,\"query\":\"select a from t\"}");
    tl_says(&s, &tl_mysql, 5, "{\"number\":1,\"columns\":1}");
    tl_says(&s, &tl_mysql, 6, "{\"number\":2,\"table\":\"t\",\"column\":\"a\"}");
    tl_says(&s, &tl_mysql, 12, "{\"number\":1,\"code\":1064,\"sqlstate\":\"42000\",\"message\":\"syntax\"}");
    tl_says(&s, &tl_mysql, 15, "{\"number\":1,\"affected_rows\":3}");
    tl_script_free(&s);
}

static void tls_follows(void)
{
    tl_script s = {.port = 3306};
    packet(&s, TL_S2C, 0, greeting);
    packet(&s, TL_C2S, 1, "0dae8500 00000001 21 0000000000000000000000 000000000000000000000000");
    tl_say_hex(&s, TL_C2S, "17 0303 [2 '0123456789']");
    tl_say_hex(&s, TL_S2C, "17 0303 [2 '0123456789']");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_mysql,
               "1 < 0+75 mysql greeting '8.0.36' start complete\n"
               "2 > 0+36 mysql ssl_request '' start complete\n"
               "3 > 36+15 tls application_data '' counted complete\n"
               "4 < 75+15 tls application_data '' counted complete\n");
    tl_script_free(&s);
}

/* After a hole a packet is believed with the one that follows it; the head of a result set, one byte, only with both that follow. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 3306};
    login(&s);
    query(&s);
    query(&s);
    query(&s);
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_mysql, 1);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 3306};
    query(&s);
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_mysql,
               "1 > 0+20 mysql query 'select a from t' start complete\n"
               "2 < 0+5 mysql result_set '' start complete answers 1 proved\n"
               "3 < 5+34 mysql column '' counted complete\n"
               "4 < 39+9 mysql eof '' counted complete\n"
               "5 < 48+14 mysql row '' counted complete\n"
               "6 < 62+9 mysql row '' counted complete\n"
               "7 < 71+9 mysql eof '' counted complete\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_mysql, 3306);
}

int main(void)
{
    return tl_run_cases("mysql", (const tl_case[]){{"at every split", at_every_split},
                                                   {"TLS follows", tls_follows},
                                                   {"a hole at every byte", a_hole_at_every_byte},
                                                   {"picked up midway", picked_up_midway},
                                                   {"what it is not", what_it_is_not},
                                                   {0}});
}
