-- title: Requests that waited longest for their response
SELECT session_id, request, response, time, latency_ms, asked, answered, missing
  FROM exchanges
 WHERE latency_ms IS NOT NULL
 ORDER BY latency_ms DESC, session_id, request
 LIMIT 20;
