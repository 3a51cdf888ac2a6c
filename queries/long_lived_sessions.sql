-- title: The sessions that lasted longest
SELECT session_id, client, server, protocol, start, seconds, client_bytes, server_bytes, conn_state
  FROM sessions
 WHERE session_id IN (SELECT session_id FROM session ORDER BY last_ns - first_ns DESC, session_id LIMIT 20)
 ORDER BY seconds DESC, session_id;
