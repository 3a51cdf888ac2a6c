-- title: The largest holes, and the frames around them
SELECT g.session_id, s.client, s.server, g.sender, g.stream_offset, g.length, g.loss, g.reason, g.before_frame, g.after_frame, g.proof_frame
  FROM (SELECT gap_id FROM gap ORDER BY length DESC, gap_id LIMIT 20) AS top
  JOIN gaps AS g ON g.gap_id = top.gap_id
  JOIN sessions AS s ON s.session_id = g.session_id
 ORDER BY g.length DESC, g.gap_id;
