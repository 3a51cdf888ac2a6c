-- title: Streams whose counts are not those of their chunks, gaps and stray bytes
-- A row without a stream (streams = 0) is shown too, and a session that lacks a stream though its history has letters of that side (upper
-- case: the client), or lacks both.
WITH part AS (
  SELECT session_id, direction, 1 AS streams, stored_bytes, gap_bytes, stray_bytes, 0 AS in_chunks, 0 AS in_gaps, 0 AS in_strays FROM stream
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, raw_size, 0, 0 FROM chunk
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, 0, length, 0 FROM gap
  UNION ALL
  SELECT session_id, direction, 0, 0, 0, 0, 0, 0, length FROM stray
  UNION ALL
  SELECT session_id, 0, 0, 0, 0, 0, 0, 0, 0 FROM session WHERE history GLOB '*[A-Z]*'
  UNION ALL
  SELECT session_id, 1, 0, 0, 0, 0, 0, 0, 0 FROM session WHERE history GLOB '*[a-z]*'
  UNION ALL
  SELECT session_id, NULL, 0, 0, 0, 0, 0, 0, 0 FROM session AS s WHERE NOT EXISTS (SELECT 1 FROM stream AS t WHERE t.session_id = s.session_id)
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
