-- title: Capture files
-- The first 40 by time; the row without a capture_id sums up the others.
WITH ranked AS (
  SELECT *, row_number() OVER (ORDER BY first_ns, capture_id) AS place FROM capture
)
SELECT capture_id, path, format, bytes, sha256,
       strftime('%Y-%m-%dT%H:%M:%S', (first_ns - 999999999 * (first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (first_ns % 1000000000 + 1000000000) % 1000000000) AS first,
       strftime('%Y-%m-%dT%H:%M:%S', (last_ns - 999999999 * (last_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (last_ns % 1000000000 + 1000000000) % 1000000000) AS last,
       frames, drops_reported, snaplen, state, error
  FROM ranked WHERE place <= 40
UNION ALL
SELECT NULL, format('%,d more', count(*)), NULL, sum(bytes), NULL, NULL, NULL, sum(frames), sum(drops_reported), NULL,
       iif(sum(state <> 'complete') > 0, sum(state <> 'complete') || ' not complete', 'complete'), NULL
  FROM ranked WHERE place > 40 HAVING count(*) > 0;
