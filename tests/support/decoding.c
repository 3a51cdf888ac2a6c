/*
** decoding.c - see decoding.h.
*/
#include "support/decoding.h"

#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

tl_decoded tl_decode_exact(int linktype, tl_span frame, uint32_t wire_len, tl_segment *out)
{
    uint8_t *block = tl_exact(frame.p, frame.n);
    tl_at at = {.ns = 7, .frame = 3, .capture = 1};
    tl_decoded how = tl_decode(linktype, tl_span_of(block, frame.n), wire_len, at, out);
    if (how == TL_SEG_OK) {
        size_t offset = (size_t)(out->payload.p - block);
        CU_ASSERT_FATAL(offset <= frame.n && out->payload.n <= frame.n - offset);
        CU_ASSERT(out->payload.n <= out->payload_wire);
        CU_ASSERT(out->layers.n <= TL_LAYERS_MAX);
        CU_ASSERT(out->at.ns == 7 && out->at.frame == 3 && out->at.capture == 1);
        out->payload.p = frame.p + offset;
    }
    free(block);
    return how;
}

static bool same_segment(const tl_segment *a, const tl_segment *b)
{
    return memcmp(a->src.ip, b->src.ip, 16) == 0 && memcmp(a->dst.ip, b->dst.ip, 16) == 0 && a->src.port == b->src.port &&
           a->dst.port == b->dst.port && a->seq == b->seq && a->ack == b->ack && a->flags == b->flags &&
           a->payload_wire == b->payload_wire && a->wire_bytes == b->wire_bytes && a->layers.n == b->layers.n;
}

static void snaplen_cut(const char *name, int linktype, tl_span frame, size_t n, const tl_segment *whole, size_t *payload)
{
    tl_segment cut;
    tl_decoded how = tl_decode_exact(linktype, tl_span_of(frame.p, n), (uint32_t)frame.n, &cut);
    bool fine = how == TL_SEG_TRUNCATED ? *payload == SIZE_MAX : how == TL_SEG_OK && same_segment(&cut, whole);
    if (fine && how == TL_SEG_OK) {
        fine = (*payload == SIZE_MAX || cut.payload.n >= *payload) && (cut.payload.n == whole->payload_wire || !cut.bad_checksum);
        *payload = cut.payload.n;
    }
    if (!fine) printf("\n%s cut at %zu of %zu: %s\n", name, n, frame.n, tl_decoded_name(how));
    CU_ASSERT(fine);
}

void tl_check_every_cut(const char *name, int linktype, tl_span frame)
{
    tl_segment whole, shorter;
    if (tl_decode_exact(linktype, frame, (uint32_t)frame.n, &whole) != TL_SEG_OK) {
        CU_FAIL("the whole frame is no segment");
        return;
    }
    size_t payload = SIZE_MAX;
    for (size_t n = 0; n < frame.n; n++) {
        snaplen_cut(name, linktype, frame, n, &whole, &payload);
        tl_decoded how = tl_decode_exact(linktype, tl_span_of(frame.p, n), (uint32_t)n, &shorter);
        CU_ASSERT(how != TL_SEG_TRUNCATED && how < TL_SEG_OUTCOMES);
        if (how == TL_SEG_OK) CU_ASSERT(shorter.seq == whole.seq && shorter.payload_wire <= whole.payload_wire);
    }
    CU_ASSERT(payload != SIZE_MAX);
}
