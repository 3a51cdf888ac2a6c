-- title: Captures that hold packets twice: copies from another tap, VLAN or tunnel
SELECT c.capture_id, c.path, f.frames AS copies, f.bytes, round(100.0 * f.frames / c.frames, 1) AS percent_of_frames
  FROM frame_count AS f
  JOIN capture AS c ON c.capture_id = f.capture_id
 WHERE f.outcome = 'other_channel'
 ORDER BY f.frames DESC, c.capture_id;
