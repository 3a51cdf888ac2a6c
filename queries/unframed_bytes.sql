-- title: Streams with most captured bytes that are in no message
SELECT u.session_id, s.client, s.server, u.sender, s.protocol, u.ranges, u.bytes
  FROM (SELECT session_id, sender, count(*) AS ranges, sum(length) AS bytes FROM unframed GROUP BY session_id, sender
         ORDER BY bytes DESC, session_id, sender LIMIT 20) AS u
  JOIN sessions AS s ON s.session_id = u.session_id
 ORDER BY u.bytes DESC, u.session_id, u.sender;
