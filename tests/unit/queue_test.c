/*
** queue_test.c - order, back-pressure and closing, from one thread and between two.
*/
#include "base/queue.h"
#include "support/check.h"

#include <pthread.h>

static int things[1000];

static void first_in_first_out(void)
{
    tl_queue *q = tl_queue_new(3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(q);
    /* Fill and drain at every position of the ring. */
    for (int round = 0; round < 7; round++) {
        for (int i = 0; i <= round % 3; i++) CU_ASSERT_EQUAL(tl_queue_push(q, &things[round * 10 + i]), TL_OK);
        for (int i = 0; i <= round % 3; i++) {
            void *item = NULL;
            CU_ASSERT_EQUAL(tl_queue_pop(q, &item), TL_OK);
            CU_ASSERT_PTR_EQUAL(item, &things[round * 10 + i]);
        }
    }
    tl_queue_free(q);
    tl_queue_free(NULL);
}

static void closing_tells_why(void)
{
    static const struct {
        tl_rc given, seen;
    } cases[] = {{TL_OK, TL_END}, {TL_END, TL_END}, {TL_EIO, TL_EIO}, {TL_ESQL, TL_ESQL}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        tl_queue *q = tl_queue_new(2);
        CU_ASSERT_PTR_NOT_NULL_FATAL(q);
        void *item = NULL;
        CU_ASSERT_EQUAL(tl_queue_push(q, &things[1]), TL_OK);
        tl_queue_close(q, cases[i].given);
        tl_queue_close(q, TL_ENOMEM); /* the first one wins */
        CU_ASSERT_EQUAL(tl_queue_push(q, &things[2]), cases[i].seen);
        CU_ASSERT_EQUAL(tl_queue_pop(q, &item), TL_OK);
        CU_ASSERT_PTR_EQUAL(item, &things[1]);
        CU_ASSERT_EQUAL(tl_queue_pop(q, &item), cases[i].seen);
        CU_ASSERT_PTR_EQUAL(item, &things[1]);
        CU_ASSERT_EQUAL(tl_queue_pop(q, &item), cases[i].seen);
        tl_queue_free(q);
    }
}

typedef struct side {
    tl_queue *q;
    size_t done;
    tl_rc rc;
} side;

static void *push_all(void *arg)
{
    side *s = arg;
    for (s->done = 0; s->done < 1000; s->done++)
        if ((s->rc = tl_queue_push(s->q, &things[s->done])) != TL_OK) return NULL;
    tl_queue_close(s->q, TL_OK);
    return NULL;
}

static void *pop_all(void *arg)
{
    side *s = arg;
    void *item;
    while ((s->rc = tl_queue_pop(s->q, &item)) == TL_OK) {
        if (item != &things[s->done]) break;
        s->done++;
    }
    return NULL;
}

static void two_threads(void)
{
    for (size_t slots = 1; slots <= 5; slots++) {
        side in = {.q = tl_queue_new(slots)}, out = {.q = in.q};
        CU_ASSERT_PTR_NOT_NULL_FATAL(in.q);
        pthread_t t;
        CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, push_all, &in), 0);
        pop_all(&out);
        pthread_join(t, NULL);
        CU_ASSERT_EQUAL(in.rc, TL_OK);
        CU_ASSERT_EQUAL(in.done, 1000);
        CU_ASSERT_EQUAL(out.rc, TL_END);
        CU_ASSERT_EQUAL(out.done, 1000);
        tl_queue_free(in.q);
    }
}

/* The writer fails: the reader, which waits at a full queue, must come back with the reason. */
static void close_wakes_a_full_push(void)
{
    side in = {.q = tl_queue_new(2)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(in.q);
    pthread_t t;
    void *item;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, push_all, &in), 0);
    CU_ASSERT_EQUAL(tl_queue_pop(in.q, &item), TL_OK);
    tl_queue_close(in.q, TL_ESQL);
    pthread_join(t, NULL);
    CU_ASSERT_EQUAL(in.rc, TL_ESQL);
    CU_ASSERT(in.done >= 1 && in.done <= 3);
    tl_queue_free(in.q);
}

static void close_wakes_an_empty_pop(void)
{
    side out = {.q = tl_queue_new(2)};
    CU_ASSERT_PTR_NOT_NULL_FATAL(out.q);
    pthread_t t;
    CU_ASSERT_EQUAL_FATAL(pthread_create(&t, NULL, pop_all, &out), 0);
    tl_queue_close(out.q, TL_EIO);
    pthread_join(t, NULL);
    CU_ASSERT_EQUAL(out.rc, TL_EIO);
    CU_ASSERT_EQUAL(out.done, 0);
    tl_queue_free(out.q);
}

int main(void)
{
    return tl_run_cases("queue", (const tl_case[]){{"first in, first out", first_in_first_out},
                                                   {"closing tells why", closing_tells_why},
                                                   {"two threads", two_threads},
                                                   {"close wakes a full push", close_wakes_a_full_push},
                                                   {"close wakes an empty pop", close_wakes_an_empty_pop},
                                                   {0}});
}
