/*
** Memory runs out: the nth allocation of an ingest fails, once or from then on, for n = 1, 2, 3 ...  Each run must end with a message of
** one line, give back what it had (ASan's leak check), and leave a database that opens and balances.
**
** malloc and its kin are this program's: all libraries, SQLite's and libcrypto's too, come here.  What happened is the same in no two runs
** to the last allocation, because two threads allocate; any of them will do.
**
** All n are too many for a test of every day: the first ones and then one of a few.  TL_FAULT_EVERY=1 tries them all.
*/
#include "base/pool.h"
#include "support/check.h"
#include "support/ledger.h"
#include "support/stage.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the allocator ---- */

/* The sanitizers' where they are there, else the C library's. */
extern void *__interceptor_malloc(size_t n) __attribute__((weak));
extern void *__interceptor_calloc(size_t n, size_t size) __attribute__((weak));
extern void *__interceptor_realloc(void *p, size_t n) __attribute__((weak));
extern void *__interceptor_aligned_alloc(size_t align, size_t n) __attribute__((weak));
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void *__libc_memalign(size_t align, size_t n);

/* The loader calls before the sanitizer is ready. */
#define BARE __attribute__((no_sanitize("address", "undefined")))

static struct {
    atomic_bool armed, for_ever;
    atomic_uint count, at;
} fault;

/* The sanitizer asks for the bounds of each new thread's stack, and gives up where it gets no answer: not an allocation of ours. */
static _Thread_local bool asks_for_stack;

BARE int pthread_getattr_np(pthread_t thread, pthread_attr_t *attr)
{
    int (*real)(pthread_t, pthread_attr_t *);
    asks_for_stack = true;
    void *found = dlsym(RTLD_NEXT, "pthread_getattr_np");
    memcpy(&real, &found, sizeof real);
    int rc = found != NULL ? real(thread, attr) : ENOSYS;
    asks_for_stack = false;
    return rc;
}

BARE static bool fails(void)
{
    if (!atomic_load(&fault.armed) || asks_for_stack) return false;
    unsigned n = atomic_fetch_add(&fault.count, 1) + 1, at = atomic_load(&fault.at);
    if (n != at && (n < at || !atomic_load(&fault.for_ever))) return false;
    errno = ENOMEM;
    return true;
}

static void arm(unsigned at, bool for_ever)
{
    atomic_store(&fault.count, 0);
    atomic_store(&fault.at, at);
    atomic_store(&fault.for_ever, for_ever);
    atomic_store(&fault.armed, true);
}

BARE void *malloc(size_t n)
{
    if (fails()) return NULL;
    return __interceptor_malloc != NULL ? __interceptor_malloc(n) : __libc_malloc(n);
}

BARE void *calloc(size_t n, size_t size)
{
    if (fails()) return NULL;
    return __interceptor_calloc != NULL ? __interceptor_calloc(n, size) : __libc_calloc(n, size);
}

BARE void *realloc(void *p, size_t n)
{
    if (fails()) return NULL;
    return __interceptor_realloc != NULL ? __interceptor_realloc(p, n) : __libc_realloc(p, n);
}

BARE void *aligned_alloc(size_t align, size_t n)
{
    if (fails()) return NULL;
    return __interceptor_aligned_alloc != NULL ? __interceptor_aligned_alloc(align, n) : __libc_memalign(align, n);
}

char *strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = malloc(n);
    return copy != NULL ? memcpy(copy, s, n) : NULL;
}

/* ---- the ingest ---- */

static const char fixture[] = TL_SOURCE_DIR "/fixtures/http-page.pcap"; /* 239 frames, with losses and copies made here */

static tl_rc ingest(const char *db, tl_error *err)
{
    static const tl_ledger_options small = {.batch_bytes = 16384, .batches = 2, .commit_bytes = 50000, .level = 1, .scan_aggregate = true};
    tl_lossy how = {.seed = 5, .drop_per_1000 = 40, .double_per_1000 = 40, .swap_per_1000 = 60};
    tl_source *file = tl_source_open_file(fixture, err);
    if (file == NULL) return err->rc;
    tl_source *s = tl_source_open_lossy(file, &how);
    if (s == NULL) return tl_fail(err, TL_ENOMEM, "out of memory");
    return tl_ledger_make(db, &s, 1, &small, err);
}

static void balances(const char *db)
{
    tl_error err = {0};
    tl_store *s = tl_store_open(db, NULL, &err);
    if (s == NULL) printf("\n%s\n", err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_close(s, NULL), TL_OK);
    char *rows = NULL, *integrity = tl_rows(db, "PRAGMA integrity_check");
    CU_ASSERT_STRING_EQUAL(integrity, "ok");
    free(integrity);
    const char *bad = tl_ledger_check(db, &rows);
    if (bad != NULL) printf("\n%s: %s\n", bad, rows != NULL ? rows : "");
    CU_ASSERT_PTR_NULL(bad);
    free(rows);
}

static tl_rc ingest_failing(const char *db, unsigned at, bool for_ever, tl_error *err)
{
    arm(at, for_ever);
    tl_rc rc = ingest(db, err);
    atomic_store(&fault.armed, false);
    return rc;
}

static unsigned step(unsigned n)
{
    const char *every = getenv("TL_FAULT_EVERY");
    unsigned given = every != NULL ? (unsigned)strtoul(every, NULL, 10) : 0;
    if (given > 0) return given;
    return n < 40 ? 1 : 1 + n / 14;
}

static void fails_at_every(bool for_ever)
{
    tl_error err = {0};
    char *db = tl_scratch("memory.db");
    CU_ASSERT_EQUAL_FATAL(ingest_failing(db, 0, false, &err), TL_OK);
    unsigned all = atomic_load(&fault.count), runs = 0, failed = 0;
    tl_scratch_done(db);
    CU_ASSERT(all > 200);
    for (unsigned n = 1; n <= all; n += step(n), runs++) {
        db = tl_scratch("memory.db");
        err = (tl_error){0};
        tl_rc rc = ingest_failing(db, n, for_ever, &err);
        if (rc != TL_OK) {
            failed++;
            if (err.text[0] == '\0' || strchr(err.text, '\n') != NULL) printf("\nallocation %u: %d '%s'\n", n, rc, err.text);
            CU_ASSERT(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
        }
        balances(db);
        tl_scratch_done(db);
    }
    printf("(%u of %u runs failed, of %u allocations) ", failed, runs, all);
    CU_ASSERT(failed > runs / 4);
}

static void once(void)
{
    fails_at_every(false);
}
static void from_then_on(void)
{
    fails_at_every(true);
}

/* The slabs of a pool are larger than what an ingest of a few sessions needs more than one of: here each of them fails in its turn, in
** every build.  What fails changes nothing. */
static void slabs(void)
{
    enum { BYTES = 4096, SMALL = 15, LARGE = 511, SLABS = 4, MOST = SMALL + (SLABS - 1) * LARGE };
    static uint8_t *all[MOST];
    for (unsigned at = 1; at <= SLABS; at++) {
        tl_pool p;
        unsigned failed = 0;
        tl_pool_init(&p, BYTES);
        p.apart = false;
        arm(at, false);
        for (size_t i = 0; i < MOST; i++) {
            all[i] = tl_pool_take(&p);
            if (all[i] != NULL) continue;
            size_t full = at == 1 ? 0 : SMALL + (size_t)(at - 2) * LARGE;
            failed++;
            CU_ASSERT_EQUAL(i, full);
            CU_ASSERT_EQUAL(p.slabs, at > 1 ? at - 2 : 0);
            CU_ASSERT_PTR_NOT_NULL_FATAL(all[i] = tl_pool_take(&p));
        }
        atomic_store(&fault.armed, false);
        CU_ASSERT_EQUAL(failed, 1);
        CU_ASSERT_EQUAL(atomic_load(&fault.count), SLABS + 1);
        for (size_t i = 0; i < MOST; i++) memset(all[i], (int)(i % 251), BYTES);
        for (size_t i = 0; i < MOST; i++) {
            CU_ASSERT(all[i][0] == i % 251 && all[i][BYTES - 1] == i % 251);
            tl_pool_give(&p, all[i]);
        }
        tl_pool_clear(&p);
    }
}

int main(void)
{
    return tl_run_cases(
        "memory",
        (const tl_case[]){{"one allocation fails", once}, {"all from one on fail", from_then_on}, {"slabs of a pool fail", slabs}, {0}});
}
