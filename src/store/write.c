/*
** write.c - the rows of a batch.
**
** Sessions and streams come first, because the others refer to them; then the ops in their order, because a copy may concern what the
** op before it wrote.  Between two ops that look at what is stored, or change it, rows go in by one statement for each table (rows.h).
** The counts that tl_row_session.add carries cover all ops of the batch but TL_OP_COPY, which copy.c counts.
*/
#include "store/statements.h"

/* The sessions that earlier runs left open, and the counts. */
static tl_rc before_sessions(tl_store *s, const tl_batch *b)
{
    tl_rc rc = TL_OK;
    for (const tl_row_session *row = tl_batch_sessions(b); rc == TL_OK && row != NULL; row = row->next) {
        if (row->info.resumed) rc = store_resume(s, row->info.id);
        if (!row->exists) s->totals.sessions++;
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

static tl_rc put(tl_store *s, statement how)
{
    sqlite3_stmt *q = store_statement(s, how);
    return q == NULL ? s->error.rc : store_run(s, q);
}

static tl_rc sessions(tl_store *s, const tl_batch *b)
{
    tl_rc rc = before_sessions(s, b);
    s->feed = (rows_feed){.sessions = tl_batch_sessions(b)};
    if (rc == TL_OK) rc = put(s, ST_SESSIONS_PUT);
    return rc == TL_OK ? put(s, ST_STREAMS_PUT) : rc;
}

tl_rc store_ops(tl_store *s, statement how, const tl_op *first, const tl_op *end)
{
    s->feed = (rows_feed){.first = first, .end = end};
    return put(s, how);
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

/* Where batches end must not show: a gap that goes on with the one before it is the same row.  But not at the end of a run, whose rows a
** later one takes back. */
static bool may_join(const tl_store *s, const tl_op *op)
{
    return op->event.joins && !s->marked;
}

static tl_rc joining_gap(tl_store *s, const tl_op *op)
{
    bool joined = false;
    tl_rc rc = join_gap(s, op, &joined);
    if (rc != TL_OK || joined) return rc;
    s->totals.gaps++;
    return store_ops(s, ST_GAPS_PUT, op, op->next);
}

tl_rc store_stray(tl_store *s, const tl_op *op, uint64_t offset, const uint8_t *p, size_t n, tl_why why)
{
    tl_op stray = *op;
    stray.next = NULL;
    stray.kind = TL_OP_STRAY;
    stray.event.offset = offset;
    stray.event.length = n;
    stray.event.bytes = p;
    stray.event.why = why;
    s->totals.strays++;
    return store_ops(s, ST_STRAYS_PUT, &stray, NULL);
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

/* Nothing but a new row: neither looks at what is stored nor changes it. */
static bool is_new(const tl_store *s, const tl_op *op)
{
    switch (op->kind) {
    case TL_OP_CHUNK:
    case TL_OP_STRAY: return true;
    case TL_OP_GAP: return !may_join(s, op);
    case TL_OP_MESSAGE: return !op->message.update;
    default: return false;
    }
}

/* As many ops as there are that are new rows, from *op on; moves *op behind them. */
static tl_rc new_rows(tl_store *s, const tl_op **op)
{
    const tl_op *first = *op;
    uint64_t n[TL_OP_STATE + 1] = {0};
    for (; *op != NULL && is_new(s, *op); *op = (*op)->next) n[(*op)->kind]++;
    s->totals.gaps += n[TL_OP_GAP];
    s->totals.strays += n[TL_OP_STRAY];
    s->totals.messages += n[TL_OP_MESSAGE];
    tl_rc rc = n[TL_OP_CHUNK] > 0 ? store_ops(s, ST_CHUNKS_PUT, first, *op) : TL_OK;
    if (rc == TL_OK && n[TL_OP_GAP] > 0) rc = store_ops(s, ST_GAPS_PUT, first, *op);
    if (rc == TL_OK && n[TL_OP_STRAY] > 0) rc = store_ops(s, ST_STRAYS_PUT, first, *op);
    if (rc == TL_OK && n[TL_OP_MESSAGE] > 0) rc = store_ops(s, ST_MESSAGES_PUT, first, *op);
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

tl_rc store_rows(tl_store *s, const tl_batch *b)
{
    tl_rc rc = sessions(s, b);
    for (const tl_op *op = tl_batch_ops(b); rc == TL_OK && op != NULL;) {
        rc = new_rows(s, &op);
        for (; rc == TL_OK && op != NULL && !is_new(s, op); op = op->next) rc = other_op(s, op);
    }
    s->feed = (rows_feed){0};
    return rc;
}
