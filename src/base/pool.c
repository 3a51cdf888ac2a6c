/*
** pool.c - slabs; in each a cursor, and a list of what was given back.
**
** Invariants:
** 1. an object is in use, in its slab's list `free`, or beyond its cursor: never two of these;
** 2. a slab is in the list `open` exactly while something can be taken of it, unless it is the spare one; a full one is found again by its
**    objects, because a large slab begins at a multiple of its size;
** 3. of the large slabs only the spare one is empty: as many objects as one holds go out before a slab is made again that was just freed.
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

enum { ALIGN = 16, LINE = 64, SMALL = 64 << 10, LARGE = 2 << 20, OBJECT_MOST = 32 << 10 };

typedef struct tl_slab {
    struct tl_slab *next, *prev; /* in the list `open` */
    void *free;                  /* a list through the first bytes of what was given back */
    uint8_t *fresh, *end;        /* what was never taken */
    size_t taken;                /* objects in use */
} tl_slab;
_Static_assert(sizeof(tl_slab) <= LINE, "objects begin at the second line");

void tl_pool_init(tl_pool *p, size_t object_bytes)
{
    assert(object_bytes > 0 && object_bytes <= OBJECT_MOST);
    *p = (tl_pool){.object_bytes = (object_bytes + ALIGN - 1) / ALIGN * ALIGN, .apart = APART};
}

static void open_slab(tl_pool *p, tl_slab *s)
{
    s->prev = NULL;
    s->next = p->open;
    if (s->next != NULL) s->next->prev = s;
    p->open = s;
}

static void close_slab(tl_pool *p, tl_slab *s)
{
    *(s->prev != NULL ? &s->prev->next : &p->open) = s->next;
    if (s->next != NULL) s->next->prev = s->prev;
}

static bool full(const tl_pool *p, const tl_slab *s)
{
    return s->free == NULL && (size_t)(s->end - s->fresh) < p->object_bytes;
}

/* The spare slab or a new one. */
static tl_slab *grow(tl_pool *p)
{
    tl_slab *s = p->spare;
    if (s != NULL) {
        p->spare = NULL;
        open_slab(p, s);
        return s;
    }
    size_t bytes = p->small == NULL ? SMALL : LARGE;
    s = aligned_alloc(bytes == SMALL ? LINE : LARGE, bytes);
    if (s == NULL) return NULL;
    if (p->slabs > 0) (void)madvise(s, bytes, MADV_HUGEPAGE); /* a wish: without it all works as well, and slower */
    *s = (tl_slab){.fresh = (uint8_t *)s + LINE, .end = (uint8_t *)s + bytes};
    if (bytes == SMALL)
        p->small = s;
    else
        p->slabs++;
    open_slab(p, s);
    return s;
}

void *tl_pool_take_raw(tl_pool *p)
{
    if (p->apart) return malloc(p->object_bytes);
    tl_slab *s = p->open;
    if (s == NULL && (s = grow(p)) == NULL) return NULL;
    void *object = s->free;
    if (object != NULL) {
        memcpy(&s->free, object, sizeof s->free);
    } else {
        object = s->fresh;
        s->fresh += p->object_bytes;
    }
    s->taken++;
    if (full(p, s)) close_slab(p, s);
    return object;
}

void *tl_pool_take(tl_pool *p)
{
    void *object = tl_pool_take_raw(p);
    return object != NULL ? memset(object, 0, p->object_bytes) : NULL;
}

static tl_slab *slab_of(const tl_pool *p, void *object)
{
    if ((uintptr_t)object - (uintptr_t)p->small < SMALL) return p->small;
    return (tl_slab *)((uint8_t *)object - ((uintptr_t)object & (LARGE - 1)));
}

void tl_pool_give(tl_pool *p, void *object)
{
    if (object == NULL) return;
    if (p->apart) {
        free(object);
        return;
    }
    tl_slab *s = slab_of(p, object);
    assert(s->taken > 0);
    if (full(p, s)) open_slab(p, s);
    memcpy(object, &s->free, sizeof s->free);
    s->free = object;
    if (--s->taken > 0 || s == p->small) return;
    close_slab(p, s);
    if (p->spare == NULL) {
        p->spare = s;
        return;
    }
    free(s);
    p->slabs--;
}

void tl_pool_clear(tl_pool *p)
{
    assert(p->open == NULL || (p->open == p->small && p->small->taken == 0 && p->small->next == NULL));
    assert(p->slabs == (p->spare != NULL));
    free(p->small);
    free(p->spare);
    bool apart = p->apart;
    tl_pool_init(p, p->object_bytes);
    p->apart = apart;
}
