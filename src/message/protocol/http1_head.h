/*
** http1_head.h - an HTTP/1 head, parsed where it lies.  Pure; everything points into the bytes given.
**
** Lenient where RFC 9112 section 2.2 says that one may be: lines may end in a bare LF, empty lines may come before a start line.  Strict
** elsewhere, because after a hole the head is all the evidence there is: each header line needs a name and a colon.
*/
#ifndef TL_HTTP1_HEAD_H
#define TL_HTTP1_HEAD_H

#include "base/base.h"

enum { TL_HTTP1_HEAD_MAX = 64 << 10, TL_HTTP1_REQUEST_LINE_MAX = 32 << 10, TL_HTTP1_STATUS_LINE_MAX = 1 << 10, TL_HTTP1_METHOD_MAX = 32 };

typedef enum tl_http1_found { TL_HTTP1_WHOLE, TL_HTTP1_PART, TL_HTTP1_BAD } tl_http1_found;

typedef struct tl_http1_end {
    tl_http1_found found;
    size_t length;  /* WHOLE: of the head, with its empty line */
    size_t scanned; /* PART: give it back next time */
    size_t skip;    /* BAD: no head begins in so many bytes */
} tl_http1_end;

/* Where the head that begins at in.p ends.  scanned: what an earlier PART said; 0 at first. */
tl_http1_end tl_http1_head_end(tl_span in, bool response, size_t scanned);

typedef enum tl_http1_length {
    TL_HTTP1_NONE,
    TL_HTTP1_COUNTED,
    TL_HTTP1_CHUNKED,
    TL_HTTP1_OTHER_CODING,
    TL_HTTP1_BAD_LENGTH
} tl_http1_length;

typedef struct tl_http1_head {
    bool response;
    tl_span line; /* method and target, or status and reason */
    tl_span method, target, version, reason;
    unsigned status;
    tl_http1_length body; /* what the fields say; the rules of RFC 9112 section 6.3 are the caller's */
    uint64_t content_length;
    bool has_content_length;
    tl_span host, content_type, content_encoding, transfer_encoding, user_agent, referer, location, upgrade;
} tl_http1_head;

/* Fills *out from the lines of in that are whole; false: not even the start line is. */
bool tl_http1_head_parse(tl_span in, bool response, tl_http1_head *out);

/* The length of the method that begins at p, when that is one of those we know; 0: none.  *cut: the bytes end inside one. */
size_t tl_http1_method(tl_span in, bool *cut);
/* The longest known method that ends right before p + n. */
size_t tl_http1_method_before(const uint8_t *p, size_t n);

/* How many bytes of empty lines stand at the front. */
size_t tl_http1_blank(tl_span in);

/* YES when a request line (or status line) surely begins here, MAYBE when more bytes have to tell. */
typedef enum tl_http1_start { TL_HTTP1_NO, TL_HTTP1_MAYBE, TL_HTTP1_YES } tl_http1_start;
tl_http1_start tl_http1_request_line(tl_span in);
tl_http1_start tl_http1_status_line(tl_span in);

#endif
