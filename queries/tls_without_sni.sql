-- title: TLS connections whose client names no server (no SNI)
SELECT m.session_id, s.client, s.server, json_extract(m.detail, '$.version') AS version, json_extract(m.detail, '$.ciphers') AS ciphers,
       json_extract(m.detail, '$.alpn') AS alpn, s.start
  FROM message AS m
  JOIN sessions AS s ON s.session_id = m.session_id
 WHERE m.protocol = 'tls' AND json_extract(m.detail, '$.handshake') = 'client_hello' AND json_extract(m.detail, '$.server_name') IS NULL
   AND m.missing = 0
 ORDER BY m.message_id
 LIMIT 100;
