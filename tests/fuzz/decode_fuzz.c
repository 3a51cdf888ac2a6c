/*
** decode_fuzz.c - any bytes as a frame of any link type.  Input: two bytes of link type, two of how much longer it was on the wire, the
** frame.
**
** Asserts what must hold of every frame: lengths agree, the payload lies in the frame, and decoding twice says the same.
*/
#include "packet/segment.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4) return 0;
    size_t n = size - 4;
    uint8_t *frame = malloc(n ? n : 1);
    if (frame == NULL) return 0;
    memcpy(frame, data + 4, n);
    int linktype = tl_be16(data);
    uint32_t wire = (uint32_t)n + tl_be16(data + 2);
    tl_at at = {.ns = 1, .frame = 1, .capture = 1};
    tl_segment first, second;
    tl_decoded how = tl_decode(linktype, tl_span_of(frame, n), wire, at, &first);
    assert(how < TL_SEG_OUTCOMES && how != TL_SEG_OTHER_CHANNEL && how != TL_SEG_FRAGMENT_LOST);
    if (wire == n) assert(how != TL_SEG_TRUNCATED);
    assert(tl_decode(linktype, tl_span_of(frame, n), wire, at, &second) == how);
    if (how == TL_SEG_OK) {
        char text[TL_LAYERS_TEXT];
        assert(first.payload.p >= frame && first.payload.p + first.payload.n <= frame + n);
        assert(first.payload.n <= first.payload_wire && first.payload_wire + 20 <= first.wire_bytes);
        assert(first.wire_bytes <= wire && first.layers.n <= TL_LAYERS_MAX && first.sack_n <= TL_SACK_MAX);
        assert(first.window_scale >= -1 && first.window_scale <= 14);
        assert(strlen(tl_layers_vlan_text(&first.layers, text)) < sizeof text - 1);
        assert(strlen(tl_layers_tunnel_text(&first.layers, text)) < sizeof text - 1);
        assert(first.seq == second.seq && first.payload.p == second.payload.p && first.payload.n == second.payload.n);
        assert(memcmp(first.layers.id, second.layers.id, sizeof first.layers.id) == 0);
    }
    free(frame);
    return 0;
}
