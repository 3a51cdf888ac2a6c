-- title: Hosts whose segments have wrong checksums
-- All of a host's: its network card fills them in after the capture.  A few: damage on the way.
SELECT iif(t.direction = 0, s.client_addr, s.server_addr) AS host, sum(t.bad_checksums) AS wrong, sum(t.packets) AS packets,
       round(100.0 * sum(t.bad_checksums) / sum(t.packets), 1) AS percent
  FROM stream AS t
  JOIN session AS s ON s.session_id = t.session_id
 GROUP BY 1
HAVING sum(t.bad_checksums) > 0
 ORDER BY wrong DESC, host
 LIMIT 50;
