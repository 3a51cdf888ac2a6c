/*
** positions.h - where in a capture file every so-many-th frame begins, so that reading can start in the middle of it.
**
** Within this folder.  While a file is read: position_frame before each frame whose number is `next`, position_description for each block
** of pcapng that later ones need to be understood, positions_pack at the end.  Later: positions_find says where to go on.
**
** Packed, all varints (base/varint.h):
**
**     stride, frames, offset of frame 1, then for frame 1 + stride, 1 + 2 * stride, ... offset - offset of the one before
**     descriptions, then for each (offset - offset of the one before) * 2 + (1 for a section header, 0 for an interface)
**
** Memory and size are bounded: where there are too many frames every second one is forgotten and the stride doubles; a file with more
** descriptions than that has no positions.
*/
#ifndef TL_POSITIONS_H
#define TL_POSITIONS_H

#include "base/base.h"
#include "base/text.h"

enum { POSITIONS_STRIDE = 64, POSITIONS_FRAMES = 1 << 16, POSITIONS_DESCRIPTIONS = 1 << 16 };

typedef struct position_list {
    uint64_t next; /* frames read when the next one is to be noted; UINT64_MAX: none will be */
    uint64_t stride;
    uint64_t *frame; /* offsets; owned */
    size_t frames, frames_room;
    uint64_t *description; /* as packed, but not as differences; owned */
    size_t descriptions, descriptions_room;
} position_list;

void positions_begin(position_list *p); /* from here on frames are wanted */
void positions_free(position_list *p);  /* and nothing is wanted any more */
/* OK or ENOMEM. */
TL_MUST_USE tl_rc position_frame(position_list *p, uint64_t offset);
TL_MUST_USE tl_rc position_description(position_list *p, uint64_t offset, bool section);
/* Into out, nothing where nothing was noted.  OK or ENOMEM. */
TL_MUST_USE tl_rc positions_pack(const position_list *p, tl_text *out);

typedef struct position {
    uint64_t frame, offset; /* the last noted frame that is not beyond the wanted one */
    uint64_t *description;  /* offsets of what it needs, the section header first; owned */
    size_t descriptions;
} position;
/* END: packed holds nothing that helps (it is empty, or damaged).  OK: free out->description.  ENOMEM. */
TL_MUST_USE tl_rc positions_find(tl_span packed, uint64_t frame, position *out);

#endif
