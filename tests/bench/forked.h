/*
** forked.h - a program's main() as a child of this process, and what is wrong with how it went.
**
** A child that is forked needs no loading, no linking and no sanitizer of its own to start: these are most of the time of a short command.
** The parent never runs the program itself, so each child begins with the memory of a process that has just started.
*/
#ifndef TL_BENCH_FORKED_H
#define TL_BENCH_FORKED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

typedef int forked_main(int argc, char **argv);

/* Text of a bounded size; what came after is only counted. */
typedef struct forked_text {
    char *p; /* ended by '\0' */
    size_t n, all;
} forked_text;

typedef struct forked {
    int cpu_s, wall_s; /* limits */
    forked_text out, err;
    int state; /* as of waitpid() */
    bool late; /* ended because of wall_s */
    double cpu;
} forked;

/* Memory that fork() has nothing to copy of, and that leaks are not looked for in; NULL: there is none. */
void *forked_room(size_t n);

bool forked_new(forked *f, int cpu_s, int wall_s);
void forked_free(forked *f);

/* Whether a sanitizer looks on, and for leaks, too. */
bool forked_sanitized(void);

/* Runs main_of(argv) in a child, with an empty standard input; false: there was none, or it could not be watched. */
bool forked_run(forked *f, forked_main *main_of, char **argv);

/* NULL: it went as a program's run may go.  Otherwise what is wrong: a signal, a sanitizer's report, a leak, a status above 2, a limit that
** was reached, or a complaint that is not lines of `name`.  The text is good until the next call. */
const char *forked_fault(const forked *f, const char *name);

/* The exit status of the last run; -1: a signal. */
int forked_status(const forked *f);

#endif
