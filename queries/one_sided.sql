-- title: Sessions of which only one direction was captured
-- Their losses cannot be proved: there is no acknowledgement to prove them.
SELECT s.session_id, s.client, s.server, iif(t.direction = 0, 'client', 'server') AS captured_sender, t.packets, t.length, s.unknown_loss
  FROM stream AS t
  JOIN stream AS other ON other.session_id = t.session_id AND other.direction = 1 - t.direction
  JOIN sessions AS s ON s.session_id = t.session_id
 WHERE t.segments > 0 AND other.packets = 0
 ORDER BY t.length DESC, s.session_id
 LIMIT 50;
