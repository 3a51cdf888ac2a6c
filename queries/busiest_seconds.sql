-- title: The busiest seconds
-- By the first segment of each block of stored bytes (70 KB at most).
SELECT strftime('%Y-%m-%dT%H:%M:%SZ', (first_ns - 999999999 * (first_ns < 0)) / 1000000000, 'unixepoch') AS second,
       sum(raw_size) AS stored_bytes, count(DISTINCT session_id) AS sessions
  FROM chunk
 GROUP BY 1
 ORDER BY stored_bytes DESC, second
 LIMIT 20;
