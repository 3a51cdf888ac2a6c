-- title: Clients that send more than they get: large uploads
SELECT s.session_id, s.client_addr, s.server_addr, s.server_port, s.protocol, c.length AS client_bytes, v.length AS server_bytes
  FROM session AS s
  JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0
  JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1
 WHERE c.length > 10000 AND c.length > 2 * v.length
 ORDER BY c.length DESC, s.session_id
 LIMIT 20;
