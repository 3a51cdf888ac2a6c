/*
** mllp_test.c - HL7 over MLLP: every split, a hole at every byte, acknowledgments by control id, and what is not HL7.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

#define MSH(type, id) "\x0bMSH|^~\\&|LAB|HOSP|EHR|HOSP|20240101||" type "|" id "|P|2.5\r"

static tl_script results(void)
{
    tl_script s = {.port = 2575};
    tl_say(&s, TL_C2S, MSH("ORU^R01", "77") "PID|1||secret\r\x1c\r" MSH("ORU^R01", "78") "OBX|1|\x0bMSX\r\x1c\r");
    tl_say(&s, TL_S2C, MSH("ACK", "a1") "MSA|AA|78\r\x1c\r" MSH("ACK", "a2") "MSA|AE|77|no\r\x1c\r");
    tl_say(&s, TL_C2S, MSH("ADT^A01", "79") "EVN|A01\r\x1c\r");
    tl_say(&s, TL_S2C, MSH("ACK", "a3") "MSA|AA|79\r\x1c\r");
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = results();
    tl_detects(&s, &tl_mllp,
               "1 > 0+71 hl7 message 'ORU^R01' start complete\n2 > 71+68 hl7 message 'ORU^R01' counted complete\n"
               "3 < 0+63 hl7 acknowledgment 'ACK' start complete answers 2 by_id\n"
               "4 < 63+66 hl7 acknowledgment 'ACK' counted complete answers 1 by_id\n"
               "5 > 139+65 hl7 message 'ADT^A01' counted complete\n"
               "6 < 129+63 hl7 acknowledgment 'ACK' counted complete answers 5 by_id\n");
    tl_survives_gaps(&s, &tl_mllp, 0);
    tl_script_free(&s);
}

static void details(void)
{
    tl_script s = results();
    static const struct {
        uint64_t number;
        const char *want;
    } cases[] = {{1, "{\"type\":\"ORU^R01\",\"control_id\":\"77\",\"sending_application\":\"LAB\",\"sending_facility\":\"HOSP\","
                     "\"receiving_application\":\"EHR\",\"receiving_facility\":\"HOSP\",\"time\":\"20240101\",\"version\":\"2.5\"}"},
                 {4, "{\"type\":\"ACK\",\"control_id\":\"a2\",\"sending_application\":\"LAB\",\"sending_facility\":\"HOSP\","
                     "\"receiving_application\":\"EHR\",\"receiving_facility\":\"HOSP\",\"time\":\"20240101\",\"version\":\"2.5\","
                     "\"acknowledgment\":\"AE\",\"answers\":\"77\"}"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *detail = tl_detail(&s, &tl_mllp, cases[i].number);
        if (strcmp(detail, cases[i].want) != 0) printf("\n%s\n", detail);
        CU_ASSERT_STRING_EQUAL(detail, cases[i].want);
        free(detail);
    }
    tl_script_free(&s);
}

/* A long message with a hole in it, one whose end is lost, and one that never ends. */
static void long_and_cut(void)
{
    char filler[6000];
    memset(filler, 'x', sizeof filler - 1);
    filler[sizeof filler - 1] = '\0';
    tl_script s = {.port = 40000};
    tl_say(&s, TL_S2C, MSH("ORU^R01", "1"));
    tl_say(&s, TL_S2C, filler);
    tl_lose(&s, TL_S2C, 50);
    tl_say(&s, TL_S2C, "x\r\x1c\r" MSH("ORU^R01", "2"));
    tl_lose(&s, TL_S2C, 20);
    tl_say(&s, TL_S2C, MSH("ORU^R01", "3") "\x1c\r" MSH("ORU^R01", "4"));
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_mllp,
               "1 < 0+6107 hl7 message 'ORU^R01' start missing 50 cut unanswered\n"
               "2 < 6107+74 hl7 message 'ORU^R01' counted missing 20 cut unanswered\n"
               "3 < 6181+56 hl7 message 'ORU^R01' counted complete unanswered\n"
               "4 < 6237+54 hl7 message 'ORU^R01' counted cut unanswered\n");
    tl_script_free(&s);
}

static void not_hl7(void)
{
    tl_refuses(&tl_mllp, 2575);
}

int main(void)
{
    return tl_run_cases(
        "mllp", (const tl_case[]){
                    {"at every split", at_every_split}, {"details", details}, {"long and cut", long_and_cut}, {"not HL7", not_hl7}, {0}});
}
