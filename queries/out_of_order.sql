-- title: Streams whose segments came out of order most
SELECT session_id, sender, address, segments, out_of_order, round(100.0 * out_of_order / segments, 2) AS percent, retransmitted
  FROM streams
 WHERE out_of_order > 0 AND segments > 0
 ORDER BY out_of_order DESC, session_id, sender
 LIMIT 20;
