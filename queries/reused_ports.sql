-- title: The same two ends and ports, used for several sessions
SELECT client_addr, client_port, server_addr, server_port, count(*) AS sessions, min(session_id) AS first_session, max(session_id) AS last_session,
       round((max(first_ns) - min(first_ns)) / 1e9, 3) AS seconds
  FROM session
 GROUP BY client_addr, client_port, server_addr, server_port
HAVING count(*) > 1
 ORDER BY sessions DESC, first_session
 LIMIT 50;
