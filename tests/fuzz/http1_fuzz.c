/*
** http1_fuzz.c - the HTTP/1 detector on any bytes, held to its contract (tests/support/watched.c aborts), and at two cuts.
**
** Input: one byte that says how to cut, then the bytes of a direction (its lowest bit says which).
** Asserted besides: a head settled with some bytes is settled the same with more; the framer's messages lie in the stream, in order.
*/
#include "support/check.h"
#include "support/events.h"
#include "support/watched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A boundary, measured with ever more bytes: the first answer that is not MORE is the last word. */
static void settled_is_settled(tl_dir dir, const uint8_t *p, size_t n)
{
    uint8_t before[TL_STATE_MAX] = {0}, state[TL_STATE_MAX] = {0};
    tl_verdict settled = {.answer = TL_MORE};
    size_t seen = 0, need = 1;
    for (size_t k = 1; k <= n && k <= 512; k++) {
        uint8_t *bytes = tl_exact(p, k);
        tl_head h = {.dir = dir, .bytes = tl_span_of(bytes, k), .seen = settled.answer == TL_MORE ? seen : 0};
        memcpy(state, before, sizeof state);
        if (settled.answer != TL_MORE || k >= need) {
            tl_verdict v = tl_http1.measure(&tl_http1, state, &h);
            if (settled.answer != TL_MORE) assert(v.answer == settled.answer && v.length == settled.length && v.edge == settled.edge);
            settled = v;
            seen = v.seen;
            need = v.need;
        }
        h.seen = 0;
        size_t at = tl_http1.resync(&tl_http1, before, &h);
        assert(at <= k);
        free(bytes);
    }
}

static void messages(const tl_script *s, size_t split)
{
    tl_heard h = tl_listen(s, tl_watch(&tl_http1), split);
    uint64_t end[2] = {0, 0};
    for (size_t i = 0; i < h.n; i++) {
        const tl_message *m = &h.items[i];
        assert(m->offset >= end[m->dir] && m->length > 0 && m->head_length <= m->length && m->missing == 0);
        end[m->dir] = m->offset + m->length;
        assert(end[m->dir] <= s->length[m->dir]);
    }
    tl_heard_free(&h);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1 << 16) return 0;
    tl_dir dir = (tl_dir)(data[0] & 1);
    tl_script s = {0};
    settled_is_settled(dir, data + 1, size - 1);
    tl_say(&s, !dir, dir == TL_C2S ? "HTTP/1.1 200 OK\r\n\r\n" : "GET / HTTP/1.1\r\n\r\n");
    tl_say_bytes(&s, dir, data + 1, size - 1);
    tl_end(&s, data[0] & 2 ? TL_WHY_FIN : TL_WHY_RST);
    messages(&s, 0);
    messages(&s, 1 + (data[0] >> 2));
    tl_script_free(&s);
    return 0;
}
