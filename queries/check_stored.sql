-- title: Streams whose counts are not those of their chunks, gaps and stray bytes
-- A row without a stream (streams = 0) or a session that lacks one of its two streams is shown too.
WITH part AS (
  SELECT session_id, direction, 1 AS streams, stored_bytes, gap_bytes, stray_bytes, 0 AS in_chunks, 0 AS in_gaps, 0 AS in_strays FROM stream
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, raw_size, 0, 0 FROM chunk
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, 0, length, 0 FROM gap
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, 0, 0, length FROM stray
  UNION ALL
  SELECT session_id, column1, 0, 0, 0, 0, 0, 0, 0 FROM session, (VALUES (0), (1))
)
SELECT session_id, direction, sum(streams) AS streams,
       sum(stored_bytes) AS stored_bytes, sum(in_chunks) AS in_chunks,
       sum(gap_bytes) AS gap_bytes, sum(in_gaps) AS in_gaps,
       sum(stray_bytes) AS stray_bytes, sum(in_strays) AS in_strays
  FROM part
 GROUP BY session_id, direction
HAVING sum(streams) <> 1
    OR sum(stored_bytes) <> sum(in_chunks)
    OR sum(gap_bytes) <> sum(in_gaps)
    OR sum(stray_bytes) <> sum(in_strays);
