-- title: Why bytes are missing
SELECT iif(reason IN ('acked', 'snaplen'), 'capture loss', 'unknown loss') AS loss, reason, count(*) AS gaps, sum(length) AS bytes,
       count(DISTINCT session_id) AS sessions,
       CASE reason
         WHEN 'acked' THEN 'The receiver acknowledged these bytes, so the network delivered them; the capture does not have them.'
         WHEN 'snaplen' THEN 'The frame was captured, but cut short by the snap length.'
         WHEN 'one_sided' THEN 'Only one direction was captured, so no acknowledgement tells whether the bytes arrived.'
         WHEN 'limit' THEN 'The program gave the bytes up because a limit on memory was reached.'
         WHEN 'fin' THEN 'The connection closed in good order and the bytes were never seen.'
         WHEN 'rst' THEN 'The connection was reset; a reset acknowledges nothing.'
         WHEN 'idle' THEN 'The connection fell silent before anything proved the bytes.'
         WHEN 'reused' THEN 'A new connection took over the ports.'
         WHEN 'end' THEN 'The captures end before anything proves the bytes.'
         ELSE ''
       END AS means
  FROM gap
 GROUP BY reason
 ORDER BY 1, 4 DESC, reason
 LIMIT 40;
