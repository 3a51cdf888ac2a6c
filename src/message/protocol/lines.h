/*
** lines.h - what detectors of text protocols share: lines that come in pieces, numbers and words in them, replies with a code, and
** values as ids.  Pure; everything points into the bytes given.
**
** A line ends in LF, with or without a CR before it, and holds no other control characters but tabs and bare CRs: bytes that do are no
** text, and are refused as soon as they are there.
*/
#ifndef TL_LINES_H
#define TL_LINES_H

#include "message/shape.h"

typedef struct tl_text_line {
    size_t length; /* with its end; 0: there is none (yet), and `otherwise` is measure()'s answer */
    tl_span text;  /* without its end */
    bool cut;      /* no more bytes will come, and its end is not among those there are */
    tl_verdict otherwise;
} tl_text_line;

/* The line that begins at in->bytes, of at most `most` bytes with its end. */
tl_text_line tl_text_line_at(const tl_head *in, size_t most);

/* A message in one line; one that is cut is begun, and not more. */
static inline tl_verdict tl_in_line(const tl_head *in, const tl_text_line *l, const char *kind)
{
    tl_verdict v = tl_whole(in, l->length, l->length, kind);
    if (l->cut) v.edge = TL_FIRST;
    v.summary = l->text;
    return v;
}

/* ---- words ---- */

static inline bool tl_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Equal but for the case of letters. */
bool tl_is_word(tl_span s, const char *word);
/* The same for the front of s; what comes behind is not looked at. */
bool tl_starts_word(tl_span s, const char *word);
/* The bytes there are agree with the front of `word`, or begin with all of it; in any case of letters. */
bool tl_may_start_word(tl_span s, const char *word);
tl_span tl_trimmed(tl_span s);
/* The place of the text in s, in any case of letters; s.n: none. */
size_t tl_find_word(tl_span s, const char *text);
/* All of s is a decimal number of at most 18 digits. */
bool tl_decimal(tl_span s, uint64_t *out);
/* Behind the next LF of in; in.n: there is none. */
size_t tl_next_line(tl_span in);

/* At the front where a line may begin there, and behind each line's end: the first place from which plausible() does not rule out that a
** message begins; in->bytes.n: none.  plausible() is given all bytes from there on, at least one. */
size_t tl_scan_lines(const tl_head *in, bool (*plausible)(tl_span from));

/* Equal text, equal id (and different text, another one, but for chance). */
uint64_t tl_text_id(tl_span s);

/* ---- replies: three digits, then a hyphen (more lines follow) or a space (RFC 5321 section 4.2.1, RFC 959 section 4.2) ---- */

typedef struct tl_code_reply {
    size_t length; /* 0: `otherwise` */
    unsigned code;
    unsigned lines;
    tl_span text; /* of the first line, with the code */
    bool cut;
    bool goes_on; /* cut, and what is missing holds more lines */
    tl_verdict otherwise;
} tl_code_reply;

/* every_line: each line begins with the code (SMTP); else only the first and the last one do (FTP). */
tl_code_reply tl_code_reply_at(const tl_head *in, size_t most, bool every_line);
/* Lines of a reply of which a hole took those before: they answer nothing. */
static inline tl_verdict tl_rest_of_reply(const tl_head *in, const tl_code_reply *r)
{
    tl_verdict v = tl_whole(in, r->length, r->length, "continuation");
    if (r->cut) v.edge = TL_FIRST;
    v.summary = r->text;
    return v;
}

/* The first line of a reply, as far as the bytes go: a first digit of 1 to 5, two digits, and a mark or the line's end. */
bool tl_may_be_code(tl_span in);
static inline unsigned tl_code_of(tl_span in)
{
    return (unsigned)(in.p[0] - '0') * 100 + (unsigned)(in.p[1] - '0') * 10 + (unsigned)(in.p[2] - '0');
}

/* Members code, text (of the first line) and more (the texts of the others, joined by ", ") of the reply that b begins with. */
void tl_json_code_reply(tl_text *json, tl_span b, size_t most, bool every_line);

#endif
