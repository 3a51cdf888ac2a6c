/*
** dns_test.c - DNS over TCP: pipelined queries answered out of order, a zone transfer, lengths and names that lie.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static const char *const query_a = "001d 1234 0100 0001 0000 0000 0000 07'example'03'org'00 0001 0001";
static const char *const query_aaaa = "001d 1235 0100 0001 0000 0000 0000 07'example'03'org'00 001c 0001";
static const char *const answer_a = "003d 1234 8180 0001 0002 0000 0000 07'example'03'org'00 0001 0001"
                                    "c00c 0001 0001 00000e10 0004 c0000201  c00c 0001 0001 00000e10 0004 c0000202";
static const char *const answer_aaaa = "0039 1235 8180 0001 0001 0000 0000 07'example'03'org'00 001c 0001"
                                       "c00c 001c 0001 00000e10 0010 20010db8 00000000 00000000 00000001";
static const char *const query_none = "[2 0007 0100 0001 0000 0000 0000 03'abc'00 0010 0001]";
static const char *const answer_none = "[2 0007 8183 0001 0000 0000 0000 03'abc'00 0010 0001]";

static tl_script conversation(void)
{
    tl_script s = {.port = 53};
    tl_say_hex(&s, TL_C2S, query_a);
    tl_say_hex(&s, TL_C2S, query_aaaa);
    tl_say_hex(&s, TL_S2C, answer_aaaa);
    tl_say_hex(&s, TL_S2C, answer_a);
    tl_say_hex(&s, TL_C2S, query_none);
    tl_say_hex(&s, TL_S2C, answer_none);
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_dns,
               "1 > 0+31 dns query 'A example.org' start complete\n"
               "2 > 31+31 dns query 'AAAA example.org' counted complete\n"
               "3 < 0+59 dns response 'AAAA example.org NOERROR' start complete answers 2 by_id\n"
               "4 < 59+63 dns response 'A example.org NOERROR' counted complete answers 1 by_id\n"
               "5 > 62+23 dns query 'TXT abc' counted complete\n"
               "6 < 122+23 dns response 'TXT abc NXDOMAIN' counted complete answers 5 by_id\n");
    tl_says(&s, &tl_dns, 1, "{\"id\":4660,\"name\":\"example.org\",\"type\":\"A\"}");
    tl_says(&s, &tl_dns, 3,
            "{\"id\":4661,\"name\":\"example.org\",\"type\":\"AAAA\",\"rcode\":\"NOERROR\",\"answers\":1,\"addresses\":\"2001:db8::1\"}");
    tl_says(
        &s, &tl_dns, 4,
        "{\"id\":4660,\"name\":\"example.org\",\"type\":\"A\",\"rcode\":\"NOERROR\",\"answers\":2,\"addresses\":\"192.0.2.1 192.0.2.2\"}");
    tl_says(&s, &tl_dns, 6, "{\"id\":7,\"name\":\"abc\",\"type\":\"TXT\",\"rcode\":\"NXDOMAIN\",\"answers\":0}");
    tl_script_free(&s);
}

/* A message whose question is whole is believed at once, so none is missed but the damaged one. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_dns, 0);
    tl_script_free(&s);
}

/* RFC 5936 section 2.2: the responses of one transfer; only the first must have the question. */
static void a_zone_transfer(void)
{
    tl_script s = {.port = 53};
    tl_say_hex(&s, TL_C2S, "[2 0009 0000 0001 0000 0000 0000 01'a'03'org'00 00fc 0001]");
    tl_say_hex(&s, TL_S2C, "[2 0009 8480 0001 0001 0000 0000 01'a'03'org'00 00fc 0001 c00c 0002 0001 00000e10 0002 c00c]");
    tl_say_hex(&s, TL_S2C, "[2 0009 8480 0000 0001 0000 0000 01'b'00 0001 0001 00000e10 0004 c0000203]");
    tl_say_hex(&s, TL_S2C, "[2 000a 8480 0001 0000 0000 0000 02'xy'00 0001 0001]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_dns,
               "1 > 0+25 dns query 'AXFR a.org' start complete\n"
               "2 < 0+39 dns response 'AXFR a.org NOERROR' start complete answers 1 by_id\n"
               "3 < 39+31 dns response 'NOERROR' counted complete\n"
               "4 < 70+22 dns response 'A xy NOERROR' counted complete unasked\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    static const char *const lies[] = {
        "0005 1234 0100 0001",                                               /* shorter than a header */
        "001d 1234 0140 0001 0000 0000 0000 07'example'03'org'00 0001 0001", /* Z is set */
        "001d 1234 0100 0002 0000 0000 0000 07'example'03'org'00 0001 0001", /* two questions */
        "001d 1234 0100 0001 0009 0000 0000 07'example'03'org'00 0001 0001", /* more records than fit */
        "0014 1234 0100 0001 0000 0000 0000 07'example'03'org'00 0001 0001", /* the name ends behind the message */
        "001d 1234 0100 0001 0000 0000 0000 47'example'03'org'00 0001 0001", /* no label */
        "001d 1234 0100 0001 0000 0000 0000 07'example'03'org'00 0001 0077", /* no class */
    };
    tl_refuses(&tl_dns, 53);
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        tl_script s = {.port = 53};
        tl_say_hex(&s, TL_C2S, lies[i]);
        tl_say_hex(&s, TL_S2C, lies[i]);
        tl_end(&s, TL_WHY_FIN);
        char *heard = tl_hear(&s, tl_registry_builtin(), 0);
        CU_ASSERT_PTR_NULL(strstr(heard, " dns "));
        free(heard);
        tl_script_free(&s);
    }
}

/* Roles swapped, and the last message cut by the end of the capture. */
static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, query_a);
    tl_say_hex(&s, TL_C2S, answer_a);
    tl_say_hex(&s, TL_C2S, "003d 1234 8180 0001 0001 0000 0000 07'example'03'org'00 0001");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_dns,
               "1 < 0+31 dns query 'A example.org' start complete\n"
               "2 > 0+63 dns response 'A example.org NOERROR' start complete answers 1 by_id\n"
               "3 > 63+29 dns response 'NOERROR' counted cut unasked\n");
    tl_script_free(&s);
}

int main(void)
{
    return tl_run_cases("dns", (const tl_case[]){{"at every split", at_every_split},
                                                 {"a hole at every byte", a_hole_at_every_byte},
                                                 {"a zone transfer", a_zone_transfer},
                                                 {"what it is not", what_it_is_not},
                                                 {"picked up midway", picked_up_midway},
                                                 {0}});
}
