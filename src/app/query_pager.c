/*
** query_pager.c - standard output through a pager, as git does it.
**
** The pager is a child that reads a pipe; our standard output becomes the other end.  Plain words in $PAGER are started without a
** shell, so that a pager that is not installed is noticed and output goes straight to the terminal.
*/
#include "app/query_cmd.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { WORDS_MOST = 16, COMMAND_MOST = 400 };

static volatile pid_t pager; /* 0: none */

/* Ctrl-C is the pager's to answer: we wait until it has given the terminal back, then die of it. */
static void interrupted(int number)
{
    close(STDOUT_FILENO);
    if (pager > 0) (void)waitpid(pager, NULL, 0);
    signal(number, SIG_DFL);
    raise(number);
}

/* The words of `command` (in room, cut in place), or those of a shell that runs it. */
static void split(char *room, const char *command, char **words)
{
    static char shell[] = "sh", option[] = "-c";
    size_t n = 0;
    bool plain = strspn(command, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./, ") == strlen(command);
    if (plain)
        for (char *rest = room, *word; n < WORDS_MOST - 1 && (word = strtok_r(rest, " ", &rest)) != NULL;) words[n++] = word;
    if (!plain) {
        words[n++] = shell;
        words[n++] = option;
        words[n++] = room;
    }
    words[n] = NULL;
}

static pid_t start(const char *command, int in)
{
    char room[COMMAND_MOST], *words[WORDS_MOST];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t defaults;
    pid_t child = 0;
    if ((size_t)snprintf(room, sizeof room, "%s", command) >= sizeof room) return 0;
    split(room, command, words);
    if (words[0] == NULL || posix_spawn_file_actions_init(&actions) != 0) return 0;
    if (posix_spawnattr_init(&attributes) == 0) {
        sigemptyset(&defaults);
        sigaddset(&defaults, SIGPIPE); /* ours is ignored; the pager's is not our business */
        bool ready = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) == 0 &&
                     posix_spawnattr_setsigdefault(&attributes, &defaults) == 0 &&
                     posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF) == 0;
        if (!ready || posix_spawnp(&child, words[0], &actions, &attributes, words, environ) != 0) child = 0;
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return child;
}

void tl_pager_start(void)
{
    int ends[2];
    const char *command = getenv("PAGER");
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) return;
    if (command == NULL) command = "less -FRX";
    if (command[0] == '\0' || strcmp(command, "cat") == 0) return;
    if (pipe2(ends, O_CLOEXEC) != 0) return;
    setenv("LESS", "FRX", 0); /* for a $PAGER that is a plain less: leave at the end of a short text, show colours */
    pid_t child = start(command, ends[0]);
    close(ends[0]);
    if (child > 0) {
        pager = child;
        signal(SIGINT, interrupted);
        (void)fflush(stdout);
        if (dup2(ends[1], STDOUT_FILENO) < 0) pager = 0;
    }
    close(ends[1]);
}

void tl_pager_wait(void)
{
    if (pager == 0) return;
    (void)fclose(stdout);
    while (waitpid(pager, NULL, 0) < 0 && errno == EINTR)
        ;
}
