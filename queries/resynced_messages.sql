-- title: Messages that were found again after a hole, and those that are guesses
SELECT session_id, message_id & 4294967295 AS number, iif(direction = 0, 'client', 'server') AS sender, protocol, kind, summary, sync,
       stream_offset, length, missing, first_frame
  FROM message
 WHERE sync IN ('resynced', 'guessed')
 ORDER BY message_id
 LIMIT 100;
