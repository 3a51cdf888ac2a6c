#include "stream/table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/siphash.h"

enum { FIRST_BUCKETS = 256, BUCKET_SHARE = 4 /* sessions */, HEAP_MOST = 1 << 30, LINE = 64, HUGE_PAGE = 2 << 20 };
_Static_assert(sizeof(bucket) <= LINE, "a bucket is one cache line");

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
enum { IPV4_AT = 12, IPV4_N = 4, IPV6_N = 16 };

static bool same_addr(const tl_session *s, int side, const tl_addr *a)
{
    if (s->port[side] != a->port) return false;
    return s->ipv4 ? memcmp(s->ip + side * IPV4_N, a->ip + IPV4_AT, IPV4_N) == 0 : memcmp(s->ip + side * IPV6_N, a->ip, IPV6_N) == 0;
}

tl_addr table_addr(const tl_session *s, int side)
{
    tl_addr a = {.ip = {[10] = 0xff, [11] = 0xff}, .port = s->port[side]};
    if (s->ipv4)
        memcpy(a.ip + IPV4_AT, s->ip + side * IPV4_N, IPV4_N);
    else
        memcpy(a.ip, s->ip + side * IPV6_N, IPV6_N);
    return a;
}

tl_session *table_new(tl_sessions *t, const tl_addr *src, const tl_addr *dst)
{
    bool ipv4 = tl_addr_is_ipv4(src) && tl_addr_is_ipv4(dst);
    size_t from = ipv4 ? IPV4_AT : 0, n = ipv4 ? IPV4_N : IPV6_N;
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
    for (int ipv4 = 0; ipv4 < 2; ipv4++) tl_pool_init(&t->pool[ipv4], sizeof(tl_session) + 2 * (size_t)(ipv4 ? IPV4_N : IPV6_N));
    held_pools_init(&t->held);
    tl_pool_init(&t->lanes, sizeof(lane));
}

void table_forget(tl_sessions *t, tl_session *s)
{
    free(s->layers);
    tl_pool_give(&t->pool[s->ipv4], s);
}

static bool both_ipv4(const tl_segment *seg)
{
    return tl_addr_is_ipv4(&seg->src) && tl_addr_is_ipv4(&seg->dst);
}

/* The endpoints, the lower one first, as bytes to be hashed; returns how many. */
static size_t put_ends(const tl_segment *seg, uint64_t key[])
{
    if (both_ipv4(seg)) {
        uint64_t a = (uint64_t)tl_be32(seg->src.ip + IPV4_AT) << 16 | seg->src.port;
        uint64_t b = (uint64_t)tl_be32(seg->dst.ip + IPV4_AT) << 16 | seg->dst.port;
        uint64_t low = a < b ? a : b, high = a < b ? b : a;
        key[0] = low << 16 | high >> 32;
        uint32_t rest = (uint32_t)high;
        memcpy(key + 1, &rest, sizeof rest);
        return sizeof *key + sizeof rest;
    }
    int order = memcmp(seg->src.ip, seg->dst.ip, IPV6_N);
    bool swap = order > 0 || (order == 0 && seg->src.port > seg->dst.port);
    const tl_addr *low = swap ? &seg->dst : &seg->src, *high = swap ? &seg->src : &seg->dst;
    uint32_t ports = (uint32_t)low->port << 16 | high->port;
    memcpy(key, low->ip, IPV6_N);
    memcpy(key + 2, high->ip, IPV6_N);
    memcpy(key + 4, &ports, sizeof ports);
    return 2 * IPV6_N + sizeof ports;
}

uint32_t table_hash(const tl_sessions *t, const tl_segment *seg)
{
    uint64_t key[5 + (TL_LAYERS_MAX + 1) / 2];
    size_t n = put_ends(seg, key);
    if (t->limits.vlan_key) {
        uint32_t tags[TL_LAYERS_MAX];
        size_t tag_n = vlan_key(&seg->layers, tags);
        memcpy((uint8_t *)key + n, tags, tag_n * sizeof *tags);
        n += tag_n * sizeof *tags;
    }
    return (uint32_t)tl_siphash(t->limits.hash_key, key, n);
}

static bucket *bucket_of(const tl_sessions *t, uint32_t hash)
{
    return &t->buckets[hash & (t->bucket_n - 1)];
}

static uint16_t tag(uint32_t hash)
{
    return (uint16_t)(hash >> 16);
}

static uint16_t mark(uint32_t hash)
{
    return (uint16_t)(1u << (hash >> 28));
}

/* Is it between these endpoints?  *side: which of its sides src is. */
static bool between(const tl_sessions *t, const tl_session *s, const tl_segment *seg, int *side)
{
    if (s->ipv4 != both_ipv4(seg)) return false;
    if (same_addr(s, 0, &seg->src) && same_addr(s, 1, &seg->dst))
        *side = 0;
    else if (same_addr(s, 1, &seg->src) && same_addr(s, 0, &seg->dst))
        *side = 1;
    else
        return false;
    return !t->limits.vlan_key || same_vlans(s->layers, &seg->layers);
}

tl_session *table_find(const tl_sessions *t, const tl_segment *seg, uint32_t hash, int *side)
{
    if (t->bucket_n == 0) return NULL;
    const bucket *b = bucket_of(t, hash);
    for (unsigned i = 0; i < b->n; i++) {
        if (b->tag[i] != tag(hash)) continue;
        table_fetch(b->session[i], sizeof(tl_session));
        if (b->session[i]->hash == hash && between(t, b->session[i], seg, side)) return b->session[i];
    }
    if (!(b->mark & mark(hash))) return NULL;
    for (tl_session *s = b->more; s != NULL; s = s->chain)
        if (s->hash == hash && between(t, s, seg, side)) return s;
    return NULL;
}

static void bucket_put(tl_sessions *t, tl_session *s)
{
    bucket *b = bucket_of(t, s->hash);
    if (b->n < BUCKET_INLINE) {
        b->tag[b->n] = tag(s->hash);
        b->session[b->n++] = s;
        return;
    }
    s->chain = b->more;
    b->more = s;
    b->mark |= mark(s->hash);
}

static void bucket_remove(tl_sessions *t, tl_session *s)
{
    bucket *b = bucket_of(t, s->hash);
    for (unsigned i = 0; i < b->n; i++) {
        if (b->session[i] != s) continue;
        b->n--;
        b->tag[i] = b->tag[b->n];
        b->session[i] = b->session[b->n];
        return;
    }
    tl_session **at = &b->more;
    while (*at != s) at = &(*at)->chain;
    *at = s->chain;
    s->chain = NULL;
    if (b->more == NULL) b->mark = 0;
}

/* Each look at the table is anywhere in it: in large pages where there are some. */
static bucket *buckets_new(size_t n)
{
    size_t bytes = n * sizeof(bucket);
    bool large = bytes >= HUGE_PAGE;
    bucket *b = aligned_alloc(large ? HUGE_PAGE : LINE, bytes);
    if (b == NULL) return NULL;
    if (large) (void)madvise(b, bytes, MADV_HUGEPAGE); /* a wish */
    return memset(b, 0, bytes);
}

static bool grow(tl_sessions *t)
{
    size_t n = t->bucket_n == 0 ? FIRST_BUCKETS : t->bucket_n * 2;
    bucket *buckets = buckets_new(n);
    if (buckets == NULL) return t->bucket_n != 0; /* long chains are slow, not wrong */
    free(t->buckets);
    t->memory += (n - t->bucket_n) * sizeof(bucket);
    t->buckets = buckets;
    t->bucket_n = n;
    /* Each is in one of the lists, mostly in the order in which they lie in memory; from bucket to bucket each would be anywhere. */
    for (int list = LIST_OPEN; list < LISTS; list++)
        for (tl_session *s = t->oldest[list]; s != NULL; s = s->newer) {
            if (s->newer != NULL) __builtin_prefetch(bucket_of(t, s->newer->hash), 1);
            s->chain = NULL;
            bucket_put(t, s);
        }
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
    if (t->session_n >= t->bucket_n * BUCKET_SHARE && !grow(t)) return false;
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
    size_t cost = t->pool[s->ipv4].object_bytes;
    if (s->layers != NULL) cost += block(sizeof *s->layers);
    if (s->conn.more != NULL) cost += block(conn_cost(&s->conn));
    for (int side = 0; side < 2; side++) {
        const lane *l = s->half[side].lane;
        if (l != NULL) cost += sizeof *l + l->held.bytes;
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
    if (s->newer != NULL) __builtin_prefetch(bucket_of(t, s->newer->hash), 1); /* the oldest go one after the other */
    table_deadline(t, s, INT64_MAX);
    table_list(t, s, LIST_NONE);
    if (!s->in_table) return;
    bucket_remove(t, s);
    s->in_table = false;
    t->session_n--;
}

void table_free_session(tl_sessions *t, tl_session *s)
{
    assert(s->list == LIST_NONE && s->heap_at == 0 && !s->in_table);
    t->memory -= (size_t)s->cost * COST_UNIT;
    half_free(&t->held, &t->lanes, &s->half[0]);
    half_free(&t->held, &t->lanes, &s->half[1]);
    conn_free(&s->conn);
    if (t->cur.session == s) held_delete(&t->held, t->cur.node);
    table_forget(t, s);
}
