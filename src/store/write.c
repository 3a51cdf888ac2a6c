/*
** write.c - the rows of a batch.
**
** Sessions and streams come first, because the others refer to them; then the ops in their order, because a copy may concern what the
** op before it wrote.  The counts that tl_row_session.add carries cover all ops of the batch but TL_OP_COPY, which copy.c counts.
*/
#include "store/statements.h"

#include <string.h>

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

static void bind_or_null(sqlite3_stmt *q, int at, bool known, int64_t v)
{
    if (known)
        bind_int(q, at, v);
    else
        sqlite3_bind_null(q, at);
}

static tl_rc stream_put(tl_store *s, const tl_row_session *row, int dir, statement how)
{
    const tl_stream_info *i = &row->info.stream[dir];
    sqlite3_stmt *q = store_statement(s, how);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, row->info.id);
    bind_int(q, 2, dir);
    bind_or_null(q, 3, i->has_isn, i->isn);
    bind_or_null(q, 4, i->has_base, i->base_seq);
    bind_count(q, 5, i->length);
    bind_count(q, 6, i->captured_bytes);
    bind_count(q, 7, i->segments);
    bind_count(q, 8, i->out_of_order);
    bind_count(q, 9, i->retransmitted);
    bind_count(q, 10, i->packets);
    bind_count(q, 11, i->wire_bytes);
    bind_count(q, 12, i->urgent);
    bind_count(q, 13, i->bad_checksums);
    bind_or_null(q, 14, i->mss > 0, i->mss);
    bind_or_null(q, 15, i->window_scale >= 0, i->window_scale);
    bind_int(q, 16, i->fin);
    bind_int(q, 17, i->rst);
    bind_count(q, 18, row->add[dir].stored);
    bind_count(q, 19, row->add[dir].gap);
    bind_count(q, 20, row->add[dir].duplicate);
    bind_count(q, 21, row->add[dir].stray);
    return store_run(s, q);
}

/* A direction of which the captures show nothing, and of which the other one acknowledged nothing, has no row: a scan is all of them. */
static bool stream_shown(const tl_row_session *row, int dir)
{
    const tl_stream_info *i = &row->info.stream[dir];
    return i->packets > 0 || i->has_base || i->length > 0 || i->captured_bytes > 0 || row->add[dir].stray > 0 || row->asks[dir];
}

static tl_rc stream_row(tl_store *s, const tl_row_session *row, int dir)
{
    s->totals.stored_bytes += row->add[dir].stored;
    s->totals.gap_bytes += row->add[dir].gap;
    s->totals.duplicate_bytes += row->add[dir].duplicate;
    s->totals.stray_bytes += row->add[dir].stray;
    if (!stream_shown(row, dir)) return TL_OK;
    if (!row->exists) return stream_put(s, row, dir, ST_STREAM_INSERT);
    tl_rc rc = stream_put(s, row, dir, ST_STREAM_UPDATE);
    if (rc != TL_OK || sqlite3_changes(s->db) > 0) return rc;
    return stream_put(s, row, dir, ST_STREAM_INSERT); /* its first packet came after the session's row */
}

/* Binds what both INSERT and UPDATE have, and runs it. */
static tl_rc session_facts(tl_store *s, sqlite3_stmt *q, const tl_row_session *row)
{
    const tl_session_info *i = &row->info;
    char client[TL_ADDR_TEXT], server[TL_ADDR_TEXT], vlan[TL_LAYERS_TEXT], tunnel[TL_LAYERS_TEXT];
    bind_count(q, 1, i->id);
    /* One that looks like IPv4 beside one that does not: IPv6 with a mapped address. */
    bool mixed = tl_addr_is_ipv4(&i->client) != tl_addr_is_ipv4(&i->server);
    bind_text(q, 2, mixed ? tl_addr_text_ipv6(&i->client, client) : tl_addr_text(&i->client, client));
    bind_int(q, 3, i->client.port);
    bind_text(q, 4, mixed ? tl_addr_text_ipv6(&i->server, server) : tl_addr_text(&i->server, server));
    bind_int(q, 5, i->server.port);
    bind_text(q, 6, tl_layers_vlan_text(i->layers, vlan));
    bind_text(q, 7, tl_layers_tunnel_text(i->layers, tunnel));
    bind_int(q, 8, i->first.ns);
    bind_int(q, 9, i->last.ns);
    bind_text(q, 10, i->conn_state);
    bind_text(q, 11, i->history);
    bind_text(q, 12, i->closed == TL_WHY_NONE ? NULL : tl_close_name(i->closed));
    bind_text(q, 13, tl_roles_name(i->roles));
    bind_int(q, 14, i->midstream);
    bind_int(q, 15, row->healed);
    bind_or_null(q, 16, i->rtt_ns >= 0, i->rtt_ns);
    bind_text(q, 17, row->protocol);
    bind_int(q, 18, i->first.capture);
    bind_count(q, 19, i->first.frame);
    bind_int(q, 20, i->last.capture);
    bind_count(q, 21, i->last.frame);
    return store_run(s, q);
}

static tl_rc new_session(tl_store *s, const tl_row_session *row)
{
    char community[COMMUNITY_ID_TEXT]; /* does not say who is the client: never changes */
    store_community_id(&row->info.client, &row->info.server, community);
    sqlite3_stmt *q = store_statement(s, ST_SESSION_INSERT);
    if (q == NULL) return s->error.rc;
    bind_text(q, 22, community);
    s->totals.sessions++;
    return session_facts(s, q, row);
}

/* Rows of a session that is still open are brought up to date as far as the ledger needs it: a transaction that ends here must balance.
** The rest of its facts comes with its close.  In a network with many open sessions that is most of the rows of a batch. */
static tl_rc old_session(tl_store *s, const tl_row_session *row)
{
    if (row->info.closed == TL_WHY_NONE && !row->healed) return TL_OK;
    sqlite3_stmt *q = store_statement(s, ST_SESSION_UPDATE);
    return q == NULL ? s->error.rc : session_facts(s, q, row);
}

static tl_rc session_row(tl_store *s, const tl_row_session *row)
{
    tl_rc rc = row->info.resumed ? store_resume(s, row->info.id) : TL_OK;
    if (rc == TL_OK) rc = row->exists ? old_session(s, row) : new_session(s, row);
    for (int d = 0; d < 2 && rc == TL_OK; d++)
        if (row->changed[d] || row->healed) rc = stream_row(s, row, d);
    return rc;
}

tl_rc store_chunk(tl_store *s, const tl_op *op)
{
    const tl_op_chunk *c = &op->chunk;
    sqlite3_stmt *q = store_statement(s, ST_CHUNK_INSERT);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_count(q, 3, c->offset);
    bind_int(q, 4, c->raw_size);
    bind_int(q, 5, c->capture);
    bind_int(q, 6, c->first_ns);
    bind_int(q, 7, c->last_ns);
    bind_count(q, 8, c->first_frame);
    bind_count(q, 9, c->last_frame);
    bind_blob(q, 10, c->arrivals, c->arrivals_size);
    bind_blob(q, 11, c->data, c->data_size);
    return store_run(s, q);
}

static tl_rc put_gap(tl_store *s, statement how, const tl_op *op)
{
    const tl_op_event *e = &op->event;
    sqlite3_stmt *q = store_statement(s, how);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_count(q, 3, e->offset);
    bind_count(q, 4, e->length);
    bind_text(q, 5, tl_why_name(e->why));
    bind_place(q, 6, 7, e->at);
    bind_place(q, 8, 9, e->before);
    bind_place(q, 10, 11, e->after);
    bind_or_null(q, 12, e->before.frame > 0, e->before.ns);
    bind_or_null(q, 13, e->after.frame > 0, e->after.ns);
    bind_place(q, 14, 15, e->told);
    return store_run(s, q);
}

/* Where batches end must not show: a gap that goes on with the one before it is the same row.  But not at the end of a run, whose rows a
** later one takes back. */
static tl_rc gap_row(tl_store *s, const tl_op *op)
{
    if (op->event.joins && !s->marked) {
        tl_rc rc = put_gap(s, ST_GAP_JOIN, op);
        if (rc != TL_OK || sqlite3_changes(s->db) > 0) return rc;
    }
    s->totals.gaps++;
    return put_gap(s, ST_GAP_INSERT, op);
}

tl_rc store_stray(tl_store *s, const tl_op *op, uint64_t offset, const uint8_t *p, size_t n, tl_why why)
{
    const tl_op_event *e = &op->event;
    sqlite3_stmt *q = store_statement(s, ST_STRAY_INSERT);
    if (q == NULL) return s->error.rc;
    bind_count(q, 1, op->session_id);
    bind_int(q, 2, op->dir);
    bind_int(q, 3, (int64_t)offset); /* may be negative */
    bind_count(q, 4, n);
    bind_text(q, 5, tl_why_name(why));
    bind_int(q, 6, e->at.capture);
    bind_count(q, 7, e->at.frame);
    bind_int(q, 8, e->at.ns);
    bind_blob(q, 9, p, n);
    s->totals.strays++;
    return store_run(s, q);
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

static int64_t message_id(uint64_t session_id, uint64_t number)
{
    return (int64_t)(session_id << 32 | number);
}

static tl_rc message_row(tl_store *s, const tl_op *op)
{
    const tl_message *m = &op->message;
    sqlite3_stmt *q = store_statement(s, m->update ? ST_MESSAGE_PAIRING : ST_MESSAGE_INSERT);
    if (q == NULL) return s->error.rc;
    bind_int(q, 1, message_id(op->session_id, m->number));
    if (m->update) {
        bind_text(q, 2, tl_pairing_name(m->pairing));
        return store_run(s, q);
    }
    bind_count(q, 2, op->session_id);
    bind_int(q, 3, m->dir);
    bind_count(q, 4, m->ordinal);
    bind_count(q, 5, m->offset);
    bind_count(q, 6, m->length);
    bind_count(q, 7, m->missing);
    bind_count(q, 8, m->head_length);
    bind_text(q, 9, m->protocol);
    bind_text(q, 10, m->kind);
    sqlite3_bind_text64(q, 11, m->summary.n > 0 ? (const char *)m->summary.p : "", m->summary.n, SQLITE_STATIC, SQLITE_UTF8);
    if (m->detail.n > 0)
        sqlite3_bind_text64(q, 12, (const char *)m->detail.p, m->detail.n, SQLITE_STATIC, SQLITE_UTF8);
    else
        sqlite3_bind_null(q, 12);
    bind_int(q, 13, m->complete);
    bind_text(q, 14, tl_sync_name(m->sync));
    bind_int(q, 15, m->first.ns);
    bind_int(q, 16, m->last.ns);
    bind_count(q, 17, m->first.frame);
    bind_count(q, 18, m->last.frame);
    bind_int(q, 19, m->first.capture);
    bind_int(q, 20, m->last.capture);
    bind_count(q, 21, m->peer_acked);
    bind_or_null(q, 22, m->answers > 0, message_id(op->session_id, m->answers));
    bind_text(q, 23, tl_pairing_name(m->pairing));
    s->totals.messages++;
    return store_run(s, q);
}

tl_rc store_rows(tl_store *s, const tl_batch *b)
{
    tl_rc rc = TL_OK;
    for (const tl_row_session *row = tl_batch_sessions(b); rc == TL_OK && row != NULL; row = row->next) rc = session_row(s, row);
    for (const tl_op *op = tl_batch_ops(b); rc == TL_OK && op != NULL; op = op->next) switch (op->kind) {
        case TL_OP_CHUNK: rc = store_chunk(s, op); break;
        case TL_OP_GAP: rc = gap_row(s, op); break;
        case TL_OP_STRAY: rc = store_stray(s, op, op->event.offset, op->event.bytes, (size_t)op->event.length, op->event.why); break;
        case TL_OP_COPY: rc = store_copy(s, op); break;
        case TL_OP_REBASE: rc = store_rebase(s, op); break;
        case TL_OP_MESSAGE: rc = message_row(s, op); break;
        case TL_OP_STATE: rc = store_state(s, op); break;
        }
    return rc;
}
