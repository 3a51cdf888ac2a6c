#include "support/fuzzing.h"

#include "support/check.h"
#include "support/watched.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void tl_check_settled(const tl_detector *d, tl_dir dir, const uint8_t *p, size_t n)
{
    uint8_t before[TL_STATE_MAX] = {0}, state[TL_STATE_MAX] = {0};
    tl_verdict settled = {.answer = TL_MORE};
    size_t seen = 0, need = 1;
    for (size_t k = 1; k <= n && k <= 512; k++) {
        uint8_t *bytes = tl_exact(p, k);
        tl_head h = {.dir = dir, .bytes = tl_span_of(bytes, k), .seen = settled.answer == TL_MORE ? seen : 0};
        memcpy(state, before, sizeof state);
        if (settled.answer != TL_MORE || k >= need) {
            tl_verdict v = d->measure(d, state, &h);
            if (settled.answer != TL_MORE) assert(v.answer == settled.answer && v.length == settled.length && v.edge == settled.edge);
            settled = v;
            seen = v.seen;
            need = v.need;
        }
        h.seen = 0;
        size_t at = d->resync(d, before, &h);
        assert(at <= k || at == TL_AT_END);
        free(bytes);
    }
}

void tl_check_messages(const tl_detector *d, const tl_script *s, size_t split)
{
    tl_heard h = tl_listen(s, tl_watch(d), split);
    uint64_t end[2] = {0, 0};
    for (size_t i = 0; i < h.n; i++) {
        const tl_message *m = &h.items[i];
        assert(m->offset >= end[m->dir] && m->length > 0 && m->head_length <= m->length && m->missing == 0);
        end[m->dir] = m->offset + m->length;
        assert(end[m->dir] <= s->length[m->dir]);
    }
    tl_heard_free(&h);
}
