/*
** follow.h - the parts of a dialogue as text to read, in the manner of tshark's follow.
**
**     tl_follow_begin → tl_follow_add for each part → tl_follow_end; each adds to a text, which the caller writes and empties.
**
** TEXT   lines of the client begin with "> ", of the server with "< "; what is not readable is escaped as everywhere (text.h)
** HEX    offset in the stream, 16 bytes, the same as ASCII; the server's lines begin with a tab.  Byte for byte what tshark prints
** RAW    hexadecimal digits, a line a frame, the server's after a tab, and nothing else: likewise
** YAML   tshark's peers and packets, with the keys index, capture and offset added
**
** Missing bytes are never among the bytes.  TEXT and HEX have lines that begin with "! ", which no line of payload does; YAML has items
** with the key `missing` instead of `data`; RAW says nothing: tell them elsewhere (tl_follow_gap).
*/
#ifndef TL_QUERY_FOLLOW_H
#define TL_QUERY_FOLLOW_H

#include "query/dialogue.h"

typedef enum tl_follow_as { TL_FOLLOW_TEXT, TL_FOLLOW_HEX, TL_FOLLOW_RAW, TL_FOLLOW_YAML } tl_follow_as;

/* Set `as` and `coloured`, the rest zero. */
typedef struct tl_follow {
    tl_follow_as as;
    bool coloured; /* TEXT, HEX */
    bool open;     /* TEXT: a line of `side` has begun */
    tl_dir side;
    uint8_t held[4]; /* TEXT: the front of a character, or a CR, of `side`, whose rest comes with the next part */
    size_t n_held;
    uint64_t index[2];
} tl_follow;

void tl_follow_begin(tl_follow *f, tl_text *t, int64_t session, const tl_peer *client, const tl_peer *server);
void tl_follow_add(tl_follow *f, tl_text *t, const tl_part *p);
void tl_follow_end(tl_follow *f, tl_text *t);

/* One line about a gap, without its end. */
void tl_follow_gap(tl_text *t, const tl_part *gap);
/* Bytes as hexadecimal digits. */
void tl_hex_add(tl_text *t, tl_span bytes);

#endif
