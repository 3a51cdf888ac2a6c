/*
** write.c - the rows of a batch.
**
** Sessions and streams come first, because the others refer to them; then the ops in their order, because a copy may concern what the
** op before it wrote.  Between two ops that look at what is stored, or change it, rows go in by one statement for each table (rows.h).
** The counts that tl_row_session.add carries cover all ops of the batch but TL_OP_COPY, which copy.c counts.
*/
#include "store/statements.h"

enum { COPY_FROM = 64 }; /* rows: with fewer, making the image of them is not worth it */

/* The sessions that earlier runs left open, and the counts.  *again: there are some that have a row. */
static tl_rc before_sessions(tl_store *s, const tl_batch_items *items, bool *again)
{
    tl_rc rc = TL_OK;
    *again = false;
    for (const tl_batch_item *at = items->rows; rc == TL_OK && at != items->rows_end; at++) {
        const tl_row_session *row = at->row;
        if (row->info.resumed) rc = store_resume(s, row->info.id);
        s->totals.sessions += !row->exists;
        *again |= row->exists;
        for (int d = 0; d < 2; d++) {
            if (!row->changed[d] && !row->healed) continue;
            s->totals.stored_bytes += row->add[d].stored;
            s->totals.gap_bytes += row->add[d].gap;
            s->totals.duplicate_bytes += row->add[d].duplicate;
            s->totals.stray_bytes += row->add[d].stray;
        }
    }
    return rc;
}

/* All of `feed` that the statement's table shows. */
static tl_rc put(tl_store *s, statement how, tl_batch_items feed)
{
    sqlite3_stmt *q = store_statement(s, how);
    if (q == NULL) return s->error.rc;
    s->feed = feed;
    tl_rc rc = store_run(s, q);
    s->feed = (tl_batch_items){0};
    return rc;
}

/* All of it by way of the image, where that serves: *rows of them; 0: it does not. */
static tl_rc copy(tl_store *s, statement how, const tl_batch_items *feed, size_t *rows)
{
    *rows = 0;
    if (s->checks) return TL_OK;
    if (s->image == NULL && (s->image = image_open(s->db)) == NULL) return TL_OK;
    *rows = how == ST_SESSIONS_COPY ? image_sessions(s->image, feed) : image_messages(s->image, feed);
    sqlite3_stmt *q = *rows > 0 ? store_statement(s, how) : NULL;
    if (q == NULL) return *rows > 0 ? s->error.rc : TL_OK;
    tl_rc rc = store_run(s, q);
    if (rc == TL_OK && (size_t)sqlite3_changes64(s->db) != *rows)
        rc = tl_fail(&s->error, TL_ESQL, "%s: cannot write: rows went missing", s->path);
    return rc;
}

/* New rows of one table; n: so many. */
static tl_rc put_new(tl_store *s, statement by_copy, statement by_column, tl_batch_items feed, uint64_t n)
{
    size_t copied = 0;
    tl_rc rc = n >= COPY_FROM ? copy(s, by_copy, &feed, &copied) : TL_OK;
    return rc == TL_OK && copied == 0 ? put(s, by_column, feed) : rc;
}

static tl_rc sessions(tl_store *s, const tl_batch_items *items)
{
    tl_batch_items rows = {.rows = items->rows, .rows_end = items->rows_end};
    bool again;
    tl_rc rc = before_sessions(s, items, &again);
    /* Indexes that are there have to follow, which no copy does. */
    uint64_t n = s->indexes_missing ? (uint64_t)(items->rows_end - items->rows) : 0;
    if (rc == TL_OK) rc = put_new(s, ST_SESSIONS_COPY, ST_SESSIONS_PUT, rows, n);
    if (rc == TL_OK) rc = put(s, ST_STREAMS_PUT, rows);
    if (rc == TL_OK && again) rc = put(s, ST_SESSIONS_AGAIN, rows);
    return rc == TL_OK && again ? put(s, ST_STREAMS_AGAIN, rows) : rc;
}

tl_rc store_op(tl_store *s, statement how, const tl_op *op)
{
    tl_batch_item one = {.session_id = (uint32_t)op->session_id, .kind = (uint8_t)op->kind, .op = op};
    return put(s, how, (tl_batch_items){.ops = &one, .ops_end = &one + 1});
}

static void bind_place(sqlite3_stmt *q, int at_capture, int at_frame, tl_at at)
{
    if (at.capture == 0 || at.frame == 0) {
        sqlite3_bind_null(q, at_capture);
        sqlite3_bind_null(q, at_frame);
    } else {
        bind_int(q, at_capture, at.capture);
        bind_count(q, at_frame, at.frame);
    }
}

/* *joined: it goes on with the row before it. */
static tl_rc join_gap(tl_store *s, const tl_op *op, bool *joined)
{
    const tl_op_event *e = &op->event;
    sqlite3_stmt *q = store_statement(s, ST_GAP_JOIN);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_count(q, 3, e->offset);
    bind_count(q, 4, e->length);
    bind_text(q, 5, tl_why_name(e->why));
    bind_place(q, 6, 7, e->at);
    bind_place(q, 8, 9, e->after);
    if (e->after.frame > 0)
        bind_int(q, 10, e->after.ns);
    else
        sqlite3_bind_null(q, 10);
    bind_place(q, 11, 12, e->told);
    tl_rc rc = store_run(s, q);
    *joined = rc == TL_OK && sqlite3_changes(s->db) > 0;
    return rc;
}

static tl_rc joining_gap(tl_store *s, const tl_op *op)
{
    bool joined = false;
    tl_rc rc = join_gap(s, op, &joined);
    if (rc != TL_OK || joined) return rc;
    s->totals.gaps++;
    return store_op(s, ST_GAPS_PUT, op);
}

tl_rc store_stray(tl_store *s, const tl_op *op, uint64_t offset, const uint8_t *p, size_t n, tl_why why)
{
    tl_op stray = *op;
    stray.kind = TL_OP_STRAY;
    stray.event.offset = offset;
    stray.event.length = n;
    stray.event.bytes = p;
    stray.event.why = why;
    s->totals.strays++;
    return store_op(s, ST_STRAYS_PUT, &stray);
}

tl_rc store_add(tl_store *s, const tl_op *op, int64_t stored, int64_t gap, int64_t duplicate, int64_t stray)
{
    sqlite3_stmt *q = store_statement(s, ST_STREAM_ADD);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_int(q, 3, stored);
    bind_int(q, 4, gap);
    bind_int(q, 5, duplicate);
    bind_int(q, 6, stray);
    s->totals.stored_bytes += (uint64_t)stored;
    s->totals.gap_bytes += (uint64_t)gap;
    s->totals.duplicate_bytes += (uint64_t)duplicate;
    s->totals.stray_bytes += (uint64_t)stray;
    return store_run(s, q);
}

tl_rc store_heal_mark(tl_store *s, uint64_t session_id)
{
    sqlite3_stmt *q = store_statement(s, ST_SESSION_HEALED);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, session_id);
    return store_run(s, q);
}

static tl_rc message_pairing(tl_store *s, const tl_op *op)
{
    sqlite3_stmt *q = store_statement(s, ST_MESSAGE_PAIRING);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, (int64_t)(op->session_id << 32 | op->message.number));
    bind_text(q, 2, tl_pairing_name(op->message.pairing));
    return store_run(s, q);
}

/* Where batches end must not show: a gap that goes on with the one before it is the same row.  But not at the end of a run, whose rows a
** later one takes back. */
static bool is_new(const tl_store *s, const tl_batch_item *at)
{
    return !at->alone || (at->kind == TL_OP_GAP && s->marked);
}

/* As many ops as there are that are new rows, from *at on; moves *at behind them. */
static tl_rc new_rows(tl_store *s, const tl_batch_item **at, const tl_batch_item *end)
{
    tl_batch_items run = {.ops = *at};
    uint64_t n[TL_OP_STATE + 1] = {0};
    for (; *at != end && is_new(s, *at); (*at)++) n[(*at)->kind]++;
    run.ops_end = *at;
    s->totals.gaps += n[TL_OP_GAP];
    s->totals.strays += n[TL_OP_STRAY];
    s->totals.messages += n[TL_OP_MESSAGE];
    tl_rc rc = n[TL_OP_CHUNK] > 0 ? put(s, ST_CHUNKS_PUT, run) : TL_OK;
    if (rc == TL_OK && n[TL_OP_GAP] > 0) rc = put(s, ST_GAPS_PUT, run);
    if (rc == TL_OK && n[TL_OP_STRAY] > 0) rc = put(s, ST_STRAYS_PUT, run);
    if (rc == TL_OK && n[TL_OP_MESSAGE] > 0) rc = put_new(s, ST_MESSAGES_COPY, ST_MESSAGES_PUT, run, n[TL_OP_MESSAGE]);
    return rc;
}

static tl_rc other_op(tl_store *s, const tl_op *op)
{
    switch (op->kind) {
    case TL_OP_GAP: return joining_gap(s, op);
    case TL_OP_COPY: return store_copy(s, op);
    case TL_OP_REBASE: return store_rebase(s, op);
    case TL_OP_MESSAGE: return message_pairing(s, op);
    case TL_OP_STATE: return store_state(s, op);
    default: return TL_OK; /* a new row */
    }
}

tl_rc store_rows(tl_store *s, tl_batch *b)
{
    tl_batch_items items = {0};
    tl_rc rc = tl_batch_order(b, &items);
    if (rc == TL_OK && !s->many && items.rows_end - items.rows >= MANY_SESSIONS)
        s->many = sqlite3_exec(s->db, "PRAGMA cache_size = -" STORE_CACHE_MANY_KIB, NULL, NULL, NULL) == SQLITE_OK;
    if (rc == TL_OK) rc = sessions(s, &items);
    for (const tl_batch_item *at = items.ops; rc == TL_OK && at != items.ops_end;) {
        rc = new_rows(s, &at, items.ops_end);
        for (; rc == TL_OK && at != items.ops_end && !is_new(s, at); at++) rc = other_op(s, at->op);
    }
    return rc;
}
