/*
** timed.c - bench-timed RUNS COMMAND...: runs the command so many times, its output to nowhere, and prints one line: the medians of the
** wall clock and of the processor's time in milliseconds, and the largest memory in MB.  GNU time knows no less than 10 ms.
**
** Exit status: 0; 1 where the command could not be run, or failed; what it printed on stderr is then passed on.
*/
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RUNS_MOST = 1000 };

static double now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static double time_ms(struct timeval t)
{
    return (double)t.tv_sec * 1e3 + (double)t.tv_usec / 1e3;
}

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, by_size);
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* One run; false: it failed. */
static bool run(char **argv, int out, int err, double *wall, double *cpu, long *rss_kb)
{
    int status;
    struct rusage used;
    double start = now_ms();
    pid_t child = fork();
    if (child == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        execvp(argv[0], argv);
        _exit(127);
    }
    if (child < 0) return false;
    while (wait4(child, &status, 0, &used) < 0)
        if (errno != EINTR) return false;
    *wall = now_ms() - start;
    *cpu = time_ms(used.ru_utime) + time_ms(used.ru_stime);
    if (used.ru_maxrss > *rss_kb) *rss_kb = used.ru_maxrss;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* What the last run said. */
static void pass_on(FILE *err)
{
    char text[4096];
    rewind(err);
    size_t n = fread(text, 1, sizeof text, err);
    fwrite(text, 1, n, stderr);
}

int main(int argc, char **argv)
{
    static double wall[RUNS_MOST], cpu[RUNS_MOST];
    long rss_kb = 0, runs = argc > 2 ? strtol(argv[1], NULL, 10) : 0;
    int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
    FILE *err = tmpfile();
    if (runs < 1 || runs > RUNS_MOST || out < 0 || err == NULL) {
        fprintf(stderr, "usage: bench-timed RUNS COMMAND...\n");
        return 2;
    }
    for (long i = 0; i < runs; i++) {
        if (ftruncate(fileno(err), 0) != 0 || lseek(fileno(err), 0, SEEK_SET) != 0) return 1;
        if (run(argv + 2, out, fileno(err), &wall[i], &cpu[i], &rss_kb)) continue;
        fprintf(stderr, "bench-timed: %s failed: ", argv[2]);
        pass_on(err);
        return 1;
    }
    printf("%.2f %.2f %.1f\n", median(wall, (size_t)runs), median(cpu, (size_t)runs), (double)rss_kb / 1024);
    return 0;
}
