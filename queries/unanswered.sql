-- title: Requests without a response
SELECT session_id, message_id & 4294967295 AS number, summary, complete, missing
  FROM message
 WHERE pairing = 'unanswered'
 ORDER BY message_id;
