/*
** merge.c - see merge.h.
**
** A table is a SELECT on the source, whose parameters are what the numbers grow by, and an INSERT of as many columns; rows go over one by
** one.  All in one transaction.
*/
#include "store/merge.h"

#include "store/indexes.h"

#include <stdlib.h>
#include <string.h>

enum { VALUE_LIMIT = 16 << 20 };

/* Parameters of the SELECTs: ?1 ingest, ?2 capture, ?3 session, ?4 chunk, ?5 gap, ?6 stray. */
enum { KINDS = 6 };
static const char highest_sql[] =
    "SELECT (SELECT coalesce(max(ingest_id), 0) FROM ingest), (SELECT coalesce(max(capture_id), 0) FROM capture),"
    " (SELECT max(coalesce((SELECT max(session_id) FROM session), 0), coalesce((SELECT max(last_session_id) FROM scan), 0))),"
    " (SELECT coalesce(max(chunk_id), 0) FROM chunk), (SELECT coalesce(max(gap_id), 0) FROM gap), (SELECT coalesce(max(stray_id), 0) FROM "
    "stray)";
/* Numbers of ours are positive, captures fit 32 bits and sessions 31 (message_id is session_id << 32 | number). */
static const char lowest_sql[] =
    "SELECT min((SELECT coalesce(min(ingest_id), 1) FROM ingest), (SELECT coalesce(min(capture_id), 1) FROM capture),"
    " (SELECT coalesce(min(session_id), 1) FROM session), (SELECT coalesce(min(chunk_id), 1) FROM chunk),"
    " (SELECT coalesce(min(gap_id), 1) FROM gap), (SELECT coalesce(min(stray_id), 1) FROM stray))";
static const int64_t most[KINDS] = {INT32_MAX, INT32_MAX, INT32_MAX, INT64_MAX / 4, INT64_MAX / 4, INT64_MAX / 4};

static const struct {
    const char *select, *insert;
} tables[] = {
    {"SELECT ingest_id + ?1, started_ns, finished_ns, tool_version, options, state FROM ingest ORDER BY ingest_id",
     "INSERT INTO ingest (ingest_id, started_ns, finished_ns, tool_version, options, state) VALUES (?, ?, ?, ?, ?, ?)"},
    {"SELECT capture_id + ?2, ingest_id + ?1, path, bytes, sha256, format, link_type, snaplen, first_ns, last_ns, frames, drops_reported,"
     " state, error FROM capture ORDER BY capture_id",
     "INSERT INTO capture (capture_id, ingest_id, path, bytes, sha256, format, link_type, snaplen, first_ns, last_ns, frames,"
     " drops_reported, state, error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT capture_id + ?2, outcome, frames, bytes FROM frame_count ORDER BY 1, 2",
     "INSERT INTO frame_count (capture_id, outcome, frames, bytes) VALUES (?, ?, ?, ?)"},
    {"SELECT capture_id + ?2, positions FROM frame_position ORDER BY capture_id",
     "INSERT INTO frame_position (capture_id, positions) VALUES (?, ?)"},
    {"SELECT ingest_id + ?1, grouped_by, client_addr, server_addr, server_port, sessions, packets, wire_bytes, first_ns, last_ns,"
     " first_session_id + ?3, last_session_id + ?3, first_capture_id + ?2, first_frame, last_capture_id + ?2, last_frame FROM scan"
     " ORDER BY scan_id",
     "INSERT INTO scan (ingest_id, grouped_by, client_addr, server_addr, server_port, sessions, packets, wire_bytes, first_ns, last_ns,"
     " first_session_id, last_session_id, first_capture_id, first_frame, last_capture_id, last_frame)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT session_id + ?3, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state, history,"
     " close_reason, roles, midstream, healed, rtt_ns, protocol, community_id, first_capture_id + ?2, first_frame, last_capture_id + ?2,"
     " last_frame FROM session ORDER BY session_id",
     "INSERT INTO session (session_id, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state,"
     " history, close_reason, roles, midstream, healed, rtt_ns, protocol, community_id, first_capture_id, first_frame, last_capture_id,"
     " last_frame) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT session_id + ?3, direction, isn, base_seq, length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes, stray_bytes,"
     " segments, out_of_order, retransmitted, packets, wire_bytes, urgent, bad_checksums, mss, window_scale, fin, rst FROM stream"
     " ORDER BY session_id, direction",
     "INSERT INTO stream (session_id, direction, isn, base_seq, length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes,"
     " stray_bytes, segments, out_of_order, retransmitted, packets, wire_bytes, urgent, bad_checksums, mss, window_scale, fin, rst)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT chunk_id + ?4, session_id + ?3, direction, stream_offset, raw_size, capture_id + ?2, first_ns, last_ns, first_frame,"
     " last_frame, arrivals, data FROM chunk ORDER BY chunk_id",
     "INSERT INTO chunk (chunk_id, session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame,"
     " arrivals, data) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT gap_id + ?5, session_id + ?3, direction, stream_offset, length, reason, proof_capture_id + ?2, proof_frame,"
     " before_capture_id + ?2, before_frame, after_capture_id + ?2, after_frame, before_ns, after_ns, told_capture_id + ?2, told_frame"
     " FROM gap ORDER BY gap_id",
     "INSERT INTO gap (gap_id, session_id, direction, stream_offset, length, reason, proof_capture_id, proof_frame, before_capture_id,"
     " before_frame, after_capture_id, after_frame, before_ns, after_ns, told_capture_id, told_frame)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT stray_id + ?6, session_id + ?3, direction, stream_offset, length, reason, capture_id + ?2, frame, ns, data FROM stray"
     " ORDER BY stray_id",
     "INSERT INTO stray (stray_id, session_id, direction, stream_offset, length, reason, capture_id, frame, ns, data)"
     " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
    {"SELECT message_id + (?3 << 32), session_id + ?3, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind,"
     " summary, detail, complete, sync, first_ns, last_ns, first_frame, last_frame, first_capture_id + ?2, last_capture_id + ?2, "
     "peer_acked,"
     " answers_message_id + (?3 << 32), pairing FROM message ORDER BY message_id",
     "INSERT INTO message (message_id, session_id, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind,"
     " summary, detail, complete, sync, first_ns, last_ns, first_frame, last_frame, first_capture_id, last_capture_id, peer_acked,"
     " answers_message_id, pairing) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"},
};

static tl_rc source_failed(tl_store *s, const char *path, sqlite3 *source)
{
    return tl_fail(&s->error, TL_ESQL, "%s: cannot be read: %s", path, sqlite3_errmsg(source));
}

/* The first row of sql as numbers. */
static tl_rc look(tl_store *s, sqlite3 *db, const char *path, const char *sql, int64_t *out, int n)
{
    sqlite3_stmt *q = NULL;
    int rc = sqlite3_prepare_v2(db, sql, -1, &q, NULL);
    if (rc == SQLITE_OK) rc = sqlite3_step(q);
    for (int i = 0; i < n; i++) out[i] = rc == SQLITE_ROW ? sqlite3_column_int64(q, i) : 0;
    tl_rc result = rc == SQLITE_ROW ? TL_OK : source_failed(s, path, db);
    sqlite3_finalize(q);
    return result;
}

/* Is a capture of the source here already?  A file that was read to its end has its SHA-256. */
static tl_rc check_captures(tl_store *s, sqlite3 *source, const char *path)
{
    static const char all[] = "SELECT sha256, path, capture_id FROM capture WHERE sha256 IS NOT NULL";
    sqlite3_stmt *theirs = NULL, *ours = NULL;
    tl_rc result = TL_OK;
    int rc = sqlite3_prepare_v2(source, all, -1, &theirs, NULL);
    if (sqlite3_prepare_v2(s->db, "SELECT capture_id FROM capture WHERE sha256 = ?1", -1, &ours, NULL) != SQLITE_OK)
        result = store_failed(s, "read");
    while (rc == SQLITE_OK && result == TL_OK && (rc = sqlite3_step(theirs)) == SQLITE_ROW) {
        sqlite3_bind_value(ours, 1, sqlite3_column_value(theirs, 0));
        if (sqlite3_step(ours) == SQLITE_ROW)
            result =
                tl_fail(&s->error, TL_EUSAGE, "%s: its capture %lld, %.150s, is in another one of the databases, too: nothing is merged",
                        path, (long long)sqlite3_column_int64(theirs, 2), (const char *)sqlite3_column_text(theirs, 1));
        sqlite3_reset(ours);
        rc = SQLITE_OK;
    }
    if (result == TL_OK && rc != SQLITE_DONE) result = source_failed(s, path, source);
    sqlite3_finalize(theirs);
    sqlite3_finalize(ours);
    return result;
}

/* What the numbers of the source grow by. */
static tl_rc look_numbers(tl_store *s, sqlite3 *source, const char *path, int64_t by[KINDS])
{
    int64_t theirs[KINDS], lowest, unframed;
    tl_rc rc = look(s, s->db, s->path, highest_sql, by, KINDS);
    if (rc == TL_OK) rc = look(s, source, path, highest_sql, theirs, KINDS);
    if (rc == TL_OK) rc = look(s, source, path, lowest_sql, &lowest, 1);
    if (rc == TL_OK) rc = look(s, source, path, "SELECT count(*) FROM session_state WHERE unframed", &unframed, 1);
    if (rc != TL_OK) return rc;
    if (unframed > 0)
        return tl_fail(&s->error, TL_EUSAGE,
                       "%s: a run was interrupted before it framed its messages: give its tcpledger-ingest again first", path);
    for (int i = 0; i < KINDS; i++)
        if (lowest < 1 || theirs[i] > most[i] - by[i])
            return tl_fail(&s->error, TL_EUSAGE, "%s: its numbers do not fit: the databases are damaged, or too large for one", path);
    return TL_OK;
}

static tl_rc copy_rows(tl_store *s, sqlite3 *source, const char *path, sqlite3_stmt *from, sqlite3_stmt *to)
{
    int rc, columns = sqlite3_column_count(from);
    while ((rc = sqlite3_step(from)) == SQLITE_ROW) {
        for (int i = 0; i < columns; i++)
            if (sqlite3_bind_value(to, i + 1, sqlite3_column_value(from, i)) != SQLITE_OK) return store_failed(s, "write");
        if (sqlite3_step(to) != SQLITE_DONE) {
            if ((sqlite3_errcode(s->db) & 0xff) != SQLITE_CONSTRAINT) return store_failed(s, "write");
            return tl_fail(&s->error, TL_ESQL, "%s: the database is damaged (see verify): %s", path, sqlite3_errmsg(s->db));
        }
        sqlite3_reset(to);
    }
    return rc == SQLITE_DONE ? TL_OK : source_failed(s, path, source);
}

static tl_rc copy_table(tl_store *s, sqlite3 *source, const char *path, size_t table, const int64_t by[KINDS])
{
    sqlite3_stmt *from = NULL, *to = NULL;
    tl_rc rc = TL_OK;
    if (sqlite3_prepare_v2(source, tables[table].select, -1, &from, NULL) != SQLITE_OK) rc = source_failed(s, path, source);
    if (rc == TL_OK && sqlite3_prepare_v2(s->db, tables[table].insert, -1, &to, NULL) != SQLITE_OK) rc = store_failed(s, "write");
    for (int i = 0; rc == TL_OK && i < KINDS && i < sqlite3_bind_parameter_count(from); i++) sqlite3_bind_int64(from, i + 1, by[i]);
    if (rc == TL_OK) rc = copy_rows(s, source, path, from, to);
    sqlite3_finalize(from);
    sqlite3_finalize(to);
    return rc;
}

static tl_rc open_source(tl_store *s, const char *path, sqlite3 **source)
{
    char *name = sqlite3_mprintf("%s%s", path[0] == '/' ? "" : "./", path);
    if (name == NULL) return tl_fail(&s->error, TL_ENOMEM, "%s: out of memory", path);
    int rc = sqlite3_open_v2(name, source, SQLITE_OPEN_READONLY | SQLITE_OPEN_PRIVATECACHE, NULL);
    sqlite3_free(name);
    if (rc == SQLITE_OK) {
        sqlite3_db_config(*source, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        sqlite3_db_config(*source, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
        sqlite3_db_config(*source, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
        sqlite3_limit(*source, SQLITE_LIMIT_LENGTH, VALUE_LIMIT);
        rc = sqlite3_exec(*source, "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0; BEGIN", NULL, NULL,
                          NULL);
    }
    return rc == SQLITE_OK ? TL_OK : source_failed(s, path, *source);
}

tl_rc tl_store_merge(tl_store *s, const char *path)
{
    sqlite3 *source = NULL;
    int64_t by[KINDS];
    tl_rc rc = store_begin(s);
    if (rc == TL_OK) rc = open_source(s, path, &source);
    if (rc == TL_OK) rc = check_captures(s, source, path);
    if (rc == TL_OK) rc = look_numbers(s, source, path, by);
    if (rc == TL_OK) rc = store_indexes_drop(s);
    for (size_t i = 0; rc == TL_OK && i < sizeof tables / sizeof *tables; i++) rc = copy_table(s, source, path, i, by);
    sqlite3_close(source);
    return store_done(s, rc);
}

tl_rc tl_store_merged(tl_store *s)
{
    return store_finish(s);
}
