/*
** writer.c - see writer.h.  Formats: draft-ietf-opsawg-pcapng sections 4.1 to 4.3; options: section 3.5.
**
** A time is an unsigned number of units after the interface's offset; of an interface for frames of before 1970 the offset is the
** smallest that nanoseconds in 64 bits can need.
*/
#include "capture/writer.h"

#include "base/text.h"

#include <pcap/dlt.h>
#include <stdlib.h>
#include <string.h>

enum { SECTION = 0x0a0d0d0a, INTERFACE = 1, ENHANCED = 6 };
enum { OPT_COMMENT = 1, SHB_USERAPPL = 4, IF_NAME = 2, IF_DESCRIPTION = 3, IF_TSRESOL = 9, IF_TSOFFSET = 14 };
enum { INTERFACES_MOST = 65536, OPTION_MOST = 65535 };
static const int64_t early_offset_s = -9223372037; /* the second that INT64_MIN nanoseconds lies in */

typedef struct interface {
    uint32_t origin;
    int linktype;
    bool early; /* for times before 1970 */
} interface;

struct tl_writer {
    tl_write_fn write;
    void *to;
    char *application; /* owned */
    bool begun;        /* the section header is written */
    interface *interfaces;
    size_t count, room;
    tl_text block; /* the one at hand */
};

tl_writer *tl_writer_new(tl_write_fn write, void *to, const char *application)
{
    tl_writer *w = calloc(1, sizeof *w);
    if (w == NULL) return NULL;
    w->write = write;
    w->to = to;
    w->application = strdup(application);
    if (w->application != NULL) return w;
    free(w);
    return NULL;
}

void tl_writer_free(tl_writer *w)
{
    if (w == NULL) return;
    tl_text_free(&w->block);
    free(w->interfaces);
    free(w->application);
    free(w);
}

int tl_linktype_of_dlt(int dlt)
{
    switch (dlt) {
    case DLT_ATM_RFC1483: return 100;
    case DLT_RAW: return 101;
    case DLT_SLIP_BSDOS: return 102;
    case DLT_PPP_BSDOS: return 103;
    case DLT_ATM_CLIP: return 106;
    case DLT_PFSYNC: return 246;
    default: return dlt;
    }
}

static void put(tl_text *t, uint64_t v, size_t bytes)
{
    uint8_t le[8];
    for (size_t i = 0; i < bytes; i++) le[i] = (uint8_t)(v >> (8 * i));
    tl_text_bytes(t, le, bytes);
}

static void put_padded(tl_text *t, const void *p, size_t n)
{
    tl_text_bytes(t, p, n);
    tl_text_bytes(t, "\0\0\0", (4 - n % 4) % 4);
}

static void put_option(tl_text *t, unsigned code, const void *p, size_t n)
{
    if (n > OPTION_MOST) n = OPTION_MOST;
    put(t, code, 2);
    put(t, n, 2);
    put_padded(t, p, n);
}

static void put_text_option(tl_text *t, unsigned code, const char *text)
{
    if (text != NULL && *text != '\0') put_option(t, code, text, strlen(text));
}

static void begin_block(tl_text *t, uint32_t type)
{
    tl_text_reset(t);
    put(t, type, 4);
    put(t, 0, 4); /* the length, when it is known */
}

static tl_rc end_block(tl_writer *w)
{
    tl_text *t = &w->block;
    size_t length = t->n + 4;
    put(t, length, 4);
    if (t->failed) return TL_ENOMEM;
    memcpy(t->p + 4, t->p + length - 4, 4);
    return w->write(w->to, tl_span_of(t->p, t->n));
}

static tl_rc put_section(tl_writer *w)
{
    tl_text *t = &w->block;
    begin_block(t, SECTION);
    put(t, 0x1a2b3c4d, 4);
    put(t, 1, 2);
    put(t, 0, 2);
    put(t, UINT64_MAX, 8); /* the section's length: not told */
    put_text_option(t, SHB_USERAPPL, w->application);
    put(t, 0, 4);
    w->begun = true;
    return end_block(w);
}

static tl_rc put_interface(tl_writer *w, const interface *i, const tl_writer_origin *origin)
{
    tl_text *t = &w->block;
    uint8_t nanoseconds = 9;
    begin_block(t, INTERFACE);
    put(t, (uint64_t)tl_linktype_of_dlt(i->linktype), 2);
    put(t, 0, 2);
    put(t, 0, 4); /* snaplen: frames are as long as they are */
    put_text_option(t, IF_NAME, origin->name);
    put_text_option(t, IF_DESCRIPTION, origin->description);
    put_option(t, IF_TSRESOL, &nanoseconds, 1);
    if (i->early) {
        put(t, IF_TSOFFSET, 2);
        put(t, 8, 2);
        put(t, (uint64_t)early_offset_s, 8);
    }
    put(t, 0, 4);
    return end_block(w);
}

static tl_rc interface_of(tl_writer *w, const tl_frame *frame, const tl_writer_origin *origin, size_t *index)
{
    interface want = {origin->id, frame->linktype, frame->at.ns < 0};
    for (*index = 0; *index < w->count; ++*index) {
        const interface *i = &w->interfaces[*index];
        if (i->origin == want.origin && i->linktype == want.linktype && i->early == want.early) return TL_OK;
    }
    int linktype = tl_linktype_of_dlt(frame->linktype);
    if (linktype < 0 || linktype > UINT16_MAX || w->count == INTERFACES_MOST) return TL_EUSAGE;
    if (w->count == w->room) {
        size_t room = w->room > 0 ? w->room * 2 : 4;
        interface *more = realloc(w->interfaces, room * sizeof *more);
        if (more == NULL) return TL_ENOMEM;
        w->interfaces = more;
        w->room = room;
    }
    w->interfaces[w->count++] = want;
    return put_interface(w, &want, origin);
}

tl_rc tl_writer_frame(tl_writer *w, const tl_frame *frame, const tl_writer_origin *origin, const char *comment)
{
    size_t index = 0;
    tl_text *t = &w->block;
    tl_rc rc = w->begun ? TL_OK : put_section(w);
    if (rc == TL_OK) rc = interface_of(w, frame, origin, &index);
    if (rc != TL_OK) return rc;
    uint64_t units = (uint64_t)frame->at.ns - (frame->at.ns < 0 ? (uint64_t)early_offset_s * 1000000000 : 0);
    begin_block(t, ENHANCED);
    put(t, index, 4);
    put(t, units >> 32, 4);
    put(t, units, 4);
    put(t, frame->bytes.n, 4);
    put(t, frame->wire_len, 4);
    put_padded(t, frame->bytes.p, frame->bytes.n);
    put_text_option(t, OPT_COMMENT, comment);
    if (comment != NULL) put(t, 0, 4);
    return end_block(w);
}

tl_rc tl_writer_end(tl_writer *w)
{
    return w->begun ? TL_OK : put_section(w);
}
