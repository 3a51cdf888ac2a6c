/*
** fragments_fuzz.c - a program of fragments against the fragment table.
**
** Each step is 8 bytes: datagram and version, offset in 8 bytes, length, flags (more, another tunnel), seconds to pass, how much the
** snaplen cut, a fill byte.  Asserts the bounds and the bookkeeping: memory within its limit, and every frame that was taken in is
** later part of a datagram or lost, once.
*/
#include "packet/fragments.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEP = 8, ROOM = 128 + 2048, USED_MAX = 4 * 1024 * 1024 };

/* An IPv4 or IPv6 fragment, raw, in frame[]; its length on the wire is returned. */
static size_t build(uint8_t *frame, const uint8_t *s)
{
    size_t offset = (size_t)tl_be16(s + 1) % 8192 * 8, length = (size_t)s[3] * 8 + (s[4] & 7);
    bool more = (s[4] & 8) != 0, tunnel = (s[4] & 16) != 0;
    memset(frame, 0, ROOM);
    size_t at = tunnel ? 20 : 0;
    if (s[0] & 1) {
        frame[at] = 0x60;
        frame[at + 4] = (uint8_t)((length + 8) >> 8);
        frame[at + 5] = (uint8_t)(length + 8);
        frame[at + 6] = 44;
        frame[at + 40] = 6;
        frame[at + 42] = (uint8_t)(offset >> 8);
        frame[at + 43] = (uint8_t)(offset | more);
        frame[at + 47] = s[0] >> 1;
        at += 48;
    } else {
        frame[at] = 0x45;
        frame[at + 2] = (uint8_t)((length + 20) >> 8);
        frame[at + 3] = (uint8_t)(length + 20);
        frame[at + 5] = s[0] >> 1;
        frame[at + 6] = (uint8_t)((offset / 8) >> 8 | (more ? 0x20 : 0));
        frame[at + 7] = (uint8_t)(offset / 8);
        frame[at + 9] = 6;
        at += 20;
    }
    memset(frame + at, s[7], length);
    at += length;
    if (tunnel) {
        frame[0] = 0x45;
        frame[2] = (uint8_t)(at >> 8);
        frame[3] = (uint8_t)at;
        frame[9] = s[0] & 1 ? 41 : 4;
    }
    return at;
}

static size_t pull(tl_decoder *d)
{
    size_t n = 0;
    for (tl_fragment_lost lost; tl_decoder_lost(d, &lost); n++) assert(lost.at.frame > 0 && lost.captured_bytes <= lost.wire_bytes);
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint8_t key[16] = {1, 2, 3};
    tl_decoder *d = tl_decoder_new(key);
    uint8_t *frame = malloc(ROOM);
    if (d == NULL || frame == NULL) abort();
    size_t refused = 0, lost = 0;
    tl_at at = {.capture = 1};
    for (; size >= STEP; data += STEP, size -= STEP) {
        size_t wire = build(frame, data), n = wire - wire * (data[6] & 15) / 16;
        at.frame++;
        at.ns += (int64_t)(int8_t)data[5] * 1000000000;
        uint8_t *exact = malloc(n ? n : 1);
        if (exact == NULL) abort();
        memcpy(exact, frame, n);
        tl_segment s;
        tl_fragment_part parts[TL_FRAGMENTS_MAX];
        tl_decoded how = tl_decoder_push(d, 12, tl_span_of(exact, n), (uint32_t)wire, at, &s);
        if (how == TL_SEG_FRAGMENT_LOST) refused++;
        if (how == TL_SEG_OK) {
            assert(s.payload.n <= s.payload_wire && s.payload_wire <= 65535 && s.at.frame == at.frame);
            size_t parts_n = tl_decoder_parts(d, &s, parts);
            for (size_t i = 0; i < parts_n; i++)
                assert(parts[i].n > 0 && parts[i].offset + parts[i].n <= s.payload.n && parts[i].at.frame <= at.frame);
            uint8_t *copy = malloc(s.payload.n + 1);
            if (copy == NULL) abort();
            if (s.payload.n > 0) memcpy(copy, s.payload.p, s.payload.n);
            free(copy);
        }
        free(exact);
        lost += pull(d);
        assert(tl_decoder_used(d) <= USED_MAX);
    }
    tl_decoder_flush(d);
    lost += pull(d);
    assert(tl_decoder_used(d) == 0);
    assert(tl_decoder_counts(d)->lost_frames == lost + refused);
    free(frame);
    tl_decoder_free(d);
    return 0;
}
