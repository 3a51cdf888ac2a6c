-- title: Streams that chunks and gaps do not tile from 0 to their length
-- Each piece has to begin where the one before it ended; the stream's length is the last piece, of no bytes.
WITH piece AS (
  SELECT session_id, direction, stream_offset, raw_size AS length, 'chunk' AS kind, 0 AS last FROM chunk
  UNION ALL
  SELECT session_id, direction, stream_offset, length, 'gap', 0 FROM gap
  UNION ALL
  SELECT session_id, direction, length, 0, 'end of stream', 1 FROM stream
),
expected AS (
  SELECT session_id, direction, kind, stream_offset,
         coalesce(lag(stream_offset + length) OVER (
           PARTITION BY session_id, direction ORDER BY stream_offset, last), 0) AS should_be
    FROM piece
)
SELECT session_id, direction, kind, stream_offset, should_be
  FROM expected
 WHERE stream_offset <> should_be;
