-- title: Hints of passwords in clear text: where to look; the words themselves are not shown
-- By commands and parameters that carry one, and by protocols that send one unencrypted.
SELECT m.session_id, m.message_id & 4294967295 AS number, s.client, s.server, m.protocol,
       CASE WHEN m.summary LIKE '%passw%=%' OR m.summary LIKE '%pwd=%' THEN 'a password parameter in a request'
            WHEN m.summary LIKE '%token=%' OR m.summary LIKE '%api_key=%' OR m.summary LIKE '%apikey=%' THEN 'a token parameter in a request'
            WHEN m.summary LIKE 'PASS %' OR m.summary LIKE 'USER %' THEN 'USER or PASS (FTP, POP3)'
            WHEN m.summary LIKE 'AUTH %' THEN 'AUTH (SMTP, Redis)'
            ELSE 'LOGIN (IMAP)' END AS hint,
       m.first_frame
  FROM message AS m
  JOIN sessions AS s ON s.session_id = m.session_id
 WHERE m.direction = 0 AND m.protocol <> 'tls'
   AND (m.summary LIKE '%passw%=%' OR m.summary LIKE '%pwd=%' OR m.summary LIKE '%token=%' OR m.summary LIKE '%api_key=%'
        OR m.summary LIKE '%apikey=%' OR m.summary LIKE 'PASS %' OR m.summary LIKE 'USER %' OR m.summary LIKE 'AUTH %'
        OR m.summary LIKE '% LOGIN %')
 ORDER BY m.message_id
 LIMIT 100;
