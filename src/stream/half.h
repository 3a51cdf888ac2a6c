/*
** half.h - one direction of a session: what is known of its sequence space, and what is held back.
**
** Everything here counts in positions: sequence numbers unwrapped to 64 bits by half_unwrap(), which is used nowhere else.  Offset 0
** of the stream is the position `base`; [base, next) has been told.
**
**     held        data from `next` on that waits behind a hole, or (not fixed) for offset 0 to be decided; and cuts
**     front       data below `base` of a direction picked up midway: told at the close, after a REBASE
**
** A direction is `fixed` when offset 0 is decided: by its SYN, by the acknowledgement in the peer's SYN-ACK, or at the lowest position held
** when the grace has passed.
*/
#ifndef TL_HALF_H
#define TL_HALF_H

#include "stream/held.h"
#include "stream/session.h"

/* What few directions ever show. */
typedef struct rare {
    held_tree front;
    held_tree aside;    /* far outside what the peer's window allows: believed when something supports it, else strays; few nodes */
    held_tree believed; /* taken from there, to be worked off like segments that come just now; empty between segments */
    uint64_t front_at, front_end;            /* positions: what of the front is still to be told, once REBASE was */
    uint64_t sack_from, sack_to, sack_frame; /* the highest block that the peer has selectively acknowledged; 0: none */
    uint64_t wild_ack;                       /* an acknowledgement far beyond all that is known, not believed so far; 0: none */
    uint64_t syn_base;                       /* the position after a SYN that came too late to be the base; 0: none */
    uint64_t other_channel;                  /* copies of another tap */
    uint32_t sack_capture, urgent;
    uint8_t wild_acks;
} rare;

/* What a direction needs once it has carried payload, or said FIN, or something was acknowledged that proves bytes. */
typedef struct lane {
    held_tree held;
    int64_t since;        /* clock of the first payload, while not fixed */
    tl_at before;         /* the frame that carried the last byte told */
    uint64_t acked_frame; /* the ACK that half.acked is from; 0: none, or what it acknowledged proves no byte */
    int64_t acked_clock;
    uint64_t fin_pos, fin_frame;
    uint64_t captured_bytes, segments, out_of_order, retransmitted;
    uint32_t acked_capture, fin_capture;
    rare *rare; /* owned; NULL: nothing of it was needed so far */
} lane;

typedef struct half {
    uint64_t ref;   /* highest position known: where half_unwrap looks from; 0: nothing known */
    uint64_t base;  /* fixed: of offset 0.  Else of its first segment, or else the first acknowledged; 0: none */
    uint64_t next;  /* 0 while not fixed */
    uint64_t top;   /* end of what this side has sent, as its own segments tell; 0: no segment */
    uint64_t acked; /* highest position the peer has acknowledged, FIN excluded; 0: none */
    uint64_t packets, wire_bytes;
    lane *lane; /* owned; NULL: nothing of it was needed so far */
    uint32_t isn;
    uint32_t channel; /* of the stack of tags and tunnels that this direction sticks to */
    uint32_t bad_checksums;
    uint16_t mss, window, max_window;
    int8_t window_scale;
    bool has_isn : 1, fixed : 1, exact : 1; /* exact: the base came from a SYN or SYN-ACK: nothing may precede it */
    bool fin : 1, rst : 1, fin_acked : 1;
    bool payload : 1; /* it has carried some */
    bool holed : 1;   /* a GAP was told, which late data may heal */
} half;

/* The lane, or one that is all zero; likewise. */
extern const lane half_no_lane;
extern const rare half_no_rare;
static inline const lane *half_lane_seen(const half *h)
{
    return h->lane != NULL ? h->lane : &half_no_lane;
}
static inline const rare *half_rare_seen(const half *h)
{
    return h->lane != NULL && h->lane->rare != NULL ? h->lane->rare : &half_no_rare;
}
/* Of offset 0; 0: not decided. */
static inline uint64_t half_base(const half *h)
{
    return h->fixed ? h->base : 0;
}
/* The position of a raw sequence number, the nearest one to `ref`.  The first call of a direction defines the space. */
uint64_t half_unwrap(half *h, uint32_t seq);
/* half_unwrap without taking note of anything; ref must be known. */
static inline uint64_t half_position(const half *h, uint32_t seq)
{
    return h->ref + (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)h->ref);
}
/* A FIN at the position after the last byte.  The lane is there. */
void half_fin(half *h, uint64_t pos, tl_at at);
/* The peer acknowledged everything below pos.  false: no memory. */
TL_MUST_USE bool half_ack(tl_pool *lanes, half *h, uint64_t pos, tl_at at, int64_t clock);
/* The peer holds [from, to), though not all before it (RFC 2018).  false: no memory. */
TL_MUST_USE bool half_sack(tl_pool *lanes, half *h, uint64_t from, uint64_t to, tl_at at, int64_t clock);
/* True where a byte of [from, to) is neither told nor held. */
bool half_missing(const half *h, uint64_t from, uint64_t to);
/* True where pos is farther from all that is known of this direction than the window of its receiver, p, allows. */
bool half_far(const half *h, const half *p, uint64_t pos);
/* True where the two positions are within the receiver's window of each other. */
bool half_near(const half *p, uint64_t a, uint64_t b);
/* The nodes set aside around pos that continue each other: how many, and the range they span. */
unsigned half_run(const half *h, uint64_t pos, uint64_t *from, uint64_t *to);
/* They are believed: moved to `believed`.  false: no memory; the node at hand is lost. */
TL_MUST_USE bool half_believe(held_pools *pools, half *h, uint64_t pos);
/* Decides offset 0; nothing held lies below base. */
void half_fix(half *h, uint64_t base, bool exact);
/* Puts a new node into held, with the proof of the hole before it where there is one already.  false: no memory, nothing changed. */
TL_MUST_USE bool half_hold(held_pools *pools, half *h, held *node, int64_t clock);
/* Made when needed, of the table's pool for lanes.  NULL: no memory. */
lane *half_lane(tl_pool *lanes, half *h);
rare *half_rare(tl_pool *lanes, half *h);
/* Frees of both what is all zero and not needed. */
void half_trim(tl_pool *lanes, half *h);
void half_free(held_pools *pools, tl_pool *lanes, half *h);

/* What the direction could tell now. */
typedef enum half_ready { HALF_NOTHING, HALF_FIX, HALF_DATA, HALF_CUT, HALF_HOLE } half_ready;
typedef struct half_view {
    half_ready ready;
    held *node; /* the first one held */
    tl_why why; /* HOLE: the reason */
} half_view;
/* closing: NONE, or why the session ends (every hole is then decided).  silent: the peer has sent nothing in this capture. */
half_view half_look(const half *h, int64_t clock, tl_why closing, bool silent, const tl_limits *limits);
static inline bool half_holds(const half *h)
{
    return h->lane != NULL && h->lane->held.nodes > 0;
}
/* Holds data until offset 0 is decided.  Meanwhile the other direction is held too, or it would be told before what it answers. */
static inline bool half_waits(const half *h)
{
    return !h->fixed && half_holds(h);
}
/* The clock at which half_look will have something that it has not now; INT64_MAX: time changes nothing. */
int64_t half_deadline(const half *h, bool silent, const tl_limits *limits);

#endif
