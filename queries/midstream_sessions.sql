-- title: Sessions picked up midway, by server
SELECT server_addr, server_port, count(*) AS sessions, sum(roles IN ('port', 'first_speaker')) AS roles_guessed, min(session_id) AS first_session
  FROM session
 WHERE midstream = 1
 GROUP BY server_addr, server_port
 ORDER BY sessions DESC, server_addr, server_port
 LIMIT 50;
