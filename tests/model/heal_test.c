/*
** heal_test.c - two taps that lost different frames are one whole capture.
**
** The frames of a fixture are captured twice: by one tap as they are, by the other one with a VLAN tag, a moment or a whole second later
** (long after holes were told).  Each loses frames, never both the same one.  The database of the two has to hold the same bytes and the
** same messages as that of the whole capture, and no gap.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/check.h"
#include "support/ledger.h"
#include "support/stage.h"

enum { FRAMES = 300, ROOM = 1600 };

typedef struct tape_frame {
    tl_frame frame;
    uint8_t bytes[ROOM];
} tape_frame;

static tape_frame taped[2 * FRAMES];
static tl_frame frames[2 * FRAMES];

static size_t read_frames(const char *name)
{
    char path[512];
    tl_error err;
    tl_frame f;
    size_t n = 0;
    snprintf(path, sizeof path, "%s/fixtures/%s", TL_SOURCE_DIR, name);
    tl_source *s = tl_source_open_file(path, &err);
    if (s == NULL) abort();
    while (tl_source_next(s, &f) == TL_OK && n < FRAMES) {
        if (f.bytes.n + 4 > ROOM) abort();
        taped[n].frame = f;
        memcpy(taped[n++].bytes, f.bytes.p, f.bytes.n);
    }
    tl_source_close(s);
    return n;
}

/* The same frame as the other tap sees it: tagged, and later. */
static tape_frame tagged(const tape_frame *f, int64_t delay)
{
    static const uint8_t tag[4] = {0x81, 0x00, 0x00, 0x07};
    tape_frame t = *f;
    memmove(t.bytes + 16, f->bytes + 12, f->frame.bytes.n - 12);
    memcpy(t.bytes + 12, tag, sizeof tag);
    t.frame.bytes.n += 4;
    t.frame.wire_len += 4;
    t.frame.at.ns += delay;
    return t;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = ((const tape_frame *)a)->frame.at.ns, y = ((const tape_frame *)b)->frame.at.ns;
    return x < y ? -1 : x > y;
}

static void ingest(const char *db, size_t n)
{
    static const tl_ledger_options options = {.batch_bytes = 1 << 16, .level = 1};
    tl_error err = {0};
    for (size_t i = 0; i < n; i++) {
        frames[i] = taped[i].frame;
        frames[i].bytes.p = taped[i].bytes;
    }
    tl_source *s = tl_source_open_memory(frames, n);
    if (tl_ledger_make(db, &s, 1, &options, &err) == TL_OK) return;
    fprintf(stderr, "%s\n", err.text);
    abort();
}

static const char streams[] = "SELECT session_id, direction, length, gap_bytes, stray_bytes, stored_bytes FROM stream ORDER BY 1, 2";
static const char bytes[] = "SELECT session_id, direction, group_concat(d, '') FROM (SELECT session_id, direction,"
                            " hex(sqlar_uncompress(data, raw_size)) d FROM chunk ORDER BY session_id, direction, stream_offset)"
                            " GROUP BY session_id, direction";
/* Without the numbers: those count in the order in which messages began to be told, and that was another. */
static const char messages[] =
    "SELECT m.session_id, m.direction, m.ordinal, m.stream_offset, m.length, m.missing, m.head_length, m.protocol, m.kind,"
    " m.summary, m.detail, m.complete, m.sync, q.ordinal, m.pairing FROM message m"
    " LEFT JOIN message q ON q.message_id = m.answers_message_id ORDER BY 1, 2, 3";

static bool same(const char *what, const char *sql, const char *whole, const char *healed)
{
    char *a = tl_rows(whole, sql), *b = tl_rows(healed, sql);
    bool equal = strcmp(a, b) == 0 && a[0] != '\0';
    if (!equal) fprintf(stderr, "%s differ:\n%.3000s\n--- healed:\n%.3000s\n", what, a, b);
    free(a);
    free(b);
    return equal;
}

static unsigned healed_sessions;

static void heal(const char *fixture, int64_t delay, unsigned seed, bool heals)
{
    char *whole = tl_scratch("whole"), *healed = tl_scratch("healed"), *rows = NULL;
    size_t n = read_frames(fixture), m = 0;
    unsigned long long random = seed;
    ingest(whole, n);
    tape_frame *both = calloc(2 * n, sizeof *both);
    if (both == NULL) abort();
    for (size_t i = 0; i < n; i++) {
        unsigned fate = (unsigned)(tl_random(&random) % 5); /* 0: the first tap loses it, 1: the other one */
        if (!heals && i == n / 2) continue;                 /* sabotage: both lose one */
        if (fate != 0) both[m++] = taped[i];
        if (fate != 1) both[m++] = tagged(&taped[i], delay);
    }
    qsort(both, m, sizeof *both, by_time);
    memcpy(taped, both, m * sizeof *both);
    free(both);
    ingest(healed, m);
    bool equal =
        same("streams", streams, whole, healed) && same("bytes", bytes, whole, healed) && same("messages", messages, whole, healed);
    CU_ASSERT_EQUAL(equal, heals);
    const char *check = tl_ledger_check(healed, &rows);
    CU_ASSERT_PTR_NULL(check);
    if (check != NULL) fprintf(stderr, "%s: %s\n", check, rows);
    free(rows);
    char *marked = tl_rows(healed, "SELECT sum(healed) FROM session");
    healed_sessions += (unsigned)strtoul(marked, NULL, 10);
    free(marked);
    tl_scratch_done(whole);
    tl_scratch_done(healed);
}

static void at_once(void)
{
    for (unsigned seed = 1; seed <= 4; seed++) {
        heal("http-segmented.pcap", 10000, seed, true);
        heal("http-page.pcap", 10000, seed, true);
    }
}

static void long_after(void)
{
    for (unsigned seed = 1; seed <= 4; seed++) {
        heal("http-segmented.pcap", 1000000000, seed, true);
        heal("http-page.pcap", 1000000000, seed, true);
    }
    CU_ASSERT(healed_sessions > 4); /* or the holes were not told before the copies came */
}

static void the_checker_can_fail(void)
{
    fprintf(stderr, "(sabotage) ");
    heal("http-page.pcap", 10000, 1, false);
}

int main(void)
{
    return tl_run_cases("two taps", (const tl_case[]){{"a copy at once", at_once},
                                                      {"a copy long after", long_after},
                                                      {"the checker can fail", the_checker_can_fail},
                                                      {0}});
}
