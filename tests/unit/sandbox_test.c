/*
** sandbox_test.c - what a process in the sandbox can still do, tried in a child.
*/
#include "app/pipeline_sandbox.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support/check.h"

enum {
    CAN_WRITE_THERE = 1,
    CAN_WRITE_ELSEWHERE = 2,
    CAN_SOCKET = 4,
    CAN_EXEC = 8,
    CAN_READ_INPUT = 16,
    CAN_READ_OTHER = 32,
    LANDLOCKED = 64,
    FILTERED = 128
};

static bool can_open(const char *path, int how)
{
    int fd = open(path, how | O_CLOEXEC, 0600);
    if (fd >= 0) close(fd);
    return fd >= 0;
}

/* In a child: what is possible, as its exit status. */
static int possible(bool sandboxed)
{
    char folder[] = "/tmp/sandbox-XXXXXX", db[64], other[64], elsewhere[] = "/tmp/sandbox-other-XXXXXX";
    if (mkdtemp(folder) == NULL || mkdtemp(elsewhere) == NULL) abort();
    snprintf(db, sizeof db, "%s/x.db", folder);
    snprintf(other, sizeof other, "%s/x", elsewhere);
    char input[] = TL_SOURCE_DIR "/fixtures/http-one.pcap", *inputs[] = {input};
    pid_t child = fork();
    if (child < 0) abort();
    if (child == 0) {
        tl_sandbox s = {0};
        int can = 0;
        if (sandboxed) tl_sandbox_enter(db, inputs, 1, &s);
        if (s.landlock) can |= LANDLOCKED;
        if (s.seccomp) can |= FILTERED;
        if (can_open(db, O_WRONLY | O_CREAT)) can |= CAN_WRITE_THERE;
        if (can_open(other, O_WRONLY | O_CREAT)) can |= CAN_WRITE_ELSEWHERE;
        if (can_open(input, O_RDONLY)) can |= CAN_READ_INPUT;
        if (can_open(TL_SOURCE_DIR "/README.md", O_RDONLY)) can |= CAN_READ_OTHER;
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd >= 0) can |= CAN_SOCKET;
        char *argv[] = {(char *)"/bin/true", NULL};
        if (sandboxed) {
            execv(argv[0], argv);
        } else {
            can |= CAN_EXEC;
        }
        _exit(can);
    }
    int status = 0;
    waitpid(child, &status, 0);
    unlink(db);
    unlink(other);
    rmdir(folder);
    rmdir(elsewhere);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void free_without(void)
{
    CU_ASSERT_EQUAL(possible(false), CAN_WRITE_THERE | CAN_WRITE_ELSEWHERE | CAN_SOCKET | CAN_EXEC | CAN_READ_INPUT | CAN_READ_OTHER);
}

/* /bin/true would have made the exit status 0. */
static void bound_within(void)
{
    int can = possible(true);
    CU_ASSERT(can > 0);
    CU_ASSERT(can & CAN_WRITE_THERE);
    CU_ASSERT(can & CAN_READ_INPUT);
    if (can & LANDLOCKED) {
        CU_ASSERT_FALSE(can & CAN_WRITE_ELSEWHERE);
        CU_ASSERT_FALSE(can & CAN_READ_OTHER);
    } else {
        printf("(this kernel has no Landlock) ");
    }
    if (can & FILTERED) {
        CU_ASSERT_FALSE(can & CAN_SOCKET);
    } else {
        printf("(this kernel has no seccomp filters) ");
    }
}

static void says_what_it_is(void)
{
    tl_text t = {0};
    tl_sandbox none = {0}, two = {.landlock = true, .no_core = true};
    tl_sandbox_text(&none, &t);
    CU_ASSERT_STRING_EQUAL(t.p, "none");
    tl_text_reset(&t);
    tl_sandbox_text(&two, &t);
    CU_ASSERT_STRING_EQUAL(t.p, "landlock no_core");
    tl_text_free(&t);
}

int main(void)
{
    return tl_run_cases("sandbox", (const tl_case[]){{"without it all is possible", free_without},
                                                     {"within it little is", bound_within},
                                                     {"says what it is", says_what_it_is},
                                                     {0}});
}
