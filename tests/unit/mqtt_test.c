/*
** mqtt_test.c - MQTT: packets and their answers by type and id, versions 3.1.1 and 5, the small packets after a hole.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 1883};
    tl_say_hex(&s, TL_C2S, "10 [1 [2 'MQTT'] 04 c2 003c [2 'sensor-1'] [2 'bob'] [2 'secret']]");
    tl_say_hex(&s, TL_S2C, "20 02 0000");
    tl_say_hex(&s, TL_C2S, "82 [1 0001 [2 'home/+/temp'] 01]");
    tl_say_hex(&s, TL_S2C, "90 03 0001 01");
    tl_say_hex(&s, TL_S2C, "30 [1 [2 'home/a/temp'] '21.5']");
    tl_say_hex(&s, TL_C2S, "32 [1 [2 'home/b/temp'] 0007 '22']");
    tl_say_hex(&s, TL_S2C, "40 02 0007");
    tl_say_hex(&s, TL_C2S, "34 [1 [2 'home/c/temp'] 0008 '23']");
    tl_say_hex(&s, TL_S2C, "50 02 0008");
    tl_say_hex(&s, TL_C2S, "62 02 0008");
    tl_say_hex(&s, TL_S2C, "70 02 0008");
    tl_say_hex(&s, TL_C2S, "c0 00");
    tl_say_hex(&s, TL_S2C, "d0 00");
    tl_say_hex(&s, TL_C2S, "e0 00");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_mqtt,
               "1 > 0+35 mqtt connect 'sensor-1' start complete\n"
               "2 < 0+4 mqtt connack '' start complete answers 1 by_id\n"
               "3 > 35+18 mqtt subscribe 'home/+/temp' counted complete\n"
               "4 < 4+5 mqtt suback '' counted complete answers 3 by_id\n"
               "5 < 9+19 mqtt publish 'home/a/temp' counted complete\n"
               "6 > 53+19 mqtt publish 'home/b/temp' counted complete\n"
               "7 < 28+4 mqtt puback '' counted complete answers 6 by_id\n"
               "8 > 72+19 mqtt publish 'home/c/temp' counted complete\n"
               "9 < 32+4 mqtt pubrec '' counted complete answers 8 by_id\n"
               "10 > 91+4 mqtt pubrel '' counted complete\n"
               "11 < 36+4 mqtt pubcomp '' counted complete answers 10 by_id\n"
               "12 > 95+2 mqtt pingreq '' counted complete\n"
               "13 < 40+2 mqtt pingresp '' counted complete answers 12 by_id\n"
               "14 > 97+2 mqtt disconnect '' counted complete\n");
    tl_says(&s, &tl_mqtt, 1, "{\"version\":4,\"client_id\":\"sensor-1\",\"keep_alive\":60,\"user\":\"bob\"}");
    tl_says(&s, &tl_mqtt, 2, "{\"session_present\":0,\"reason_code\":0}");
    tl_says(&s, &tl_mqtt, 3, "{\"topic\":\"home/+/temp\",\"packet_id\":1}");
    tl_says(&s, &tl_mqtt, 6, "{\"topic\":\"home/b/temp\",\"qos\":1,\"packet_id\":7}");
    tl_says(&s, &tl_mqtt, 7, "{\"packet_id\":7}");
    tl_script_free(&s);
}

static void version_5(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_C2S, "10 [1 [2 'MQTT'] 05 02 000a 03 21 0014 [2 'c5']]");
    tl_say_hex(&s, TL_S2C, "20 03 00 00 00");
    tl_say_hex(&s, TL_C2S, "82 [1 0001 00 [2 'a/b'] 00]");
    tl_say_hex(&s, TL_S2C, "90 04 0001 00 00");
    tl_say_hex(&s, TL_S2C, "30 40 [2 'news/today'] 00 'cut'");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_mqtt,
               "1 > 0+20 mqtt connect 'c5' start complete\n"
               "2 < 0+5 mqtt connack '' start complete answers 1 by_id\n"
               "3 > 20+11 mqtt subscribe 'a/b' counted complete\n"
               "4 < 5+6 mqtt suback '' counted complete answers 3 by_id\n"
               "5 < 11+18 mqtt publish 'news/today' counted cut\n");
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 1883};
    tl_say_hex(&s, TL_S2C, "30 [1 [2 'home/a/temp'] '21.5']");
    tl_say_hex(&s, TL_C2S, "c0 00");
    tl_say_hex(&s, TL_S2C, "d0 00");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_mqtt,
               "1 < 0+19 mqtt publish 'home/a/temp' start complete\n"
               "2 > 0+2 mqtt pingreq '' start complete\n"
               "3 < 19+2 mqtt pingresp '' counted complete answers 2 by_id\n");
    tl_script_free(&s);
}

/* A packet of two or four bytes is believed only with what follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_mqtt, 1);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_mqtt, 1883);
}

int main(void)
{
    return tl_run_cases("mqtt", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"version 5", version_5},
                                                  {"picked up midway", picked_up_midway},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
