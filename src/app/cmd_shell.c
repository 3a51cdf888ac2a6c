/*
** cmd_shell.c - the stock sqlite3 shell on the database, read-only, with tcpledger.so loaded (query/functions.h).
**
** The reader looked at the database first: its schema is ours, so nothing of it runs by itself.  What a person types is theirs.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where the extension lies: beside the program (a build), or where `cmake --install` puts it. */
static bool find_extension(tl_text *out)
{
    static const char *const places[] = {"/tcpledger.so", "/../lib/tcpledger/tcpledger.so"};
    char program[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    char *slash = n > 0 ? memrchr(program, '/', (size_t)n) : NULL;
    if (slash == NULL) return false;
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        tl_text_reset(out);
        tl_text_bytes(out, program, (size_t)(slash - program));
        tl_text_add(out, places[i]);
        if (!out->failed && access(out->p, R_OK) == 0) return true;
    }
    return false;
}

/* The shell's own quoting (C strings in double quotes). */
static void add_quoted(tl_text *t, const char *s)
{
    tl_text_add(t, "\"");
    for (; *s != '\0'; s++) {
        if (*s == '"' || *s == '\\') tl_text_add(t, "\\");
        tl_text_bytes(t, s, 1);
    }
    tl_text_add(t, "\"");
}

int tl_cmd_shell(tl_query *q)
{
    tl_text extension = {0}, load = {0}, path = {0};
    if (!find_extension(&extension)) {
        tl_text_free(&extension);
        return tl_complain(STATUS_FAILED, "tcpledger.so is neither beside this program nor in ../lib/tcpledger");
    }
    tl_text_add(&load, ".load ");
    add_quoted(&load, extension.p);
    if (q->path[0] != '/') tl_text_add(&path, "./"); /* "-x", "file:..." and ":memory:" are names like any other */
    tl_text_add(&path, q->path);
    int status = STATUS_FAILED;
    if (load.failed || path.failed) {
        status = tl_complain(status, "no memory");
    } else {
        char readonly[] = "-readonly", cmd[] = "-cmd", trust[] = "PRAGMA trusted_schema = OFF", name[] = "sqlite3";
        char *const argv[] = {name, readonly, cmd, trust, cmd, load.p, path.p, NULL};
        execvp(name, argv);
        status = errno == ENOENT ? tl_complain(status, "the sqlite3 shell is not installed (Debian: package sqlite3)")
                                 : tl_complain(status, "sqlite3: %s", strerror(errno));
    }
    tl_text_free(&extension);
    tl_text_free(&load);
    tl_text_free(&path);
    return status;
}
