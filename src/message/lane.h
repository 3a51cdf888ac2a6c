/*
** lane.h - what the files of the framer share: its state, and that of one direction (a lane).  Not for other folders.
**
** framer.c takes events in, decides the protocol and hands out what is finished; lane.c frames one direction by a detector; seek.c finds
** the next boundary of a lost one; turn.c frames directions of unknown protocols; open.c is the message in progress.
**
** PLACES in a stream, in order: lane.at (the next byte to be framed) <= at + carry <= lane.told (the end of the events pushed).
** The bytes from `at` on are those of the carry, then those of the piece at hand, then those of the hold.
*/
#ifndef TL_LANE_H
#define TL_LANE_H

#include "base/stock.h"
#include "message/carry.h"
#include "message/framer.h"
#include "message/pairing.h"

enum { TL_TURN_SHOWN = 60 }; /* bytes of a turn in its summary */

typedef enum tl_lane_state { /* see the table in lane.c */
                             TL_LANE_HEAD,
                             TL_LANE_BODY,
                             TL_LANE_TO_CLOSE,
                             TL_LANE_LOST,
                             TL_LANE_TURN
} tl_lane_state;

/* The message in progress, and one that waits to be pulled. */
typedef struct tl_open {
    struct tl_open *next;
    tl_message m;
    tl_role role;
    bool captured; /* some byte of it was captured: first and last hold */
    tl_text summary, detail;
    uint8_t shown[TL_TURN_SHOWN + 1]; /* turn: its first bytes */
    size_t shown_n;
} tl_open;

typedef struct tl_lane {
    tl_dir dir;
    tl_lane_state state;
    bool last_frame;            /* BODY, TO_CLOSE: of the frame's message */
    bool switches;              /* what follows this message is another protocol: */
    bool elastic;               /* HEAD with a message open: a hole belongs to it (tl_verdict.elastic) */
    const tl_detector *next;    /* this one; NULL: to be detected */
    uint64_t next_id, next_ask; /* and the request of that number is taken along under that id; 0: none */
    bool candidate;             /* LOST: resync has said that a boundary may lie at `at` */
    uint64_t ripe; /* LOST: a whole frame that begins at `at` ends there, and what follows it would tell whether it is one; 0: none */
    bool ripe_weak;
    uint8_t settling; /* LOST: how often a chain was looked for, */
    uint64_t settled; /* and up to where the last time */
    bool closed;
    bool peer_spoke;  /* TURN: bytes of the other direction came after our last ones, from its offset `heard` on */
    bool turn_probed; /* TURN: the run that begins has been offered to the detectors */
    tl_sync sync;     /* of the message that begins next */
    uint64_t told, at;
    int before;       /* the byte before `at`, or TL_UNKNOWN */
    uint64_t left;    /* BODY: bytes up to the end of the frame */
    uint64_t ordinal; /* messages begun */
    uint64_t heard;
    uint64_t limit;    /* TURN: bytes before this offset had reached the other side when it spoke */
    size_t need, seen; /* HEAD, LOST: what the detector asked for about the boundary at `at` */
    tl_carry *carry;
    tl_open *open;
} tl_lane;

typedef enum tl_phase {
    TL_PHASE_DETECT, /* events are held until the protocol is known */
    TL_PHASE_FRAMED, /* by detector */
    TL_PHASE_TURNS   /* unknown protocol */
} tl_phase;

struct tl_framer {
    tl_stock *stock; /* borrowed: of the framer itself, its state, its hold and its messages; may be NULL */
    const tl_registry *registry;
    const tl_detector *detector; /* FRAMED */
    const char *protocol;        /* of the last one that was detected, "" before */
    void *state;                 /* the detector's, state_size bytes */
    uint16_t server_port;
    tl_phase phase;
    uint8_t tries;             /* detections begun at turns */
    bool impatient;            /* events are not held any more until the other direction has caught up */
    bool closing[2];           /* its CLOSE was pushed: nothing waits for that direction any more */
    bool redetect;             /* DETECT was entered with bytes at hand */
    bool waits;                /* DETECT: what the detectors said, without a YES, ... */
    uint16_t asked[2];         /* ... of so many bytes of each direction: they are asked again only about more */
    const tl_detector *likely; /* ... or NULL */
    uint64_t number;           /* messages begun */
    uint64_t order;            /* events pushed */
    tl_lane lane[2];
    tl_pairs pairs[2];         /* by the direction of the requests */
    tl_piece incoming;         /* what is left of the event pushed last; length 0: nothing */
    uint64_t jump;             /* bytes that no event told, right before incoming */
    tl_hold *hold;             /* NULL while nothing is held */
    tl_framers *all;           /* where its bytes are counted; NULL: nowhere */
    size_t counted;            /* of them there */
    tl_open *done, **done_end; /* finished messages, to be pulled */
    tl_open *pulled;           /* the one whose texts the caller holds */
};

/* ---- open.c ---- */

/* A message begins at lane->at.  OK: lane->open is it.  ENOMEM: nothing changed. */
TL_MUST_USE tl_rc tl_open_begin(struct tl_framer *f, tl_lane *l, const char *protocol, const char *kind, uint64_t peer_acked);
/* It gets its number: in the order in which messages began. */
void tl_open_number(struct tl_framer *f, tl_lane *l);
/* n captured bytes, brought by these frames, or n missing ones belong to it.  All NULL-safe: bytes may belong to no message. */
void tl_open_bytes(tl_lane *l, uint64_t n, const tl_at *first, const tl_at *last);
void tl_open_missing(tl_lane *l, uint64_t n);
/* It ends here; known: and this is its end.  Without any captured byte it is dropped. */
TL_MUST_USE tl_rc tl_open_finish(struct tl_framer *f, tl_lane *l, bool known);
void tl_open_free(struct tl_framer *f, tl_open *o);

/* ---- lane.c ---- */

/* Takes something from the piece, or changes state: call it until the piece is empty. */
TL_MUST_USE tl_rc tl_lane_step(struct tl_framer *f, tl_lane *l, tl_piece *p);
/* The waiting bytes and, when there are none, those of the piece; see lane.c.  OK or ENOMEM. */
TL_MUST_USE tl_rc tl_lane_view(tl_lane *l, tl_piece *p, tl_span *out);
/* What is left of the piece waits until more comes. */
TL_MUST_USE tl_rc tl_lane_wait(tl_lane *l, tl_piece *p, size_t need, size_t seen);
/* The first n bytes of the view belong to the message in progress (if any). */
void tl_lane_take(tl_lane *l, tl_piece *p, size_t n);
void tl_lane_enter(tl_lane *l, tl_lane_state state);
tl_head tl_lane_head(const struct tl_framer *f, const tl_lane *l, const tl_piece *p, tl_span bytes, bool ended);
/* Sync was lost, and the protocol is another one now. */
TL_MUST_USE tl_rc tl_lane_stay_lost(struct tl_framer *f, tl_lane *l);
/* Sync is lost here: the message in progress is cut, `skip` bytes of the view hold no boundary. */
TL_MUST_USE tl_rc tl_lane_lose(struct tl_framer *f, tl_lane *l, tl_piece *p, size_t skip);

/* ---- seek.c ---- */

TL_MUST_USE tl_rc tl_lane_seek(struct tl_framer *f, tl_lane *l, tl_piece *p);

/* The other side, which has acknowledged so much, speaks: that decides on what this lane, lost, has before it. */
bool tl_lane_may_settle(const tl_lane *l, uint64_t acked);
TL_MUST_USE tl_rc tl_lane_settle(struct tl_framer *f, tl_lane *l, uint64_t acked);

/* ---- turn.c ---- */

/* *probe: set when a run is about to begin that the detectors have not seen; nothing was taken then. */
TL_MUST_USE tl_rc tl_turn_step(struct tl_framer *f, tl_lane *l, tl_piece *p, bool *probe);

#endif
