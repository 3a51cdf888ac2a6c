#include "support/sample.h"

#include "base/embedded.h"
#include "query/known.h"
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

unsigned char *tl_slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) return NULL;
    unsigned char *p = NULL;
    long size = fseek(f, 0, SEEK_END) == 0 ? ftell(f) : -1;
    if (size >= 0 && fseek(f, 0, SEEK_SET) == 0 && (p = malloc((size_t)size + 1)) != NULL) {
        *n = fread(p, 1, (size_t)size, f);
        p[*n] = 0;
    }
    fclose(f);
    return p;
}

bool tl_spill(const char *path, const void *p, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (f == NULL) return false;
    bool ok = fwrite(p, 1, n, f) == n;
    return fclose(f) == 0 && ok;
}

static bool run(sqlite3 *db, const char *sql)
{
    char *why = NULL;
    if (sqlite3_exec(db, sql, NULL, NULL, &why) == SQLITE_OK) return true;
    fprintf(stderr, "sample: %s\n", why);
    sqlite3_free(why);
    return false;
}

bool tl_sample_run(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    bool ok = sqlite3_open(path, &db) == SQLITE_OK;
    if (ok) sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 0, NULL);
    ok = ok && run(db, sql);
    sqlite3_close(db);
    return ok;
}

static bool fill(sqlite3 *db, const char *sample, const char *more)
{
    char version[100];
    for (const tl_embedded *e = tl_schema; e->name != NULL; e++)
        if (!run(db, e->text)) return false;
    snprintf(version, sizeof version, "PRAGMA application_id = 0x54434C47; PRAGMA user_version = %d", tl_known_version());
    if (!run(db, version)) return false;
    if (sample != NULL) {
        size_t n = 0;
        char *text = (char *)tl_slurp(sample, &n);
        bool ok = text != NULL && run(db, text);
        free(text);
        if (!ok) return false;
    }
    return more == NULL || run(db, more);
}

char *tl_sample_new(const char *sample, const char *more)
{
    char *path = strdup("/tmp/tcpledger-sample-XXXXXX");
    int fd = path == NULL ? -1 : mkstemp(path);
    sqlite3 *db = NULL;
    if (fd < 0) {
        free(path);
        return NULL;
    }
    close(fd);
    bool ok = sqlite3_open(path, &db) == SQLITE_OK && run(db, "PRAGMA synchronous = OFF") && fill(db, sample, more);
    sqlite3_close(db);
    if (ok) return path;
    tl_sample_drop(path);
    return NULL;
}

void tl_sample_drop(char *path)
{
    if (path == NULL) return;
    unlink(path);
    free(path);
}
