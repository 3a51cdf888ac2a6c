/*
** source_memory.c - frames that lie in memory already, handed out one by one.
*/
#include "capture/source.h"

#include <stdlib.h>

typedef struct memory_source {
    tl_source base;
    const tl_frame *frames; /* borrowed */
    size_t n, at;
} memory_source;

static tl_rc memory_next(tl_source *s, tl_frame *out)
{
    memory_source *m = (memory_source *)s;
    if (m->at == m->n) return TL_END;
    *out = m->frames[m->at++];
    out->at.frame = m->at;
    if (out->wire_len < out->bytes.n) out->wire_len = (uint32_t)out->bytes.n;
    s->facts.bytes_read += out->bytes.n;
    return TL_OK;
}

static void memory_close(tl_source *s)
{
    free(s);
}

static const tl_source_ops memory_ops = {memory_next, memory_close};

tl_source *tl_source_open_memory(const tl_frame *frames, size_t n)
{
    memory_source *m = calloc(1, sizeof *m);
    if (m == NULL) return NULL;
    m->base.ops = &memory_ops;
    m->base.facts.format = "memory";
    m->base.facts.linktype = n > 0 ? frames[0].linktype : -1;
    m->base.facts.drops = -1;
    m->frames = frames;
    m->n = n;
    return &m->base;
}
