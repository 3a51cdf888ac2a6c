-- title: Runs whose aggregated sessions cannot be: more than numbers were left for them, or of more segments than there were
SELECT s.ingest_id, s.sessions, s.packets, s.last - s.first + 1 AS numbers,
       (SELECT count(*) FROM session AS x WHERE x.session_id BETWEEN s.first AND s.last) AS with_rows, f.frames AS tcp_frames
  FROM (SELECT ingest_id, sum(sessions) AS sessions, sum(packets) AS packets, min(first_session_id) AS first, max(last_session_id) AS last
          FROM scan GROUP BY ingest_id) AS s
  LEFT JOIN (SELECT c.ingest_id, sum(n.frames) AS frames, max(c.state = 'interrupted') AS interrupted
               FROM capture AS c LEFT JOIN frame_count AS n ON n.capture_id = c.capture_id AND n.outcome = 'tcp'
              GROUP BY c.ingest_id) AS f ON f.ingest_id = s.ingest_id
 WHERE numbers < s.sessions + with_rows
    OR (s.packets > coalesce(tcp_frames, 0) AND coalesce(f.interrupted, 0) = 0);
