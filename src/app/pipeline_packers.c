/*
** pipeline_packers.c - see the header.
**
** A job is a batch: `dry` once all of it is cut into runs, finished when the last of these is packed, too.  Jobs lie in a ring in the order
** of packers_add; one lock guards them and the cutting, the packing itself is done without it.  All memory is there from the start, so
** that packing cannot fail.
*/
#include "app/pipeline_packers.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

enum { THREADS_MOST = 64 }; /* beyond, threads wait for the reader */

typedef struct job {
    tl_batch *batch;
    unsigned busy; /* runs that are being packed */
    bool dry;
} job;

typedef struct helper {
    packers *all;
    tl_packer *packer; /* owned */
    pthread_t thread;
} helper;

struct packers {
    pthread_mutex_t lock;
    pthread_cond_t work, done;
    tl_packer *own; /* of the thread that calls packers_finish; NULL: nothing is packed */
    job *jobs;      /* ring */
    unsigned slots, first, count;
    bool stops;
    helper *helpers;
    unsigned started;
};

/* Takes a part of the job and packs it; false: nothing is left to take.  With the lock, which it gives up meanwhile. */
static bool pack_part(packers *p, job *j, tl_packer *packer)
{
    tl_pack_run run;
    if (j->dry || !tl_batch_pack_cut(j->batch, &run)) {
        j->dry = true;
        return false;
    }
    j->busy++;
    pthread_mutex_unlock(&p->lock);
    tl_packer_run(packer, &run);
    pthread_mutex_lock(&p->lock);
    if (--j->busy == 0) pthread_cond_signal(&p->done);
    return true;
}

static bool pack_oldest(packers *p, tl_packer *packer)
{
    for (unsigned i = 0; i < p->count; i++)
        if (pack_part(p, &p->jobs[(p->first + i) % p->slots], packer)) return true;
    return false;
}

static void *help(void *arg)
{
    helper *h = arg;
    packers *p = h->all;
    pthread_mutex_lock(&p->lock);
    while (!p->stops)
        if (!pack_oldest(p, h->packer)) pthread_cond_wait(&p->work, &p->lock);
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

static unsigned processors(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < 1 ? 1 : (unsigned)n;
}

static void free_all(packers *p)
{
    for (unsigned i = 0; i < p->started; i++) tl_packer_free(p->helpers[i].packer);
    tl_packer_free(p->own);
    free(p->helpers);
    free(p->jobs);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->work);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

static void start(packers *p, int level, unsigned threads)
{
    while (p->started + 1 < threads) {
        helper *h = &p->helpers[p->started];
        *h = (helper){.all = p, .packer = tl_packer_new(level)};
        if (h->packer == NULL) return;
        if (pthread_create(&h->thread, NULL, help, h) != 0) {
            tl_packer_free(h->packer);
            return;
        }
        p->started++;
    }
}

packers *packers_start(int level, unsigned threads, unsigned batches)
{
    packers *p = calloc(1, sizeof *p);
    if (p == NULL) return NULL;
    if (threads == 0) threads = processors();
    if (threads > THREADS_MOST) threads = THREADS_MOST;
    /* With default attributes these fail on no system that we build on. */
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->work, NULL);
    pthread_cond_init(&p->done, NULL);
    p->slots = batches;
    p->jobs = calloc(batches, sizeof *p->jobs);
    p->helpers = calloc(threads, sizeof *p->helpers);
    if (level > 0) p->own = tl_packer_new(level);
    if (p->jobs == NULL || p->helpers == NULL || (level > 0 && p->own == NULL)) {
        free_all(p);
        return NULL;
    }
    if (level > 0) start(p, level, threads);
    return p;
}

void packers_stop(packers *p)
{
    if (p == NULL) return;
    pthread_mutex_lock(&p->lock);
    p->stops = true;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->started; i++) pthread_join(p->helpers[i].thread, NULL);
    free_all(p);
}

void packers_add(packers *p, tl_batch *b)
{
    if (p->own == NULL) return;
    pthread_mutex_lock(&p->lock);
    assert(p->count < p->slots);
    p->jobs[(p->first + p->count) % p->slots] = (job){.batch = b};
    p->count++;
    pthread_cond_broadcast(&p->work);
    pthread_mutex_unlock(&p->lock);
}

void packers_finish(packers *p, tl_batch *b)
{
    if (p->own == NULL) return;
    pthread_mutex_lock(&p->lock);
    job *j = &p->jobs[p->first];
    assert(p->count > 0 && j->batch == b);
    while (pack_part(p, j, p->own))
        ;
    while (j->busy > 0) pthread_cond_wait(&p->done, &p->lock);
    p->first = (p->first + 1) % p->slots;
    p->count--;
    pthread_mutex_unlock(&p->lock);
}
