-- title: Captures whose frames do not all have one outcome
-- A capture that is 'interrupted' (its ingest is running, or was killed) has no counts yet.
SELECT c.capture_id, c.path, c.frames, coalesce(f.frames, 0) AS in_outcomes
  FROM capture AS c
  LEFT JOIN (SELECT capture_id, sum(frames) AS frames FROM frame_count GROUP BY capture_id) AS f ON f.capture_id = c.capture_id
 WHERE c.state <> 'interrupted' AND c.frames <> coalesce(f.frames, 0);
