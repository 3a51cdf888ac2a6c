/*
** stream_fuzz.c - any segments in any order, held to the invariants of session.h.
**
** The input is records of nine bytes, each a segment of one session's two sides: flags, place, length, acknowledgement, snaplen cut,
** time, tag, content.  What is told is kept as a consumer keeps it (support/streams.c); tiles, copies and balances are checked, and each
** captured byte has to be stored, a duplicate or a stray.
*/
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/streams.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RECORD = 9, SESSIONS = 64 };

typedef struct witness {
    tape tape;
    uint64_t captured;
} witness;

static void wrong(const tape *t, const char *what)
{
    fprintf(stderr, "%s\n%s", what, t->log);
    abort();
}

static void check(const witness *w, const tl_session_info *info, bool last)
{
    uint64_t captured = 0;
    if (w->tape.fault[0] != '\0') wrong(&w->tape, w->tape.fault);
    for (int d = 0; d < 2; d++) {
        const tape_dir *t = &w->tape.dir[d];
        const tl_stream_info *st = &info->stream[d];
        captured += st->captured_bytes;
        if (last && t->closes == 0) wrong(&w->tape, "not closed");
        if (w->tape.beyond) continue;
        if (t->length != st->length) wrong(&w->tape, "length");
        if (t->stored + t->gap != t->length) wrong(&w->tape, "stored and gaps are not the length");
        if (t->stored + t->duplicate + t->stray != st->captured_bytes) wrong(&w->tape, "captured bytes got lost, or doubled");
    }
    if (last && captured != w->captured) wrong(&w->tape, "captured bytes were not counted");
}

/* Sessions are told apart by their ids: one that was closed may be opened again by a late segment, and goes on where it was. */
static witness *witnesses[SESSIONS + 1];

/* false: more sessions than witnesses. */
static bool drain(tl_session *s, uint64_t captured)
{
    tl_event ev;
    tl_session_info info;
    tl_session_look(s, &info);
    if (info.id > SESSIONS) {
        while (tl_session_pull(s, &ev)) continue;
        return false;
    }
    witness *w = witnesses[info.id];
    if (w == NULL) w = witnesses[info.id] = calloc(1, sizeof *w);
    if (w == NULL) abort();
    w->captured += captured;
    while (tl_session_pull(s, &ev)) tape_event(&w->tape, &ev);
    tl_session_look(s, &info);
    check(w, &info, tl_session_closed(s));
    return true;
}

static tl_segment segment_of(const uint8_t *r, uint8_t *payload, tl_at *at)
{
    static const uint8_t flags[8] = {TL_ACK, TL_ACK, TL_ACK | TL_PSH, 0, TL_SYN, TL_SYN | TL_ACK, TL_FIN | TL_ACK, TL_RST};
    int d = r[0] & 1;
    uint32_t place = (uint32_t)(r[1] | (r[2] & 0x0f) << 8) * 4, n = r[3];
    tl_segment seg = {.window = (uint16_t)(r[8] << 4), .window_scale = -1, .flags = flags[r[0] >> 1 & 7]};
    if (r[0] & 0x10) place += UINT32_C(0x40000000);
    seg.src.port = d == 0 ? 40000 : 80;
    seg.dst.port = d == 0 ? 80 : 40000;
    seg.seq = (d == 0 ? UINT32_C(0xffffe000) : 5000) + place;
    seg.ack = (d == 0 ? 5000 : UINT32_C(0xffffe000)) + (uint32_t)(r[4] | (r[5] & 0x0f) << 8) * 4 + (r[5] >> 7);
    if (r[5] & 0x40) {
        seg.sack_n = 1;
        seg.sack[0][0] = seg.ack + r[8];
        seg.sack[0][1] = seg.ack + r[8] + 100;
    }
    if (r[0] & 0x20) seg.layers = (tl_layers){.n = 1, .kind = {TL_LAYER_VLAN}, .id = {7}};
    for (uint32_t i = 0; i < n; i++) payload[i] = (uint8_t)((place + i) * 31 + (r[0] >> 7) * r[7]);
    uint32_t cut = r[0] & 0x40 ? r[6] % (n + 1) : 0;
    seg.payload = (tl_span){payload, n - cut};
    seg.payload_wire = n;
    seg.wire_bytes = 40 + n;
    at->frame++;
    at->ns += (int64_t)(r[6] >> 4) * (r[2] & 0x80 ? 2000000000 : 20000000);
    seg.at = *at;
    if (r[2] & 0x40) seg.at.ns -= 1000000000;
    return seg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_limits limits = tl_limits_default();
    if (size > 0 && data[0] & 0x08) limits.hole_bytes = 700;
    tl_sessions *t = tl_sessions_new(&limits, 1);
    tl_at at = {.ns = INT64_C(1700000000) * 1000000000, .capture = 1};
    tl_session *s;
    if (t == NULL) abort();
    for (size_t i = 0; i + RECORD <= size && i < RECORD * 400; i += RECORD) {
        uint8_t payload[256], *exact;
        tl_segment seg = segment_of(data + i, payload, &at);
        exact = malloc(seg.payload.n ? seg.payload.n : 1);
        if (exact == NULL) abort();
        memcpy(exact, payload, seg.payload.n);
        seg.payload.p = exact;
        if (tl_sessions_push(t, &seg, &s) != TL_OK) abort();
        bool room = drain(s, seg.payload.n);
        free(exact);
        while ((s = tl_sessions_due(t, at)) != NULL) room &= drain(s, 0);
        if (!room) break;
    }
    while ((s = tl_sessions_end(t)) != NULL) (void)drain(s, 0);
    for (int i = 0; i <= SESSIONS; i++) {
        free(witnesses[i]);
        witnesses[i] = NULL;
    }
    tl_sessions_free(t);
    return 0;
}
