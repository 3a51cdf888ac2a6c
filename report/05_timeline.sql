-- title: Traffic and loss over time
-- At most 60 intervals of a round length.  A hole counts where the last captured byte before it lies (else the first after it).  Stored
-- bytes lie in blocks of 70 KB at most; one that reaches over several intervals is spread evenly from its first segment to its last.
WITH RECURSIVE
span AS (SELECT min(first_ns) AS a, max(last_ns) AS z FROM session),
round_length(ns) AS (
  SELECT m.column1 * s.column1 FROM (VALUES (1), (2), (5)) AS m, (VALUES (1000000), (10000000), (100000000), (1000000000)) AS s
  UNION ALL
  SELECT column1 * 1000000000 FROM (VALUES (10), (15), (30), (60), (120), (300), (600), (900), (1800), (3600), (7200), (10800), (21600),
    (43200), (86400), (172800), (604800), (1209600), (2419200), (7862400), (31536000), (157680000), (315360000))
),
step AS (SELECT min(ns) AS ns FROM round_length, span WHERE z / ns - a / ns < 59),
interval(k) AS (
  SELECT (a - (ns - 1) * (a < 0)) / ns FROM span, step WHERE a IS NOT NULL AND ns IS NOT NULL
  UNION ALL
  SELECT k + 1 FROM interval, span, step WHERE k < (z - (ns - 1) * (z < 0)) / ns LIMIT 60
),
block AS (
  SELECT (first_ns - (ns - 1) * (first_ns < 0)) / ns AS k, (last_ns - (ns - 1) * (last_ns < 0)) / ns AS last_k, raw_size, first_ns, last_ns
    FROM step, chunk
),
stored AS (
  SELECT k, sum(bytes) AS bytes
    FROM (SELECT k, sum(raw_size) AS bytes FROM block WHERE last_k <= k GROUP BY k
          UNION ALL
          SELECT i.k, sum(CAST(raw_size * (1.0 * (min((i.k + 1) * ns, last_ns) - first_ns) / (last_ns - first_ns)) AS INTEGER)
                          - CAST(raw_size * (1.0 * (max(i.k * ns, first_ns) - first_ns) / (last_ns - first_ns)) AS INTEGER))
            FROM step, block AS b JOIN interval AS i ON i.k BETWEEN b.k AND b.last_k
           WHERE b.last_k > b.k GROUP BY i.k)
   GROUP BY k
),
begun AS (
  SELECT (s.first_ns - (ns - 1) * (s.first_ns < 0)) / ns AS k, count(*) AS sessions FROM step, session AS s GROUP BY 1
),
hole AS (
  SELECT coalesce(g.before_ns, g.after_ns, s.first_ns) AS at, iif(g.reason IN ('acked', 'snaplen'), g.length, 0) AS capture_loss,
         iif(g.reason IN ('acked', 'snaplen'), 0, g.length) AS unknown_loss
    FROM gap AS g JOIN session AS s ON s.session_id = g.session_id
),
lost AS (
  SELECT (at - (ns - 1) * (at < 0)) / ns AS k, count(*) AS gaps, sum(capture_loss) AS capture_loss, sum(unknown_loss) AS unknown_loss
    FROM step, hole GROUP BY 1
)
SELECT strftime('%Y-%m-%dT%H:%M:%S', (i.k * ns - 999999999 * (i.k < 0)) / 1000000000, 'unixepoch')
         || format('.%03dZ', ((i.k * ns) % 1000000000 + 1000000000) % 1000000000 / 1000000) AS start,
       ns / 1e9 AS seconds,
       coalesce(begun.sessions, 0) AS sessions_begun,
       coalesce(stored.bytes, 0) AS stored_bytes,
       coalesce(lost.gaps, 0) AS gaps,
       coalesce(lost.capture_loss, 0) AS capture_loss,
       coalesce(lost.unknown_loss, 0) AS unknown_loss
  FROM step, interval AS i
  LEFT JOIN stored ON stored.k = i.k
  LEFT JOIN begun ON begun.k = i.k
  LEFT JOIN lost ON lost.k = i.k
 ORDER BY i.k;
