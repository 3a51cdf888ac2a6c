-- title: HTTP responses that say 400 or more, with what was asked
SELECT r.session_id, r.message_id & 4294967295 AS number, json_extract(r.detail, '$.status') AS status, r.summary AS answered,
       q.summary AS asked, json_extract(q.detail, '$.host') AS host
  FROM message AS r
  LEFT JOIN message AS q ON q.message_id = r.answers_message_id
 WHERE r.protocol = 'http' AND r.kind = 'response' AND json_extract(r.detail, '$.status') >= 400
 ORDER BY r.message_id;
