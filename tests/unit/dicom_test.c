/*
** dicom_test.c - DICOM: associations, DIMSE messages over several PDUs and several in one, answers by message id.
*/
#include "support/check.h"
#include "support/detecting.h"

#include <stdlib.h>
#include <string.h>

#define TITLES      "'STORE           ' 'CT01            ' 0000000000000000000000000000000000000000000000000000000000000000"
#define APPLICATION "1000 [2 '1.2.840.10008.3.1.1.1']"
#define USER        "5000 [2 5100 [2 00004000] 5200 [2 '1.2.276.0.7230010.3'] 5500 [2 'OFFIS_DCMTK_367']]"
#define ASSOCIATE_RQ                                                                                                                       \
    "0100 [4 0001 0000 " TITLES APPLICATION                                                                                                \
    "2000 [2 01000000 3000 [2 '1.2.840.10008.5.1.4.1.1.2'] 4000 [2 '1.2.840.10008.1.2.1'] 4000 [2 '1.2.840.10008.1.2']]"                   \
    "2000 [2 03000000 3000 [2 '1.2.840.10008.1.1'] 4000 [2 '1.2.840.10008.1.2']]" USER "]"
#define ASSOCIATE_AC                                                                                                                       \
    "0200 [4 0001 0000 " TITLES APPLICATION                                                                                                \
    "2100 [2 01000000 4000 [2 '1.2.840.10008.1.2.1']] 2100 [2 03000300 4000 [2 '1.2.840.10008.1.2']"                                       \
    "]" USER "]"
#define VERIFICATION "00000200 <4 '1.2.840.10008.1.1' 00>"
#define CT           "00000200 <4 '1.2.840.10008.5.1.4.1.1.2' 00>"
#define LENGTH       "00000000 04000000 38000000"
#define ECHO_RQ(id)  "0400 [4 [4 0103 " LENGTH VERIFICATION "00000001 020000003000 00001001 02000000" id " 00000008 020000000101]]"
#define ECHO_RSP(id)                                                                                                                       \
    "0400 [4 [4 0103 " LENGTH VERIFICATION "00000001 020000003080 00002001 02000000" id " 00000008 020000000101 00000009 020000000000]]"
#define STORE_RQ(id)                                                                                                                       \
    "[4 0103 " LENGTH CT "00000001 020000000100 00001001 02000000" id                                                                      \
    " 00000007 020000000000 00000008 020000000100 00000010 <4 '1.2.3.4'00>]"
#define STORE_RSP(id, status)                                                                                                              \
    "0400 [4 [4 0103 " LENGTH CT "00000001 020000000180 00002001 02000000" id " 00000008 020000000101 00000009 02000000" status "]]"
#define FIND(field, id, status, data)                                                                                                      \
    "[4 0103 " LENGTH "00000200 <4 '1.2.840.10008.5.1.4.31'> 00000001 02000000" field "0000" id "020000000700 00000008 02000000" data      \
    "00000009 02000000" status "]"
#define RELEASE_RQ "0500 [4 00000000]"
#define RELEASE_RP "0600 [4 00000000]"

static tl_script conversation(void)
{
    tl_script s = {.port = 11112};
    tl_say_hex(&s, TL_C2S, ASSOCIATE_RQ);
    tl_say_hex(&s, TL_S2C, ASSOCIATE_AC);
    tl_say_hex(&s, TL_C2S, ECHO_RQ("0100"));
    tl_say_hex(&s, TL_S2C, ECHO_RSP("0100"));
    /* A command in a PDU of its own, its data set in two; then one that shares its PDU with its data set. */
    tl_say_hex(&s, TL_C2S, "0400 [4 " STORE_RQ("0200") "]");
    tl_say_hex(&s, TL_C2S, "0400 [4 [4 0100 '0400 first half of an image'] ]");
    tl_say_hex(&s, TL_C2S, "0400 [4 [4 0102 'the second half of it  '] ]");
    tl_say_hex(&s, TL_S2C, STORE_RSP("0200", "0000"));
    tl_say_hex(&s, TL_C2S, "0400 [4 " STORE_RQ("0300") "[4 0102 'a small image'00]]");
    tl_say_hex(&s, TL_S2C, STORE_RSP("0300", "00a7"));
    tl_say_hex(&s, TL_C2S, RELEASE_RQ);
    tl_say_hex(&s, TL_S2C, RELEASE_RP);
    tl_end(&s, TL_WHY_FIN);
    return s;
}

static void at_every_split(void)
{
    tl_script s = conversation();
    tl_detects(&s, &tl_dicom,
               "1 > 0+284 dicom associate_rq 'CT01 to STORE' start complete\n"
               "2 < 0+213 dicom associate_ac 'CT01 to STORE' start complete answers 1 by_id\n"
               "3 > 284+80 dicom c_echo_rq 'Verification' counted complete\n"
               "4 < 213+90 dicom c_echo_rsp 'Verification, Success' counted complete answers 3 by_id\n"
               "5 > 364+188 dicom c_store_rq 'CT Image' counted complete\n"
               "6 < 303+98 dicom c_store_rsp 'CT Image, Success' counted complete answers 5 by_id\n"
               "7 > 552+134 dicom c_store_rq 'CT Image' counted complete\n"
               "8 < 401+98 dicom c_store_rsp 'CT Image, Out of resources' counted complete answers 7 by_id\n"
               "9 > 686+10 dicom release_rq '' counted complete\n"
               "10 < 499+10 dicom release_rp '' counted complete answers 9 by_id\n");
    tl_says(
        &s, &tl_dicom, 1,
        "{\"pdu\":\"A-ASSOCIATE-RQ\",\"called_ae_title\":\"STORE\",\"calling_ae_title\":\"CT01\",\"application_context\":\"1.2.840.10008."
        "3.1.1.1\",\"presentation_contexts\":2,\"abstract_syntaxes\":\"1.2.840.10008.5.1.4.1.1.2, "
        "1.2.840.10008.1.1\",\"transfer_syntaxes\":\"1.2.840.10008.1.2.1, "
        "1.2.840.10008.1.2\",\"max_pdu_length\":16384,\"implementation_class_uid\":\"1.2.276.0.7230010.3\",\"implementation_version\":"
        "\"OFFIS_DCMTK_367\"}");
    tl_says(
        &s, &tl_dicom, 2,
        "{\"pdu\":\"A-ASSOCIATE-AC\",\"called_ae_title\":\"STORE\",\"calling_ae_title\":\"CT01\",\"application_context\":\"1.2.840.10008."
        "3.1.1.1\",\"presentation_contexts\":2,\"accepted_contexts\":1,\"transfer_syntaxes\":\"1.2.840.10008.1.2.1, "
        "1.2.840.10008.1.2\",\"max_pdu_length\":16384,\"implementation_class_uid\":\"1.2.276.0.7230010.3\",\"implementation_version\":"
        "\"OFFIS_DCMTK_367\"}");
    tl_says(
        &s, &tl_dicom, 5,
        "{\"pdu\":\"P-DATA-TF\",\"presentation_context\":1,\"command\":\"C-STORE-RQ\",\"message_id\":2,\"sop_class_uid\":\"1.2.840.10008."
        "5.1.4.1.1.2\",\"sop_class\":\"CT Image\",\"sop_instance_uid\":\"1.2.3.4\",\"priority\":0,\"data_set\":1}");
    tl_says(
        &s, &tl_dicom, 8,
        "{\"pdu\":\"P-DATA-TF\",\"presentation_context\":1,\"command\":\"C-STORE-RSP\",\"responded_message_id\":3,\"sop_class_uid\":\"1.2."
        "840.10008.5.1.4.1.1.2\",\"sop_class\":\"CT Image\",\"status\":42752,\"data_set\":0}");
    tl_script_free(&s);
}

static void a_hole_at_every_byte(void)
{
    tl_script s = conversation();
    tl_survives_gaps(&s, &tl_dicom, 0);
    tl_script_free(&s);
}

/* Where the head of a PDU is lost in the middle of an image, what comes behind is data, and the next command is found. */
static void an_image_with_holes(void)
{
    tl_script s = {.port = 104};
    uint8_t image[3000];
    unsigned long long seed = 7;
    for (size_t i = 0; i < sizeof image; i++) image[i] = (uint8_t)(tl_random(&seed) >> 32);
    tl_say_hex(&s, TL_C2S, "0400 [4 " STORE_RQ("0200") "]");
    tl_say_hex(&s, TL_C2S, "0400 00000bbe 00000bba 0100");
    tl_say_bytes(&s, TL_C2S, image, 1000);
    tl_lose(&s, TL_C2S, 1000);
    tl_say_bytes(&s, TL_C2S, image + 2000, 1000);
    tl_say_hex(&s, TL_C2S, "0400 [4 [4 0102 'the end of it'00]]");
    tl_say_hex(&s, TL_S2C, STORE_RSP("0200", "0000"));
    tl_say_hex(&s, TL_C2S, "0400 [4 " STORE_RQ("0300") "]");
    tl_say_hex(&s, TL_C2S, "0400 00000bbe 00000bba 0100");
    tl_say_bytes(&s, TL_C2S, image, 2000);
    tl_lose(&s, TL_C2S, 1010);
    tl_say_hex(&s, TL_C2S, "'rest of a value' 0400 [4 [4 0102 'the end of it'00]]");
    tl_say_hex(&s, TL_S2C, STORE_RSP("0300", "0000"));
    tl_say_hex(&s, TL_C2S, ECHO_RQ("0400"));
    tl_say_hex(&s, TL_S2C, ECHO_RSP("0400"));
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_dicom,
               "1 > 0+3152 dicom c_store_rq 'CT Image' start missing 1000 cut\n"
               "2 < 0+98 dicom c_store_rsp 'CT Image, Success' start complete answers 1 by_id\n"
               "3 > 3152+3126 dicom c_store_rq 'CT Image' counted missing 1000 cut\n"
               "4 > 6303+26 dicom data '' resynced complete\n"
               "5 < 98+98 dicom c_store_rsp 'CT Image, Success' counted complete answers 3 by_id\n"
               "6 > 6329+80 dicom c_echo_rq 'Verification' counted complete\n"
               "7 < 196+90 dicom c_echo_rsp 'Verification, Success' counted complete answers 6 by_id\n");
    tl_script_free(&s);
}

/* Whether a data set follows is not known when the command was cut: it is taken for its own when one does. */
static void a_command_that_was_cut(void)
{
    tl_script s = conversation();
    tl_script lossy = tl_script_without(&s, TL_C2S, 420, 470);
    tl_detects(&lossy, &tl_dicom,
               "1 > 0+284 dicom associate_rq 'CT01 to STORE' start complete\n"
               "2 < 0+213 dicom associate_ac 'CT01 to STORE' start complete answers 1 by_id\n"
               "3 > 284+80 dicom c_echo_rq 'Verification' counted complete\n"
               "4 < 213+90 dicom c_echo_rsp 'Verification, Success' counted complete answers 3 by_id\n"
               "5 > 364+188 dicom command '' counted missing 50 cut\n"
               "6 < 303+98 dicom c_store_rsp 'CT Image, Success' counted complete unasked\n"
               "7 > 552+134 dicom c_store_rq 'CT Image' counted complete\n"
               "8 < 401+98 dicom c_store_rsp 'CT Image, Out of resources' counted complete answers 7 by_id\n"
               "9 > 686+10 dicom release_rq '' counted complete\n"
               "10 < 499+10 dicom release_rp '' counted complete answers 9 by_id\n");
    tl_script_free(&lossy);
    tl_script_free(&s);
}

/* Pending responses leave the request open; each has its own data set.  C-CANCEL-RQ is answered by nobody. */
static void a_query(void)
{
    tl_script s = {.port = 104};
    tl_say_hex(&s, TL_C2S, "0400 [4 " FIND("2000", "1001", "0000", "0100") "]");
    tl_say_hex(&s, TL_C2S, "0400 [4 [4 0102 'who?']]");
    tl_say_hex(&s, TL_S2C, "0400 [4 " FIND("2080", "2001", "00ff", "0100") "[4 0102 'he']]");
    tl_say_hex(&s, TL_S2C, "0400 [4 " FIND("2080", "2001", "00ff", "0100") "[4 0102 'she ']]");
    tl_say_hex(&s, TL_C2S, "0400 [4 [4 0103 " LENGTH "00000001 02000000ff0f 00002001 020000000700 00000008 020000000101]]");
    tl_say_hex(&s, TL_S2C, "0400 [4 " FIND("2080", "2001", "00fe", "0101") "]");
    tl_say_hex(&s, TL_C2S, "0700 [4 0000 00 00]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_dicom,
               "1 > 0+110 dicom c_find_rq 'Modality Worklist' start complete\n"
               "2 < 0+102 dicom c_find_rsp 'Modality Worklist, Pending' start complete answers 1 by_id\n"
               "3 < 102+104 dicom c_find_rsp 'Modality Worklist, Pending' counted complete answers 1 by_id\n"
               "4 > 110+54 dicom c_cancel_rq '' counted complete\n"
               "5 < 206+94 dicom c_find_rsp 'Modality Worklist, Cancel' counted complete answers 1 by_id\n"
               "6 > 164+10 dicom abort 'service-user' counted complete\n");
    tl_script_free(&s);
}

/* Both sides ask: a C-GET brings C-STORE-RQs of the other side, with ids of its own. */
static void picked_up_midway(void)
{
    tl_script s = {.port = 40000};
    tl_say_hex(&s, TL_S2C, "0400 [4 " STORE_RQ("0100") "[4 0102 'some image']]");
    tl_say_hex(&s, TL_C2S, STORE_RSP("0100", "0000"));
    tl_say_hex(&s, TL_C2S, ECHO_RQ("0100"));
    tl_say_hex(&s, TL_S2C, ECHO_RSP("0100"));
    tl_say_hex(&s, TL_S2C, "0400 00000400 000003fc 0100 'cut short'");
    tl_end(&s, TL_WHY_IDLE);
    tl_detects(&s, &tl_dicom,
               "1 < 0+130 dicom c_store_rq 'CT Image' start complete\n"
               "2 > 0+98 dicom c_store_rsp 'CT Image, Success' start complete answers 1 by_id\n"
               "3 > 98+80 dicom c_echo_rq 'Verification' counted complete\n"
               "4 < 130+90 dicom c_echo_rsp 'Verification, Success' counted complete answers 3 by_id\n"
               "5 < 220+21 dicom data '' counted cut\n");
    tl_script_free(&s);
}

static void rejected(void)
{
    tl_script s = {.port = 104};
    tl_say_hex(&s, TL_C2S, ASSOCIATE_RQ);
    tl_say_hex(&s, TL_S2C, "0300 [4 00 01 01 07]");
    tl_end(&s, TL_WHY_FIN);
    tl_detects(&s, &tl_dicom,
               "1 > 0+284 dicom associate_rq 'CT01 to STORE' start complete\n"
               "2 < 0+10 dicom associate_rj 'rejected-permanent' start complete answers 1 by_id\n");
    tl_says(&s, &tl_dicom, 2, "{\"pdu\":\"A-ASSOCIATE-RJ\",\"result\":\"rejected-permanent\",\"source\":\"service-user\",\"reason\":7}");
    tl_script_free(&s);
}

/* Values that say they are longer than their PDU, or that leave a piece too short for another one. */
static void lengths_that_lie(void)
{
    static const char *const lies[] = {
        "0400 00000010 00000020 0103 '0123456789'", "0400 00000020 0000001a 0103 '0123456789012345678901234567'",
        "0400 00000006 00000001 0103 '0123456789'", "0400 ffffffff fffffffb 0103 '0123456789'", "0400 00000006 00000002 0203 '0123456789'"};
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        tl_script s = {.port = 104};
        tl_say_hex(&s, TL_C2S, ECHO_RQ("0100"));
        tl_say_hex(&s, TL_S2C, ECHO_RSP("0100"));
        tl_say_hex(&s, TL_C2S, lies[i]);
        tl_say_hex(&s, TL_C2S, ECHO_RQ("0200"));
        tl_end(&s, TL_WHY_FIN);
        tl_heard h = tl_listen(&s, tl_registry_builtin(), 0);
        const tl_message *last = tl_heard_number(&h, 3);
        CU_ASSERT(h.n == 3 && last != NULL && strcmp(last->kind, "c_echo_rq") == 0 && last->sync == TL_SYNC_RESYNCED && last->complete);
        tl_heard_free(&h);
        tl_script_free(&s);
    }
}

static void what_it_is_not(void)
{
    tl_refuses(&tl_dicom, 104);
}

int main(void)
{
    return tl_run_cases("dicom", (const tl_case[]){{"at every split", at_every_split},
                                                   {"a hole at every byte", a_hole_at_every_byte},
                                                   {"an image with holes", an_image_with_holes},
                                                   {"a command that was cut", a_command_that_was_cut},
                                                   {"a query", a_query},
                                                   {"picked up midway", picked_up_midway},
                                                   {"rejected", rejected},
                                                   {"lengths that lie", lengths_that_lie},
                                                   {"what it is not", what_it_is_not},
                                                   {0}});
}
