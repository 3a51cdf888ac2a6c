-- title: Hosts that sent most
SELECT host, sessions, bytes_sent, stored_bytes, capture_loss, unknown_loss
  FROM loss_by_host
 ORDER BY bytes_sent DESC, host
 LIMIT 20;
