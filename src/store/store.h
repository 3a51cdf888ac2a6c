/*
** store.h - the only code that writes SQL.  Belongs to one thread.
**
**     tl_store_open → tl_store_ingest_begin → for each capture: tl_store_capture_begin, tl_store_write..., tl_store_capture_end
**     → tl_store_ingest_end → tl_store_close
**
** tl_store_write puts a batch into the open transaction; a transaction is committed when `commit_bytes` of payload went in, and at
** tl_store_commit, tl_store_ingest_end.  What is committed is balanced: queries/check_*.sql return no rows.
*/
#ifndef TL_STORE_H
#define TL_STORE_H

#include "batch/batch.h"
#include "batch/scans.h"

typedef struct tl_store tl_store;

typedef struct tl_store_options {
    uint64_t commit_bytes; /* payload bytes a transaction; 0: 256 MB */
    bool checks;           /* SQLite evaluates the schema's CHECKs and REFERENCES for each row.  Tests want that; at ingest it is a third
                              of the writer's time or more, and the rows are ours (integrity_check on a writable connection and
                              queries/check_foreign_keys.sql           find what breaks them) */
} tl_store_options;

/* Creates, or opens and migrates.  NULL: *err says why: EUSAGE for a file that is not a tcpledger database (it is left alone) or is
** newer than this program, ESQL for a damaged one. */
tl_store *tl_store_open(const char *path, const tl_store_options *o, tl_error *err);
/* Commits what is open and closes.  On failure (of the commit) the text is in *err; the handle is gone either way.  NULL is fine. */
tl_rc tl_store_close(tl_store *s, tl_error *err);
/* Rolls the open transaction back.  The handle is good only for closing. */
void tl_store_abandon(tl_store *s);
/* Text of the last failure of a call on this handle. */
const tl_error *tl_store_error(const tl_store *s);

/* The numbers to go on from in this database. */
TL_MUST_USE tl_rc tl_store_next_ids(tl_store *s, uint64_t *session_id);

/* A capture of `bytes` that was indexed to its end (complete, or as far as it is good) and has this SHA-256; NULL: any.
** *capture_id 0: none. */
TL_MUST_USE tl_rc tl_store_find_capture(tl_store *s, uint64_t bytes, const uint8_t *sha256, uint32_t *capture_id);

typedef struct tl_ingest_facts {
    int64_t started_ns, finished_ns;
    const char *tool_version;
    const char *options; /* JSON */
    const char *state;   /* at the end: "complete" or "failed" */
} tl_ingest_facts;
TL_MUST_USE tl_rc tl_store_ingest_begin(tl_store *s, const tl_ingest_facts *f); /* state is 'interrupted' until the end */
TL_MUST_USE tl_rc tl_store_ingest_end(tl_store *s, const tl_ingest_facts *f);   /* makes indexes, PRAGMA optimize, commits */

typedef struct tl_outcome_count {
    uint64_t frames, bytes;
} tl_outcome_count;
typedef struct tl_capture_facts {
    const char *path;
    uint64_t bytes;
    const uint8_t *sha256; /* 32 bytes, or NULL: not known (standard input that broke off) */
    const char *format;    /* "pcap", "pcapng", "pcap.gz", ... */
    int linktype;          /* -1: not known */
    uint32_t snaplen;
    int64_t first_ns, last_ns; /* of its frames; ignored while frames is 0 */
    uint64_t frames;
    int64_t drops;     /* -1: not told */
    const char *state; /* complete | truncated | failed | interrupted */
    const char *error; /* NULL: none */
    tl_span positions; /* where its frames lie (tl_source_facts); n 0: not known */
    tl_outcome_count outcome[TL_SEG_OUTCOMES];
} tl_capture_facts;
/* A row with state 'interrupted', path, format and bytes (0: not known yet); *capture_id is what tl_at.capture has to be in its frames. */
TL_MUST_USE tl_rc tl_store_capture_begin(tl_store *s, const tl_capture_facts *f, uint32_t *capture_id);
/* Fills in the rest, frame_count included.  Bytes of `captured` payload counted by the reader are checked by the ledger view. */
TL_MUST_USE tl_rc tl_store_capture_end(tl_store *s, uint32_t capture_id, const tl_capture_facts *f);

/* All of the batch, ordered by session: a failure leaves the open transaction rolled back and the handle good only for closing. */
TL_MUST_USE tl_rc tl_store_write(tl_store *s, tl_batch *b);
TL_MUST_USE tl_rc tl_store_commit(tl_store *s);

/* A row of scan, of this run: in its last transaction, so that one that is interrupted has none. */
TL_MUST_USE tl_rc tl_store_scan(tl_store *s, const tl_scan *scan);

/* ---- framing stored sessions again ---- */

/* The next session after `after` (0: the first) that is healed and reaches into capture_id or a later one; *session_id 0: none. */
TL_MUST_USE tl_rc tl_store_healed_after(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id);
/* The next session after `after` (0: the first); *session_id 0: none. */
TL_MUST_USE tl_rc tl_store_session_after(tl_store *s, uint64_t after, uint64_t *session_id);
/* Forgets the session's messages, in the open transaction.  New ones come by tl_store_write. */
TL_MUST_USE tl_rc tl_store_messages_forget(tl_store *s, uint64_t session_id);
TL_MUST_USE tl_rc tl_store_protocol(tl_store *s, uint64_t session_id, const char *protocol);

/* ---- sessions that go on in the next run (stream/resume.h) ---- */

/* What was saved of a session. */
typedef struct tl_stored_state {
    uint64_t session_id; /* 0: none */
    int64_t clock_ns;
    tl_span state; /* borrowed until the next call on the handle; p NULL: it is larger than asked for */
} tl_stored_state;
/* The one of the highest session below `before`; at most `most` bytes of state. */
TL_MUST_USE tl_rc tl_store_state_before(tl_store *s, uint64_t before, size_t most, tl_stored_state *out);
/* It cannot be continued: the session stays as it is. */
TL_MUST_USE tl_rc tl_store_state_forget(tl_store *s, uint64_t session_id);
/* The run is ending: rows written from here on are what its end makes of sessions that a later run may go on with. */
TL_MUST_USE tl_rc tl_store_mark(tl_store *s);
/* The next session after `after` (0: the first) whose rows were taken back and whose messages are to be framed again, but those that
** tl_store_healed_after gives; *session_id 0: none. */
TL_MUST_USE tl_rc tl_store_unframed_after(tl_store *s, uint64_t after, uint32_t capture_id, uint64_t *session_id);
/* All of them were framed. */
TL_MUST_USE tl_rc tl_store_unframed_done(tl_store *s);

/* The connection, for reading what is written already, the open transaction included. */
struct sqlite3;
struct sqlite3 *tl_store_connection(tl_store *s);

/* What this handle added to the database, late data and healed gaps taken into account. */
typedef struct tl_store_totals {
    uint64_t sessions, stored_bytes, duplicate_bytes, stray_bytes, messages, gaps, gap_bytes, strays;
    uint64_t scans, scan_sessions; /* rows of scan, and the sessions that are in them alone */
} tl_store_totals;
void tl_store_totals_look(const tl_store *s, tl_store_totals *out);

#endif
