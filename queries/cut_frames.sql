-- title: Captures whose frames were cut by the snap length, and what that cost
SELECT c.capture_id, c.path, c.snaplen, count(*) AS gaps, sum(g.length) AS bytes, count(DISTINCT g.session_id) AS sessions
  FROM gap AS g
  JOIN capture AS c ON c.capture_id = g.proof_capture_id
 WHERE g.reason = 'snaplen'
 GROUP BY c.capture_id
 ORDER BY bytes DESC, c.capture_id;
