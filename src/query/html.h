/*
** html.h - HTML that is safe by construction.
**
** Markup can only be a literal of our own source (html_lit pastes it to "", so that nothing else compiles) or a file that was compiled in
** (html_file).  All else goes through the other functions, which leave no character that could end a text or a quoted attribute, no
** control byte and no bidirectional or invisible character: good both between tags and between double quotes.
** After a failed allocation out.failed stays true and further calls do nothing: check it once at the end.
*/
#ifndef TL_QUERY_HTML_H
#define TL_QUERY_HTML_H

#include "query/rows.h"

typedef struct html {
    tl_text out;  /* owned; the page so far */
    tl_text cell; /* scratch */
    unsigned ids; /* the last number that html_id gave */
} html;

void html_free(html *h);

#define html_lit(h, text) html_markup((h), "" text "", sizeof(text) - 1)
void html_markup(html *h, const char *literal, size_t n); /* by html_lit only */
void html_file(html *h, const char *text);

/* Text that is ours or the user's. */
void html_text(html *h, const char *s);
/* A cell's value, as tl_cell_text shows it; at most 1,000 bytes of it. */
void html_cell(html *h, tl_cell c);
/* 12,345 */
void html_count(html *h, int64_t n);
/* A count and a word, the word with an s unless there is one of it. */
void html_of(html *h, int64_t n, const char *word);
/* Bytes for reading: 980 bytes, 5.84 kB, 1.20 GB (powers of 1000). */
void html_size(html *h, int64_t bytes);
/* A share in percent that never rounds to all or nothing: 97.9 %, <0.01 %, >99.99 %. */
void html_share(html *h, int64_t part, int64_t whole);
/* A length of time in the unit that suits it: 2 ms, 90 s, 15 min, 6 h, 14 days. */
void html_duration(html *h, double seconds);
/* For coordinates: at most three digits behind the point. */
void html_number(html *h, double v);
/* "2024-07-15T13:41:06.464271000Z" as a time element that shows "2024-07-15 13:41:06.464". */
void html_time(html *h, tl_cell c);
/* A new id, as in id="f7"; html_id_again: the one given n calls ago, 0: the last. */
void html_id(html *h);
void html_id_again(html *h, unsigned ago);

#endif
