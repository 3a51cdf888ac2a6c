/*
** framer.h - events in, messages out.  Push one event, pull messages until dry.
**
** One framer per session.  It waits for heads, counts bodies, keeps sync over holes inside bodies, finds the next boundary after
** holes over heads, and pairs responses with requests.
*/
#ifndef TL_FRAMER_H
#define TL_FRAMER_H

#include "message/registry.h"
#include "stream/event.h"

typedef enum tl_sync { TL_SYNC_START, TL_SYNC_COUNTED, TL_SYNC_RESYNCED, TL_SYNC_GUESSED } tl_sync;
const char *tl_sync_name(tl_sync s); /* "start", "counted", "resynced", "guessed" */

typedef enum tl_pairing {
    TL_PAIR_NONE,
    TL_PAIR_PROVED,    /* response: one request is possible */
    TL_PAIR_BY_ID,     /* response: the protocol's own id names it */
    TL_PAIR_ORDERED,   /* response: pipelined, paired by order */
    TL_PAIR_UNASKED,   /* response: its request is not in the capture */
    TL_PAIR_UNANSWERED /* request: no response (only known later: see tl_message.update) */
} tl_pairing;
const char *tl_pairing_name(tl_pairing p); /* NULL for NONE, "proved", "by_id", "ordered", "unasked", "unanswered" */

/* A message is a range of a stream, not a copy of it. */
typedef struct tl_message {
    bool update;      /* not a new message: the request numbered `number` turned out to be unanswered; only number, dir and pairing hold */
    uint64_t number;  /* 1-based within the session, in the order in which messages began; message_id = session_id << 32 | number */
    uint64_t ordinal; /* 1-based within the direction */
    tl_dir dir;
    uint64_t offset, length; /* length of what is known to belong to it, missing bytes included */
    uint64_t missing;        /* bytes of it that fell into gaps */
    uint64_t head_length;
    const char *protocol; /* static or the detector's: "http", "turn" */
    const char *kind;     /* static: "request", "response", "turn" */
    tl_span summary;      /* escaped text; borrowed until the next pull or push */
    tl_span detail;       /* JSON object, or empty; borrowed likewise */
    bool complete;        /* its end is known and nothing is missing */
    tl_sync sync;
    tl_at first, last;   /* frames that carried its first and last captured bytes */
    uint64_t peer_acked; /* bytes of the other direction that its sender had acknowledged when it began */
    uint64_t answers;    /* number of the request it answers; 0: none */
    tl_pairing pairing;
} tl_message;

typedef struct tl_framer tl_framer;
struct tl_stock;

/* NULL: no memory.  The registry outlives the framer. */
tl_framer *tl_framer_new(const tl_registry *r, uint16_t server_port);
/* The same, for many: what it holds comes from the stock (base/stock.h), which outlives it; NULL: from malloc. */
tl_framer *tl_framer_new_from(struct tl_stock *stock, const tl_registry *r, uint16_t server_port);
/* Memory of what waits for the other direction in many framers together: one that needs more than is left gives up. */
typedef struct tl_framers {
    size_t held_bytes, held_most;
} tl_framers;
/* Counts f among them, from its first event on; *all outlives it. */
void tl_framer_join(tl_framer *f, tl_framers *all);
void tl_framer_free(tl_framer *f); /* NULL is fine */
/* OK or ENOMEM.  The event's bytes are not needed any more when the framer has been pulled dry. */
TL_MUST_USE tl_rc tl_framer_push(tl_framer *f, const tl_event *ev);
/* OK: *out is the next message.  END: dry.  ENOMEM. */
TL_MUST_USE tl_rc tl_framer_pull(tl_framer *f, tl_message *out);
/* More had to wait for the other direction than may: messages and pairings are not what the events in causal order would give.  Whoever has
** the events again, in that order (query/replay.h), frames the session anew. */
bool tl_framer_gave_up(const tl_framer *f);
/* The protocol that was detected, "" while undecided or unknown. */
const char *tl_framer_protocol(const tl_framer *f);
/* Heap memory in use. */
size_t tl_framer_memory(const tl_framer *f);

#endif
