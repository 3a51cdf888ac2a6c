-- title: What is missing, by capture: capture loss apart from unknown loss
SELECT l.capture_id, l.path, l.frames, l.drops_reported, l.gaps, l.capture_loss, l.unknown_loss
  FROM loss_by_capture AS l
 ORDER BY l.capture_id;
