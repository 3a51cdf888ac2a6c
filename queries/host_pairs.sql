-- title: Who talks to whom
SELECT s.client_addr, s.server_addr, count(*) AS sessions, count(DISTINCT s.server_port) AS ports, sum(c.length) AS client_bytes,
       sum(v.length) AS server_bytes, sum(c.gap_bytes + v.gap_bytes) AS missing
  FROM session AS s
  JOIN stream AS c ON c.session_id = s.session_id AND c.direction = 0
  JOIN stream AS v ON v.session_id = s.session_id AND v.direction = 1
 GROUP BY s.client_addr, s.server_addr
 ORDER BY sum(c.length) + sum(v.length) DESC, s.client_addr, s.server_addr
 LIMIT 50;
