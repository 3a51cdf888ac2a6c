/*
** progress_test.c - the progress line's text.
*/
#include <stdio.h>
#include <string.h>

#include "app/pipeline_progress.h"
#include "support/check.h"

static const int64_t second = 1000000000;

static void says_how_far(void)
{
    static const struct {
        progress_facts f;
        const char *line;
    } cases[] = {
        {{0, 1000, 0, 0, 0}, "  0 %   0 MB/s   0 sessions   0 gaps"},
        {{420000000, 1000000000, 1234, 5, 2 * second}, " 42 %   210 MB/s   1234 sessions   5 gaps   ETA 0:03"},
        {{1000000, 1000000000, 1, 1, second}, "  0 %   1 MB/s   1 session   1 gap   ETA 16:39"},
        {{1000000, 10000000000, 1, 0, second}, "  0 %   1 MB/s   1 session   0 gaps   ETA 2:46:39"},
        {{999999999, 1000000000, 1, 0, second}, " 99 %   1000 MB/s   1 session   0 gaps   ETA 0:00"},
        {{1000000000, 1000000000, 1, 0, 4 * second}, "100 %   250 MB/s   1 session   0 gaps   finishing"},
        {{5000000, 0, 2, 0, second}, "5 MB   5 MB/s   2 sessions   0 gaps"},
        {{5000000, 4000000, 2, 0, second}, "5 MB   5 MB/s   2 sessions   0 gaps"}, /* the file grew: no guess */
        {{1, 1000000000, 0, 0, 3600 * second}, "  0 %   0 MB/s   0 sessions   0 gaps   ETA 99:59:59"},
        {{1000000, 2000000, 999999, 1000000, second}, " 50 %   1 MB/s   999999 sessions   1000k gaps   ETA 0:01"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[PROGRESS_TEXT];
        CU_ASSERT_STRING_EQUAL(progress_line(&cases[i].f, line), cases[i].line);
        if (strcmp(line, cases[i].line) != 0) fprintf(stderr, "'%s'\n", line);
    }
}

static void fits_a_line(void)
{
    static const uint64_t values[] = {0, 1, 999999, 1000000, UINT64_C(1) << 40, UINT64_MAX};
    enum { VALUES = sizeof values / sizeof *values };
    for (size_t i = 0; i < (size_t)VALUES * VALUES * VALUES; i++) {
        char line[PROGRESS_TEXT];
        uint64_t a = values[i % VALUES], b = values[i / VALUES % VALUES], c = values[i / VALUES / VALUES];
        progress_facts f = {a, b, c, b, i % 2 == 0 ? 1 : INT64_MAX};
        CU_ASSERT(strlen(progress_line(&f, line)) < PROGRESS_TEXT - 1);
        CU_ASSERT(strchr(line, '\n') == NULL && line[strlen(line) - 1] != ' ');
    }
}

int main(void)
{
    return tl_run_cases("progress", (const tl_case[]){{"says how far", says_how_far}, {"fits a line", fits_a_line}, {0}});
}
