-- title: Clients that knocked at many doors: ten or more servers or ports that refused or never answered
-- A row without servers, ports and refused is of a run with --scan-aggregate: so many servers or ports that they were not kept apart.
SELECT client_addr, count(*) AS attempts, count(DISTINCT server_addr) AS servers, count(DISTINCT server_port) AS ports,
       sum(conn_state = 'REJ') AS refused, sum(conn_state = 'S0') AS unanswered, round((max(first_ns) - min(first_ns)) / 1e9, 3) AS seconds,
       min(session_id) AS first_session
  FROM session
 WHERE conn_state IN ('S0', 'REJ', 'SH', 'RSTOS0', 'RSTRH')
 GROUP BY client_addr
HAVING count(DISTINCT server_addr) >= 10 OR count(DISTINCT server_port) >= 10
UNION ALL
SELECT client_addr, sessions, NULL, NULL, NULL, sessions, round((last_ns - first_ns) / 1e9, 3), first_session_id
  FROM scan
 WHERE client_addr IS NOT NULL AND (server_addr IS NULL OR server_port IS NULL) AND sessions >= 10
 ORDER BY attempts DESC, client_addr
 LIMIT 50;
