/*
** fuzzing.h - what must hold of a detector for any bytes; aborts where it does not.
*/
#ifndef TL_FUZZING_H
#define TL_FUZZING_H

#include "support/events.h"

/* A boundary, measured with ever more bytes (512 at most): the first answer that is not MORE is the last word; resync stays inside. */
void tl_check_settled(const tl_detector *d, tl_dir dir, const uint8_t *p, size_t n);
/* The framer with this detector alone, held to the contract (watched.h): messages lie in the stream, disjoint and in order. */
void tl_check_messages(const tl_detector *d, const tl_script *s, size_t split);

#endif
