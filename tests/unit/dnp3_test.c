/*
** dnp3_test.c - DNP3: fragments over link frames, pairs by sequence number and addresses, link frames of their own, bad checksums.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

/* Master 1, outstation 10. */
static const char *const read_classes = "056414c40a0001008fedc0c1013c02063c03063c04063c01067a6f";
static const char *const answer_begins = "0564154401000a004d1941e18190001e02000002010100010200b576";
static const char *const answer_ends = "0564094401000a003eb6820103009992";
static const char *const confirm = "056408c40a000100fc42c1c100c524";
static const char *const unsolicited = "0564104401000a00c4e1c3f282000002011701008193de";
static const char *const ask_status = "056405c90a000100feda";
static const char *const status = "0564050b01000a006ded";
static const char *const write_time = "056412c40a0001005686c2c30232010701a1b2c3d4e500c371";
static const char *const refused = "05640a4401000a006e25c4c3810004bdb7";

static tl_script conversation(void)
{
    tl_script s = {.port = 20000};
    tl_say_hex(&s, TL_C2S, read_classes);
    tl_say_hex(&s, TL_S2C, answer_begins);
    tl_say_hex(&s, TL_S2C, answer_ends);
    tl_say_hex(&s, TL_C2S, confirm);
    tl_say_hex(&s, TL_S2C, unsolicited);
    tl_say_hex(&s, TL_C2S, ask_status);
    tl_say_hex(&s, TL_S2C, status);
    tl_say_hex(&s, TL_C2S, write_time);
    tl_say_hex(&s, TL_S2C, refused);
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_dnp3,
               "1 > 0+27 dnp3 request 'read g60v2' start complete\n"
               "2 < 0+44 dnp3 response 'response g30v2' start complete answers 1 by_id\n"
               "3 > 27+15 dnp3 confirm 'confirm' counted complete\n"
               "4 < 44+23 dnp3 unsolicited 'unsolicited response g2v1' counted complete\n"
               "5 > 42+10 dnp3 link 'request link status' counted complete\n"
               "6 < 67+10 dnp3 link 'link status' counted complete\n"
               "7 > 52+25 dnp3 request 'write g50v1' counted complete\n"
               "8 < 77+17 dnp3 response 'response parameter error' counted complete answers 7 by_id\n");
    tl_says(&s, &tl_dnp3, 1,
            "{\"source\":1,\"destination\":10,\"from\":\"master\",\"link_function\":\"unconfirmed user data\",\"function\":\"read\","
            "\"sequence\":1,\"object_group\":60,\"object_variation\":2}");
    tl_says(
        &s, &tl_dnp3, 2,
        "{\"source\":10,\"destination\":1,\"from\":\"outstation\",\"link_function\":\"unconfirmed user data\",\"function\":\"response\","
        "\"sequence\":1,\"object_group\":30,\"object_variation\":2,\"indications\":\"need time, device restart\"}");
    tl_says(&s, &tl_dnp3, 6, "{\"source\":10,\"destination\":1,\"from\":\"outstation\",\"link_function\":\"link status\"}");
    tl_script_free(&s);
}

/* The header has a checksum of its own.  What goes on a fragment whose beginning was lost is a message by itself, which "was never sent":
** fragments of one frame each, here. */
static void a_hole_at_every_byte(void)
{
    tl_script s = {.port = 20000};
    tl_say_hex(&s, TL_C2S, read_classes);
    tl_say_hex(&s, TL_S2C, refused);
    tl_say_hex(&s, TL_C2S, confirm);
    tl_say_hex(&s, TL_S2C, unsolicited);
    tl_say_hex(&s, TL_C2S, ask_status);
    tl_say_hex(&s, TL_S2C, status);
    tl_say_hex(&s, TL_C2S, write_time);
    tl_say_hex(&s, TL_S2C, refused);
    tl_end(&s, TL_WHY_FIN);
    tl_survives_gaps(&s, &tl_dnp3, 0);
    tl_script_free(&s);
}

/* The end of a fragment whose beginning was lost. */
static void the_rest_of_a_fragment(void)
{
    tl_script s = {.port = 20000};
    tl_say_hex(&s, TL_C2S, read_classes);
    tl_lose(&s, TL_S2C, strlen(answer_begins) / 2);
    tl_say_hex(&s, TL_S2C, answer_ends);
    tl_say_hex(&s, TL_S2C, unsolicited);
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_dnp3,
               "1 > 0+27 dnp3 request 'read g60v2' start complete unanswered\n"
               "2 < 28+16 dnp3 continuation '' resynced complete\n"
               "3 < 44+23 dnp3 unsolicited 'unsolicited response g2v1' counted complete\n");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, write_time);
    tl_say_hex(&s, TL_C2S, refused);
    tl_say_hex(&s, TL_S2C, "05640bc40a00");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_dnp3,
               "1 < 0+25 dnp3 request 'write g50v1' start complete\n"
               "2 > 0+17 dnp3 response 'response parameter error' start complete answers 1 by_id\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_script s = {.port = 20000};
    tl_say_hex(&s, TL_C2S, "056405c90a000100 0000");
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_STRING_NOT_EQUAL(h.protocol, "dnp3");
    tl_heard_free(&h);
    tl_script_free(&s);
    tl_refuses(&tl_dnp3, 20000);
}

int main(void)
{
    return tl_run_cases("dnp3", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"the rest of a fragment", the_rest_of_a_fragment},
                                                  {"picked up midway", picked_up_midway},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
