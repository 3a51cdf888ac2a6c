-- title: What captures admit to have dropped, beside what is missing in them
-- Packets of all kinds on one side, gaps in TCP streams on the other: they need not agree, but gaps without drops want an explanation.
SELECT l.capture_id, l.path, l.frames, l.drops_reported, l.gaps, l.capture_loss, l.unknown_loss,
       CASE WHEN l.drops_reported IS NULL THEN 'does not count drops'
            WHEN l.drops_reported = 0 AND l.capture_loss > 0 THEN 'lost bytes and reports no drops'
            WHEN l.drops_reported > 0 AND l.capture_loss = 0 THEN 'dropped packets, none of them missed here'
            ELSE 'agrees' END AS verdict
  FROM loss_by_capture AS l
 ORDER BY l.capture_id;
