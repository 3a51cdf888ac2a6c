/*
** text.h - text that grows, JSON into it, and bytes made safe to read.
**
** Everything that came from the wire passes through here before it lands in a text column or on a terminal:
** a stock sqlite3 shell prints ESC bytes raw, so text columns hold escaped text (shared rule, see DESIGN.md).
*/
#ifndef TL_TEXT_H
#define TL_TEXT_H

#include "base/base.h"

/* Growing text, always NUL-terminated once anything was added.  All zero is the empty text.
** After a failed allocation `failed` stays true and further adds do nothing: check it once at the end. */
typedef struct tl_text {
    char *p; /* owned; NULL while empty */
    size_t n, room;
    bool failed;
} tl_text;

void tl_text_free(tl_text *t);  /* and back to all zero */
void tl_text_reset(tl_text *t); /* empty, keeps the memory and clears `failed` */
void tl_text_add(tl_text *t, const char *s);
void tl_text_bytes(tl_text *t, const void *p, size_t n);
void tl_text_printf(tl_text *t, const char *fmt, ...) TL_PRINTF(2, 3);
/* Wire bytes as readable text: printable ASCII and valid UTF-8 (outside the C1, bidirectional and other format
** characters) as it is, backslash doubled, everything else \xNN.  At most `most` bytes of input are shown; a cut is told with "...". */
void tl_text_escaped(tl_text *t, tl_span bytes, size_t most);

/* The bytes that tl_text_escaped() (without a cut) made this text of. */
void tl_text_unescaped(tl_text *t, tl_span text);

/* Bytes of the readable character at the front of s (the rule above, backslash included); 0: none, or s is empty. */
size_t tl_text_readable(tl_span s);

/* "2024-05-13T10:17:07.123456789Z", as the views write times. */
void tl_text_time(tl_text *t, int64_t ns);

/* A JSON string literal, quotes included, of tl_text_escaped() text: valid JSON for any bytes. */
void tl_json_string(tl_text *t, tl_span bytes, size_t most);

/* Objects, member by member: tl_json_open, tl_json_field..., tl_json_close.  A comma is added where one is due. */
void tl_json_open(tl_text *t);
void tl_json_field(tl_text *t, const char *name, tl_span value, size_t most);
void tl_json_number(tl_text *t, const char *name, int64_t value);
void tl_json_close(tl_text *t);

#endif
