/*
** detector_fuzz.c - any built-in detector on any conversation: held to its contract (tests/support/watched.h aborts), messages disjoint and
** in the stream, and the same, with their details, whatever the bytes are cut into: unless so many pieces had to wait for the
** other direction that the framer gave up, which it then says.
**
** Input: the detector's name and a newline (another word names one by its first byte), a byte that says how to cut, then steps: a letter,
** c or s for bytes of the client or the server, C or S for bytes that are lost, and a length in two bytes (big-endian), then the bytes.
** tests/support/detecting.c writes such files from the tests' conversations into the folder that TL_SEEDS names.
*/
#include "support/detecting.h"
#include "support/fuzzing.h"
#include "support/watched.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const tl_detector *named(const uint8_t *name, size_t n)
{
    const tl_registry *r = tl_registry_builtin();
    for (size_t i = 0; i < r->n; i++)
        if (strlen(r->items[i]->name) == n && memcmp(r->items[i]->name, name, n) == 0) return r->items[i];
    return r->items[n > 0 ? name[0] % r->n : 0];
}

static tl_script conversation(const uint8_t *p, size_t n)
{
    tl_script s = {0};
    while (n >= 3) {
        uint8_t what = p[0];
        size_t length = tl_be16(p + 1);
        p += 3;
        n -= 3;
        if (length > n && (what & 0x20)) length = n;
        tl_dir dir = what & 0x10 ? TL_S2C : TL_C2S; /* 's' and 'S' have that bit, 'c' and 'C' have not */
        if (length == 0) continue;
        if (!(what & 0x20)) {
            tl_lose(&s, dir, length);
            continue;
        }
        tl_say_bytes(&s, dir, p, length);
        p += length;
        n -= length;
    }
    return s;
}

/* NULL: the framer gave up. */
static char *hear(const tl_detector *d, const tl_script *s, size_t split)
{
    tl_heard h = tl_listen(s, tl_watch(d), split);
    uint64_t end[2] = {0, 0};
    char *messages = tl_heard_text(&h);
    tl_text t = {0};
    tl_text_add(&t, messages);
    free(messages);
    for (size_t i = 0; i < h.n; i++) {
        const tl_message *m = &h.items[i];
        assert(m->offset >= end[m->dir] && m->length > 0 && m->head_length <= m->length && m->missing < m->length);
        end[m->dir] = m->offset + m->length;
        assert(end[m->dir] <= s->length[m->dir]);
        tl_text_printf(&t, "%llu: %.*s, head %llu, acked %llu\n", (unsigned long long)m->number, (int)m->detail.n,
                       (const char *)m->detail.p, (unsigned long long)m->head_length, (unsigned long long)m->peer_acked);
    }
    if (h.gave_up) tl_text_free(&t);
    tl_heard_free(&h);
    return t.p;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *lf = size > 0 ? memchr(data, '\n', size) : NULL;
    if (lf == NULL || size > 1 << 16) return 0;
    const char *only = getenv("TL_DETECTOR");
    const tl_detector *d = only != NULL ? named((const uint8_t *)only, strlen(only)) : named(data, (size_t)(lf - data));
    size_t at = (size_t)(lf - data) + 1;
    if (at + 4 > size) return 0;
    uint8_t how = data[at++];
    tl_script s = conversation(data + at, size - at);
    s.port = how & 1 && d->ports[0] != 0 ? d->ports[0] : 80;
    tl_end(&s, how & 2 ? TL_WHY_FIN : TL_WHY_RST);
    char *whole = hear(d, &s, 0), *cut = hear(d, &s, 1 + (how >> 2));
    bool same = whole == NULL || cut == NULL || strcmp(whole, cut) == 0;
    if (!same) fprintf(stderr, "whole:\n%scut into %d:\n%s", whole, 1 + (how >> 2), cut);
    assert(same);
    free(whole);
    free(cut);
    tl_script_free(&s);
    return 0;
}
