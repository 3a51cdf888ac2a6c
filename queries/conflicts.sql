-- title: Captured bytes that are not in their stream: conflicting copies and other strays
SELECT x.session_id, iif(x.direction = 0, 'client', 'server') AS sender, x.stream_offset, x.length, x.reason, x.capture_id, x.frame,
       strftime('%Y-%m-%dT%H:%M:%S', (x.ns - 999999999 * (x.ns < 0)) / 1000000000, 'unixepoch')
         || format('.%09dZ', (x.ns % 1000000000 + 1000000000) % 1000000000) AS time
  FROM stray AS x
 ORDER BY x.reason <> 'conflict', x.session_id, x.stray_id;
