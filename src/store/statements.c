/*
** statements.c - all SQL that only C binds, by number.  SQL that people read is in schema/ and queries/.
**
** Offsets move in two steps (AWAY, BACK): by 2^61 first, which is beyond every offset that a capture can make, so that no row steps on
** another one's place in the unique index while they move.
*/
#include "store/statements.h"

#define AWAY "2305843009213693952"

/* All rows that a table of rows.h shows. */
#define PUT(table, LIST, from) "INSERT OR ROLLBACK INTO " table " (" ROWS_NAMES(LIST) ") SELECT " ROWS_NAMES(LIST) " FROM " from

#define SESSION_AGAIN                                                                                                                      \
    " WHERE true ON CONFLICT (session_id) DO UPDATE SET client_addr = excluded.client_addr, client_port = excluded.client_port,"           \
    " server_addr = excluded.server_addr, server_port = excluded.server_port, vlan = excluded.vlan, tunnel = excluded.tunnel,"             \
    " first_ns = excluded.first_ns, last_ns = excluded.last_ns, conn_state = excluded.conn_state, history = excluded.history,"             \
    " close_reason = excluded.close_reason, roles = excluded.roles, midstream = excluded.midstream,"                                       \
    " healed = max(healed, excluded.healed), rtt_ns = excluded.rtt_ns,"                                                                    \
    " protocol = iif(excluded.protocol = '', protocol, excluded.protocol), first_capture_id = excluded.first_capture_id,"                  \
    " first_frame = excluded.first_frame, last_capture_id = excluded.last_capture_id, last_frame = excluded.last_frame"

/* The first packet of a direction may come after the session's row.  Counts of bytes are additions: late data and copies change them
** too. */
#define STREAM_AGAIN                                                                                                                       \
    " WHERE true ON CONFLICT (session_id, direction) DO UPDATE SET isn = excluded.isn, base_seq = excluded.base_seq,"                      \
    " length = excluded.length, stored_bytes = stored_bytes + excluded.stored_bytes, gap_bytes = gap_bytes + excluded.gap_bytes,"          \
    " captured_bytes = excluded.captured_bytes, duplicate_bytes = duplicate_bytes + excluded.duplicate_bytes,"                             \
    " stray_bytes = stray_bytes + excluded.stray_bytes, segments = excluded.segments, out_of_order = excluded.out_of_order,"               \
    " retransmitted = excluded.retransmitted, packets = excluded.packets, wire_bytes = excluded.wire_bytes, urgent = excluded.urgent,"     \
    " bad_checksums = excluded.bad_checksums, mss = excluded.mss, window_scale = excluded.window_scale, fin = excluded.fin,"               \
    " rst = excluded.rst"

const char *const store_sql[STATEMENTS] = {
    [ST_BEGIN] = "BEGIN IMMEDIATE",
    [ST_COMMIT] = "COMMIT",
    [ST_ROLLBACK] = "ROLLBACK",
    [ST_NEXT_SESSION] = "SELECT max(coalesce((SELECT max(session_id) FROM session), 0),"
                        " coalesce((SELECT max(last_session_id) FROM scan), 0)) + 1",
    [ST_FIND_CAPTURE] = "SELECT capture_id FROM capture"
                        " WHERE bytes = ?1 AND sha256 IS NOT NULL AND (?2 IS NULL OR sha256 = ?2)"
                        " AND state IN ('complete', 'truncated') LIMIT 1",

    [ST_INGEST_BEGIN] = "INSERT INTO ingest (started_ns, tool_version, options, state) VALUES (?, ?, ?, 'interrupted')",
    [ST_INGEST_END] = "UPDATE ingest SET finished_ns = ?2, state = ?3 WHERE ingest_id = ?1",
    [ST_CAPTURE_BEGIN] =
        "INSERT INTO capture (ingest_id, path, format, bytes, frames, state) VALUES (?, ?, ?, nullif(?, 0), 0, 'interrupted')",
    [ST_NEXT_CAPTURE] = "SELECT capture_id, path, bytes FROM capture WHERE ingest_id = ?1 AND capture_id > ?2 ORDER BY capture_id LIMIT 1",
    [ST_CAPTURE_END] = "UPDATE capture SET bytes = ?2, sha256 = ?3, format = ?4, link_type = ?5, snaplen = ?6, first_ns = ?7,"
                       " last_ns = ?8, frames = ?9, drops_reported = ?10, state = ?11, error = ?12 WHERE capture_id = ?1",
    [ST_FRAME_COUNT] = "INSERT INTO frame_count (capture_id, outcome, frames, bytes) VALUES (?, ?, ?, ?)",
    [ST_FRAME_POSITION] = "INSERT INTO frame_position (capture_id, positions) VALUES (?, ?)",
    [ST_SCAN] = "INSERT INTO scan (ingest_id, grouped_by, client_addr, server_addr, server_port, sessions, packets, wire_bytes, first_ns,"
                " last_ns, first_session_id, last_session_id, first_capture_id, first_frame, last_capture_id, last_frame)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",

    [ST_SESSIONS_PUT] = PUT("session", ROWS_SESSION, "new_session"),
    [ST_SESSIONS_COPY] = "INSERT OR ROLLBACK INTO main.session SELECT * FROM rows.session",
    [ST_SESSIONS_AGAIN] = PUT("session", ROWS_SESSION, "old_session") SESSION_AGAIN,
    [ST_SESSION_HEALED] = "UPDATE session SET healed = 1 WHERE session_id = ? AND healed = 0",
    [ST_STREAMS_PUT] = PUT("stream", ROWS_STREAM, "new_stream"),
    [ST_STREAMS_AGAIN] = PUT("stream", ROWS_STREAM, "old_stream") STREAM_AGAIN,
    [ST_STREAM_ADD] = "UPDATE stream SET stored_bytes = stored_bytes + ?3, gap_bytes = gap_bytes + ?4,"
                      " duplicate_bytes = duplicate_bytes + ?5, stray_bytes = stray_bytes + ?6 WHERE session_id = ?1 AND direction = ?2",

    [ST_CHUNKS_PUT] = PUT("chunk", ROWS_CHUNK, "new_chunk"),
    [ST_CHUNK_AT] = "SELECT chunk_id, stream_offset, raw_size FROM chunk"
                    " WHERE session_id = ? AND direction = ? AND stream_offset <= ? ORDER BY stream_offset DESC LIMIT 1",
    [ST_CHUNK_DATA] = "SELECT data FROM chunk WHERE chunk_id = ?",
    [ST_CHUNK_ARRIVALS] = "SELECT stream_offset, chunk_id, first_frame, first_ns, arrivals FROM chunk"
                          " WHERE session_id = ? AND direction = ? AND stream_offset >= ? ORDER BY stream_offset LIMIT 1",
    [ST_CHUNK_ARRIVALS_SET] = "UPDATE chunk SET arrivals = ?2 WHERE chunk_id = ?1",
    [ST_CHUNK_AWAY] = "UPDATE chunk SET stream_offset = stream_offset + " AWAY " WHERE session_id = ?1 AND direction = ?2",
    [ST_CHUNK_BACK] = "UPDATE chunk SET stream_offset = stream_offset - " AWAY " + ?3 WHERE session_id = ?1 AND direction = ?2",

    [ST_GAPS_PUT] = PUT("gap", ROWS_GAP, "new_gap"),
    [ST_GAP_JOIN] = "UPDATE gap SET length = length + ?4, proof_capture_id = ?6, proof_frame = ?7, after_capture_id = ?8,"
                    " after_frame = ?9, after_ns = ?10, told_capture_id = ?11, told_frame = ?12"
                    " WHERE session_id = ?1 AND direction = ?2 AND stream_offset = (SELECT max(stream_offset) FROM gap"
                    " WHERE session_id = ?1 AND direction = ?2 AND stream_offset < ?3) AND stream_offset + length = ?3 AND reason = ?5",
    [ST_GAP_AT] = "SELECT gap_id, stream_offset, length FROM gap"
                  " WHERE session_id = ? AND direction = ? AND stream_offset <= ? ORDER BY stream_offset DESC LIMIT 1",
    [ST_GAP_DELETE] = "DELETE FROM gap WHERE gap_id = ?1",
    /* Late data took the end (HEAD is left), the front (TAIL is left), or the middle (SPLIT: a new row for what comes after it). */
    [ST_GAP_HEAD] = "UPDATE gap SET length = ?2, after_capture_id = ?3, after_frame = ?4, after_ns = ?5 WHERE gap_id = ?1",
    [ST_GAP_TAIL] = "UPDATE gap SET length = stream_offset + length - ?2, stream_offset = ?2, before_capture_id = ?3,"
                    " before_frame = ?4, before_ns = ?5 WHERE gap_id = ?1",
    [ST_GAP_SPLIT] = "INSERT INTO gap (session_id, direction, stream_offset, length, reason, proof_capture_id, proof_frame,"
                     " before_capture_id, before_frame, after_capture_id, after_frame, before_ns, after_ns, told_capture_id, told_frame)"
                     " SELECT session_id, direction, ?2, stream_offset + length - ?2, reason, proof_capture_id, proof_frame, ?3, ?4,"
                     " after_capture_id, after_frame, ?5, after_ns, told_capture_id, told_frame FROM gap WHERE gap_id = ?1",
    [ST_GAP_AWAY] = "UPDATE gap SET stream_offset = stream_offset + " AWAY " WHERE session_id = ?1 AND direction = ?2",
    [ST_GAP_BACK] = "UPDATE gap SET stream_offset = stream_offset - " AWAY " + ?3 WHERE session_id = ?1 AND direction = ?2",
    [ST_NEXT_KNOWN] = "SELECT min(o) FROM (SELECT min(stream_offset) AS o FROM chunk WHERE session_id = ?1 AND direction = ?2"
                      " AND stream_offset > ?3 UNION ALL SELECT min(stream_offset) FROM gap WHERE session_id = ?1 AND direction = ?2"
                      " AND stream_offset > ?3)",

    [ST_STRAYS_PUT] = PUT("stray", ROWS_STRAY, "new_stray"),
    [ST_STRAY_SHIFT] = "UPDATE stray SET stream_offset = stream_offset + ?3 WHERE session_id = ?1 AND direction = ?2",

    [ST_MESSAGES_PUT] = PUT("message", ROWS_MESSAGE, "new_message"),
    [ST_MESSAGES_COPY] = "INSERT OR ROLLBACK INTO main.message SELECT * FROM rows.message",
    [ST_MESSAGE_PAIRING] = "UPDATE message SET pairing = ?2 WHERE message_id = ?1",
    [ST_MESSAGE_SHIFT] = "UPDATE message SET stream_offset = stream_offset + ?3"
                         " WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 AND direction = ?2",
    [ST_MESSAGE_PEER_SHIFT] = "UPDATE message SET peer_acked = peer_acked + ?3"
                              " WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295 AND direction = ?2 AND peer_acked > 0",
    [ST_MESSAGES_DELETE] = "DELETE FROM message WHERE message_id BETWEEN ?1 << 32 AND (?1 << 32) + 4294967295",
    [ST_SESSION_PROTOCOL] = "UPDATE session SET protocol = ?2 WHERE session_id = ?1",
    [ST_HEALED_AFTER] = "SELECT session_id FROM session WHERE session_id > ?1 AND healed AND last_capture_id >= ?2 LIMIT 1",
    [ST_SESSION_AFTER] = "SELECT session_id FROM session WHERE session_id > ?1 ORDER BY session_id LIMIT 1",

    [ST_MARKS] = "SELECT (SELECT coalesce(max(chunk_id), 0) FROM chunk), (SELECT coalesce(max(gap_id), 0) FROM gap),"
                 " (SELECT coalesce(max(stray_id), 0) FROM stray)",
    [ST_STATE_SAVE] = "INSERT INTO session_state (session_id, ingest_id, clock_ns, chunk_id, gap_id, stray_id, base_0, base_1, length_0,"
                      " length_1, unframed, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)"
                      " ON CONFLICT (session_id) DO UPDATE SET ingest_id = excluded.ingest_id, clock_ns = excluded.clock_ns,"
                      " chunk_id = excluded.chunk_id, gap_id = excluded.gap_id, stray_id = excluded.stray_id, base_0 = excluded.base_0,"
                      " base_1 = excluded.base_1, length_0 = excluded.length_0, length_1 = excluded.length_1, state = excluded.state",
    [ST_STATE_FORGET] = "UPDATE session_state SET state = NULL WHERE session_id = ?1",
    [ST_STATE_BEFORE] = "SELECT session_id, clock_ns, iif(length(state) <= ?2, state, NULL) FROM session_state"
                        " WHERE session_id BETWEEN 1 AND ?1 - 1 AND state IS NOT NULL ORDER BY session_id DESC LIMIT 1",
    [ST_STATE_MARKS] = "SELECT chunk_id, gap_id, stray_id, base_0, base_1 FROM session_state WHERE session_id = ?1 AND ingest_id <> ?2",
    [ST_STATE_TAKEN] = "UPDATE session_state SET ingest_id = ?2, unframed = 1, state = NULL WHERE session_id = ?1",
    [ST_STATE_DELETE] = "DELETE FROM session_state WHERE session_id = ?1 AND NOT unframed",
    /* The + keeps SQLite from walking all rows above the mark, of all sessions. */
    [ST_BACK_STREAM] = "UPDATE stream SET"
                       " stored_bytes = stored_bytes - (SELECT coalesce(sum(raw_size), 0) FROM chunk AS c"
                       " WHERE c.session_id = ?1 AND c.direction = stream.direction AND +c.chunk_id > ?2),"
                       " gap_bytes = gap_bytes - (SELECT coalesce(sum(length), 0) FROM gap AS g"
                       " WHERE g.session_id = ?1 AND g.direction = stream.direction AND +g.gap_id > ?3),"
                       " stray_bytes = stray_bytes - (SELECT coalesce(sum(length), 0) FROM stray AS y"
                       " WHERE y.session_id = ?1 AND y.direction = stream.direction AND +y.stray_id > ?4)"
                       " WHERE session_id = ?1",
    [ST_BACK_CHUNKS] = "DELETE FROM chunk WHERE session_id = ?1 AND +chunk_id > ?2",
    [ST_BACK_GAPS] = "DELETE FROM gap WHERE session_id = ?1 AND +gap_id > ?2",
    [ST_BACK_STRAYS] = "DELETE FROM stray WHERE session_id = ?1 AND +stray_id > ?2",
    [ST_BACK_BASE] = "SELECT base_seq FROM stream WHERE session_id = ?1 AND direction = ?2",
    [ST_BACK_LENGTHS] = "UPDATE stream SET base_seq = iif(direction = 0, coalesce(m.base_0, base_seq), coalesce(m.base_1, base_seq)),"
                        " length = stored_bytes + gap_bytes, captured_bytes = stored_bytes + duplicate_bytes + stray_bytes"
                        " FROM session_state AS m WHERE stream.session_id = ?1 AND m.session_id = ?1"
                        " AND stored_bytes + gap_bytes = iif(direction = 0, m.length_0, m.length_1)",
    [ST_BACK_WITHOUT_ROW] = "SELECT count(*) FROM session_state AS m, (SELECT 0 AS direction UNION ALL SELECT 1) AS d"
                            " WHERE m.session_id = ?1 AND iif(d.direction = 0, m.length_0, m.length_1) = 0"
                            " AND iif(d.direction = 0, m.base_0, m.base_1) IS NULL AND NOT EXISTS"
                            " (SELECT 1 FROM stream AS t WHERE t.session_id = ?1 AND t.direction = d.direction)",
    [ST_BACK_SESSION] = "UPDATE session SET close_reason = NULL WHERE session_id = ?1",
    [ST_UNFRAMED_AFTER] = "SELECT t.session_id FROM session_state AS t CROSS JOIN session AS s ON s.session_id = t.session_id"
                          " WHERE t.session_id > ?1 AND t.unframed AND NOT (s.healed AND s.last_capture_id >= ?2)"
                          " ORDER BY t.session_id LIMIT 1",
    [ST_UNFRAMED_DONE] = "UPDATE session_state SET unframed = 0 WHERE unframed",
    [ST_STATES_CLEAN] = "DELETE FROM session_state WHERE state IS NULL",
};
