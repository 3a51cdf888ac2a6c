/*
** trace_test.c - traces of sessions, held against files: tests/golden/trace-*.txt.  UPDATE_GOLDEN=1 writes them anew; read the diff.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/pipeline_trace.h"
#include "support/adversary.h"
#include "support/check.h"
#include "support/sample.h"

/* The frames from `second` on are another capture's; 0: all are of one. */
static char *trace(tl_source *source, uint64_t session, uint64_t second)
{
    tl_limits limits = tl_limits_default();
    tl_text text = {0};
    tl_frame f;
    tl_trace *t = tl_trace_new(&limits, NULL, session, &text);
    if (t == NULL || source == NULL) abort();
    for (uint64_t n = 1; tl_source_next(source, &f) == TL_OK; n++)
        if (tl_trace_push(t, &f, second != 0 && n >= second ? 2 : 1) != TL_OK) abort();
    if (tl_trace_end(t) != TL_OK) abort();
    CU_ASSERT_EQUAL(tl_trace_found(t), text.n > 0);
    tl_trace_free(t);
    tl_source_close(source);
    return text.p != NULL ? text.p : strdup("");
}

static tl_source *fixture(const char *name)
{
    char path[512];
    tl_error err;
    snprintf(path, sizeof path, "%s/fixtures/%s", TL_SOURCE_DIR, name);
    return tl_source_open_file(path, &err);
}

/* Takes text. */
static void hold(const char *name, char *text)
{
    char path[512];
    size_t n;
    snprintf(path, sizeof path, "%s/tests/golden/trace-%s.txt", TL_SOURCE_DIR, name);
    if (getenv("UPDATE_GOLDEN") != NULL) CU_ASSERT(tl_spill(path, text, strlen(text)));
    unsigned char *golden = tl_slurp(path, &n);
    bool same = golden != NULL && n == strlen(text) && memcmp(golden, text, n) == 0;
    CU_ASSERT(same);
    if (!same) fprintf(stderr, "%s is not what came out:\n%s", path, text);
    free(golden);
    free(text);
}

static void a_page_with_loss(void)
{
    hold("http-lossy-1", trace(fixture("http-lossy.pcap"), 1, 0));
    hold("http-lossy-2", trace(fixture("http-lossy.pcap"), 2, 0));
}

static void frames_of_two_captures(void)
{
    hold("two-captures", trace(tl_attack_open(TL_ATTACK_REVERSE, 6), 1, 7));
}

static void what_attacks_look_like(void)
{
    static const tl_attack attacks[] = {TL_ATTACK_CONFLICTS,   TL_ATTACK_JUMPS,   TL_ATTACK_FAR,
                                        TL_ATTACK_ACKED_HOLES, TL_ATTACK_DRIBBLE, TL_ATTACK_STAIRCASE};
    for (size_t i = 0; i < sizeof attacks / sizeof *attacks; i++)
        hold(tl_attack_name(attacks[i]), trace(tl_attack_open(attacks[i], attacks[i] == TL_ATTACK_DRIBBLE ? 60 : 24), 1, 0));
}

static void a_session_that_is_not_there(void)
{
    char *text = trace(fixture("http-lossy.pcap"), 4, 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

int main(void)
{
    return tl_run_cases("trace", (const tl_case[]){{"a page with loss", a_page_with_loss},
                                                   {"frames of two captures", frames_of_two_captures},
                                                   {"what attacks look like", what_attacks_look_like},
                                                   {"a session that is not there", a_session_that_is_not_there},
                                                   {0}});
}
