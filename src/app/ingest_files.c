/*
** ingest_files.c - the captures of one run: each looked at before anything is written, then put in order of time.
**
** A file counts as already indexed when the database has one of the same size and SHA-256; only files whose size matches are hashed.
*/
#include "app/ingest.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Time of the first frame.  A file without a good one is a capture all the same; it comes last. */
static tl_rc look_first(input *in, tl_error *err)
{
    tl_frame frame;
    tl_rc rc = tl_source_next(in->source, &frame);
    in->has_frames = rc == TL_OK;
    if (rc == TL_OK) in->first_ns = frame.at.ns;
    if (rc != TL_OK && rc != TL_END && rc != TL_ETRUNCATED) {
        *err = in->source->error;
        if (rc == TL_ENOMEM) (void)tl_fail(err, rc, "%s: out of memory", in->path);
        return rc;
    }
    tl_source_close(in->source);
    in->source = NULL;
    return TL_OK;
}

static int by_time(const void *a, const void *b)
{
    const input *x = a, *y = b;
    if (x->has_frames != y->has_frames) return x->has_frames ? -1 : 1;
    if (x->has_frames && x->first_ns != y->first_ns) return x->first_ns < y->first_ns ? -1 : 1;
    return x->place - y->place;
}

tl_source *input_source(const char *path, const options *o, tl_error *err)
{
    tl_source *source = tl_source_open_file(path, err);
    return source != NULL && o->filter != NULL ? tl_source_open_filter(source, o->filter, err) : source;
}

tl_rc inputs_open(input *in, const options *o, tl_error *err)
{
    if (o->interface != NULL) {
        in[0] = (input){.path = o->interface, .source = tl_source_open_live(o->interface, o->filter, err)};
        return in[0].source != NULL ? TL_OK : err->rc;
    }
    for (int i = 0; i < o->n; i++) {
        struct stat st;
        in[i] = (input){.path = o->paths[i], .place = i};
        in[i].source = input_source(in[i].path, o, err);
        if (in[i].source == NULL) return err->rc;
        if (strcmp(in[i].path, "-") != 0 && stat(in[i].path, &st) == 0 && S_ISREG(st.st_mode)) in[i].bytes = (uint64_t)st.st_size;
        if (o->n == 1) return TL_OK; /* nothing to order, and a pipe cannot be opened twice */
        tl_rc rc = look_first(&in[i], err);
        if (rc != TL_OK) return rc;
    }
    qsort(in, (size_t)o->n, sizeof *in, by_time);
    return TL_OK;
}

static tl_rc hash_file(input *in, tl_error *err)
{
    uint64_t bytes;
    tl_rc rc = tl_source_hash_file(in->path, &bytes, in->sha256, err);
    in->have_sha256 = rc == TL_OK;
    return rc;
}

/* Is there an earlier one of the same content on the command line? */
static tl_rc second_copy(input *in, int i, bool *second, tl_error *err)
{
    tl_rc rc = TL_OK;
    *second = false;
    for (int k = 0; rc == TL_OK && k < i && !*second; k++) {
        if (in[k].bytes != in[i].bytes || in[i].bytes == 0) continue;
        if (!in[k].have_sha256) rc = hash_file(&in[k], err);
        if (rc == TL_OK && !in[i].have_sha256) rc = hash_file(&in[i], err);
        *second = rc == TL_OK && memcmp(in[k].sha256, in[i].sha256, sizeof in[i].sha256) == 0;
    }
    return rc;
}

static tl_rc already_there(input *in, tl_store *store, uint32_t *id, tl_error *err)
{
    tl_rc rc = tl_store_find_capture(store, in->bytes, NULL, id);
    if (rc == TL_OK && *id != 0) {
        rc = in->have_sha256 ? TL_OK : hash_file(in, err);
        if (rc != TL_OK) return rc;
        rc = tl_store_find_capture(store, in->bytes, in->sha256, id);
    }
    if (rc != TL_OK) *err = *tl_store_error(store);
    return rc;
}

tl_rc inputs_skip(input *in, int n, tl_store *store, bool quiet, tl_error *err)
{
    for (int i = 0; i < n; i++) {
        uint32_t id = 0;
        bool second = false;
        if (in[i].bytes == 0) continue; /* not a file, or nothing in it */
        tl_rc rc = already_there(&in[i], store, &id, err);
        if (rc == TL_OK && id == 0) rc = second_copy(in, i, &second, err);
        if (rc != TL_OK) return rc;
        in[i].skip = id != 0 || second;
        if (quiet) continue;
        if (id != 0) complain("%s: already indexed (capture %u), skipped", in[i].path, id);
        if (second) complain("%s: given twice, skipped", in[i].path);
    }
    return TL_OK;
}

void inputs_close(input *in, int n)
{
    for (int i = 0; i < n; i++) {
        tl_source_close(in[i].source);
        in[i].source = NULL;
        tl_text_free(&in[i].shown);
        tl_text_free(&in[i].positions);
    }
}
