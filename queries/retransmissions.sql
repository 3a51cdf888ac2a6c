-- title: Streams with most retransmitted segments
SELECT session_id, sender, address, segments, retransmitted, round(100.0 * retransmitted / segments, 2) AS percent, out_of_order,
       duplicate_bytes, capture_loss, unknown_loss
  FROM streams
 WHERE retransmitted > 0 AND segments > 0
 ORDER BY retransmitted DESC, session_id, sender
 LIMIT 20;
