#include "stream/held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A page has at most PAGE_MOST entries, so LEVELS are never all used; it is made for PAGE_LEAST, because most directions hold little. */
enum { MALLOC_OVERHEAD = 16, PAGE_LEAST = 4, PAGE_MOST = 64, LEVELS = 12 };

typedef struct entry {
    uint64_t pos; /* leaf: of the node.  Else: everything from there on is below it, up to the next; of the first entry it says nothing */
    union {
        held *node;
        struct held_page *page;
    };
} entry;

typedef struct held_page {
    uint16_t n, room;
    bool leaf;
    entry e[];
} held_page;

/* From the root down: a page, and the entry in it that the way goes through.  In the leaf: how many entries are at or below the position.
 */
typedef struct way {
    struct {
        held_page *page;
        unsigned at;
    } level[LEVELS];
    unsigned depth;
} way;

size_t held_cost(const held *h)
{
    return sizeof *h + MALLOC_OVERHEAD + (h->cut ? 0 : h->n);
}

held *held_new(uint64_t pos, const uint8_t *bytes, uint32_t n, tl_at at)
{
    assert(n > 0);
    held *h = malloc(sizeof *h + (bytes != NULL ? n : 0));
    if (h == NULL) return NULL;
    memset(h, 0, sizeof *h);
    h->pos = pos;
    h->n = n;
    h->cut = bytes == NULL;
    h->ns = at.ns;
    h->frame = at.frame;
    h->capture = at.capture;
    if (bytes != NULL) memcpy(h->bytes, bytes, n);
    return h;
}

static size_t page_cost(unsigned room)
{
    return sizeof(held_page) + room * sizeof(entry) + MALLOC_OVERHEAD;
}

static held_page *page_new(bool leaf, unsigned room)
{
    held_page *p = malloc(sizeof *p + room * sizeof *p->e);
    if (p == NULL) return NULL;
    p->leaf = leaf;
    p->n = 0;
    p->room = (uint16_t)room;
    return p;
}

/* How many of n entries are at or below pos.  Halving without branches: which way it goes is anybody's guess. */
static unsigned upto(const entry *e, unsigned n, uint64_t pos)
{
    const entry *at = e;
    while (n > 1) {
        unsigned half = n / 2;
        at += at[half - 1].pos <= pos ? half : 0;
        n -= half;
    }
    return (unsigned)(at - e) + (n == 1 && at->pos <= pos);
}

static void find(const held_tree *t, uint64_t pos, way *w)
{
    held_page *p = t->root;
    w->depth = 0;
    while (p != NULL) {
        unsigned at = p->leaf ? upto(p->e, p->n, pos) : upto(p->e + 1, p->n - 1u, pos);
        assert(w->depth < LEVELS);
        w->level[w->depth].page = p;
        w->level[w->depth++].at = at;
        p = p->leaf ? NULL : p->e[at].page;
    }
}

/* The last node before the leaf's entry `at` of the way; NULL: none. */
static held *before(const way *w)
{
    if (w->depth == 0) return NULL;
    unsigned level = w->depth - 1;
    if (w->level[level].at > 0) return w->level[level].page->e[w->level[level].at - 1].node;
    while (level > 0 && w->level[level - 1].at == 0) level--;
    if (level == 0) return NULL;
    const held_page *p = w->level[level - 1].page->e[w->level[level - 1].at - 1].page;
    while (!p->leaf) p = p->e[p->n - 1].page;
    return p->e[p->n - 1].node;
}

/* The pointer to a level's page. */
static held_page **above(held_tree *t, way *w, unsigned level)
{
    return level == 0 ? &t->root : &w->level[level - 1].page->e[w->level[level - 1].at].page;
}

static bool page_grow(held_tree *t, way *w, unsigned level)
{
    held_page *p = w->level[level].page;
    unsigned room = p->room * 4u < PAGE_MOST ? p->room * 4u : PAGE_MOST;
    if (p->n < p->room) return true;
    held_page *larger = realloc(p, sizeof *p + room * sizeof *p->e);
    if (larger == NULL) return false;
    t->bytes += page_cost(room) - page_cost(larger->room);
    larger->room = (uint16_t)room;
    *above(t, w, level) = w->level[level].page = larger;
    return true;
}

static void put(held_page *p, unsigned at, entry e)
{
    memmove(p->e + at + 1, p->e + at, (p->n - at) * sizeof *p->e);
    p->e[at] = e;
    p->n++;
}

static void cut_out(held_page *p, unsigned at)
{
    p->n--;
    memmove(p->e + at, p->e + at + 1, (p->n - at) * sizeof *p->e);
}

/* Nothing is behind the way on this level and above it: what is split here goes on growing at the end, so the old page stays full. */
static bool at_end(const way *w, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        if (w->level[i].at + 1 < w->level[i].page->n) return false;
    return true;
}

/* Moves entries of the full page p to the empty page `right`, and puts e, which belongs at `at`, into one of the two. */
static void split(held_page *p, held_page *right, unsigned at, entry e, bool end)
{
    unsigned keep = end && at == p->n ? p->n : at == 0 ? 0 : p->n / 2u;
    right->n = (uint16_t)(p->n - keep);
    memcpy(right->e, p->e + keep, right->n * sizeof *p->e);
    p->n = (uint16_t)keep;
    if (at < keep || (at == keep && right->n > 0))
        put(p, at, e);
    else
        put(right, at - keep, e);
}

static void free_pages(held_page **pages, unsigned n)
{
    while (n > 0) free(pages[--n]);
}

bool held_insert(held_tree *t, held *h)
{
    way w;
    held_page *fresh[LEVELS + 1];
    unsigned full = 0, made = 0;
    if (t->root == NULL) {
        if ((t->root = page_new(true, PAGE_LEAST)) == NULL) return false;
        t->bytes += page_cost(PAGE_LEAST);
    }
    find(t, h->pos, &w);
    while (full < w.depth && w.level[w.depth - 1 - full].page->n == PAGE_MOST) full++;
    if (full < w.depth && !page_grow(t, &w, w.depth - 1 - full)) return false;
    unsigned pages = full + (full == w.depth);
    for (; made < pages; made++) {
        fresh[made] = page_new(made == 0, made == full ? PAGE_LEAST : PAGE_MOST);
        if (fresh[made] == NULL) {
            free_pages(fresh, made);
            return false;
        }
    }

    held *last = before(&w);
    held **link = last != NULL ? &last->next : &t->first;
    h->next = *link;
    *link = h;

    entry e = {.pos = h->pos, .node = h};
    unsigned level = w.depth, at = w.level[level - 1].at;
    for (made = 0; made < full; made++) {
        held_page *p = w.level[--level].page, *right = fresh[made];
        t->bytes += page_cost(right->room);
        split(p, right, at, e, at_end(&w, level));
        e = (entry){.pos = right->e[0].pos, .page = right};
        at = level > 0 ? w.level[level - 1].at + 1 : 1;
    }
    if (level == 0) {
        held_page *root = fresh[full];
        t->bytes += page_cost(root->room);
        put(root, 0, (entry){.pos = t->root->e[0].pos, .page = t->root});
        put(root, 1, e);
        t->root = root;
    } else {
        put(w.level[level - 1].page, at, e);
    }
    t->bytes += held_cost(h);
    t->nodes++;
    if (!h->cut) t->data += h->n;
    return true;
}

void held_remove(held_tree *t, held *h)
{
    way w;
    find(t, h->pos, &w);
    unsigned level = w.depth - 1;
    assert(w.depth > 0 && w.level[level].at > 0 && w.level[level].page->e[w.level[level].at - 1].node == h);
    w.level[level].at--;
    held *last = h == t->first ? NULL : before(&w);
    *(last != NULL ? &last->next : &t->first) = h->next;
    if (h->next != NULL) __builtin_prefetch(h->next->next);
    h->next = NULL;
    t->bytes -= held_cost(h);
    t->nodes--;
    if (!h->cut) t->data -= h->n;
    /* Pages go when they are empty, and not before: nodes leave at the front, page by page. */
    for (;; level--) {
        held_page *p = w.level[level].page;
        cut_out(p, w.level[level].at);
        if (p->n > 0) break;
        if (level == 0) t->root = NULL;
        t->bytes -= page_cost(p->room);
        free(p);
        if (level == 0) break;
    }
    while (t->root != NULL && !t->root->leaf && t->root->n == 1) {
        held_page *p = t->root;
        t->root = p->e[0].page;
        t->bytes -= page_cost(p->room);
        free(p);
    }
}

held *held_first(const held_tree *t)
{
    return t->first;
}

held *held_next(const held *h)
{
    return h->next;
}

held *held_at(const held_tree *t, uint64_t pos)
{
    way w;
    find(t, pos, &w);
    held *last = before(&w);
    if (last == NULL) return t->first;
    const held_page *leaf = w.level[w.depth - 1].page;
    unsigned at = w.level[w.depth - 1].at;
    held *after = at < leaf->n ? leaf->e[at].node : last->next; /* the page is at hand, the node before may not be */
    __builtin_prefetch(after);
    return pos - last->pos < last->n ? last : after;
}

bool held_punch(held_tree *t, uint64_t from, uint64_t to)
{
    for (held *h = held_at(t, from); h != NULL && h->pos < to;) {
        held *next = held_next(h);
        uint64_t end = h->pos + h->n;
        if (h->cut) {
            held *tail = NULL;
            uint32_t n = h->n;
            if (end > to) { /* the part after the hole that we punch */
                tail = held_new(to, NULL, (uint32_t)(end - to), (tl_at){h->ns, h->frame, h->capture});
                if (tail == NULL) return false;
                tail->ack_pos = h->ack_pos;
                tail->clock = h->clock;
                tail->proof_frame = h->proof_frame;
                tail->proof_clock = h->proof_clock;
                tail->proof_capture = h->proof_capture;
            }
            if (h->pos < from) h->n = (uint32_t)(from - h->pos);
            if (tail != NULL && !held_insert(t, tail)) {
                h->n = n;
                free(tail);
                return false;
            }
            if (h->pos >= from) {
                held_remove(t, h);
                free(h);
            }
        }
        h = next;
    }
    return true;
}

void held_clear(held_tree *t)
{
    for (held *h; (h = held_first(t)) != NULL;) {
        held_remove(t, h);
        free(h);
    }
    if (t->root == NULL) return;
    t->bytes -= page_cost(t->root->room); /* memory ran out behind it */
    free(t->root);
    t->root = NULL;
}
