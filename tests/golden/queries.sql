-- More sessions for tests/cli/queries_test.sh, on top of tests/support/sample.sql, so that each file of queries/ has something to find and
-- something to leave alone.  What each is:
--   10 to 15  every 60 s the same client asks the same TLS server, and names it once          (beacons, tls_without_sni, tls_old_versions)
--   16 to 19  four connections without a rhythm                                                (no beacon)
--   20        SSH for three hours                                                              (long_lived_sessions)
--   21 to 32  one client, twelve ports, refused or unanswered                                  (scans, half_open)
--   40        only the client's side was captured, late                                        (one_sided, midstream_sessions)
--   41        HTTP on port 4444, a password in a target, an error 500                          (odd_ports, clear_text_credentials, http_errors)
--   42        FTP, not recognised: turns                                                       (clear_text_credentials)
--   43, 44    the same ports twice                                                             (reused_ports)
--   45        text on a reset, data behind it                                                  (data_after_rst)
--   46        an upload, cut by the snap length, doubled, out of order, with wrong checksums    (uploads, cut_frames, ...)
--   47        a message found again after a hole                                               (resynced_messages)
--   101 to 127   summed up: a scan of one client, and a flood of one server                    (scans, half_open)
BEGIN;
CREATE TEMP TABLE s (id INTEGER, client TEXT, cport INTEGER, server TEXT, sport INTEGER, at REAL, lasts REAL, state TEXT, history TEXT,
                     roles TEXT, midstream INTEGER, rtt_ms REAL, protocol TEXT, c INTEGER, v INTEGER);
INSERT INTO s VALUES
  (10, '10.0.0.20', 41000, '203.0.113.5', 443, 100.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 30, 'tls', 600, 400),
  (11, '10.0.0.20', 41001, '203.0.113.5', 443, 160.1, 0.5, 'SF', 'ShADadFf', 'syn', 0, 31, 'tls', 600, 400),
  (12, '10.0.0.20', 41002, '203.0.113.5', 443, 219.9, 0.5, 'SF', 'ShADadFf', 'syn', 0, 32, 'tls', 600, 400),
  (13, '10.0.0.20', 41003, '203.0.113.5', 443, 280.2, 0.5, 'SF', 'ShADadFf', 'syn', 0, 30, 'tls', 600, 400),
  (14, '10.0.0.20', 41004, '203.0.113.5', 443, 340.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 30, 'tls', 600, 400),
  (15, '10.0.0.20', 41005, '203.0.113.5', 443, 400.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 30, 'tls', 600, 400),
  (16, '10.0.0.21', 42000, '203.0.113.6', 443, 100.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 12, 'tls', 0, 0),
  (17, '10.0.0.21', 42001, '203.0.113.6', 443, 103.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 12, 'tls', 0, 0),
  (18, '10.0.0.21', 42002, '203.0.113.6', 443, 190.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 12, 'tls', 0, 0),
  (19, '10.0.0.21', 42003, '203.0.113.6', 443, 191.0, 0.5, 'SF', 'ShADadFf', 'syn', 0, 12, 'tls', 0, 0),
  (20, '10.0.0.1', 43000, '192.0.2.22', 22, 50.0, 10800.25, 'SF', 'ShADadFf', 'syn', 0, 5, '', 4000, 9000),
  (40, '10.0.0.2', 44000, '192.0.2.80', 80, 500.0, 2.0, 'OTH', 'D', 'port', 1, NULL, '', 700, 0),
  (41, '10.0.0.3', 45000, '192.0.2.44', 4444, 510.0, 1.0, 'SF', 'ShADadFf', 'syn', 0, 2.5, 'http', 120, 60),
  (42, '10.0.0.3', 45001, '192.0.2.21', 21, 520.0, 3.0, 'SF', 'ShADadFf', 'syn', 0, 1, '', 36, 40),
  (43, '10.0.0.4', 46000, '192.0.2.99', 9999, 530.0, 1.0, 'SF', 'ShADadFf', 'syn', 0, 1, '', 10, 10),
  (44, '10.0.0.4', 46000, '192.0.2.99', 9999, 590.0, 1.0, 'SF', 'ShADadFf', 'syn', 0, 1, '', 10, 10),
  (45, '10.0.0.5', 47000, '192.0.2.80', 80, 600.0, 1.0, 'RSTR', 'ShADrd', 'syn', 0, 1, '', 20, 30),
  (46, '10.0.0.6', 48000, '198.51.100.7', 8022, 610.0, 9.0, 'SF', 'ShADadFf', 'syn', 0, 80, '', 50000, 100),
  (47, '10.0.0.7', 49000, '192.0.2.80', 80, 620.0, 2.0, 'S1', 'ShADgda', 'syn', 0, 1.5, 'http', 90, 1000);
WITH RECURSIVE k(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM k WHERE i < 11)
INSERT INTO s SELECT 21 + i, '10.0.0.66', 50000 + i, '192.0.2.80', 8000 + i, 300 + i * 0.01, 0, iif(i % 3, 'S0', 'REJ'), iif(i % 3, 'S', 'Sr'),
                     'syn', 0, NULL, '', 0, 0 FROM k;
INSERT INTO session (session_id, client_addr, client_port, server_addr, server_port, vlan, tunnel, first_ns, last_ns, conn_state, history,
                     close_reason, roles, midstream, healed, rtt_ns, protocol, community_id, first_capture_id, first_frame, last_capture_id, last_frame)
  SELECT id, client, cport, server, sport, '', '', CAST(1715595437e9 + at * 1e9 AS INTEGER), CAST(1715595437e9 + (at + lasts) * 1e9 AS INTEGER),
         state, history, 'fin', roles, midstream, 0, CAST(rtt_ms * 1e6 AS INTEGER), protocol, '', 1, id, 1, id + 1 FROM s;

-- Streams as long as they should be, with their books in order.
CREATE TEMP TABLE lost (id INTEGER, direction INTEGER, start INTEGER, length INTEGER, reason TEXT, capture INTEGER);
INSERT INTO lost VALUES (46, 0, 20000, 1400, 'snaplen', 2), (47, 1, 300, 200, 'acked', 1);
CREATE TEMP TABLE t AS SELECT id, 0 AS direction, c AS length FROM s UNION ALL SELECT id, 1, v FROM s;
INSERT INTO stream (session_id, direction, isn, base_seq, length, stored_bytes, gap_bytes, captured_bytes, duplicate_bytes, stray_bytes,
                    segments, out_of_order, retransmitted, packets, wire_bytes, urgent, bad_checksums, mss, window_scale, fin, rst)
  SELECT t.id, direction, 1, 2, length, length - g, g, length - g + d + x, d, x, (length + 1399) / 1400, iif(d, 3, 0), iif(d, 2, 0),
         iif(t.id = 40 AND direction = 1, 0, 3 + length / 1400), length + 40, 0, iif(d, 7, 0), 1460, 7, 1, iif(x, 1, 0)
    FROM (SELECT *, coalesce((SELECT sum(l.length) FROM lost AS l WHERE l.id = t.id AND l.direction = t.direction), 0) AS g,
                 iif(id = 46 AND direction = 0, 2800, 0) AS d, iif(id = 45 AND direction = 1, 9, 0) AS x FROM t) AS t;
INSERT INTO gap (gap_id, session_id, direction, stream_offset, length, reason, proof_capture_id, proof_frame, before_capture_id, before_frame,
                 after_capture_id, after_frame, before_ns, after_ns, told_capture_id, told_frame)
  SELECT 100 + rowid, id, direction, start, length, reason, capture, 90, capture, 88, capture, 89, 1715596050000000000, 1715596050100000000, capture, 91
    FROM lost;
INSERT INTO chunk (session_id, direction, stream_offset, raw_size, capture_id, first_ns, last_ns, first_frame, last_frame, arrivals, data)
  SELECT id, direction, start, stop - start, 1, CAST(1715595437e9 + (SELECT at FROM s WHERE s.id = p.id) * 1e9 AS INTEGER),
         CAST(1715595437e9 + (SELECT at FROM s WHERE s.id = p.id) * 1e9 AS INTEGER), id, id, X'', zeroblob(stop - start)
    FROM (SELECT id, direction, 0 AS start, coalesce((SELECT l.start FROM lost AS l WHERE l.id = t.id AND l.direction = t.direction), length) AS stop
            FROM t
          UNION ALL
          SELECT l.id, l.direction, l.start + l.length, t.length FROM lost AS l JOIN t ON t.id = l.id AND t.direction = l.direction) AS p
   WHERE stop > start;
INSERT INTO stray (stray_id, session_id, direction, stream_offset, length, reason, capture_id, frame, ns, data)
  VALUES (100, 45, 1, 30, 9, 'rst', 1, 45, 1715596038000000000, CAST('No thanks' AS BLOB));

CREATE TEMP TABLE m (id INTEGER, number INTEGER, direction INTEGER, start INTEGER, length INTEGER, missing INTEGER, protocol TEXT, kind TEXT,
                     summary TEXT, detail TEXT, complete INTEGER, sync TEXT, answers INTEGER, pairing TEXT, ms REAL);
INSERT INTO m SELECT id, 1, 0, 0, 200, 0, 'tls', 'handshake', 'client hello',
                     iif(id = 12, '{"handshake":"client_hello","version":"TLS 1.2","ciphers":12,"server_name":"a.example"}',
                                  '{"handshake":"client_hello","version":"TLS 1.2","ciphers":12}'), 1, 'start', NULL, NULL, 0 FROM s WHERE id BETWEEN 10 AND 15;
INSERT INTO m SELECT id, 2, 1, 0, 400, 0, 'tls', 'handshake', 'server hello',
                     iif(id = 13, '{"handshake":"server_hello","version":"TLS 1.2","selected_version":"TLS 1.3","cipher":"0x1301"}',
                                  '{"handshake":"server_hello","version":"TLS 1.0","cipher":"0x002f"}'), 1, 'start', NULL, NULL, 20 FROM s WHERE id BETWEEN 10 AND 15;
INSERT INTO m VALUES
  (41, 1, 0, 0, 120, 0, 'http', 'request', 'GET /login?user=a&password=hunter2',
   '{"method":"GET","target":"/login?user=a&password=hunter2","host":"panel.example","version":"1.1","user_agent":"curl/8"}', 1, 'start', NULL, NULL, 0),
  (41, 2, 1, 0, 60, 0, 'http', 'response', '500 Internal Server Error', '{"status":500,"reason":"Internal Server Error"}', 1, 'start', 1, 'proved', 750),
  (42, 1, 0, 0, 16, 0, 'turn', 'turn', 'USER anonymous', NULL, 1, 'start', NULL, NULL, 0),
  (42, 2, 1, 0, 40, 0, 'turn', 'turn', '331 go on', NULL, 1, 'start', NULL, NULL, 1),
  (42, 3, 0, 16, 20, 0, 'turn', 'turn', 'PASS me@example', NULL, 1, 'counted', NULL, NULL, 2),
  (46, 1, 0, 0, 50000, 1400, 'turn', 'turn', 'data', NULL, 0, 'start', NULL, NULL, 0),
  (47, 1, 0, 0, 90, 0, 'http', 'request', 'GET /b', '{"method":"GET","target":"/b","host":"example.org"}', 1, 'start', NULL, 'unanswered', 0),
  (47, 2, 1, 600, 400, 0, 'http', 'response', '304 Not Modified', '{"status":304,"reason":"Not Modified"}', 1, 'resynced', NULL, 'unasked', 5);
INSERT INTO message (message_id, session_id, direction, ordinal, stream_offset, length, missing, head_length, protocol, kind, summary, detail,
                     complete, sync, first_ns, last_ns, first_frame, last_frame, first_capture_id, last_capture_id, peer_acked, answers_message_id, pairing)
  SELECT (m.id << 32) + number, m.id, direction, row_number() OVER (PARTITION BY m.id, direction ORDER BY start), start, m.length, missing, 0, m.protocol,
         kind, summary, detail, complete, sync, CAST(1715595437e9 + at * 1e9 + ms * 1e6 AS INTEGER), CAST(1715595437e9 + at * 1e9 + ms * 1e6 AS INTEGER),
         m.id, m.id, 1, 1, 0, (m.id << 32) + answers, pairing
    FROM m JOIN s ON s.id = m.id ORDER BY 1;

INSERT INTO frame_count VALUES (2, 'other_channel', 6, 420);
INSERT INTO scan VALUES
  (1, 1, 'client', '10.0.0.67', NULL, 22, 15, 15, 600, 1715595437500000000, 1715595438000000000, 101, 127, 1, 20, 2, 3),
  (2, 1, 'endpoint', NULL, '192.0.2.80', 443, 12, 13, 520, 1715595437600000000, 1715595437900000000, 102, 126, 1, 21, 2, 2);
UPDATE capture SET frames = frames + 6 WHERE capture_id = 2;
COMMIT;
