-- title: Incomplete messages
-- The 30 that miss most bytes; the row without a place sums up the others.
WITH ranked AS (
  SELECT message_id, length, missing, row_number() OVER (ORDER BY missing DESC, length DESC, message_id) AS place
    FROM message WHERE complete = 0
)
SELECT r.place, v.session_id, v.number, v.time, v.sender, v.protocol, v.kind, substr(v.summary, 1, 100) AS summary, v.length, v.missing,
       iif(v.missing > 0, 'bytes', 'its end') AS lacks
  FROM ranked AS r JOIN messages AS v ON v.message_id = r.message_id
 WHERE r.place <= 30
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, NULL, NULL, format('%,d more', count(*)), sum(length), sum(missing), NULL
  FROM ranked WHERE place > 30 HAVING count(*) > 0;
