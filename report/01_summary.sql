-- title: Summary
-- One row: what there is, and how much of it is missing.  capture_loss and unknown_loss are never added up.
WITH g AS (
  SELECT session_id,
         count(*) AS gaps,
         sum(iif(reason IN ('acked', 'snaplen'), length, 0)) AS capture_loss,
         sum(iif(reason IN ('acked', 'snaplen'), 0, length)) AS unknown_loss
    FROM gap GROUP BY session_id
),
lost AS (
  SELECT coalesce(sum(gaps), 0) AS gaps, coalesce(sum(capture_loss), 0) AS capture_loss, coalesce(sum(unknown_loss), 0) AS unknown_loss,
         coalesce(sum(capture_loss > 0), 0) AS sessions_capture_loss,
         coalesce(sum(capture_loss = 0), 0) AS sessions_unknown_loss_only
    FROM g
),
books AS (
  SELECT coalesce(sum(length), 0) AS stream_bytes, coalesce(sum(stored_bytes), 0) AS stored_bytes,
         coalesce(sum(captured_bytes), 0) AS captured_bytes, coalesce(sum(duplicate_bytes), 0) AS duplicate_bytes,
         coalesce(sum(stray_bytes), 0) AS stray_bytes,
         coalesce(sum(length <> stored_bytes + gap_bytes OR captured_bytes <> stored_bytes + duplicate_bytes + stray_bytes), 0)
           AS unbalanced_streams
    FROM stream
),
said AS (
  SELECT count(*) AS messages, coalesce(sum(complete), 0) AS messages_complete,
         coalesce(sum(complete = 0 AND missing > 0), 0) AS messages_missing_bytes,
         coalesce(sum(complete = 0 AND missing = 0), 0) AS messages_without_end,
         coalesce(sum(length - missing), 0) AS framed_bytes
    FROM message
),
files AS (
  SELECT count(*) AS captures, coalesce(sum(state <> 'complete'), 0) AS captures_damaged,
         coalesce(sum(bytes), 0) AS capture_bytes, coalesce(sum(frames), 0) AS frames,
         sum(drops_reported) AS drops_reported, coalesce(sum(drops_reported IS NULL), 0) AS captures_silent_on_drops,
         min(first_ns) AS first_ns, max(last_ns) AS last_ns
    FROM capture
)
SELECT files.captures, files.captures_damaged, files.capture_bytes, files.frames,
       (SELECT coalesce(sum(frames), 0) FROM frame_count WHERE outcome = 'tcp') AS tcp_frames,
       files.drops_reported, files.captures_silent_on_drops,
       strftime('%Y-%m-%dT%H:%M:%S', (files.first_ns - 999999999 * (files.first_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (files.first_ns % 1000000000 + 1000000000) % 1000000000) AS first,
       strftime('%Y-%m-%dT%H:%M:%S', (files.last_ns - 999999999 * (files.last_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (files.last_ns % 1000000000 + 1000000000) % 1000000000) AS last,
       round((files.last_ns - files.first_ns) / 1e9, 6) AS seconds,
       (SELECT count(*) FROM session) AS sessions,
       (SELECT count(*) FROM (SELECT 1 FROM stream GROUP BY session_id HAVING max(length) > 0)) AS sessions_with_bytes,
       lost.sessions_capture_loss, lost.sessions_unknown_loss_only,
       books.stream_bytes, books.stored_bytes, lost.capture_loss, lost.unknown_loss, lost.gaps,
       books.captured_bytes, books.duplicate_bytes, books.stray_bytes,
       (SELECT count(*) FROM stray WHERE reason = 'conflict') AS conflicts,
       said.messages, said.messages_complete, said.messages_missing_bytes, said.messages_without_end,
       said.framed_bytes, books.stored_bytes - said.framed_bytes AS unframed_bytes,
       books.unbalanced_streams
  FROM files, books, lost, said;
