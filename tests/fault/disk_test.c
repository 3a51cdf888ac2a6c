/*
** The disk fails under the store: the nth write, sync, truncate, open or delete of SQLite, once or from then on, for n = 1, 2, 3 ... until
** a whole ingest passes.  Each run must end with a message of one line, and what is in the file afterwards must be a ledger that
** balances, of which an ingest of the same frames makes what an undisturbed one does.
**
** A VFS around the system's own counts and fails; a write that fails has written half of its bytes.  Nothing is really synced: what a
** power cut leaves is SQLite's own tests' business.
*/
#include "store/undo.h"
#include "support/check.h"
#include "support/dump.h"
#include "support/ledger.h"
#include "support/network.h"
#include "support/stage.h"

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef enum operation { WRITE, SYNC, TRUNCATE, OPEN, DELETE, OPERATIONS } operation;

/* The writer's thread opens nothing, but writes; the reader's thread may look on. */
static struct {
    atomic_int what, code; /* OPERATIONS: none */
    atomic_uint count, at; /* fails when the count reaches `at` ... */
    atomic_bool for_ever;  /* ... and from then on */
    atomic_bool fired;
    atomic_bool truncate_too; /* once a write failed */
    atomic_uint truncates;    /* that failed so */
} fault = {.what = OPERATIONS};

static int fails(operation op)
{
    if (atomic_load(&fault.what) != (int)op) return SQLITE_OK;
    unsigned n = atomic_fetch_add(&fault.count, 1) + 1, at = atomic_load(&fault.at);
    if (n != at && (n < at || !atomic_load(&fault.for_ever))) return SQLITE_OK;
    atomic_store(&fault.fired, true);
    return atomic_load(&fault.code);
}

/* ---- the shim ---- */

typedef struct shim_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this, in the same block */
} shim_file;

static sqlite3_vfs shim, *real_vfs;

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((shim_file *)f)->real;
}

static int shim_close(sqlite3_file *f)
{
    return real_of(f)->pMethods->xClose(real_of(f));
}
static int shim_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return real_of(f)->pMethods->xRead(real_of(f), p, n, at);
}
static int shim_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    int bad = fails(WRITE);
    int rc = real_of(f)->pMethods->xWrite(real_of(f), p, bad ? n / 2 : n, at);
    return bad ? bad : rc;
}
static int shim_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    int bad = fails(TRUNCATE);
    if (!bad && atomic_load(&fault.truncate_too) && atomic_load(&fault.what) == WRITE && atomic_load(&fault.fired)) {
        atomic_fetch_add(&fault.truncates, 1);
        bad = SQLITE_IOERR_TRUNCATE;
    }
    return bad ? bad : real_of(f)->pMethods->xTruncate(real_of(f), size);
}
static int shim_sync(sqlite3_file *f, int flags)
{
    (void)f, (void)flags;
    return fails(SYNC);
}
static int shim_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real_of(f)->pMethods->xFileSize(real_of(f), size);
}
static int shim_lock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xLock(real_of(f), level);
}
static int shim_unlock(sqlite3_file *f, int level)
{
    return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int shim_reserved(sqlite3_file *f, int *out)
{
    return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int shim_control(sqlite3_file *f, int op, void *arg)
{
    return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int shim_sector(sqlite3_file *f)
{
    return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int shim_device(sqlite3_file *f)
{
    return real_of(f)->pMethods->xDeviceCharacteristics(real_of(f));
}

static const sqlite3_io_methods shim_methods = {.iVersion = 1, /* no shared memory, no mmap: neither is used */
                                                .xClose = shim_close,
                                                .xRead = shim_read,
                                                .xWrite = shim_write,
                                                .xTruncate = shim_truncate,
                                                .xSync = shim_sync,
                                                .xFileSize = shim_size,
                                                .xLock = shim_lock,
                                                .xUnlock = shim_unlock,
                                                .xCheckReservedLock = shim_reserved,
                                                .xFileControl = shim_control,
                                                .xSectorSize = shim_sector,
                                                .xDeviceCharacteristics = shim_device};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *f, int flags, int *granted)
{
    (void)vfs;
    shim_file *s = (shim_file *)f;
    int rc = fails(OPEN);
    s->base.pMethods = NULL;
    s->real = (sqlite3_file *)(s + 1);
    if (rc == SQLITE_OK) rc = real_vfs->xOpen(real_vfs, name, s->real, flags, granted);
    if (rc == SQLITE_OK) s->base.pMethods = &shim_methods;
    return rc;
}

static int shim_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
    (void)vfs;
    int bad = fails(DELETE);
    return bad ? bad : real_vfs->xDelete(real_vfs, name, sync_folder);
}

static void install(void)
{
    sqlite3_initialize();
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs == NULL) abort();
    shim = *real_vfs;
    shim.zName = "shim";
    shim.szOsFile = (int)sizeof(shim_file) + real_vfs->szOsFile;
    shim.xOpen = shim_open;
    shim.xDelete = shim_delete;
    if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK) abort();
}

/* ---- the fixture ---- */

static tl_network *network;

/* Two connections with a few holes and copies, so that rows are changed and deleted too; and SYNs that nobody answers, summed up. */
static tl_source *frames(void)
{
    tl_lossy how = {.seed = 11, .drop_per_1000 = 40, .double_per_1000 = 40, .swap_per_1000 = 60};
    return tl_source_open_lossy(tl_source_open_memory(network->frames, network->n), &how);
}

static const tl_ledger_options small = {.batch_bytes = 8192, .batches = 2, .commit_bytes = 20000, .scan_aggregate = true};

static tl_rc ingest(const char *db, tl_error *err)
{
    tl_source *s = frames();
    return tl_ledger_make(db, &s, 1, &small, err);
}

static char *undisturbed(void)
{
    tl_error err = {0};
    char *db = tl_scratch("disk-whole.db");
    CU_ASSERT_EQUAL_FATAL(ingest(db, &err), TL_OK);
    char *dump = tl_ledger_dump(db, true);
    CU_ASSERT_PTR_NOT_NULL(strstr(dump, "scan|"));
    tl_scratch_done(db);
    return dump;
}

/* Each of the first ones and then one of a few; TL_FAULT_EVERY=1 tries them all. */
static unsigned step(unsigned n)
{
    const char *every = getenv("TL_FAULT_EVERY");
    unsigned given = every != NULL ? (unsigned)strtoul(every, NULL, 10) : 0;
    if (given > 0) return given;
    return n < 12 ? 1 : 1 + n / 6;
}

/* What the failed run left must open and balance; and what the next run makes of it is what one run alone makes. */
static void recovers(const char *db, const char *whole, bool complete_it)
{
    tl_error err = {0};
    tl_interrupted was;
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

    if (!complete_it) return;
    s = tl_store_open(db, NULL, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(tl_store_interrupted(s, 0, &was), TL_OK);
    if (was.ingest_id != 0) CU_ASSERT_EQUAL(tl_store_undo(s, &was), TL_OK);
    CU_ASSERT_EQUAL(tl_store_close(s, NULL), TL_OK);
    CU_ASSERT_EQUAL(ingest(db, &err), TL_OK);
    char *again = tl_ledger_dump(db, true);
    CU_ASSERT_STRING_EQUAL(again, whole);
    free(again);
}

static void fails_at_every(operation what, int code, bool for_ever)
{
    char *whole = undisturbed();
    unsigned n = 1, failed = 0, runs = 0;
    for (bool fired = true; fired; n += step(n)) {
        tl_error err = {0};
        char *db = tl_scratch("disk.db");
        atomic_store(&fault.code, code);
        atomic_store(&fault.count, 0);
        atomic_store(&fault.at, n);
        atomic_store(&fault.for_ever, for_ever);
        atomic_store(&fault.fired, false);
        atomic_store(&fault.what, what);
        tl_rc rc = ingest(db, &err);
        runs++;
        atomic_store(&fault.what, OPERATIONS);
        fired = atomic_load(&fault.fired);
        if (rc != TL_OK) {
            failed++;
            CU_ASSERT(fired && rc == TL_ESQL);
            CU_ASSERT(err.text[0] != '\0' && strchr(err.text, '\n') == NULL);
            recovers(db, whole, failed % 4 == 1);
        } else { /* nothing failed, or it did not matter */
            char *dump = tl_ledger_dump(db, true);
            CU_ASSERT_STRING_EQUAL(dump, whole);
            free(dump);
        }
        tl_scratch_done(db);
    }
    printf("(%u of %u runs, of %u operations) ", failed, runs, n - 1);
    CU_ASSERT(failed > 1);
    free(whole);
}

static void writes(void)
{
    fails_at_every(WRITE, SQLITE_FULL, false);
    fails_at_every(WRITE, SQLITE_FULL, true);
}
static void syncs(void)
{
    fails_at_every(SYNC, SQLITE_IOERR_FSYNC, false);
    fails_at_every(SYNC, SQLITE_IOERR_FSYNC, true);
}
static void opens(void)
{
    fails_at_every(OPEN, SQLITE_CANTOPEN, false);
    fails_at_every(OPEN, SQLITE_CANTOPEN, true);
}
static void deletes(void)
{
    fails_at_every(DELETE, SQLITE_IOERR_DELETE, false);
    fails_at_every(DELETE, SQLITE_IOERR_DELETE, true);
}

/* The only thing that shortens the file is the roll-back after another failure: that fails, too. */
static void truncates_after_writes(void)
{
    atomic_store(&fault.truncate_too, true);
    atomic_store(&fault.truncates, 0);
    fails_at_every(WRITE, SQLITE_FULL, false);
    CU_ASSERT(atomic_load(&fault.truncates) > 0);
    atomic_store(&fault.truncate_too, false);
}

int main(void)
{
    tl_network n = {0};
    network = &n;
    for (uint16_t c = 1; c <= 2; c++) tl_network_open(&n, c);
    for (unsigned object = 0; object < 3; object++)
        for (uint16_t c = 1; c <= 2; c++) tl_network_http(&n, c, object, 9000U);
    for (uint16_t c = 3; c <= 9; c++) tl_network_say(&n, c, 0, TL_SYN, "");
    for (uint16_t c = 1; c <= 2; c++) tl_network_close(&n, c);
    install();
    int failed = tl_run_cases("disk", (const tl_case[]){{"every write", writes},
                                                        {"every sync", syncs},
                                                        {"every open", opens},
                                                        {"every delete", deletes},
                                                        {"truncate after a write", truncates_after_writes},
                                                        {0}});
    tl_network_free(&n);
    return failed;
}
