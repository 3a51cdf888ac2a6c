-- title: What became of the frames
-- Each frame of a capture has exactly one outcome.
SELECT outcome, sum(frames) AS frames, sum(bytes) AS bytes,
       CASE outcome
         WHEN 'tcp' THEN 'TCP segments: what this report is about'
         WHEN 'other_channel' THEN 'the same segments once more, from another tap or VLAN'
         WHEN 'not_tcp' THEN 'IP, but UDP, ICMP or another protocol: not analysed'
         WHEN 'not_ip' THEN 'ARP and the like: not analysed'
         WHEN 'fragment' THEN 'parts of IP datagrams that were put together'
         WHEN 'fragment_lost' THEN 'parts of IP datagrams of which other parts are missing'
         WHEN 'truncated' THEN 'cut before the end of the TCP header: cannot be used'
         WHEN 'malformed' THEN 'headers that contradict themselves: cannot be used'
         WHEN 'unknown_link' THEN 'a link layer that the program does not know'
         WHEN 'too_deep' THEN 'more tunnels in tunnels than the program follows'
         WHEN 'encrypted' THEN 'encrypted below TCP: cannot be read'
         ELSE ''
       END AS means
  FROM frame_count
 GROUP BY outcome
 ORDER BY 2 DESC, outcome
 LIMIT 40;
