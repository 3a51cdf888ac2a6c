/*
** raw.c - a few blocks go round: filled here, hashed, filled again.
**
** Each block has headroom in front of its data.  When the caller needs bytes that continue in the next block, the unused tail of
** this one is copied into that headroom, so that a frame is always in one piece and all others are never copied.
**
** The first blocks are hashed where they are read; a file that goes on for longer gets a thread for it, because SHA-256 costs about
** as much as all the rest of reading.  A block is handed to the hasher as soon as it is full, while the caller still reads in it:
** both only read.
**
** Invariants:
** 1. blocks are hashed and come back to `free_blocks` in the order in which they were filled;
** 2. with two or more blocks going round, the one that the caller reads in is therefore the last that could be taken again;
** 3. a block that was handed over is not written to until it has been taken from `free_blocks`.
*/
/* The plain SHA256_ calls, deprecated as they are: they allocate nothing and cannot fail, while the first EVP call of a process reads
** openssl.cnf and, in libcrypto 3.0, reads through a null pointer where a malloc in it fails. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "capture/raw.h"
#include "base/queue.h"
#include "base/thread.h"

#include <assert.h>
#include <errno.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

enum {
    BLOCKS = 4,
    BLOCK_BYTES = 512 * 1024,
    FIRST_BYTES = 32 * 1024, /* of the first block: all that most small captures need */
    HEADROOM = 16 * 1024,
    /* The data of a block begins on a page.  The kernel's copy out of the page cache runs at 10 GB/s then; at 16 bytes past a page, where
    ** malloc would put it, at 2 GB/s (measured on AMD EPYC: loads and stores that share their low 12 bits wait for each other). */
    PAGE = 4096,
    INLINE_BLOCKS = 8 /* so many are hashed before a thread is worth its start */
};

typedef struct block {
    uint8_t *memory; /* owned; NULL until first used */
    size_t headroom, room, filled;
} block;

struct tl_raw {
    tl_reader reader;
    block blocks[BLOCKS];
    tl_queue *free_blocks, *to_hash;
    block *current;
    bool handed; /* current went to the hasher already */
    bool threaded;
    bool sought; /* what is read is not the file from its first byte to its last */
    pthread_t hasher;
    SHA256_CTX sha; /* the hasher's alone while it runs */
    uint64_t count, filled_blocks;
    tl_rc ended; /* OK while the file goes on */
    int error_number;
};

tl_raw *tl_raw_new(tl_reader reader)
{
    tl_raw *r = calloc(1, sizeof *r);
    if (r == NULL) {
        reader.close(reader.self);
        return NULL;
    }
    r->reader = reader;
    r->free_blocks = tl_queue_new(BLOCKS);
    r->to_hash = tl_queue_new(BLOCKS);
    if (r->free_blocks == NULL || r->to_hash == NULL) {
        tl_raw_free(r);
        return NULL;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        tl_rc rc = tl_queue_push(r->free_blocks, &r->blocks[i]);
        assert(rc == TL_OK);
        (void)rc;
    }
    SHA256_Init(&r->sha);
    return r;
}

static void hash_block(tl_raw *r, const block *b)
{
    SHA256_Update(&r->sha, b->memory + b->headroom, b->filled);
}

/* The hasher's whole life: what comes in goes back, in order. */
static void *hash_all(void *arg)
{
    tl_raw *r = arg;
    void *item;
    while (tl_queue_pop(r->to_hash, &item) == TL_OK) {
        hash_block(r, item);
        if (tl_queue_push(r->free_blocks, item) != TL_OK) break;
    }
    return NULL;
}

static void stop_hasher(tl_raw *r)
{
    tl_queue_close(r->to_hash, TL_END);
    if (!r->threaded) return;
    pthread_join(r->hasher, NULL);
    r->threaded = false;
}

void tl_raw_free(tl_raw *r)
{
    if (r == NULL) return;
    if (r->to_hash != NULL) stop_hasher(r);
    tl_queue_free(r->to_hash);
    tl_queue_free(r->free_blocks);
    for (size_t i = 0; i < BLOCKS; i++) free(r->blocks[i].memory);
    r->reader.close(r->reader.self);
    free(r);
}

/* The current block is as full as it will get.  Neither queue can be closed or full here: they have a slot for every block. */
static void hand_over(tl_raw *r)
{
    if (r->handed || r->current == NULL) return;
    r->handed = true;
    r->filled_blocks++;
    if (!r->threaded && !r->sought && r->filled_blocks == INLINE_BLOCKS) r->threaded = tl_thread_start(&r->hasher, hash_all, r);
    tl_rc rc;
    if (r->threaded) {
        rc = tl_queue_push(r->to_hash, r->current);
    } else {
        if (!r->sought) hash_block(r, r->current);
        rc = tl_queue_push(r->free_blocks, r->current);
    }
    assert(rc == TL_OK);
    (void)rc;
}

static size_t round_up(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

/* Takes the next free block as the current one, with the caller's tail in front of its data. */
static tl_rc next_block(tl_raw *r, tl_span *window, size_t want)
{
    hand_over(r);
    void *item = NULL;
    tl_rc rc = tl_queue_pop(r->free_blocks, &item);
    assert(rc == TL_OK && item != r->current);
    (void)rc;
    block *b = item;

    assert(want < SIZE_MAX / 4 && window->n < SIZE_MAX / 4);
    size_t headroom = round_up(window->n > HEADROOM ? window->n : HEADROOM);
    size_t more = want > window->n ? want - window->n : 0;
    size_t usual = r->current == NULL ? FIRST_BYTES : BLOCK_BYTES;
    size_t room = round_up(more > usual ? more : usual);
    if (b->memory == NULL || b->headroom != headroom || b->room != room) {
        uint8_t *memory = aligned_alloc(PAGE, headroom + room);
        if (memory == NULL) {
            r->ended = TL_ENOMEM; /* the block is out of the round now */
            return TL_ENOMEM;
        }
        free(b->memory);
        b->memory = memory;
        b->headroom = headroom;
        b->room = room;
    }
    b->filled = 0;
    uint8_t *tail = b->memory + headroom - window->n;
    if (window->n > 0) memcpy(tail, window->p, window->n);
    *window = tl_span_of(tail, window->n);
    r->current = b;
    r->handed = false;
    return TL_OK;
}

tl_rc tl_raw_more(tl_raw *r, tl_span *window, size_t want)
{
    if (r->ended != TL_OK) return r->ended;
    block *b = r->current;
    bool fits = b != NULL && !r->handed && b->filled < b->room && want <= window->n + (b->room - b->filled);
    if (!fits) {
        tl_rc rc = next_block(r, window, want);
        if (rc != TL_OK) return rc;
        b = r->current;
    }
    uint8_t *end = b->memory + b->headroom + b->filled;
    if (window->n == 0) *window = tl_span_of(end, 0);
    assert(window->p + window->n == end);

    ssize_t got;
    do {
        got = r->reader.read(r->reader.self, end, b->room - b->filled);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        r->error_number = errno;
        return r->ended = TL_EIO;
    }
    if (got == 0) {
        hand_over(r);
        return r->ended = TL_END;
    }
    assert((size_t)got <= b->room - b->filled);
    b->filled += (size_t)got;
    r->count += (size_t)got;
    window->n += (size_t)got;
    if (b->filled == b->room) hand_over(r);
    return TL_OK;
}

tl_rc tl_raw_drain(tl_raw *r)
{
    tl_rc rc;
    do {
        tl_span none = {0};
        rc = tl_raw_more(r, &none, 1);
    } while (rc == TL_OK);
    return rc;
}

bool tl_raw_seekable(const tl_raw *r)
{
    return r->reader.seek != NULL;
}

tl_rc tl_raw_seek(tl_raw *r, uint64_t offset)
{
    if (r->ended == TL_ENOMEM) return r->ended;
    if (!r->reader.seek(r->reader.self, offset)) {
        r->error_number = errno;
        return r->ended = TL_EIO;
    }
    r->ended = TL_OK;
    r->sought = true;
    return TL_OK;
}

uint64_t tl_raw_count(const tl_raw *r)
{
    return r->count;
}

int tl_raw_errno(const tl_raw *r)
{
    return r->error_number;
}

bool tl_raw_sha256(tl_raw *r, uint8_t out[32])
{
    if (r->ended != TL_END || r->sought) return false;
    stop_hasher(r);
    SHA256_Final(out, &r->sha);
    return true;
}
