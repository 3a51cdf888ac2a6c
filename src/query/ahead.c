/*
** ahead.c - see ahead.h.  A ring under one mutex.
**
** The slots from `first` on, `count` of them, hold rows; the one before it what was popped last.  States of a slot:
**
**     EMPTY -push-> READY (nothing to unpack)                        -pop-> EMPTY
**     EMPTY -push-> PACKED -> TAKEN (by one of the two threads) -> READY or DAMAGED -pop-> EMPTY
*/
#include "query/ahead.h"

#include "base/thread.h"
#include "query/inflate.h"
#include <assert.h>
#include <libdeflate.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = TL_AHEAD_ROWS + 1 };

typedef enum slot_state { EMPTY, PACKED, TAKEN, READY, DAMAGED } slot_state;

typedef struct slot {
    slot_state state;
    tl_ahead_row row; /* data.p: `packed`, or anything where nothing had to be unpacked */
    uint8_t *packed, *raw;
    size_t packed_room, raw_room;
} slot;

struct tl_ahead {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t work, done;               /* a slot is PACKED, or the end; a slot that was TAKEN is so no more */
    struct libdeflate_decompressor *inflate; /* the second thread's */
    bool stop;
    size_t first, count;
    slot slot[SLOTS];
};

bool tl_ahead_pays(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 1;
}

/* The oldest row that nobody unpacks yet.  Under the lock. */
static slot *take(tl_ahead *a)
{
    for (size_t i = 0; i < a->count; i++) {
        slot *s = &a->slot[(a->first + i) % SLOTS];
        if (s->state != PACKED) continue;
        s->state = TAKEN;
        return s;
    }
    return NULL;
}

/* Called with the lock, which it lets go meanwhile. */
static void unpack(tl_ahead *a, slot *s, struct libdeflate_decompressor *d)
{
    pthread_mutex_unlock(&a->lock);
    bool good = tl_inflate(d, s->row.data, s->raw, (size_t)(s->row.to - s->row.from));
    pthread_mutex_lock(&a->lock);
    s->state = good ? READY : DAMAGED;
}

static void *run(void *ahead)
{
    tl_ahead *a = ahead;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        slot *s = take(a);
        if (s != NULL) {
            unpack(a, s, a->inflate);
            pthread_cond_signal(&a->done);
        } else {
            pthread_cond_wait(&a->work, &a->lock);
        }
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

tl_ahead *tl_ahead_new(void)
{
    tl_ahead *a = calloc(1, sizeof *a);
    if (a == NULL) return NULL;
    a->inflate = libdeflate_alloc_decompressor();
    if (a->inflate == NULL) goto no_inflate;
    if (pthread_mutex_init(&a->lock, NULL) != 0) goto no_lock;
    if (pthread_cond_init(&a->work, NULL) != 0) goto no_work;
    if (pthread_cond_init(&a->done, NULL) != 0) goto no_done;
    if (tl_thread_start(&a->thread, run, a)) return a;

    pthread_cond_destroy(&a->done);
no_done:
    pthread_cond_destroy(&a->work);
no_work:
    pthread_mutex_destroy(&a->lock);
no_lock:
    libdeflate_free_decompressor(a->inflate);
no_inflate:
    free(a);
    return NULL;
}

void tl_ahead_free(tl_ahead *a)
{
    if (a == NULL) return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->work);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    pthread_cond_destroy(&a->done);
    pthread_cond_destroy(&a->work);
    pthread_mutex_destroy(&a->lock);
    libdeflate_free_decompressor(a->inflate);
    for (size_t i = 0; i < SLOTS; i++) {
        free(a->slot[i].packed);
        free(a->slot[i].raw);
    }
    free(a);
}

bool tl_ahead_has_room(const tl_ahead *a)
{
    return a->count < TL_AHEAD_ROWS; /* only this thread changes it */
}

static bool has_room(uint8_t **p, size_t *room, size_t n)
{
    if (n <= *room) return true;
    free(*p);
    *p = malloc(n);
    *room = *p == NULL ? 0 : n;
    return *p != NULL;
}

bool tl_ahead_push(tl_ahead *a, const tl_ahead_row *row)
{
    assert(tl_ahead_has_room(a));
    slot *s = &a->slot[(a->first + a->count) % SLOTS]; /* EMPTY: the other thread leaves it alone */
    size_t length = (size_t)(row->to - row->from);
    bool stored = row->data.p != NULL && !row->refused, packed = stored && row->data.n != length;
    if (stored && !has_room(&s->raw, &s->raw_room, length)) return false;
    if (packed && !has_room(&s->packed, &s->packed_room, row->data.n + 1)) return false; /* none are bytes, too */
    s->row = *row;
    if (packed) s->row.data.p = memcpy(s->packed, row->data.p, row->data.n);
    if (stored && !packed) memcpy(s->raw, row->data.p, length);
    s->row.raw = stored ? s->raw : NULL;
    s->row.unpacked = true;
    pthread_mutex_lock(&a->lock);
    s->state = packed ? PACKED : READY;
    a->count++;
    if (packed) pthread_cond_signal(&a->work);
    pthread_mutex_unlock(&a->lock);
    return true;
}

bool tl_ahead_pop(tl_ahead *a, struct libdeflate_decompressor *d, tl_ahead_row *row)
{
    if (a->count == 0) return false;
    slot *s = &a->slot[a->first], *other;
    pthread_mutex_lock(&a->lock);
    while (s->state == PACKED || s->state == TAKEN) {
        if ((other = take(a)) != NULL)
            unpack(a, other, d);
        else
            pthread_cond_wait(&a->done, &a->lock);
    }
    *row = s->row;
    if (s->state == DAMAGED) row->raw = NULL;
    s->state = EMPTY;
    a->first = (a->first + 1) % SLOTS;
    a->count--;
    pthread_mutex_unlock(&a->lock);
    return true;
}
