/*
** scans.c - see scans.h: two tables by hash, chained through indexes, and a ring of sessions that wait to be decided.
*/
#include "batch/scans.h"

#include "base/siphash.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 2 * TL_SCANS_TABLE, NOWHERE = UINT16_MAX, KEY_BYTES = 19, SIDES = 2 };

/* A client, or an endpoint: address, whether it is to be read as IPv6 whatever it looks like, port (0 for a client). */
typedef struct key {
    uint8_t bytes[KEY_BYTES];
    uint32_t hash;
} key;

typedef struct entry {
    key key;
    uint16_t chain;
    uint64_t count;
    tl_scan row; /* what was decided so far; sessions 0: nothing */
} entry;

typedef struct table {
    uint16_t bucket[BUCKETS];
    size_t n;
    entry entry[TL_SCANS_TABLE];
} table;

typedef struct waiting {
    key key[SIDES];
    tl_scan one; /* the row that the session would be alone */
} waiting;

struct tl_scans {
    uint8_t hash_key[16];
    table table[SIDES]; /* by tl_scan_by */
    tl_scan rest;
    waiting ring[TL_SCANS_LATER];
    size_t oldest, waiting_n;
    tl_scan rows[SIDES * TL_SCANS_TABLE + 1]; /* of tl_scans_rows */
};

const char *tl_scan_by_name(tl_scan_by by)
{
    static const char *const names[] = {"client", "endpoint", "rest"};
    return names[by];
}

static void table_clear(table *t)
{
    memset(t->bucket, 0xff, sizeof t->bucket);
    t->n = 0;
}

tl_scans *tl_scans_new(const uint8_t hash_key[16])
{
    tl_scans *t = calloc(1, sizeof *t);
    if (t == NULL) return NULL;
    memcpy(t->hash_key, hash_key, sizeof t->hash_key);
    for (int side = 0; side < SIDES; side++) table_clear(&t->table[side]);
    return t;
}

void tl_scans_free(tl_scans *t)
{
    free(t);
}

/* ---- rows ---- */

static bool same_ip(const tl_scan *a, const tl_addr *x, const tl_scan *b, const tl_addr *y)
{
    return a->mixed == b->mixed && memcmp(x->ip, y->ip, sizeof x->ip) == 0;
}

static void merge(tl_scan *into, const tl_scan *from)
{
    if (from->sessions == 0) return;
    if (into->sessions == 0) {
        tl_scan_by by = into->by;
        *into = *from;
        into->by = by;
        return;
    }
    int64_t first_ns = into->first.ns < from->first.ns ? into->first.ns : from->first.ns;
    int64_t last_ns = into->last.ns > from->last.ns ? into->last.ns : from->last.ns;
    into->one_client = into->one_client && from->one_client && same_ip(into, &into->client, from, &from->client);
    into->one_server = into->one_server && from->one_server && same_ip(into, &into->server, from, &from->server);
    into->one_port = into->one_port && from->one_port && into->server.port == from->server.port;
    into->sessions += from->sessions;
    into->packets += from->packets;
    into->wire_bytes += from->wire_bytes;
    if (from->first_session < into->first_session) into->first_session = from->first_session;
    if (from->last_session > into->last_session) into->last_session = from->last_session;
    if (tl_at_before(from->first, into->first)) into->first = from->first;
    if (tl_at_before(into->last, from->last)) into->last = from->last;
    into->first.ns = first_ns;
    into->last.ns = last_ns;
}

/* ---- tables ---- */

static key key_of(const tl_scans *t, const tl_addr *a, bool mixed, uint16_t port)
{
    key k;
    memcpy(k.bytes, a->ip, sizeof a->ip);
    k.bytes[16] = mixed;
    memcpy(k.bytes + 17, &port, sizeof port);
    k.hash = (uint32_t)tl_siphash(t->hash_key, k.bytes, KEY_BYTES);
    return k;
}

static entry *find(table *t, const key *k)
{
    for (uint16_t i = t->bucket[k->hash % BUCKETS]; i != NOWHERE; i = t->entry[i].chain) {
        entry *e = &t->entry[i];
        if (e->key.hash == k->hash && memcmp(e->key.bytes, k->bytes, KEY_BYTES) == 0) return e;
    }
    return NULL;
}

static void chain(table *t, uint16_t i)
{
    uint16_t *bucket = &t->bucket[t->entry[i].key.hash % BUCKETS];
    t->entry[i].chain = *bucket;
    *bucket = i;
}

/* All counts go down by one.  A table is full before it comes to that, so each step of this was paid for by a count that went up. */
static void wear(tl_scans *t, table *of)
{
    size_t n = of->n;
    table_clear(of);
    for (size_t i = 0; i < n; i++) {
        entry *e = &of->entry[i];
        if (--e->count == 0) {
            merge(&t->rest, &e->row);
            continue;
        }
        if (of->n != i) of->entry[of->n] = *e;
        chain(of, (uint16_t)of->n++);
    }
}

static void claim(tl_scans *t, tl_scan_by by, const key *k)
{
    table *of = &t->table[by];
    if (of->n == TL_SCANS_TABLE) {
        wear(t, of);
        return;
    }
    of->entry[of->n] = (entry){.key = *k, .count = 1, .row.by = by};
    chain(of, (uint16_t)of->n++);
}

static void count(tl_scans *t, const key k[SIDES])
{
    entry *e[SIDES];
    uint64_t seen[SIDES];
    for (int side = 0; side < SIDES; side++) {
        e[side] = find(&t->table[side], &k[side]);
        seen[side] = e[side] != NULL ? ++e[side]->count : 0;
    }
    for (int side = 0; side < SIDES; side++)
        if (e[side] == NULL && seen[!side] < TL_SCANS_HEAVY) claim(t, (tl_scan_by)side, &k[side]);
}

/* ---- sessions ---- */

static void decide(tl_scans *t, const waiting *w)
{
    entry *client = find(&t->table[TL_SCAN_CLIENT], &w->key[TL_SCAN_CLIENT]);
    entry *endpoint = find(&t->table[TL_SCAN_ENDPOINT], &w->key[TL_SCAN_ENDPOINT]);
    tl_scan *row = &t->rest;
    if (endpoint != NULL) row = &endpoint->row;
    if (client != NULL && (endpoint == NULL || client->count > endpoint->count)) row = &client->row;
    merge(row, &w->one);
}

static void decide_oldest(tl_scans *t)
{
    decide(t, &t->ring[t->oldest]);
    t->oldest = (t->oldest + 1) % TL_SCANS_LATER;
    t->waiting_n--;
}

void tl_scans_add(tl_scans *t, const tl_unanswered *s)
{
    if (t->waiting_n == TL_SCANS_LATER) decide_oldest(t);
    waiting *w = &t->ring[(t->oldest + t->waiting_n++) % TL_SCANS_LATER];
    bool mixed = tl_addr_mixed(&s->client, &s->server);
    w->one = (tl_scan){.one_client = true,
                       .one_server = true,
                       .one_port = true,
                       .mixed = mixed,
                       .client = s->client,
                       .server = s->server,
                       .sessions = 1,
                       .packets = s->packets,
                       .wire_bytes = s->wire_bytes,
                       .first_session = s->id,
                       .last_session = s->id,
                       .first = s->first,
                       .last = s->last};
    w->key[TL_SCAN_CLIENT] = key_of(t, &s->client, mixed, 0);
    w->key[TL_SCAN_ENDPOINT] = key_of(t, &s->server, mixed, s->server.port);
    count(t, w->key);
}

static int by_first_session(const void *a, const void *b)
{
    const tl_scan *x = a, *y = b;
    return x->first_session < y->first_session ? -1 : x->first_session > y->first_session;
}

const tl_scan *tl_scans_rows(tl_scans *t, size_t *n)
{
    *n = 0;
    while (t->waiting_n > 0) decide_oldest(t);
    for (int side = 0; side < SIDES; side++)
        for (size_t i = 0; i < t->table[side].n; i++)
            if (t->table[side].entry[i].row.sessions > 0) t->rows[(*n)++] = t->table[side].entry[i].row;
    t->rest.by = TL_SCAN_REST;
    if (t->rest.sessions > 0) t->rows[(*n)++] = t->rest;
    qsort(t->rows, *n, sizeof *t->rows, by_first_session);
    return t->rows;
}
