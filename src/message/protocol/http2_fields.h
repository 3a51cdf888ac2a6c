/*
** http2_fields.h - header blocks of HTTP/2, decoded by nghttp2's HPACK (RFC 7541), and the fields of them that are told.
**
** One tl_http2_fields per session, made by accept() and freed by release().  Each direction has a table of its own, which is good only
** while every block since the start has been seen whole: from the first that was not on (a hole, a pick-up midway, an error) its dynamic
** entries are never used again, and only entries of the static table and literals are told.
*/
#ifndef TL_HTTP2_FIELDS_H
#define TL_HTTP2_FIELDS_H

#include "base/text.h"

typedef enum tl_http2_field {
    TL_HTTP2_METHOD,
    TL_HTTP2_SCHEME,
    TL_HTTP2_AUTHORITY,
    TL_HTTP2_PATH,
    TL_HTTP2_STATUS,
    TL_HTTP2_CONTENT_TYPE,
    TL_HTTP2_CONTENT_LENGTH,
    TL_HTTP2_CONTENT_ENCODING,
    TL_HTTP2_USER_AGENT,
    TL_HTTP2_REFERER,
    TL_HTTP2_LOCATION,
    TL_HTTP2_GRPC_STATUS,
    TL_HTTP2_GRPC_MESSAGE,
    TL_HTTP2_FIELDS
} tl_http2_field;

typedef struct tl_http2_fields {
    struct nghttp2_hd_inflater *table[2]; /* by direction; owned; NULL: none yet, or lost */
    bool lost[2];
    tl_text value[TL_HTTP2_FIELDS]; /* of the last block; raw bytes, at most TL_HTTP2_VALUE_MAX of them */
    tl_text summary;
    unsigned unknown; /* fields of the last block that only a lost table would tell */
    bool doubtful;    /* the last block was not decoded with a good table, or not to its end */
} tl_http2_fields;

enum {
    TL_HTTP2_VALUE_MAX = 1024,
    TL_HTTP2_TABLE_MAX = 64 << 10 /* RFC 9113 section 6.5.2 sets no limit: a sender that uses more loses its table */
};

tl_http2_fields *tl_http2_fields_new(void);    /* NULL: no memory */
void tl_http2_fields_free(tl_http2_fields *f); /* NULL is fine */
/* The direction's table cannot be trusted from here on. */
void tl_http2_fields_lose(tl_http2_fields *f, tl_dir dir);
/* Fills value, summary, unknown, doubtful from a block; whole: all of it is there.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_http2_fields_read(tl_http2_fields *f, tl_dir dir, tl_span block, bool whole);
bool tl_http2_fields_has(const tl_http2_fields *f, tl_http2_field which);
/* The members of a JSON object. */
void tl_http2_fields_describe(const tl_http2_fields *f, tl_text *json);

#endif
