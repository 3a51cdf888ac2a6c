/*
** raw.c - a few blocks go round: filled here, hashed, filled again.
**
** Each block has headroom in front of its data.  When the caller needs bytes that continue in the next block, the unused tail of
** this one is copied into that headroom, so that a frame is always in one piece and all others are never copied.
**
** The first blocks are read and hashed by the caller; a file that goes on for longer gets a thread.  What may be read ahead (a file)
** that thread reads as well as hashes, since the copy out of the page cache is the larger part of what is left of reading; of anything
** else (a pipe, where a read may wait and nothing could stop it) it hashes what the caller has read.
**
**     ALONE    free → the caller reads and hashes → free
**     HASHING  free → the caller reads → to_hash → the thread hashes → free       the caller still reads in it: both only read
**     READING  free → the thread reads → ready → the caller → free                the thread hashes it when it has handed it over
**
** A read that gives nothing ends the thread; the caller, once it has used all, then asks the file itself.  So a file that grows
** meanwhile ends where it would if nobody had read ahead.
**
** Invariants:
** 1. blocks are hashed in the order in which they were filled;
** 2. the block that the caller reads in is the last that could be taken again (ALONE, HASHING), or in no queue (READING);
** 3. a block that was handed over is not written to until it has been taken from `free_blocks`, but for the headroom in front of it;
** 4. `free_blocks` is never closed, and has room for every block.
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
    HEADROOM = 260 * 1024,   /* the longest packet that libpcap knows, and what is around it; memory is only taken where it is used */
    FIRST_HEADROOM = 16 * 1024,
    /* The data of a block begins on a page.  The kernel's copy out of the page cache runs at 10 GB/s then; at 16 bytes past a page, where
    ** malloc would put it, at 2 GB/s (measured on AMD EPYC: loads and stores that share their low 12 bits wait for each other). */
    PAGE = 4096,
    INLINE_BLOCKS = 8 /* so many are hashed before a thread is worth its start */
};

typedef enum work { ALONE, HASHING, READING } work;

typedef struct block {
    uint8_t *memory; /* owned; NULL until first used */
    size_t headroom, room, filled;
} block;

struct tl_raw {
    tl_reader reader; /* the thread's alone while it is READING */
    block blocks[BLOCKS];
    tl_queue *free_blocks, *to_hash, *ready;
    block *current; /* NULL: none yet, or the window is in the piece */
    block piece;    /* READING: a window that no block's headroom has room for; .memory NULL: it is not needed */
    bool handed;    /* current was hashed, or will be */
    bool sought;    /* what is read is not the file from its first byte to its last */
    work work;
    pthread_t thread;
    SHA256_CTX sha; /* the thread's alone while it runs */
    uint64_t count, handed_blocks, thread_at;
    tl_rc ended; /* OK while the file goes on */
    int error_number;
};

static void give_back(tl_raw *r, block *b)
{
    tl_rc rc = tl_queue_push(r->free_blocks, b);
    assert(rc == TL_OK);
    (void)rc;
}

static block *take_free(tl_raw *r)
{
    void *item = NULL;
    tl_rc rc = tl_queue_pop(r->free_blocks, &item);
    assert(rc == TL_OK);
    (void)rc;
    return item;
}

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
    r->ready = tl_queue_new(BLOCKS);
    if (r->free_blocks == NULL || r->to_hash == NULL || r->ready == NULL) {
        tl_raw_free(r);
        return NULL;
    }
    for (size_t i = 0; i < BLOCKS; i++) give_back(r, &r->blocks[i]);
    r->thread_at = INLINE_BLOCKS;
    SHA256_Init(&r->sha);
    return r;
}

static uint8_t *data_of(const block *b)
{
    return b->memory + b->headroom;
}

static void hash_block(tl_raw *r, const block *b)
{
    SHA256_Update(&r->sha, data_of(b), b->filled);
}

/* false: no memory; b is as it was. */
static bool resize(block *b, size_t headroom, size_t room)
{
    if (b->memory != NULL && b->headroom == headroom && b->room == room) return true;
    uint8_t *memory = aligned_alloc(PAGE, headroom + room);
    if (memory == NULL) return false;
    free(b->memory);
    *b = (block){.memory = memory, .headroom = headroom, .room = room};
    return true;
}

/* One read.  OK: there is more in b than there was. */
static tl_rc read_some(tl_raw *r, block *b)
{
    ssize_t got;
    do {
        got = r->reader.read(r->reader.self, data_of(b) + b->filled, b->room - b->filled);
    } while (got < 0 && errno == EINTR);
    if (got == 0) return TL_END;
    if (got < 0) {
        r->error_number = errno;
        return TL_EIO;
    }
    assert((size_t)got <= b->room - b->filled);
    b->filled += (size_t)got;
    return TL_OK;
}

/* ---- the thread ---- */

/* HASHING: what comes in goes back, in order. */
static void *hash_all(void *arg)
{
    tl_raw *r = arg;
    void *item;
    while (tl_queue_pop(r->to_hash, &item) == TL_OK) {
        hash_block(r, item);
        give_back(r, item);
    }
    return NULL;
}

/* READING: until there is no more to read, or nobody who wants it (`ready` is closed). */
static void *read_all(void *arg)
{
    tl_raw *r = arg;
    tl_rc rc;
    bool taken;
    do {
        block *b = take_free(r);
        b->filled = 0;
        do {
            rc = read_some(r, b);
        } while (rc == TL_OK && b->filled < b->room);
        taken = b->filled > 0 && tl_queue_push(r->ready, b) == TL_OK;
        if (taken)
            hash_block(r, b);
        else
            give_back(r, b);
    } while (taken && rc == TL_OK);
    tl_queue_close(r->ready, rc);
    return NULL;
}

/* The current block is full.  With READING it was hashed, and stays the caller's until the next one is there. */
static void start_thread(tl_raw *r)
{
    bool reads = r->reader.ahead;
    for (size_t i = 0; reads && i < BLOCKS; i++) {
        block *b = &r->blocks[i]; /* all but the current one are free, and nobody else is there to take them */
        if (b == r->current ? b->headroom != HEADROOM || b->room != BLOCK_BYTES : !resize(b, HEADROOM, BLOCK_BYTES)) return;
    }
    if (tl_thread_start(&r->thread, reads ? read_all : hash_all, r))
        r->work = reads ? READING : HASHING;
    else
        r->thread_at = UINT64_MAX;
}

/* Afterwards no window is good.  Where the thread that reads has closed `ready` itself it is, until a block is taken: all others are
** free by then, and lie before the current one. */
static void stop_thread(tl_raw *r)
{
    if (r->work == ALONE) return;
    if (r->work == HASHING) {
        tl_queue_close(r->to_hash, TL_END);
    } else {
        /* If the thread waits for a free block, all but the caller's are in `ready`: it gets one, and finds that nobody wants it. */
        void *item;
        tl_queue_close(r->ready, TL_END);
        while (tl_queue_pop(r->ready, &item) == TL_OK) give_back(r, item);
        if (r->current != NULL) give_back(r, r->current);
        r->handed = true;
    }
    pthread_join(r->thread, NULL);
    r->work = ALONE;
}

void tl_raw_free(tl_raw *r)
{
    if (r == NULL) return;
    stop_thread(r);
    tl_queue_free(r->ready);
    tl_queue_free(r->to_hash);
    tl_queue_free(r->free_blocks);
    for (size_t i = 0; i < BLOCKS; i++) free(r->blocks[i].memory);
    free(r->piece.memory);
    r->reader.close(r->reader.self);
    free(r);
}

/* ---- the caller: ALONE and HASHING ---- */

/* The current block is as full as it will get. */
static void hand_over(tl_raw *r)
{
    block *b = r->current;
    if (r->handed || b == NULL) return;
    r->handed = true;
    r->handed_blocks++;
    bool start = r->work == ALONE && !r->sought && b->filled == b->room && r->handed_blocks >= r->thread_at;
    if (start && !r->reader.ahead) start_thread(r);
    if (r->work == HASHING) {
        tl_rc rc = tl_queue_push(r->to_hash, b); /* has a slot for every block */
        assert(rc == TL_OK);
        (void)rc;
        return;
    }
    if (!r->sought) hash_block(r, b);
    if (start && r->reader.ahead) start_thread(r);
    if (r->work == ALONE) give_back(r, b);
}

static size_t round_up(size_t n)
{
    return (n + PAGE - 1) / PAGE * PAGE;
}

/* b is the current block, with the caller's tail in front of its data. */
static void go_on_in(tl_raw *r, block *b, tl_span *window)
{
    uint8_t *tail = data_of(b) - window->n;
    if (window->n > 0) memcpy(tail, window->p, window->n);
    *window = tl_span_of(tail, window->n);
    r->current = b;
    free(r->piece.memory);
    r->piece = (block){0};
}

/* Takes the next free block as the current one. */
static tl_rc next_block(tl_raw *r, tl_span *window, size_t want)
{
    hand_over(r);
    bool first = r->handed_blocks == 0;
    block *b = take_free(r);
    assert(b != r->current);
    size_t usual_headroom = first ? FIRST_HEADROOM : HEADROOM, usual = first ? FIRST_BYTES : BLOCK_BYTES;
    size_t more = want > window->n ? want - window->n : 0;
    size_t headroom = round_up(window->n > usual_headroom ? window->n : usual_headroom);
    if (!resize(b, headroom, round_up(more > usual ? more : usual))) return r->ended = TL_ENOMEM; /* the block is out of the round now */
    b->filled = 0;
    go_on_in(r, b, window);
    r->handed = false;
    return TL_OK;
}

/* ---- the caller: READING ---- */

/* The window moves into the piece, or to its front, if it is not there with room for a whole block behind it. */
static tl_rc make_piece(tl_raw *r, tl_span *window, size_t want)
{
    block *p = &r->piece;
    size_t n = window->n;
    if (r->current == NULL && p->room - p->filled >= BLOCK_BYTES) return TL_OK;
    if (r->current == NULL && p->room - n >= BLOCK_BYTES) {
        memmove(p->memory, window->p, n);
    } else {
        block larger = {0};
        if (!resize(&larger, 0, round_up(want > n ? want : n) + BLOCK_BYTES)) return TL_ENOMEM;
        memcpy(larger.memory, window->p, n);
        free(p->memory);
        *p = larger;
        if (r->current != NULL) give_back(r, r->current);
        r->current = NULL;
    }
    p->filled = n;
    *window = tl_span_of(p->memory, n);
    return TL_OK;
}

/* The window and the next block that was read ahead; END: there is no thread any more, the file may still go on. */
static tl_rc next_ready(tl_raw *r, tl_span *window, size_t want)
{
    bool in_piece = window->n > HEADROOM;
    if (in_piece && make_piece(r, window, want) != TL_OK) return r->ended = TL_ENOMEM;
    void *item;
    tl_rc rc = tl_queue_pop(r->ready, &item);
    if (rc == TL_END) {
        stop_thread(r);
        r->reader.ahead = false;
        r->thread_at = r->handed_blocks + INLINE_BLOCKS;
        return TL_END;
    }
    if (rc != TL_OK) return r->ended = rc;
    block *b = item, *through = b;
    size_t n = b->filled;
    if (in_piece) {
        memcpy(r->piece.memory + r->piece.filled, data_of(b), n);
        r->piece.filled += n;
    } else {
        through = r->current;
        go_on_in(r, b, window);
    }
    window->n += n;
    r->count += n;
    if (through != NULL) give_back(r, through);
    return TL_OK;
}

tl_rc tl_raw_more(tl_raw *r, tl_span *window, size_t want)
{
    assert(want < SIZE_MAX / 4 && window->n < SIZE_MAX / 4);
    if (r->ended != TL_OK) return r->ended;
    if (r->work == READING) {
        tl_rc rc = next_ready(r, window, want);
        if (rc != TL_END) return rc;
    }
    block *b = r->current;
    bool fits = b != NULL && !r->handed && b->filled < b->room && want <= window->n + (b->room - b->filled);
    if (!fits) {
        tl_rc rc = next_block(r, window, want);
        if (rc != TL_OK) return rc;
        b = r->current;
    }
    uint8_t *end = data_of(b) + b->filled;
    if (window->n == 0) *window = tl_span_of(end, 0);
    assert(window->p + window->n == end);

    r->ended = read_some(r, b);
    if (r->ended == TL_END) hand_over(r);
    if (r->ended != TL_OK) return r->ended;
    size_t got = (size_t)(data_of(b) + b->filled - end);
    r->count += got;
    window->n += got;
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
    stop_thread(r);
    r->sought = true;
    if (!r->reader.seek(r->reader.self, offset)) {
        r->error_number = errno;
        return r->ended = TL_EIO;
    }
    r->ended = TL_OK;
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
    stop_thread(r);
    SHA256_Final(out, &r->sha);
    return true;
}
