/*
** sections.c - see sections.h.  All of it runs on the views of schema/views.sql, or by key on the tables.
*/
#include "query/sections.h"

#define TIME_OF(ns)                                                                                                                        \
    "strftime('%Y-%m-%dT%H:%M:%S', (" ns " - 999999999 * (" ns " < 0)) / 1000000000, 'unixepoch')"                                         \
    " || format('.%09dZ', (" ns " % 1000000000 + 1000000000) % 1000000000)"
#define SENDER_OF(direction) "iif(" direction " = 0, 'client', 'server')"

/* The rows of loss_by_host with gaps.  The view groups all streams by host; here only those of hosts that have gaps are.  Streams are read
** in their order, and so sessions are: by the indexes of hosts each would come from another page. */
#define LOSS_BY_HOST                                                                                                                       \
    "WITH lossy AS MATERIALIZED ("                                                                                                         \
    " SELECT iif(g.direction = 0, s.client_addr, s.server_addr) AS host, count(*) AS gaps,"                                                \
    "  sum(iif(g.reason IN ('acked', 'snaplen'), g.length, 0)) AS capture_loss,"                                                           \
    "  sum(iif(g.reason IN ('acked', 'snaplen'), 0, g.length)) AS unknown_loss"                                                            \
    " FROM gap AS g JOIN session AS s ON s.session_id = g.session_id GROUP BY 1),"                                                         \
    " sent AS ("                                                                                                                           \
    " SELECT iif(t.direction = 0, s.client_addr, s.server_addr) AS host, sum(t.direction = 0 OR s.client_addr <> s.server_addr) AS "       \
    "sessions,"                                                                                                                            \
    "  sum(t.length) AS bytes, sum(t.stored_bytes) AS stored"                                                                              \
    " FROM stream AS t CROSS JOIN session AS s ON s.session_id = t.session_id"                                                             \
    " WHERE iif(t.direction = 0, s.client_addr, s.server_addr) IN (SELECT host FROM lossy) GROUP BY 1)"                                    \
    " SELECT l.host, x.sessions AS sessions, x.bytes AS bytes_sent, x.stored AS stored_bytes,"                                             \
    " l.gaps, l.capture_loss, l.unknown_loss FROM lossy AS l CROSS JOIN sent AS x ON x.host = l.host"                                      \
    " ORDER BY l.capture_loss DESC, l.unknown_loss DESC, l.host"

const tl_section tl_sections_session[] = {
    {"session", "session", "SELECT * FROM sessions WHERE session_id = ?1", true},
    {"streams", "streams", "SELECT * FROM streams WHERE session_id = ?1", false},
    {"events", "events, in the order of time",
     "SELECT " TIME_OF("ns") " AS time, sender, event, text, length, missing, stream_offset, capture_id, frame FROM ("
                             "SELECT m.first_ns AS ns, 0 AS rank, m.message_id AS id, " SENDER_OF(
                                 "m.direction") " AS sender,"
                                                " 'message ' || (m.message_id & 4294967295) AS event, m.stream_offset, m.length, "
                                                "m.missing, m.summary AS text,"
                                                " m.first_capture_id AS capture_id, m.first_frame AS frame"
                                                " FROM message AS m WHERE m.message_id BETWEEN (?1 << 32) AND (?1 << 32) + 4294967295"
                                                " UNION ALL "
                                                "SELECT coalesce(g.before_ns, g.after_ns, (SELECT first_ns FROM session WHERE session_id = "
                                                "?1)), 1, g.gap_id,"
                                                " " SENDER_OF("g.direction") ", 'gap ' || g.gap_id, g.stream_offset, g.length, g.length,"
                                                                             " iif(g.reason IN ('acked', 'snaplen'), 'capture loss: ', "
                                                                             "'unknown loss: ') || g.reason"
                                                                             " || coalesce(', between frames ' || g.before_frame || ' and "
                                                                             "' || g.after_frame, ', after frame ' || g.before_frame,"
                                                                             " ', before frame ' || g.after_frame, ''),"
                                                                             " g.proof_capture_id, g.proof_frame"
                                                                             " FROM gap AS g WHERE g.session_id = ?1"
                                                                             " UNION ALL "
                                                                             "SELECT x.ns, 2, x.stray_id, " SENDER_OF(
                                                                                 "x.direction") ", 'stray', x.stream_offset, x.length, "
                                                                                                "NULL, x.reason, x.capture_id, x.frame"
                                                                                                " FROM stray AS x WHERE x.session_id = ?1"
                                                                                                ") ORDER BY ns, rank, id",
     false},
    {0},
};

const tl_section tl_sections_loss[] = {
    {"total", "total",
     "SELECT count(*) AS gaps, coalesce(sum(iif(reason IN ('acked', 'snaplen'), length, 0)), 0) AS capture_loss,"
     " coalesce(sum(iif(reason IN ('acked', 'snaplen'), 0, length)), 0) AS unknown_loss,"
     " count(DISTINCT session_id) AS sessions_with_loss, (SELECT count(*) FROM session) AS sessions,"
     " (SELECT coalesce(sum(length), 0) FROM stream) AS stream_bytes FROM gap",
     true},
    {"reason", "by reason",
     "SELECT iif(reason IN ('acked', 'snaplen'), 'capture', 'unknown') AS loss, reason, count(*) AS gaps, sum(length) AS bytes"
     " FROM gap GROUP BY reason ORDER BY 1, 4 DESC",
     false},
    {"capture", "by capture", "SELECT * FROM loss_by_capture ORDER BY capture_id", false},
    {"host", "by sending host", LOSS_BY_HOST, false},
    {"session", "by session", "SELECT * FROM loss_by_session ORDER BY capture_loss DESC, unknown_loss DESC, session_id", false},
    {"second", "by second", "SELECT * FROM loss_by_second ORDER BY second", false},
    {0},
};

const tl_section tl_sections_info[] = {
    {"database", "database",
     "SELECT (SELECT count(*) FROM capture) AS captures, (SELECT count(*) FROM session) AS sessions,"
     " (SELECT coalesce(sum(frames), 0) FROM capture) AS frames, sum(captured_bytes) AS payload_captured, sum(stored_bytes) AS stored,"
     " sum(duplicate_bytes) AS duplicate, sum(stray_bytes) AS stray, sum(gap_bytes) AS missing, (SELECT count(*) FROM gap) AS gaps,"
     " (SELECT count(*) FROM message) AS messages,"
     " (SELECT " TIME_OF("min(first_ns)") " FROM capture) AS first, (SELECT " TIME_OF("max(last_ns)") " FROM capture) AS last FROM stream",
     true},
    {"ingests", "ingests",
     "SELECT ingest_id, " TIME_OF("started_ns") " AS started, round((finished_ns - started_ns) / 1e9, 3) AS seconds, tool_version, state,"
                                                " options FROM ingest ORDER BY ingest_id",
     false},
    {"captures", "captures", "SELECT * FROM captures ORDER BY capture_id", false},
    {"outcomes", "what became of the frames",
     "SELECT outcome, sum(frames) AS frames, sum(bytes) AS bytes, count(*) AS captures FROM frame_count GROUP BY outcome ORDER BY 2 DESC",
     false},
    {"closings", "how sessions ended",
     "SELECT coalesce(close_reason, 'open') AS close_reason, conn_state, count(*) AS sessions FROM session GROUP BY 1, 2 ORDER BY 3 DESC, "
     "1, 2",
     false},
    {0},
};
