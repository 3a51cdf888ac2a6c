/*
** positions.c - see positions.h.
*/
#include "capture/positions.h"

#include "base/varint.h"

#include <stdlib.h>

void positions_begin(position_list *p)
{
    *p = (position_list){.stride = POSITIONS_STRIDE};
}

void positions_free(position_list *p)
{
    free(p->frame);
    free(p->description);
    *p = (position_list){.next = UINT64_MAX};
}

static bool grow(uint64_t **list, size_t n, size_t *room)
{
    if (n < *room) return true;
    size_t more = *room > 0 ? *room * 2 : 16;
    uint64_t *grown = realloc(*list, more * sizeof *grown);
    if (grown == NULL) return false;
    *list = grown;
    *room = more;
    return true;
}

tl_rc position_frame(position_list *p, uint64_t offset)
{
    if (p->frames == POSITIONS_FRAMES) { /* an even number: the next one stays due */
        for (size_t i = 0; i < p->frames / 2; i++) p->frame[i] = p->frame[2 * i];
        p->frames /= 2;
        p->stride *= 2;
    }
    if (!grow(&p->frame, p->frames, &p->frames_room)) return TL_ENOMEM;
    p->frame[p->frames++] = offset;
    p->next = p->frames * p->stride;
    return TL_OK;
}

tl_rc position_description(position_list *p, uint64_t offset, bool section)
{
    if (p->next == UINT64_MAX) return TL_OK;
    if (p->descriptions == POSITIONS_DESCRIPTIONS) {
        positions_free(p);
        return TL_OK;
    }
    if (!grow(&p->description, p->descriptions, &p->descriptions_room)) return TL_ENOMEM;
    p->description[p->descriptions++] = offset * 2 + section;
    return TL_OK;
}

static void put(tl_text *out, uint64_t v)
{
    uint8_t bytes[TL_VARINT_MAX];
    tl_text_bytes(out, bytes, tl_varint_put(bytes, v));
}

tl_rc positions_pack(const position_list *p, tl_text *out)
{
    uint64_t before = 0;
    tl_text_reset(out);
    if (p->frames == 0) return TL_OK;
    put(out, p->stride);
    put(out, p->frames);
    for (size_t i = 0; i < p->frames; i++) {
        put(out, p->frame[i] - before);
        before = p->frame[i];
    }
    put(out, p->descriptions);
    before = 0;
    for (size_t i = 0; i < p->descriptions; i++) {
        uint64_t offset = p->description[i] / 2;
        put(out, (offset - before) * 2 + p->description[i] % 2);
        before = offset;
    }
    return out->failed ? TL_ENOMEM : TL_OK;
}

/* false: the bytes end first. */
static bool take(tl_span *in, uint64_t *v)
{
    size_t n = tl_varint_get(*in, v);
    if (n == 0) return false;
    *in = tl_span_of(in->p + n, in->n - n);
    return true;
}

/* The descriptions before out->offset, from the last section header on. */
static tl_rc find_descriptions(tl_span in, uint64_t n, position *out)
{
    uint64_t offset = 0, v;
    if (n == 0) return TL_OK;
    out->description = malloc((size_t)n * sizeof *out->description);
    if (out->description == NULL) return TL_ENOMEM;
    while (n-- > 0 && take(&in, &v)) {
        offset += v / 2;
        if (offset >= out->offset) break;
        if (v % 2 == 1) out->descriptions = 0;
        out->description[out->descriptions++] = offset;
    }
    return TL_OK;
}

tl_rc positions_find(tl_span packed, uint64_t frame, position *out)
{
    uint64_t stride, frames, n, v, offset = 0;
    *out = (position){0};
    if (!take(&packed, &stride) || !take(&packed, &frames)) return TL_END;
    if (stride == 0 || stride > INT64_MAX / POSITIONS_FRAMES || frames > POSITIONS_FRAMES) return TL_END;
    for (uint64_t i = 0; i < frames; i++) {
        if (!take(&packed, &v) || v > (uint64_t)INT64_MAX - offset) return TL_END;
        offset += v;
        if (1 + i * stride <= frame) {
            out->frame = 1 + i * stride;
            out->offset = offset;
        }
    }
    if (out->frame == 0 || !take(&packed, &n) || n > POSITIONS_DESCRIPTIONS) return TL_END;
    return find_descriptions(packed, n, out);
}
