/*
** pool.c - slabs in a list; a cursor in the newest one; a list of what was given back.
**
** Invariants:
** 1. an object is in use, in the list `free`, or beyond `next`: never two of these;
** 2. slabs double, from 64 KiB to 2 MiB: a pool of few objects stays small.
*/
#include "base/pool.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { APART = 1 };
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
enum { APART = 1 };
#else
enum { APART = 0 };
#endif
#else
enum { APART = 0 };
#endif

enum { ALIGN = 16, LINE = 64, SLAB_FIRST = 64 << 10, SLAB_MOST = 2 << 20 };

typedef struct tl_slab {
    struct tl_slab *older;
} tl_slab;

void tl_pool_init(tl_pool *p, size_t object_bytes)
{
    assert(object_bytes > 0 && object_bytes <= SLAB_FIRST);
    *p = (tl_pool){.object_bytes = (object_bytes + ALIGN - 1) / ALIGN * ALIGN, .slab_bytes = SLAB_FIRST};
}

static bool grow(tl_pool *p)
{
    size_t bytes = p->slab_bytes;
    while (bytes < LINE + p->object_bytes) bytes *= 2; /* the first one, for the largest objects */
    bool huge = bytes >= SLAB_MOST;
    tl_slab *s = aligned_alloc(huge ? SLAB_MOST : LINE, bytes);
    if (s == NULL) return false;
    if (huge) (void)madvise(s, bytes, MADV_HUGEPAGE); /* a wish: without it all works as well, and slower */
    s->older = p->newest;
    p->newest = s;
    p->next = (uint8_t *)s + LINE;
    p->end = (uint8_t *)s + bytes;
    p->slab_bytes = bytes < SLAB_MOST ? bytes * 2 : bytes;
    return true;
}

void *tl_pool_take(tl_pool *p)
{
    if (APART) return calloc(1, p->object_bytes);
    void *object = p->free;
    if (object != NULL) {
        memcpy(&p->free, object, sizeof p->free);
    } else {
        if ((size_t)(p->end - p->next) < p->object_bytes && !grow(p)) return NULL;
        object = p->next;
        p->next += p->object_bytes;
    }
    return memset(object, 0, p->object_bytes);
}

void tl_pool_give(tl_pool *p, void *object)
{
    if (object == NULL) return;
    if (APART) {
        free(object);
        return;
    }
    memcpy(object, &p->free, sizeof p->free);
    p->free = object;
}

void tl_pool_clear(tl_pool *p)
{
    for (tl_slab *s = p->newest, *older; s != NULL; s = older) {
        older = s->older;
        free(s);
    }
    tl_pool_init(p, p->object_bytes);
}
