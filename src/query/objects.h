/*
** objects.h - what messages carry for somebody to keep: HTTP bodies, mails, IMAP literals, files by FTP.
**
**     tl_objects_open → (tl_objects_next → tl_body_open(&object.body) ...) until END → tl_objects_close
**
** What is an object is a row of the table of rules in objects.c: a protocol, a kind of message, and how its body is found.
*/
#ifndef TL_QUERY_OBJECTS_H
#define TL_QUERY_OBJECTS_H

#include "query/body.h"
#include "query/where.h"

enum { TL_MEDIA_TYPE_MOST = 100 };

typedef struct tl_object {
    int64_t session;
    uint32_t number; /* of the message in its session */
    unsigned part;   /* 1, 2, ... where a message carries several */
    int direction;
    const char *protocol, *kind; /* good until the next call, as are summary and asked */
    const char *summary;
    const char *asked;                   /* summary of the message that this one answers; NULL: none */
    char media_type[TL_MEDIA_TYPE_MOST]; /* "text/html"; lower case, no parameters, readable; "" unknown */
    int64_t expected;                    /* bytes of the body, as far as its message tells without decoding; -1: it does not */
    uint64_t missing;                    /* bytes of it (as sent) that the capture lacks */
    tl_at at;                            /* where the message began */
    tl_body_source body;
} tl_object;

typedef struct tl_objects tl_objects;
/* Of the sessions that pass (f->session: of one); direction -1: both.  NULL: the reader's error. */
tl_objects *tl_objects_open(tl_reader *r, const tl_filter *f, int direction);
void tl_objects_close(tl_objects *o); /* NULL is fine */
/* OK, END, or the reader's error. */
TL_MUST_USE tl_rc tl_objects_next(tl_objects *o, tl_object *out);

/* A name for a file, made of numbers and, by the media type, one of a closed list of endings: "s12-m3.html", "s12-m4-2.bin". */
enum { TL_OBJECT_NAME_MOST = 64 };
void tl_object_name(const tl_object *o, char out[TL_OBJECT_NAME_MOST]);

#endif
