/*
** source_fuzz.c - any bytes as a capture file: however they are cut into reads, the same frames, within bounds, and the same end.
*/
#include "capture/source.h"
#include "support/capture_bytes.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
    if (!good) abort();
}

/* Everything that the frames say, folded into one number; reads every byte of every frame. */
static uint64_t digest(const tl_bytes *bytes, size_t step, tl_error *end)
{
    uint64_t d = 14695981039346656037u, frames = 0;
    tl_source *s = tl_open_bytes(bytes, step, end);
    if (s == NULL) {
        check(end->rc == TL_EUSAGE && end->text[0] != '\0');
        return 0;
    }
    tl_frame f;
    tl_rc rc;
    while ((rc = tl_source_next(s, &f)) == TL_OK) {
        check(f.at.frame == ++frames && f.wire_len >= f.bytes.n);
        d = (d ^ (uint64_t)f.at.ns ^ f.wire_len ^ (uint32_t)f.linktype) * 1099511628211u;
        for (size_t i = 0; i < f.bytes.n; i++) d = (d ^ f.bytes.p[i]) * 1099511628211u;
        if (frames > 100000) break; /* a bomb of empty records: bounded by its inflated size, which is long enough */
    }
    if (rc != TL_OK) {
        check(rc == TL_END || rc == TL_ETRUNCATED);
        check(s->facts.have_sha256 && s->facts.bytes_read == bytes->n);
        check(rc != TL_ETRUNCATED || (s->error.rc == rc && strchr(s->error.text, '\n') == NULL));
        *end = s->error;
        end->rc = rc;
    }
    d = (d ^ (uint64_t)s->facts.drops) * 1099511628211u;
    tl_source_close(s);
    return d + frames;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tl_bytes bytes = {.p = (uint8_t *)(uintptr_t)data, .n = size};
    tl_error whole = {0}, pieces = {0};
    uint64_t a = digest(&bytes, SIZE_MAX, &whole);
    uint64_t b = digest(&bytes, 1 + size % 13, &pieces);
    check(a == b && whole.rc == pieces.rc && strcmp(whole.text, pieces.text) == 0);
    return 0;
}
