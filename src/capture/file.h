/*
** file.h - a capture file: what its formats have in common.
**
** Within this folder (and the fuzz target).  source_file.c opens and closes; file_pcap.c and file_pcapng.c each know one format:
** open reads the file header, next one frame.
*/
#ifndef TL_FILE_H
#define TL_FILE_H

#include "capture/input.h"
#include "capture/positions.h"
#include "capture/source.h"

/* No frame is larger, whatever a header says: libpcap's largest snaplen is 256 KiB, with exceptions that carry no TCP. */
enum { TL_FRAME_MOST = 16 * 1024 * 1024 };

typedef struct tl_pcap {
    bool big_endian, nanoseconds;
    bool lengths_swapped, lengths_maybe_swapped; /* versions before 2.4 */
    size_t record_header;                        /* 16, or 24 in Kuznetsov's variant */
    uint32_t most;                               /* a longer record is damage */
    int linktype;
} tl_pcap;

typedef struct tl_interface {
    int linktype;
    uint32_t snaplen;
    uint8_t resolution; /* if_tsresol as it is: 10^-n, or with the top bit 2^-n */
    int64_t offset_s;   /* if_tsoffset */
    bool have_drops;    /* an interface statistics block came */
    uint64_t drops;
} tl_interface;

typedef struct tl_pcapng {
    bool big_endian;          /* of the section */
    tl_interface *interfaces; /* of the section; owned */
    size_t count, room;
    bool have_drops;
    uint64_t told_drops;   /* sum over what has been told by statistics so far, earlier sections included */
    uint64_t packet_drops; /* sum over what packets themselves told */
    int64_t last_ns;       /* for blocks without a time of their own */
} tl_pcapng;

typedef struct tl_file {
    tl_source base; /* first: a tl_source is this */
    tl_input in;
    char *name; /* owned */
    tl_rc (*next)(struct tl_file *f, tl_frame *out);
    tl_rc (*next_at)(struct tl_file *f, const position *at); /* goes on there; OK, or what next() would return */
    tl_rc ended;                                             /* OK while there may be more */
    position_list positions;
    tl_text packed; /* the positions, once the frames have ended */
    uint64_t frames;
    uint8_t *scratch; /* owned; a frame whose pseudo-header had to be turned round */
    size_t scratch_room;
    tl_pcap pcap;
    tl_pcapng pcapng;
} tl_file;

/* As tl_source_open_file, from any bytes.  name: for messages.  total: bytes of the file, 0: not known.  Owns the reader from now on,
** also on failure. */
tl_source *tl_source_open_reader(tl_reader reader, const char *name, uint64_t total, tl_error *err);

/* The file header is at the front of the window as far as there is one.  OK, EUSAGE, EIO, ENOMEM (*err is set). */
TL_MUST_USE tl_rc tl_pcap_open(tl_file *f, tl_error *err);
TL_MUST_USE tl_rc tl_pcapng_open(tl_file *f, tl_error *err);
void tl_pcapng_close(tl_file *f);

/* What next() returns when `what` at `offset` cannot be: sets the error, reads the rest of the file for its hash.  ETRUNCATED. */
tl_rc tl_file_damaged(tl_file *f, uint64_t offset, const char *fmt, ...) TL_PRINTF(3, 4);
/* What next() returns when a look failed: the cause is in f->in.  began: where the piece that is cut begins; wanted: its bytes as far
** as they are known.  TL_END when nothing of it is there and the file is sound. */
tl_rc tl_file_cut(tl_file *f, uint64_t began, uint64_t wanted);

/* The DLT_* value of a LINKTYPE_* value, as in libpcap's pcap-common.c. */
int tl_dlt_of_linktype(uint32_t linktype);
/* Pseudo-headers in the byte order of the machine that captured, turned to little-endian.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_file_native(tl_file *f, bool big_endian, tl_frame *frame);

static inline uint16_t tl_load16(const uint8_t *p, bool big_endian)
{
    return big_endian ? tl_be16(p) : tl_le16(p);
}
static inline uint32_t tl_load32(const uint8_t *p, bool big_endian)
{
    return big_endian ? tl_be32(p) : tl_le32(p);
}
static inline uint64_t tl_load64(const uint8_t *p, bool big_endian)
{
    return big_endian ? tl_be64(p) : tl_le64(p);
}

#endif
