/*
** pipeline_writer.c - see the header.
**
**     reader ── full ──▶ framing ── framed ──▶ writer: wait until packed, store, reset ── empty ──▶ reader
**
** The queues have room for all batches, so only an empty queue waits.  Whoever fails closes all of them with its code: the reader notices
** at its next hand-over.  After the threads were joined their result and text are read without a lock: the framing's only where the
** writer has none.
*/
#include "app/pipeline_writer.h"

#include "app/pipeline_framing.h"
#include "app/pipeline_packers.h"
#include "base/queue.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    tl_store *store;                 /* borrowed; the thread's while it runs */
    packers *packers;                /* owned */
    framing *framing;                /* owned; that thread's while it runs */
    tl_queue *full, *framed, *empty; /* owned */
    tl_batch **all;                  /* owned, each batch too */
    tl_batch **waited;               /* room of writer_wait */
    unsigned n;
    pthread_t framing_thread, thread;
    tl_rc framing_rc; /* the threads', until they are joined */
    tl_rc rc;
    tl_error error;
};

static void close_all(writer *w, tl_rc why)
{
    tl_queue_close(w->full, why);
    tl_queue_close(w->framed, why);
    tl_queue_close(w->empty, why);
}

static void *frame_all(void *arg)
{
    writer *w = arg;
    void *item;
    tl_rc rc = TL_OK;
    while (rc == TL_OK && tl_queue_pop(w->full, &item) == TL_OK) {
        rc = framing_run(w->framing, item);
        if (rc != TL_OK) break;
        packers_add(w->packers, item);
        rc = tl_queue_push(w->framed, item);
    }
    w->framing_rc = rc;
    if (rc != TL_OK)
        close_all(w, rc);
    else
        tl_queue_close(w->framed, TL_OK); /* the writer stores what is in there, and ends */
    return NULL;
}

static tl_rc write_batch(writer *w, tl_batch *b)
{
    packers_finish(w->packers, b);
    tl_rc rc = tl_store_write(w->store, b);
    if (rc != TL_OK) w->error = *tl_store_error(w->store);
    return rc;
}

static void *write_all(void *arg)
{
    writer *w = arg;
    void *item;
    while (w->rc == TL_OK && tl_queue_pop(w->framed, &item) == TL_OK) {
        tl_batch *b = item;
        w->rc = write_batch(w, b);
        if (w->rc != TL_OK) break;
        tl_batch_reset(b);
        w->rc = tl_queue_push(w->empty, b);
    }
    if (w->rc != TL_OK) close_all(w, w->rc);
    return NULL;
}

static void free_all(writer *w)
{
    packers_stop(w->packers); /* they may be at a batch */
    framing_free(w->framing);
    if (w->all != NULL)
        for (unsigned i = 0; i < w->n; i++) tl_batch_free(w->all[i]);
    free(w->all);
    free(w->waited);
    tl_queue_free(w->full);
    tl_queue_free(w->framed);
    tl_queue_free(w->empty);
    free(w);
}

static tl_rc make(writer *w, const writer_options *o)
{
    w->packers = packers_start(o->level, o->threads, w->n);
    w->framing = framing_new(o->registry);
    w->full = tl_queue_new(w->n);
    w->framed = tl_queue_new(w->n);
    w->empty = tl_queue_new(w->n);
    w->all = calloc(w->n, sizeof(tl_batch *));
    w->waited = calloc(w->n, sizeof(tl_batch *));
    if (w->packers == NULL || w->framing == NULL || w->full == NULL || w->framed == NULL || w->empty == NULL || w->all == NULL ||
        w->waited == NULL)
        return TL_ENOMEM;
    for (unsigned i = 0; i < w->n; i++) {
        w->all[i] = tl_batch_new(o->batch_bytes);
        if (w->all[i] == NULL) return TL_ENOMEM;
        if (o->level == 0) tl_batch_stays_raw(w->all[i]);
        if (i > 0 && tl_queue_push(w->empty, w->all[i]) != TL_OK) return TL_ENOMEM;
    }
    return TL_OK;
}

/* 0, or why there are no threads. */
static int start(writer *w)
{
    int failed = pthread_create(&w->thread, NULL, write_all, w);
    if (failed != 0) return failed;
    failed = pthread_create(&w->framing_thread, NULL, frame_all, w);
    if (failed == 0) return 0;
    tl_queue_close(w->framed, TL_OK);
    pthread_join(w->thread, NULL);
    return failed;
}

writer *writer_start(tl_store *store, const writer_options *o, tl_batch **first, tl_error *err)
{
    writer *w = calloc(1, sizeof *w);
    if (w == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
        return NULL;
    }
    w->store = store;
    w->n = o->batches;
    tl_rc rc = make(w, o);
    int failed = rc == TL_OK ? start(w) : 0;
    if (rc != TL_OK || failed != 0) {
        if (failed != 0)
            (void)tl_fail(err, TL_EIO, "cannot start a thread: %s", strerror(failed));
        else
            (void)tl_fail(err, rc, "out of memory for %u batches of %zu bytes: lower --memory", o->batches, o->batch_bytes);
        free_all(w);
        return NULL;
    }
    *first = w->all[0];
    return w;
}

tl_rc writer_hand_over(writer *w, tl_batch **b)
{
    void *item;
    tl_rc rc = tl_queue_push(w->full, *b);
    *b = NULL;
    if (rc == TL_OK) rc = tl_queue_pop(w->empty, &item);
    if (rc == TL_OK) *b = item;
    return rc;
}

/* The reader has one batch; when it gets all the others, the writer has none. */
tl_rc writer_wait(writer *w)
{
    void *item;
    tl_rc rc = TL_OK;
    unsigned n = 0;
    while (n + 1 < w->n && (rc = tl_queue_pop(w->empty, &item)) == TL_OK) w->waited[n++] = item;
    for (unsigned i = 0; rc == TL_OK && i < n; i++) rc = tl_queue_push(w->empty, w->waited[i]);
    return rc;
}

tl_rc writer_stop(writer *w, tl_error *err)
{
    tl_queue_close(w->full, TL_OK);
    pthread_join(w->framing_thread, NULL);
    pthread_join(w->thread, NULL);
    if (w->rc == TL_OK && w->framing_rc != TL_OK)
        w->rc = tl_fail(&w->error, w->framing_rc, "out of memory: lower --memory, or give the machine more");
    tl_rc rc = w->rc;
    if (rc != TL_OK && err != NULL) *err = w->error;
    free_all(w);
    return rc;
}
