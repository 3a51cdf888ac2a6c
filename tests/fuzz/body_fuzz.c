/*
** body_fuzz.c - any bytes as an encoded and framed body: nothing is read or written outside, it ends, and where the pieces are cut changes
** nothing of what comes out.
**
** Input: a byte (its lower half: the coding; the next two bits: the framing), a byte that says where to cut, then the body.
*/
#include "query/coding.h"
#include "query/unframe.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 1000, MADE_MOST = 1 << 20 };

/* What came out, and a hash of it (FNV-1a). */
typedef struct outcome {
    uint64_t n, hash;
    bool stopped;
} outcome;

static void take(outcome *o, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) o->hash = (o->hash ^ p[i]) * 1099511628211U;
    o->n += n;
}

static void decode(tl_coding *c, tl_span in, outcome *o)
{
    uint8_t *out = malloc(ROOM);
    for (tl_coded coded = TL_CODED_OK; coded == TL_CODED_OK && !o->stopped;) {
        size_t made = 0;
        coded = tl_coding_run(c, &in, out, ROOM, &made);
        if (made > ROOM || (coded == TL_CODED_MORE && in.n > 0)) abort();
        take(o, out, made);
        o->stopped = coded == TL_CODED_END || coded == TL_CODED_BAD || o->n > MADE_MOST;
    }
    free(out);
}

static outcome run(tl_coding_kind kind, tl_framing framing, const uint8_t *p, size_t n, size_t piece)
{
    outcome o = {.hash = 14695981039346656037U};
    tl_unframe u = {.framing = framing};
    tl_coding *c = kind == TL_CODING_NONE ? NULL : tl_coding_new(kind);
    if (kind != TL_CODING_NONE && c == NULL) return o;
    for (size_t at = 0; at < n && !o.stopped && !u.lost && !u.ended; at += piece) {
        size_t some = n - at < piece ? n - at : piece;
        uint8_t *exact = malloc(some);
        memcpy(exact, p + at, some);
        tl_span left = tl_span_of(exact, some), body;
        while (left.n > 0 && !o.stopped && !u.lost && !u.ended) {
            tl_unframe_run(&u, &left, &body);
            if (body.n > 0 && (body.n > some || left.n > some)) abort();
            if (body.n > 0 && c != NULL) decode(c, body, &o);
            if (body.n > 0 && c == NULL) take(&o, body.p, body.n);
        }
        free(exact);
    }
    tl_coding_free(c);
    return o;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3 || size > 1 << 16) return 0;
    tl_coding_kind kind = (tl_coding_kind)((data[0] & 15) % TL_CODING_UNKNOWN);
    tl_framing framing = (tl_framing)((data[0] >> 4) % 3);
    outcome whole = run(kind, framing, data + 2, size - 2, size), cut = run(kind, framing, data + 2, size - 2, 1 + data[1]);
    /* A decoder may find damage before or after it gives the last bytes: only what it finds sound is the same for certain. */
    if (kind == TL_CODING_NONE && (whole.n != cut.n || whole.hash != cut.hash)) abort();
    return 0;
}
