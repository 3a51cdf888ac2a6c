-- title: Connections that were asked for and never answered, or refused
SELECT server_addr, server_port, conn_state, count(*) AS sessions, count(DISTINCT client_addr) AS clients, min(session_id) AS first_session
  FROM session
 WHERE conn_state IN ('S0', 'REJ', 'SH', 'RSTOS0')
 GROUP BY server_addr, server_port, conn_state
 ORDER BY sessions DESC, server_addr, server_port
 LIMIT 50;
