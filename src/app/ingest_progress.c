#include "app/ingest_progress.h"

#include "app/pipeline_progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_BYTES = 1 << 16 }; /* how much is read between two looks at the clock */
static const int64_t redraw_ns = 200000000;

typedef struct watched {
    tl_source base;
    tl_source *inner; /* owned */
    progress *g;
    uint64_t look_at; /* bytes_read at which the clock is looked at again */
} watched;

static int64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void draw(progress *g, uint64_t bytes, int64_t now)
{
    tl_pipeline_counts counts;
    char line[PROGRESS_TEXT];
    tl_pipeline_look(g->pipeline, &counts);
    progress_facts f = {
        .bytes = bytes, .bytes_total = g->total, .sessions = counts.sessions, .gaps = counts.gaps, .elapsed_ns = now - g->began_ns};
    fprintf(stderr, "\r%s\033[K", progress_line(&f, line));
    fflush(stderr);
    g->drawn_ns = now;
    g->shown = true;
}

static tl_rc watched_next(tl_source *s, tl_frame *out)
{
    watched *w = (watched *)s;
    tl_rc rc = tl_source_next(w->inner, out);
    s->facts = w->inner->facts;
    if (rc != TL_OK) s->error = w->inner->error;
    if (s->facts.bytes_read < w->look_at) return rc;
    int64_t now = now_ns();
    w->look_at = s->facts.bytes_read + LOOK_BYTES;
    if (now - w->g->drawn_ns >= redraw_ns) draw(w->g, w->g->before + s->facts.bytes_read, now);
    return rc;
}

static void watched_close(tl_source *s)
{
    watched *w = (watched *)s;
    w->g->before += s->facts.bytes_read;
    tl_source_close(w->inner);
    free(w);
}

static const tl_source_ops watched_ops = {watched_next, watched_close};

void progress_begin(progress *g, const tl_pipeline *p, uint64_t total, bool wanted)
{
    const char *term = getenv("TERM");
    bool obeys = term != NULL && strcmp(term, "dumb") != 0; /* a dumb terminal cannot erase */
    *g = (progress){.total = total, .began_ns = now_ns()};
    g->drawn_ns = g->began_ns;
    if (wanted && obeys && isatty(STDERR_FILENO)) g->pipeline = p;
}

tl_source *progress_watch(progress *g, tl_source *inner)
{
    if (g->pipeline == NULL) return inner;
    watched *w = calloc(1, sizeof *w);
    if (w == NULL) return inner; /* no line is no harm */
    w->base.ops = &watched_ops;
    w->base.facts = inner->facts;
    w->inner = inner;
    w->g = g;
    return &w->base;
}

void progress_finishing(progress *g)
{
    if (g->shown) draw(g, g->before, now_ns());
}

void progress_erase(progress *g)
{
    if (!g->shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    g->shown = false;
}
