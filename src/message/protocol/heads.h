/*
** heads.h - messages that are a head and a counted body, as SIP (RFC 3261 section 7) and RTSP (RFC 2326 section 4) have them: a start line,
** fields "name: value", an empty line, and as many bytes as Content-Length says.  Pure; everything points into the bytes given.
**
** Each line of a head but the first needs a name and a colon, or begins with a space (it continues the value before): after a hole the head
** is all the evidence there is.  http1_head.h has the rules of HTTP.
*/
#ifndef TL_HEADS_H
#define TL_HEADS_H

#include "message/protocol/lines.h"

enum { TL_HEADS_MOST = 16 << 10 };

typedef struct tl_head_found {
    size_t length; /* with the empty line; 0: `otherwise` */
    bool cut;      /* no more bytes will come, and the empty line is not among those there are */
    tl_verdict otherwise;
} tl_head_found;

/* The head that begins at in->bytes; the caller has looked at its start line. */
tl_head_found tl_head_at(const tl_head *in);
/* The first line of a head. */
tl_span tl_head_start(tl_span head);
/* The value of the first field of that name, or of its short form (one letter; NULL: none); p NULL where there is none. */
tl_span tl_head_field(tl_span head, const char *name, const char *brief);
/* Adds a member with the value of a field, where there is one. */
void tl_json_head_field(tl_text *json, const char *member, tl_span head, const char *name, const char *brief);

/* A start line as far as the bytes go: YES when the version and all around it is right. */
typedef enum tl_start { TL_START_NO, TL_START_MAYBE, TL_START_YES } tl_start;
/* "SIP/2.0 200 OK" */
tl_start tl_status_line(tl_span in, const char *version);
/* "INVITE sip:a@b SIP/2.0": a word of capitals (and '_'), something without spaces, the version. */
tl_start tl_request_line(tl_span in, const char *version);
/* A body's length; false: there is no such field, or it is no number. */
bool tl_content_length(tl_span head, const char *brief, uint64_t *out);

#endif
