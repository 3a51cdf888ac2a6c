-- title: TLS servers that agreed to a version older than TLS 1.2
SELECT s.server_addr, s.server_port, coalesce(json_extract(m.detail, '$.selected_version'), json_extract(m.detail, '$.version')) AS version,
       count(*) AS sessions, count(DISTINCT s.client_addr) AS clients, min(m.session_id) AS first_session
  FROM message AS m
  JOIN session AS s ON s.session_id = m.session_id
 WHERE m.protocol = 'tls' AND json_extract(m.detail, '$.handshake') = 'server_hello'
   AND coalesce(json_extract(m.detail, '$.selected_version'), json_extract(m.detail, '$.version')) IN ('SSL 3.0', 'TLS 1.0', 'TLS 1.1')
 GROUP BY 1, 2, 3
 ORDER BY sessions DESC, 1, 2, 3
 LIMIT 50;
