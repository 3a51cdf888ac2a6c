/*
** detecting.h - what every detector has to pass, in four calls.
**
**     tl_script s = {.port = 53};
**     tl_say_hex(&s, TL_C2S, "001c 1234 0100 ...");
**     ...
**     tl_end(&s, TL_WHY_FIN);
**     tl_detects(&s, &tl_dns, "1 > 0+30 dns query 'A example.com' start complete\n" ...);
**     tl_survives_gaps(&s, &tl_dns, 0);
**     tl_refuses(&tl_dns, 53);
*/
#ifndef TL_DETECTING_H
#define TL_DETECTING_H

#include "support/events.h"

/* Bytes in hexadecimal, with spaces anywhere; 'text' in apostrophes stands for itself: "0005 'hello' 0d0a".  [2 ...] is what is inside,
** behind its length in two bytes, big-endian; <3 ...> the same little-endian; [4+4 ...] counts four bytes more than are inside. */
void tl_say_hex(tl_script *s, tl_dir dir, const char *hex);

/* The script is heard as `expected` (tl_heard_text) whatever its events are cut into (1 byte to 70, then wider steps), by the detector
** alone and by all built-in ones together, so that the order of preference is tested, too; the detector keeps its contract (watched.h). */
void tl_detects(const tl_script *s, const tl_detector *d, const char *expected);

/* One byte lost, at each place of each direction in turn: every message that does not hold it is heard where it was, with the same kind and
** length, but for at most `may_miss` messages right behind the loss (in the same direction; 0 for a protocol with a magic); and nothing is
** heard that was not there: a message that is new begins where the damaged one did or lies within it. */
void tl_survives_gaps(const tl_script *s, const tl_detector *d, unsigned may_miss);

/* The detail of the so-manieth message (1-based number) as JSON text; free() it. */
char *tl_detail(const tl_script *s, const tl_detector *d, uint64_t number);
/* It is `want`. */
void tl_says(const tl_script *s, const tl_detector *d, uint64_t number, const char *want);

/* On its own port, what other protocols begin with, text, zeros and random bytes are not taken for it. */
void tl_refuses(const tl_detector *d, uint16_t port);

#endif
