/*
** writer.h - frames into a new pcapng file.
**
**     tl_writer *w = tl_writer_new(write, to, "program 1.0");
**     tl_writer_frame(w, &frame, &origin, comment) ...
**     tl_writer_end(w), tl_writer_free(w);
**
** One section, little-endian; an interface for each origin and link type, written before its first frame; times in nanoseconds.  Every
** block is handed to write() whole, and nothing is held back: a file that ends between two calls is a good one.
*/
#ifndef TL_WRITER_H
#define TL_WRITER_H

#include "capture/source.h"

typedef struct tl_writer tl_writer;

/* Where frames come from: the interface's name and description. */
typedef struct tl_writer_origin {
    uint32_t id; /* tells origins apart */
    const char *name, *description;
} tl_writer_origin;

/* NULL: no memory. */
tl_writer *tl_writer_new(tl_write_fn write, void *to, const char *application);
void tl_writer_free(tl_writer *w); /* NULL is fine */
/* The section header, where no frame brought it.  OK, ENOMEM, or what write() said. */
TL_MUST_USE tl_rc tl_writer_end(tl_writer *w);
/* comment: NULL: none.  OK, ENOMEM, EUSAGE (a link type that pcapng cannot name, or too many interfaces), or what write() said. */
TL_MUST_USE tl_rc tl_writer_frame(tl_writer *w, const tl_frame *frame, const tl_writer_origin *origin, const char *comment);

/* The LINKTYPE_* value of a DLT_* value: the other way round of what a capture file is read with. */
int tl_linktype_of_dlt(int dlt);

#endif
