/*
** width.h - how much room text takes on a terminal.  Text is safe and valid UTF-8 (rows.h).
*/
#ifndef TL_QUERY_WIDTH_H
#define TL_QUERY_WIDTH_H

#include "base/base.h"

/* Columns that n bytes take. */
size_t tl_text_columns(const char *p, size_t n);
/* How many bytes of [p, p + n) fit into the width less one; *used: their columns. */
size_t tl_text_beginning(const char *p, size_t n, size_t width, size_t *used);
/* From which byte on the rest fits likewise; *used: first the columns of all, then those of the rest. */
size_t tl_text_end(const char *p, size_t n, size_t width, size_t *used);

#endif
