/*
** stage.h - one session's events written by hand, played into a batch, and from there into a database.
**
** A script is a list of steps separated by ';', each a list of words:
**
**     c bytes 0 hello 1          direction (c client, s server), kind, offset, the bytes, the frame
**     c copy 0 hexxo 9           keep: the same with the reason keep_alive
**     c held 0 hexxo hello 9     a copy with the bytes that win beside it
**     c gap 5 10 acked 7         offset, length, reason, the frame that proves it
**     c stray -5 zzz rst 9
**     c rebase 5 9               by how much
**     hand                       the batch is handed over (to the store, where there is one), a new one begins
**
** A frame may be CAPTURE:FRAME, and FRAME/ACKED tells the bytes of the other direction that its sender had acknowledged.  Frame n comes at
** n microseconds.
*/
#ifndef TL_STAGE_H
#define TL_STAGE_H

#include "store/store.h"

typedef struct tl_stage {
    tl_batch *batch;
    tl_flow *flow;
    tl_store *store; /* borrowed; NULL: none */
    int level;       /* of packing */
    tl_session_info info;
    tl_layers layers;
} tl_stage;

void tl_stage_open(tl_stage *s, tl_store *store, uint64_t session_id);
void tl_stage_close(tl_stage *s);
void tl_stage_play(tl_stage *s, const char *script);
/* Row of the session, seal, pack, write where there is a store, reset. */
tl_rc tl_stage_hand_over(tl_stage *s);
void tl_stage_message(tl_stage *s, const tl_message *m);

/* The ops of the batch as text, one a line: "c chunk 0 hello 5@1".  malloc'ed. */
char *tl_stage_ops(const tl_stage *s);
/* The counts that the session's rows in the batch add: "c 5 0 0 0 s 0 0 0 0" (stored, gap, duplicate, stray).  malloc'ed. */
char *tl_stage_counts(const tl_stage *s);

/* A new path for a database; removed with its journal by tl_scratch_done. */
char *tl_scratch(const char *name);
void tl_scratch_done(char *path);
/* All rows of a SELECT, or of several with ';' between them, as text: columns joined by '|', rows by '\n'; "error: ..." where it fails.
** malloc'ed. */
char *tl_rows(const char *db, const char *sql);

#endif
