/*
** batch.h - rows on their way to the database, and everything they point at.
**
** A batch is four things at once, so that nothing else is needed: the arena, the queue item, the back-pressure and the
** transaction.  One thread owns it at a time; handing it over hands over all its memory.
**
** Reader side, per session: a tl_flow joins BYTES into chunks and counts what became of each byte.
**
**     tl_batch_event(b, flow, &ev) ...        rows in the order of the events
**     tl_batch_message(b, flow, &msg) ...
**     tl_batch_session(b, flow, &info)        at the session's end, and when tl_flows_due() says so
**     tl_batch_session_part(b, flow, &info)   for each flow that tl_batch_touched() lists; then the batch is the writer's
**
** A chunk that is not full stays with its flow over many batches, and so do the messages that lie in it: a small session is written
** once, whole, and a chunk of a slow one is not cut by what others do.  A session's row leaves out what is held back, so whatever is
** handed over balances.
**
** A short session that has ended may come as a tape (stream/tape.h) instead, with what its row needs: nothing of it is in the batch or in
** an earlier one.  Whoever has the batch next makes its rows, by the same calls, before anything is packed.
**
** Writer side: pack, bring together what belongs together (tl_batch_order), then walk that.
**
** Rows of sessions come first and hold absolute facts; what became of the bytes (stored, gap, duplicate, stray) is told as
** additions, because the store changes these counts too when it compares copies or heals gaps.
*/
#ifndef TL_BATCH_H
#define TL_BATCH_H

#include "base/arena.h"
#include "base/stock.h"
#include "base/varint.h"
#include "message/framer.h"
#include "stream/resume.h"
#include "stream/tape.h"

/* Raw bytes of a chunk at most: with its arrivals and the row's other columns it fills two overflow pages and the local part of a
** 32 KiB page (see DESIGN.md, "space"). */
enum { TL_CHUNK_ROW = 69580 };

typedef struct tl_batch tl_batch;
typedef struct tl_flow tl_flow;

/* ---- rows ---- */

typedef struct tl_row_session {
    tl_session_info info; /* pointers in it point into the batch */
    bool exists;          /* a row was written by an earlier batch: update it */
    bool healed;          /* messages must be framed again: offset 0 moved, or bytes came after the close */
    const char *protocol; /* "" unknown */
    struct {              /* additions since the session's last row */
        uint64_t stored, gap, duplicate, stray;
    } add[2];
    bool asks[2];    /* ops of this direction leave counts to the store: COPY, REBASE */
    bool changed[2]; /* the direction's row has to be written; else what an earlier batch told of it still holds, or will be told at the
                        close */
} tl_row_session;

typedef enum tl_op_kind { TL_OP_CHUNK, TL_OP_GAP, TL_OP_STRAY, TL_OP_COPY, TL_OP_REBASE, TL_OP_MESSAGE, TL_OP_STATE } tl_op_kind;

typedef struct tl_op_chunk {
    uint64_t offset;
    uint32_t raw_size;  /* bytes of the stream */
    uint32_t data_size; /* as stored: == raw_size: raw; less: zlib (the sqlar rule) */
    uint32_t arrivals_size;
    uint32_t capture;
    const uint8_t *data, *arrivals;
    int64_t first_ns, last_ns; /* smallest and largest */
    uint64_t first_frame, last_frame;
} tl_op_chunk;

/* GAP; STRAY; COPY (bytes that the store has to hold against the chunks and gaps of the range); REBASE (length: the shift). */
typedef struct tl_op_event {
    tl_why why;
    uint64_t offset, length;
    const uint8_t *bytes; /* STRAY, COPY */
    uint64_t peer_acked;  /* COPY */
    tl_at at, before, after, told;
    bool joins; /* GAP: the first row of its direction in this batch; it may go on with a gap of an earlier one */
} tl_op_event;

/* What a later run needs to go on with the session; n 0: nothing, what was saved is forgotten. */
typedef struct tl_op_state {
    const uint8_t *bytes;
    size_t n;
    tl_session_mark mark;
} tl_op_state;

typedef struct tl_op {
    tl_op_kind kind;
    uint64_t session_id;
    tl_dir dir;
    union {
        tl_op_chunk chunk;
        tl_op_event event;
        tl_message message; /* MESSAGE; its spans point into the batch */
        tl_op_state state;
    };
} tl_op;

/* ---- the batch ---- */

/* bytes: the size at which the batch counts as full.  NULL: no memory. */
tl_batch *tl_batch_new(size_t bytes);
/* Nobody will pack its chunks. */
void tl_batch_stays_raw(tl_batch *b);
void tl_batch_free(tl_batch *b); /* NULL is fine */
void tl_batch_reset(tl_batch *b);
bool tl_batch_full(const tl_batch *b);
bool tl_batch_empty(const tl_batch *b);

/* All OK or ENOMEM. */
TL_MUST_USE tl_rc tl_batch_event(tl_batch *b, tl_flow *f, const tl_event *ev);
TL_MUST_USE tl_rc tl_batch_message(tl_batch *b, tl_flow *f, const tl_message *m);
/* The session's row, and everything of it that was held back. */
TL_MUST_USE tl_rc tl_batch_session(tl_batch *b, tl_flow *f, const tl_session_info *info, const char *protocol);
/* The session's row as far as its rows in this batch and in earlier ones go. */
TL_MUST_USE tl_rc tl_batch_session_part(tl_batch *b, tl_flow *f, const tl_session_info *info, const char *protocol);
/* The state of a session whose row is in this batch or an earlier one; copied. */
TL_MUST_USE tl_rc tl_batch_state(tl_batch *b, uint64_t session_id, tl_span state, const tl_session_mark *mark);
/* The flows that have rows in this batch and whose session row is not in it yet, one after the other; NULL: none left.
** The caller answers each with tl_batch_session_part(). */
tl_flow *tl_batch_touched(tl_batch *b);

/* A session that has ended, and all that it told. */
typedef struct tl_taped {
    struct tl_taped *next;
    tl_session_info info; /* pointers in it point into the batch, and the tape lies there */
    tl_span tape;
} tl_taped;
/* Both are copied. */
TL_MUST_USE tl_rc tl_batch_tape(tl_batch *b, const tl_session_info *info, tl_span tape);
/* All of them in the order in which they came, for whoever makes their rows: once, before tl_batch_played() and nothing else is called.
** A session that was reopened has its tape before the rows of what followed: so rows made in between go before those that are there. */
const tl_taped *tl_batch_play(tl_batch *b);
TL_MUST_USE tl_rc tl_batch_played(tl_batch *b);

/* As they came, from 0, until the batch is ordered; NULL: there are no more. */
const tl_row_session *tl_batch_session_at(const tl_batch *b, size_t i);
const tl_op *tl_batch_op_at(const tl_batch *b, size_t i);
uint64_t tl_batch_payload_bytes(const tl_batch *b);

/* A row or an op of a session. */
typedef struct tl_batch_item {
    uint32_t session_id; /* 31 bits: message_id is session_id << 32 | number */
    uint8_t kind;        /* tl_op_kind */
    bool alone;          /* the op is more than a new row: it looks at what is stored */
    union {
        const tl_row_session *row;
        const tl_op *op;
    };
} tl_batch_item;
typedef struct tl_batch_items {
    const tl_batch_item *rows, *rows_end, *ops, *ops_end; /* in the batch */
} tl_batch_items;
/* Rows and ops by session; those of one session in the order in which they came.  Many sessions at a time tell a little each: written as
** they came, their rows would lie on other pages each time.  When nobody packs.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_batch_order(tl_batch *b, tl_batch_items *out);

/* ---- packing: chunks are compressed in place where that makes them shorter ----
** After the last row is in the batch and before the store sees it, by any number of threads at once:
**
**     tl_batch_pack_cut(b, &run) under a lock, until false;  tl_packer_run(own packer, &run) without one
**
** What comes out depends on a chunk's bytes and on the level alone, and packing twice changes nothing. */

/* What one thread needs for it.  level: 1 to 9, as zlib.  NULL: no memory. */
typedef struct tl_packer tl_packer;
tl_packer *tl_packer_new(int level);
void tl_packer_free(tl_packer *p); /* NULL is fine */

/* Some of a batch's ops, as they came. */
typedef struct tl_pack_run {
    const tl_batch_item *first, *end; /* borrowed until the batch is ordered or reset */
} tl_pack_run;
/* The next part of the batch that nobody packs yet; false: none is left. */
bool tl_batch_pack_cut(tl_batch *b, tl_pack_run *run);
void tl_packer_run(tl_packer *p, const tl_pack_run *run);
/* All that is left of it.  p NULL: nothing is packed. */
void tl_batch_pack(tl_batch *b, tl_packer *p);

/* ---- the flow: one per session that has anything to tell; owned by the caller ---- */

/* What it holds comes from the stock, which outlives it; NULL: from malloc.  owner: handed back by tl_flow_owner.  NULL: no memory. */
tl_flow *tl_flow_new(tl_stock *stock, uint64_t session_id, void *owner);
/* The flow is another session's from here on, as if new: after its last tl_batch_session(), and where it joined no others. */
void tl_flow_again(tl_flow *f, uint64_t session_id);
void tl_flow_free(tl_flow *f); /* after its last tl_batch_session(); NULL is fine */
void *tl_flow_owner(const tl_flow *f);

/* What all flows of a pipeline hold back.  All zero to start; outlives its flows. */
typedef struct tl_flows {
    size_t bytes;     /* of memory */
    uint64_t payload; /* that went through them: their clock */
    tl_flow *first, **last;
} tl_flows;
/* Once, before the flow's first event. */
void tl_flow_join(tl_flow *f, tl_flows *all);
/* Where the clock stood when the first flow of them began to hold what it has; UINT64_MAX: none holds anything. */
uint64_t tl_flows_oldest(const tl_flows *all);
/* The flow that has held something back for longest, where together they hold more than `bytes`, or it has done so for `payload` bytes of
** all flows' payload; NULL: none.  The caller answers with tl_batch_session(). */
tl_flow *tl_flows_due(const tl_flows *all, size_t bytes, uint64_t payload);

/* ---- chunk.arrivals ----
** One entry a run of bytes that one frame brought, in the order of the stream: four varints
**     bytes, zigzag(frame - frame before), zigzag(ns - ns before), zigzag(peer_acked - peer_acked before)
** where "before" is 0 for peer_acked, first_frame and first_ns of the chunk for the first entry. */
typedef struct tl_arrival {
    uint64_t bytes;
    uint64_t frame;
    int64_t ns;
    uint64_t peer_acked;
} tl_arrival;
/* Reads the next entry from the front of *in and moves it on; *a holds the entry before (start: first_frame, first_ns, 0).
** false: the end, or damaged. */
bool tl_arrival_next(tl_span *in, tl_arrival *a);
/* Writes `a` after `before` (start: as above) at out, which has room for TL_ARRIVAL_MAX bytes; returns the number written. */
enum { TL_ARRIVAL_MAX = 4 * TL_VARINT_MAX };
size_t tl_arrival_put(uint8_t *out, const tl_arrival *before, const tl_arrival *a);

/* ---- two copies of the same bytes: used here and by the store, which holds the older ones ---- */

/* The range from the first to the last byte that differs, in stream offsets, half-open; from == to: none so far.  All zero to start. */
typedef struct tl_difference {
    uint64_t from, to;
} tl_difference;
/* Takes n bytes of both copies into account, those at `offset`; pieces may come in any order. */
void tl_difference_add(tl_difference *d, uint64_t offset, const uint8_t *one, const uint8_t *other, size_t n);

#endif
