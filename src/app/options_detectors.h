/*
** options_detectors.h - the detectors that a command line asks for: built-in ones, declared framings, shared objects.
*/
#ifndef TL_OPTIONS_DETECTORS_H
#define TL_OPTIONS_DETECTORS_H

#include "message/framings.h"

enum { TL_OBJECTS_MAX = 32 };

/* Names that the command line gave; borrowed. */
typedef struct tl_detector_files {
    const char *framings; /* NULL: none */
    const char *object[TL_OBJECTS_MAX];
    unsigned objects;
} tl_detector_files;

typedef struct tl_detectors tl_detectors;

/* Reads the framings, loads the objects (whose code then runs in this process: they are as trusted as the program).  Declared ones are
** asked first, then objects in their order, then the built-in ones.  NULL: *err says which file, where, and what is wrong. */
tl_detectors *tl_detectors_open(const tl_detector_files *files, tl_error *err);
const tl_registry *tl_detectors_registry(const tl_detectors *d);
void tl_detectors_close(tl_detectors *d); /* after the last framer; NULL is fine */

#endif
