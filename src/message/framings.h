/*
** framings.h - declared framings (declared.h) from text, and the registry that they make together with the built-in detectors.
**
** The text is an INI file, a section a protocol:
**
**     [sensor]                       ; the name of the protocol
**     ports = 7000, 7100-7110        ; where it is looked for; without ports the bytes alone have to be proof
**     magic = 53 4e "SR"             ; bytes in hexadecimal, or text in double quotes
**     magic_at = 0                   ; where they stand (default 0)
**     length_at = 4                  ; the length field: where,
**     length_size = 2                ; how many bytes (1 to 8),
**     length_order = big             ; big (default) or little,
**     length_unit = 1                ; what it counts (default bytes),
**     length_adds = 6                ; and what has to be added for the whole message (default 0; may be negative)
**     frame_min = 6                  ; other lengths are refused (defaults: what the fields need, and 1 MiB)
**     frame_max = 65536
**     check = 3: 01..04              ; the byte at offset 3 lies in a range (or "3: 01"); may be given several times
**     trailer = 0d 0a                ; the last bytes of a message
**     id_at, id_size, id_order       ; pairs a response with the request of the same id
**     type_at, type_size, type_order ; lands in detail, and
**     type = 1: login request        ; gives it a name, and a part: request or response; may be given several times
**     answers = server               ; what the server says answers the client (where the types do not say)
**
**     [lines]
**     ports = 9000
**     terminator = 0a                ; instead of a length field
**
** Numbers may be hexadecimal: 0x1b58.
*/
#ifndef TL_FRAMINGS_H
#define TL_FRAMINGS_H

#include "message/registry.h"

typedef struct tl_framings tl_framings;

/* text: all of the file; file: its name, for errors.  NULL: *err says "FILE:LINE: what is wrong" (EUSAGE), or no memory. */
tl_framings *tl_framings_read(const char *text, const char *file, tl_error *err);
void tl_framings_free(tl_framings *f); /* NULL is fine; not before the last framer that uses it */

/* A registry of the declared framings, in the order of the text, and then those of `base` (borrowed).  Lives as long as f. */
const tl_registry *tl_framings_registry(tl_framings *f, const tl_registry *base); /* NULL: no memory */

#endif
