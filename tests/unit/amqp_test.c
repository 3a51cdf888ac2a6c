/*
** amqp_test.c - AMQP 0-9-1: methods and their answers by channel, content, nowait, interleaved channels.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 5672};
    tl_say_hex(&s, TL_C2S, "'AMQP' 00000901");
    tl_say_hex(&s, TL_S2C, "01 0000 [4 000a000a 0009 [4] [4 'PLAIN'] [4 'en_US']] ce");
    tl_say_hex(&s, TL_C2S, "01 0000 [4 000a000b [4] [1 'PLAIN'] [4 00'bob'00'secret'] [1 'en_US']] ce");
    tl_say_hex(&s, TL_S2C, "01 0000 [4 000a001e 0000 00020000 003c] ce");
    tl_say_hex(&s, TL_C2S, "01 0000 [4 000a001f 0000 00020000 003c] ce 01 0000 [4 000a0028 [1 '/'] 00 00] ce");
    tl_say_hex(&s, TL_S2C, "01 0000 [4 000a0029 00] ce");
    tl_say_hex(&s, TL_C2S, "01 0001 [4 0014000a 00] ce 01 0002 [4 0014000a 00] ce");
    tl_say_hex(&s, TL_S2C, "01 0002 [4 0014000b [4]] ce 01 0001 [4 0014000b [4]] ce");
    tl_say_hex(&s, TL_C2S,
               "01 0001 [4 0032000a 0000 [1 'jobs'] 10 [4]] ce"
               "01 0001 [4 003c0028 0000 [1 'logs'] [1 'info'] 00] ce 02 0001 [4 003c 0000 0000000000000005 8000 [1 'text/plain']] ce"
               "08 0000 [4] ce 03 0001 [4 'hello'] ce");
    tl_say_hex(&s, TL_S2C, "01 0001 [4 003c003c [1 'tag'] 0000000000000007 00 [1 'logs'] [1 'info']] ce");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_amqp,
               "1 > 0+8 amqp protocol_header '' start complete\n"
               "2 < 0+36 amqp connection.start '' start complete\n"
               "3 > 8+43 amqp connection.start_ok '' counted complete answers 2 by_id\n"
               "4 < 36+20 amqp connection.tune '' counted complete\n"
               "5 > 51+20 amqp connection.tune_ok '' counted complete answers 4 by_id\n"
               "6 > 71+16 amqp connection.open '/' counted complete\n"
               "7 < 56+13 amqp connection.open_ok '' counted complete answers 6 by_id\n"
               "8 > 87+13 amqp channel.open '' counted complete\n"
               "9 > 100+13 amqp channel.open '' counted complete\n"
               "10 < 69+16 amqp channel.open_ok '' counted complete answers 9 by_id\n"
               "11 < 85+16 amqp channel.open_ok '' counted complete answers 8 by_id\n"
               "12 > 113+24 amqp queue.declare 'jobs' counted complete\n"
               "13 > 137+25 amqp basic.publish 'logs info' counted complete\n"
               "14 > 162+33 amqp content_header '' counted complete\n"
               "15 > 195+8 amqp heartbeat '' counted complete\n"
               "16 > 203+13 amqp content_body 'hello' counted complete\n"
               "17 < 101+35 amqp basic.deliver 'logs info' counted complete\n");
    tl_says(&s, &tl_amqp, 3, "{\"channel\":0}");
    tl_says(&s, &tl_amqp, 13, "{\"channel\":1,\"exchange\":\"logs\",\"routing_key\":\"info\"}");
    tl_says(&s, &tl_amqp, 14, "{\"channel\":1,\"body_size\":5,\"content_type\":\"text/plain\"}");
    tl_says(&s, &tl_amqp, 17, "{\"channel\":1,\"exchange\":\"logs\",\"routing_key\":\"info\",\"consumer_tag\":\"tag\",\"delivery_tag\":7}");
    tl_script_free(&s);
}

/* A method, a content header and a heartbeat leave no doubt; a body is believed with what follows it. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_amqp, 0);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "01 0001 [4 003c0046 0000 [1 'jobs'] 00] ce");
    tl_say_hex(&s, TL_C2S, "01 0001 [4 003c0048 00] ce");
    tl_say_hex(&s, TL_S2C, "01 0001 00000080 003c0028 0000 [1 'logs']");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_amqp,
               "1 < 0+20 amqp basic.get 'jobs' start complete\n"
               "2 > 0+13 amqp basic.get_empty '' start complete answers 1 by_id\n"
               "3 < 20+18 amqp basic.publish 'logs' counted cut\n");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_amqp, 5672);
}

int main(void)
{
    return tl_run_cases("amqp", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"picked up midway", picked_up_midway},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
