-- title: Conflicting copies
-- Each: the copy that came first and is kept in the stream, and the other; at most 32 bytes of both are shown.  The first 20 by time; the
-- row without a place sums up the others.
WITH ranked AS (
  SELECT stray_id, length, row_number() OVER (ORDER BY ns, stray_id) AS place FROM stray WHERE reason = 'conflict'
)
SELECT r.place, x.session_id, iif(x.direction = 0, 'client', 'server') AS sender, x.stream_offset, x.length, x.capture_id, x.frame,
       strftime('%Y-%m-%dT%H:%M:%S', (x.ns - 999999999 * (x.ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (x.ns % 1000000000 + 1000000000) % 1000000000) AS time,
       (SELECT CAST(substr(sqlar_uncompress(c.data, c.raw_size), x.stream_offset - c.stream_offset + 1, min(32, x.length)) AS BLOB)
          FROM chunk AS c
         WHERE c.session_id = x.session_id AND c.direction = x.direction AND c.stream_offset <= x.stream_offset
           AND c.stream_offset + c.raw_size > x.stream_offset
         ORDER BY c.stream_offset DESC LIMIT 1) AS first_copy,
       substr(x.data, 1, 32) AS other_copy
  FROM ranked AS r JOIN stray AS x ON x.stray_id = r.stray_id
 WHERE r.place <= 20
UNION ALL
SELECT NULL, NULL, format('%,d more', count(*)), NULL, sum(length), NULL, NULL, NULL, NULL, NULL FROM ranked WHERE place > 20 HAVING count(*) > 0;
