/*
** rows.h - the batch and the flow as the files of this folder share them.  Nobody else includes it.
*/
#ifndef TL_BATCH_ROWS_H
#define TL_BATCH_ROWS_H

#include "batch/batch.h"

/* Of a page of 32 KiB (https://www.sqlite.org/fileformat2.html, "Cell payload overflow pages"): bytes of an overflow page, and at most and
** at least of a row in a leaf of a table. */
enum { PAGE_OVERFLOW = 32768 - 4, PAGE_LOCAL_MOST = 32768 - 35, PAGE_LOCAL_LEAST = 4087 };

/* Of a chunk under construction: the flow's, from its stock; malloc'ed from more than TL_STOCK_MOST bytes on, and a batch may take it then
** (batch_keep). */
typedef struct buffer {
    uint8_t *p;
    uint32_t n, room;
} buffer;

/* A buffer that the batch took: freed when it is reset. */
typedef struct kept {
    struct kept *next;
    uint8_t *p;
} kept;

/* A message that lies, in whole or in part, in bytes which are still in an open chunk.  Its spans point into `text`. */
typedef struct waiting {
    struct waiting *next;
    size_t bytes;
    tl_message m;
    uint8_t text[];
} waiting;

/* Chunk rows know the one before them in the same direction, for the comparison of copies. */
typedef struct chunk_op {
    tl_op op;
    struct chunk_op *older;
} chunk_op;

/* Rows, or ops.  An array: they themselves lie all over the arena, and whoever reads the list next is on another core. */
typedef struct item_list {
    tl_batch_item *at; /* owned; what it has room for outlives a reset */
    size_t n, room;
} item_list;

struct tl_batch {
    tl_arena *arena; /* owned */
    size_t bytes;    /* full at this size */
    uint64_t round;  /* number of resets: what a flow remembers of an earlier round is void */
    uint64_t payload;
    item_list session_items, op_items;
    bool lost_item;   /* no memory for one: the batch cannot be ordered */
    tl_flow *touched; /* list through tl_flow.touched_next */
    size_t touched_n;
    kept *kept;
    size_t kept_bytes;
    bool raw;     /* nothing will be packed */
    size_t later; /* bytes that rows of the sessions on tapes will take, about */
    tl_taped *tapes, **tapes_end;
    item_list later_session_items, later_op_items; /* what was there when tapes began to be played */
    size_t unpacked;                               /* of op_items: where the next thread cuts */
};

/* A chunk that still grows.  One capture, contiguous bytes. */
typedef struct open_chunk {
    bool open, encoded; /* encoded: `first` is set, and what follows it up to `before` is in `entries` */
    uint32_t capture;
    uint64_t offset;
    int64_t first_ns, last_ns;
    uint64_t first_frame, last_frame;
    buffer data, entries;
    tl_arrival first, before; /* first entry: written last, because it counts from the smallest frame and time */
    tl_arrival run;           /* the entry that still grows */
} open_chunk;

typedef struct flow_dir {
    open_chunk chunk; /* outlives batches */
    chunk_op *newest; /* of this batch, raw until the batch is handed over */
    tl_op *gap;       /* the last op, where it is a gap that may still grow */
    uint64_t shift;   /* by REBASE: what later messages of the framer, which does not know, have to move by */
} flow_dir;

/* Tells whether anything of a direction's row changed: each segment of the direction counts in `seen`; what the other one's segments, time
** and limits change is in the rest. */
typedef struct told {
    uint64_t seen, length, captured_bytes;
    uint32_t base_seq;
    bool has_base;
} told;

struct tl_flow {
    tl_stock *stock; /* borrowed; may be NULL */
    uint64_t session_id;
    void *owner;
    bool exists; /* a row was made, by this batch or an earlier one */
    bool touched;
    tl_flow *touched_next, **touched_prev;
    tl_batch *batch; /* where the following is good, in this round of it */
    uint64_t round;
    tl_row_session *row; /* in the batch; NULL: none yet */
    flow_dir dir[2];
    struct {
        uint64_t stored, gap, duplicate, stray;
    } add[2];
    bool asks[2]; /* see tl_row_session */
    told told[2]; /* the directions' last rows; no segment seen: unknown */
    /* What is held back: the open chunks, and the messages that wait for them, in the order in which they came. */
    waiting *waiting, **waiting_end;
    size_t held_bytes;
    tl_flows *flows; /* where that is counted; NULL: nowhere */
    tl_flow *held_next, **held_prev;
    uint64_t held_since; /* tl_flows.payload then */
};

void *batch_alloc(tl_batch *b, size_t n);
/* The batch takes over a malloc'ed buffer.  False: no memory, and it did not. */
bool batch_keep(tl_batch *b, uint8_t *p, size_t bytes);
/* Appends an op made by the caller in the batch. */
void batch_op(tl_batch *b, tl_op *op, tl_op_kind kind, tl_flow *f, tl_dir dir);
/* The flow forgets what it knew of another batch. */
void batch_enter(tl_batch *b, tl_flow *f);
/* Likewise, and adds it to the list of those that need a session row. */
void batch_touch(tl_batch *b, tl_flow *f);
void batch_untouch(tl_flow *f);

/* Closes the open chunk of a direction, if there is one, into an op.  ENOMEM: it stays open. */
TL_MUST_USE tl_rc flow_close_chunk(tl_batch *b, tl_flow *f, tl_dir dir);
/* Holds a COPY against what this batch has of its range; what it cannot decide becomes an op for the store. */
TL_MUST_USE tl_rc flow_copy(tl_batch *b, tl_flow *f, const tl_event *ev);
/* A stray row of `length` bytes at ev->bytes.p + skip. */
TL_MUST_USE tl_rc flow_stray(tl_batch *b, tl_flow *f, const tl_event *ev, uint64_t offset, size_t skip, size_t length, tl_why why);

/* In how many rows a chunk of so many raw bytes should lie that would have so many others in its row; *last: raw bytes of each row but the
** first, which has the rest. */
unsigned fit_rows(size_t raw, size_t others, size_t *last);
/* Will packing leave these bytes as they are?  A guess from a sample. */
bool fit_stays_raw(const uint8_t *in, size_t n);
/* The rows of a chunk, the first with all that is not in the others, into out[0 .. rows).  arrivals: room for those of `whole` and
** TL_ARRIVAL_MAX more for each row. */
void fit_cut(const tl_op_chunk *whole, unsigned rows, size_t last, uint8_t *arrivals, chunk_op *out);

/* Makes room for n more bytes.  False: no memory, nothing changed.  n and what is in it at most TL_CHUNK_ROW. */
bool held_room(tl_flow *f, buffer *b, size_t n);
void held_free(tl_flow *f, buffer *b);
/* Another one owns its bytes now. */
void held_gone(tl_flow *f, buffer *b);
/* The messages that have nothing to wait for any more, into the batch. */
TL_MUST_USE tl_rc held_release(tl_batch *b, tl_flow *f);
/* All that is held back is lost. */
void held_drop(tl_flow *f);

#endif
