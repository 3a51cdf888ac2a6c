-- title: Protocols on ports that are not theirs
WITH usual(protocol, port) AS (
  VALUES ('http', 80), ('http', 8080), ('http', 8000), ('http', 8008), ('http', 8888), ('http', 3128), ('http', 3000), ('http', 5000), ('http', 81),
         ('tls', 443), ('tls', 8443), ('tls', 465), ('tls', 587), ('tls', 636), ('tls', 853), ('tls', 989), ('tls', 990), ('tls', 993),
         ('tls', 995), ('tls', 3389), ('tls', 5061), ('tls', 5671), ('tls', 6697), ('tls', 8883)
)
SELECT s.protocol, s.server_addr, s.server_port, count(*) AS sessions, count(DISTINCT s.client_addr) AS clients, min(s.session_id) AS first_session
  FROM session AS s
 WHERE s.protocol IN (SELECT protocol FROM usual)
   AND NOT EXISTS (SELECT 1 FROM usual AS u WHERE u.protocol = s.protocol AND u.port = s.server_port)
 GROUP BY 1, 2, 3
 ORDER BY sessions DESC, 1, 2, 3
 LIMIT 50;
