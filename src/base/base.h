/*
** base.h - the words every module shares: result codes, errors, spans, byte loads.
**
** RULE: bad input is data, not an error.  A malformed packet, a hole or a lying
** length field is counted or recorded as a row; only the outside world (memory,
** files, the database) can make a function return other than TL_OK or TL_END.
*/
#ifndef TL_BASE_H
#define TL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TL_MUST_USE          __attribute__((warn_unused_result))
#define TL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

typedef enum tl_rc {
    TL_OK = 0,
    TL_END,       /* nothing more; not a failure */
    TL_ENOMEM,    /* no memory */
    TL_EIO,       /* file or device; the text is in the tl_error at hand */
    TL_ESQL,      /* database; the text is in the tl_error at hand */
    TL_EUSAGE,    /* the person gave us something that we cannot use */
    TL_ETRUNCATED /* a capture breaks off or is damaged; what came before it is good */
} tl_rc;

/* Filled by open() calls, and kept inside handles that outlive a call.  One line, no newline. */
typedef struct tl_error {
    tl_rc rc;
    char text[400];
} tl_error;

/* Sets *err (when not NULL) and returns rc, so that `return tl_fail(err, TL_EIO, "...")` reads well.
** The text is cut at the buffer's size.  Bytes that a terminal would obey are escaped as \xNN. */
tl_rc tl_fail(tl_error *err, tl_rc rc, const char *fmt, ...) TL_PRINTF(3, 4);

/* Borrowed bytes.  A span never owns; the comment at each use says until when it is good. */
typedef struct tl_span {
    const uint8_t *p;
    size_t n;
} tl_span;

static inline tl_span tl_span_of(const void *p, size_t n)
{
    tl_span s = {(const uint8_t *)p, n};
    return s;
}

/* Takes output; anything but OK stops whoever writes, with that code. */
typedef tl_rc (*tl_write_fn)(void *to, tl_span bytes);

/* A place in the captures: the forensic reference that every row can be traced to. */
typedef struct tl_at {
    int64_t ns;       /* unix time, UTC, in nanoseconds; the only clock the core ever sees */
    uint64_t frame;   /* 1-based within its capture, as Wireshark counts; 0: no frame */
    uint32_t capture; /* capture_id; 0: none */
} tl_at;

/* An address and a port.  IPv4 as ::ffff:a.b.c.d (RFC 4291 section 2.5.5.2), so one type hashes, compares and sorts. */
typedef struct tl_addr {
    uint8_t ip[16];
    uint16_t port; /* host byte order */
} tl_addr;

enum { TL_ADDR_TEXT = 48 }; /* room for tl_addr_text() */

/* The address without the port, as inet_ntop(3) writes it, into out[TL_ADDR_TEXT]; returns out. */
char *tl_addr_text(const tl_addr *a, char *out);

/* The same as IPv6 whatever it holds: an IPv6 packet may carry ::ffff:a.b.c.d (a pair of which only one looks like IPv4 is IPv6). */
char *tl_addr_text_ipv6(const tl_addr *a, char *out);

/* What tl_addr_text() wrote, back; the port is left alone.  false: not an address. */
bool tl_addr_parse(const char *text, tl_addr *out);

typedef enum tl_dir { TL_C2S = 0, TL_S2C = 1 } tl_dir; /* client to server, server to client */

/* Bytewise loads: no casts, no alignment, no undefined behaviour. */
static inline uint16_t tl_be16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}
static inline uint32_t tl_be24(const uint8_t *p)
{
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}
static inline uint32_t tl_be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}
static inline uint64_t tl_be64(const uint8_t *p)
{
    return (uint64_t)tl_be32(p) << 32 | tl_be32(p + 4);
}
static inline uint16_t tl_le16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[1] << 8 | p[0]);
}
static inline uint32_t tl_le32(const uint8_t *p)
{
    return (uint32_t)p[3] << 24 | (uint32_t)p[2] << 16 | (uint32_t)p[1] << 8 | p[0];
}
static inline uint64_t tl_le64(const uint8_t *p)
{
    return (uint64_t)tl_le32(p + 4) << 32 | tl_le32(p);
}

static inline bool tl_addr_is_ipv4(const tl_addr *a)
{
    return tl_be64(a->ip) == 0 && tl_be32(a->ip + 8) == 0xffff;
}

/* Only one of them looks like IPv4: then both are IPv6, that one with a mapped address. */
static inline bool tl_addr_mixed(const tl_addr *a, const tl_addr *b)
{
    return tl_addr_is_ipv4(a) != tl_addr_is_ipv4(b);
}

/* By frames: time may stand still or go back. */
static inline bool tl_at_before(tl_at a, tl_at b)
{
    return a.capture != b.capture ? a.capture < b.capture : a.frame < b.frame;
}

#endif
