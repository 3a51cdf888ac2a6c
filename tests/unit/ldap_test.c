/*
** ldap_test.c - LDAP: results by message id, entries between, StartTLS, SASL buffers.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

static tl_script conversation(void)
{
    tl_script s = {.port = 389};
    tl_say_hex(&s, TL_C2S, "30 [1 02 01 01 60 [1 02 01 03 04 [1 'cn=bob,dc=a'] 80 [1 'secret']]]");
    tl_say_hex(&s, TL_S2C, "30 [1 02 01 01 61 [1 0a 01 00 04 00 04 00]]");
    tl_say_hex(&s, TL_C2S,
               "30 [1 02 01 02 63 [1 04 [1 'dc=example'] 0a 01 02 0a 01 00 02 01 00 02 01 00 01 01 00 87 [1 'objectclass'] 30 00]]");
    tl_say_hex(&s, TL_C2S, "30 [1 02 01 03 4a [1 'cn=x']]");
    tl_say_hex(&s, TL_S2C, "30 84 [4 02 01 02 64 84 [4 04 [1 'cn=1,dc=example'] 30 84 00000000]]");
    tl_say_hex(&s, TL_S2C, "30 [1 02 01 03 6b [1 0a 01 20 04 00 04 [1 'no such']]]");
    tl_say_hex(&s, TL_S2C, "30 [1 02 01 02 65 [1 0a 01 00 04 00 04 00]]");
    tl_say_hex(&s, TL_C2S, "30 [1 02 01 04 42 00]");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_ldap,
               "1 > 0+31 ldap bind_request 'cn=bob,dc=a' start complete\n"
               "2 < 0+14 ldap bind_response '' start complete answers 1 by_id\n"
               "3 > 31+49 ldap search_request 'dc=example' counted complete\n"
               "4 > 80+11 ldap delete_request 'cn=x' counted complete\n"
               "5 < 14+38 ldap search_entry 'cn=1,dc=example' counted complete answers 3 by_id\n"
               "6 < 52+21 ldap delete_response '' counted complete answers 4 by_id\n"
               "7 < 73+14 ldap search_done '' counted complete answers 3 by_id\n"
               "8 > 91+7 ldap unbind_request '' counted complete\n");
    tl_says(&s, &tl_ldap, 1, "{\"message_id\":1,\"version\":3,\"bind_dn\":\"cn=bob,dc=a\",\"authentication\":\"simple\"}");
    tl_says(&s, &tl_ldap, 2, "{\"message_id\":1,\"result\":\"success\"}");
    tl_says(&s, &tl_ldap, 3, "{\"message_id\":2,\"base_dn\":\"dc=example\",\"scope\":\"subtree\"}");
    tl_says(&s, &tl_ldap, 5, "{\"message_id\":2,\"dn\":\"cn=1,dc=example\"}");
    tl_says(&s, &tl_ldap, 6, "{\"message_id\":3,\"result\":\"no_such_object\",\"message\":\"no such\"}");
    tl_script_free(&s);
}

static void starttls(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_C2S, "30 [1 02 01 01 77 [1 80 [1 '1.3.6.1.4.1.1466.20037']]]");
    tl_say_hex(&s, TL_S2C, "30 [1 02 01 01 78 [1 0a 01 00 04 00 04 00]]");
    tl_say_hex(&s, TL_C2S, "17 0303 [2 '0123456789']");
    tl_say_hex(&s, TL_S2C, "17 0303 [2 '0123456789']");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_ldap,
               "1 > 0+31 ldap extended_request '1.3.6.1.4.1.1466.20037' start complete\n"
               "2 < 0+14 ldap extended_response '' start complete answers 1 by_id\n"
               "3 > 31+15 tls application_data '' counted complete\n"
               "4 < 14+15 tls application_data '' counted complete\n");
    tl_script_free(&s);
}

static void sasl_and_roles_swapped(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "30 [1 02 01 01 60 [1 02 01 03 04 00 a3 [1 04 [1 'GSSAPI']]]]");
    tl_say_hex(&s, TL_C2S, "30 [1 02 01 01 61 [1 0a 01 00 04 00 04 00]]");
    tl_say_hex(&s, TL_S2C, "[4 'wrapped']");
    tl_say_hex(&s, TL_C2S, "[4 'wrapped too']");
    tl_say_hex(&s, TL_C2S, "30 80");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_ldap,
               "1 < 0+22 ldap bind_request '' start complete\n"
               "2 > 0+14 ldap bind_response '' start complete answers 1 by_id\n"
               "3 < 22+11 ldap sasl_buffer '' counted complete\n"
               "4 > 14+15 ldap sasl_buffer '' counted complete\n");
    tl_script_free(&s);
}

/* Three nested lengths and two tags that agree: nothing but the damaged message is missed. */
static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_ldap, 0);
    tl_script_free(&s);
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_ldap, 389);
}

int main(void)
{
    return tl_run_cases("ldap", (const tl_case[]){{"at every split", at_every_split},
                                                  {"a hole at every byte", a_hole_at_every_byte},
                                                  {"StartTLS", starttls},
                                                  {"SASL, and roles swapped", sasl_and_roles_swapped},
                                                  {"what it is not", what_it_is_not},
                                                  {0}});
}
