-- title: Where in these sessions bytes are missing, or are in no message
-- ?1: the session.  For each direction the stream as a whole, then its parts that are missing or unframed, the 200 longest of each kind
-- (parts: how many there are).  All else is stored and in a message.
WITH piece AS (
  SELECT direction, stream_offset AS start, stream_offset + length AS stop FROM message
   WHERE message_id BETWEEN (?1 << 32) AND (?1 << 32) + 4294967295
  UNION ALL
  SELECT direction, stream_offset, stream_offset + length FROM gap WHERE session_id = ?1
  UNION ALL
  SELECT direction, length, length FROM stream WHERE session_id = ?1
),
walked AS (
  SELECT direction, start,
         coalesce(max(stop) OVER (PARTITION BY direction ORDER BY start, stop ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS covered
    FROM piece
),
part AS (
  SELECT direction, stream_offset, length, iif(reason IN ('acked', 'snaplen'), 'capture_loss', 'unknown_loss') AS state
    FROM gap WHERE session_id = ?1
  UNION ALL
  SELECT direction, covered, start - covered, 'unframed' FROM walked WHERE start > covered
  UNION ALL
  SELECT direction, 0, length, 'stream' FROM stream WHERE session_id = ?1
),
ranked AS (
  SELECT *,
         row_number() OVER (PARTITION BY direction, state ORDER BY length DESC, stream_offset) AS place,
         count(*) OVER (PARTITION BY direction, state) AS parts,
         sum(length) OVER (PARTITION BY direction, state) AS bytes
    FROM part
)
SELECT ?1 AS session_id, iif(direction = 0, 'client', 'server') AS sender, state, stream_offset, length, parts, bytes
  FROM ranked
 WHERE place <= 200
 ORDER BY direction, state <> 'stream', stream_offset, state;
