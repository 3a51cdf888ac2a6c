/*
** Explanations: each reason has a sentence, in every form; what the database says is made safe; damage is told.
*/
#include "query/explain.h"
#include "support/check.h"
#include "support/sample.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char sample[] = TL_SOURCE_DIR "/tests/support/sample.sql";

static tl_rc collect(void *to, tl_span bytes)
{
    tl_text_bytes(to, bytes.p, bytes.n);
    return TL_OK;
}

/* Owned. */
static char *explained(const char *sql, int64_t gap, tl_format format, tl_rc want)
{
    tl_text got = {0};
    tl_output out = {.format = format, .write = collect, .to = &got};
    tl_error err;
    char *path = tl_sample_new(sample, sql);
    tl_reader *r = tl_reader_open(path, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    CU_ASSERT_EQUAL(tl_explain(r, gap, &out), want);
    tl_text_add(&got, "");
    tl_reader_close(r);
    tl_sample_drop(path);
    return got.p;
}

static void each_reason_has_a_sentence(void)
{
    static const struct {
        const char *reason, *loss, *why, *proof;
    } cases[] = {
        {"acked", "capture loss", "The client acknowledged them", "The acknowledgement is in frame 8 of capture 1"},
        {"snaplen", "capture loss", "to the client was cut short", "That frame is frame 8"},
        {"one_sided", "unknown loss", "Nothing that the client sent", "the sequence number of frame 8"},
        {"limit", "unknown loss", "limits on memory", "the sequence number of frame 8"},
        {"fin", "unknown loss", "ended (FIN)", "the sequence number of frame 8"},
        {"rst", "unknown loss", "was reset (RST)", "the sequence number of frame 8"},
        {"idle", "unknown loss", "fell silent", "the sequence number of frame 8"},
        {"reused", "unknown loss", "A new session began", "the sequence number of frame 8"},
        {"end", "unknown loss", "The capture ended before they came", "the sequence number of frame 8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "UPDATE gap SET reason = '%s'", cases[i].reason);
        for (int format = TL_TABLE; format <= TL_JSONL; format++) {
            char *got = explained(sql, 1, (tl_format)format, TL_OK);
            CU_ASSERT_PTR_NOT_NULL(strstr(got, cases[i].loss));
            CU_ASSERT_PTR_NOT_NULL(strstr(got, cases[i].why));
            CU_ASSERT_PTR_NOT_NULL(strstr(got, cases[i].proof));
            CU_ASSERT_PTR_NOT_NULL(
                strstr(got, "message 2 of the session (http response, 200 OK) in its body: of 640 bytes 100 are missing"));
            CU_ASSERT_PTR_NULL(strchr(got, '%'));
            free(got);
        }
    }
}

static void what_is_not_known_is_said(void)
{
    char *got = explained("UPDATE gap SET proof_frame = NULL, before_frame = NULL, after_frame = NULL, told_frame = NULL, reason = 'end';"
                          "DELETE FROM message",
                          1, TL_TABLE, TL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "No byte before them was captured.\nNo byte after them was captured.\nThey lie in no message"));
    CU_ASSERT_PTR_NULL(strstr(got, "frame"));
    free(got);
    got = explained("UPDATE gap SET stream_offset = 5; UPDATE message SET head_length = 40 WHERE message_id = 4294967298", 1, TL_TABLE,
                    TL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "in its head"));
    free(got);
    got = explained("UPDATE message SET summary = ''", 1, TL_TABLE, TL_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(got, "(http response) in its body"));
    free(got);
    free(explained(NULL, 99, TL_JSON, TL_END));
}

/* Escape sequences in names and summaries, and text longer than a sentence. */
static void hostile_text(void)
{
    static const char sql[] = "UPDATE message SET summary = char(27) || '[31m' || hex(zeroblob(9000)), protocol = char(155) || '%s%n';"
                              "UPDATE capture SET path = '/x' || char(27) || ']0;' || char(7) || hex(zeroblob(9000))";
    for (int format = TL_TABLE; format <= TL_JSONL; format++) {
        char *got = explained(sql, 1, (tl_format)format, TL_OK);
        for (const char *p = got; *p != '\0'; p++) CU_ASSERT(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
        CU_ASSERT(strlen(got) < 8000);
        free(got);
    }
}

static void damage_is_told(void)
{
    free(explained("UPDATE gap SET stream_offset = 9223372036854775807, length = 9223372036854775807", 1, TL_TABLE, TL_OK));
    free(explained("PRAGMA ignore_check_constraints = ON; UPDATE gap SET stream_offset = -1", 1, TL_TABLE, TL_ESQL));
    free(explained("PRAGMA ignore_check_constraints = ON; UPDATE gap SET length = 0", 1, TL_TABLE, TL_ESQL));
}

int main(void)
{
    return tl_run_cases("explain", (const tl_case[]){
                                       {"each reason has a sentence", each_reason_has_a_sentence},
                                       {"what is not known is said", what_is_not_known_is_said},
                                       {"hostile text", hostile_text},
                                       {"damage is told", damage_is_told},
                                       {0},
                                   });
}
