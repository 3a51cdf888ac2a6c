#include "stream/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/siphash.h"

enum { FIRST_BUCKETS = 1024, HEAP_MOST = 1 << 30 };

/* VLAN tags where they are part of the key. */
static size_t vlan_key(const tl_layers *l, uint32_t *out)
{
    size_t n = 0;
    for (size_t i = 0; l != NULL && i < l->n; i++)
        if (l->kind[i] == TL_LAYER_VLAN) out[n++] = l->id[i];
    return n;
}

static bool same_vlans(const tl_layers *a, const tl_layers *b)
{
    uint32_t x[TL_LAYERS_MAX], y[TL_LAYERS_MAX];
    size_t n = vlan_key(a, x);
    return n == vlan_key(b, y) && memcmp(x, y, n * sizeof *x) == 0;
}

/* What is left of an address when it is known to be IPv4. */
enum { IPV4_AT = 12 };

static bool same_addr(const tl_session *s, int side, const tl_addr *a)
{
    size_t from = s->ipv4 ? IPV4_AT : 0, n = sizeof a->ip - from;
    return s->port[side] == a->port && memcmp(s->ip + (size_t)side * n, a->ip + from, n) == 0;
}

tl_addr table_addr(const tl_session *s, int side)
{
    tl_addr a = {.ip = {[10] = 0xff, [11] = 0xff}, .port = s->port[side]};
    size_t from = s->ipv4 ? IPV4_AT : 0, n = sizeof a.ip - from;
    memcpy(a.ip + from, s->ip + (size_t)side * n, n);
    return a;
}

tl_session *table_new(tl_sessions *t, const tl_addr *src, const tl_addr *dst)
{
    bool ipv4 = tl_addr_is_ipv4(src) && tl_addr_is_ipv4(dst);
    size_t from = ipv4 ? IPV4_AT : 0, n = sizeof src->ip - from;
    tl_session *s = tl_pool_take(&t->pool[ipv4]);
    if (s == NULL) return NULL;
    s->table = t;
    s->ipv4 = ipv4;
    s->port[0] = src->port;
    s->port[1] = dst->port;
    memcpy(s->ip, src->ip + from, n);
    memcpy(s->ip + n, dst->ip + from, n);
    s->handshake_ns = -1;
    s->half[0].window_scale = s->half[1].window_scale = -1;
    return s;
}

void table_pools(tl_sessions *t)
{
    for (int ipv4 = 0; ipv4 < 2; ipv4++) tl_pool_init(&t->pool[ipv4], sizeof(tl_session) + 2 * (size_t)(ipv4 ? 16 - IPV4_AT : 16));
    held_pools_init(&t->held);
}

void table_forget(tl_sessions *t, tl_session *s)
{
    free(s->layers);
    tl_pool_give(&t->pool[s->ipv4], s);
}

uint32_t table_hash(const tl_sessions *t, const tl_segment *seg)
{
    uint8_t key[2 * 18 + 4 * TL_LAYERS_MAX];
    size_t n = 36;
    int order = memcmp(seg->src.ip, seg->dst.ip, 16);
    bool swap = order > 0 || (order == 0 && seg->src.port > seg->dst.port);
    const tl_addr *low = swap ? &seg->dst : &seg->src, *high = swap ? &seg->src : &seg->dst;
    memcpy(key, low->ip, 16);
    memcpy(key + 16, high->ip, 16);
    memcpy(key + 32, &low->port, 2);
    memcpy(key + 34, &high->port, 2);
    if (t->limits.vlan_key) {
        uint32_t tags[TL_LAYERS_MAX];
        size_t tag_n = vlan_key(&seg->layers, tags);
        memcpy(key + n, tags, tag_n * sizeof *tags);
        n += tag_n * sizeof *tags;
    }
    return (uint32_t)tl_siphash(t->limits.hash_key, key, n);
}

/* The bit of a hash in its bucket's mark: the marks fit a cache that neither buckets nor sessions do, and most of a flood is new. */
static uint16_t mark(uint32_t hash)
{
    return (uint16_t)(1u << (hash >> 28));
}

tl_session *table_find(const tl_sessions *t, const tl_segment *seg, uint32_t hash, int *side)
{
    if (t->bucket_n == 0 || !(t->marks[hash & (t->bucket_n - 1)] & mark(hash))) return NULL;
    bool ipv4 = tl_addr_is_ipv4(&seg->src) && tl_addr_is_ipv4(&seg->dst);
    for (tl_session *s = t->buckets[hash & (t->bucket_n - 1)]; s != NULL; s = s->chain) {
        if (s->hash != hash) continue;
        if (s->ipv4 != ipv4) continue;
        if (same_addr(s, 0, &seg->src) && same_addr(s, 1, &seg->dst))
            *side = 0;
        else if (same_addr(s, 1, &seg->src) && same_addr(s, 0, &seg->dst))
            *side = 1;
        else
            continue;
        if (!t->limits.vlan_key || same_vlans(s->layers, &seg->layers)) return s;
    }
    return NULL;
}

static void bucket_put(tl_sessions *t, tl_session *s)
{
    size_t at = s->hash & (t->bucket_n - 1);
    s->chain = t->buckets[at];
    t->buckets[at] = s;
    t->marks[at] |= mark(s->hash);
}

static bool grow(tl_sessions *t)
{
    size_t n = t->bucket_n == 0 ? FIRST_BUCKETS : t->bucket_n * 2;
    tl_session **buckets = calloc(n, sizeof(*buckets));
    uint16_t *marks = calloc(n, sizeof(*marks));
    if (buckets == NULL || marks == NULL) {
        free(buckets);
        free(marks);
        return t->bucket_n != 0; /* long chains are slow, not wrong */
    }
    free(t->buckets);
    free(t->marks);
    t->memory += (n - t->bucket_n) * (sizeof(*buckets) + sizeof(*marks));
    t->buckets = buckets;
    t->marks = marks;
    t->bucket_n = n;
    /* Each is in one of the lists, mostly in the order in which they lie in memory; from bucket to bucket each would be anywhere. */
    for (int list = LIST_OPEN; list < LISTS; list++)
        for (tl_session *s = t->oldest[list]; s != NULL; s = s->newer) bucket_put(t, s);
    return true;
}

tl_session *table_add(tl_sessions *t, const tl_segment *seg, uint32_t hash)
{
    tl_session *s = table_new(t, &seg->src, &seg->dst);
    if (s == NULL) return NULL;
    if (seg->layers.n > 0) {
        s->layers = malloc(sizeof *s->layers);
        if (s->layers == NULL) {
            table_forget(t, s);
            return NULL;
        }
        *s->layers = seg->layers;
    }
    s->hash = hash;
    s->id = t->next_id++;
    s->first_frame = s->last_frame = seg->at.frame;
    s->first_capture = s->last_capture = seg->at.capture;
    s->first_ns = s->last_ns = s->newest_ns = seg->at.ns;
    if (table_put(t, s, LIST_OPEN)) return s;
    table_forget(t, s);
    t->next_id--;
    return NULL;
}

bool table_put(tl_sessions *t, tl_session *s, list_name list)
{
    if (t->session_n >= t->bucket_n && !grow(t)) return false;
    s->in_table = true;
    bucket_put(t, s);
    t->session_n++;
    table_list(t, s, list);
    table_account(t, s);
    return true;
}

void table_list(tl_sessions *t, tl_session *s, list_name list)
{
    if (s->list != LIST_NONE) {
        if (s->newer == NULL && s->list == list) return;
        *(s->newer != NULL ? &s->newer->older : &t->newest[s->list]) = s->older;
        *(s->older != NULL ? &s->older->newer : &t->oldest[s->list]) = s->newer;
    }
    t->open -= s->list == LIST_OPEN;
    t->open += list == LIST_OPEN;
    if (s->list == LIST_CLOSED) t->closed_memory -= (size_t)s->cost * COST_UNIT;
    if (list == LIST_CLOSED) t->closed_memory += (size_t)s->cost * COST_UNIT;
    s->list = (uint8_t)(list & 3);
    s->newer = s->older = NULL;
    if (list == LIST_NONE) return;
    s->older = t->newest[list];
    *(s->older != NULL ? &s->older->newer : &t->oldest[list]) = s;
    t->newest[list] = s;
}

static void heap_put(tl_sessions *t, uint32_t at, heap_entry e)
{
    t->heap[at] = e;
    e.session->heap_at = at + 1;
}

static bool earlier(const heap_entry *a, const heap_entry *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->session->id < b->session->id;
}

/* Moves e from the free place `at` to where it belongs. */
static void heap_settle(tl_sessions *t, uint32_t at, heap_entry e)
{
    while (at > 0 && earlier(&e, &t->heap[(at - 1) / 2])) {
        heap_put(t, at, t->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    for (uint32_t child; (child = 2 * at + 1) < t->heap_n; at = child) {
        if (child + 1 < t->heap_n && earlier(&t->heap[child + 1], &t->heap[child])) child++;
        if (!earlier(&t->heap[child], &e)) break;
        heap_put(t, at, t->heap[child]);
    }
    heap_put(t, at, e);
}

void table_deadline(tl_sessions *t, tl_session *s, int64_t deadline)
{
    if (s->heap_at == 0 ? deadline == INT64_MAX : t->heap[s->heap_at - 1].deadline == deadline) return;
    if (deadline == INT64_MAX) {
        uint32_t at = s->heap_at - 1;
        heap_entry last = t->heap[--t->heap_n];
        s->heap_at = 0;
        if (last.session != s) heap_settle(t, at, last);
        return;
    }
    heap_entry e = {deadline, s};
    if (s->heap_at != 0) {
        heap_settle(t, s->heap_at - 1, e);
        return;
    }
    if (t->heap_n == t->heap_room) {
        uint32_t room = t->heap_room == 0 ? 256 : t->heap_room * 2;
        heap_entry *heap = room < HEAP_MOST ? realloc(t->heap, room * sizeof(*heap)) : NULL;
        if (heap == NULL) {
            t->failed = true;
            return;
        }
        t->memory += (room - t->heap_room) * sizeof(*heap);
        t->heap = heap;
        t->heap_room = room;
    }
    heap_settle(t, t->heap_n++, e);
}

/* What malloc(3) takes for it: 8 bytes of its own, in steps of 16. */
static size_t block(size_t n)
{
    return (n + 8 + 15) & ~(size_t)15;
}

void table_account(tl_sessions *t, tl_session *s)
{
    size_t cost = block(sizeof *s + (s->ipv4 ? 2 * 4 : 2 * 16));
    if (s->layers != NULL) cost += block(sizeof *s->layers);
    if (s->conn.more != NULL) cost += block(conn_cost(&s->conn));
    for (int side = 0; side < 2; side++) {
        const lane *l = s->half[side].lane;
        if (l != NULL) cost += block(sizeof *l) + l->held.bytes;
        if (l != NULL && l->rare != NULL) cost += block(sizeof *l->rare) + l->rare->front.bytes + l->rare->aside.bytes;
    }
    size_t before = (size_t)s->cost * COST_UNIT, units = (cost + COST_UNIT - 1) / COST_UNIT;
    s->cost = units < UINT32_MAX ? (uint32_t)units : UINT32_MAX;
    cost = (size_t)s->cost * COST_UNIT;
    t->memory = t->memory - before + cost;
    if (s->list == LIST_CLOSED) t->closed_memory = t->closed_memory - before + cost;
    if (t->memory > t->memory_peak) t->memory_peak = t->memory;
}

void table_remove(tl_sessions *t, tl_session *s)
{
    if (s->newer != NULL) __builtin_prefetch(&t->buckets[s->newer->hash & (t->bucket_n - 1)]); /* the oldest go one after the other */
    table_deadline(t, s, INT64_MAX);
    table_list(t, s, LIST_NONE);
    if (!s->in_table) return;
    size_t bucket = s->hash & (t->bucket_n - 1);
    tl_session **at = &t->buckets[bucket];
    while (*at != s) at = &(*at)->chain;
    *at = s->chain;
    if (t->buckets[bucket] == NULL) t->marks[bucket] = 0;
    s->chain = NULL;
    s->in_table = false;
    t->session_n--;
}

void table_free_session(tl_sessions *t, tl_session *s)
{
    assert(s->list == LIST_NONE && s->heap_at == 0 && !s->in_table);
    t->memory -= (size_t)s->cost * COST_UNIT;
    half_free(&t->held, &s->half[0]);
    half_free(&t->held, &s->half[1]);
    conn_free(&s->conn);
    if (t->cur.session == s) held_delete(&t->held, t->cur.node);
    table_forget(t, s);
}
