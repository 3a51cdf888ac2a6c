-- title: Protocols
-- The 20 with most bytes; the row without a place sums up the others.
WITH m AS (
  SELECT session_id, count(*) AS messages, sum(complete) AS complete FROM message GROUP BY session_id
),
t AS (
  SELECT session_id, sum(length) AS bytes, sum(gap_bytes) AS missing FROM stream GROUP BY session_id
),
by_protocol AS (
  SELECT CASE WHEN s.protocol NOT IN ('', 'turn') THEN s.protocol WHEN t.bytes > 0 THEN 'not recognised' ELSE 'no payload' END AS protocol,
         count(*) AS sessions, coalesce(sum(t.missing > 0), 0) AS sessions_with_loss, coalesce(sum(t.bytes), 0) AS bytes,
         coalesce(sum(t.missing), 0) AS missing_bytes, coalesce(sum(m.messages), 0) AS messages, coalesce(sum(m.complete), 0) AS complete
    FROM session AS s
    LEFT JOIN t ON t.session_id = s.session_id
    LEFT JOIN m ON m.session_id = s.session_id
   GROUP BY 1
),
ranked AS (SELECT *, row_number() OVER (ORDER BY bytes DESC, sessions DESC, protocol) AS place FROM by_protocol)
SELECT place, protocol, sessions, sessions_with_loss, bytes, missing_bytes, messages, complete FROM ranked WHERE place <= 20
UNION ALL
SELECT NULL, format('%,d more', count(*)), sum(sessions), sum(sessions_with_loss), sum(bytes), sum(missing_bytes), sum(messages), sum(complete)
  FROM ranked WHERE place > 20 HAVING count(*) > 0;
