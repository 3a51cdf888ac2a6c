/*
** kafka_test.c - Kafka: responses by correlation id, what is not answered, and responses found again by what is open.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const versions = "[4 0012 0003 00000001 [2 'console'] 00 09'librdkafka' 06'2.3.0' 00]";
static const char *const metadata = "[4 0003 0001 00000002 [2 'console'] 00000001 [2 'orders']]";
static const char *const fetch = "[4 0001 000b 00000003 [2 'console'] ffffffff 000001f4 00000001]";
static const char *const produce_unanswered = "[4 0000 0007 00000004 [2 'console'] ffff 0000 000005dc 00000000]";

static tl_script conversation(void)
{
    tl_script s = {.port = 9092};
    tl_say_hex(&s, TL_C2S, versions);
    tl_say_hex(&s, TL_S2C, "[4 00000001 0000 0000000a 0000 0000 0009]");
    tl_say_hex(&s, TL_C2S, metadata);
    tl_say_hex(&s, TL_C2S, fetch);
    tl_say_hex(&s, TL_C2S, produce_unanswered);
    tl_say_hex(&s, TL_S2C, "[4 00000002 00000001 00000000 [2 'broker'] 00002384 ffff]");
    tl_say_hex(&s, TL_S2C, "[4 00000003 00000000 0000 00000000 '0123456789']");
    tl_say_hex(&s, TL_C2S, "[4 000c 0001 00000005 [2 'console'] [2 'group'] 00000001 0000]");
    tl_say_hex(&s, TL_S2C, "[4 00000005 00000000 0000]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_kafka,
               "1 > 0+40 kafka request 'ApiVersions v3' start complete\n"
               "2 < 0+20 kafka response 'ApiVersions v3' start complete answers 1 by_id\n"
               "3 > 40+33 kafka request 'Metadata v1 orders' counted complete\n"
               "4 > 73+33 kafka request 'Fetch v11' counted complete\n"
               "5 > 106+33 kafka request 'Produce v7' counted complete\n"
               "6 < 20+30 kafka response 'Metadata v1' counted complete answers 3 by_id\n"
               "7 < 50+28 kafka response 'Fetch v11' counted complete answers 4 by_id\n"
               "8 > 139+34 kafka request 'Heartbeat v1 group' counted complete\n"
               "9 < 78+14 kafka response 'Heartbeat v1' counted complete answers 8 by_id\n");
    tl_says(&s, &tl_kafka, 4, "{\"api\":\"Fetch\",\"api_version\":11,\"correlation_id\":3,\"client_id\":\"console\"}");
    tl_says(&s, &tl_kafka, 7, "{\"api\":\"Fetch\",\"api_version\":11,\"correlation_id\":3}");
    tl_script_free(&s);
}

/* A request that names its client is beyond doubt, and so is a response that is waited for. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_kafka, 0);
    tl_script_free(&s);
}

/* By hand from the protocol guide: API, version, and what follows the client's name. */
static void topics_and_groups(void)
{
    static const struct {
        const char *request, *says;
    } cases[] = {
        {"0000 0002 00000001 [2 'cli'] 0001 000005dc 00000001 [2 't']", "\"topic\":\"t\""},
        {"0000 0007 00000001 [2 'cli'] ffff 0001 000005dc 00000001 [2 't']", "\"topic\":\"t\""},
        {"0000 0009 00000001 [2 'cli'] 00 00 0001 000005dc 02 03'tt'", "\"topic\":\"tt\""},
        {"0000 0009 00000001 [2 'cli'] 01 05 02'xy' 03'id' 0001 000005dc 02 03'tt'", "\"topic\":\"tt\""},
        {"0001 0000 00000001 [2 'cli'] ffffffff 000001f4 00000001 00000001 [2 't']", "\"topic\":\"t\""},
        {"0001 000b 00000001 [2 'cli'] ffffffff 000001f4 00000001 03200000 00 00000000 00000000 00000001 [2 't']", "\"topic\":\"t\""},
        {"0001 000c 00000001 [2 'cli'] 00 ffffffff 000001f4 00000001 03200000 00 00000000 00000000 02 03'tt'", "\"topic\":\"tt\""},
        {"0002 0006 00000001 [2 'cli'] 00 ffffffff 00 02 03'tt'", "\"topic\":\"tt\""},
        {"0003 000c 00000001 [2 'cli'] 00 02 00000000000000000000000000000000 03'tt' 00", "\"topic\":\"tt\""},
        {"0008 0003 00000001 [2 'cli'] [2 'g'] 00000001 [2 'm'] ffffffffffffffff 00000001 [2 't']", "\"group\":\"g\",\"topic\":\"t\""},
        {"0008 0008 00000001 [2 'cli'] 00 03'gg' 00000001 02'm' 00 02 03'tt'", "\"group\":\"gg\",\"topic\":\"tt\""},
        {"0009 0001 00000001 [2 'cli'] [2 'g'] 00000001 [2 't']", "\"group\":\"g\",\"topic\":\"t\""},
        {"0009 0008 00000001 [2 'cli'] 00 02 03'gg' 02 03'tt'", "\"group\":\"gg\",\"topic\":\"tt\""},
        {"000a 0002 00000001 [2 'cli'] [2 'g'] 00", "\"group\":\"g\""},
        {"000a 0004 00000001 [2 'cli'] 00 00 02 03'gg' 00", "\"group\":\"gg\""},
        {"000b 0005 00000001 [2 'cli'] [2 'g'] 00002710", "\"group\":\"g\""},
        {"000e 0004 00000001 [2 'cli'] 00 03'gg' 00000001", "\"group\":\"gg\""},
        {"0013 0002 00000001 [2 'cli'] 00000001 [2 't'] 00000001", "\"topic\":\"t\""},
        {"0003 0001 00000001 [2 'cli'] ffffffff", "\"client_id\":\"cli\"}"},
        {"0000 000d 00000001 [2 'cli'] 00 00 0001 000005dc 02 00112233445566778899aabbccddeeff", "\"client_id\":\"cli\"}"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[400];
        tl_script s = {.port = 9092};
        snprintf(request, sizeof request, "[4 %s]", cases[i].request);
        tl_say_hex(&s, TL_C2S, request);
        tl_end(&s, TL_WHY_FIN);
        char *detail = tl_detail(&s, &tl_kafka, 1);
        if (strstr(detail, cases[i].says) == NULL) printf("\n%s\nis %s\n", cases[i].request, detail);
        CU_ASSERT(strstr(detail, cases[i].says) != NULL);
        free(detail);
        tl_script_free(&s);
    }
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_C2S, "[4 00000002 00000001 00000000 [2 'broker'] 00002384 ffff]");
    tl_say_hex(&s, TL_S2C, fetch);
    tl_say_hex(&s, TL_C2S, "[4 00000003 00000000 0000 00000000 '0123456789']");
    tl_say_hex(&s, TL_S2C, "00000021 0001 000b 00000006 0007 'conso'");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_kafka,
               "1 > 0+30 kafka response '' start complete unasked\n"
               "2 < 0+33 kafka request 'Fetch v11' start complete\n"
               "3 > 30+28 kafka response 'Fetch v11' counted complete answers 2 by_id\n"
               "4 < 33+19 kafka request 'Fetch v11' counted cut unanswered\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_kafka, 9092);
}

int main(void)
{
    return tl_run_cases("kafka", (const tl_case[]){{"at every split", at_every_split},
                                                   {"a hole at every byte", a_hole_at_every_byte},
                                                   {"topics and groups", topics_and_groups},
                                                   {"picked up midway", picked_up_midway},
                                                   {"what it is not", what_it_is_not},
                                                   {0}});
}
