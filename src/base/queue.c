/*
** queue.c - a ring of pointers under one mutex; `room` wakes the pusher, `ready` the popper.
**
** States: open -> closed (once, with a reason).  What was pushed before the close can still be popped.
*/
#include "base/queue.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct tl_queue {
    pthread_mutex_t lock;
    pthread_cond_t room, ready;
    size_t slots, first, count;
    bool closed;
    tl_rc why;
    void *items[];
};

tl_queue *tl_queue_new(size_t slots)
{
    assert(slots >= 1);
    if (slots > (SIZE_MAX - sizeof(tl_queue)) / sizeof(void *)) return NULL;
    tl_queue *q = malloc(sizeof *q + slots * sizeof q->items[0]);
    if (q == NULL) return NULL;
    *q = (tl_queue){.slots = slots};
    /* With default attributes these fail on no system that we build on but for memory. */
    if (pthread_mutex_init(&q->lock, NULL) != 0) goto no_lock;
    if (pthread_cond_init(&q->room, NULL) != 0) goto no_room;
    if (pthread_cond_init(&q->ready, NULL) != 0) goto no_ready;
    return q;

no_ready:
    pthread_cond_destroy(&q->room);
no_room:
    pthread_mutex_destroy(&q->lock);
no_lock:
    free(q);
    return NULL;
}

void tl_queue_free(tl_queue *q)
{
    if (q == NULL) return;
    pthread_cond_destroy(&q->ready);
    pthread_cond_destroy(&q->room);
    pthread_mutex_destroy(&q->lock);
    free(q);
}

tl_rc tl_queue_push(tl_queue *q, void *item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == q->slots) pthread_cond_wait(&q->room, &q->lock);
    tl_rc rc = q->closed ? q->why : TL_OK;
    if (rc == TL_OK) {
        q->items[(q->first + q->count) % q->slots] = item;
        q->count++;
        pthread_cond_signal(&q->ready);
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

tl_rc tl_queue_pop(tl_queue *q, void **item)
{
    pthread_mutex_lock(&q->lock);
    while (!q->closed && q->count == 0) pthread_cond_wait(&q->ready, &q->lock);
    tl_rc rc = TL_OK;
    if (q->count > 0) {
        *item = q->items[q->first];
        q->first = (q->first + 1) % q->slots;
        q->count--;
        pthread_cond_signal(&q->room);
    } else {
        rc = q->why;
    }
    pthread_mutex_unlock(&q->lock);
    return rc;
}

void tl_queue_close(tl_queue *q, tl_rc why)
{
    pthread_mutex_lock(&q->lock);
    if (!q->closed) {
        q->closed = true;
        q->why = why == TL_OK ? TL_END : why;
        pthread_cond_broadcast(&q->room);
        pthread_cond_broadcast(&q->ready);
    }
    pthread_mutex_unlock(&q->lock);
}
