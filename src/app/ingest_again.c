/*
** ingest_again.c - runs that were interrupted: a command that names all their captures again begins them anew.
**
** A capture is the same when its name is, and the file has at least the size that it had (it may have grown since).  Standard input and
** interfaces are never the same again: what was stored of them stays.
*/
#include "app/ingest.h"
#include "store/undo.h"

#include <inttypes.h>
#include <string.h>

static bool named_again(const input *in, int n, const tl_interrupted_capture *c)
{
    for (int i = 0; i < n; i++)
        if (strcmp(in[i].shown.p, c->path) == 0 && in[i].bytes > 0 && c->bytes > 0 && in[i].bytes >= c->bytes) return true;
    return false;
}

/* "frame 1200 of a.pcap" */
static void how_far(const tl_interrupted *run, const tl_interrupted_capture *c, tl_text *text)
{
    tl_text_reset(text);
    tl_text_printf(text, "frame %" PRIu64 " of ", run->last_frame);
    tl_text_add(text, c->path);
}

static tl_rc look_captures(const input *in, int n, tl_store *store, const tl_interrupted *run, uint64_t *named, tl_text *at)
{
    tl_interrupted_capture c = {0};
    tl_rc rc = TL_OK;
    *named = 0;
    tl_text_reset(at);
    tl_text_add(at, "its begin");
    while (rc == TL_OK) {
        rc = tl_store_interrupted_capture(store, run->ingest_id, c.capture_id, &c);
        if (rc != TL_OK || c.capture_id == 0) break;
        *named += named_again(in, n, &c);
        if (c.capture_id == run->last_capture) how_far(run, &c, at);
    }
    return rc == TL_OK && at->failed ? TL_ENOMEM : rc;
}

static tl_rc one_run(const input *in, int n, tl_store *store, const tl_interrupted *run, bool quiet, tl_text *at, tl_error *err)
{
    uint64_t named;
    tl_rc rc = look_captures(in, n, store, run, &named, at);
    if (rc != TL_OK) return rc;
    if (named == 0) {
        if (!quiet)
            complain("an earlier run was interrupted at %s: what it stored stays, and giving its captures again completes it", at->p);
        return TL_OK;
    }
    if (named < run->captures && run->sessions > 0)
        return tl_fail(err, TL_EUSAGE,
                       "an earlier run was interrupted at %s: give all of its %" PRIu64 " captures again, or another database", at->p,
                       run->captures);
    rc = tl_store_undo(store, run);
    if (rc == TL_OK && !quiet)
        complain("an earlier run was interrupted at %s, with %" PRIu64 " sessions and %" PRIu64 " payload bytes stored: begun anew", at->p,
                 run->sessions, run->stored_bytes);
    return rc;
}

tl_rc inputs_again(input *in, int n, tl_store *store, bool quiet, tl_error *err)
{
    tl_interrupted run = {0};
    tl_text at = {0};
    tl_rc rc = TL_OK;
    for (int i = 0; i < n; i++) {
        tl_text_escaped(&in[i].shown, tl_span_of(in[i].path, strlen(in[i].path)), SIZE_MAX);
        if (in[i].shown.failed) return tl_fail(err, TL_ENOMEM, "out of memory");
    }
    while (rc == TL_OK) {
        rc = tl_store_interrupted(store, run.ingest_id, &run);
        if (rc != TL_OK || run.ingest_id == 0) break;
        rc = one_run(in, n, store, &run, quiet, &at, err);
    }
    tl_text_free(&at);
    if (rc != TL_OK && err->text[0] == '\0') *err = *tl_store_error(store);
    return rc;
}
