/*
** rdp_test.c - RDP: the negotiation, the switch to TLS only when the answer says so, MCS and fast-path PDUs without it.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static const char *const request = "0300 [2+4 [1 e0 0000 0000 00 'Cookie: mstshash=anna'0d0a 01000800 03000000]]";

static void say_opening(tl_script *s, const char *answer)
{
    tl_say_hex(s, TL_C2S, request);
    tl_say_hex(s, TL_S2C, answer);
}

static void tls_when_chosen(void)
{
    tl_script s = {.port = 3389};
    say_opening(&s, "0300 [2+4 [1 d0 0000 1234 00 02000800 01000000]]");
    tl_say_hex(&s, TL_C2S, "140303000101");
    tl_say_hex(&s, TL_S2C, "140303000101");
    tl_end(&s, TL_WHY_FIN);
    char *heard = tl_hear(&s, tl_registry_builtin(), 0);
    CU_ASSERT_STRING_EQUAL(heard, "1 > 0+42 rdp connection_request 'mstshash=anna' start complete\n"
                                  "2 < 0+19 rdp connection_confirm 'ssl' start complete answers 1 proved\n"
                                  "3 > 42+6 tls change_cipher_spec '' counted complete\n"
                                  "4 < 19+6 tls change_cipher_spec '' counted complete\n");
    free(heard);
    tl_says(&s, &tl_rdp, 1, "{\"cookie\":\"mstshash=anna\",\"requested_protocols\":\"ssl hybrid\"}");
    tl_says(&s, &tl_rdp, 2, "{\"selected_protocol\":\"ssl\"}");
    tl_script_free(&s);
}

static tl_script without_tls(void)
{
    tl_script s = {.port = 3389};
    say_opening(&s, "0300 [2+4 [1 d0 0000 1234 00 02000800 00000000]]");
    tl_say_hex(&s, TL_C2S,
               "0300 [2+4 02f080 7f65 8200e0 'Duca' 80ac 01c0 d800 04000800 0004 0003 01ca 03aa 09040000 280a0000"
               "'A'00'N'00'N'00'A'00 000000000000000000000000000000000000000000000000]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 7f66 8200e0 0102]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 0401000100] 0300 [2+4 02f080 28]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 2e000003]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 38000303eb]");
    tl_say_hex(&s, TL_S2C, "0300 [2+4 02f080 3e00000303eb03eb]");
    tl_say_hex(&s, TL_C2S, "0300 [2+4 02f080 64000303eb700102] 04 06 01020304 44 8008 0102030405");
    tl_say_hex(&s, TL_S2C, "00 04 0102 0300 [2+4 02f080 68000303eb700102]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void standard_security(void)
{
    tl_script s = without_tls();
    tl_detects(&s, &tl_rdp,
               "1 > 0+42 rdp connection_request 'mstshash=anna' start complete\n"
               "2 < 0+19 rdp connection_confirm 'rdp' start complete answers 1 proved\n"
               "3 > 42+74 rdp connect_initial 'ANNA' counted complete\n"
               "4 < 19+14 rdp connect_response '' counted complete answers 3 proved\n"
               "5 > 116+12 rdp erect_domain_request '' counted complete\n"
               "6 > 128+8 rdp attach_user_request '' counted complete\n"
               "7 < 33+11 rdp attach_user_confirm '' counted complete answers 6 proved\n"
               "8 > 136+12 rdp channel_join_request '' counted complete\n"
               "9 < 44+15 rdp channel_join_confirm '' counted complete answers 8 proved\n"
               "10 > 148+15 rdp send_data_request '' counted complete\n"
               "11 > 163+6 rdp fast_path '' counted complete\n"
               "12 > 169+8 rdp fast_path '' counted complete\n"
               "13 < 59+4 rdp fast_path '' counted complete\n"
               "14 < 63+15 rdp send_data_indication '' counted complete\n");
    tl_says(&s, &tl_rdp, 3, "{\"client_name\":\"ANNA\"}");
    tl_script_free(&s);
}

/* TPKT is magic enough.  Fast-path PDUs are not looked for: the two behind a lost byte are missed. */
static void a_hole_at_every_byte(void)
{
    tl_script s = without_tls();
    tl_survives_gaps(&s, &tl_rdp, 2);
    tl_script_free(&s);
}

static void refused(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, request);
    tl_say_hex(&s, TL_C2S, "0300 [2+4 [1 d0 0000 1234 00 03000800 05000000]]");
    tl_say_hex(&s, TL_S2C, "0300 0030 [1 e0 0000]");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_rdp,
               "1 < 0+42 rdp connection_request 'mstshash=anna' start complete\n"
               "2 > 0+19 rdp connection_confirm 'hybrid required by server' start complete answers 1 proved\n");
    tl_says(&s, &tl_rdp, 2, "{\"failure\":\"hybrid required by server\"}");
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_rdp, 3389);
}

int main(void)
{
    return tl_run_cases("rdp", (const tl_case[]){{"TLS when chosen", tls_when_chosen},
                                                 {"standard security", standard_security},
                                                 {"a hole at every byte", a_hole_at_every_byte},
                                                 {"refused", refused},
                                                 {"what it is not", what_it_is_not},
                                                 {0}});
}
