/*
** damaged.c - damaged databases through every command of tcpledger-query, the program itself, as fast as a machine forks.
**
**     bench-damaged DB COPIES [FIRST]     copies FIRST ... of DB with 1 to 64 bytes changed (the seed is the copy's number)
**     bench-damaged --list                the command lines
**
** The program's main() is linked in as tl_query_main(); each run is a child.  A run fails when a signal ends it (sanitizers abort), when
** its status is above 2, when it takes 5 s of processor time or 60 s by the clock, or when the database has changed.  Status 1 when
** any failed. Build it with the preset dev for the sanitizers.
*/
#include "support/check.h"
#include "support/sample.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

int tl_query_main(int argc, char **argv);

enum { WORDS = 16, CPU_S = 5, WALL_S = 60 };

/* Words are parted by blanks; "@" stands for the sound database.  Files are made in the folder "out", which is new for each run. */
static const char *const lines[] = {
    "sessions --format json",
    "sessions --lossy --where capture_loss>0",
    "session 1",
    "session 2 --format csv",
    "messages --format jsonl",
    "messages 1",
    "exchanges --format csv",
    "hosts",
    "timeline",
    "payload 1 --dir server --timeout 3",
    "payload 1 --message 2 --body --gaps zero -o out/part --timeout 3",
    "payload 2 --dir client --gaps zero -o out/huge --timeout 3",
    "follow 1",
    "follow 2 --as yaml",
    "frames 1",
    "explain 1",
    "grep GET",
    "objects --format csv",
    "objects --export out/objects",
    "grep -e [a-z]+ --format json",
    "grep --decoded o",
    "pcap 1 2 3 -o out/x.pcapng --no-hash",
    "pcap 3 --capture 1=fixtures/http-lossy.pcap -o out/x.pcapng",
    "export -o out/folder --timeout 3",
    "export -o out/x.zip --gaps zero --timeout 3",
    "export 1 2 3 -o out/x.sqlar --timeout 3",
    "diff @ --format json",
    "merge @ -o out/merged.db",
    "loss",
    "verify --timeout 3",
    "info --format jsonl",
    "sql SELECT*FROM/**/conn_log",
    "sql SELECT*FROM/**/unframed --format csv",
    "queries",
    "run largest_losses",
    "run check_messages --timeout 3",
    "report -o out/report.html",
};
enum { LINES = sizeof lines / sizeof *lines };

static char bad_path[] = "bad.db";

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void new_folder(const char *path)
{
    nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    if (mkdir(path, 0700) != 0) perror(path);
}

/* The child's whole life. */
static _Noreturn void run_line(const char *line, const char *sound, const char *complaints)
{
    char text[256], *argv[WORDS + 3] = {"tcpledger-query", bad_path};
    int argc = 2;
    const struct rlimit cpu = {CPU_S, CPU_S + 1}, core = {0, 0};
    int null = open("/dev/null", O_RDWR), err = open(complaints, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    dup2(err, STDERR_FILENO);
    setrlimit(RLIMIT_CPU, &cpu);
    setrlimit(RLIMIT_CORE, &core);
    alarm(WALL_S);
    snprintf(text, sizeof text, "%s", line);
    for (char *save, *word = strtok_r(text, " ", &save); word != NULL && argc < WORDS; word = strtok_r(NULL, " ", &save))
        argv[argc++] = strcmp(word, "@") == 0 ? (char *)(uintptr_t)sound : word;
    int status = tl_query_main(argc, argv);
    fflush(NULL);
    _exit(status);
}

static void show(const char *complaints)
{
    char text[2000];
    FILE *f = fopen(complaints, "r");
    size_t n = f != NULL ? fread(text, 1, sizeof text, f) : 0;
    if (f != NULL) fclose(f);
    printf("%.*s\n", (int)n, text);
}

/* false: it failed, and that was printed. */
static bool one_run(unsigned long copy, const char *line, const char *sound, bool *answered)
{
    int state = 0;
    new_folder("out");
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) run_line(line, sound, "stderr");
    if (child < 0 || waitpid(child, &state, 0) != child) {
        perror("fork");
        return false;
    }
    *answered = WIFEXITED(state) && WEXITSTATUS(state) == 0;
    if (WIFEXITED(state) && WEXITSTATUS(state) <= 2) return true;
    printf("FAILED: copy %lu: %s: %s %d\n", copy, line, WIFSIGNALED(state) ? "signal" : "status",
           WIFSIGNALED(state) ? WTERMSIG(state) : WEXITSTATUS(state));
    show("stderr");
    return false;
}

static void change(unsigned char *bad, size_t n, unsigned long copy)
{
    unsigned long long seed = 0x9e3779b97f4a7c15ULL + copy;
    size_t changes = (size_t)1 << copy % 7; /* 1 ... 64 */
    for (size_t i = 0; i < changes; i++) {
        size_t at = (size_t)(tl_random(&seed) % n);
        if (copy % 4 == 1) at %= 4096;                      /* where the schema is */
        if (copy % 4 == 3) at = at / 4096 * 4096 + at % 32; /* heads of pages */
        bad[at] = (unsigned char)tl_random(&seed);
    }
}

static bool unchanged(const unsigned char *bad, size_t n)
{
    size_t now_n = 0;
    unsigned char *now = tl_slurp(bad_path, &now_n);
    bool same =
        now != NULL && now_n == n && memcmp(now, bad, n) == 0 && access("bad.db-journal", F_OK) != 0 && access("bad.db-wal", F_OK) != 0;
    free(now);
    return same;
}

static unsigned long one_copy(unsigned long copy, const unsigned char *good, unsigned char *bad, size_t n, const char *sound,
                              unsigned long *answers)
{
    unsigned long failed = 0;
    memcpy(bad, good, n);
    change(bad, n, copy);
    if (!tl_spill(bad_path, bad, n)) return 1;
    for (size_t i = 0; i < LINES; i++) {
        bool answered = false;
        failed += !one_run(copy, lines[i], sound, &answered);
        *answers += answered;
    }
    if (unchanged(bad, n)) return failed;
    printf("FAILED: copy %lu: the database was written to\n", copy);
    return failed + 1;
}

int main(int argc, char **argv)
{
    size_t n = 0;
    unsigned long failed = 0, answers = 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < LINES; i++) puts(lines[i]);
        return 0;
    }
    if (argc < 3) {
        fprintf(stderr, "usage: bench-damaged DB COPIES [FIRST]\n");
        return 2;
    }
    unsigned long copies = strtoul(argv[2], NULL, 10), first = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
    char *sound = realpath(argv[1], NULL), folder[] = "/tmp/damaged-XXXXXX";
    unsigned char *good = sound == NULL ? NULL : tl_slurp(sound, &n), *bad = malloc(n + 1);
    char *fixtures = realpath("fixtures", NULL);
    if (good == NULL || bad == NULL || mkdtemp(folder) == NULL || chdir(folder) != 0) {
        perror(argv[1]);
        return 2;
    }
    if (fixtures != NULL && symlink(fixtures, "fixtures") != 0) perror("fixtures");
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (unsigned long copy = first; copy < first + copies; copy++) failed += one_copy(copy, good, bad, n, sound, &answers);
    printf("%lu copies, %lu runs, %lu answers, %lu failed\n", copies, copies * LINES, answers, failed);
    if (chdir("/") == 0) nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(good);
    free(bad);
    free(sound);
    free(fixtures);
    return failed > 0 || (copies >= 20 && answers < copies);
}
