/*
** shape.h - what the detectors' answers are made of, and bounded reading of the bytes they look at.
**
** Everything here is inline and holds no state.
*/
#ifndef TL_SHAPE_H
#define TL_SHAPE_H

#include "message/detector.h"

#include <string.h>

/* ---- verdicts ---- */

/* At least `need` bytes from the boundary on; the answer where no more will come is REJECT (a frame is cut: see tl_cut). */
static inline tl_verdict tl_more(size_t need)
{
    return (tl_verdict){.answer = TL_MORE, .need = need};
}

static inline tl_verdict tl_reject(size_t skip)
{
    return (tl_verdict){.answer = TL_REJECT, .skip = skip};
}

/* A message in one frame of `length` bytes, whose first `head` (at most in->bytes.n are counted) describe() reads. */
static inline tl_verdict tl_whole(const tl_head *in, uint64_t length, size_t head, const char *kind)
{
    uint64_t n = head < in->bytes.n ? head : in->bytes.n;
    if (n > length) n = length;
    return (tl_verdict){.answer = TL_FRAME, .length = length, .edge = TL_WHOLE, .head_length = (uint32_t)n, .kind = kind};
}

static inline tl_verdict tl_as(tl_verdict v, tl_role role, uint32_t tag)
{
    v.role = role;
    v.tag = role == TL_REQUEST && tag == 0 ? 1 : tag;
    return v;
}

static inline tl_verdict tl_with_id(tl_verdict v, uint64_t id)
{
    v.has_id = true;
    v.id = id;
    return v;
}

/* ---- reading: a span that is eaten from the front; what is not there is empty or 0, and empties the span ---- */

/* Nothing is left. */
static inline tl_span tl_take_none(tl_span *in)
{
    in->p += in->n;
    in->n = 0;
    return *in;
}

static inline tl_span tl_take(tl_span *in, size_t n)
{
    if (n > in->n) return tl_take_none(in);
    tl_span out = tl_span_of(in->p, n);
    in->p += n;
    in->n -= n;
    return out;
}

static inline uint64_t tl_take_be(tl_span *in, size_t width)
{
    tl_span s = tl_take(in, width);
    uint64_t v = 0;
    for (size_t i = 0; i < s.n; i++) v = v << 8 | s.p[i];
    return v;
}

static inline uint64_t tl_take_le(tl_span *in, size_t width)
{
    tl_span s = tl_take(in, width);
    uint64_t v = 0;
    for (size_t i = s.n; i > 0; i--) v = v << 8 | s.p[i - 1];
    return v;
}

/* A vector whose length stands before it in `width` bytes, big-endian. */
static inline tl_span tl_take_vector(tl_span *in, size_t width)
{
    if (in->n < width) return tl_take_none(in);
    uint64_t n = tl_take_be(in, width);
    return n > in->n ? tl_take_none(in) : tl_take(in, (size_t)n);
}

/* Up to a NUL, which is eaten, too; without one: empty, and nothing is left. */
static inline tl_span tl_take_string(tl_span *in)
{
    const uint8_t *nul = in->n > 0 ? memchr(in->p, 0, in->n) : NULL;
    if (nul == NULL) return tl_take_none(in);
    tl_span out = tl_take(in, (size_t)(nul - in->p));
    (void)tl_take(in, 1);
    return out;
}

/* ---- text ---- */

static inline bool tl_begins(tl_span in, const char *word)
{
    size_t n = strlen(word);
    return in.n >= n && memcmp(in.p, word, n) == 0;
}

/* The bytes there are agree with `word` as far as they go. */
static inline bool tl_may_begin(tl_span in, const char *word)
{
    if (in.n > 0 && in.p[0] != (uint8_t)word[0] && word[0] != '\0') return false;
    size_t n = strlen(word);
    return in.n == 0 || memcmp(in.p, word, in.n < n ? in.n : n) == 0;
}

/* The first line without its LF and a CR before that; *length: with them; 0: no LF within the bytes, and *line is all of them. */
static inline size_t tl_line(tl_span in, tl_span *line)
{
    const uint8_t *lf = in.n > 0 ? memchr(in.p, '\n', in.n) : NULL;
    *line = in;
    if (lf == NULL) return 0;
    size_t n = (size_t)(lf - in.p);
    *line = tl_span_of(in.p, n > 0 && in.p[n - 1] == '\r' ? n - 1 : n);
    return n + 1;
}

/* The first word of a line, up to a space or tab; the rest without the spaces before it stays in *line. */
static inline tl_span tl_take_word(tl_span *line)
{
    size_t n = 0;
    while (n < line->n && line->p[n] != ' ' && line->p[n] != '\t') n++;
    tl_span word = tl_take(line, n);
    while (line->n > 0 && (line->p[0] == ' ' || line->p[0] == '\t')) (void)tl_take(line, 1);
    return word;
}

/* Printable ASCII and tabs only. */
static inline bool tl_is_text(tl_span s)
{
    for (size_t i = 0; i < s.n; i++)
        if ((s.p[i] < ' ' && s.p[i] != '\t') || s.p[i] > '~') return false;
    return true;
}

/* ---- resync ---- */

/* The first place from which `plausible` does not rule a boundary out, in.bytes.n: none.  For detectors whose boundaries look like
** nothing else within the few bytes that plausible() reads. */
static inline size_t tl_scan(tl_span in, bool (*plausible)(tl_span from))
{
    size_t at = 0;
    while (at < in.n && !plausible(tl_span_of(in.p + at, in.n - at))) at++;
    return at;
}

#endif
