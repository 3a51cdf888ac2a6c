-- title: Streams with most bytes captured more than once
SELECT session_id, sender, address, length, duplicate_bytes, round(100.0 * duplicate_bytes / (stored_bytes + duplicate_bytes), 1) AS percent,
       retransmitted
  FROM streams
 WHERE duplicate_bytes > 0
 ORDER BY duplicate_bytes DESC, session_id, sender
 LIMIT 20;
