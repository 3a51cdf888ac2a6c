/*
** humane.h - whole numbers as people read them, for tables on a terminal; what a column counts is told by the last word of its name.
**
** Bytes and counts get thousands separators; bytes from a million on are MB, GB, ... (powers of 1000) with three digits.  Numbers that
** name something (ids, frames, ports, sequence numbers, a status) stay as they are: they are there to be typed again.
*/
#ifndef TL_QUERY_HUMANE_H
#define TL_QUERY_HUMANE_H

#include "base/text.h"

typedef enum tl_quantity { TL_NAME, TL_COUNT, TL_BYTES } tl_quantity;

tl_quantity tl_quantity_of(const char *column);
void tl_humane_add(tl_text *t, tl_quantity what, int64_t v);

#endif
