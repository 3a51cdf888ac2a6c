-- title: Servers that are far away: round trips of the TCP handshake
SELECT server_addr, count(*) AS sessions, round(min(rtt_ns) / 1e6, 3) AS least_ms, round(avg(rtt_ns) / 1e6, 3) AS mean_ms,
       round(max(rtt_ns) / 1e6, 3) AS most_ms
  FROM session
 WHERE rtt_ns IS NOT NULL
 GROUP BY server_addr
 ORDER BY avg(rtt_ns) DESC, server_addr
 LIMIT 50;
