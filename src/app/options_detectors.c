/*
** options_detectors.c - see options_detectors.h.
*/
#include "app/options_detectors.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAMINGS_MOST = 1 << 20, HEAD_MAX_MOST = 1 << 20 };

struct tl_detectors {
    tl_framings *framings;
    void *object[TL_OBJECTS_MAX];
    const tl_detector *loaded[TL_OBJECTS_MAX];
    unsigned objects;
    const tl_detector **items; /* objects and built-in ones */
    tl_registry_index index;   /* of these */
    tl_registry base;
    const tl_registry *registry;
};

/* The whole file as text; NULL: *err. */
static char *read_text(const char *path, tl_error *err)
{
    FILE *f = fopen(path, "rb");
    if (f == NULL) {
        (void)tl_fail(err, TL_EIO, "%s: %s", path, strerror(errno));
        return NULL;
    }
    char *text = malloc(FRAMINGS_MOST + 1);
    size_t n = text != NULL ? fread(text, 1, FRAMINGS_MOST + 1, f) : 0;
    bool failed = ferror(f) != 0;
    fclose(f);
    if (text == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
    } else if (failed) {
        (void)tl_fail(err, TL_EIO, "%s: cannot be read", path);
    } else if (n > FRAMINGS_MOST || memchr(text, '\0', n) != NULL) {
        (void)tl_fail(err, TL_EUSAGE, "%s: not a text of framings (see tcpledger-ingest --help)", path);
    } else {
        text[n] = '\0';
        return text;
    }
    free(text);
    return NULL;
}

static tl_rc read_framings(tl_detectors *d, const char *path, tl_error *err)
{
    char *text = read_text(path, err);
    if (text == NULL) return err->rc;
    d->framings = tl_framings_read(text, path, err);
    free(text);
    return d->framings != NULL ? TL_OK : err->rc;
}

static tl_rc check_loaded(const tl_detector *t, const char *path, tl_error *err)
{
    if (t == NULL || t->name == NULL || t->name[0] == '\0' || t->probe == NULL || t->measure == NULL)
        return tl_fail(err, TL_EUSAGE, "%s: its detector lacks a name, probe or measure", path);
    if (t->state_size > TL_STATE_MAX || t->head_max == 0 || t->head_max > HEAD_MAX_MOST)
        return tl_fail(err, TL_EUSAGE, "%s: state_size is %d at most, head_max 1 to %d", path, TL_STATE_MAX, HEAD_MAX_MOST);
    if (t->first.n % 2 != 0) return tl_fail(err, TL_EUSAGE, "%s: first holds pairs of bytes", path);
    return TL_OK;
}

static tl_rc load_object(tl_detectors *d, const char *path, tl_error *err)
{
    /* dlopen searches the system's folders for a name without a slash: the file here is meant. */
    char here[4096];
    snprintf(here, sizeof here, "%s%s", strchr(path, '/') == NULL ? "./" : "", path);
    void *object = dlopen(here, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) return tl_fail(err, TL_EIO, "%s: cannot be loaded: %s", path, dlerror());
    d->object[d->objects] = object;
    const unsigned *abi = dlsym(object, "tl_detector_abi");
    const tl_detector *const *main = dlsym(object, "tl_detector_main");
    d->loaded[d->objects++] = main != NULL ? *main : NULL;
    if (abi == NULL || main == NULL) return tl_fail(err, TL_EUSAGE, "%s: not a detector: TL_DETECTOR_EXPORT is missing", path);
    if (*abi != TL_DETECTOR_ABI)
        return tl_fail(err, TL_EUSAGE, "%s: made for version %u of the detector interface, this program has %d: compile it again", path,
                       *abi, TL_DETECTOR_ABI);
    return check_loaded(*main, path, err);
}

static tl_rc compose(tl_detectors *d, tl_error *err)
{
    const tl_registry *builtin = tl_registry_builtin();
    d->base = *builtin;
    d->registry = &d->base;
    if (d->objects > 0) {
        d->items = malloc((d->objects + builtin->n) * sizeof *d->items);
        if (d->items == NULL) return tl_fail(err, TL_ENOMEM, "out of memory");
        memcpy(d->items, d->loaded, d->objects * sizeof *d->items);
        memcpy(d->items + d->objects, builtin->items, builtin->n * sizeof *d->items);
        d->base = tl_registry_of(d->items, d->objects + builtin->n, &d->index);
    }
    if (d->framings != NULL) d->registry = tl_framings_registry(d->framings, &d->base);
    return d->registry != NULL ? TL_OK : tl_fail(err, TL_ENOMEM, "out of memory");
}

tl_detectors *tl_detectors_open(const tl_detector_files *files, tl_error *err)
{
    tl_detectors *d = calloc(1, sizeof *d);
    if (d == NULL) {
        (void)tl_fail(err, TL_ENOMEM, "out of memory");
        return NULL;
    }
    tl_rc rc = files->framings != NULL ? read_framings(d, files->framings, err) : TL_OK;
    for (unsigned i = 0; rc == TL_OK && i < files->objects; i++) rc = load_object(d, files->object[i], err);
    if (rc == TL_OK) rc = compose(d, err);
    if (rc == TL_OK) return d;
    tl_detectors_close(d);
    return NULL;
}

const tl_registry *tl_detectors_registry(const tl_detectors *d)
{
    return d->registry;
}

void tl_detectors_close(tl_detectors *d)
{
    if (d == NULL) return;
    tl_framings_free(d->framings);
    free(d->items);
    for (unsigned i = 0; i < d->objects; i++) dlclose(d->object[i]);
    free(d);
}
