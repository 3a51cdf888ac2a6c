/*
** pipeline_sandbox.c - see the header.  Landlock has no library in Debian and no wrappers in glibc: its three system calls are made here
** (Documentation/userspace-api/landlock.rst of the kernel).  seccomp goes through libseccomp.
*/
#include "app/pipeline_sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights of Landlock's ABI 1; 2 added REFER, 3 TRUNCATE, which older headers lack. */
enum { ABI_TRUNCATE = 3, RIGHT_REFER = 1 << 13, RIGHT_TRUNCATE = 1 << 14 };
static const uint64_t reading = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
static const uint64_t writing = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG;
static const uint64_t others = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_CHAR |
                               LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO |
                               LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM;

/* Grants `rights` on path; a file takes only those that a file can have. */
static bool grant(int ruleset, const char *path, uint64_t rights)
{
    struct landlock_path_beneath_attr rule = {.allowed_access = rights};
    rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
    if (rule.parent_fd < 0) return false;
    long rc = syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    close(rule.parent_fd);
    return rc == 0;
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

static bool landlock(const char *db, char *const *inputs, int n)
{
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (abi < 1) return false;
    uint64_t truncate = abi >= ABI_TRUNCATE ? RIGHT_TRUNCATE : 0;
    struct landlock_ruleset_attr attr = {.handled_access_fs = reading | writing | others | truncate | (abi >= 2 ? RIGHT_REFER : 0)};
    int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (ruleset < 0) return false;
    char *folder = folder_of(db);
    bool good = folder != NULL && grant(ruleset, folder, reading | writing | truncate);
    for (int i = 0; good && i < n; i++) /* one that is gone by now fails when it is opened, with its own message */
        if (strcmp(inputs[i], "-") != 0) (void)grant(ruleset, inputs[i], LANDLOCK_ACCESS_FS_READ_FILE);
#ifdef __SANITIZE_ADDRESS__ /* LeakSanitizer lists its own threads when the program ends */
    (void)grant(ruleset, "/proc", LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR);
#endif
    good = good && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0;
    free(folder);
    close(ruleset);
    return good;
}

static bool refuse(scmp_filter_ctx filter, const int *calls, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);
        if (rc != 0 && rc != -EDOM && rc != -EOPNOTSUPP) return false; /* not on this architecture */
    }
    return true;
}

static bool seccomp(void)
{
    static const int calls[] = {
        /* the network: a live capture keeps the socket that it has */
        SCMP_SYS(socket),
        SCMP_SYS(socketpair),
        SCMP_SYS(connect),
        SCMP_SYS(bind),
        SCMP_SYS(listen),
        SCMP_SYS(accept),
        SCMP_SYS(accept4),
        /* other programs */
        SCMP_SYS(execve),
        SCMP_SYS(execveat),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(pidfd_open),
        SCMP_SYS(pidfd_getfd),
        /* the machine */
        SCMP_SYS(mount),
        SCMP_SYS(umount2),
        SCMP_SYS(pivot_root),
        SCMP_SYS(chroot),
        SCMP_SYS(setns),
        SCMP_SYS(unshare),
        SCMP_SYS(bpf),
        SCMP_SYS(perf_event_open),
        SCMP_SYS(init_module),
        SCMP_SYS(finit_module),
        SCMP_SYS(delete_module),
        SCMP_SYS(kexec_load),
        SCMP_SYS(kexec_file_load),
        SCMP_SYS(reboot),
        SCMP_SYS(swapon),
        SCMP_SYS(swapoff),
        SCMP_SYS(settimeofday),
        SCMP_SYS(clock_settime),
        SCMP_SYS(sethostname),
        SCMP_SYS(keyctl),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(open_by_handle_at),
        SCMP_SYS(mknod),
        SCMP_SYS(mknodat),
#ifndef __SANITIZE_ADDRESS__ /* LeakSanitizer looks at its own process through ptrace when the program ends */
        SCMP_SYS(ptrace),
#endif
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    if (filter == NULL) return false;
    bool good = refuse(filter, calls, sizeof calls / sizeof *calls) && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return good;
}

void tl_sandbox_enter(const char *db, char *const *inputs, int n, tl_sandbox *out)
{
    struct rlimit none = {0, 0};
    *out = (tl_sandbox){0};
    out->no_core = setrlimit(RLIMIT_CORE, &none) == 0;
    out->no_new_privs = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0;
    if (!out->no_new_privs) return; /* the other two need it */
    out->landlock = landlock(db, inputs, n);
    out->seccomp = seccomp();
}

void tl_sandbox_text(const tl_sandbox *s, tl_text *out)
{
    const struct {
        bool granted;
        const char *name;
    } parts[] = {{s->no_new_privs, "no_new_privs"}, {s->landlock, "landlock"}, {s->seccomp, "seccomp"}, {s->no_core, "no_core"}};
    size_t n = out->n;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (!parts[i].granted) continue;
        if (out->n > n) tl_text_add(out, " ");
        tl_text_add(out, parts[i].name);
    }
    if (out->n == n) tl_text_add(out, "none");
}
