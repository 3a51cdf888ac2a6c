/*
** table.h - all sessions of a capture: by key (a hash, SipHash-keyed, whose buckets are cache lines), by last activity (two lists: open
** ones, and closed ones that still answer to their key), and by the time at which they want to be looked at (binary heap).
**
** Everything here is O(1), or O(log n) for the heap; nothing depends on the order of segments.  What a session does is session.c's and
** reassemble.c's business.
*/
#ifndef TL_TABLE_H
#define TL_TABLE_H

#include "base/pool.h"
#include "stream/conn.h"
#include "stream/half.h"

typedef enum list_name { LIST_NONE, LIST_OPEN, LIST_CLOSED, LISTS } list_name;

/* Few hundred bytes, because a flood makes many: what only some sessions need is behind a pointer, and the addresses are as short as they
** can be. */
struct tl_session {
    tl_session *chain;         /* next in bucket.more */
    tl_session *newer, *older; /* in its list */
    tl_sessions *table;
    uint64_t id;
    void *slot;
    tl_layers *layers; /* of the first segment; NULL: none */
    uint64_t first_frame, last_frame;
    int64_t first_ns, last_ns; /* smallest and largest time of its segments */
    int64_t newest_ns;         /* time of its last segment */
    int64_t last_clock;        /* table clock of its last segment */
    int64_t handshake_ns;      /* time of the client's SYN, or, when rtt_known, what the handshake took; -1: not known */
    half half[2];              /* by side: what that side sent */
    conn conn;
    uint32_t first_capture, last_capture;
    uint32_t hash;
    uint32_t heap_at; /* 1-based place in the heap; 0: not there */
    uint32_t cost;    /* what the table has counted for it, in units of COST_UNIT */
    uint16_t port[2];
    uint8_t close_step[2];
    uint8_t roles : 2;   /* tl_roles */
    uint8_t client : 1;  /* the side that is the client */
    uint8_t told : 1;    /* an event was told: the roles are settled */
    uint8_t list : 2;    /* list_name */
    uint8_t fate : 2;    /* tl_fate, of the last tl_sessions_choose */
    uint8_t closing : 4; /* tl_why: being closed */
    uint8_t closed : 4;  /* tl_why: close told */
    bool reopened : 1, rebased : 1, syn_ack : 1, in_table : 1, rtt_known : 1;
    bool resumed : 1;  /* restored: its row exists */
    bool resting : 1;  /* restored, and nothing was asked of it since */
    bool deferred : 1; /* tl_session_defer */
    bool spoken : 1;   /* a segment was more than a SYN */
    bool ipv4 : 1;
    uint8_t ip[]; /* of both sides, the sender of the first segment first: of 4 bytes each (ipv4) or 16 */
};
_Static_assert(TL_WHYS <= 16, "closing and closed have four bits");

enum { COST_UNIT = 16 };

typedef struct heap_entry {
    int64_t deadline;
    tl_session *session;
} heap_entry;

enum { BUCKET_INLINE = 5 };

/* One cache line, so that a new session is missed and put by one look at it, and one that goes is found without a look at another. */
typedef struct bucket {
    uint16_t tag[BUCKET_INLINE]; /* of the sessions' hashes */
    uint16_t n;                  /* of them */
    uint16_t mark;               /* a bit for each hash in `more`, and perhaps for some that were there since it was empty */
    tl_session *session[BUCKET_INLINE];
    tl_session *more; /* those for which there was no room */
} bucket;

/* The segment being worked off. */
typedef struct current {
    tl_session *session; /* NULL: none */
    int side;
    uint64_t pos, ack_pos;
    const uint8_t *p;
    uint32_t n, cut; /* captured bytes left, and bytes the snaplen cut off after them */
    tl_why why;      /* KEEP_ALIVE, RST, or NONE */
    bool aside, fin; /* far outside the window: set aside; it said FIN */
    held *copied;    /* the node of `held` that the last piece was a copy of: the next piece begins there; NULL: none */
    held *node;      /* owned: the bytes are this node's, which was set aside and is believed now; NULL: the segment's own */
    tl_at at;
} current;

struct tl_sessions {
    tl_limits limits;
    uint64_t first_id, next_id, open;
    tl_pool pool[2]; /* where sessions lie, by their `ipv4` */
    held_pools held; /* where what they hold lies */
    tl_pool lanes;   /* of the halves */
    bucket *buckets;
    size_t bucket_n, session_n; /* bucket_n is a power of 2 */
    tl_session *newest[LISTS], *oldest[LISTS];
    heap_entry *heap; /* heap[0] is the earliest */
    uint32_t heap_n, heap_room;
    tl_session *replaced; /* sessions whose ports were taken over, linked by `chain`, first come first */
    tl_session **replaced_end;
    tl_session *gone;    /* closed and out of the table: freed at the next call */
    tl_session **ending; /* tl_sessions_end: what is left to close, by id */
    size_t ending_n, ending_at;
    int64_t clock; /* largest time seen: never goes back */
    tl_at told_at; /* the frame being worked on */
    current cur;
    held *lent; /* told by the last pull, freed by the next */
    size_t memory, memory_peak;
    size_t closed_memory;               /* what the sessions in LIST_CLOSED cost of it */
    char history[CONN_HISTORY_MAX + 2]; /* of the last tl_session_look */
    bool other_channel;                 /* of the last push */
    bool failed;                        /* memory ran out where it could not be said */
};

/* All of it is about to be looked at, and with tens of thousands of sessions none of it is in a cache: asked for at once, it comes in the
** time of one line.  p may be NULL. */
static inline void table_fetch(const void *p, size_t n)
{
    for (size_t at = 0; p != NULL && at < n; at += 64) __builtin_prefetch((const uint8_t *)p + at, 1);
}

/* The session of this pair of endpoints; *side: which of its sides src is. */
tl_session *table_find(const tl_sessions *t, const tl_segment *seg, uint32_t hash, int *side);
uint32_t table_hash(const tl_sessions *t, const tl_segment *seg);
/* A session of these endpoints, all zero but for what has no value yet, and not in the table.  NULL: no memory. */
tl_session *table_new(tl_sessions *t, const tl_addr *src, const tl_addr *dst);
/* Gives back the memory of one that has nothing but layers. */
void table_forget(tl_sessions *t, tl_session *s);
void table_pools(tl_sessions *t);
/* An endpoint. */
tl_addr table_addr(const tl_session *s, int side);
/* A new session, numbered, in the table and in the open list.  NULL: no memory, nothing changed. */
tl_session *table_add(tl_sessions *t, const tl_segment *seg, uint32_t hash);
/* Puts one that has its key, hash and number into the table.  false: no memory, nothing changed. */
bool table_put(tl_sessions *t, tl_session *s, list_name list);
/* Out of hash, list and heap. */
void table_remove(tl_sessions *t, tl_session *s);
void table_free_session(tl_sessions *t, tl_session *s);
/* To the newest end of a list. */
void table_list(tl_sessions *t, tl_session *s, list_name list);
/* Puts the session's deadline (INT64_MAX: none) into the heap.  A failed allocation sets t->failed. */
void table_deadline(tl_sessions *t, tl_session *s, int64_t deadline);
/* Counts what the session holds now. */
void table_account(tl_sessions *t, tl_session *s);
/* session.c: sets the deadline from what the session is. */
void session_rearm(tl_session *s);

#endif
