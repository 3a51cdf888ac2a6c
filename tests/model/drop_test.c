/*
** drop_test.c - every frame of the lossless fixtures is lost once.
**
** For each frame in turn: the capture without it goes through the whole pipeline.  Then no other byte may have changed its place (by raw
** sequence number), the bytes that the frame alone carried have to be missing, exactly they have to be gaps where the stream goes on or
** an ACK or FIN proves them, the reason is `acked` just where an ACK in the rest of the capture covers them, and all checks are silent.
*/
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/segment.h"
#include "query/inflate.h"
#include "support/check.h"
#include "support/ledger.h"
#include "support/stage.h"

enum { STREAMS = 8, STREAM_BYTES = 200000, FRAMES = 300 };

/* One direction, by its sender's port and the other one: what the frames of the file carry, by offset from the lowest sequence number. */
typedef struct truth_stream {
    uint16_t from, to;
    uint32_t base, length; /* of payload */
    uint8_t byte[STREAM_BYTES];
    uint16_t frame[STREAM_BYTES]; /* the one that carried it */
    struct {
        uint16_t frame;
        uint32_t ack; /* offset */
    } acks[FRAMES];   /* of the other side */
    size_t ack_n;
} truth_stream;

static truth_stream truth[STREAMS];
static size_t truth_n;

static truth_stream *stream_of(uint16_t from, uint16_t to)
{
    for (size_t i = 0; i < truth_n; i++)
        if (truth[i].from == from && truth[i].to == to) return &truth[i];
    if (truth_n == STREAMS) abort();
    truth[truth_n].from = from;
    truth[truth_n].to = to;
    return &truth[truth_n++];
}

static tl_source *open_file(const char *name)
{
    char path[512];
    tl_error err;
    snprintf(path, sizeof path, "%s/fixtures/%s", TL_SOURCE_DIR, name);
    tl_source *s = tl_source_open_file(path, &err);
    if (s == NULL) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
    return s;
}

static void make(const char *db, tl_source *source)
{
    static const tl_ledger_options options = {.batch_bytes = 1 << 16, .level = 1, .threads = 1};
    tl_error err = {0};
    if (tl_ledger_make(db, &source, 1, &options, &err) == TL_OK) return;
    fprintf(stderr, "%s\n", err.text);
    abort();
}

static bool sound(const char *db)
{
    char *rows = NULL;
    const char *check = tl_ledger_check(db, &rows);
    if (check != NULL) fprintf(stderr, "%s: %s\n", check, rows);
    free(rows);
    return check == NULL;
}

/* Two passes: the SYNs give the bases. */
static unsigned read_truth(const char *name)
{
    unsigned frames = 0;
    memset(truth, 0, sizeof truth);
    truth_n = 0;
    for (int pass = 0; pass < 2; pass++) {
        tl_source *s = open_file(name);
        tl_frame f;
        frames = 0;
        while (tl_source_next(s, &f) == TL_OK) {
            tl_segment seg;
            frames++;
            if (tl_decode(f.linktype, f.bytes, f.wire_len, f.at, &seg) != TL_SEG_OK) continue;
            truth_stream *t = stream_of(seg.src.port, seg.dst.port), *other = stream_of(seg.dst.port, seg.src.port);
            if (pass == 0) {
                if (seg.flags & TL_SYN) t->base = seg.seq + 1;
                continue;
            }
            uint32_t at = seg.seq - t->base;
            for (uint32_t i = 0; i < seg.payload.n; i++) {
                t->byte[at + i] = seg.payload.p[i];
                t->frame[at + i] = (uint16_t)f.at.frame;
            }
            if (at + seg.payload.n > t->length && seg.payload.n > 0) t->length = at + (uint32_t)seg.payload.n;
            if (seg.flags & TL_ACK && !(seg.flags & TL_RST)) {
                other->acks[other->ack_n].frame = (uint16_t)f.at.frame;
                other->acks[other->ack_n++].ack = seg.ack - other->base;
            }
        }
        tl_source_close(s);
    }
    return frames;
}

static bool fault;
static void fail(const char *file, unsigned frame, const char *what, long long at)
{
    if (!fault) fprintf(stderr, "%s without frame %u: %s at %lld\n", file, frame, what, at);
    fault = true;
}

/* An ACK of the captured frames that covers the byte; the number may count a FIN, which is no byte. */
static bool acked(const truth_stream *t, unsigned lost, uint32_t at)
{
    for (size_t i = 0; i < t->ack_n; i++)
        if (t->acks[i].frame != lost && t->acks[i].ack > at) return true;
    return false;
}

static void compare_stream(sqlite3 *db, const char *file, unsigned lost, const truth_stream *t)
{
    static uint8_t what[STREAM_BYTES];
    sqlite3_stmt *s;
    bool moved = false;
    memset(what, 0, sizeof what);
    const char *sql =
        "SELECT st.base_seq + p.o, p.n, p.data, p.reason FROM session JOIN stream st USING (session_id) JOIN ("
        " SELECT session_id, direction, stream_offset o, raw_size n, sqlar_uncompress(data, raw_size) data, NULL reason FROM chunk"
        " UNION ALL SELECT session_id, direction, stream_offset, length, NULL, reason FROM gap) p"
        " ON p.session_id = st.session_id AND p.direction = st.direction"
        " WHERE CASE st.direction WHEN 0 THEN client_port = ?1 AND server_port = ?2 ELSE client_port = ?2 AND server_port = ?1 END";
    if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK) abort();
    sqlite3_bind_int(s, 1, t->from);
    sqlite3_bind_int(s, 2, t->to);
    while (sqlite3_step(s) == SQLITE_ROW) {
        uint32_t at = (uint32_t)sqlite3_column_int64(s, 0) - t->base, n = (uint32_t)sqlite3_column_int64(s, 1);
        const uint8_t *data = sqlite3_column_blob(s, 2);
        const char *reason = (const char *)sqlite3_column_text(s, 3);
        if ((uint64_t)at + n > STREAM_BYTES) {
            fail(file, lost, "a range far away", at);
            continue;
        }
        for (uint32_t i = at; i < at + n; i++) {
            if (what[i] != 0) fail(file, lost, "a byte told twice", i);
            what[i] = data != NULL ? 1 : 2;
            if (data != NULL && (i >= t->length || data[i - at] != t->byte[i])) moved = true;
            if (data == NULL && strcmp(reason, "acked") == 0 && !acked(t, lost, i)) fail(file, lost, "acked, but no ACK says so", i);
            if (data == NULL && strcmp(reason, "acked") != 0 && acked(t, lost, i)) fail(file, lost, "not acked, but an ACK says so", i);
        }
    }
    sqlite3_finalize(s);
    if (moved) fail(file, lost, "bytes changed", 0);
    bool later = false; /* something of the stream is known behind this byte */
    for (uint32_t i = t->length; i-- > 0;) {
        bool is_lost = t->frame[i] == lost;
        if (!is_lost && what[i] != 1) fail(file, lost, "a captured byte is not stored", i);
        if (is_lost && what[i] == 1) fail(file, lost, "a lost byte is stored", i);
        if (is_lost && what[i] == 0 && (later || acked(t, lost, i))) fail(file, lost, "a lost byte is no gap", i);
        later |= !is_lost;
    }
}

static void drop_each(const char *file)
{
    unsigned frames = read_truth(file);
    CU_ASSERT(frames > 0 && truth_n > 0);
    fault = false;
    for (unsigned lost = 0; lost <= frames; lost++) { /* 0: none */
        char *path = tl_scratch("drop");
        sqlite3 *db;
        tl_lossy how = {.seed = 1, .drop_frame = lost};
        make(path, tl_source_open_lossy(open_file(file), &how));
        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) abort();
        if (!tl_inflate_register(db)) abort();
        for (size_t i = 0; i < truth_n; i++) compare_stream(db, file, lost, &truth[i]);
        sqlite3_close(db);
        if (!sound(path)) fail(file, lost, "a check is not silent", 0);
        tl_scratch_done(path);
        if (fault) break;
    }
    CU_ASSERT_FALSE(fault);
}

static void one(void)
{
    drop_each("http-one.pcap");
}
static void segmented(void)
{
    drop_each("http-segmented.pcap");
}
static void page(void)
{
    drop_each("http-page.pcap");
}

/* A truth that is off by one byte has to be noticed, and so has a frame that was not lost. */
static void the_checker_can_fail(void)
{
    for (int spoil = 0; spoil < 2; spoil++) {
        char *path = tl_scratch("drop");
        sqlite3 *db;
        read_truth("http-segmented.pcap");
        make(path, open_file("http-segmented.pcap"));
        if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK) abort();
        if (!tl_inflate_register(db)) abort();
        fault = false;
        for (size_t i = 0; i < truth_n; i++) {
            if (spoil == 0) truth[i].byte[truth[i].length / 2] ^= 1;
            compare_stream(db, "(sabotage)", spoil == 0 ? 0 : 4, &truth[i]);
        }
        CU_ASSERT_TRUE(fault);
        sqlite3_close(db);
        tl_scratch_done(path);
    }
}

int main(void)
{
    return tl_run_cases("drop every frame", (const tl_case[]){{"one exchange", one},
                                                              {"a segmented response", segmented},
                                                              {"a page over three connections", page},
                                                              {"the checker can fail", the_checker_can_fail},
                                                              {0}});
}
