-- title: Captured bytes that belong to no stream
SELECT reason, count(*) AS strays, sum(length) AS bytes, count(DISTINCT session_id) AS sessions,
       CASE reason
         WHEN 'conflict' THEN 'A second copy of bytes that differs from the first: injection, a broken device on the way, or a capture gone wrong.'
         WHEN 'out_of_window' THEN 'Too far from all that its receiver could accept, and nothing bore it out.'
         WHEN 'rst' THEN 'Text on a reset segment, as some devices add it.'
         WHEN 'keep_alive' THEN 'The one byte of a keep-alive, which is not stream data.'
         WHEN 'before_start' THEN 'Lies before the first byte of the stream.'
         ELSE ''
       END AS means
  FROM stray
 GROUP BY reason
 ORDER BY reason <> 'conflict', 2 DESC, reason
 LIMIT 40;
