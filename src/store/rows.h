/*
** rows.h - the rows of a batch as tables that SQL can read, so that one statement stores many of them.
**
**     INSERT INTO chunk (...) SELECT ... FROM new_chunk
**
** For each table that a batch has rows for there is an eponymous virtual table of the same columns (sqlite.org/vtab.html) on the writing
** connection, which hands out what `tl_store.feed` holds: no value is bound, and no statement begins and ends, for each row.  The
** database is the same as if it were so, but a failure leaves the statement half done: it says OR ROLLBACK, which also saves a
** journal for each statement, and the open transaction is lost anyway.  (An upsert has that journal in any case: it is for rows that
** exist.)
**
** The lists are in the order of the schema's columns (then SQLite does not move the values around) and hold for each the call that hands
** out its value, in rows.c: F the first column, X the others.
*/
#ifndef TL_STORE_ROWS_H
#define TL_STORE_ROWS_H

#include "batch/batch.h"

#include <sqlite3.h>

/* Makes the tables new_session, old_session (of those that have a row), new_stream, old_stream, new_chunk, new_gap, new_stray and
** new_message.  The feed, which says
** what they show, outlives the connection.  Returns SQLite's code. */
int rows_register(sqlite3 *db, const tl_batch_items *feed);

/* community_id.c: "1:..." of a TCP session, seed 0, into out, which it returns. */
enum { COMMUNITY_ID_TEXT = 32 };
char *store_community_id(const tl_addr *a, const tl_addr *b, char out[COMMUNITY_ID_TEXT]);

/* Texts that are made for a session's row hold until the next. */
typedef struct rows_texts {
    char client[TL_ADDR_TEXT], server[TL_ADDR_TEXT], vlan[TL_LAYERS_TEXT], tunnel[TL_LAYERS_TEXT], community[COMMUNITY_ID_TEXT];
} rows_texts;
/* ipv6: also one that looks like IPv4, which beside one that does not is a mapped address. */
static inline const char *rows_addr_text(bool ipv6, const tl_addr *a, char *out)
{
    return ipv6 ? tl_addr_text_ipv6(a, out) : tl_addr_text(a, out);
}

static inline int64_t rows_message_id(const tl_op *op, uint64_t number)
{
    return (int64_t)(op->session_id << 32 | number);
}

/* Rows are spread over the batch, which another thread has filled: they are asked for some places ahead. */
enum { ROWS_AHEAD = 6, ROWS_LINE = 64, ROWS_OP_LINES = 6 }; /* an op, and what lies behind it in the batch: texts, the first of its bytes */

static inline void rows_ask_for(const void *p, size_t lines)
{
    for (size_t i = 0; i < lines; i++) __builtin_prefetch((const char *)p + i * ROWS_LINE);
}

/* old_session: only what the ledger or a reader would miss.  Streams: directions of which something is to tell. */
#define ROWS_SESSION(F, X)                                                                                                                 \
    F(session_id, put_count(x, i->id))                                                                                                     \
    X(client_addr, put_text(x, rows_addr_text(tl_addr_mixed(&i->client, &i->server), &i->client, c->client)))                              \
    X(client_port, put_int(x, i->client.port))                                                                                             \
    X(server_addr, put_text(x, rows_addr_text(tl_addr_mixed(&i->client, &i->server), &i->server, c->server)))                              \
    X(server_port, put_int(x, i->server.port))                                                                                             \
    X(vlan, put_text(x, tl_layers_vlan_text(i->layers, c->vlan)))                                                                          \
    X(tunnel, put_text(x, tl_layers_tunnel_text(i->layers, c->tunnel)))                                                                    \
    X(first_ns, put_int(x, i->first.ns))                                                                                                   \
    X(last_ns, put_int(x, i->last.ns))                                                                                                     \
    X(conn_state, put_text(x, i->conn_state))                                                                                              \
    X(history, put_text(x, i->history))                                                                                                    \
    X(close_reason, put_text(x, i->closed == TL_WHY_NONE ? NULL : tl_close_name(i->closed)))                                               \
    X(roles, put_text(x, tl_roles_name(i->roles)))                                                                                         \
    X(midstream, put_int(x, i->midstream))                                                                                                 \
    X(healed, put_int(x, row->healed))                                                                                                     \
    X(rtt_ns, put_if(x, i->rtt_ns >= 0, i->rtt_ns))                                                                                        \
    X(protocol, put_text(x, row->protocol))                                                                                                \
    X(community_id, put_text(x, store_community_id(&i->client, &i->server, c->community)))                                                 \
    X(first_capture_id, put_int(x, i->first.capture))                                                                                      \
    X(first_frame, put_count(x, i->first.frame))                                                                                           \
    X(last_capture_id, put_int(x, i->last.capture))                                                                                        \
    X(last_frame, put_count(x, i->last.frame))

/* The four counts of bytes are what to add (tl_row_session.add). */
#define ROWS_STREAM(F, X)                                                                                                                  \
    F(session_id, put_count(x, row->info.id))                                                                                              \
    X(direction, put_int(x, c->dir))                                                                                                       \
    X(isn, put_if(x, i->has_isn, i->isn))                                                                                                  \
    X(base_seq, put_if(x, i->has_base, i->base_seq))                                                                                       \
    X(length, put_count(x, i->length))                                                                                                     \
    X(stored_bytes, put_count(x, row->add[c->dir].stored))                                                                                 \
    X(gap_bytes, put_count(x, row->add[c->dir].gap))                                                                                       \
    X(captured_bytes, put_count(x, i->captured_bytes))                                                                                     \
    X(duplicate_bytes, put_count(x, row->add[c->dir].duplicate))                                                                           \
    X(stray_bytes, put_count(x, row->add[c->dir].stray))                                                                                   \
    X(segments, put_count(x, i->segments))                                                                                                 \
    X(out_of_order, put_count(x, i->out_of_order))                                                                                         \
    X(retransmitted, put_count(x, i->retransmitted))                                                                                       \
    X(packets, put_count(x, i->packets))                                                                                                   \
    X(wire_bytes, put_count(x, i->wire_bytes))                                                                                             \
    X(urgent, put_count(x, i->urgent))                                                                                                     \
    X(bad_checksums, put_count(x, i->bad_checksums))                                                                                       \
    X(mss, put_if(x, i->mss > 0, i->mss))                                                                                                  \
    X(window_scale, put_if(x, i->window_scale >= 0, i->window_scale))                                                                      \
    X(fin, put_int(x, i->fin))                                                                                                             \
    X(rst, put_int(x, i->rst))

#define ROWS_CHUNK(F, X)                                                                                                                   \
    F(session_id, put_count(x, op->session_id))                                                                                            \
    X(direction, put_int(x, op->dir))                                                                                                      \
    X(stream_offset, put_count(x, k->offset))                                                                                              \
    X(raw_size, put_int(x, k->raw_size))                                                                                                   \
    X(capture_id, put_int(x, k->capture))                                                                                                  \
    X(first_ns, put_int(x, k->first_ns))                                                                                                   \
    X(last_ns, put_int(x, k->last_ns))                                                                                                     \
    X(first_frame, put_count(x, k->first_frame))                                                                                           \
    X(last_frame, put_count(x, k->last_frame))                                                                                             \
    X(arrivals, put_blob(x, k->arrivals, k->arrivals_size))                                                                                \
    X(data, put_blob(x, k->data, k->data_size))

#define ROWS_GAP(F, X)                                                                                                                     \
    F(session_id, put_count(x, op->session_id))                                                                                            \
    X(direction, put_int(x, op->dir))                                                                                                      \
    X(stream_offset, put_count(x, e->offset))                                                                                              \
    X(length, put_count(x, e->length))                                                                                                     \
    X(reason, put_text(x, tl_why_name(e->why)))                                                                                            \
    X(proof_capture_id, put_if(x, place(e->at), e->at.capture))                                                                            \
    X(proof_frame, put_if(x, place(e->at), (int64_t)e->at.frame))                                                                          \
    X(before_capture_id, put_if(x, place(e->before), e->before.capture))                                                                   \
    X(before_frame, put_if(x, place(e->before), (int64_t)e->before.frame))                                                                 \
    X(after_capture_id, put_if(x, place(e->after), e->after.capture))                                                                      \
    X(after_frame, put_if(x, place(e->after), (int64_t)e->after.frame))                                                                    \
    X(before_ns, put_if(x, e->before.frame > 0, e->before.ns))                                                                             \
    X(after_ns, put_if(x, e->after.frame > 0, e->after.ns))                                                                                \
    X(told_capture_id, put_if(x, place(e->told), e->told.capture))                                                                         \
    X(told_frame, put_if(x, place(e->told), (int64_t)e->told.frame))

/* The offset may be negative. */
#define ROWS_STRAY(F, X)                                                                                                                   \
    F(session_id, put_count(x, op->session_id))                                                                                            \
    X(direction, put_int(x, op->dir))                                                                                                      \
    X(stream_offset, put_int(x, (int64_t)e->offset))                                                                                       \
    X(length, put_count(x, e->length))                                                                                                     \
    X(reason, put_text(x, tl_why_name(e->why)))                                                                                            \
    X(capture_id, put_int(x, e->at.capture))                                                                                               \
    X(frame, put_count(x, e->at.frame))                                                                                                    \
    X(ns, put_int(x, e->at.ns))                                                                                                            \
    X(data, put_blob(x, e->bytes, (size_t)e->length))

#define ROWS_MESSAGE(F, X)                                                                                                                 \
    F(message_id, put_int(x, rows_message_id(op, m->number)))                                                                              \
    X(session_id, put_count(x, op->session_id))                                                                                            \
    X(direction, put_int(x, m->dir))                                                                                                       \
    X(ordinal, put_count(x, m->ordinal))                                                                                                   \
    X(stream_offset, put_count(x, m->offset))                                                                                              \
    X(length, put_count(x, m->length))                                                                                                     \
    X(missing, put_count(x, m->missing))                                                                                                   \
    X(head_length, put_count(x, m->head_length))                                                                                           \
    X(protocol, put_text(x, m->protocol))                                                                                                  \
    X(kind, put_text(x, m->kind))                                                                                                          \
    X(summary, put_span(x, m->summary))                                                                                                    \
    X(detail, m->detail.n > 0 ? put_span(x, m->detail) : put_null(x))                                                                      \
    X(complete, put_int(x, m->complete))                                                                                                   \
    X(sync, put_text(x, tl_sync_name(m->sync)))                                                                                            \
    X(first_ns, put_int(x, m->first.ns))                                                                                                   \
    X(last_ns, put_int(x, m->last.ns))                                                                                                     \
    X(first_frame, put_count(x, m->first.frame))                                                                                           \
    X(last_frame, put_count(x, m->last.frame))                                                                                             \
    X(first_capture_id, put_int(x, m->first.capture))                                                                                      \
    X(last_capture_id, put_int(x, m->last.capture))                                                                                        \
    X(peer_acked, put_count(x, m->peer_acked))                                                                                             \
    X(answers_message_id, put_if(x, m->answers > 0, rows_message_id(op, m->answers)))                                                      \
    X(pairing, put_text(x, tl_pairing_name(m->pairing)))

/* The names of such a list, with commas between them. */
#define ROWS_FIRST_NAME(name, value) #name
#define ROWS_NEXT_NAME(name, value)  ", " #name
#define ROWS_NAMES(LIST)             LIST(ROWS_FIRST_NAME, ROWS_NEXT_NAME)

#endif
