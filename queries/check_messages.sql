-- title: Messages that contradict their stream
-- Within the stream; not overlapping in a direction; ordinals 1, 2, 3 ...; `missing` exactly what gaps take of the message; `complete` only
-- when nothing is missing.  Sessions that late data healed are left out: their messages were framed before the gaps closed.
WITH m AS MATERIALIZED (
  SELECT message_id, session_id, direction, ordinal, stream_offset, stream_offset + length AS stop, missing, complete,
         lag(stream_offset + length) OVER by_offset AS before_ended,
         row_number() OVER by_offset AS should_be
    FROM message
   WHERE session_id NOT IN (SELECT session_id FROM session WHERE healed = 1)
  WINDOW by_offset AS (PARTITION BY session_id, direction ORDER BY stream_offset, ordinal)
),
-- Messages of the streams that have gaps.
near AS MATERIALIZED (
  SELECT m.message_id, m.session_id, m.direction, m.stream_offset, m.stop, m.missing
    FROM m JOIN stream AS t ON t.session_id = m.session_id AND t.direction = m.direction
   WHERE t.gap_bytes > 0
),
-- below: gap bytes below a message's first byte and below its end, from one walk over gaps and edges in the order of the stream.
edge AS (
  SELECT session_id, direction, stream_offset AS place, 1 AS is_gap, length AS bytes, stream_offset + length AS stop,
         NULL AS message_id, 0 AS sign
    FROM gap
  UNION ALL
  SELECT session_id, direction, stream_offset, 0, 0, 0, message_id, -1 FROM near
  UNION ALL
  SELECT session_id, direction, stop, 0, 0, 0, message_id, 1 FROM near
),
walked AS (
  SELECT message_id, sign, sum(bytes) OVER w - max(0, max(stop) OVER w - place) AS below
    FROM edge
  WINDOW w AS (PARTITION BY session_id, direction ORDER BY place, is_gap ROWS UNBOUNDED PRECEDING)
),
counted AS (
  SELECT message_id, sum(sign * below) AS in_gaps FROM walked WHERE message_id IS NOT NULL GROUP BY message_id
)
SELECT m.message_id, m.session_id, m.direction, m.ordinal,
       CASE WHEN m.ordinal <> m.should_be THEN 'out of order: should be ' || m.should_be
            WHEN m.stream_offset < m.before_ended THEN 'begins at ' || m.stream_offset || ', before the last one ended at ' || m.before_ended
            WHEN m.stop > coalesce(t.length, 0) THEN 'ends beyond its stream of ' || coalesce(t.length, 0)
            WHEN m.missing > 0 AND m.complete = 1 THEN 'complete, yet ' || m.missing || ' bytes are missing'
            ELSE 'missing is ' || m.missing || ', gaps take none of its stream' END AS problem
  FROM m
  LEFT JOIN stream AS t ON t.session_id = m.session_id AND t.direction = m.direction
 WHERE m.ordinal <> m.should_be
    OR m.stream_offset < m.before_ended
    OR m.stop > coalesce(t.length, 0)
    OR (m.missing > 0 AND (m.complete = 1 OR coalesce(t.gap_bytes, 0) = 0))
UNION ALL
SELECT n.message_id, n.session_id, n.direction, NULL, 'missing is ' || n.missing || ', gaps take ' || c.in_gaps
  FROM near AS n JOIN counted AS c ON c.message_id = n.message_id
 WHERE n.missing <> c.in_gaps;
