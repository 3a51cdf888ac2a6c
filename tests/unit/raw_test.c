/*
** Blocks of a file: every byte once and in order, however it is asked for and however it comes; errors, ends and the SHA-256 in their
** place; with and without a thread that reads ahead.
*/
#define OPENSSL_SUPPRESS_DEPRECATED
#include "capture/raw.h"
#include "support/check.h"
#include <dlfcn.h>
#include <errno.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCK = 512 * 1024,
    ALONE = 32 * 1024 + 7 * BLOCK, /* so much is read before there is a thread */
    LONGEST = ALONE + 9 * BLOCK,
    NEVER = 1 << 30
};

static uint8_t bytes[LONGEST];
static bool no_threads;

int pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*run)(void *), void *arg)
{
    int (*real)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);
    void *found = dlsym(RTLD_NEXT, "pthread_create");
    memcpy(&real, &found, sizeof real);
    return no_threads || found == NULL ? EAGAIN : real(thread, attr, run, arg);
}

static int allocations_left = NEVER; /* before one fails */

/* By another name, behind which a sanitizer stands however it is linked. */
void *aligned_alloc(size_t alignment, size_t size)
{
    void *p = NULL;
    return allocations_left-- != 0 && posix_memalign(&p, alignment, size) == 0 ? p : NULL;
}

/* ---- a file that behaves as it is told ---- */

typedef struct tape {
    _Atomic size_t length; /* of bytes: may grow */
    bool ahead;
    bool gated;     /* every read waits for go, and posts began before that */
    size_t longest; /* a read gives at most so many bytes; 0: as many as are wanted */
    int fails_at;   /* this read, counted from 0, fails with EIO */
    /* the reader's own: */
    size_t at;
    int reads, interrupts;
    unsigned long long seed;
    pthread_t opened_by;
    _Atomic int elsewhere, ends, closed; /* reads of another thread, reads that gave 0 */
    sem_t began, go, ended;
} tape;

static ssize_t read_tape(void *self, void *to, size_t n)
{
    tape *t = self;
    if (t->gated) {
        sem_post(&t->began);
        while (sem_wait(&t->go) != 0) {
        }
    }
    if (!pthread_equal(pthread_self(), t->opened_by)) t->elsewhere++;
    if (t->longest != 0 && ++t->interrupts % 3 == 0) {
        errno = EINTR;
        return -1;
    }
    if (t->reads++ == t->fails_at) {
        errno = EIO;
        return -1;
    }
    size_t there = t->length - t->at;
    if (n > there) n = there;
    if (t->longest != 0 && n > 1) {
        size_t some = 1 + (size_t)(tl_random(&t->seed) % t->longest);
        if (n > some) n = some;
    }
    memcpy(to, bytes + t->at, n);
    t->at += n;
    if (n == 0 && t->ends++ == 0) sem_post(&t->ended);
    return (ssize_t)n;
}

static void close_tape(void *self)
{
    ((tape *)self)->closed++;
}

static bool seek_tape(void *self, uint64_t offset)
{
    tape *t = self;
    t->at = (size_t)offset;
    errno = EINVAL;
    return offset <= t->length;
}

static tl_raw *open_tape(tape *t, size_t length, bool ahead)
{
    *t = (tape){.length = length, .ahead = ahead, .fails_at = NEVER, .seed = length + 1, .opened_by = pthread_self()};
    sem_init(&t->began, 0, 0);
    sem_init(&t->go, 0, 0);
    sem_init(&t->ended, 0, 0);
    tl_raw *r = tl_raw_new((tl_reader){.read = read_tape, .close = close_tape, .self = t, .seek = seek_tape, .ahead = ahead});
    CU_ASSERT_PTR_NOT_NULL_FATAL(r);
    return r;
}

static void close_all(tl_raw *r, tape *t)
{
    CU_ASSERT_EQUAL(t->closed, 0);
    tl_raw_free(r);
    CU_ASSERT_EQUAL(t->closed, 1);
    sem_destroy(&t->began);
    sem_destroy(&t->go);
    sem_destroy(&t->ended);
}

/* ---- somebody who reads it ---- */

typedef struct walk {
    tl_raw *raw;
    tl_span window;
    uint64_t from;  /* where it began, 0 but after a seek */
    uint64_t at;    /* of window.p */
    size_t largest; /* piece that is asked for, */
    size_t calm;    /* from here on; small ones before, which let the thread begin */
    unsigned long long seed;
} walk;

static bool same_bytes(const walk *w)
{
    return w->window.n == 0 || (w->at + w->window.n <= LONGEST && memcmp(w->window.p, bytes + w->at, w->window.n) == 0);
}

/* Asks for one piece, as tl_input_fill does, and uses up a part of it. */
static tl_rc step(walk *w)
{
    size_t want = 1 + (size_t)(tl_random(&w->seed) % (w->at < w->calm ? 1500 : w->largest));
    tl_rc rc = TL_OK;
    while (rc == TL_OK && w->window.n < want) {
        uint64_t before = w->at + w->window.n;
        rc = tl_raw_more(w->raw, &w->window, want);
        CU_ASSERT_EQUAL(w->at + w->window.n > before, rc == TL_OK);
        CU_ASSERT(w->at + w->window.n == w->from + tl_raw_count(w->raw));
        CU_ASSERT_FATAL(same_bytes(w));
    }
    if (rc != TL_OK) return rc;
    size_t used = tl_random(&w->seed) % 4 == 0 ? want / 2 : want;
    w->window = tl_span_of(w->window.p + used, w->window.n - used);
    w->at += used;
    return TL_OK;
}

static tl_rc walk_to_the_end(walk *w)
{
    tl_rc rc;
    do {
        rc = step(w);
    } while (rc == TL_OK);
    CU_ASSERT_EQUAL(tl_raw_more(w->raw, &w->window, 1), rc); /* and it stays so */
    CU_ASSERT(same_bytes(w));
    return rc;
}

static void expect_sha256(tl_raw *r, size_t n)
{
    static size_t hashed = SIZE_MAX; /* the tests ask for the same length many times */
    static uint8_t want[32];
    uint8_t got[32];
    if (n != hashed) SHA256(bytes, n, want);
    hashed = n;
    CU_ASSERT(tl_raw_sha256(r, got));
    CU_ASSERT_EQUAL(memcmp(got, want, 32), 0);
}

/* Small ones, some that are cut by a block's edge in two, and ones larger than what lies in front of a block, than a block, than all. */
static const size_t pieces[] = {1500, 70 * 1000, 290 * 1000, 600 * 1000, 3 * 1000 * 1000};
enum { PIECES = sizeof pieces / sizeof pieces[0] };

/* ---- cases ---- */

static void every_byte_once_and_in_order(void)
{
    static const size_t lengths[] = {0,
                                     1,
                                     32 * 1024,
                                     32 * 1024 + 1,
                                     ALONE - 1,
                                     ALONE,
                                     ALONE + 1,
                                     ALONE + BLOCK - 1,
                                     ALONE + BLOCK,
                                     ALONE + BLOCK + 1,
                                     ALONE + 3 * BLOCK,
                                     ALONE + 4 * BLOCK - 1,
                                     ALONE + 4 * BLOCK + 1,
                                     LONGEST};
    for (size_t l = 0; l < sizeof lengths / sizeof lengths[0]; l++) {
        for (size_t p = 0; p < PIECES; p++) {
            for (int how = 0; how < 8; how++) {
                if ((l + p + (size_t)how) % 2 != 0) continue; /* half of them: all pairs of the three are there */
                tape t;
                tl_raw *r = open_tape(&t, lengths[l], how & 1);
                t.longest = how & 2 ? 300 * 1000 : 0;
                walk w = {.raw = r, .largest = pieces[p], .seed = l * PIECES + p + 1, .calm = how & 4 ? ALONE : 0};
                CU_ASSERT_EQUAL(walk_to_the_end(&w), TL_END);
                CU_ASSERT_EQUAL(tl_raw_count(r), lengths[l]);
                if (!t.ahead) CU_ASSERT_EQUAL(t.elsewhere, 0);
                if (t.ahead && t.longest == 0 && w.calm == ALONE) CU_ASSERT_EQUAL(t.elsewhere > 0, lengths[l] >= ALONE);
                expect_sha256(r, lengths[l]);
                close_all(r, &t);
            }
        }
    }
}

static void without_a_thread_it_is_the_same(void)
{
    no_threads = true;
    for (int ahead = 0; ahead < 2; ahead++) {
        tape t;
        tl_raw *r = open_tape(&t, LONGEST, ahead);
        walk w = {.raw = r, .largest = 70 * 1000, .seed = 5};
        CU_ASSERT_EQUAL(walk_to_the_end(&w), TL_END);
        CU_ASSERT_EQUAL(t.elsewhere, 0);
        expect_sha256(r, LONGEST);
        close_all(r, &t);
    }
    no_threads = false;
}

static void draining_from_anywhere(void)
{
    for (int steps = 0; steps < 14; steps++) {
        for (size_t p = 0; p < PIECES; p++) {
            tape t;
            tl_raw *r = open_tape(&t, LONGEST - 5, true);
            walk w = {.raw = r, .largest = pieces[p], .seed = p + 1, .calm = ALONE};
            while (p > 0 && w.at < ALONE) CU_ASSERT_EQUAL_FATAL(step(&w), TL_OK);
            for (int i = 0; i < steps; i++) (void)!step(&w); /* the largest come to the end */
            CU_ASSERT_EQUAL(tl_raw_drain(r), TL_END);
            CU_ASSERT_EQUAL(tl_raw_count(r), LONGEST - 5);
            expect_sha256(r, LONGEST - 5);
            close_all(r, &t);
        }
    }
}

/* Small pieces need five blocks, with a thread and without; large ones then also a place of their own. */
static void without_memory(void)
{
    static const size_t largest[] = {1500, 1000 * 1000, 3 * 1000 * 1000};
    for (size_t k = 0; k < 3; k++) {
        bool failed = true;
        for (int n = 0; failed; n++) {
            tape t;
            tl_raw *r = open_tape(&t, LONGEST, true);
            allocations_left = n;
            walk w = {.raw = r, .largest = largest[k], .seed = 12, .calm = ALONE};
            tl_rc rc = walk_to_the_end(&w);
            failed = allocations_left < 0;
            allocations_left = NEVER;
            CU_ASSERT_EQUAL(rc, failed ? TL_ENOMEM : TL_END);
            CU_ASSERT(k > 0 || failed == (n < 5));
            CU_ASSERT(k == 0 || failed || n > 5);
            if (rc == TL_END) expect_sha256(r, LONGEST);
            CU_ASSERT_EQUAL(tl_raw_seek(r, 0), failed ? TL_ENOMEM : TL_OK);
            close_all(r, &t);
        }
    }
}

/* What was read before the failure comes first; all of it, once, and the failure stays. */
static void an_error_waits_for_its_turn(void)
{
    for (int n = 0; n < 20; n++) {
        for (int how = 0; how < 4; how++) {
            tape t;
            uint8_t none[32];
            tl_raw *r = open_tape(&t, LONGEST, how & 1);
            t.longest = how & 2 ? 400 * 1000 : 0;
            t.fails_at = n + (how & 2 ? 18 : 0); /* which is about where the thread begins */
            walk w = {.raw = r, .largest = n % 2 ? 70 * 1000 : 600 * 1000, .seed = (unsigned)n + 1, .calm = ALONE};
            tl_rc rc = walk_to_the_end(&w);
            CU_ASSERT_EQUAL(rc, t.reads > t.fails_at ? TL_EIO : TL_END);
            CU_ASSERT(n > 16 || rc == TL_EIO);
            if (rc == TL_EIO) {
                CU_ASSERT_EQUAL(tl_raw_errno(r), EIO);
                CU_ASSERT_EQUAL(tl_raw_count(r), t.at);
                CU_ASSERT_FALSE(tl_raw_sha256(r, none));
                CU_ASSERT_EQUAL(tl_raw_drain(r), TL_EIO);
            }
            close_all(r, &t);
        }
    }
}

static void freed_at_any_moment(void)
{
    for (int mores = 0; mores < 20; mores++) {
        for (int how = 0; how < 4; how++) {
            tape t;
            tl_raw *r = open_tape(&t, LONGEST, how & 1);
            tl_span window = {0};
            for (int i = 0; i < mores; i++) {
                bool large = how & 2 && tl_raw_count(r) >= ALONE;
                (void)!tl_raw_more(r, &window, large ? 2 * 1000 * 1000 : 1);
                if (!large || window.n > 2 * 1000 * 1000) window = (tl_span){0};
            }
            close_all(r, &t);
        }
    }
}

/* Up to where the thread begins to read; whatever that does then waits for t->go. */
static void begin_reading(tl_raw *r, tape *t)
{
    tl_span window = {0};
    while (tl_raw_count(r) < ALONE) {
        CU_ASSERT_EQUAL_FATAL(tl_raw_more(r, &window, 1), TL_OK);
        window = (tl_span){0};
        if (tl_raw_count(r) != ALONE - BLOCK) continue;
        t->gated = true; /* the next read is the last one of this thread */
        sem_post(&t->go);
    }
    sem_wait(&t->began);
}

/* In its first read, in a later one, with no block free, at the end. */
static void freed_while_the_thread_waits(void)
{
    for (int reads = 0; reads < 5; reads++) {
        tape t;
        tl_raw *r = open_tape(&t, ALONE + (reads < 4 ? 9 : 2) * BLOCK, true);
        begin_reading(r, &t);
        for (int i = 0; i < reads && i < 3; i++) { /* these are done, if the next one begins */
            sem_wait(&t.began);
            sem_post(&t.go);
        }
        if (reads < 3) sem_wait(&t.began);
        if (reads == 4) sem_wait(&t.ended);
        sem_post(&t.go);
        sem_post(&t.go); /* for the block that the thread is woken with */
        close_all(r, &t);
    }
}

static void seeking_at_any_moment(void)
{
    static const size_t to[] = {0, 1, ALONE + 12345, LONGEST - 1, LONGEST};
    for (int mores = 0; mores < 19; mores++) {
        for (size_t k = 0; k < sizeof to / sizeof to[0]; k++) {
            tape t;
            uint8_t none[32];
            tl_raw *r = open_tape(&t, LONGEST, true);
            if (k == 1) t.fails_at = 12;
            walk w = {.raw = r, .largest = k % 2 ? 600 * 1000 : 70 * 1000, .seed = k + 1};
            for (int i = 0; i < mores; i++) {
                if (k % 2 == 0 || tl_raw_count(r) <= ALONE) w.window = (tl_span){0};
                (void)!tl_raw_more(r, &w.window, tl_raw_count(r) < ALONE ? 1 : w.largest);
            }
            for (int twice = 0; twice < 2; twice++) {
                CU_ASSERT_EQUAL(tl_raw_seek(r, LONGEST + 1), TL_EIO);
                CU_ASSERT_EQUAL(tl_raw_errno(r), EINVAL);
                CU_ASSERT_EQUAL(tl_raw_seek(r, to[k]), TL_OK);
                t.fails_at = NEVER;
                w.window = (tl_span){0};
                w.at = to[k];
                w.from = to[k] - tl_raw_count(r);
                int left = twice ? NEVER : 2;
                while (left > 0 && step(&w) == TL_OK) left--;
                CU_ASSERT(same_bytes(&w));
            }
            CU_ASSERT_EQUAL(w.at + w.window.n, LONGEST);
            CU_ASSERT_FALSE(tl_raw_sha256(r, none));
            close_all(r, &t);
        }
    }
}

/* A file that somebody still writes to ends where a read finds nothing, by the time the caller has used all that was there. */
static void a_file_that_grows(void)
{
    static const size_t first[] = {ALONE, ALONE + 1, ALONE + BLOCK, ALONE + 3 * BLOCK - 1};
    for (size_t k = 0; k < sizeof first / sizeof first[0]; k++) {
        for (int late = 0; late < 2; late++) {
            tape t;
            tl_raw *r = open_tape(&t, first[k], true);
            walk w = {.raw = r, .largest = 1, .seed = 9};
            while (tl_raw_count(r) < ALONE) {
                CU_ASSERT_EQUAL_FATAL(tl_raw_more(r, &w.window, 1), TL_OK);
                w.at = tl_raw_count(r);
                w.window = (tl_span){0};
            }
            if (!late) sem_wait(&t.ended); /* the thread is at the end, its caller is not */
            while (late && tl_raw_count(r) < first[k]) {
                CU_ASSERT_EQUAL_FATAL(tl_raw_more(r, &w.window, 1), TL_OK);
                w.at = tl_raw_count(r);
                w.window = (tl_span){0};
            }
            t.length = LONGEST;
            w.largest = 70 * 1000;
            CU_ASSERT_EQUAL(walk_to_the_end(&w), TL_END);
            CU_ASSERT_EQUAL(tl_raw_count(r), LONGEST);
            expect_sha256(r, LONGEST);
            close_all(r, &t);
        }
    }
}

int main(void)
{
    unsigned long long seed = 20;
    for (size_t i = 0; i < LONGEST; i++) bytes[i] = (uint8_t)tl_random(&seed);
    return tl_run_cases("raw", (const tl_case[]){
                                   {"every byte once and in order", every_byte_once_and_in_order},
                                   {"without a thread it is the same", without_a_thread_it_is_the_same},
                                   {"draining from anywhere", draining_from_anywhere},
                                   {"without memory", without_memory},
                                   {"an error waits for its turn", an_error_waits_for_its_turn},
                                   {"freed at any moment", freed_at_any_moment},
                                   {"freed while the thread waits", freed_while_the_thread_waits},
                                   {"seeking at any moment", seeking_at_any_moment},
                                   {"a file that grows", a_file_that_grows},
                                   {0},
                               });
}
