-- title: How the database was made
-- The last 20 runs of tcpledger-ingest.
SELECT ingest_id,
       strftime('%Y-%m-%dT%H:%M:%S', (started_ns - 999999999 * (started_ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (started_ns % 1000000000 + 1000000000) % 1000000000) AS started,
       round((finished_ns - started_ns) / 1e9, 3) AS seconds, tool_version, state, substr(options, 1, 1000) AS options
  FROM ingest
 ORDER BY ingest_id DESC
 LIMIT 20;
