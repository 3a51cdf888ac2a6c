-- title: Messages that contradict their stream
-- Within the stream; not overlapping in a direction; ordinals 1, 2, 3 ...; `missing` exactly what gaps take of the message; `complete` only
-- when nothing is missing.  Sessions that late data healed are left out: their messages were framed before the gaps closed.
WITH m AS (
  SELECT message_id, session_id, direction, ordinal, stream_offset, length, missing, head_length, complete,
         lag(stream_offset + length) OVER by_offset AS before_ended,
         row_number() OVER by_offset AS should_be
    FROM message
   WHERE session_id NOT IN (SELECT session_id FROM session WHERE healed = 1)
  WINDOW by_offset AS (PARTITION BY session_id, direction ORDER BY stream_offset, ordinal)
),
-- below: gap bytes below a message's first byte and below its end, from one walk over gaps and edges in the order of the stream.
edge AS (
  SELECT session_id, direction, stream_offset AS place, 1 AS is_gap, length AS bytes, stream_offset + length AS stop,
         NULL AS message_id, 0 AS sign
    FROM gap
  UNION ALL
  SELECT session_id, direction, stream_offset, 0, 0, 0, message_id, -1 FROM m
  UNION ALL
  SELECT session_id, direction, stream_offset + length, 0, 0, 0, message_id, 1 FROM m
),
walked AS (
  SELECT message_id, sign,
         sum(bytes) OVER w - max(0, max(stop) OVER w - place) AS below
    FROM edge
  WINDOW w AS (PARTITION BY session_id, direction ORDER BY place, is_gap ROWS UNBOUNDED PRECEDING)
),
counted AS (
  SELECT message_id, sum(sign * below) AS in_gaps FROM walked WHERE message_id IS NOT NULL GROUP BY message_id
)
SELECT message_id, session_id, direction, ordinal, 'out of order: should be ' || should_be AS problem FROM m WHERE ordinal <> should_be
UNION ALL
SELECT message_id, session_id, direction, ordinal, 'begins at ' || stream_offset || ', before the last one ended at ' || before_ended
  FROM m WHERE stream_offset < before_ended
UNION ALL
SELECT m.message_id, m.session_id, m.direction, m.ordinal, 'ends beyond its stream of ' || coalesce(t.length, 0)
  FROM m LEFT JOIN stream AS t ON t.session_id = m.session_id AND t.direction = m.direction
 WHERE m.stream_offset + m.length > coalesce(t.length, 0)
UNION ALL
SELECT m.message_id, m.session_id, m.direction, m.ordinal, 'missing is ' || m.missing || ', gaps take ' || c.in_gaps
  FROM m JOIN counted AS c ON c.message_id = m.message_id WHERE m.missing <> c.in_gaps
UNION ALL
SELECT message_id, session_id, direction, ordinal, 'complete, yet ' || missing || ' bytes are missing' FROM m WHERE complete = 1 AND missing > 0;
