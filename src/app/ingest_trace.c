/*
** ingest_trace.c - tcpledger-ingest --trace: the captures in their order, past one session's trace, onto standard output.
*/
#include "app/ingest.h"

#include "app/pipeline_trace.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* EIO: nobody takes it. */
static tl_rc print(tl_text *text)
{
    bool good = text->n == 0 || fwrite(text->p, text->n, 1, stdout) == 1;
    tl_text_reset(text);
    return good ? TL_OK : TL_EIO;
}

static tl_rc one_capture(tl_trace *t, tl_source *source, uint32_t capture, tl_text *text, bool *damaged)
{
    tl_frame frame;
    tl_rc rc;
    while ((rc = tl_source_next(source, &frame)) == TL_OK) {
        rc = tl_trace_push(t, &frame, capture);
        if (rc == TL_OK) rc = print(text);
        if (rc != TL_OK) return rc;
    }
    if (rc == TL_END) return TL_OK;
    if (rc == TL_ENOMEM) return rc;
    complain("%s", source->error.text);
    *damaged = true;
    return TL_OK;
}

static tl_rc all_captures(tl_trace *t, input *in, const options *o, tl_text *text, bool *damaged)
{
    tl_rc rc = TL_OK;
    int n = o->interface != NULL ? 1 : o->n;
    for (int i = 0; rc == TL_OK && i < n; i++) {
        tl_error err;
        if (in[i].source == NULL) in[i].source = input_source(in[i].path, o, &err);
        if (in[i].source == NULL) {
            complain("%s", err.text);
            *damaged = true;
            continue;
        }
        rc = one_capture(t, in[i].source, (uint32_t)i + 1, text, damaged);
        tl_source_close(in[i].source);
        in[i].source = NULL;
    }
    if (rc == TL_OK) rc = tl_trace_end(t);
    if (rc == TL_OK) rc = print(text);
    return rc == TL_OK && fflush(stdout) != 0 ? TL_EIO : rc;
}

int trace_session(input *in, const options *o)
{
    tl_text text = {0};
    bool damaged = false;
    tl_trace *t = tl_trace_new(&o->pipeline.limits, o->pipeline.registry, o->trace, &text);
    tl_rc rc = t == NULL ? TL_ENOMEM : all_captures(t, in, o, &text, &damaged);
    if (rc == TL_EIO && errno != EPIPE) complain("standard output: %s", strerror(errno));
    if (rc == TL_ENOMEM) complain("out of memory");
    if (rc == TL_OK && !tl_trace_found(t)) {
        complain("there is no session %" PRIu64, o->trace);
        damaged = true;
    }
    tl_trace_free(t);
    tl_text_free(&text);
    return rc == TL_OK && !damaged ? EXIT_GOOD : EXIT_BAD;
}
