/*
** thread.h - a thread of ours in a program that may be somebody else's.
*/
#ifndef TL_THREAD_H
#define TL_THREAD_H

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>

/* Starts run(arg) in a thread that handles no signal: those are the program's.  false: there is no thread. */
static inline bool tl_thread_start(pthread_t *thread, void *(*run)(void *), void *arg)
{
    sigset_t all, before;
    sigfillset(&all);
    if (pthread_sigmask(SIG_SETMASK, &all, &before) != 0) return false;
    bool started = pthread_create(thread, NULL, run, arg) == 0;
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

#endif
