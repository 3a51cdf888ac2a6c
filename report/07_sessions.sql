-- title: The sessions that lost most
-- The ten with most capture loss and the five with most unknown loss.
WITH ranked AS (
  SELECT session_id, bytes, gaps, capture_loss, unknown_loss,
         row_number() OVER (ORDER BY capture_loss DESC, session_id) AS by_capture,
         row_number() OVER (ORDER BY unknown_loss DESC, session_id) AS by_unknown,
         count(*) OVER () AS sessions_with_loss
    FROM loss_by_session
),
worst AS MATERIALIZED (
  SELECT * FROM ranked WHERE (capture_loss > 0 AND by_capture <= 10) OR (unknown_loss > 0 AND by_unknown <= 5)
)
SELECT w.session_id, s.client, s.server, iif(s.protocol IN ('', 'turn'), 'protocol not recognised', s.protocol) AS protocol, s.start, s.seconds, w.bytes, w.gaps, w.capture_loss, w.unknown_loss,
       s.messages,
       (SELECT count(*) FROM message AS m
         WHERE m.message_id BETWEEN (w.session_id << 32) AND (w.session_id << 32) + 4294967295 AND m.complete = 0) AS messages_incomplete,
       s.conn_state, s.notes, w.sessions_with_loss
  FROM worst AS w
  JOIN sessions AS s ON s.session_id = w.session_id
 ORDER BY w.capture_loss DESC, w.unknown_loss DESC, w.session_id;
