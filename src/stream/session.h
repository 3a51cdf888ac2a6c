/*
** session.h - TCP sessions rebuilt from segments, without trusting the capture.
**
** Push one segment, pull its session until dry; then let time pass:
**
**     tl_sessions_push(table, &seg, &session);
**     while (tl_session_pull(session, &ev)) ...
**     while ((session = tl_sessions_due(table, seg.at)) != NULL)
**         while (tl_session_pull(session, &ev)) ...
**
** and at the end of the capture tl_sessions_end(table) until NULL, pulling each until dry.
**
** INVARIANTS, per direction (tests cite the numbers):
**   1. BYTES and GAP events tile the stream: each begins where the last ended, the first at 0 (front ones: see event.h).
**   2. No byte is delivered twice, none is invented, and no captured payload byte disappears: each is in exactly one
**      BYTES, COPY or STRAY event.
**   3. Of two copies of a byte the first seen is delivered; COPY tells of the other.
**   4. The same segments in the same order give the same events.  No clock, no randomness, no thread, no file; the hash
**      key decides nothing that can be seen.
*/
#ifndef TL_SESSION_H
#define TL_SESSION_H

#include "packet/segment.h"
#include "stream/event.h"

typedef struct tl_limits {
    size_t memory_bytes;  /* sessions and held bytes together; pressure declares holes, then evicts the idlest (default 256 MiB) */
    size_t hole_bytes;    /* held bytes behind the holes of one direction, before the oldest hole is declared (default 128 MiB) */
    size_t max_sessions;  /* live sessions; the idlest is evicted; 0: only memory bounds them */
    int64_t idle_ns;      /* silence that ends a session (default 1 h) */
    int64_t grace_ns;     /* how long an acknowledged hole may still fill (default 200 ms); one-sided ones wait 10 x */
    int64_t linger_ns;    /* how long a session that FIN or RST ended stays open for late segments (default 5 s); whole ones: grace_ns */
    bool vlan_key;        /* VLAN tags are part of the key */
    uint8_t hash_key[16]; /* random, from the caller: see invariant 4 */
} tl_limits;

/* The defaults above, hash_key all zero. */
tl_limits tl_limits_default(void);

typedef enum tl_roles { /* how we know who the client is, in falling order of certainty */
                        TL_ROLES_SYN,
                        TL_ROLES_SYN_ACK,
                        TL_ROLES_PORT,   /* the lower port is the server */
                        TL_ROLES_SPEAKER /* the first speaker is the client */
} tl_roles;
const char *tl_roles_name(tl_roles r); /* "syn", "syn_ack", "port", "first_speaker" */

typedef struct tl_stream_info {
    bool has_isn, has_base;
    uint32_t isn;            /* where a SYN was seen */
    uint32_t base_seq;       /* raw sequence number of offset 0, where known */
    uint64_t length;         /* BYTES and GAP told so far */
    uint64_t captured_bytes; /* payload bytes captured, less those that are still held */
    uint64_t segments;       /* segments with payload */
    uint64_t out_of_order;   /* of them: arrived after a later byte, carrying new ones */
    uint64_t retransmitted;  /* of them: carrying only bytes seen before */
    uint64_t other_channel;  /* copies of another tap, not counted in what follows */
    uint64_t packets;        /* all segments */
    uint64_t wire_bytes;     /* of their IP datagrams */
    uint64_t urgent;         /* segments with URG */
    uint64_t bad_checksums;
    uint16_t mss;        /* 0: not told */
    int8_t window_scale; /* -1: not told */
    bool fin, rst;       /* seen */
} tl_stream_info;

typedef struct tl_session_info {
    uint64_t id; /* from 1, in the order of the first segments */
    tl_addr client, server;
    tl_roles roles;
    bool midstream; /* no SYN in either direction */
    bool rebased;   /* offset 0 moved: messages must be framed again */
    bool reopened;  /* segments came after its close was told: its row exists, and messages must be framed again */
    bool resumed;   /* restored from an earlier run (resume.h): its row exists, and messages must be framed again */
    bool deferred;  /* tl_session_defer: it has no row, though it may be reopened */
    tl_why closed;  /* NONE while live */
    tl_at first, last;
    int64_t rtt_ns;           /* SYN to SYN-ACK to ACK; -1: not known */
    const tl_layers *layers;  /* of the first segment; borrowed from the session */
    const char *conn_state;   /* Zeek's, static text */
    const char *history;      /* Zeek's; borrowed until the next push */
    tl_stream_info stream[2]; /* by tl_dir */
} tl_session_info;

typedef struct tl_sessions tl_sessions;
typedef struct tl_session tl_session;

/* NULL: no memory.  first_id: the number of the next session (1 for a new database). */
tl_sessions *tl_sessions_new(const tl_limits *limits, uint64_t first_id);
void tl_sessions_free(tl_sessions *t); /* NULL is fine */

/* One segment (borrowed until the session is pulled dry, which must happen before the next push).  In-order payload is delivered by
** reference; only what must wait is copied.  OK: *out is the session to pull.  ENOMEM: nothing changed.
** When the segment's SYN begins a new session on the ports of a live one, the old one comes out of tl_sessions_due first. */
TL_MUST_USE tl_rc tl_sessions_push(tl_sessions *t, const tl_segment *seg, tl_session **out);
/* The segment pushed last came on another channel (stack of tags and tunnels) than its direction sticks to and brought nothing new: the
** copy of another tap.  It is compared like any copy; the frame's outcome is TL_SEG_OTHER_CHANNEL. */
bool tl_sessions_other_channel(const tl_sessions *t);
/* A segment is being worked off: its bytes count as captured though not all of them are told yet. */
bool tl_sessions_busy(const tl_sessions *t);
/* The next event; false when dry. */
bool tl_session_pull(tl_session *s, tl_event *out);
/* The next session that has something to say because of the time (at.ns; going backwards is harmless), a limit or reused ports; NULL: none.
** When the close of a session has been told, its slot is the caller's to free and set to NULL before the next call on the table.  The
** table may remember it, without slot, for late segments: push then hands it out again, `reopened`. */
tl_session *tl_sessions_due(tl_sessions *t, tl_at at);
/* The capture is over: the next session to close, in order of id; NULL when all are closed, but those that were restored (resume.h) and of
** which nothing came: their close was told by the run that saved them. */
tl_session *tl_sessions_end(tl_sessions *t);

/* True once both CLOSE events have been pulled. */
bool tl_session_closed(const tl_session *s);
/* Of tl_session_look(), for who needs nothing else. */
uint64_t tl_session_id(const tl_session *s);
bool tl_session_reopened(const tl_session *s);
/* Fills *out with what is known now. */
void tl_session_look(const tl_session *s, tl_session_info *out);
/* One pointer for the layer above, NULL at first. */
void **tl_session_slot(tl_session *s);

/* ---- sessions that were only asked for ---- */

/* What there is to say of one that is nothing but SYNs of its client, without payload, that nobody answered. */
typedef struct tl_unanswered {
    uint64_t id;
    tl_addr client, server;
    uint64_t packets, wire_bytes;
    tl_at first, last; /* ns: smallest and largest */
} tl_unanswered;
/* Is it one, and is nothing of it written yet?  *out: NULL, or filled in where it is. */
bool tl_session_unanswered(const tl_session *s, tl_unanswered *out);
/* Its close was told, and the caller wrote nothing of it.  The table gives it out once more, closed and with nothing to tell, when no late
** segment can find it any more (tl_session_forgotten): from tl_sessions_due, and at the end by tl_sessions_next alone.  Until then one
** opens it again, and the caller says with `false` when it has written it. */
void tl_session_defer(tl_session *s, bool yes);
bool tl_session_forgotten(const tl_session *s);

typedef struct tl_sessions_stats {
    uint64_t live, total;
    size_t memory_bytes, memory_peak;
} tl_sessions_stats;
void tl_sessions_look(const tl_sessions *t, tl_sessions_stats *out);

#endif
