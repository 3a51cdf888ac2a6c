/*
** sections.c - see sections.h.  All of it runs on the views of schema/views.sql, or by key on the tables.
*/
#include "query/sections.h"

#include "query/loss_hosts.h"

#define TIME_OF(ns)                                                                                                                        \
    "strftime('%Y-%m-%dT%H:%M:%S', (" ns " - 999999999 * (" ns " < 0)) / 1000000000, 'unixepoch')"                                         \
    " || format('.%09dZ', (" ns " % 1000000000 + 1000000000) % 1000000000)"
#define SENDER_OF(direction) "iif(" direction " = 0, 'client', 'server')"

static tl_rc loss_by_host(tl_reader *r, const char *sql, const tl_output *out, uint64_t *rows)
{
    return tl_loss_hosts(r, sql, TL_LOSS_HOSTS_MOST, out, rows);
}

const tl_section tl_sections_session[] = {
    {"session", "session", "SELECT * FROM sessions WHERE session_id = ?1", true, NULL},
    {"streams", "streams", "SELECT * FROM streams WHERE session_id = ?1", false, NULL},
    {"events", "events, in the order of time",
     "SELECT " TIME_OF("ns") " AS time, sender, event, text, length, missing, stream_offset, capture_id, frame FROM ("
                             "SELECT m.first_ns AS ns, 0 AS rank, m.message_id AS id, " SENDER_OF(
                                 "m.direction") " AS sender,"
                                                " 'message ' || (m.message_id & 4294967295) AS event, m.stream_offset, m.length, "
                                                "m.missing, iif(m.summary = '', iif(m.protocol = m.kind, '', m.protocol || ' ') || m.kind, "
                                                "m.summary) AS text,"
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
     false, NULL},
    {0},
};

const tl_section tl_sections_loss[] = {
    {"total", "total",
     "SELECT count(*) AS gaps, coalesce(sum(iif(reason IN ('acked', 'snaplen'), length, 0)), 0) AS capture_loss,"
     " coalesce(sum(iif(reason IN ('acked', 'snaplen'), 0, length)), 0) AS unknown_loss,"
     " count(DISTINCT session_id) AS sessions_with_loss, (SELECT count(*) FROM session) AS sessions,"
     " (SELECT coalesce(sum(length), 0) FROM stream) AS stream_bytes FROM gap",
     true, NULL},
    {"reason", "by reason",
     "SELECT iif(reason IN ('acked', 'snaplen'), 'capture', 'unknown') AS loss, reason, count(*) AS gaps, sum(length) AS bytes"
     " FROM gap GROUP BY reason ORDER BY 1, 4 DESC",
     false, NULL},
    {"capture", "by capture", "SELECT * FROM loss_by_capture ORDER BY capture_id", false, NULL},
    {"host", "by sending host", "SELECT * FROM loss_by_host WHERE gaps > 0 ORDER BY capture_loss DESC, unknown_loss DESC, host", false,
     loss_by_host},
    {"session", "by session", "SELECT * FROM loss_by_session ORDER BY capture_loss DESC, unknown_loss DESC, session_id", false, NULL},
    {"second", "by second", "SELECT * FROM loss_by_second ORDER BY second", false, NULL},
    {0},
};

const tl_section tl_sections_info[] = {
    {"database", "database",
     "SELECT (SELECT count(*) FROM capture) AS captures, (SELECT count(*) FROM session) AS sessions,"
     " (SELECT coalesce(sum(frames), 0) FROM capture) AS frames, sum(captured_bytes) AS payload_captured, sum(stored_bytes) AS stored,"
     " sum(duplicate_bytes) AS duplicate, sum(stray_bytes) AS stray, sum(gap_bytes) AS missing, (SELECT count(*) FROM gap) AS gaps,"
     " (SELECT count(*) FROM message) AS messages,"
     " (SELECT " TIME_OF("min(first_ns)") " FROM capture) AS first, (SELECT " TIME_OF("max(last_ns)") " FROM capture) AS last FROM stream",
     true, NULL},
    {"ingests", "ingests",
     "SELECT ingest_id, " TIME_OF("started_ns") " AS started, round((finished_ns - started_ns) / 1e9, 3) AS seconds, tool_version, state,"
                                                " options FROM ingest ORDER BY ingest_id",
     false, NULL},
    {"captures", "captures", "SELECT * FROM captures ORDER BY capture_id", false, NULL},
    {"outcomes", "what became of the frames",
     "SELECT outcome, sum(frames) AS frames, sum(bytes) AS bytes, count(*) AS captures FROM frame_count GROUP BY outcome ORDER BY 2 DESC",
     false, NULL},
    {"closings", "how sessions ended",
     "SELECT coalesce(close_reason, 'open') AS close_reason, conn_state, count(*) AS sessions FROM session GROUP BY 1, 2"
     " UNION ALL SELECT 'summed up', 'S0', sum(sessions) FROM scan HAVING count(*) > 0 ORDER BY 3 DESC, 1, 2",
     false, NULL},
    {0},
};
