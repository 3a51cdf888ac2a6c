/*
** capture_bytes.h - capture files made in memory, piece by piece, and opened from there.
**
** Every put_ function appends; big_endian is the file's (or the section's) byte order.
*/
#ifndef TL_CAPTURE_BYTES_H
#define TL_CAPTURE_BYTES_H

#include "capture/source.h"

/* All zero is empty; tl_bytes_free gives it back. */
typedef struct tl_bytes {
    uint8_t *p;
    size_t n, room;
} tl_bytes;

void tl_bytes_free(tl_bytes *b);
void tl_put(tl_bytes *b, const void *p, size_t n);
void tl_put16(tl_bytes *b, bool big_endian, uint16_t v);
void tl_put32(tl_bytes *b, bool big_endian, uint32_t v);
void tl_put64(tl_bytes *b, bool big_endian, uint64_t v);

void tl_put_pcap_header(tl_bytes *b, bool big_endian, uint32_t magic, uint16_t major, uint16_t minor, uint32_t snaplen, uint32_t linktype);
void tl_put_pcap_record(tl_bytes *b, bool big_endian, uint32_t seconds, uint32_t fraction, const char *data, uint32_t len);

/* Any block of pcapng around a body, padded. */
void tl_put_block(tl_bytes *b, bool big_endian, uint32_t type, const void *body, size_t n);
void tl_put_section(tl_bytes *b, bool big_endian);
/* options: whole options as bytes, without the end mark; may be NULL. */
void tl_put_interface(tl_bytes *b, bool big_endian, uint16_t linktype, uint32_t snaplen, const tl_bytes *options);
void tl_put_option(tl_bytes *options, bool big_endian, uint16_t code, const void *value, uint16_t n);
void tl_put_enhanced(tl_bytes *b, bool big_endian, uint32_t interface_id, uint64_t units, const char *data, uint32_t len,
                     const tl_bytes *options);

/* Appends one gzip member of n bytes at p. */
void tl_put_gzip(tl_bytes *b, const void *p, size_t n);

/* A file source over bytes (borrowed until close), read in steps of at most `step` bytes. */
tl_source *tl_open_bytes(const tl_bytes *b, size_t step, tl_error *err);

/* What a whole file gave: frames with bytes of their own. */
typedef struct tl_taken {
    tl_frame *frames;
    size_t n;
    tl_rc rc; /* the last one */
} tl_taken;
tl_taken tl_take_all(tl_source *s);
void tl_taken_free(tl_taken *t);
bool tl_same_frame(const tl_frame *a, const tl_frame *b);

#endif
