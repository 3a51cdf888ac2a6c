/*
** dialogue.h - a stored session, part by part, in the order of time: what follow and frames show.
**
**     tl_dialogue_open → tl_dialogue_next until END → tl_dialogue_close
**
** The order is that of tl_replay_by_frame: within a direction that of the stream, between the directions that of the frames.
** A part is what one frame brought (of one direction, without a break), or a gap.  Memory is a chunk a direction and one part.
*/
#ifndef TL_QUERY_DIALOGUE_H
#define TL_QUERY_DIALOGUE_H

#include "query/query.h"

typedef struct tl_peer {
    char addr[TL_ADDR_TEXT];
    uint16_t port;
} tl_peer;

typedef struct tl_part {
    bool gap;
    tl_dir dir;
    uint64_t offset, length;
    tl_span bytes;       /* not of a gap; borrowed until the next call.  Frames of more than 1 MiB come in several parts */
    tl_at at;            /* the frame that brought it; of a gap: the one that proves it (frame 0: none), without a time */
    tl_at before, after; /* of a gap: the frames on both sides (frame 0: none) */
    const char *reason;  /* of a gap: as in the table */
} tl_part;

typedef struct tl_dialogue tl_dialogue;

/* direction: 0, 1, or -1 for both.  NULL: the reader's error says why.  The reader has to outlive it. */
tl_dialogue *tl_dialogue_open(tl_reader *r, int64_t session, int direction);
/* OK, END, or what went wrong: then the reader's error says it. */
TL_MUST_USE tl_rc tl_dialogue_next(tl_dialogue *d, tl_part *out);
void tl_dialogue_close(tl_dialogue *d); /* NULL is fine */
/* 0: the client, 1: the server. */
const tl_peer *tl_dialogue_peer(const tl_dialogue *d, int side);

/* Are these bytes, as a gap's reason tells, capture loss (the network delivered them), or is that unknown? */
bool tl_is_capture_loss(const char *reason);

#endif
