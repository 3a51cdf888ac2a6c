/*
** writeback.c - a thread that asks for write-back of each 8 MiB by which the file grew (sync_file_range, Linux): the call may wait for the
** disk, and the writer must not.
**
** The file is opened a second time for that.  POSIX drops all locks of a process on a file when any of its descriptors is closed, so this
** one is closed last.  An error of the disk is told to each descriptor: it is not taken away from SQLite's.
*/
#include "store/writeback.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const off_t step_bytes = (off_t)8 << 20;

struct writeback {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool started, look, stops;
    int fd;
    off_t done; /* the thread's: the file as far as its write-back was asked for */
};

/* False: it does not work here. */
static bool push_out(writeback *w)
{
    struct stat st;
    if (fstat(w->fd, &st) != 0) return false;
    off_t to = st.st_size / step_bytes * step_bytes;
    if (to <= w->done) return true;
    if (sync_file_range(w->fd, w->done, to - w->done, SYNC_FILE_RANGE_WRITE) != 0) return false;
    w->done = to;
    return true;
}

static void *run(void *arg)
{
    writeback *w = arg;
    bool good = true;
    pthread_mutex_lock(&w->lock);
    while (good && !w->stops) {
        if (!w->look) {
            pthread_cond_wait(&w->wake, &w->lock);
            continue;
        }
        w->look = false;
        pthread_mutex_unlock(&w->lock);
        good = push_out(w);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

writeback *writeback_start(const char *path)
{
    struct stat st;
    writeback *w = malloc(sizeof *w);
    if (w == NULL) return NULL;
    *w = (writeback){.fd = open(path, O_RDONLY | O_CLOEXEC)};
    if (w->fd < 0) {
        free(w);
        return NULL;
    }
    /* What was there before was synced by earlier commits. */
    if (fstat(w->fd, &st) == 0) w->done = st.st_size / step_bytes * step_bytes;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->wake, NULL);
    w->started = pthread_create(&w->thread, NULL, run, w) == 0; /* without, it only keeps the descriptor open */
    return w;
}

void writeback_look(writeback *w)
{
    if (w == NULL) return;
    pthread_mutex_lock(&w->lock);
    w->look = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

void writeback_stop(writeback *w)
{
    if (w == NULL) return;
    pthread_mutex_lock(&w->lock);
    w->stops = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    if (w->started) pthread_join(w->thread, NULL);
    close(w->fd);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
