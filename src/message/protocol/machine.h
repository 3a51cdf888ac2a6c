/*
** machine.h - what the detectors of machines' protocols have in common: numbers that people know in hexadecimal, and a probe of the usual
** port that forgives a first byte that was lost.
**
** Everything here is inline and holds no state.
*/
#ifndef TL_MACHINE_H
#define TL_MACHINE_H

#include "message/protocol/binary.h"

/* ---- hexadecimal in summaries ---- */

/* The last `digits` (at most 8) hexadecimal digits of v, behind what the label holds: no space between. */
static inline void tl_label_hex(tl_label *l, uint32_t v, unsigned digits)
{
    uint8_t text[8];
    for (unsigned i = 0; i < digits; i++) text[i] = (uint8_t) "0123456789abcdef"[v >> 4 * (digits - 1 - i) & 15];
    tl_label_more(l, tl_span_of(text, digits));
}

/* Four digits as a word of their own. */
static inline void tl_label_hex16(tl_label *l, unsigned v)
{
    if (l->n > 0) tl_label_more(l, tl_text_span(" "));
    tl_label_hex(l, v, 4);
}

/* ---- probes ---- */

/* As tl_probe_both(); but on the usual port one direction that is LIKELY is enough, and one that contradicts is not, before the other
** has spoken: what it begins with may follow a loss. */
static inline tl_match tl_probe_either(const tl_probe *in, bool usual, tl_match (*one)(tl_span head, tl_dir dir, bool usual))
{
    bool said[TL_YES + 1] = {false};
    if (!usual) return tl_probe_both(in, usual, one);
    for (int dir = 0; dir < 2; dir++) said[in->head[dir].n > 0 ? one(in->head[dir], (tl_dir)dir, usual) : TL_MAYBE] = true;
    return said[TL_YES] ? TL_YES : said[TL_LIKELY] ? TL_LIKELY : said[TL_MAYBE] ? TL_MAYBE : TL_NO;
}

#endif
