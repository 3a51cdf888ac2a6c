-- title: HTTP clients by what they call themselves; rare ones first
SELECT coalesce(json_extract(m.detail, '$.user_agent'), '(none)') AS user_agent, count(*) AS requests,
       count(DISTINCT s.client_addr) AS clients, min(m.session_id) AS first_session
  FROM message AS m
  JOIN session AS s ON s.session_id = m.session_id
 WHERE m.protocol = 'http' AND m.kind = 'request'
 GROUP BY 1
 ORDER BY requests, user_agent
 LIMIT 50;
