/*
** postgresql_test.c - PostgreSQL: a login, simple and extended queries, what is the response to what, encryption, and what is lost.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static void login(tl_script *s)
{
    tl_say_hex(s, TL_C2S, "[4+4 00030000 'user'00'bob'00 'database'00'shop'00 00]");
    tl_say_hex(s, TL_S2C, "'R'[4+4 00000000] 'S'[4+4 'TimeZone'00'UTC'00] 'K'[4+4 00000007 01020304] 'Z'[4+4 'I']");
}

static void query(tl_script *s)
{
    tl_say_hex(s, TL_C2S, "'Q'[4+4 'select a, b from t'00]");
    tl_say_hex(s, TL_S2C,
               "'T'[4+4 0002 'a'00 00000001 0001 00000017 0004 ffffffff 0000 'b'00 00000001 0002 00000019 ffff ffffffff 0000]"
               "'D'[4+4 0002 [4 '17'] [4 'seventeen']] 'D'[4+4 0002 [4 '18'] ffffffff] 'C'[4+4 'SELECT 2'00] 'Z'[4+4 'I']");
}

static void simple_query(void)
{
    tl_script s = {.port = 5432};
    login(&s);
    query(&s);
    tl_say_hex(&s, TL_C2S, "'Q'[4+4 'selekt'00]");
    tl_say_hex(&s, TL_S2C, "'E'[4+4 'SERROR'00 'VERROR'00 'C42601'00 'Msyntax error'00 00] 'Z'[4+4 'I']");
    tl_say_hex(&s, TL_C2S, "'X'[4+4]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_postgresql,
               "1 > 0+32 postgresql startup 'bob' start complete\n"
               "2 < 0+9 postgresql authentication '' start complete\n"
               "3 < 9+18 postgresql parameter_status 'TimeZone' counted complete\n"
               "4 < 27+13 postgresql backend_key '' counted complete\n"
               "5 < 40+6 postgresql ready '' counted complete answers 1 proved\n"
               "6 > 32+24 postgresql query 'select a, b from t' counted complete\n"
               "7 < 46+47 postgresql row_description 'a' counted complete\n"
               "8 < 93+26 postgresql data_row '' counted complete\n"
               "9 < 119+17 postgresql data_row '' counted complete\n"
               "10 < 136+14 postgresql command_complete 'SELECT 2' counted complete answers 6 proved\n"
               "11 < 150+6 postgresql ready '' counted complete answers 6 proved\n"
               "12 > 56+12 postgresql query 'selekt' counted complete\n"
               "13 < 156+41 postgresql error 'syntax error' counted complete answers 12 proved\n"
               "14 < 197+6 postgresql ready '' counted complete answers 12 proved\n"
               "15 > 68+5 postgresql terminate '' counted complete\n");
    tl_says(&s, &tl_postgresql, 1, "{\"protocol_minor\":0,\"user\":\"bob\",\"database\":\"shop\"}");
    tl_says(&s, &tl_postgresql, 2, "{\"authentication\":\"ok\"}");
    tl_says(&s, &tl_postgresql, 6, "{\"query\":\"select a, b from t\"}");
    tl_says(&s, &tl_postgresql, 7, "{\"columns\":2}");
    tl_says(&s, &tl_postgresql, 10, "{\"tag\":\"SELECT 2\"}");
    tl_says(&s, &tl_postgresql, 13, "{\"severity\":\"ERROR\",\"sqlstate\":\"42601\",\"message\":\"syntax error\"}");
    tl_script_free(&s);
}

/* One ReadyForQuery answers a whole series, by its first message. */
static void extended_query(void)
{
    tl_script s = {.port = 5432};
    login(&s);
    tl_say_hex(
        &s, TL_C2S,
        "'P'[4+4 's1'00 'select $1'00 0000] 'B'[4+4 00 's1'00 0000 0001 [4 'x'] 0000] 'D'[4+4 'P' 00] 'E'[4+4 00 00000000] 'S'[4+4]");
    tl_say_hex(&s, TL_S2C, "'1'[4+4] '2'[4+4] 'n'[4+4] 'D'[4+4 0001 [4 'x']] 'C'[4+4 'SELECT 1'00] 'Z'[4+4 'I']");
    tl_say_hex(&s, TL_C2S, "'S'[4+4]");
    tl_say_hex(&s, TL_S2C, "'Z'[4+4 'I']");
    tl_say_hex(&s, TL_S2C, "'E'[4+4 'SFATAL'00 'VFATAL'00 'C57P01'00 'Mterminating'00 00]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_postgresql,
               "1 > 0+32 postgresql startup 'bob' start complete\n"
               "2 < 0+9 postgresql authentication '' start complete\n"
               "3 < 9+18 postgresql parameter_status 'TimeZone' counted complete\n"
               "4 < 27+13 postgresql backend_key '' counted complete\n"
               "5 < 40+6 postgresql ready '' counted complete answers 1 proved\n"
               "6 > 32+20 postgresql parse 'select $1' counted complete\n"
               "7 > 52+20 postgresql bind 's1' counted complete\n"
               "8 > 72+7 postgresql describe '' counted complete\n"
               "9 > 79+10 postgresql execute '' counted complete\n"
               "10 > 89+5 postgresql sync '' counted complete\n"
               "11 < 46+5 postgresql parse_complete '' counted complete\n"
               "12 < 51+5 postgresql bind_complete '' counted complete\n"
               "13 < 56+5 postgresql no_data '' counted complete\n"
               "14 < 61+12 postgresql data_row '' counted complete\n"
               "15 < 73+14 postgresql command_complete 'SELECT 1' counted complete answers 6 proved\n"
               "16 < 87+6 postgresql ready '' counted complete answers 6 proved\n"
               "17 > 94+5 postgresql sync '' counted complete\n"
               "18 < 93+6 postgresql ready '' counted complete answers 17 proved\n"
               "19 < 99+40 postgresql error 'terminating' counted complete unasked\n");
    tl_says(&s, &tl_postgresql, 6, "{\"statement\":\"s1\",\"query\":\"select $1\"}");
    tl_says(&s, &tl_postgresql, 7, "{\"statement\":\"s1\"}");
    tl_script_free(&s);
}

static void encryption(void)
{
    tl_script s = {.port = 5432};
    tl_say_hex(&s, TL_C2S, "00000008 04d21630");
    tl_say_hex(&s, TL_S2C, "'N'");
    tl_say_hex(&s, TL_C2S, "00000008 04d2162f");
    tl_say_hex(&s, TL_S2C, "'S'");
    tl_say_hex(&s, TL_C2S, "17 0303 [2 '0123456789']");
    tl_say_hex(&s, TL_S2C, "17 0303 [2 '0123456789']");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_postgresql,
               "1 > 0+8 postgresql gssenc_request '' start complete\n"
               "2 < 0+1 postgresql encryption_answer 'N' start complete answers 1 proved\n"
               "3 > 8+8 postgresql ssl_request '' counted complete\n"
               "4 < 1+1 postgresql encryption_answer 'S' counted complete answers 3 proved\n"
               "5 > 16+15 tls application_data '' counted complete\n"
               "6 < 2+15 tls application_data '' counted complete\n");
    tl_script_free(&s);
    tl_script c = {.port = 5432};
    tl_say_hex(&c, TL_C2S, "00000010 04d2162e 00000007 01020304");
    tl_end(&c, TL_WHY_FIN);
    tl_detects(&c, &tl_postgresql, "1 > 0+16 postgresql cancel_request '' start complete\n");
    tl_script_free(&c);
}

/* A password or a description is believed only with what follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 5432};
    login(&s);
    query(&s);
    query(&s);
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_postgresql, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_postgresql, 5432);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 5432};
    tl_say_hex(&s, TL_S2C, "'D'[4+4 0001 [4 '1']] 'C'[4+4 'SELECT 1'00] 'Z'[4+4 'I']");
    tl_say_hex(&s, TL_C2S, "'Q'[4+4 'select 2'00]");
    tl_say_hex(&s, TL_S2C, "'D'[4+4 0001 [4 '2']] 'C'[4+4 'SELECT 1'00] 'Z' 0000");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_postgresql,
               "1 < 0+12 postgresql data_row '' start complete\n"
               "2 < 12+14 postgresql command_complete 'SELECT 1' counted complete unasked\n"
               "3 < 26+6 postgresql ready '' counted complete unasked\n"
               "4 > 0+14 postgresql query 'select 2' start complete unanswered\n"
               "5 < 32+12 postgresql data_row '' counted complete\n"
               "6 < 44+14 postgresql command_complete 'SELECT 1' counted complete answers 4 proved\n");
    tl_script_free(&s);
    s = (tl_script){.port = 40000};
    tl_say_hex(&s, TL_S2C, "'Q'[4+4 'select 1'00] 'Q'[4+4 'select 2'00]");
    tl_say_hex(&s, TL_C2S, "'D'[4+4 0001 [4 '1']] 'C'[4+4 'SELECT 1'00] 'Z'[4+4 'I']");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_postgresql,
               "1 < 0+14 postgresql query 'select 1' start complete\n"
               "2 < 14+14 postgresql query 'select 2' counted complete unanswered\n"
               "3 > 0+12 postgresql data_row '' start complete\n"
               "4 > 12+14 postgresql command_complete 'SELECT 1' counted complete answers 1 ordered\n"
               "5 > 26+6 postgresql ready '' counted complete answers 1 ordered\n");
    tl_script_free(&s);
}

int main(void)
{
    return tl_run_cases("postgresql", (const tl_case[]){{"simple query", simple_query},
                                                        {"extended query", extended_query},
                                                        {"encryption", encryption},
                                                        {"a hole at every byte", a_hole_at_every_byte},
                                                        {"what it is not", what_it_is_not},
                                                        {"picked up midway", picked_up_midway},
                                                        {0}});
}
