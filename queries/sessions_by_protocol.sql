-- title: Sessions, bytes and messages by protocol
SELECT iif(s.protocol = '', 'unknown', s.protocol) AS protocol, count(*) AS sessions, sum(t.bytes) AS bytes, sum(t.missing) AS missing,
       coalesce(sum(m.messages), 0) AS messages, coalesce(sum(m.complete), 0) AS complete
  FROM session AS s
  JOIN (SELECT session_id, sum(length) AS bytes, sum(gap_bytes) AS missing FROM stream GROUP BY session_id) AS t ON t.session_id = s.session_id
  LEFT JOIN (SELECT session_id, count(*) AS messages, sum(complete) AS complete FROM message GROUP BY session_id) AS m
    ON m.session_id = s.session_id
 GROUP BY s.protocol
 ORDER BY sessions DESC, 1;
