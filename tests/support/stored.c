#include "support/stored.h"

#include "batch/batch.h"
#include "support/sample.h"
#include <inttypes.h>
#include <libdeflate.h>
#include <stdlib.h>

enum { FIRST_NS = 1700000000 };

static void add_hex(tl_text *t, tl_span s)
{
    tl_text_add(t, "X'");
    for (size_t i = 0; i < s.n; i++) tl_text_printf(t, "%02x", s.p[i]);
    tl_text_add(t, "'");
}

/* The rows of the session's streams are written when all their bytes are known. */
static void end_session(tl_stored *s)
{
    for (int d = 0; s->session > 0 && d < 2; d++)
        tl_text_printf(&s->sql,
                       "INSERT INTO stream VALUES (%" PRId64 ", %d, 1, 2, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64
                       ", 0, 0, 1, 0, 0, 1, 1, 0, 0, NULL, NULL, 0, 0);",
                       s->session, d, s->at[d], s->stored[d], s->at[d] - s->stored[d], s->stored[d]);
}

void tl_stored_session(tl_stored *s, const char *protocol, int port)
{
    if (s->session == 0)
        tl_text_add(&s->sql, "BEGIN; INSERT INTO ingest VALUES (1, 1, 2, 't', '{}', 'complete');"
                             "INSERT INTO capture VALUES (1, 1, 't', 1, NULL, 'pcap', 1, 65535, 1, 2, 0, NULL, 'complete', NULL);");
    end_session(s);
    s->session++;
    s->at[0] = s->at[1] = s->stored[0] = s->stored[1] = 0;
    s->messages = 0;
    tl_text_printf(&s->sql,
                   "INSERT INTO session VALUES (%" PRId64 ", '10.0.0.1', %d, '10.0.0.2', %d, '', '', 1, 2, 'SF', 'S', 'fin', 'syn', 0, 0, "
                   "NULL, '%s', '', 1, 1, 1, 1);",
                   s->session, (int)(4000 + s->session % 1000), port, protocol);
}

static void add_chunk(tl_stored *s, int direction, tl_span bytes, tl_span data, size_t frames)
{
    tl_text *t = &s->sql;
    uint64_t first = s->frames + 1;
    tl_arrival before = {.frame = first, .ns = FIRST_NS + (int64_t)first};
    tl_text_printf(t,
                   "INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, "
                   "last_frame, arrivals, data) VALUES (%" PRId64 ", %d, %" PRIu64 ", %zu, 1, %" PRId64 ", %" PRId64 ", %" PRIu64
                   ", %" PRIu64 ", ",
                   s->session, direction, s->at[direction], bytes.n, before.ns, before.ns + (int64_t)frames, first, s->frames + frames);
    tl_text arrivals = {0};
    for (size_t k = 0; k < frames; k++) {
        uint8_t entry[TL_ARRIVAL_MAX];
        uint64_t frame = ++s->frames;
        const tl_arrival a = {(k + 1) * bytes.n / frames - k * bytes.n / frames, frame, FIRST_NS + (int64_t)frame, 0};
        if (a.bytes == 0) continue;
        tl_text_bytes(&arrivals, entry, tl_arrival_put(entry, &before, &a));
        before = a;
    }
    add_hex(t, tl_span_of(arrivals.p, arrivals.n));
    tl_text_add(t, ", ");
    add_hex(t, data);
    tl_text_add(t, ");");
    tl_text_free(&arrivals);
    s->at[direction] += bytes.n;
    s->stored[direction] += bytes.n;
}

void tl_stored_chunk(tl_stored *s, int direction, tl_span bytes, size_t frames)
{
    add_chunk(s, direction, bytes, bytes, frames);
}

void tl_stored_packed(tl_stored *s, int direction, tl_span bytes)
{
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    size_t room = libdeflate_zlib_compress_bound(c, bytes.n);
    uint8_t *packed = malloc(room);
    size_t n = libdeflate_zlib_compress(c, bytes.p, bytes.n, packed, room);
    add_chunk(s, direction, bytes, n > 0 && n < bytes.n ? tl_span_of(packed, n) : bytes, 1);
    free(packed);
    libdeflate_free_compressor(c);
}

void tl_stored_gap(tl_stored *s, int direction, uint64_t length)
{
    tl_text_printf(&s->sql,
                   "INSERT INTO gap VALUES (NULL, %" PRId64 ", %d, %" PRIu64 ", %" PRIu64 ", 'acked', 1, 1, 1, 1, 1, 1, NULL, NULL, 1, 1);",
                   s->session, direction, s->at[direction], length);
    s->at[direction] += length;
}

uint32_t tl_stored_message(tl_stored *s, int direction, const char *protocol, const char *kind, uint64_t offset, uint64_t length,
                           uint64_t head, uint64_t missing, uint32_t answers)
{
    int64_t base = s->session << 32;
    tl_text_printf(&s->sql,
                   "INSERT INTO message VALUES (%" PRId64 ", %" PRId64 ", %d, %u, %" PRIu64 ", %" PRIu64 ", %" PRIu64 ", %" PRIu64
                   ", '%s', '%s', '%s %u', NULL, %d, 'start', 1700000000, 1700000001, 1, 1, 1, 1, 0, nullif(%" PRId64 ", 0), NULL);",
                   base + s->messages + 1, s->session, direction, s->messages + 1, offset, length, missing, head, protocol, kind, kind,
                   s->messages + 1, missing == 0, answers == 0 ? 0 : base + answers);
    return ++s->messages;
}

char *tl_stored_new(tl_stored *s, const char *more)
{
    end_session(s);
    tl_text_add(&s->sql, "COMMIT;");
    if (more != NULL) tl_text_add(&s->sql, more);
    char *path = s->sql.failed ? NULL : tl_sample_new(NULL, s->sql.p);
    tl_text_free(&s->sql);
    *s = (tl_stored){0};
    return path;
}
