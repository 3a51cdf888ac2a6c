-- title: What this report cannot know
-- In plain words.  found: how many of which (noun) it applies to here; NULL: always.  What does not apply is left out.
WITH limits(place, topic, found, noun, text) AS (
  SELECT 1, 'Connections that left no trace', NULL, NULL,
         'A connection of which not one frame was captured is unknown to this report and counted nowhere.'
  UNION ALL
  SELECT 2, 'Lost on the way, or lost in the capture', NULL, NULL,
         'Capture loss is proved: the receiver acknowledged the bytes, or the frame was cut. Of unknown loss nothing is proved: the network may have lost the bytes for good, or the capture missed both them and their acknowledgement.'
  UNION ALL
  SELECT 3, 'Drops that nobody counted', (SELECT count(*) FROM capture WHERE drops_reported IS NULL), 'capture',
         'It is not said how many packets the capturing side dropped. That no drops are reported does not mean that there were none.'
  UNION ALL
  SELECT 4, 'Captures that break off', (SELECT count(*) FROM capture WHERE state <> 'complete'), 'capture',
         'Truncated, damaged, or not read to the end; what came later is not here.'
  UNION ALL
  SELECT 5, 'Connections picked up midway', (SELECT count(*) FROM session WHERE midstream = 1), 'session',
         'Under way when the capture began, or the opening packet was lost. What was carried before is not counted as missing.'
  UNION ALL
  SELECT 6, 'Connections still open', (SELECT count(*) FROM session WHERE close_reason = 'end' OR close_reason IS NULL), 'session',
         'Not ended when the captures did. What was carried later is not here.'
  UNION ALL
  SELECT 7, 'Who is the client', (SELECT count(*) FROM session WHERE roles IN ('port', 'first_speaker')), 'session',
         'No opening packet was captured, so which end is the client was guessed from the port numbers or from who spoke first.'
  UNION ALL
  SELECT 8, 'One direction only', (SELECT count(*) FROM (SELECT 1 FROM stream GROUP BY session_id HAVING min(packets) = 0 AND max(segments) > 0)),
         'session', 'Data of one direction and not a packet of the other. Nothing acknowledges these bytes, so their losses stay unknown.'
  UNION ALL
  SELECT 9, 'Sessions cut by a limit', (SELECT count(*) FROM session WHERE close_reason = 'evicted'), 'session',
         'Closed early to stay within the memory limit of the program.'
  UNION ALL
  SELECT 9.5, 'Connections that are only summed up', (SELECT coalesce(sum(sessions), 0) FROM scan), 'session',
         'Asked for and never answered: scans and floods. They are not among the sessions of this report, by wish of who made the database.'
  UNION ALL
  SELECT 10, 'Everything that is not TCP', (SELECT coalesce(sum(frames), 0) FROM frame_count WHERE outcome IN ('not_tcp', 'not_ip')), 'frame',
         'Something else than TCP: counted, and not analysed.'
  UNION ALL
  SELECT 11, 'Frames that could not be read', (SELECT coalesce(sum(frames), 0) FROM frame_count
           WHERE outcome IN ('truncated', 'malformed', 'unknown_link', 'too_deep', 'encrypted', 'fragment_lost')), 'frame',
         'Cut, damaged, incomplete or of an unknown kind. If TCP was in them, its bytes show up as missing.'
  UNION ALL
  SELECT 12, 'Encrypted traffic', (SELECT count(*) FROM session WHERE protocol = 'tls'), 'session',
         'TLS: its records are counted and measured; what they say was not decrypted.'
  UNION ALL
  SELECT 13, 'Unknown protocols', (SELECT count(*) FROM session AS s WHERE protocol IN ('', 'turn')
           AND (SELECT max(length) FROM stream AS t WHERE t.session_id = s.session_id) > 0), 'session',
         'The protocol was not recognised. Messages are only turns here: what one side said until the other spoke.'
  UNION ALL
  SELECT 14, 'Messages found again after a hole', (SELECT count(*) FROM message WHERE sync IN ('resynced', 'guessed')), 'message',
         'Begins where a beginning was recognised, not where the message before it ended. That can be wrong.'
  UNION ALL
  SELECT 15, 'Wrong checksums', (SELECT coalesce(sum(bad_checksums), 0) FROM stream), 'segment',
         'Used all the same: nearly always the network card of the capturing machine fills the checksum in later.'
  UNION ALL
  SELECT 16, 'Clocks', NULL, NULL,
         'All times are those that the capturing machine wrote. They are shown in UTC and were not corrected.'
  UNION ALL
  SELECT 17, 'Addresses are not people', NULL, NULL,
         'An address may stand for a proxy, a gateway or many machines behind one. The report shows what was on the wire where it was captured.'
)
SELECT topic, found, noun, text FROM limits WHERE found IS NULL OR found > 0 ORDER BY place;
