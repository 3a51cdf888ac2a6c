/*
** held.h - captured ranges of one direction that cannot be told yet: an ordered set of disjoint ranges of positions.
**
** A position is a sequence number unwrapped to 64 bits (half.c).  A node is either data (a copy of captured bytes) or a cut: bytes
** that the snaplen kept out of the capture.  Data may be put over a cut (held_punch makes room), never over data.
**
** The nodes are found through a B+-tree of pages that hold positions and lengths beside pointers.  Every operation is O(log n), so no
** order of segments makes it slow; and a segment in the midst of a million touches two pages and writes a node, but looks at none of its
** neighbours, which lie anywhere.  Small nodes and full-grown pages lie in pools.
*/
#ifndef TL_HELD_H
#define TL_HELD_H

#include "base/pool.h"

typedef struct held {
    uint64_t pos;
    uint32_t n;
    bool cut, fin; /* fin: the segment said FIN (known of nodes set aside only) */
    bool pooled;
    uint32_t capture, proof_capture;
    uint64_t proof_frame; /* an ACK that covers the hole before this node; 0: none yet */
    int64_t proof_clock;  /* when it came, by the table's clock */
    int64_t clock;        /* when the node came, by the table's clock */
    int64_t ns;           /* the frame that carried the bytes */
    uint64_t frame;
    uint64_t ack_pos; /* position in the other direction that the sender had acknowledged; 0: none */
    uint8_t bytes[];  /* n of them; none for a cut */
} held;

/* Where the nodes and pages of all trees of a table lie. */
typedef struct held_pools {
    tl_pool nodes, pages;
} held_pools;

typedef struct held_tree {
    struct held_page *root;
    held *first;            /* the lowest one: looked at after each segment */
    struct held_page *leaf; /* the one looked at last, where everything within [from, to) belongs; NULL: none */
    uint64_t from, to;
    size_t bytes; /* memory: nodes and pages */
    size_t nodes;
    uint64_t data; /* captured bytes in it */
} held_tree;

/* An empty tree is all zero. */

void held_pools_init(held_pools *pools);
/* All nodes were freed, all trees are empty. */
void held_pools_clear(held_pools *pools);
/* A data node with a copy of the bytes, or a cut (bytes NULL), not in a tree yet.  NULL: no memory. */
held *held_new(held_pools *pools, uint64_t pos, const uint8_t *bytes, uint32_t n, tl_at at);
/* Of one that is in no tree; NULL is fine. */
void held_delete(held_pools *pools, held *h);
/* Puts h into the tree; it overlaps nothing there.  false: no memory, nothing changed. */
TL_MUST_USE bool held_insert(held_pools *pools, held_tree *t, held *h);
/* Takes h out; the caller frees it. */
void held_remove(held_pools *pools, held_tree *t, held *h);
held *held_first(const held_tree *t);
/* The one after h, which is in the tree. */
held *held_next(held_tree *t, const held *h);
/* The node that holds pos, or else the first one after it; NULL: none. */
held *held_at(held_tree *t, uint64_t pos);
/* Where that node begins, or pos where it holds it, from the pages alone; UINT64_MAX: none. */
uint64_t held_next_at(held_tree *t, uint64_t pos);
/* Removes what cuts have within [from, to).  false: no memory (a cut in the middle splits); nothing changed then. */
bool held_punch(held_pools *pools, held_tree *t, uint64_t from, uint64_t to);
void held_clear(held_pools *pools, held_tree *t);
/* What one node costs, pages left out. */
size_t held_cost(const held *h);

#endif
