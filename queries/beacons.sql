-- title: Beacons: connections of one client to one service at fixed intervals
-- Five sessions or more whose intervals differ from their mean by less than a tenth of it (deviation: the standard deviation).
WITH start AS (
  SELECT client_addr, server_addr, server_port, session_id,
         (first_ns - lag(first_ns) OVER (PARTITION BY client_addr, server_addr, server_port ORDER BY first_ns, session_id)) / 1e9 AS apart
    FROM session
),
rhythm AS (
  SELECT client_addr, server_addr, server_port, count(*) AS sessions, min(session_id) AS first_session, avg(apart) AS mean,
         avg(apart * apart) - avg(apart) * avg(apart) AS variance
    FROM start
   GROUP BY client_addr, server_addr, server_port
)
SELECT client_addr, server_addr, server_port, sessions, round(mean, 3) AS interval_s, round(sqrt(max(variance, 0)), 3) AS deviation_s,
       first_session
  FROM rhythm
 WHERE sessions >= 5 AND mean >= 1 AND variance < 0.01 * mean * mean
 ORDER BY sessions DESC, client_addr, server_addr, server_port
 LIMIT 50;
