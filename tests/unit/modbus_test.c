/*
** modbus_test.c - Modbus/TCP: pairs by transaction id, who asks, exceptions, addresses.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 502};
    tl_say_hex(&s, TL_C2S, "0001 0000 [2 11 03 006b 0003]");
    tl_say_hex(&s, TL_S2C, "0001 0000 [2 11 03 06 022b00000064]");
    tl_say_hex(&s, TL_C2S, "0002 0000 [2 11 06 0001 0003] 0003 0000 [2 11 10 0001 0002 04 000a0102]");
    tl_say_hex(&s, TL_S2C, "0003 0000 [2 11 10 0001 0002] 0002 0000 [2 11 06 0001 0003]");
    tl_say_hex(&s, TL_C2S, "0004 0000 [2 11 01 ffff 0001]");
    tl_say_hex(&s, TL_S2C, "0004 0000 [2 11 81 02]");
    tl_say_hex(&s, TL_C2S, "0005 0000 [2 11 2b 0e0100] 0006 0000 [2 11 5a 0001]");
    tl_say_hex(&s, TL_S2C, "0005 0000 [2 11 2b 0e010100000100 04 'Acme'] 0006 0000 [2 11 5a 00fe]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_modbus,
               "1 > 0+12 modbus request 'read holding registers 107 x 3' start complete\n"
               "2 < 0+15 modbus response 'read holding registers' start complete answers 1 by_id\n"
               "3 > 12+12 modbus request 'write single register 1 = 3' counted complete\n"
               "4 > 24+17 modbus request 'write multiple registers 1 x 2' counted complete\n"
               "5 < 15+12 modbus response 'write multiple registers 1 x 2' counted complete answers 4 by_id\n"
               "6 < 27+12 modbus response 'write single register 1 = 3' counted complete answers 3 by_id\n"
               "7 > 41+12 modbus request 'read coils 65535' counted complete\n"
               "8 < 39+9 modbus exception 'read coils: illegal data address' counted complete answers 7 by_id\n"
               "9 > 53+11 modbus request 'encapsulated interface transport' counted complete\n"
               "10 > 64+10 modbus request '90' counted complete\n"
               "11 < 48+20 modbus response 'encapsulated interface transport' counted complete answers 9 by_id\n"
               "12 < 68+10 modbus response '90' counted complete answers 10 by_id\n");
    tl_says(
        &s, &tl_modbus, 1,
        "{\"transaction_id\":1,\"unit\":17,\"function\":\"read holding registers\",\"function_code\":3,\"address\":107,\"quantity\":3}");
    tl_says(
        &s, &tl_modbus, 2,
        "{\"transaction_id\":1,\"unit\":17,\"function\":\"read holding registers\",\"function_code\":3,\"address\":107,\"quantity\":3}");
    tl_says(&s, &tl_modbus, 3,
            "{\"transaction_id\":2,\"unit\":17,\"function\":\"write single "
            "register\",\"function_code\":6,\"address\":1,\"quantity\":1,\"value\":3}");
    tl_says(&s, &tl_modbus, 8,
            "{\"transaction_id\":4,\"unit\":17,\"function\":\"read coils\",\"function_code\":1,\"exception\":\"illegal data address\"}");
    tl_script_free(&s);
}

/* No magic: a frame is found again when the next one follows it, or the other side speaks.  The last two come together, and one of them
** has a function that is not searched for. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_modbus, 2);
    tl_script_free(&s);
}

static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "0007 0000 [2 ff 04 0000 0002]");
    tl_say_hex(&s, TL_C2S, "0007 0000 [2 ff 04 04 00010002]");
    tl_say_hex(&s, TL_S2C, "0008 0000 [2 ff 05 0000 ff00]");
    tl_say_hex(&s, TL_C2S, "0008 0000 [2 ff 05 0000 ff00]");
    tl_say_hex(&s, TL_S2C, "0009 0000 0006 ff 03 00");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_modbus,
               "1 < 0+12 modbus request 'read input registers 0 x 2' start complete\n"
               "2 > 0+13 modbus response 'read input registers' start complete answers 1 by_id\n"
               "3 < 12+12 modbus request 'write single coil 0 = 65280' counted complete\n"
               "4 > 13+12 modbus response 'write single coil 0 = 65280' counted complete answers 3 by_id\n"
               "5 < 24+9 modbus request 'read holding registers' counted cut unanswered\n");
    tl_script_free(&s);
}

/* A length that a read of registers cannot have: the frame is refused, and the next one found. */
static void a_length_that_lies(void)
{
    tl_script s = {.port = 502};
    tl_say_hex(&s, TL_C2S, "0001 0000 [2 11 03 006b 0003]");
    tl_say_hex(&s, TL_S2C, "0001 0000 [2 11 03 02 022b]");
    tl_say_hex(&s, TL_C2S, "0002 0000 00fe 11 03 006b 0003");
    tl_say_hex(&s, TL_S2C, "0002 0000 [2 11 83 03]");
    tl_say_hex(&s, TL_C2S, "0003 0000 [2 11 03 006b 0001] 0004 0000 [2 11 03 006b 0001]");
    tl_end(&s, TL_WHY_FIN);
    tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
    CU_ASSERT_STRING_EQUAL(h.protocol, "modbus");
    tl_heard_free(&h);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_modbus, 502);
}

int main(void)
{
    return tl_run_cases("modbus", (const tl_case[]){{"at every split", at_every_split},
                                                    {"a hole at every byte", a_hole_at_every_byte},
                                                    {"picked up midway", picked_up_midway},
                                                    {"a length that lies", a_length_that_lies},
                                                    {"what it is not", what_it_is_not},
                                                    {0}});
}
