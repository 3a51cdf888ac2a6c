/*
** fragments.c - see fragments.h.
**
** A datagram keeps its fragments as they came: in one list by offset, each with its number of arrival.  Whether it is complete is
** one walk along the list (at most 64 long).  It is put together by copying from the newest to the oldest, so the first copy of
** a byte is the one that stays, whatever overlaps what.
**
** Datagrams are found by a keyed hash, and lie in a queue by age: the oldest one is given up first, for time and for memory.
*/
#include "packet/fragments.h"

#include "base/siphash.h"
#include "packet/layer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_NS (30 * INT64_C(1000000000))

enum {
    USED_MAX = 4 * 1024 * 1024,
    BUCKETS = 8192,
    DATAGRAM_MAX = 65535,
    /* What an allocator adds to a block. */
    BLOCK_BYTES = 16,
    KEY_MAX = 2 + 4 + 32 + 5 * TL_LAYERS_MAX
};

typedef struct piece {
    struct piece *next; /* by offset, or in the list of the lost */
    tl_at at;
    uint32_t frame_captured, frame_wire;
    uint32_t offset, wire; /* in the datagram */
    uint32_t n;            /* captured, <= wire */
    uint32_t type;         /* IP protocol that its header told */
    unsigned arrival;
    uint8_t data[];
} piece;

typedef struct datagram {
    struct datagram *chain; /* of its bucket */
    struct datagram *older, *newer;
    piece *pieces; /* owned, by offset */
    uint64_t hash;
    int64_t first_ns;
    size_t used;
    unsigned n;
    uint32_t total; /* bytes; 0: the last fragment is not there yet */
    uint32_t end;   /* the highest that was seen */
    uint32_t key_n;
    uint8_t key[KEY_MAX];
} datagram;

struct tl_decoder {
    uint8_t hash_key[16];
    datagram *buckets[BUCKETS]; /* owned */
    datagram *oldest, *newest;
    piece *lost; /* owned, in the order in which they were lost */
    piece **lost_end;
    size_t used;
    tl_fragment_counts counts;
    size_t parts_n;
    tl_fragment_part parts[TL_FRAGMENTS_MAX]; /* offsets in whole[] */
    uint8_t whole[DATAGRAM_MAX + 1];          /* the datagram that was completed last */
};

tl_decoder *tl_decoder_new(const uint8_t hash_key[16])
{
    tl_decoder *d = calloc(1, sizeof *d);
    if (d == NULL) return NULL;
    memcpy(d->hash_key, hash_key, sizeof d->hash_key);
    d->lost_end = &d->lost;
    return d;
}

static void forget_lost(tl_decoder *d)
{
    while (d->lost != NULL) {
        piece *p = d->lost;
        d->lost = p->next;
        free(p);
    }
    d->lost_end = &d->lost;
}

/* Out of the table and of the queue; its pieces are left to the caller. */
static void detach(tl_decoder *d, datagram *g)
{
    datagram **link = &d->buckets[g->hash % BUCKETS];
    while (*link != g) link = &(*link)->chain;
    *link = g->chain;
    if (g->older != NULL)
        g->older->newer = g->newer;
    else
        d->oldest = g->newer;
    if (g->newer != NULL)
        g->newer->older = g->older;
    else
        d->newest = g->older;
    assert(d->used >= g->used);
    d->used -= g->used;
}

/* The datagram will not be completed: its frames go to the list of the lost. */
static void give_up(tl_decoder *d, datagram *g)
{
    detach(d, g);
    d->counts.lost_datagrams++;
    d->counts.lost_frames += g->n;
    *d->lost_end = g->pieces;
    while (*d->lost_end != NULL) d->lost_end = &(*d->lost_end)->next;
    free(g);
}

static void discard(tl_decoder *d, datagram *g)
{
    detach(d, g);
    for (piece *p = g->pieces, *next; p != NULL; p = next) {
        next = p->next;
        free(p);
    }
    free(g);
}

void tl_decoder_free(tl_decoder *d)
{
    if (d == NULL) return;
    while (d->oldest != NULL) discard(d, d->oldest);
    forget_lost(d);
    free(d);
}

/* Time runs backwards in real captures, so both directions count. */
static bool expired(const datagram *g, int64_t now)
{
    uint64_t apart = now > g->first_ns ? (uint64_t)now - (uint64_t)g->first_ns : (uint64_t)g->first_ns - (uint64_t)now;
    return apart > (uint64_t)TIMEOUT_NS;
}

static void expire(tl_decoder *d, int64_t now)
{
    while (d->oldest != NULL && expired(d->oldest, now)) {
        d->counts.expired++;
        give_up(d, d->oldest);
    }
}

/* RFC 791: source, destination, protocol, identification; RFC 8200: without the protocol. */
static uint32_t make_key(const cursor *c, uint8_t key[KEY_MAX])
{
    const tl_layers *l = &c->out->layers;
    const fragment_header *f = &c->fragment;
    uint32_t n = 0;
    key[n++] = f->version;
    key[n++] = f->version == 4 ? (uint8_t)c->type : 0;
    memcpy(key + n, &f->id, sizeof f->id);
    n += (uint32_t)sizeof f->id;
    memcpy(key + n, c->out->src.ip, 16);
    memcpy(key + n + 16, c->out->dst.ip, 16);
    n += 32;
    for (unsigned i = 0; i < l->n; i++) {
        key[n++] = l->kind[i];
        memcpy(key + n, &l->id[i], sizeof l->id[i]);
        n += (uint32_t)sizeof l->id[i];
    }
    return n;
}

static datagram *find(const tl_decoder *d, uint64_t hash, const uint8_t *key, uint32_t key_n)
{
    datagram *g = d->buckets[hash % BUCKETS];
    while (g != NULL && (g->hash != hash || g->key_n != key_n || memcmp(g->key, key, key_n) != 0)) g = g->chain;
    return g;
}

static datagram *begin(tl_decoder *d, uint64_t hash, const uint8_t *key, uint32_t key_n, int64_t now)
{
    datagram *g = calloc(1, sizeof *g);
    if (g == NULL) return NULL;
    g->hash = hash;
    g->key_n = key_n;
    memcpy(g->key, key, key_n);
    g->first_ns = now;
    g->used = sizeof *g + BLOCK_BYTES;
    d->used += g->used;
    g->chain = d->buckets[hash % BUCKETS];
    d->buckets[hash % BUCKETS] = g;
    g->older = d->newest;
    if (d->newest != NULL)
        d->newest->newer = g;
    else
        d->oldest = g;
    d->newest = g;
    return g;
}

/* The captured bytes that p shares with q, from *done on: q is walked by offset, so each byte of p is compared once, whatever a sender
** piles up. */
static void compare(const piece *p, const piece *q, uint32_t *done, bool *conflict)
{
    uint32_t from = p->offset > q->offset ? p->offset : q->offset;
    uint32_t p_end = p->offset + p->n, q_end = q->offset + q->n, to = p_end < q_end ? p_end : q_end;
    if (from < *done) from = *done;
    if (from >= to) return;
    *done = to;
    if (memcmp(p->data + (from - p->offset), q->data + (from - q->offset), to - from) != 0) *conflict = true;
}

static void insert(tl_decoder *d, datagram *g, piece *p)
{
    bool conflict = false;
    uint32_t done = 0; /* stays 0 where nothing overlaps: an overlap ends behind byte 0 */
    piece **link = &g->pieces;
    for (piece *q = g->pieces; q != NULL; q = q->next) compare(p, q, &done, &conflict);
    while (*link != NULL && (*link)->offset <= p->offset) link = &(*link)->next;
    p->next = *link;
    *link = p;
    p->arrival = g->n++;
    if (p->offset + p->wire > g->end) g->end = p->offset + p->wire;
    d->counts.overlaps += done > 0;
    d->counts.conflicts += conflict;
}

/* How far the pieces reach from byte 0 without a hole; by lengths on the wire, or by what was captured. */
static uint32_t contiguous(const datagram *g, bool captured)
{
    uint32_t edge = 0;
    for (const piece *p = g->pieces; p != NULL && p->offset <= edge; p = p->next) {
        uint32_t end = p->offset + (captured ? p->n : p->wire);
        if (end > edge) edge = end;
    }
    return edge;
}

/* Captured bytes from `edge` on, each counted once. */
static uint32_t captured_behind(const datagram *g, uint32_t edge)
{
    uint32_t sum = 0;
    for (const piece *p = g->pieces; p != NULL; p = p->next) {
        uint32_t from = p->offset > edge ? p->offset : edge, end = p->offset + p->n;
        if (end <= from) continue;
        sum += end - from;
        edge = end;
    }
    return sum;
}

/* The cursor goes on in the completed datagram, at its first byte behind the IP header. */
static void assemble(tl_decoder *d, datagram *g, cursor *c)
{
    const piece *by_arrival[TL_FRAGMENTS_MAX] = {NULL};
    for (const piece *p = g->pieces; p != NULL; p = p->next) by_arrival[p->arrival] = p;
    for (unsigned i = g->n; i-- > 0;) {
        const piece *p = by_arrival[i];
        memcpy(d->whole + p->offset, p->data, p->n);
        d->parts[i] = (tl_fragment_part){.at = p->at, .offset = p->offset, .n = p->n};
    }
    d->parts_n = g->n;
    uint32_t header = (uint32_t)(c->out->wire_bytes + c->beyond) - c->fragment.wire;
    c->type = g->pieces->type; /* RFC 8200 section 4.5: the first fragment's is the one */
    c->p = d->whole;
    c->n = contiguous(g, true);
    c->wire = g->total;
    c->beyond = 0;
    c->out->wire_bytes = header + g->total;
    d->counts.cut_bytes += captured_behind(g, (uint32_t)c->n);
    d->counts.datagrams++;
}

static void make_room(tl_decoder *d, size_t bytes)
{
    while (d->oldest != NULL && d->used + bytes > USED_MAX) {
        d->counts.evicted++;
        give_up(d, d->oldest);
    }
}

static tl_decoded refuse(tl_decoder *d)
{
    d->counts.lost_frames++;
    return TL_SEG_FRAGMENT_LOST;
}

/* Takes the fragment at the cursor in.  TL_SEG_OK: it completed its datagram and the cursor is at the whole. */
static tl_decoded add(tl_decoder *d, cursor *c, tl_span frame, uint32_t wire_len)
{
    const fragment_header *f = &c->fragment;
    uint32_t end = f->offset + f->wire;
    uint32_t n = c->n < f->wire ? (uint32_t)c->n : f->wire;
    uint8_t key[KEY_MAX];
    uint32_t key_n = make_key(c, key);
    uint64_t hash = tl_siphash(d->hash_key, key, key_n);
    d->counts.fragments++;

    datagram *g = find(d, hash, key, key_n);
    if (g != NULL && expired(g, c->out->at.ns)) {
        d->counts.expired++;
        give_up(d, g);
        g = NULL;
    }
    if (g != NULL && ((g->total > 0 && (end > g->total || (!f->more && end != g->total))) || (!f->more && end < g->end))) {
        d->counts.contradictions++;
        return TL_SEG_MALFORMED;
    }
    if (g != NULL && g->n == TL_FRAGMENTS_MAX) {
        give_up(d, g);
        return refuse(d);
    }
    size_t bytes = sizeof(piece) + n + BLOCK_BYTES;
    make_room(d, bytes + sizeof *g + BLOCK_BYTES);
    if (g != NULL) g = find(d, hash, key, key_n); /* it may have been the one that had to go */
    piece *p = malloc(sizeof *p + n);
    if (p != NULL && g == NULL) g = begin(d, hash, key, key_n, c->out->at.ns);
    if (p == NULL || g == NULL) {
        free(p);
        return refuse(d);
    }
    *p = (piece){
        .at = c->out->at,
        .frame_captured = (uint32_t)frame.n,
        .frame_wire = wire_len,
        .offset = f->offset,
        .wire = f->wire,
        .n = n,
        .type = c->type,
    };
    if (n > 0) memcpy(p->data, c->p, n);
    g->used += bytes;
    d->used += bytes;
    insert(d, g, p);
    if (!f->more) g->total = end;
    if (g->total == 0 || contiguous(g, false) < g->total) return TL_SEG_FRAGMENT;
    assemble(d, g, c);
    discard(d, g);
    return TL_SEG_OK;
}

tl_decoded tl_decoder_push(tl_decoder *d, int linktype, tl_span frame, uint32_t wire_len, tl_at at, tl_segment *out)
{
    cursor c;
    forget_lost(d);
    expire(d, at.ns);
    d->parts_n = 0;
    tl_cursor_start(&c, linktype, frame, wire_len, at, out);
    tl_decoded how = tl_cursor_run(&c, LAYER_LINK);
    /* A completed datagram may hold a fragment of another (a tunnel inside): the cursor's count of steps bounds this. */
    while (how == TL_SEG_FRAGMENT && c.fragment.version != 0) {
        how = add(d, &c, frame, wire_len);
        if (how != TL_SEG_OK) break;
        c.fragment.version = 0;
        how = tl_cursor_run(&c, LAYER_PROTOCOL);
    }
    return how;
}

bool tl_decoder_lost(tl_decoder *d, tl_fragment_lost *out)
{
    piece *p = d->lost;
    if (p == NULL) return false;
    *out = (tl_fragment_lost){.at = p->at, .captured_bytes = p->frame_captured, .wire_bytes = p->frame_wire};
    d->lost = p->next;
    if (d->lost == NULL) d->lost_end = &d->lost;
    free(p);
    return true;
}

void tl_decoder_flush(tl_decoder *d)
{
    forget_lost(d);
    while (d->oldest != NULL) {
        d->counts.expired++;
        give_up(d, d->oldest);
    }
}

size_t tl_decoder_parts(const tl_decoder *d, const tl_segment *segment, tl_fragment_part *out)
{
    /* Pointers into different objects cannot be compared, numbers can. */
    uintptr_t first = (uintptr_t)d->whole, at = (uintptr_t)segment->payload.p;
    if (d->parts_n == 0 || at < first || at - first > DATAGRAM_MAX) return 0;
    uint32_t from = (uint32_t)(at - first), to = from + (uint32_t)segment->payload.n;
    size_t n = 0;
    for (size_t i = 0; i < d->parts_n; i++) {
        const tl_fragment_part *part = &d->parts[i];
        uint32_t begin_at = part->offset > from ? part->offset : from;
        uint32_t end_at = part->offset + part->n < to ? part->offset + part->n : to;
        if (begin_at >= end_at) continue;
        out[n++] = (tl_fragment_part){.at = part->at, .offset = begin_at - from, .n = end_at - begin_at};
    }
    return n;
}

size_t tl_decoder_frames(const tl_decoder *d, tl_at *out)
{
    for (size_t i = 0; i < d->parts_n; i++) out[i] = d->parts[i].at;
    return d->parts_n;
}

const tl_fragment_counts *tl_decoder_counts(const tl_decoder *d)
{
    return &d->counts;
}

size_t tl_decoder_used(const tl_decoder *d)
{
    return d->used;
}
