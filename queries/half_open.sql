-- title: Connections that were asked for and never answered, or refused
-- What a run with --scan-aggregate summed up has no number of clients where they differ, and no server or port where those do.
SELECT server_addr, server_port, conn_state, count(*) AS sessions, count(DISTINCT client_addr) AS clients, min(session_id) AS first_session
  FROM session
 WHERE conn_state IN ('S0', 'REJ', 'SH', 'RSTOS0')
 GROUP BY server_addr, server_port, conn_state
UNION ALL
SELECT server_addr, server_port, 'S0', sessions, iif(client_addr IS NULL, NULL, 1), first_session_id
  FROM scan
 ORDER BY sessions DESC, server_addr, server_port
 LIMIT 50;
