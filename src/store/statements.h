/*
** statements.h - the handle as the files of this folder share it, and all SQL that only C binds.  Nobody else includes it.
*/
#ifndef TL_STORE_STATEMENTS_H
#define TL_STORE_STATEMENTS_H

#include "store/image.h"
#include "store/rows.h"
#include "store/store.h"
#include "store/writeback.h"

#include <sqlite3.h>

struct libdeflate_decompressor;

/* Of SQLite's page cache.  Twice as much from the first batch on that has rows of MANY_SESSIONS: with tens of thousands open, those of the
** next batches lie on the pages of the last ones, and each would be written and read back several times.  For long sessions more only takes
** longer to go through. */
#define STORE_CACHE_KIB      "16384"
#define STORE_CACHE_MANY_KIB "32768"
enum { MANY_SESSIONS = 1000 };

typedef enum statement {
    ST_BEGIN,
    ST_COMMIT,
    ST_ROLLBACK,
    ST_NEXT_SESSION,
    ST_FIND_CAPTURE,
    ST_INGEST_BEGIN,
    ST_INGEST_END,
    ST_CAPTURE_BEGIN,
    ST_NEXT_CAPTURE,
    ST_CAPTURE_END,
    ST_FRAME_COUNT,
    ST_FRAME_POSITION,
    ST_SCAN,
    ST_SESSIONS_PUT,
    ST_SESSIONS_COPY,
    ST_SESSIONS_AGAIN,
    ST_SESSION_HEALED,
    ST_STREAMS_PUT,
    ST_STREAMS_AGAIN,
    ST_STREAM_ADD,
    ST_CHUNKS_PUT,
    ST_CHUNK_AT,
    ST_CHUNK_DATA,
    ST_CHUNK_ARRIVALS,
    ST_CHUNK_ARRIVALS_SET,
    ST_CHUNK_AWAY,
    ST_CHUNK_BACK,
    ST_GAPS_PUT,
    ST_GAP_JOIN,
    ST_GAP_AT,
    ST_GAP_DELETE,
    ST_GAP_HEAD,
    ST_GAP_TAIL,
    ST_GAP_SPLIT,
    ST_GAP_AWAY,
    ST_GAP_BACK,
    ST_NEXT_KNOWN,
    ST_STRAYS_PUT,
    ST_STRAY_SHIFT,
    ST_MESSAGES_PUT,
    ST_MESSAGES_COPY,
    ST_MESSAGE_PAIRING,
    ST_MESSAGE_SHIFT,
    ST_MESSAGE_PEER_SHIFT,
    ST_MESSAGES_DELETE,
    ST_SESSION_PROTOCOL,
    ST_HEALED_AFTER,
    ST_SESSION_AFTER,
    ST_MARKS,
    ST_STATE_SAVE,
    ST_STATE_FORGET,
    ST_STATE_BEFORE,
    ST_STATE_MARKS,
    ST_STATE_TAKEN,
    ST_STATE_DELETE,
    ST_BACK_STREAM,
    ST_BACK_CHUNKS,
    ST_BACK_GAPS,
    ST_BACK_STRAYS,
    ST_BACK_BASE,
    ST_BACK_LENGTHS,
    ST_BACK_WITHOUT_ROW,
    ST_BACK_SESSION,
    ST_UNFRAMED_AFTER,
    ST_UNFRAMED_DONE,
    ST_STATES_CLEAN,
    STATEMENTS
} statement;

extern const char *const store_sql[STATEMENTS];

struct tl_store {
    sqlite3 *db;
    char *path;
    tl_error error;
    bool open;   /* a transaction is */
    bool checks; /* see tl_store_options */
    bool failed; /* and was rolled back: good only for closing */
    uint64_t commit_bytes, pending;
    int64_t ingest_id;
    bool marked;      /* the run is ending: what is written from here on, a later run may take back */
    int64_t marks[3]; /* the last rows of chunk, gap and stray before that */
    tl_store_totals totals, committed;
    tl_batch_items feed;                  /* what the tables of rows.h show */
    bool indexes_missing;                 /* see indexes.h */
    bool many;                            /* the cache is the larger one */
    uint64_t sessions_before;             /* the number of the first session that this handle adds; 0: not looked at yet */
    image *image;                         /* owned; NULL: no need of it yet */
    sqlite3_stmt *statements[STATEMENTS]; /* prepared when first used */
    writeback *writeback;                 /* owned; NULL: nothing much was written yet */
    struct libdeflate_decompressor *inflate;
    struct { /* the chunk that copies were last held against, unpacked */
        int64_t id;
        uint8_t *p;
        size_t n, room;
    } look;
};

/* Keeps SQLite's text and what to do about it; returns ESQL (ENOMEM for SQLITE_NOMEM). */
tl_rc store_failed(tl_store *s, const char *doing);
/* The prepared statement, reset and without values; NULL: failed, see s->error. */
sqlite3_stmt *store_statement(tl_store *s, statement which);
/* Runs it to its end, which must give no row, and resets it. */
TL_MUST_USE tl_rc store_run(tl_store *s, sqlite3_stmt *q);
/* The next row: OK; no more: END, and it is reset. */
TL_MUST_USE tl_rc store_row(tl_store *s, sqlite3_stmt *q);
/* BEGIN where no transaction is open. */
TL_MUST_USE tl_rc store_begin(tl_store *s);
/* Ends a call that wrote, with the code that it has come to: on failure everything since the last commit goes. */
TL_MUST_USE tl_rc store_done(tl_store *s, tl_rc rc);
/* The end of a run: the indexes that it left out (indexes.h), statistics for the planner, and the commit of what is open. */
TL_MUST_USE tl_rc store_finish(tl_store *s);

/* Values by place, from 1.  Texts and blobs are borrowed until the statement is reset. */
void bind_int(sqlite3_stmt *q, int at, int64_t v);
void bind_count(sqlite3_stmt *q, int at, uint64_t v);
void bind_text(sqlite3_stmt *q, int at, const char *v); /* NULL: NULL */
void bind_blob(sqlite3_stmt *q, int at, const void *p, size_t n);

/* schema/ into an open database: pending migrations in one transaction, then the views where they differ. */
TL_MUST_USE tl_rc store_migrate(tl_store *s);

/* write.c: the rows of a batch, sessions first, then its ops in their order. */
TL_MUST_USE tl_rc store_rows(tl_store *s, tl_batch *b);
/* A chunk, gap, stray or message that is a new row. */
TL_MUST_USE tl_rc store_op(tl_store *s, statement how, const tl_op *op);
/* Counts of a stream, changes that may be negative. */
TL_MUST_USE tl_rc store_add(tl_store *s, const tl_op *op, int64_t stored, int64_t gap, int64_t duplicate, int64_t stray);
TL_MUST_USE tl_rc store_stray(tl_store *s, const tl_op *op, uint64_t offset, const uint8_t *p, size_t n, tl_why why);
TL_MUST_USE tl_rc store_heal_mark(tl_store *s, uint64_t session_id);

TL_MUST_USE tl_rc store_copy(tl_store *s, const tl_op *op);   /* copy.c */
TL_MUST_USE tl_rc store_rebase(tl_store *s, const tl_op *op); /* rebase.c */
/* Offsets of a direction, and the acknowledgements of them, move by `by` (two's complement: back). */
TL_MUST_USE tl_rc store_shift(tl_store *s, uint64_t session_id, int dir, uint64_t by);

/* resume.c: a session of an earlier run goes on: takes back what only the end of that run made of it, where that was not done yet. */
TL_MUST_USE tl_rc store_resume(tl_store *s, uint64_t session_id);
TL_MUST_USE tl_rc store_state(tl_store *s, const tl_op *op);

#endif
