/*
** session_test.c - random streams against an array of bytes.
**
** A program is a conversation of two directions, cut at random, sent in a random order with losses, copies, copies with other content,
** snaplen cuts, late ACKs, with or without SYN, sequence numbers about to wrap.  The model is one array a direction: the first captured
** copy of a byte wins, whatever the order.  What the sessions say, kept as a consumer keeps it (support/streams.c), has to give the same
** array; every captured byte has to be stored, a duplicate or a stray; BYTES and GAP have to tile the stream; an `acked` gap has to be
** acknowledged.  Seeds are printed on failure.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/reborn.h"
#include "support/streams.h"

enum { PROGRAMS = 20000, STREAM = 3000, SEGMENTS = 160 };

typedef struct packet {
    int dir;
    uint32_t at, n, captured; /* offsets in the true stream */
    uint32_t acked;           /* of the other stream */
    uint8_t flags, flip;      /* flip: xored into every byte: other content */
    bool lost;
} packet;

typedef struct world {
    unsigned long long seed;
    uint8_t truth[2][STREAM];
    uint32_t length[2], isn[2];
    packet packets[SEGMENTS];
    size_t n;
    /* the model */
    bool have[2][STREAM];
    uint8_t byte[2][STREAM];
    uint64_t captured[2];
    uint32_t acked[2]; /* highest acknowledged, as the capture shows it */
    bool acked_any[2], syn[2], data[2];
} world;

static uint32_t upto(world *w, uint32_t n)
{
    return (uint32_t)(tl_random(&w->seed) % n);
}

static bool chance(world *w, uint32_t percent)
{
    return upto(w, 100) < percent;
}

static void add(world *w, packet p)
{
    if (w->n < SEGMENTS) w->packets[w->n++] = p;
}

static void write_program(world *w)
{
    uint32_t sent[2] = {0, 0};
    uint32_t loss = upto(w, 3) * 8, copies = upto(w, 2) * 15, cuts = upto(w, 4) == 0 ? 15 : 0, conflicts = upto(w, 3) == 0 ? 40 : 0;
    for (int d = 0; d < 2; d++) {
        w->length[d] = chance(w, 15) ? 0 : 2 + upto(w, STREAM - 2);
        w->isn[d] = chance(w, 50) ? 0xffffffffu - upto(w, STREAM) : (uint32_t)tl_random(&w->seed);
        for (uint32_t i = 0; i < w->length[d]; i++) w->truth[d][i] = (uint8_t)tl_random(&w->seed);
    }
    bool syn = chance(w, 75);
    add(w, (packet){.dir = 0, .flags = TL_SYN, .lost = !syn || chance(w, 5)});
    add(w, (packet){.dir = 1, .flags = TL_SYN | TL_ACK, .lost = !syn || chance(w, 5)});
    add(w, (packet){.dir = 0, .flags = TL_ACK, .lost = chance(w, 10)});
    while (w->n < SEGMENTS - 8 && (sent[0] < w->length[0] || sent[1] < w->length[1])) {
        int d = (int)upto(w, 2);
        uint32_t left = w->length[d] - sent[d];
        if (left < 2 || chance(w, 20)) { /* a pure ACK */
            if (left == 1) sent[d]++;    /* never a segment of one byte: those are keep-alives */
            add(w, (packet){.dir = d, .at = sent[d], .acked = sent[!d], .flags = TL_ACK, .lost = chance(w, loss)});
            continue;
        }
        uint32_t n = 2 + upto(w, left < 200 ? left - 1 : 200);
        if (n > left) n = left;
        packet p = {.dir = d, .at = sent[d], .n = n, .captured = n, .acked = sent[!d], .flags = TL_ACK};
        sent[d] += n;
        p.lost = chance(w, loss);
        if (chance(w, cuts)) p.captured = upto(w, n);
        add(w, p);
        if (chance(w, copies) && p.at > 0) { /* a copy, cut otherwise */
            uint32_t back = upto(w, p.at < 300 ? p.at : 300);
            p.at -= back;
            p.n = 2 + upto(w, back + n - 1);
            if (p.n > back + n) p.n = back + n;
            p.captured = chance(w, cuts) ? upto(w, p.n) : p.n;
            p.flip = chance(w, conflicts) ? (uint8_t)(1 + upto(w, 255)) : 0;
            p.lost = false;
            add(w, p);
        }
    }
    if (chance(w, 60))
        for (int d = 0; d < 2; d++)
            add(w, (packet){.dir = d, .at = sent[d], .acked = sent[!d], .flags = TL_FIN | TL_ACK, .lost = chance(w, loss)});
    if (chance(w, 60))
        for (int d = 0; d < 2; d++) add(w, (packet){.dir = d, .at = sent[d], .acked = sent[!d], .flags = TL_ACK, .lost = chance(w, loss)});
    if (chance(w, 10)) add(w, (packet){.dir = (int)upto(w, 2), .at = sent[0], .flags = TL_RST});
    /* disorder: far for some programs, near for others, none for the rest; the SYN stays in front of its data */
    uint32_t reach = upto(w, 3) == 0 ? 0 : 1 + upto(w, 12);
    for (size_t i = 3; reach > 0 && i + 1 < w->n; i++) {
        size_t j = i + upto(w, reach);
        if (j >= w->n) continue;
        packet p = w->packets[i];
        w->packets[i] = w->packets[j];
        w->packets[j] = p;
    }
}

static void model(world *w, const packet *p)
{
    int d = p->dir;
    if (p->flags & TL_SYN) w->syn[d] = true;
    if (p->n > 0) w->data[d] = true;
    w->captured[d] += p->captured;
    for (uint32_t i = 0; i < p->captured; i++) {
        uint32_t at = p->at + i;
        if (w->have[d][at]) continue;
        w->have[d][at] = true;
        w->byte[d][at] = w->truth[d][at] ^ p->flip;
    }
    if (p->flags & TL_ACK && !(p->flags & TL_RST)) {
        if (p->acked > w->acked[!d]) w->acked[!d] = p->acked;
        w->acked_any[!d] = true;
    }
}

static void compare(world *w, tape *t, const tl_session_info *info, char *fault, size_t size)
{
    int flip = 0; /* our direction 0 is the model's 1 where the roles were guessed otherwise */
    if (info->client.port != 40000) flip = 1;
    for (int d = 0; d < 2 && fault[0] == '\0'; d++) {
        tape_dir *got = &t->dir[d ^ flip];
        const tl_stream_info *st = &info->stream[d ^ flip];
        int64_t shift = st->has_base ? (int32_t)(st->base_seq - (w->isn[d] + 1)) : 0; /* our offset 0 in the true stream */
        if (got->stored + got->duplicate + got->stray != w->captured[d])
            snprintf(fault, size, "direction %d: %llu captured, but %llu stored, %llu duplicate, %llu stray", d,
                     (unsigned long long)w->captured[d], (unsigned long long)got->stored, (unsigned long long)got->duplicate,
                     (unsigned long long)got->stray);
        else if (st->captured_bytes != w->captured[d] || st->length != got->length || got->stored + got->gap != got->length)
            snprintf(fault, size, "direction %d: the books do not balance", d);
        else if (got->closes != 1)
            snprintf(fault, size, "direction %d: closed %u times", d, got->closes);
        else if (w->syn[d] && shift != 0)
            snprintf(fault, size, "direction %d: offset 0 is %lld bytes off", d, (long long)shift);
        else if (w->syn[d] && got->length < w->acked[d])
            snprintf(fault, size, "direction %d: ends at %llu, acknowledged to %u", d, (unsigned long long)got->length, w->acked[d]);
        for (int64_t i = 0; i < STREAM && fault[0] == '\0'; i++) {
            int64_t at = i - shift;
            bool stored = at >= 0 && at < TAPE_BYTES && got->what[at] == TAPE_STORED;
            if (stored != w->have[d][i])
                snprintf(fault, size, "direction %d: byte %lld is %s", d, (long long)i, stored ? "invented" : "lost");
            else if (stored && got->byte[at] != w->byte[d][i])
                snprintf(fault, size, "direction %d: byte %lld is not the first copy", d, (long long)i);
            else if (at >= 0 && at < TAPE_BYTES && got->what[at] == TAPE_GAP && got->why[at] == TL_WHY_ACKED && i >= w->acked[d])
                snprintf(fault, size, "direction %d: byte %lld was never acknowledged", d, (long long)i);
        }
    }
}

/* Runs the program; fault tells what is wrong, "" nothing.  reborn: after about every so-manieth segment all sessions are saved and
** restored; 0: never. */
static void run(unsigned long long seed, tape *t, unsigned reborn, char *fault, size_t size)
{
    static world w;
    memset(&w, 0, sizeof w);
    w.seed = seed * 2654435761u + 1;
    fault[0] = '\0';
    write_program(&w);
    tl_limits limits = tl_limits_default();
    bool syns = !w.packets[0].lost && !w.packets[1].lost;
    if (chance(&w, 20) && syns) limits.hole_bytes = 600; /* pressure; without SYN it would turn what lies before the start into strays */
    tl_sessions *table = tl_sessions_new(&limits, 1);
    tl_session *s = NULL, *due;
    tl_at at = {.ns = INT64_C(1700000000) * 1000000000, .capture = 1};
    for (size_t i = 0; i < w.n; i++) {
        const packet *p = &w.packets[i];
        uint8_t bytes[STREAM], *exact;
        at.frame++;
        at.ns += (int64_t)upto(&w, 4) * 30000000 * (chance(&w, 10) ? 10 : 1);
        if (p->lost) continue;
        model(&w, p);
        for (uint32_t k = 0; k < p->captured; k++) bytes[k] = w.truth[p->dir][p->at + k] ^ p->flip;
        exact = tl_exact(bytes, p->captured);
        tl_segment seg = {.src.port = p->dir == 0 ? 40000 : 80,
                          .dst.port = p->dir == 0 ? 80 : 40000,
                          .flags = p->flags,
                          .window = 1000,
                          .window_scale = -1,
                          .payload = {exact, p->captured},
                          .payload_wire = p->n,
                          .wire_bytes = 40 + p->n,
                          .at = at};
        seg.seq = w.isn[p->dir] + (p->flags & TL_SYN ? 0 : 1) + p->at;
        seg.ack = p->flags & TL_ACK ? w.isn[!p->dir] + 1 + p->acked : 0;
        CU_ASSERT_EQUAL_FATAL(tl_sessions_push(table, &seg, &s), TL_OK);
        tape_drain(t, s);
        free(exact);
        while ((due = tl_sessions_due(table, at)) != NULL) tape_drain(t, due);
        if (reborn > 0 && (seed + i) % reborn == 0) tl_reborn(&table, &limits, NULL);
    }
    tl_session_info info = {0};
    while ((due = tl_sessions_end(table)) != NULL) {
        tape_drain(t, due);
        tl_session_look(due, &info);
    }
    if (t->fault[0] != '\0')
        snprintf(fault, size, "%s", t->fault);
    else if (info.id != 0)
        compare(&w, t, &info, fault, size);
    tl_sessions_free(table);
}

static tape the_tape;

static void streams_equal_the_model(void)
{
    char fault[200];
    for (unsigned long long seed = 1; seed <= PROGRAMS; seed++) {
        memset(&the_tape, 0, sizeof the_tape);
        run(seed, &the_tape, 0, fault, sizeof fault);
        if (fault[0] != '\0') {
            fprintf(stderr, "seed %llu: %s\n%s", seed, fault, the_tape.log);
            CU_FAIL_FATAL("a stream differs from the model");
        }
    }
}

/* Saving and restoring cannot be noticed: the same is said, in the same order. */
static void runs_end_between(void)
{
    static tape reborn;
    char fault[200];
    for (unsigned long long seed = 1; seed <= PROGRAMS / 10; seed++) {
        memset(&the_tape, 0, sizeof the_tape);
        memset(&reborn, 0, sizeof reborn);
        run(seed, &the_tape, 0, fault, sizeof fault);
        run(seed, &reborn, 1 + (unsigned)(seed % 7), fault, sizeof fault);
        if (fault[0] != '\0' || strcmp(reborn.log, the_tape.log) != 0) {
            fprintf(stderr, "seed %llu: %s\n%s--- restored:\n%s", seed, fault, the_tape.log, reborn.log);
            CU_FAIL_FATAL("a restored session differs");
        }
    }
}

/* The checker has to find a consumer that flips a bit, and one that does not heal. */
static void the_checker_can_fail(void)
{
    char fault[200];
    unsigned spoiled = 0, unhealed = 0;
    for (unsigned long long seed = 1; seed <= 300; seed++) {
        memset(&the_tape, 0, sizeof the_tape);
        the_tape.spoil_at = 1 + (unsigned)(seed % 5);
        run(seed, &the_tape, 0, fault, sizeof fault);
        spoiled += fault[0] != '\0';
        memset(&the_tape, 0, sizeof the_tape);
        the_tape.no_heal = true;
        run(seed, &the_tape, 0, fault, sizeof fault);
        unhealed += fault[0] != '\0';
    }
    CU_ASSERT(spoiled > 200);
    CU_ASSERT(unhealed > 20);
}

int main(void)
{
    return tl_run_cases("session model", (const tl_case[]){{"streams equal the model", streams_equal_the_model},
                                                           {"runs that end in between", runs_end_between},
                                                           {"the checker can fail", the_checker_can_fail},
                                                           {0}});
}
