-- title: Incomplete messages: those that miss most bytes first
SELECT session_id, number, sender, protocol, kind, summary, length, missing, round(100.0 * missing / length, 1) AS percent, sync
  FROM messages
 WHERE message_id IN (SELECT message_id FROM message WHERE complete = 0 ORDER BY missing DESC, message_id LIMIT 50)
 ORDER BY missing DESC, message_id;
