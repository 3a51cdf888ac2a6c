#include "bench/forked.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { OUT_MOST = 32 << 20, ERR_MOST = 1 << 16, STATUS_MOST = 2, REPORTED = 99, LEAKED = 98, LINES_MOST = 20 };

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FORKED_SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define FORKED_SANITIZED 1
#endif

#ifdef FORKED_SANITIZED
#include <sanitizer/asan_interface.h>
#include <sanitizer/lsan_interface.h>

size_t __sanitizer_get_current_allocated_bytes(void); /* GCC lacks the header that says so */

/* ASan's own status is 1, which a program's may be.  A trap of UBSan (SIGILL) is told with its place.  What the parent frees stays mapped
** until the quarantine is full, and is copied, as page tables, to each child. */
const char *__asan_default_options(void)
{
    return "exitcode=99:handle_sigill=1:detect_leaks=1:malloc_context_size=4:quarantine_size_mb=16";
}

static size_t taken(void)
{
    return __sanitizer_get_current_allocated_bytes();
}

/* A child that ends by _exit() is not looked at otherwise.  The search takes half as long as a short run, and most runs need none: what is
** leaked shows in the bytes taken, since a program gives back nothing that it found there. */
static bool has_leaks(size_t before)
{
    return taken() > before && __lsan_do_recoverable_leak_check() != 0;
}

bool forked_sanitized(void)
{
    return true;
}
#else
static size_t taken(void)
{
    return 0;
}

static bool has_leaks(size_t before)
{
    return before > 0;
}

bool forked_sanitized(void)
{
    return false;
}
#endif

void *forked_room(size_t n)
{
    void *p = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
}

bool forked_new(forked *f, int cpu_s, int wall_s)
{
    *f = (forked){.cpu_s = cpu_s, .wall_s = wall_s, .out.p = forked_room(OUT_MOST), .err.p = forked_room(ERR_MOST)};
    if (f->out.p != NULL && f->err.p != NULL) return true;
    forked_free(f);
    return false;
}

void forked_free(forked *f)
{
    if (f->out.p != NULL) munmap(f->out.p, OUT_MOST);
    if (f->err.p != NULL) munmap(f->err.p, ERR_MOST);
    *f = (forked){0};
}

/* The child's whole life. */
static _Noreturn void live(const forked *f, forked_main *main_of, char **argv, int out, int err)
{
    static char buffer[1 << 16]; /* stdio's own would be a block that stays, see has_leaks() */
    const struct rlimit cpu = {(rlim_t)f->cpu_s, (rlim_t)f->cpu_s + 1}, core = {0, 0};
    int argc = 0;
    FILE *nothing = freopen("/dev/null", "r", stdin);
    if (nothing == NULL || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) _exit(REPORTED);
    close(out);
    close(err);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    while (argv[argc] != NULL) argc++;
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    size_t before = taken();
    int status = main_of(argc, argv);
    fflush(NULL);
    _exit(has_leaks(before) ? LEAKED : status);
}

static void take(forked_text *t, size_t most, struct pollfd *p)
{
    char waste[1 << 16];
    size_t left = most - 1 - t->n;
    ssize_t n = read(p->fd, left > 0 ? t->p + t->n : waste, left > 0 ? left : sizeof waste);
    if (n < 0 && errno == EINTR) return;
    if (n <= 0) {
        close(p->fd);
        p->fd = -1; /* poll() skips it */
        return;
    }
    t->all += (size_t)n;
    if (left > 0) t->n += (size_t)n;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Reads both until the child has closed them.  The time is summed up in looks of a second at most: when both were stopped for a while
** (SIGSTOP, a machine that slept), that was no time of the child's. */
static void drain(forked *f, pid_t child, int out, int err)
{
    struct pollfd p[2] = {{.fd = out, .events = POLLIN}, {.fd = err, .events = POLLIN}};
    double waited = 0;
    while (p[0].fd >= 0 || p[1].fd >= 0) {
        if (waited >= f->wall_s && !f->late) {
            f->late = true;
            kill(child, SIGKILL);
        }
        double before = now();
        int ready = poll(p, 2, 1000);
        if (ready < 0 && errno == EINTR) continue;
        if (ready < 0) break;
        double look = now() - before;
        waited += look > 1 ? 1 : look;
        if (p[0].fd >= 0 && p[0].revents != 0) take(&f->out, OUT_MOST, &p[0]);
        if (p[1].fd >= 0 && p[1].revents != 0) take(&f->err, ERR_MOST, &p[1]);
    }
    f->out.p[f->out.n] = f->err.p[f->err.n] = '\0';
}

bool forked_run(forked *f, forked_main *main_of, char **argv)
{
    int out[2], err[2];
    struct rusage used;
    f->out.n = f->out.all = f->err.n = f->err.all = 0;
    f->late = false;
    if (pipe(out) != 0) return false;
    if (pipe(err) != 0) {
        close(out[0]);
        close(out[1]);
        return false;
    }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        close(out[0]);
        close(err[0]);
        live(f, main_of, argv, out[1], err[1]);
    }
    close(out[1]);
    close(err[1]);
    if (child < 0) {
        close(out[0]);
        close(err[0]);
        return false;
    }
    drain(f, child, out[0], err[0]);
    if (wait4(child, &f->state, 0, &used) != child) return false;
    f->cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
    return true;
}

int forked_status(const forked *f)
{
    return WIFEXITED(f->state) ? WEXITSTATUS(f->state) : -1;
}

/* What a failure says: lines that begin with the program's name, or (a difference, rows of a check) something on standard output. */
static const char *complaint_fault(const forked *f, const char *name)
{
    static char text[100];
    size_t lines = 0, ours = 0, begins = strlen(name);
    for (const char *line = f->err.p, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        lines++;
        ours += strncmp(line, name, begins) == 0 && strncmp(line + begins, ": ", 2) == 0;
    }
    if (lines == 0 && f->err.n == 0 && f->out.all > 0) return NULL;
    if (lines > 0 && lines <= LINES_MOST && ours == lines && f->err.p[f->err.n - 1] == '\n') return NULL;
    snprintf(text, sizeof text, "status %d with %zu lines of complaint, %zu of them with the program's name", forked_status(f), lines,
             ours);
    return text;
}

const char *forked_fault(const forked *f, const char *name)
{
    static char text[100];
    int status = forked_status(f);
    if (f->late) {
        snprintf(text, sizeof text, "not ended after %d s by the clock", f->wall_s);
    } else if (WIFSIGNALED(f->state) && WTERMSIG(f->state) == SIGXCPU) {
        snprintf(text, sizeof text, "not ended after %d s of processor time", f->cpu_s);
    } else if (WIFSIGNALED(f->state)) {
        snprintf(text, sizeof text, "signal %d", WTERMSIG(f->state));
    } else if (status == LEAKED) {
        return "a leak";
    } else if (status == REPORTED || strstr(f->err.p, "Sanitizer") != NULL || strstr(f->err.p, "runtime error: ") != NULL) {
        return "a sanitizer's report";
    } else if (status > STATUS_MOST) {
        snprintf(text, sizeof text, "status %d", status);
    } else {
        return status == 0 ? NULL : complaint_fault(f, name);
    }
    return text;
}
