/*
** damaged.c - damaged databases through every command of tcpledger-query, the program itself, as fast as a machine forks.
**
**     bench-damaged COPIES FIRST LINE DB...    copies FIRST, FIRST + 1, ... of the databases in turn, with 1 to 64 bytes changed, through
**                                              command LINE (0: all of them); with a LINE, what it said is shown, and its files stay
**     bench-damaged --list                     the command lines
**     bench-damaged --sabotage                 children with every fault there is a rule against: each must be found
**
** What is changed follows from the copy's number alone.  The program's main() is linked in as tl_query_main(); each run is a child
** (forked.h).  Besides what is wrong with any run, it is a fault when a database that is only read changes in a byte or in its time, when
** a journal lies beside it, or when an answer that should be JSON is not.  Status 1 when there was one.  The preset dev has the sanitizers.
**
** The program's clock runs ten times as fast here: "--timeout 3" is for the runs that would have no end, and 0.3 s of that are enough.
*/
#include "bench/forked.h"
#include "support/check.h"
#include "support/sample.h"

#include <fcntl.h>
#include <ftw.h>
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int tl_query_main(int argc, char **argv);

enum { WORDS = 16, CPU_S = 5, WALL_S = 60, HASTE = 10, DATABASES = 8, TOLD_EVERY = 100, OLD = 1000000000 };

/* The database that is asked, and words parted by blanks.  "bad" is the damaged copy, "own" another one that may be written to; "@" the
** sound database that it was made of, "+" the next one.  Files are made in the folder "out", which is new for each run. */
static const struct {
    const char *asked, *words;
} lines[] = {
    {"bad", "sessions --format json"},
    {"bad", "sessions --lossy --where capture_loss>0"},
    {"bad", "session 1"},
    {"bad", "session 2 --format csv"},
    {"bad", "messages --format jsonl"},
    {"bad", "messages 1"},
    {"bad", "exchanges --format csv"},
    {"bad", "hosts"},
    {"bad", "timeline"},
    {"bad", "payload 1 --dir server --timeout 3"},
    {"bad", "payload 1 --message 2 --body --gaps zero -o out/part --timeout 3"},
    {"bad", "payload 2 --dir client --gaps zero -o out/huge --timeout 3"},
    {"bad", "follow 1"},
    {"bad", "follow 2 --as yaml"},
    {"bad", "frames 1"},
    {"bad", "explain 1"},
    {"bad", "grep GET"},
    {"bad", "objects --format csv"},
    {"bad", "objects --export out/objects"},
    {"bad", "grep -e [a-z]{9} --format json"},
    {"bad", "grep --decoded o"},
    {"bad", "pcap 1 2 3 -o out/x.pcapng --no-hash"},
    {"bad", "pcap 3 --capture 1=fixtures/http-lossy.pcap -o out/x.pcapng"},
    {"bad", "export -o out/folder --timeout 3"},
    {"bad", "export -o out/x.zip --gaps zero --timeout 1"},
    {"bad", "export 1 2 3 -o out/x.sqlar --timeout 3"},
    {"bad", "diff @ --format json"},
    {"bad", "merge + -o out/merged.db"},
    {"bad", "loss"},
    {"bad", "verify --timeout 3"},
    {"bad", "info --format jsonl"},
    {"bad", "sql SELECT*FROM/**/conn_log"},
    {"bad", "sql SELECT*FROM/**/unframed --format csv"},
    {"bad", "queries"},
    {"bad", "run largest_losses"},
    {"bad", "run check_messages --timeout 3"},
    {"bad", "report -o out/report.html"},
    {"@", "diff bad --quick"},
    {"+", "merge bad -o out/merged.db"},
    {"own", "reindex"},
};
enum { LINES = sizeof lines / sizeof *lines };

typedef struct database {
    char name[16]; /* in the folder */
    unsigned char *p;
    size_t n;
} database;

static struct {
    forked run;
    database sound[DATABASES], bad;
    size_t count; /* of the sound ones */
    sqlite3_stmt *is_json;
    unsigned long copies, runs, answers, faults;
    double cpu, longest;
    char longest_run[200];
} bench = {.bad.name = "bad.db"};

int clock_gettime(clockid_t which, struct timespec *t)
{
    int rc = (int)syscall(SYS_clock_gettime, which, t);
    if (rc != 0 || which != CLOCK_MONOTONIC) return rc;
    long long ns = (t->tv_sec * 1000000000LL + t->tv_nsec) * HASTE;
    *t = (struct timespec){.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    return rc;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
    (void)st;
    (void)kind;
    (void)at;
    return remove(path);
}

static void new_folder(const char *path)
{
    if (rmdir(path) != 0) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); /* most runs leave it empty */
    if (mkdir(path, 0700) != 0) perror(path);
}

/* With a time that no clock shows now. */
static bool put(const database *d)
{
    const struct timespec old[2] = {{.tv_sec = OLD}, {.tv_sec = OLD}};
    return tl_spill(d->name, d->p, d->n) && utimensat(AT_FDCWD, d->name, old, 0) == 0;
}

/* bytes: they are compared, too. */
static bool is_untouched(const database *d, bool bytes)
{
    char beside[40];
    static const char *const suffixes[] = {"-journal", "-wal", "-shm"};
    struct stat st;
    int fd = open(d->name, O_RDONLY | O_CLOEXEC);
    bool same = fd >= 0 && fstat(fd, &st) == 0 && (size_t)st.st_size == d->n && st.st_mtim.tv_sec == OLD && st.st_mtim.tv_nsec == 0;
    void *now = same && bytes ? mmap(NULL, d->n, PROT_READ, MAP_PRIVATE, fd, 0) : MAP_FAILED;
    if (bytes) same = now != MAP_FAILED && memcmp(now, d->p, d->n) == 0;
    if (now != MAP_FAILED) munmap(now, d->n);
    if (fd >= 0) close(fd);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        snprintf(beside, sizeof beside, "%s%s", d->name, suffixes[i]);
        same = same && access(beside, F_OK) != 0;
    }
    return same;
}

static bool is_json(const char *p, size_t n)
{
    sqlite3_bind_text(bench.is_json, 1, p, (int)n, SQLITE_STATIC);
    bool valid = sqlite3_step(bench.is_json) == SQLITE_ROW && sqlite3_column_int(bench.is_json, 0) == 1;
    sqlite3_reset(bench.is_json);
    return valid;
}

/* What is cut off is not looked at. */
static bool is_as_asked(const forked_text *out, const char *words)
{
    if (out->n < out->all || strstr(words, "--format json") == NULL) return true;
    if (strstr(words, "--format jsonl") == NULL) return is_json(out->p, out->n);
    for (const char *line = out->p, *end; *line != '\0'; line = end + 1)
        if ((end = strchr(line, '\n')) == NULL || !is_json(line, (size_t)(end - line))) return false;
    return true;
}

/* NULL: nothing is wrong. */
static const char *fault_of(forked_main *main_of, char **argv, const char *words)
{
    if (!forked_run(&bench.run, main_of, argv)) return "no child";
    bench.runs++;
    bench.answers += forked_status(&bench.run) == 0;
    bench.cpu += bench.run.cpu;
    const char *fault = forked_fault(&bench.run, "tcpledger-query");
    if (fault == NULL && forked_status(&bench.run) == 0 && !is_as_asked(&bench.run.out, words)) fault = "no JSON";
    for (size_t i = 0; i < bench.count; i++)
        if (fault == NULL && !is_untouched(&bench.sound[i], false)) fault = "a sound database was written to";
    if (fault == NULL && !is_untouched(&bench.bad, true)) fault = "the database was written to";
    return fault;
}

static void one_run(unsigned long copy, size_t line, bool show)
{
    static char program[] = "tcpledger-query", own[] = "out/own.db";
    char text[256], *argv[WORDS + 1] = {program};
    size_t argc = 1;
    database *at = &bench.sound[copy % bench.count], *next = &bench.sound[(copy + 1) % bench.count];
    snprintf(text, sizeof text, "%s %s", lines[line].asked, lines[line].words);
    for (char *save, *word = strtok_r(text, " ", &save); word != NULL && argc < WORDS; word = strtok_r(NULL, " ", &save)) {
        if (strcmp(word, "@") == 0) word = at->name;
        if (strcmp(word, "+") == 0) word = next->name;
        if (strcmp(word, "bad") == 0) word = bench.bad.name;
        if (strcmp(word, "own") == 0) word = own;
        argv[argc++] = word;
    }
    new_folder("out");
    if (argv[1] == own && !tl_spill(own, bench.bad.p, bench.bad.n)) perror(own);
    const char *fault = fault_of(tl_query_main, argv, lines[line].words);
    if (bench.run.cpu > bench.longest) {
        bench.longest = bench.run.cpu;
        snprintf(bench.longest_run, sizeof bench.longest_run, "copy %lu, line %zu", copy, line + 1);
    }
    if (fault != NULL) printf("FAILED: copy %lu: %s: %s\n", copy, lines[line].words, fault);
    if (fault != NULL || show) printf("%.4000s", bench.run.err.p);
    if (show) printf("status %d, %.2f s, %zu bytes of output\n", forked_status(&bench.run), bench.run.cpu, bench.run.out.all);
    if (fault != NULL && !show) printf("again: sh tests/bench/damaged.sh BUILD 1 %lu %zu\n", copy, line + 1);
    bench.faults += fault != NULL;
}

/* Where something is written, in a page of rows or index entries, each as likely as the next: most of a small database is empty, most of
** another one payload.  Not in the schema: a change there is one refusal for all commands. */
static size_t in_a_row(const unsigned char *bad, size_t n, size_t page, unsigned long long *seed)
{
    for (int tries = 0; tries < 1000; tries++) {
        size_t start = (size_t)(tl_random(seed) % (n / page)) * page;
        bool rows = bad[start] == 2 || bad[start] == 5 || bad[start] == 10 || bad[start] == 13;
        if (!rows || memmem(bad + start, page, "CREATE ", 7) != NULL) continue;
        for (int bytes = 0; bytes < 1000; bytes++) {
            size_t at = start + (size_t)(tl_random(seed) % page);
            if (bad[at] != 0) return at;
        }
    }
    return (size_t)(tl_random(seed) % n);
}

/* Of four copies of a database one has its bytes anywhere, one in the first page, where the schema is, one in rows, and one in the heads of
** pages. */
static void change(unsigned char *bad, size_t n, unsigned long copy)
{
    unsigned long long seed = (copy + 1) * 0x9e3779b97f4a7c15ULL;
    size_t page = (size_t)bad[16] << 8 | bad[17], number = copy / bench.count, changes = (size_t)1 << number % 7; /* 1 ... 64 */
    if (page < 512) page = 65536;
    for (size_t i = 0; i < changes; i++) {
        size_t at = (size_t)(tl_random(&seed) % n);
        if (number % 4 == 1) at %= page;
        if (number % 4 == 2) at = in_a_row(bad, n, page, &seed);
        if (number % 4 == 3) at = at / page * page + at % 32;
        bad[at] ^= (unsigned char)(1 + tl_random(&seed) % 255);
    }
}

/* line: 0: all. */
static void one_copy(unsigned long copy, size_t line)
{
    const database *of = &bench.sound[copy % bench.count];
    bench.bad.n = of->n;
    memcpy(bench.bad.p, of->p, of->n);
    change(bench.bad.p, of->n, copy);
    if (!put(&bench.bad)) perror(bench.bad.name);
    for (size_t i = 0; i < LINES; i++)
        if (line == 0 || i + 1 == line) one_run(copy, i, line != 0);
    bench.copies++;
}

static void tell(void)
{
    printf("%lu copies, %lu runs, %lu answers, %lu failed; %.0f s of processor time, the longest run %.2f s (%s)\n", bench.copies,
           bench.runs, bench.answers, bench.faults, bench.cpu, bench.longest, bench.longest_run);
}

/* Programs that do what none may; the database that they are asked about is argv[1]. */
static char *volatile lost;

static int does_nothing(int argc, char **argv)
{
    (void)argv;
    return argc > 0 ? 0 : 1;
}

static int complains(int argc, char **argv)
{
    fprintf(stderr, "tcpledger-query: %s: no\n", argv[1]);
    return argc > 0;
}

static int leaks(int argc, char **argv)
{
    lost = strdup(argv[1]);
    lost = NULL;
    return argc < 0;
}

static int reads_behind_its_block(int argc, char **argv)
{
    lost = strdup(argv[1]);
    bool odd = lost[strlen(argv[1]) + (size_t)argc] % 2 != 0;
    free(lost);
    return odd;
}

static int overflows(int argc, char **argv)
{
    volatile int most = INT32_MAX - 1;
    (void)argv;
    most += argc;
    return most > 0;
}

static int asserts(int argc, char **argv)
{
    (void)argv;
    if (argc > 0) abort();
    return 0;
}

static int spins(int argc, char **argv)
{
    while (argv[argc] == NULL) lost = NULL;
    return 0;
}

static int waits(int argc, char **argv)
{
    (void)argv;
    while (argc > 0) pause();
    return 0;
}

static int ends_with_3(int argc, char **argv)
{
    complains(argc, argv);
    return 3;
}

static int fails_in_silence(int argc, char **argv)
{
    (void)argv;
    return argc > 0 ? 1 : 0;
}

static int complains_nameless(int argc, char **argv)
{
    fputs("no\n", stderr);
    return complains(argc, argv);
}

static int writes_a_byte(int argc, char **argv)
{
    struct stat st;
    int fd = open(argv[1], O_WRONLY);
    bool ok = fstat(fd, &st) == 0 && pwrite(fd, "?", 1, 100) == 1 && futimens(fd, (struct timespec[]){st.st_atim, st.st_mtim}) == 0;
    close(fd);
    return ok && argc > 0 ? 0 : 9;
}

static int writes_what_is_there(int argc, char **argv)
{
    int fd = open(argv[1], O_RDWR);
    char c = 0;
    bool ok = pread(fd, &c, 1, 100) == 1 && pwrite(fd, &c, 1, 100) == 1;
    close(fd);
    return ok && argc > 0 ? 0 : 9;
}

static int writes_elsewhere(int argc, char **argv)
{
    (void)argv;
    return argc > 0 && truncate("0.db", 4000) == 0 ? 0 : 9;
}

static int leaves_a_journal(int argc, char **argv)
{
    (void)argv;
    close(creat("bad.db-journal", 0600));
    return argc > 0 ? 0 : 9;
}

static int says_no_json(int argc, char **argv)
{
    printf("{\"%s\": ", argv[1]);
    return argc < 0;
}

static const struct {
    const char *name, *fault; /* fault: NULL: none may be found */
    forked_main *main_of;
    bool sanitized; /* only a sanitizer finds it */
} sabotages[] = {
    {"nothing", NULL, does_nothing, false},
    {"a complaint", NULL, complains, false},
    {"a leak", "a leak", leaks, true},
    {"an overread", "a sanitizer's report", reads_behind_its_block, true},
    {"an overflow", "a sanitizer's report", overflows, true},
    {"an assertion", "signal 6", asserts, false},
    {"a loop", "not ended after 1 s of processor time", spins, false},
    {"a wait", "not ended after 1 s by the clock", waits, false},
    {"status 3", "status 3", ends_with_3, false},
    {"silence", "status 1 with 0 lines", fails_in_silence, false},
    {"a stranger's complaint", "status 1 with 2 lines", complains_nameless, false},
    {"a byte written", "the database was written to", writes_a_byte, false},
    {"the same byte written", "the database was written to", writes_what_is_there, false},
    {"a sound one cut short", "a sound database was written to", writes_elsewhere, false},
    {"a journal", "the database was written to", leaves_a_journal, false},
    {"no JSON", "no JSON", says_no_json, false}, /* the last one */
};
enum { SABOTAGES = sizeof sabotages / sizeof *sabotages };

/* How many were not found. */
static int sabotage(void)
{
    static char program[] = "tcpledger-query";
    char *argv[] = {program, bench.bad.name, NULL};
    int missed = 0;
    bench.bad.n = 4096;
    memset(bench.bad.p, 'x', bench.bad.n);
    bench.sound[bench.count++] = (database){"0.db", bench.bad.p, bench.bad.n};
    for (size_t i = 0; i < SABOTAGES; i++) {
        if (sabotages[i].sanitized && !forked_sanitized()) continue;
        bench.run.cpu_s = sabotages[i].main_of == spins ? 1 : CPU_S;
        bench.run.wall_s = sabotages[i].main_of == waits ? 1 : WALL_S;
        unlink("bad.db-journal");
        if (!put(&bench.bad) || !put(&bench.sound[0])) perror(bench.bad.name);
        const char *wanted = sabotages[i].fault, *fault = fault_of(sabotages[i].main_of, argv, i + 1 == SABOTAGES ? "--format json" : "");
        bool found = wanted == NULL ? fault == NULL : fault != NULL && strncmp(fault, wanted, strlen(wanted)) == 0;
        if (!found) printf("FAILED: %s: %s, not %s\n", sabotages[i].name, fault == NULL ? "nothing found" : fault, wanted);
        missed += !found;
    }
    return missed;
}

/* The sound databases into the folder, where everything happens; false: said why not. */
static bool set_up(char **names, int count, const char *folder)
{
    size_t most = 4096;
    unsigned char digest[EVP_MAX_MD_SIZE];
    sqlite3 *db = NULL;
    char *fixtures = realpath("fixtures", NULL);
    for (int i = 0; i < count && i < DATABASES; i++) {
        database *d = &bench.sound[bench.count++];
        unsigned char *p = tl_slurp(names[i], &d->n);
        if (p == NULL || d->n < 100 || (d->p = forked_room(d->n)) == NULL) return perror(names[i]), free(p), false;
        memcpy(d->p, p, d->n);
        free(p);
        snprintf(d->name, sizeof d->name, "%d.db", i);
        if (d->n > most) most = d->n;
    }
    bench.bad.p = forked_room(most);
    if (bench.bad.p == NULL || !forked_new(&bench.run, CPU_S, WALL_S) || chdir(folder) != 0) return perror(folder), false;
    if (EVP_Digest("", 0, digest, NULL, EVP_sha256(), NULL) != 1 || sqlite3_initialize() != SQLITE_OK) return false;
    tzset(); /* as the above: memory that is taken once for all */
    if (fixtures != NULL && symlink(fixtures, "fixtures") != 0) perror("fixtures");
    free(fixtures);
    for (size_t i = 0; i < bench.count; i++)
        if (!put(&bench.sound[i])) return perror(folder), false;
    return sqlite3_open(":memory:", &db) == SQLITE_OK &&
           sqlite3_prepare_v2(db, "SELECT json_valid(?1)", -1, &bench.is_json, NULL) == SQLITE_OK;
}

int main(int argc, char **argv)
{
    char folder[200];
    unsigned long number[3] = {0};
    bool sabotaging = argc == 2 && strcmp(argv[1], "--sabotage") == 0;
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (size_t i = 0; i < LINES; i++) puts(lines[i].words);
        return 0;
    }
    if (argc < 5 && !sabotaging) {
        fprintf(stderr, "usage: bench-damaged COPIES FIRST LINE DB... | --list | --sabotage\n");
        return 2;
    }
    for (int i = 0; i < 3 && !sabotaging; i++) number[i] = strtoul(argv[i + 1], NULL, 10);
    const char *tmp = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%s/damaged-XXXXXX", tmp == NULL ? "/tmp" : tmp);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (mkdtemp(folder) == NULL || !set_up(argv + 4, sabotaging ? 0 : argc - 4, folder)) return 2;
    if (sabotaging) bench.faults = (unsigned long)sabotage();
    for (unsigned long i = 0; i < number[0]; i++) {
        one_copy(number[1] + i, number[2]);
        if ((i + 1) % TOLD_EVERY == 0 && i + 1 < number[0]) tell();
    }
    if (!sabotaging) tell();
    if (number[2] != 0)
        printf("the files are in %s\n", folder);
    else if (chdir("/") == 0)
        nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    /* Where hardly anything was answered, hardly anything was tried. */
    return bench.faults > 0 || (number[0] >= 20 && bench.answers < number[0]);
}
