/*
** arrival.c - the entries of chunk.arrivals, written and read.  See batch.h for what they are.
*/
#include "batch/batch.h"

#include "base/varint.h"

bool tl_arrival_next(tl_span *in, tl_arrival *a)
{
    uint64_t v[4];
    tl_span left = *in;
    for (int i = 0; i < 4; i++) {
        size_t n = tl_varint_get(left, &v[i]);
        if (n == 0) return false;
        left = tl_span_of(left.p + n, left.n - n);
    }
    /* Unsigned sums: a damaged row may wrap them, and nothing but the reader's eyes depends on it. */
    a->bytes = v[0];
    a->frame += (uint64_t)tl_unzigzag(v[1]);
    a->ns = (int64_t)((uint64_t)a->ns + (uint64_t)tl_unzigzag(v[2]));
    a->peer_acked += (uint64_t)tl_unzigzag(v[3]);
    *in = left;
    return true;
}

static size_t put_delta(uint8_t *out, uint64_t before, uint64_t now)
{
    return tl_varint_put(out, tl_zigzag((int64_t)(now - before)));
}

size_t tl_arrival_put(uint8_t *out, const tl_arrival *before, const tl_arrival *a)
{
    size_t n = tl_varint_put(out, a->bytes);
    n += put_delta(out + n, before->frame, a->frame);
    n += put_delta(out + n, (uint64_t)before->ns, (uint64_t)a->ns);
    n += put_delta(out + n, before->peer_acked, a->peer_acked);
    return n;
}
