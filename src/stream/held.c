#include "stream/held.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A page has at most PAGE_MOST entries, so LEVELS are never all used; it begins with PAGE_LEAST, because most directions hold little.
** Nodes of up to SMALL bytes lie in the pool: an attack is made of the smallest segments. */
enum { MALLOC_OVERHEAD = 16, PAGE_LEAST = 4, PAGE_MOST = 34, LEVELS = 12, SMALL = 8 };

typedef union below {
    held *node;
    struct held_page *page;
} below;

/* Positions first and together, so that a search looks at few lines; then what is below, then the lengths. */
typedef struct held_page {
    uint16_t n, room;
    bool leaf;
    struct held_page *older, *newer; /* leaves: the ones before and after it */
    uint64_t pos[]; /* leaf: of the node.  Else: from there on all is below it, up to the next; of the first it says nothing */
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

static size_t page_bytes(unsigned room)
{
    return sizeof(held_page) + room * (sizeof(uint64_t) + sizeof(below) + sizeof(uint32_t));
}

static below *lower(held_page *p)
{
    return (below *)(p->pos + p->room);
}

static uint32_t *lengths(held_page *p)
{
    return (uint32_t *)(lower(p) + p->room);
}

void held_pools_init(held_pools *pools)
{
    tl_pool_init(&pools->nodes, sizeof(held) + SMALL);
    tl_pool_init(&pools->pages, page_bytes(PAGE_MOST));
}

void held_pools_clear(held_pools *pools)
{
    tl_pool_clear(&pools->nodes);
    tl_pool_clear(&pools->pages);
}

size_t held_cost(const held *h)
{
    return sizeof *h + (h->pooled ? SMALL : MALLOC_OVERHEAD + (h->cut ? 0 : h->n));
}

held *held_new(held_pools *pools, uint64_t pos, const uint8_t *bytes, uint32_t n, tl_at at)
{
    assert(n > 0);
    uint32_t copied = bytes != NULL ? n : 0;
    bool pooled = copied <= SMALL;
    held *h = pooled ? tl_pool_take_raw(&pools->nodes) : malloc(sizeof *h + copied);
    if (h == NULL) return NULL;
    *h = (held){.pos = pos, .n = n, .cut = bytes == NULL, .pooled = pooled, .ns = at.ns, .frame = at.frame, .capture = at.capture};
    if (bytes != NULL) memcpy(h->bytes, bytes, n);
    return h;
}

void held_delete(held_pools *pools, held *h)
{
    if (h != NULL && h->pooled)
        tl_pool_give(&pools->nodes, h);
    else
        free(h);
}

static size_t page_cost(unsigned n)
{
    return page_bytes(n) + (n == PAGE_MOST ? 0 : MALLOC_OVERHEAD);
}

static held_page *page_new(held_pools *pools, bool leaf, unsigned n)
{
    held_page *p = n == PAGE_MOST ? tl_pool_take_raw(&pools->pages) : malloc(page_bytes(n));
    if (p == NULL) return NULL;
    *p = (held_page){.leaf = leaf, .room = (uint16_t)n};
    return p;
}

static void page_free(held_pools *pools, held_page *p)
{
    if (p->room == PAGE_MOST)
        tl_pool_give(&pools->pages, p);
    else
        free(p);
}

/* How many of n positions are at or below pos.  Halving without branches: which way it goes is anybody's guess. */
static unsigned upto(const uint64_t *p, unsigned n, uint64_t pos)
{
    const uint64_t *at = p;
    while (n > 1) {
        unsigned half = n / 2;
        at += at[half - 1] <= pos ? half : 0;
        n -= half;
    }
    return (unsigned)(at - p) + (n == 1 && *at <= pos);
}

/* All lines of a page at once: one by one each would be waited for. */
static void expect(const held_page *p)
{
    const uint8_t *line = (const uint8_t *)p;
    for (size_t i = 0; i < page_bytes(PAGE_MOST); i += 64) __builtin_prefetch(line + i);
}

static void find(held_tree *t, uint64_t pos, way *w)
{
    held_page *p = t->root;
    w->depth = 0;
    t->leaf = NULL;
    t->from = 0;
    t->to = p != NULL ? UINT64_MAX : 0;
    while (p != NULL) {
        unsigned at = p->leaf ? upto(p->pos, p->n, pos) : upto(p->pos + 1, p->n - 1u, pos);
        assert(w->depth < LEVELS);
        w->level[w->depth].page = p;
        w->level[w->depth++].at = at;
        if (p->leaf) break;
        if (at > 0) t->from = p->pos[at];
        if (at + 1u < p->n) t->to = p->pos[at + 1];
        p = lower(p)[at].page;
        expect(p);
    }
    t->leaf = p;
}

/* The leaf where pos belongs, and how many of its entries are at or below it.  NULL: the tree is empty. */
static held_page *leaf_at(held_tree *t, uint64_t pos, unsigned *at)
{
    way w;
    if (t->leaf != NULL && pos >= t->from && pos < t->to) {
        *at = upto(t->leaf->pos, t->leaf->n, pos);
        return t->leaf;
    }
    find(t, pos, &w);
    *at = w.depth > 0 ? w.level[w.depth - 1].at : 0;
    return t->leaf;
}

static void forget_leaf(held_tree *t)
{
    t->leaf = NULL;
    t->from = t->to = 0;
}

/* The node of a leaf's entry, which may be behind its last one; NULL: none. */
static held *node_at(held_page *leaf, unsigned at)
{
    if (at < leaf->n) return lower(leaf)[at].node;
    return leaf->newer != NULL ? lower(leaf->newer)[at - leaf->n].node : NULL;
}

/* Makes a page of the way larger that is full, and not of the largest size: then it is the root, or stands alone. */
static bool page_grow(held_pools *pools, held_tree *t, way *w, unsigned level)
{
    held_page *p = w->level[level].page;
    unsigned n = p->room * 4u < PAGE_MOST / 2 ? p->room * 4u : PAGE_MOST;
    if (p->n < p->room) return true;
    held_page *larger = page_new(pools, p->leaf, n);
    if (larger == NULL) return false;
    assert(level == 0 && p->older == NULL && p->newer == NULL);
    larger->n = p->n;
    memcpy(larger->pos, p->pos, p->n * sizeof *p->pos);
    memcpy(lower(larger), lower(p), p->n * sizeof(below));
    memcpy(lengths(larger), lengths(p), p->n * sizeof(uint32_t));
    t->bytes += page_cost(n) - page_cost(p->room);
    page_free(pools, p);
    t->root = w->level[level].page = larger;
    forget_leaf(t);
    return true;
}

typedef struct entry {
    uint64_t pos;
    below below;
    uint32_t n;
} entry;

static void put(held_page *p, unsigned at, entry e)
{
    unsigned behind = p->n - at;
    below *b = lower(p) + at;
    uint32_t *n = lengths(p) + at;
    memmove(p->pos + at + 1, p->pos + at, behind * sizeof *p->pos);
    memmove(b + 1, b, behind * sizeof *b);
    memmove(n + 1, n, behind * sizeof *n);
    p->pos[at] = e.pos;
    *b = e.below;
    *n = e.n;
    p->n++;
}

static void cut_out(held_page *p, unsigned at)
{
    p->n--;
    unsigned behind = p->n - at;
    below *b = lower(p) + at;
    uint32_t *n = lengths(p) + at;
    memmove(p->pos + at, p->pos + at + 1, behind * sizeof *p->pos);
    memmove(b, b + 1, behind * sizeof *b);
    memmove(n, n + 1, behind * sizeof *n);
}

/* Nothing is behind the way on this level and above it: what is split here goes on growing at the end, so the old page stays full. */
static bool at_end(const way *w, unsigned level)
{
    for (unsigned i = 0; i < level; i++)
        if (w->level[i].at + 1 < w->level[i].page->n) return false;
    return true;
}

/* Moves entries of the full page p to the empty page `right`, of the same room, and puts e, which belongs at `at`, into one of the two. */
static void split(held_page *p, held_page *right, unsigned at, entry e, bool end)
{
    unsigned keep = end && at == p->n ? p->n : at == 0 ? 0 : p->n / 2u;
    right->n = (uint16_t)(p->n - keep);
    memcpy(right->pos, p->pos + keep, right->n * sizeof *p->pos);
    memcpy(lower(right), lower(p) + keep, right->n * sizeof(below));
    memcpy(lengths(right), lengths(p) + keep, right->n * sizeof(uint32_t));
    p->n = (uint16_t)keep;
    if (p->leaf) {
        right->older = p;
        right->newer = p->newer;
        if (right->newer != NULL) right->newer->older = right;
        p->newer = right;
    }
    if (at < keep || (at == keep && right->n > 0))
        put(p, at, e);
    else
        put(right, at - keep, e);
}

/* The leaf is full.  false: no memory, nothing changed. */
static bool insert_full(held_pools *pools, held_tree *t, entry e)
{
    way w;
    held_page *fresh[LEVELS + 1];
    unsigned full = 0, made = 0;
    find(t, e.pos, &w);
    while (full < w.depth && w.level[w.depth - 1 - full].page->n == PAGE_MOST) full++;
    if (full < w.depth && !page_grow(pools, t, &w, w.depth - 1 - full)) return false;
    unsigned pages = full + (full == w.depth);
    for (; made < pages; made++) {
        fresh[made] = page_new(pools, made == 0, made == full ? PAGE_LEAST : PAGE_MOST);
        if (fresh[made] == NULL) {
            while (made > 0) page_free(pools, fresh[--made]);
            return false;
        }
    }
    unsigned level = w.depth, at = level > 0 ? w.level[level - 1].at : 0;
    for (made = 0; made < full; made++) {
        held_page *p = w.level[--level].page, *right = fresh[made];
        t->bytes += page_cost(right->room);
        split(p, right, at, e, at_end(&w, level));
        e = (entry){.pos = right->pos[0], .below = {.page = right}};
        at = level > 0 ? w.level[level - 1].at + 1 : 1;
    }
    if (level == 0) {
        held_page *root = fresh[full];
        t->bytes += page_cost(root->room);
        put(root, 0, (entry){.pos = t->root->pos[0], .below = {.page = t->root}});
        put(root, 1, e);
        t->root = root;
    } else {
        put(w.level[level - 1].page, at, e);
    }
    forget_leaf(t);
    return true;
}

bool held_insert(held_pools *pools, held_tree *t, held *h)
{
    unsigned at;
    entry e = {.pos = h->pos, .below = {.node = h}, .n = h->n};
    if (t->root == NULL) {
        if ((t->root = page_new(pools, true, PAGE_LEAST)) == NULL) return false;
        t->bytes += page_cost(PAGE_LEAST);
    }
    held_page *leaf = leaf_at(t, h->pos, &at);
    if (leaf->n < leaf->room)
        put(leaf, at, e);
    else if (!insert_full(pools, t, e))
        return false;
    if (t->first == NULL || h->pos < t->first->pos) t->first = h;
    t->bytes += held_cost(h);
    t->nodes++;
    if (!h->cut) t->data += h->n;
    return true;
}

/* The leaf's last entry goes.  Pages go when they are empty, and not before: nodes leave at the front, page by page. */
static void remove_last(held_pools *pools, held_tree *t, uint64_t pos)
{
    way w;
    find(t, pos, &w);
    forget_leaf(t);
    unsigned level = w.depth - 1;
    held_page *leaf = w.level[level].page;
    w.level[level].at--;
    if (leaf->older != NULL) leaf->older->newer = leaf->newer;
    if (leaf->newer != NULL) leaf->newer->older = leaf->older;
    for (;; level--) {
        held_page *p = w.level[level].page;
        cut_out(p, w.level[level].at);
        if (p->n > 0) break;
        if (level == 0) t->root = NULL;
        t->bytes -= page_cost(p->room);
        page_free(pools, p);
        if (level == 0) break;
    }
    while (t->root != NULL && !t->root->leaf && t->root->n == 1) {
        held_page *p = t->root;
        t->root = lower(p)[0].page;
        t->bytes -= page_cost(p->room);
        page_free(pools, p);
    }
}

void held_remove(held_pools *pools, held_tree *t, held *h)
{
    enum { AHEAD = 8 }; /* nodes leave one after the other, and each lies anywhere */
    unsigned at;
    held_page *leaf = leaf_at(t, h->pos, &at);
    assert(leaf != NULL && at > 0 && lower(leaf)[at - 1].node == h);
    if (h == t->first) {
        t->first = node_at(leaf, at);
        const held *soon = AHEAD < leaf->n ? lower(leaf)[AHEAD].node : NULL;
        if (leaf->n == 2 * AHEAD && leaf->newer != NULL) expect(leaf->newer);
        if (leaf->n <= AHEAD && leaf->newer != NULL && AHEAD - leaf->n < leaf->newer->n) soon = lower(leaf->newer)[AHEAD - leaf->n].node;
        if (soon != NULL) {
            __builtin_prefetch(soon);
            __builtin_prefetch((const uint8_t *)soon + 64);
        }
    }
    t->bytes -= held_cost(h);
    t->nodes--;
    if (!h->cut) t->data -= h->n;
    if (leaf->n > 1)
        cut_out(leaf, at - 1);
    else
        remove_last(pools, t, h->pos);
}

held *held_first(const held_tree *t)
{
    return t->first;
}

held *held_next(held_tree *t, const held *h)
{
    unsigned at;
    held_page *leaf = leaf_at(t, h->pos, &at);
    assert(leaf != NULL && at > 0 && lower(leaf)[at - 1].node == h);
    return node_at(leaf, at);
}

/* The page and the entry in it that holds pos, or else the first one after it; NULL: none. */
static held_page *entry_at(held_tree *t, uint64_t pos, unsigned *at)
{
    held_page *leaf = leaf_at(t, pos, at), *last = leaf;
    if (leaf == NULL) return NULL;
    unsigned before = *at;
    if (before == 0 && (last = leaf->older) != NULL) before = last->n;
    if (last != NULL && pos - last->pos[before - 1] < lengths(last)[before - 1]) {
        *at = before - 1;
        return last;
    }
    if (*at < leaf->n) return leaf;
    *at = 0;
    return leaf->newer;
}

held *held_at(held_tree *t, uint64_t pos)
{
    unsigned at;
    held_page *p = entry_at(t, pos, &at);
    return p != NULL ? lower(p)[at].node : NULL;
}

uint64_t held_next_at(held_tree *t, uint64_t pos)
{
    unsigned at;
    held_page *p = entry_at(t, pos, &at);
    return p == NULL ? UINT64_MAX : p->pos[at] > pos ? p->pos[at] : pos;
}

/* A node that is in the tree gets shorter. */
static void shorten(held_tree *t, held *h, uint32_t n)
{
    unsigned at;
    held_page *leaf = leaf_at(t, h->pos, &at);
    lengths(leaf)[at - 1] = h->n = n;
}

bool held_punch(held_pools *pools, held_tree *t, uint64_t from, uint64_t to)
{
    for (held *h = held_at(t, from); h != NULL && h->pos < to;) {
        held *next = held_next(t, h);
        uint64_t end = h->pos + h->n;
        if (h->cut) {
            held *tail = NULL;
            uint32_t n = h->n;
            if (end > to) { /* the part after the hole that we punch */
                tail = held_new(pools, to, NULL, (uint32_t)(end - to), (tl_at){h->ns, h->frame, h->capture});
                if (tail == NULL) return false;
                tail->ack_pos = h->ack_pos;
                tail->clock = h->clock;
                tail->proof_frame = h->proof_frame;
                tail->proof_clock = h->proof_clock;
                tail->proof_capture = h->proof_capture;
            }
            if (h->pos < from) shorten(t, h, (uint32_t)(from - h->pos));
            if (tail != NULL && !held_insert(pools, t, tail)) {
                shorten(t, h, n);
                held_delete(pools, tail);
                return false;
            }
            if (h->pos >= from) {
                held_remove(pools, t, h);
                held_delete(pools, h);
            }
        }
        h = next;
    }
    return true;
}

void held_clear(held_pools *pools, held_tree *t)
{
    for (held *h; (h = held_first(t)) != NULL;) {
        held_remove(pools, t, h);
        held_delete(pools, h);
    }
    if (t->root == NULL) return;
    t->bytes -= page_cost(t->root->room); /* memory ran out behind it */
    page_free(pools, t->root);
    t->root = NULL;
    forget_leaf(t);
}
