/*
** reframe_test.c - what is derived can be derived again: framing every stored session anew changes nothing, row for row.
*/
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/pipeline_reframe.h"
#include "support/check.h"
#include "support/ledger.h"
#include "support/stage.h"

static const char messages[] = "SELECT * FROM message ORDER BY message_id";
static const char protocols[] = "SELECT session_id, protocol FROM session ORDER BY session_id";

static void reframe_all(const char *db)
{
    tl_error err = {0};
    tl_store *store = tl_store_open(db, NULL, &err);
    tl_batch *batch = tl_batch_new(1 << 16);
    char *ids = tl_rows(db, "SELECT session_id FROM session ORDER BY session_id");
    if (store == NULL || batch == NULL) abort();
    for (char *id = ids; *id != '\0'; id += *id == '\n') {
        tl_rc rc = tl_reframe_session(store, tl_registry_builtin(), batch, strtoull(id, &id, 10), &err);
        if (rc != TL_OK) {
            fprintf(stderr, "%s\n", err.text);
            abort();
        }
    }
    free(ids);
    tl_batch_free(batch);
    if (tl_store_close(store, &err) != TL_OK) abort();
}

static bool same(const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0) return true;
    size_t i = 0;
    while (a[i] == b[i] && a[i] != '\0') i++;
    while (i > 0 && a[i - 1] != '\n') i--;
    fprintf(stderr, "%s:\n%.400s\n--- framed again:\n%.400s\n", name, a + i, b + i);
    return false;
}

/* false: it differs.  spoil: a row is changed in between, which has to be noticed. */
static bool again(const char *path, bool spoil)
{
    static const tl_ledger_options options = {.batch_bytes = 1 << 20, .level = 1};
    tl_error err = {0};
    tl_source *s = tl_source_open_file(path, &err);
    if (s == NULL) return true; /* no capture */
    char *db = tl_scratch("again");
    tl_rc rc = tl_ledger_make(db, &s, 1, &options, &err);
    CU_ASSERT(rc == TL_OK || rc == TL_ETRUNCATED);
    char *was = tl_rows(db, messages), *named = tl_rows(db, protocols);
    if (spoil) was[0]++;
    reframe_all(db);
    char *is = tl_rows(db, messages), *now = tl_rows(db, protocols);
    bool equal = same(path, was, is) && same(path, named, now);
    free(was);
    free(is);
    free(named);
    free(now);
    tl_scratch_done(db);
    return equal;
}

static bool folder(const char *path)
{
    DIR *dir = opendir(path);
    bool equal = true;
    if (dir == NULL) {
        printf("(%s is not there) ", path);
        return true;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        char file[1024];
        if (strstr(e->d_name, ".pcap") == NULL) continue;
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        equal &= again(file, false);
    }
    closedir(dir);
    return equal;
}

static void fixtures(void)
{
    CU_ASSERT_TRUE(folder(TL_SOURCE_DIR "/fixtures"));
}

static void shared_captures(void)
{
    CU_ASSERT_TRUE(folder(TL_SOURCE_DIR "/../shared/captures"));
}

static void the_checker_can_fail(void)
{
    fprintf(stderr, "(sabotage) ");
    CU_ASSERT_FALSE(again(TL_SOURCE_DIR "/fixtures/http-one.pcap", true));
}

int main(void)
{
    return tl_run_cases("frame again", (const tl_case[]){{"fixtures", fixtures},
                                                         {"shared captures", shared_captures},
                                                         {"the checker can fail", the_checker_can_fail},
                                                         {0}});
}
