/*
** pattern.h - what is searched for: bytes, or a PCRE2 regular expression on bytes.
**
** A literal is the pattern's bytes with the escapes \xNN, \n, \r, \t, \0 and \\ ; any other backslash is an error, so that nobody searches
** for a regular expression without knowing it.  A regular expression sees bytes (no UTF), `^` and `$` at lines (LF, CR or CRLF), `.` any
** byte but those; (?i), (?s) and the like change that.  Empty matches are none.
**
** A stream is searched window by window.  find() answers for a window that may go on: what the next bytes could still change is not
** decided but asked for again with more of them, so the matches are those of the whole run of bytes, wherever the windows are cut.
** A match of a regular expression has TL_MATCH_MOST bytes at most.  (PCRE2 itself is of two minds about matches that begin between the two
** bytes of a CRLF; so are we.)
*/
#ifndef TL_QUERY_PATTERN_H
#define TL_QUERY_PATTERN_H

#include "base/base.h"

enum { TL_MATCH_MOST = 16 << 10, TL_PATTERN_MOST = 4096 /* bytes of a pattern's text */ };

typedef struct tl_pattern tl_pattern;

typedef enum tl_found {
    TL_FOUND,       /* the next match */
    TL_FOUND_NONE,  /* and there is none: only where `last` */
    TL_FOUND_MORE,  /* nothing before *at; ask again from there with more bytes (or with `last`) */
    TL_FOUND_COSTLY /* the expression ran into its limits: what lies from `from` on cannot be decided */
} tl_found;

/* What is known about the two ends of a window. */
typedef struct tl_window {
    tl_span bytes; /* TL_PATTERN's before() bytes of the run before `from` are in it, or the run begins in it */
    bool first;    /* bytes.p[0] is the first byte of the stream */
    bool last;     /* no more bytes of this run will come */
    bool end;      /* last: because the stream ends, not because of a gap */
} tl_window;

/* NULL: *err: EUSAGE (what is wrong with the pattern, and where) or ENOMEM.  The text is borrowed for the call. */
tl_pattern *tl_pattern_new(const char *text, bool regex, tl_error *err);
void tl_pattern_free(tl_pattern *p); /* NULL is fine */
/* How many bytes before a place matching there may look at. */
size_t tl_pattern_before(const tl_pattern *p);
/* The bytes of a literal, borrowed; none: it is a regular expression. */
tl_span tl_pattern_literal(const tl_pattern *p);
/* The leftmost match in the window that begins at `from` or later.  FOUND: *at and *length (> 0). */
tl_found tl_pattern_find(tl_pattern *p, const tl_window *w, size_t from, size_t *at, size_t *length);

/* A literal's text as its bytes into out (which has room for strlen(text) bytes).  false: *err. */
bool tl_pattern_unescape(const char *text, uint8_t *out, size_t *n, tl_error *err);

#endif
