-- title: Responses that do not answer a request of the other direction, or answer one twice
-- Interim responses (HTTP's 1xx) come before the one final response; in other protocols a request may have many.
SELECT r.message_id, r.session_id, r.answers_message_id,
       CASE WHEN q.message_id IS NULL THEN 'answers no message'
            WHEN q.session_id <> r.session_id THEN 'answers a message of another session'
            WHEN q.direction = r.direction THEN 'answers its own direction'
            ELSE 'answers an answer' END AS problem
  FROM message AS r
  LEFT JOIN message AS q ON q.message_id = r.answers_message_id
 WHERE r.answers_message_id IS NOT NULL
   AND (q.message_id IS NULL OR q.session_id <> r.session_id OR q.direction = r.direction OR q.answers_message_id IS NOT NULL OR q.pairing = 'unasked')
UNION ALL
SELECT max(message_id), max(session_id), answers_message_id, count(*) || ' final responses to one request'
  FROM message
 WHERE answers_message_id IS NOT NULL AND protocol = 'http'
   AND coalesce(json_extract(detail, '$.status'), 200) NOT BETWEEN 100 AND 199
 GROUP BY answers_message_id
HAVING count(*) > 1;
