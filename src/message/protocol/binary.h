/*
** binary.h - what the detectors of binary protocols have in common: words for numbers, summaries that no bytes of the wire spell out, how
** much of a message describe() sees, and probes of both directions.
**
** Everything here is inline and holds no state.
*/
#ifndef TL_BINARY_H
#define TL_BINARY_H

#include "message/shape.h"

/* ---- how much of a message is looked at ---- */

/* A verdict must not depend on what the bytes came in: measure() asks for a fixed number of bytes and looks at these only, then for all
** that describe() sees, and looks at those.  An early refusal of what happens to be there would come at another moment. */

/* describe() sees at most `most` bytes of a message.  What measure() has to ask for so that it does: 0 when it is there, or will not come.
 */
static inline size_t tl_wanted(const tl_head *in, uint64_t length, size_t most)
{
    size_t n = length < most ? (size_t)length : most;
    return in->bytes.n < n && !in->ended ? n : 0;
}

/* Those bytes: the same ones however many more are in view. */
static inline tl_span tl_shown(tl_span bytes, uint64_t length, size_t most)
{
    uint64_t n = length < most ? length : most;
    return tl_span_of(bytes.p, n < bytes.n ? (size_t)n : bytes.n);
}

/* ---- words ---- */

typedef struct tl_word {
    uint32_t value;
    const char *word; /* NULL ends a table */
} tl_word;

static inline const char *tl_word_of(const tl_word *words, uint32_t value)
{
    while (words->word != NULL && words->value != value) words++;
    return words->word;
}

static inline tl_span tl_text_span(const char *s)
{
    return tl_span_of(s, strlen(s));
}

static inline void tl_json_text(tl_text *json, const char *name, const char *value)
{
    tl_json_field(json, name, tl_text_span(value), 256);
}

/* Wire bytes, where there are any. */
static inline void tl_json_some(tl_text *json, const char *name, tl_span value, size_t most)
{
    if (value.n > 0) tl_json_field(json, name, value, most);
}

/* The word for a number, or the number where there is none. */
static inline void tl_json_word(tl_text *json, const char *name, const tl_word *words, uint32_t value)
{
    const char *word = tl_word_of(words, value);
    if (word != NULL)
        tl_json_text(json, name, word);
    else
        tl_json_number(json, name, value);
}

/* ---- labels: summaries put together by accept(), kept in the detector's state ---- */

typedef struct tl_label {
    uint8_t n, text[199];
} tl_label;

/* Adds bytes; what does not fit is cut. */
static inline void tl_label_more(tl_label *l, tl_span s)
{
    size_t room = sizeof l->text - l->n, n = s.n < room ? s.n : room;
    if (n > 0) memcpy(l->text + l->n, s.p, n);
    l->n = (uint8_t)(l->n + n);
}

/* The same behind a space, where there is something already. */
static inline void tl_label_add(tl_label *l, tl_span s)
{
    if (s.n == 0) return;
    if (l->n > 0) tl_label_more(l, tl_text_span(" "));
    tl_label_more(l, s);
}

static inline void tl_label_digits(tl_label *l, uint64_t v)
{
    uint8_t digits[20];
    size_t at = sizeof digits;
    do digits[--at] = (uint8_t)('0' + v % 10);
    while ((v /= 10) > 0);
    tl_label_more(l, tl_span_of(digits + at, sizeof digits - at));
}

static inline void tl_label_number(tl_label *l, uint64_t v)
{
    if (l->n > 0) tl_label_more(l, tl_text_span(" "));
    tl_label_digits(l, v);
}

static inline void tl_label_word(tl_label *l, const tl_word *words, uint32_t value)
{
    const char *word = tl_word_of(words, value);
    if (word != NULL)
        tl_label_add(l, tl_text_span(word));
    else
        tl_label_number(l, value);
}

static inline tl_span tl_label_span(const tl_label *l)
{
    return tl_span_of(l->text, l->n);
}

/* ---- probes ---- */

/* Asks `one` about each direction that has bytes.  YES of either is enough; MAYBE of either may still become one; then NO of either.
** So that the answer does not depend on what the bytes came in, `one` looks from the front for what decides, and says MAYBE up to there:
** what it has said once, NO and LIKELY too, more bytes do not change. */
static inline tl_match tl_probe_both(const tl_probe *in, bool usual, tl_match (*one)(tl_span head, tl_dir dir, bool usual))
{
    unsigned said = 0; /* bits of answers */
    for (int dir = 0; dir < 2; dir++)
        if (in->head[dir].n > 0) said |= 1u << one(in->head[dir], (tl_dir)dir, usual);
    if (said == 1u << TL_NO) return TL_NO;
    return said >> TL_YES & 1 ? TL_YES : said >> TL_MAYBE & 1 ? TL_MAYBE : said >> TL_NO & 1 ? TL_NO : said != 0 ? TL_LIKELY : TL_MAYBE;
}

/* The same where the first n bytes tell: `begins` looks at these only, and nothing else begins so. */
static inline tl_match tl_probe_begins(const tl_probe *in, size_t n, bool (*begins)(tl_span head))
{
    unsigned said = 0;
    for (int dir = 0; dir < 2; dir++)
        if (in->head[dir].n > 0) said |= 1u << (!begins(in->head[dir]) ? TL_NO : in->head[dir].n < n ? TL_MAYBE : TL_YES);
    return said >> TL_YES & 1 ? TL_YES : said == 1u << TL_NO ? TL_NO : TL_MAYBE;
}

#endif
