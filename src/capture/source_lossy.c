/*
** source_lossy.c - a capture as a worse tap would have made it: for tests, and for trying out what loss does to a known capture.
**
** Each frame of the inner source is dropped, or doubled, or swapped with the next one that is not dropped, or passed on; one draw
** decides, so the seed alone fixes the outcome.  A swap that finds no next frame passes on the one it holds.
**
** States: PASS -> TWICE (the same frame once more) -> PASS; PASS -> HELD (its partner went out first) -> PASS.
*/
#include "capture/source.h"

#include <stdlib.h>
#include <string.h>

typedef struct lossy_source {
    tl_source base;
    tl_source *inner; /* owned */
    tl_lossy how;
    uint64_t random;
    enum { PASS, TWICE, HELD } state;
    tl_frame again; /* TWICE: the inner's frame, still good.  HELD: its bytes are the copy */
    uint8_t *copy;  /* owned */
    size_t room;
} lossy_source;

/* splitmix64 (Steele, Lea, Flood 2014): good from any seed, zero included. */
static uint64_t draw(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
    z = (z ^ z >> 27) * 0x94d049bb133111eb;
    return z ^ z >> 31;
}

/* The inner's next frame that is not dropped, and what else was drawn for it, below 1,000. */
static tl_rc next_kept(lossy_source *l, tl_frame *out, uint64_t *drawn)
{
    for (;;) {
        tl_rc rc = tl_source_next(l->inner, out);
        l->base.facts = l->inner->facts;
        if (rc != TL_OK) {
            l->base.error = l->inner->error;
            return rc;
        }
        *drawn = draw(&l->random) % 1000;
        if (*drawn < l->how.drop_per_1000 || (l->how.drop_frame != 0 && out->at.frame == l->how.drop_frame)) continue;
        *drawn -= l->how.drop_per_1000;
        return TL_OK;
    }
}

static tl_rc hold(lossy_source *l, const tl_frame *frame)
{
    if (frame->bytes.n > l->room) {
        uint8_t *copy = realloc(l->copy, frame->bytes.n);
        if (copy == NULL) return tl_fail(&l->base.error, TL_ENOMEM, "no memory to hold a frame back");
        l->copy = copy;
        l->room = frame->bytes.n;
    }
    l->again = *frame;
    if (frame->bytes.n > 0) memcpy(l->copy, frame->bytes.p, frame->bytes.n);
    l->again.bytes.p = l->copy;
    l->state = HELD;
    return TL_OK;
}

static tl_rc lossy_next(tl_source *s, tl_frame *out)
{
    lossy_source *l = (lossy_source *)s;
    if (l->state != PASS) {
        *out = l->again;
        l->state = PASS;
        return TL_OK;
    }
    uint64_t drawn;
    tl_rc rc = next_kept(l, out, &drawn);
    if (rc != TL_OK) return rc;
    if (drawn < l->how.double_per_1000) {
        l->again = *out;
        l->state = TWICE;
    } else if (drawn - l->how.double_per_1000 < l->how.swap_per_1000) {
        rc = hold(l, out);
        if (rc != TL_OK) return rc;
        rc = next_kept(l, out, &drawn);
        if (rc == TL_END || rc == TL_ETRUNCATED) { /* which the inner source will say again */
            *out = l->again;
            l->state = PASS;
            rc = TL_OK;
        }
    }
    return rc;
}

static void lossy_close(tl_source *s)
{
    lossy_source *l = (lossy_source *)s;
    tl_source_close(l->inner);
    free(l->copy);
    free(l);
}

static const tl_source_ops lossy_ops = {lossy_next, lossy_close};

tl_source *tl_source_open_lossy(tl_source *inner, const tl_lossy *how)
{
    lossy_source *l = calloc(1, sizeof *l);
    if (l == NULL) {
        tl_source_close(inner);
        return NULL;
    }
    l->base.ops = &lossy_ops;
    l->base.facts = inner->facts;
    l->inner = inner;
    l->how = *how;
    l->random = how->seed;
    return &l->base;
}
