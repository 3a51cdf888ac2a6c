/*
** pairing.h - which request a response answers, by what its sender had acknowledged.
**
** One tl_pairs per direction of requests, all zero at first.
**
**     tl_pairs_ask       a request begins
**     tl_pairs_tag       the tag of the request that a message beginning at this offset would answer
**     tl_pairs_answer    a response begins: the request it answers, and how we know
**     tl_pairs_doubt     a message begins that may be a response
**     tl_pairs_ended     a message of the responses' direction has ended: at this offset the next one may begin
**     tl_pairs_hole      sync was lost: a request's or a response's head may be missing
**     tl_pairs_answer_id the same where the protocol's own id names the request
**     tl_pairs_report    requests that are now known to be unanswered, one after the other
**     tl_pairs_close     nothing can answer any more
**     tl_pairs_tagged    the latest open request with such a tag
*/
#ifndef TL_PAIRING_H
#define TL_PAIRING_H

#include "message/framer.h"

enum { TL_PAIRS_MAX = 256 }; /* requests without an answer that are remembered; the oldest gives way, reported unanswered */

typedef struct tl_ask {
    uint64_t number; /* of the request's message */
    uint64_t begin;  /* where it begins in its direction */
    uint64_t acked;  /* bytes of the responses' direction that its sender had acknowledged */
    uint64_t id;     /* where has_id */
    uint32_t tag;
    bool has_id;      /* only a response with its id answers it */
    bool by_order;    /* a response had the choice between this one and others */
    bool after_hole;  /* a request's head was lost right before it, and no response answers that one yet */
    bool before_hole; /* sync was lost behind it: requests may be missing there */
    bool doubtful;    /* a response after a hole may have been its answer: it is not reported */
} tl_ask;

typedef struct tl_pairs {
    tl_ask *asks; /* asks[first .. first + n), oldest first; of them `gone` at the front are unanswered for good */
    uint32_t first, n, room, gone;
    uint64_t last_end; /* where the last response ended */
    uint64_t heard;    /* the most that the sender of a response had acknowledged */
    bool broken;       /* a response's head was lost since the last pairing that was certain */
    bool hole_before;  /* a request's head was lost, no request has begun since, and no response answers it yet */
    bool pipelined;    /* a request was sent before the answer to the one before it had arrived whole */
} tl_pairs;

typedef struct tl_reply {
    uint64_t number; /* of the request; 0: none */
    tl_pairing pairing;
} tl_reply;

void tl_pairs_free(tl_pairs *p); /* and back to all zero */
TL_MUST_USE tl_rc tl_pairs_ask(tl_pairs *p, uint64_t number, uint64_t begin, uint64_t acked, uint32_t tag,
                               const uint64_t *id); /* id: NULL: none */
/* offset: where the response begins; acked: bytes of the requests' direction that its sender had acknowledged.  0: none is known; *any:
** there are some all the same. */
uint32_t tl_pairs_tag(const tl_pairs *p, uint64_t offset, uint64_t acked, bool *any);
/* interim: the request stays open for its final answer. */
tl_reply tl_pairs_answer(tl_pairs *p, uint64_t offset, uint64_t acked, bool interim);
/* What its sender had received may be answered by it: no such request is reported as unanswered. */
void tl_pairs_doubt(tl_pairs *p, uint64_t acked);
/* The latest open request of that id.  Nothing is said of the others: answers come in any order. */
tl_reply tl_pairs_answer_id(tl_pairs *p, uint64_t id, bool interim);
/* answered: it was a final answer, and its request is known. */
void tl_pairs_ended(tl_pairs *p, uint64_t end, bool answered);
/* of_request: in the requests' direction; cut: a message was in progress there, which may be all that the hole hit. */
void tl_pairs_hole(tl_pairs *p, bool of_request, bool cut);
/* True: *number is the next unanswered request. */
bool tl_pairs_report(tl_pairs *p, uint64_t *number);
void tl_pairs_close(tl_pairs *p);
/* Its number, where its tag has one of these bits; 0: there is none. */
uint64_t tl_pairs_tagged(const tl_pairs *p, uint32_t bits);
/* Another protocol follows: nothing of it answers the requests there are, but for the one of that number, which it knows by id; 0: none. */
void tl_pairs_switch(tl_pairs *p, uint64_t number, uint64_t id);

#endif
