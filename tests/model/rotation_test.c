/*
** rotation_test.c - a capture cut into parts and ingested part by part, each in a run of its own, is the capture ingested at once.
**
** Compared is everything that a database says but for what names captures and frames, where chunks end, and `healed`.  After each run, the
** checks that every database must pass.
*/
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/segment.h"
#include "support/check.h"
#include "support/dump.h"
#include "support/ledger.h"
#include "support/network.h"
#include "support/stage.h"

enum { LARGE = 3000 }; /* frames: cut into fewer parts */

typedef struct tape {
    tl_frame *frames; /* bytes owned */
    size_t n, room;
} tape;

static void tape_add(tape *t, const tl_frame *f)
{
    if (t->n == t->room) {
        t->room = t->room == 0 ? 256 : t->room * 2;
        t->frames = realloc(t->frames, t->room * sizeof *t->frames);
        if (t->frames == NULL) abort();
    }
    t->frames[t->n] = *f;
    t->frames[t->n++].bytes.p = tl_exact(f->bytes.p, f->bytes.n);
}

static void tape_free(tape *t)
{
    for (size_t i = 0; i < t->n; i++) free((void *)(uintptr_t)t->frames[i].bytes.p);
    free(t->frames);
    *t = (tape){0};
}

static bool tape_read(tape *t, const char *path)
{
    tl_error err;
    tl_frame f;
    tl_source *s = tl_source_open_file(path, &err);
    if (s == NULL) return false;
    while (tl_source_next(s, &f) == TL_OK) tape_add(t, &f);
    tl_source_close(s);
    return t->n > 0;
}

static void run(const char *db, const tape *t, size_t from, size_t to)
{
    static const tl_ledger_options options = {.batch_bytes = 1 << 16, .level = 1, .threads = 1};
    tl_error err = {0};
    tl_source *s = tl_source_open_memory(t->frames + from, to - from);
    if (tl_ledger_make(db, &s, 1, &options, &err) == TL_OK) return;
    fprintf(stderr, "%s\n", err.text);
    abort();
}

static bool check(const char *name, const char *db)
{
    char *rows;
    const char *bad = tl_ledger_check(db, &rows);
    if (bad != NULL) fprintf(stderr, "%s: %s:\n%.1000s\n", name, bad, rows != NULL ? rows : "");
    free(rows);
    return bad == NULL;
}

static bool same(const char *name, const char *a, const char *b)
{
    if (strcmp(a, b) == 0) return true;
    size_t i = 0;
    while (a[i] == b[i] && a[i] != '\0') i++;
    while (i > 0 && a[i - 1] != '\n') i--;
    fprintf(stderr, "%s:\n%.500s\n--- in parts:\n%.500s\n", name, a + i, b + i);
    return false;
}

/* `whole` in parts that end where cuts[] says, the last one at the end. */
static bool in_parts(const char *name, const tape *t, const char *whole, const size_t *cuts, size_t n)
{
    char *db = tl_scratch("parts");
    bool good = true;
    size_t from = 0;
    for (size_t i = 0; i <= n; i++) {
        size_t to = i < n ? cuts[i] : t->n;
        if (to == from) continue;
        run(db, t, from, to);
        if (n > 1 || i == n || to % 4 == 0) good &= check(name, db); /* cut in two at every frame: the first part is often checked enough */
        from = to;
    }
    char *parts = tl_ledger_dump(db, false);
    good &= same(name, whole, parts);
    free(parts);
    tl_scratch_done(db);
    return good;
}

static char *at_once(const tape *t)
{
    char *db = tl_scratch("whole");
    run(db, t, 0, t->n);
    CU_ASSERT_TRUE(check("at once", db));
    char *whole = tl_ledger_dump(db, false);
    tl_scratch_done(db);
    return whole;
}

static bool in_equal_parts(const char *name, const tape *t, size_t parts)
{
    size_t cuts[16];
    char *whole = at_once(t), label[300];
    snprintf(label, sizeof label, "%s in %zu parts", name, parts);
    for (size_t i = 0; i + 1 < parts; i++) cuts[i] = t->n * (i + 1) / parts;
    bool good = in_parts(label, t, whole, cuts, parts - 1);
    free(whole);
    return good;
}

/* In two, at every frame. */
static bool at_every_frame(const char *name, const tape *t)
{
    char *whole = at_once(t), label[300];
    bool good = true;
    for (size_t cut = 1; cut < t->n && good; cut++) {
        snprintf(label, sizeof label, "%s cut at %zu", name, cut);
        good = in_parts(label, t, whole, &cut, 1);
    }
    free(whole);
    return good;
}

static void of_network(tape *t, tl_network *n, unsigned seed)
{
    tl_frame f;
    tl_lossy how = {
        .seed = seed, .drop_per_1000 = seed > 0 ? 80 : 0, .double_per_1000 = seed > 1 ? 80 : 0, .swap_per_1000 = seed > 2 ? 150 : 0};
    tl_source *s = tl_source_open_lossy(tl_source_open_memory(n->frames, n->n), &how);
    while (tl_source_next(s, &f) == TL_OK) tape_add(t, &f);
    tl_source_close(s);
}

/* Connections that overlap, one that is refused, one that is only half open, and ports that are used twice. */
static void traffic(tl_network *n)
{
    tl_network_open(n, 1);
    tl_network_open(n, 2);
    tl_network_http(n, 1, 1, 3500);
    tl_network_say(n, 3, 0, TL_SYN, "");
    tl_network_http(n, 2, 2, 2500);
    tl_network_say(n, 4, 0, TL_SYN, "");
    tl_network_say(n, 4, 1, TL_RST | TL_ACK, "");
    tl_network_http(n, 1, 3, 1500);
    tl_network_close(n, 1);
    tl_network_again(n, 0);
    tl_network_say(n, 5, 0, TL_ACK, "no SYN of mine");
    tl_network_say(n, 5, 1, TL_ACK, "nor of mine");
    tl_network_open(n, 1);
    tl_network_http(n, 1, 4, 2000);
    tl_network_close(n, 2);
}

static void made_traffic(void)
{
    for (unsigned seed = 0; seed < 5; seed++) {
        tl_network n = {0};
        tape t = {0};
        char name[40];
        snprintf(name, sizeof name, "traffic %u", seed);
        traffic(&n);
        of_network(&t, &n, seed);
        CU_ASSERT_TRUE(at_every_frame(name, &t));
        CU_ASSERT_TRUE(in_equal_parts(name, &t, 10));
        tape_free(&t);
        tl_network_free(&n);
    }
}

static void fixtures(void)
{
    static const char *const small[] = {"http-one.pcap", "http-one.pcapng", "http-segmented.pcap"}, *const large[] = {"http-page.pcap",
                                                                                                                      "http-lossy.pcap"};
    char path[600];
    for (size_t i = 0; i < 5; i++) {
        const char *name = i < 3 ? small[i] : large[i - 3];
        tape t = {0};
        snprintf(path, sizeof path, "%s/fixtures/%s", TL_SOURCE_DIR, name);
        CU_ASSERT_TRUE_FATAL(tape_read(&t, path));
        if (i < 3) CU_ASSERT_TRUE(at_every_frame(name, &t));
        for (size_t parts = 2; parts <= 10; parts += 4) CU_ASSERT_TRUE(in_equal_parts(name, &t, parts));
        tape_free(&t);
    }
}

/* What is not continued, on purpose: IP fragments; and where the clock jumps back by more than the idle time, the second part is taken
** for an earlier capture, and the sessions wait for a later one. */
static const struct {
    const char *capture, *why;
} not_the_same[] = {
    {"46-frag-ip-tcp.pcap", "fragments"},
    {"47-frag_http_req.pcap", "fragments"},
    {"35-gtp1_gn_normal_incl_fragmentation.pcap", "fragments"},
    {"31-y2038-bgp.pcap", "the clock"},
    {"28-tls_DER-incomplete-header.pcap", "the clock"},
};

static bool may_differ(const char *name)
{
    for (size_t i = 0; i < sizeof not_the_same / sizeof *not_the_same; i++)
        if (strcmp(name, not_the_same[i].capture) == 0) return true;
    return false;
}

static void shared_captures(void)
{
    static const char folder[] = TL_SOURCE_DIR "/../shared/captures";
    char path[700];
    DIR *dir = opendir(folder);
    if (dir == NULL) {
        printf("(%s is not there) ", folder);
        return;
    }
    unsigned bad = 0, all = 0;
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        tape t = {0};
        if (strstr(e->d_name, ".pcap") == NULL || may_differ(e->d_name)) continue;
        snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        if (!tape_read(&t, path)) continue;
        all++;
        bad += !in_equal_parts(e->d_name, &t, t.n > LARGE ? 3 : t.n < 10 ? t.n : 10);
        tape_free(&t);
    }
    closedir(dir);
    if (bad > 0) printf("(%u of %u differ) ", bad, all);
    CU_ASSERT_EQUAL(bad, 0);
}

/* A part that is lost has to be found. */
static void the_checker_can_fail(void)
{
    tape t = {0};
    CU_ASSERT_TRUE_FATAL(tape_read(&t, TL_SOURCE_DIR "/fixtures/http-one.pcap"));
    char *whole = at_once(&t);
    t.n--;
    size_t cut = t.n / 2;
    fprintf(stderr, "(sabotage) ");
    CU_ASSERT_FALSE(in_parts("without its last frame", &t, whole, &cut, 1));
    t.n++;
    free(whole);
    tape_free(&t);
}

int main(void)
{
    return tl_run_cases("rotation", (const tl_case[]){{"made traffic", made_traffic},
                                                      {"fixtures", fixtures},
                                                      {"shared captures", shared_captures},
                                                      {"the checker can fail", the_checker_can_fail},
                                                      {0}});
}
