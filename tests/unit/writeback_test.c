/*
** writeback_test.c - asking for early write-back: harmless whatever the file is, and the file stays what it is.
*/
#include "store/writeback.h"
#include "support/check.h"
#include "support/stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void no_file(void)
{
    CU_ASSERT_PTR_NULL(writeback_start("/nonexistent/ledger.db"));
    writeback_look(NULL);
    writeback_stop(NULL);
}

static void a_file_that_grows(void)
{
    enum { BLOCK = 1 << 20, BLOCKS = 40 };
    char *path = tl_scratch("grows.db");
    uint8_t *block = malloc(BLOCK), *back = malloc(BLOCK);
    FILE *f = fopen(path, "w+b");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    writeback *w = writeback_start(path);
    CU_ASSERT_PTR_NOT_NULL_FATAL(w);
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, i, BLOCK);
        CU_ASSERT_EQUAL(fwrite(block, 1, BLOCK, f), BLOCK);
        fflush(f);
        writeback_look(w);
    }
    /* SQLite may cut it short: a transaction was taken back. */
    CU_ASSERT_EQUAL(ftruncate(fileno(f), (off_t)BLOCK * 3), 0);
    writeback_look(w);
    writeback_stop(w);
    struct stat st;
    CU_ASSERT(fstat(fileno(f), &st) == 0 && st.st_size == (off_t)BLOCK * 3);
    rewind(f);
    for (int i = 0; i < 3; i++) {
        memset(block, i, BLOCK);
        CU_ASSERT(fread(back, 1, BLOCK, f) == BLOCK && memcmp(block, back, BLOCK) == 0);
    }
    fclose(f);
    free(block);
    free(back);
    tl_scratch_done(path);
}

int main(void)
{
    return tl_run_cases("writeback", (const tl_case[]){{"no file", no_file}, {"a file that grows", a_file_that_grows}, {0}});
}
