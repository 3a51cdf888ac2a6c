-- title: Streams whose counts do not balance
-- length = stored + gap; captured = stored + duplicate + stray.
SELECT session_id, direction, length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes, stray_bytes
  FROM stream
 WHERE length <> stored_bytes + gap_bytes
    OR captured_bytes <> stored_bytes + duplicate_bytes + stray_bytes;
