/*
** file_pcapng.c - pcapng: sections of blocks, each block with its length in front and behind (draft-ietf-opsawg-pcapng).
**
** Our own reader, because libpcap refuses a file whose interfaces differ in link type or snaplen and does not count drops.
** A section header starts the interfaces, and the byte order, anew.  Frames come from enhanced, simple and (obsolete) packet blocks;
** statistics blocks and options tell of drops; all else is skipped, however long it is, without being held in memory.
**
** What contradicts itself in its lengths is damage and ends the file.  What is framed well but odd inside (an interface that was never
** described, an option that overruns) is read on: bad input is data.
*/
#include "capture/file.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

enum {
    SECTION = 0x0a0d0d0a, /* a palindrome: the same in both byte orders */
    INTERFACE = 1,
    PACKET = 2,
    SIMPLE = 3,
    STATISTICS = 5,
    ENHANCED = 6
};

enum {
    BLOCK_LEAST = 12, /* type, length, length */
    BLOCK_MOST = TL_FRAME_MOST + 65536,
    SECTION_LEAST = 28,
    INTERFACES_MOST = 65536,
    UNKNOWN_LINKTYPE = -1
};

typedef struct block {
    uint32_t type;
    uint32_t length; /* as told */
    uint64_t began;  /* offset in the file */
    tl_span body;    /* between the two lengths; borrowed from the window */
    bool big_endian;
} block;

/* Goes over options; false at the end of them, or where one overruns. */
static bool next_option(const block *b, tl_span *rest, unsigned *code, tl_span *value)
{
    if (rest->n < 4) return false;
    *code = tl_load16(rest->p, b->big_endian);
    size_t n = tl_load16(rest->p + 2, b->big_endian), padded = (n + 3) & ~(size_t)3;
    if (*code == 0 || n > rest->n - 4) return false;
    *value = tl_span_of(rest->p + 4, n);
    size_t whole = padded > rest->n - 4 ? rest->n : 4 + padded;
    *rest = tl_span_of(rest->p + whole, rest->n - whole);
    return true;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return b > UINT64_MAX - a ? UINT64_MAX : a + b;
}

/* Statistics count from the start of the capture, so the last word about an interface stands; packets count since the one before. */
static void tell_drops(tl_file *f)
{
    tl_pcapng *p = &f->pcapng;
    uint64_t sum = p->told_drops;
    bool told = p->have_drops;
    for (size_t i = 0; i < p->count; i++) {
        told |= p->interfaces[i].have_drops;
        if (p->interfaces[i].have_drops) sum = add_capped(sum, p->interfaces[i].drops);
    }
    if (!told) {
        if (p->packet_drops == 0) return;
        sum = p->packet_drops;
    }
    f->base.facts.drops = sum > INT64_MAX ? INT64_MAX : (int64_t)sum;
}

static tl_rc note(tl_file *f, const block *b)
{
    if (position_description(&f->positions, b->began, b->type == SECTION) == TL_OK) return TL_OK;
    return f->ended = tl_fail(&f->base.error, TL_ENOMEM, "%s: no memory to remember a block", f->name);
}

static tl_rc new_section(tl_file *f, const block *b)
{
    tl_pcapng *p = &f->pcapng;
    unsigned major = tl_load16(b->body.p + 4, b->big_endian);
    if (major != 1) return tl_file_damaged(f, b->began, "a section of pcapng version %u, only 1 is known", major);
    for (size_t i = 0; i < p->count; i++) {
        p->have_drops |= p->interfaces[i].have_drops;
        if (p->interfaces[i].have_drops) p->told_drops = add_capped(p->told_drops, p->interfaces[i].drops);
    }
    p->count = 0;
    p->big_endian = b->big_endian;
    return note(f, b);
}

static tl_rc new_interface(tl_file *f, const block *b)
{
    tl_pcapng *p = &f->pcapng;
    if (b->body.n < 8) return tl_file_damaged(f, b->began, "an interface description of %u bytes is too short", b->length);
    if (p->count == INTERFACES_MOST) return tl_file_damaged(f, b->began, "more than %d interfaces in a section", INTERFACES_MOST);
    if (p->count == p->room) {
        size_t room = p->room ? p->room * 2 : 4;
        tl_interface *more = realloc(p->interfaces, room * sizeof *more);
        if (more == NULL) return f->ended = tl_fail(&f->base.error, TL_ENOMEM, "%s: no memory for %zu interfaces", f->name, room);
        p->interfaces = more;
        p->room = room;
    }
    tl_interface *i = &p->interfaces[p->count++];
    *i = (tl_interface){
        .linktype = tl_dlt_of_linktype(tl_load16(b->body.p, b->big_endian)),
        .snaplen = tl_load32(b->body.p + 4, b->big_endian),
        .resolution = 6,
    };
    tl_span rest = tl_span_of(b->body.p + 8, b->body.n - 8), value;
    unsigned code;
    while (next_option(b, &rest, &code, &value)) {
        if (code == 9 && value.n >= 1) i->resolution = value.p[0];
        if (code == 14 && value.n >= 8) i->offset_s = (int64_t)tl_load64(value.p, b->big_endian);
    }
    if (f->base.facts.linktype < 0) {
        f->base.facts.linktype = i->linktype;
        f->base.facts.snaplen = i->snaplen;
    }
    return note(f, b);
}

static void statistics(tl_file *f, const block *b)
{
    tl_pcapng *p = &f->pcapng;
    if (b->body.n < 12) return;
    uint32_t id = tl_load32(b->body.p, b->big_endian);
    if (id >= p->count) return;
    uint64_t drops = 0;
    bool told = false;
    tl_span rest = tl_span_of(b->body.p + 12, b->body.n - 12), value;
    unsigned code;
    while (next_option(b, &rest, &code, &value)) {
        if ((code != 5 && code != 7) || value.n < 8) continue; /* isb_ifdrop, isb_osdrop */
        drops = add_capped(drops, tl_load64(value.p, b->big_endian));
        told = true;
    }
    if (!told) return;
    p->interfaces[id].have_drops = true;
    p->interfaces[id].drops = drops;
    tell_drops(f);
}

/* Units of the interface since 1970, plus its offset in seconds, as nanoseconds; what does not fit in 64 bits is clamped. */
static int64_t to_ns(const tl_interface *i, uint64_t units)
{
    unsigned power = i->resolution & 0x7f;
    uint128 ns = units;
    if (i->resolution & 0x80) {
        ns *= 1000000000; /* below 2^94 */
        ns = power < 94 ? ns >> power : 0;
    } else if (power <= 9) {
        for (unsigned n = power; n < 9; n++) ns *= 10;
    } else {
        for (unsigned n = 9; n < power && ns > 0; n++) ns /= 10;
    }
    int128 sum = (int128)ns + (int128)i->offset_s * 1000000000;
    return sum > INT64_MAX ? INT64_MAX : sum < INT64_MIN ? INT64_MIN : (int64_t)sum;
}

/* A frame of caplen bytes at `at` in the body; options follow it, padded to four bytes. */
static tl_rc deliver(tl_file *f, const block *b, uint32_t interface_id, const uint8_t *units, size_t at, uint32_t caplen, uint32_t len,
                     tl_frame *out)
{
    static const tl_interface undescribed = {.linktype = UNKNOWN_LINKTYPE, .resolution = 6};
    tl_pcapng *p = &f->pcapng;
    if (caplen > b->body.n - at)
        return tl_file_damaged(f, b->began, "a packet claims %u captured bytes in a block of %u", caplen, b->length);
    const tl_interface *i = interface_id < p->count ? &p->interfaces[interface_id] : &undescribed;
    if (units != NULL) {
        uint64_t high = tl_load32(units, b->big_endian), low = tl_load32(units + 4, b->big_endian);
        p->last_ns = to_ns(i, high << 32 | low);
    }
    f->frames++;
    *out = (tl_frame){
        .at = {.ns = p->last_ns, .frame = f->frames},
        .linktype = i->linktype,
        .wire_len = len > caplen ? len : caplen,
        .bytes = tl_span_of(b->body.p + at, caplen),
    };
    size_t end = at + (((size_t)caplen + 3) & ~(size_t)3);
    if (b->type == ENHANCED && end < b->body.n) {
        tl_span rest = tl_span_of(b->body.p + end, b->body.n - end), value;
        unsigned code;
        while (next_option(b, &rest, &code, &value)) {
            if (code != 4 || value.n < 8) continue; /* epb_dropcount */
            p->packet_drops = add_capped(p->packet_drops, tl_load64(value.p, b->big_endian));
            tell_drops(f);
        }
    }
    return p->big_endian ? tl_file_native(f, true, out) : TL_OK;
}

static tl_rc enhanced(tl_file *f, const block *b, tl_frame *out)
{
    const uint8_t *p = b->body.p;
    if (b->body.n < 20) return tl_file_damaged(f, b->began, "a packet block of %u bytes is too short", b->length);
    return deliver(f, b, tl_load32(p, b->big_endian), p + 4, 20, tl_load32(p + 12, b->big_endian), tl_load32(p + 16, b->big_endian), out);
}

static tl_rc obsolete(tl_file *f, const block *b, tl_frame *out)
{
    const uint8_t *p = b->body.p;
    if (b->body.n < 20) return tl_file_damaged(f, b->began, "a packet block of %u bytes is too short", b->length);
    unsigned drops = tl_load16(p + 2, b->big_endian);
    if (drops != 0 && drops != 0xffff) { /* not known */
        f->pcapng.packet_drops = add_capped(f->pcapng.packet_drops, drops);
        tell_drops(f);
    }
    return deliver(f, b, tl_load16(p, b->big_endian), p + 4, 20, tl_load32(p + 12, b->big_endian), tl_load32(p + 16, b->big_endian), out);
}

/* No interface (it is the first), no time (that of the frame before stands, so nobody can start in the middle), no captured length: that is
 * the block's room, the snaplen or the length, whichever is least. */
static tl_rc simple(tl_file *f, const block *b, tl_frame *out)
{
    if (b->body.n < 4) return tl_file_damaged(f, b->began, "a packet block of %u bytes is too short", b->length);
    uint32_t len = tl_load32(b->body.p, b->big_endian), caplen = len;
    positions_free(&f->positions);
    uint32_t snaplen = f->pcapng.count > 0 ? f->pcapng.interfaces[0].snaplen : 0;
    if (snaplen != 0 && caplen > snaplen) caplen = snaplen;
    if (caplen > b->body.n - 4) caplen = (uint32_t)(b->body.n - 4);
    return deliver(f, b, 0, NULL, 4, caplen, len, out);
}

/* The length behind a block repeats the one in front. */
static tl_rc check_trailer(tl_file *f, const block *b, const uint8_t *trailer)
{
    uint32_t again = tl_load32(trailer, b->big_endian);
    if (again == b->length) return TL_OK;
    return tl_file_damaged(f, b->began, "a block begins with length %u and ends with %u", b->length, again);
}

/* Skips a block that says nothing to us.  padded: its length on disk. */
static tl_rc skip_block(tl_file *f, const block *b, uint64_t padded)
{
    if (tl_input_skip_far(&f->in, padded - 4) != TL_OK || tl_input_look(&f->in, 4) != TL_OK) return tl_file_cut(f, b->began, padded);
    tl_rc rc = check_trailer(f, b, f->in.window.p);
    if (rc == TL_OK) tl_input_skip(&f->in, 4);
    return rc;
}

static bool is_read(uint32_t type)
{
    return type == SECTION || type == INTERFACE || type == PACKET || type == SIMPLE || type == STATISTICS || type == ENHANCED;
}

/* Reads the lengths of the block at the front of the window.  A section header tells its byte order 8 bytes in. */
static tl_rc look_at_header(tl_file *f, block *b)
{
    b->began = f->in.offset;
    if (tl_input_look(&f->in, 12) != TL_OK) return tl_file_cut(f, b->began, BLOCK_LEAST);
    const uint8_t *h = f->in.window.p;
    b->big_endian = f->pcapng.big_endian;
    if (tl_le32(h) == SECTION) {
        if (tl_le32(h + 8) != 0x1a2b3c4d && tl_be32(h + 8) != 0x1a2b3c4d)
            return tl_file_damaged(f, b->began, "a section header without a byte order mark");
        b->big_endian = tl_be32(h + 8) == 0x1a2b3c4d;
    }
    b->type = tl_load32(h, b->big_endian);
    b->length = tl_load32(h + 4, b->big_endian);
    if (b->length < BLOCK_LEAST || (b->type == SECTION && b->length < SECTION_LEAST))
        return tl_file_damaged(f, b->began, "a block of type 0x%" PRIx32 " claims to be %u bytes long, which is too short", b->type,
                               b->length);
    return TL_OK;
}

/* The block at the front of the window in one piece, its lengths checked; padded: its length on disk. */
static tl_rc look_at_block(tl_file *f, block *b, uint64_t padded)
{
    if (padded > BLOCK_MOST)
        return tl_file_damaged(f, b->began, "a block of type 0x%" PRIx32 " claims to be %u bytes long, more than the %u possible", b->type,
                               b->length, (unsigned)BLOCK_MOST);
    if (tl_input_look(&f->in, (size_t)padded) != TL_OK) return tl_file_cut(f, b->began, padded);
    b->body = tl_span_of(f->in.window.p + 8, (size_t)padded - BLOCK_LEAST);
    return check_trailer(f, b, f->in.window.p + padded - 4);
}

/* Some writers leave the padding out of the length. */
static uint64_t padded_length(const block *b)
{
    return ((uint64_t)b->length + 3) & ~(uint64_t)3;
}

static tl_rc next_frame(tl_file *f, tl_frame *out)
{
    for (;;) {
        block b;
        tl_rc rc = look_at_header(f, &b);
        if (rc != TL_OK) return rc;
        uint64_t padded = padded_length(&b);
        if (!is_read(b.type)) {
            rc = skip_block(f, &b, padded);
            if (rc != TL_OK) return rc;
            continue;
        }
        rc = look_at_block(f, &b, padded);
        if (rc != TL_OK) return rc;

        bool frame = false;
        switch (b.type) {
        case SECTION: rc = new_section(f, &b); break;
        case INTERFACE: rc = new_interface(f, &b); break;
        case STATISTICS: statistics(f, &b); break;
        case ENHANCED:
            rc = enhanced(f, &b, out);
            frame = true;
            break;
        case PACKET:
            rc = obsolete(f, &b, out);
            frame = true;
            break;
        default:
            rc = simple(f, &b, out);
            frame = true;
            break;
        }
        if (rc != TL_OK) return rc;
        tl_input_skip(&f->in, (size_t)padded);
        if (frame) return TL_OK;
    }
}

/* The section header and the interfaces that come before the frame, then the frame. */
static tl_rc next_frame_at(tl_file *f, const position *at)
{
    f->pcapng.count = 0;
    for (size_t i = 0; i < at->descriptions; i++) {
        block b;
        if (tl_input_seek(&f->in, at->description[i]) != TL_OK) return tl_file_cut(f, at->description[i], BLOCK_LEAST);
        tl_rc rc = look_at_header(f, &b);
        if (rc == TL_END || (rc == TL_OK && b.type != SECTION && b.type != INTERFACE))
            return tl_file_damaged(f, at->description[i], "no section or interface begins here, as the index of its frames says");
        uint64_t padded = padded_length(&b);
        if (rc == TL_OK) rc = look_at_block(f, &b, padded);
        if (rc == TL_OK) rc = b.type == SECTION ? new_section(f, &b) : new_interface(f, &b);
        if (rc != TL_OK) return rc;
    }
    return tl_input_seek(&f->in, at->offset) == TL_OK ? TL_OK : tl_file_cut(f, at->offset, BLOCK_LEAST);
}

/* Only whether it is one; the section header is read again as the first block. */
tl_rc tl_pcapng_open(tl_file *f, tl_error *err)
{
    tl_rc rc = tl_input_look(&f->in, SECTION_LEAST);
    if (f->in.window.n < 4 || tl_le32(f->in.window.p) != SECTION) return TL_END;
    if (rc == TL_ENOMEM || rc == TL_EIO) return TL_END;
    if (rc != TL_OK)
        return tl_fail(err, TL_EUSAGE, "%s: a pcapng file that ends inside its section header: nothing can be read from it", f->name);
    if (tl_le32(f->in.window.p + 8) != 0x1a2b3c4d && tl_be32(f->in.window.p + 8) != 0x1a2b3c4d) return TL_END;
    f->base.facts.format = f->in.inflater ? "pcapng.gz" : "pcapng";
    f->next = next_frame;
    f->next_at = next_frame_at;
    return TL_OK;
}

void tl_pcapng_close(tl_file *f)
{
    free(f->pcapng.interfaces);
}
