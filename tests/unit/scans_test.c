/*
** scans_test.c - sums of sessions that were only asked for, beside a model that is slow and plain: the same rules on lists, without hashes
** and without indexes.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "batch/scans.h"
#include "support/check.h"

static const uint8_t keys[2][16] = {{0}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

static tl_addr ipv4(uint32_t n, uint16_t port)
{
    tl_addr a = {.ip = {[10] = 0xff, [11] = 0xff}, .port = port};
    for (int i = 0; i < 4; i++) a.ip[12 + i] = (uint8_t)(n >> (24 - 8 * i));
    return a;
}

/* Number `id`, a frame each, a second apart. */
static tl_unanswered asked(uint64_t id, uint32_t client, uint32_t server, uint16_t port)
{
    tl_at at = {.ns = (int64_t)id * 1000000000, .frame = id, .capture = 1};
    return (tl_unanswered){.id = id,
                           .client = ipv4(0x0a000000 + client, 40000),
                           .server = ipv4(0xc0000000 + server, port),
                           .packets = 1 + id % 3,
                           .wire_bytes = 40 * (1 + id % 3),
                           .first = at,
                           .last = at};
}

/* "client 10.0.0.1 - 80: 12 sessions, 20 packets, 1 to 12" a row. */
static char *text_of(const tl_scan *rows, size_t n)
{
    size_t room = 200 * (n + 1), at = 0;
    char *out = calloc(1, room), client[TL_ADDR_TEXT], server[TL_ADDR_TEXT];
    CU_ASSERT_PTR_NOT_NULL_FATAL(out);
    for (size_t i = 0; i < n; i++) {
        const tl_scan *r = &rows[i];
        at += (size_t)snprintf(
            out + at, room - at, "%s %s %s %d: %llu sessions, %llu packets, %llu bytes, %llu to %llu, frames %llu to %llu, %lld to %lld\n",
            tl_scan_by_name(r->by), r->one_client ? tl_addr_text(&r->client, client) : "-",
            r->one_server ? tl_addr_text(&r->server, server) : "-", r->one_port ? r->server.port : -1, (unsigned long long)r->sessions,
            (unsigned long long)r->packets, (unsigned long long)r->wire_bytes, (unsigned long long)r->first_session,
            (unsigned long long)r->last_session, (unsigned long long)r->first.frame, (unsigned long long)r->last.frame,
            (long long)(r->first.ns / 1000000000), (long long)(r->last.ns / 1000000000));
    }
    return out;
}

static char *summed(const tl_unanswered *s, size_t n, const uint8_t key[16])
{
    size_t rows;
    tl_scans *t = tl_scans_new(key);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (size_t i = 0; i < n; i++) tl_scans_add(t, &s[i]);
    const tl_scan *r = tl_scans_rows(t, &rows);
    char *out = text_of(r, rows);
    tl_scans_free(t);
    return out;
}

/* ---- the model: who goes where, by name; then rows from that ---- */

typedef struct name {
    tl_scan_by by;
    tl_addr a;
    uint64_t count;
    size_t row; /* 1-based; 0: none yet */
} name;

typedef struct model {
    name name[2][TL_SCANS_TABLE];
    size_t n[2], rows;
    size_t *row_of;        /* by session: which row it went to */
    tl_scan_by *by_of_row; /* by row */
    size_t rest;
} model;

static bool same(tl_scan_by by, const tl_addr *a, const tl_addr *b)
{
    return memcmp(a->ip, b->ip, 16) == 0 && (by == TL_SCAN_CLIENT || a->port == b->port);
}

static name *model_find(model *m, tl_scan_by by, const tl_addr *a)
{
    for (size_t i = 0; i < m->n[by]; i++)
        if (same(by, &m->name[by][i].a, a)) return &m->name[by][i];
    return NULL;
}

static void model_claim(model *m, tl_scan_by by, const tl_addr *a, size_t sessions)
{
    if (m->n[by] < TL_SCANS_TABLE) {
        m->name[by][m->n[by]++] = (name){.by = by, .a = *a, .count = 1};
        return;
    }
    size_t kept = 0;
    for (size_t i = 0; i < m->n[by]; i++) {
        name x = m->name[by][i];
        if (--x.count > 0) {
            m->name[by][kept++] = x;
            continue;
        }
        for (size_t s = 0; x.row != 0 && s < sessions; s++)
            if (m->row_of[s] == x.row) m->row_of[s] = m->rest;
    }
    m->n[by] = kept;
}

static void model_decide(model *m, const tl_unanswered *all, size_t s)
{
    name *c = model_find(m, TL_SCAN_CLIENT, &all[s].client), *e = model_find(m, TL_SCAN_ENDPOINT, &all[s].server);
    name *to = c == NULL ? e : e == NULL || c->count > e->count ? c : e;
    if (to == NULL) {
        m->row_of[s] = m->rest;
        return;
    }
    if (to->row == 0) {
        to->row = ++m->rows;
        m->by_of_row[to->row] = to->by;
    }
    m->row_of[s] = to->row;
}

static void model_count(model *m, const tl_unanswered *s, size_t sessions)
{
    name *c = model_find(m, TL_SCAN_CLIENT, &s->client), *e = model_find(m, TL_SCAN_ENDPOINT, &s->server);
    if (c != NULL) c->count++;
    if (e != NULL) e->count++;
    bool often_asked = e != NULL && e->count >= TL_SCANS_HEAVY, asks_often = c != NULL && c->count >= TL_SCANS_HEAVY;
    if (c == NULL && !often_asked) model_claim(m, TL_SCAN_CLIENT, &s->client, sessions);
    if (e == NULL && !asks_often) model_claim(m, TL_SCAN_ENDPOINT, &s->server, sessions);
}

static int by_first(const void *a, const void *b)
{
    const tl_scan *x = a, *y = b;
    return x->first_session < y->first_session ? -1 : x->first_session > y->first_session;
}

/* What a list of sessions says, each looked at by itself. */
static tl_scan model_row(const model *m, const tl_unanswered *all, size_t n, size_t row)
{
    tl_scan r = {.by = row == m->rest ? TL_SCAN_REST : m->by_of_row[row], .one_client = true, .one_server = true, .one_port = true};
    for (size_t s = 0; s < n; s++) {
        if (m->row_of[s] != row) continue;
        if (r.sessions++ == 0) {
            r.client = all[s].client;
            r.server = all[s].server;
            r.first_session = r.last_session = all[s].id;
            r.first = all[s].first;
            r.last = all[s].last;
        }
        r.one_client &= same(TL_SCAN_CLIENT, &r.client, &all[s].client);
        r.one_server &= same(TL_SCAN_CLIENT, &r.server, &all[s].server);
        r.one_port &= r.server.port == all[s].server.port;
        r.packets += all[s].packets;
        r.wire_bytes += all[s].wire_bytes;
        if (all[s].id < r.first_session) r.first_session = all[s].id;
        if (all[s].id > r.last_session) r.last_session = all[s].id;
        int64_t first_ns = all[s].first.ns < r.first.ns ? all[s].first.ns : r.first.ns;
        int64_t last_ns = all[s].last.ns > r.last.ns ? all[s].last.ns : r.last.ns;
        if (all[s].first.frame < r.first.frame) r.first = all[s].first;
        if (all[s].last.frame > r.last.frame) r.last = all[s].last;
        r.first.ns = first_ns;
        r.last.ns = last_ns;
    }
    return r;
}

static char *modelled(const tl_unanswered *s, size_t n)
{
    model *m = n < 1 << 20 ? calloc(1, sizeof *m) : NULL;
    CU_ASSERT_PTR_NOT_NULL_FATAL(m);
    m->row_of = calloc(n, sizeof *m->row_of);
    m->by_of_row = calloc(n + 2, sizeof *m->by_of_row);
    m->rest = n + 1;
    for (size_t i = 0; i < n + TL_SCANS_LATER; i++) {
        if (i >= TL_SCANS_LATER) model_decide(m, s, i - TL_SCANS_LATER);
        if (i < n) model_count(m, &s[i], n);
    }
    tl_scan *rows = calloc(n + 1, sizeof *rows);
    size_t kept = 0;
    for (size_t row = 1; row <= n + 1; row++) {
        if (row > m->rows && row != m->rest) continue;
        rows[kept] = model_row(m, s, n, row);
        kept += rows[kept].sessions > 0;
    }
    qsort(rows, kept, sizeof *rows, by_first);
    char *out = text_of(rows, kept);
    free(rows);
    free(m->row_of);
    free(m->by_of_row);
    free(m);
    return out;
}

/* ---- cases ---- */

/* A scan, a flood, and two that are neither, turn by turn. */
static void a_scan_and_a_flood(void)
{
    tl_unanswered s[402];
    size_t n = 0;
    for (uint32_t i = 0; i < 200; i++) {
        s[n] = asked(n + 1, 1, 1000 + i, 22);
        n++;
        s[n] = asked(n + 1, 2000 + i, 9, 80);
        n++;
    }
    s[n] = asked(n + 1, 7, 8, 443);
    n++;
    s[n] = asked(n + 1, 7, 8, 443);
    n++;
    for (int key = 0; key < 2; key++) {
        char *out = summed(s, n, keys[key]);
        CU_ASSERT_STRING_EQUAL(
            out, "client 10.0.0.1 - 22: 200 sessions, 399 packets, 15960 bytes, 1 to 399, frames 1 to 399, 1 to 399\n"
                 "endpoint - 192.0.0.9 80: 200 sessions, 401 packets, 16040 bytes, 2 to 400, frames 2 to 400, 2 to 400\n"
                 "endpoint 10.0.0.7 192.0.0.8 443: 2 sessions, 4 packets, 160 bytes, 401 to 402, frames 401 to 402, 401 to 402\n");
        free(out);
    }
}

static void what_is_the_same_is_told(void)
{
    tl_unanswered s[40];
    for (uint16_t i = 0; i < 40; i++) s[i] = asked(i + 1u, 1, 2, (uint16_t)(1 + i));
    char *out = summed(s, 40, keys[0]);
    CU_ASSERT_STRING_EQUAL(out, "client 10.0.0.1 192.0.0.2 -1: 40 sessions, 80 packets, 3200 bytes, 1 to 40, frames 1 to 40, 1 to 40\n");
    free(out);
}

/* One that looks like IPv4 beside one that does not is IPv6: not the same as the IPv4 address. */
static void mixed_addresses_are_apart(void)
{
    tl_unanswered s[6];
    for (uint16_t i = 0; i < 6; i++) {
        s[i] = asked(i + 1u, 1, 2, (uint16_t)(1 + i));
        if (i % 2 == 1) s[i].server.ip[0] = 0x20;
    }
    size_t n;
    tl_scans *t = tl_scans_new(keys[0]);
    CU_ASSERT_PTR_NOT_NULL_FATAL(t);
    for (int i = 0; i < 6; i++) tl_scans_add(t, &s[i]);
    const tl_scan *r = tl_scans_rows(t, &n);
    CU_ASSERT(n == 2 && r[0].sessions == 3 && !r[0].mixed && r[1].sessions == 3 && r[1].mixed && r[1].one_client);
    tl_scans_free(t);
}

/* A flood of clients does not put the scan out of its table, whatever comes first. */
static void a_flood_does_not_sweep(void)
{
    enum { FLOOD = 20000, SCAN = 300 };
    tl_unanswered *s = calloc(FLOOD + SCAN, sizeof *s);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    for (uint32_t i = 0; i < FLOOD + SCAN; i++) s[i] = i < SCAN ? asked(i + 1u, 1, 1000 + i, 22) : asked(i + 1u, 2000 + i, 9, 80);
    char *out = summed(s, FLOOD + SCAN, keys[1]);
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "client 10.0.0.1 - 22: 300 sessions,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(out, "endpoint - 192.0.0.9 80: 20000 sessions,"));
    free(out);
    free(s);
}

/* Clients and endpoints of all ranges, some of them often; times and frames not always in order of the numbers. */
static void fill(tl_unanswered *s, size_t n, uint32_t clients, uint32_t servers, unsigned long long *seed)
{
    uint32_t loud = (uint32_t)(tl_random(seed) % clients), asked_often = (uint32_t)(tl_random(seed) % servers);
    for (size_t i = 0; i < n; i++) {
        uint32_t client = (uint32_t)(tl_random(seed) % clients), server = (uint32_t)(tl_random(seed) % servers);
        if (tl_random(seed) % 4 == 0) client = loud;
        if (tl_random(seed) % 4 == 0) server = asked_often;
        s[i] = asked(i + 1, client, server, (uint16_t)(80 + tl_random(seed) % 3));
        if (tl_random(seed) % 8 == 0) s[i].first.ns -= 5000000000;
        if (tl_random(seed) % 8 == 0) s[i].last.ns += 5000000000;
        if (tl_random(seed) % 8 == 0) s[i].last.frame += 5;
        size_t swap = tl_random(seed) % (i + 1);
        if (tl_random(seed) % 16 == 0) {
            tl_unanswered other = s[swap];
            s[swap] = s[i];
            s[i] = other;
        }
    }
}

static void agrees_with_the_model(void)
{
    static const struct {
        size_t n;
        uint32_t clients, servers;
    } cases[] = {{0, 1, 1},        {1, 1, 1},          {200, 5, 50},      {1000, 400, 5},    {1025, 1000, 1000},    {4000, 30, 2000},
                 {4000, 3000, 20}, {9000, 3000, 3000}, {9000, 100000, 7}, {9000, 7, 100000}, {9000, 100000, 100000}};
    unsigned long long seed = 11;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t n = cases[i].n;
        tl_unanswered *s = calloc(n + 1, sizeof *s);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        fill(s, n, cases[i].clients, cases[i].servers, &seed);
        char *one = summed(s, n, keys[0]), *other = summed(s, n, keys[1]), *plain = modelled(s, n);
        if (strcmp(one, plain) != 0) printf("\n%zu sessions of %u clients:\n%.600s--- model:\n%.600s\n", n, cases[i].clients, one, plain);
        CU_ASSERT_STRING_EQUAL(one, plain);
        CU_ASSERT_STRING_EQUAL(one, other);
        free(one);
        free(other);
        free(plain);
        free(s);
    }
}

/* Nothing is lost where the tables overflow all the time. */
static void the_sums_are_exact(void)
{
    enum { N = 200000 };
    unsigned long long seed = 5;
    uint64_t packets = 0, sessions = 0, summed_packets = 0;
    tl_unanswered *s = calloc(N, sizeof *s);
    size_t n;
    tl_scans *t = tl_scans_new(keys[0]);
    CU_ASSERT_FATAL(s != NULL && t != NULL);
    fill(s, N, 50000, 50000, &seed);
    for (size_t i = 0; i < N; i++) {
        tl_scans_add(t, &s[i]);
        packets += s[i].packets;
    }
    const tl_scan *r = tl_scans_rows(t, &n);
    CU_ASSERT(n <= 2 * TL_SCANS_TABLE + 1);
    for (size_t i = 0; i < n; i++) {
        sessions += r[i].sessions;
        summed_packets += r[i].packets;
    }
    CU_ASSERT_EQUAL(sessions, N);
    CU_ASSERT_EQUAL(summed_packets, packets);
    tl_scans_free(t);
    free(s);
}

/* The comparison has to find a session that is not there. */
static void the_checker_can_fail(void)
{
    tl_unanswered s[50];
    unsigned long long seed = 3;
    fill(s, 50, 9, 9, &seed);
    char *one = summed(s, 50, keys[0]), *other = modelled(s, 49);
    CU_ASSERT_STRING_NOT_EQUAL(one, other);
    free(one);
    free(other);
}

int main(void)
{
    return tl_run_cases("scans", (const tl_case[]){{"a scan and a flood", a_scan_and_a_flood},
                                                   {"what is the same is told", what_is_the_same_is_told},
                                                   {"mixed addresses are apart", mixed_addresses_are_apart},
                                                   {"a flood does not sweep", a_flood_does_not_sweep},
                                                   {"agrees with the model", agrees_with_the_model},
                                                   {"the sums are exact", the_sums_are_exact},
                                                   {"the checker can fail", the_checker_can_fail},
                                                   {0}});
}
