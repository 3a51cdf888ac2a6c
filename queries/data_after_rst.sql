-- title: Data on or after a reset
-- Text on the reset itself is a stray; a letter of data behind that of a reset in the history (Zeek's) is data that came after it.
SELECT s.session_id, s.client_addr || ' ' || s.client_port AS client, s.server_addr || ' ' || s.server_port AS server, s.history,
       (SELECT count(*) FROM stray AS x WHERE x.session_id = s.session_id AND x.reason = 'rst') AS texts_on_resets,
       s.history GLOB '*[Rr]*[DdTt]*' AS data_after
  FROM session AS s
 WHERE s.history GLOB '*[Rr]*[DdTt]*' OR s.session_id IN (SELECT session_id FROM stray WHERE reason = 'rst')
 ORDER BY s.session_id
 LIMIT 100;
