/*
** file_pcap.c - classic pcap: a header of 24 bytes, then records, each with a header of its own.
**
** draft-ietf-opsawg-pcap, and what libpcap's sf-pcap.c reads beyond it: microseconds and nanoseconds, both byte orders, the variant
** with longer record headers, and the versions before 2.4 that had the two lengths the other way round.  Frames are borrowed from
** the window, never copied.
*/
#include "capture/file.h"

#include <string.h>

enum { FILE_HEADER = 24, RECORD_HEADER = 16, PATCHED_RECORD_HEADER = 24, LEAST_LIMIT = 256 * 1024 };

static tl_rc next_record(tl_file *f, tl_frame *out)
{
    const tl_pcap *p = &f->pcap;
    uint64_t began = f->in.offset;
    if (tl_input_look(&f->in, p->record_header) != TL_OK) return tl_file_cut(f, began, p->record_header);
    const uint8_t *h = f->in.window.p;
    uint32_t seconds = tl_load32(h, p->big_endian), fraction = tl_load32(h + 4, p->big_endian);
    uint32_t caplen = tl_load32(h + 8, p->big_endian), len = tl_load32(h + 12, p->big_endian);
    if (p->lengths_swapped || (p->lengths_maybe_swapped && caplen > len)) {
        uint32_t swap = caplen;
        caplen = len;
        len = swap;
    }
    if (caplen > p->most) return tl_file_damaged(f, began, "a record claims %u captured bytes, more than the %u possible", caplen, p->most);
    size_t whole = p->record_header + caplen;
    if (tl_input_look(&f->in, whole) != TL_OK) return tl_file_cut(f, began, whole);

    f->frames++;
    *out = (tl_frame){
        /* The seconds are unsigned (the year 2106 fits in 64 bits of nanoseconds); a fraction of a second or more is added as it is. */
        .at = {.ns = (int64_t)seconds * 1000000000 + (int64_t)fraction * (p->nanoseconds ? 1 : 1000), .frame = f->frames},
        .linktype = p->linktype,
        .wire_len = len > caplen ? len : caplen,
        .bytes = tl_span_of(f->in.window.p + p->record_header, caplen),
    };
    tl_input_skip(&f->in, whole);
    return p->big_endian ? tl_file_native(f, true, out) : TL_OK;
}

static tl_rc next_record_at(tl_file *f, const position *at)
{
    return tl_input_seek(&f->in, at->offset) == TL_OK ? TL_OK : tl_file_cut(f, at->offset, f->pcap.record_header);
}

static bool known_magic(tl_pcap *p, uint32_t magic)
{
    p->record_header = magic == 0xa1b2cd34 ? PATCHED_RECORD_HEADER : RECORD_HEADER;
    p->nanoseconds = magic == 0xa1b23c4d;
    return magic == 0xa1b2c3d4 || p->nanoseconds || magic == 0xa1b2cd34;
}

tl_rc tl_pcap_open(tl_file *f, tl_error *err)
{
    tl_pcap *p = &f->pcap;
    tl_rc rc = tl_input_look(&f->in, FILE_HEADER);
    if (rc != TL_OK && f->in.window.n < 4) return TL_END;
    const uint8_t *h = f->in.window.p;
    p->big_endian = false;
    if (!known_magic(p, tl_le32(h))) {
        p->big_endian = true;
        if (!known_magic(p, tl_be32(h))) return TL_END;
    }
    if (rc == TL_ENOMEM || rc == TL_EIO) return TL_END;
    if (rc != TL_OK)
        return tl_fail(err, TL_EUSAGE, "%s: a pcap file that ends inside its file header: nothing can be read from it", f->name);

    unsigned major = tl_load16(h + 4, p->big_endian), minor = tl_load16(h + 6, p->big_endian);
    if (major != 2 && !(major == 543 && minor == 0))
        return tl_fail(err, TL_EUSAGE, "%s: a pcap file of version %u.%u, only 2.x is known: convert it with editcap", f->name, major,
                       minor);
    /* Versions before 2.3 wrote the length on the wire first, 2.3 did either; DG/UX called its version 543.0. */
    p->lengths_swapped = major == 543 || minor < 3;
    p->lengths_maybe_swapped = major == 2 && minor == 3;

    uint32_t snaplen = tl_load32(h + 16, p->big_endian);
    p->most = snaplen < LEAST_LIMIT ? LEAST_LIMIT : snaplen > TL_FRAME_MOST ? TL_FRAME_MOST : snaplen;
    p->linktype = tl_dlt_of_linktype(tl_load32(h + 20, p->big_endian) & 0x03ffffff); /* above: the length of the FCS */
    f->base.facts.format = p->nanoseconds ? (f->in.inflater ? "pcap-ns.gz" : "pcap-ns") : (f->in.inflater ? "pcap.gz" : "pcap");
    f->base.facts.linktype = p->linktype;
    f->base.facts.snaplen = snaplen;
    f->next = next_record;
    f->next_at = next_record_at;
    tl_input_skip(&f->in, FILE_HEADER);
    return TL_OK;
}
